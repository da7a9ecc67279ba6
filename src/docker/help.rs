//! The help texts, put together.

use super::texts::*;
use super::topic::{Detail, Topic};
use super::{manual, options, pool, render};
use crate::guide;

#[cold]
#[inline(never)]
pub fn text(topic: Topic) -> String {
    match topic {
        Topic::Mydocker => [MYDOCKER, &guides(), TRY].concat(),
        Topic::Run(Detail::Brief) => [
            RUN_USAGE_LINE,
            RUN_TEXT,
            &render::options(options::RUN, render::brief),
            "\nmydocker help run tells more of each.\n",
        ]
        .concat(),
        Topic::Run(Detail::Full) => [
            RUN_USAGE_LINE,
            RUN_TEXT,
            EXAMPLES,
            &render::options(options::RUN, render::full),
            EXIT_CODES,
        ]
        .concat(),
        Topic::Pool => [
            POOL_USAGE_LINE,
            POOL_TEXT,
            &render::options(pool::OPTIONS, render::full),
            &guide::find("pool")
                .map(|guide| ["\n", &guide.plain()].concat())
                .unwrap_or_default(),
        ]
        .concat(),
        Topic::Completion => COMPLETION.to_owned(),
        Topic::Init => INIT.to_owned(),
        Topic::Guide(guide) => guide.plain(),
        Topic::Manual => manual::page(),
    }
}

/// A line for each guide, if this build has them.
fn guides() -> String {
    let mut text = String::new();
    for guide in guide::ALL {
        if text.is_empty() {
            text.push_str("\nguides (mydocker help TOPIC):\n");
        }
        text.push_str(&format!("  {:10}  {}\n", guide.name, guide.about));
    }
    text
}
