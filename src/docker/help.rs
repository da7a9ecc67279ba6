//! The help texts, put together.

use super::commands::{self, batch, pool, run};
use super::described::{Described, Group};
use super::texts::*;
use super::topic::{Detail, Topic};
use super::{manual, render};
use crate::guide;

#[cold]
#[inline(never)]
pub fn text(topic: Topic) -> String {
    match topic {
        Topic::Mydocker => [MYDOCKER, &listed(), OPTIONS, &guides(), TRY].concat(),
        Topic::Command(command, Detail::Brief) => [
            &head(command),
            &*render::options(command.options, render::brief),
            "\n",
            command.help,
            " tells more of each.\n",
        ]
        .concat(),
        Topic::Command(command, Detail::Full) => full(command),
        Topic::Completion => COMPLETION.to_owned(),
        Topic::Init => INIT.to_owned(),
        Topic::Guide(guide) => guide.plain(),
        Topic::Manual => manual::page(),
    }
}

fn head(command: &Described) -> String {
    ["usage: ", &command.usage(), "\n", command.text].concat()
}

fn full(command: &Described) -> String {
    let options = render::options(command.options, render::full);
    let (examples, more) = match command {
        command if *command == run::COMMAND => (EXAMPLES, EXIT_CODES.to_owned()),
        command if *command == pool::COMMAND => ("", of_guide("pool")),
        command if *command == batch::COMMAND => ("", of_guide("batch")),
        _ => ("", String::new()),
    };
    [&head(command), examples, &options, &more].concat()
}

/// The guide, if this build has it.
fn of_guide(name: &str) -> String {
    let guide = guide::find(name);
    let text = guide.map(|guide| ["\n", &guide.plain()].concat());
    text.unwrap_or_default()
}

/// A line for each command, under the heading of its group.
fn listed() -> String {
    let mut text = String::new();
    for group in Group::ALL {
        text.push_str(&format!("\n{}:\n", group.title()));
        let here = commands::ALL
            .iter()
            .filter(|command| command.group == group);
        for command in here {
            text.push_str(&line(command.name, command.about));
        }
    }
    for (name, about) in OTHER_COMMANDS {
        text.push_str(&line(name, about));
    }
    text
}

/// A line for each guide, if this build has them.
fn guides() -> String {
    let mut text = String::new();
    for guide in guide::ALL {
        if text.is_empty() {
            text.push_str("\nguides (mydocker help TOPIC):\n");
        }
        text.push_str(&line(guide.name, guide.about));
    }
    text
}

fn line(name: &str, about: &str) -> String {
    format!("  {name:10}  {about}\n")
}
