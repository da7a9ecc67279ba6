//! `mydocker pool`.

use crate::docker::described::{Described, Group, Words};
use crate::docker::options::{self, Line, Reading, Row, text};
use crate::docker::topic::POOL_HELP;
use crate::docker::{Command, RunArgs, bad_value, texts};
use crate::error::Error;
use crate::pool::PoolArgs;
use std::ffi::OsString;
use std::time::Duration;

pub static COMMAND: Described = Described {
    name: "pool",
    group: Group::Mydocker,
    words: Words::DirectoryIfAny,
    about: "keep containers ready, for runs that start faster",
    text: texts::POOL_TEXT,
    help: POOL_HELP,
    options: options::POOL,
    make,
};

/// What is of the pool itself.
pub const OPTIONS: &[Row] = &[
    Row {
        default: "`16`",
        ..options::own(
            ("size", None),
            Reading::Own(text("N"), size),
            "how many to keep",
            "How many to keep.",
        )
    },
    Row {
        default: "they may become as old as the pool",
        ..options::own(
            ("pool-max-age", None),
            Reading::Own(text("SECONDS"), max_age),
            "how old one may become",
            "Make another one in the place of one that has waited for so long: what has been mounted on the host since a box was made \
             is not in it.",
        )
    },
];

/// The most spares that a pool keeps: each is a descriptor, and some tens of KiB of the kernel's
/// memory.
const LARGEST: usize = 10_000;

fn size(line: &mut Line, name: &'static str, typed: OsString) -> Result<(), Error> {
    let number = typed.to_str().and_then(|number| number.parse().ok());
    let size = number.filter(|size| (1..=LARGEST).contains(size));
    let size =
        size.ok_or_else(|| bad_value((name, POOL_HELP), &typed, "a number from 1 to 10000"))?;
    line.others.size = Some(size);
    Ok(())
}

fn max_age(line: &mut Line, name: &'static str, typed: OsString) -> Result<(), Error> {
    let number = typed.to_str().and_then(|number| number.parse().ok());
    let seconds = number.filter(|seconds: &u64| *seconds > 0);
    let seconds = seconds
        .ok_or_else(|| bad_value((name, POOL_HELP), &typed, "a number of seconds from 1"))?;
    line.others.oldest = Some(Duration::from_secs(seconds));
    Ok(())
}

fn make(line: Line, words: Vec<OsString>) -> Result<Command, Error> {
    let directory = words.into_iter().next();
    let boxes = RunArgs {
        // Someone's words are read, as for a run.
        command: vec!["true".into()],
        ..line.run
    };
    let arguments = PoolArgs {
        size: line.others.size.unwrap_or(PoolArgs::DEFAULT_SIZE),
        oldest: line.others.oldest,
        directory: directory.unwrap_or_else(|| PoolArgs::DEFAULT_DIRECTORY.into()),
    };
    Ok(Command::Pool(arguments, Box::new(boxes), line.log))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::docker::elsewhere;

    fn pool(words: &[&str]) -> Result<PoolArgs, String> {
        let words = ["pool"].iter().chain(words).map(std::ffi::OsString::from);
        match crate::docker::parse(words.collect(), &|_| false) {
            Ok(Command::Pool(arguments, ..)) => Ok(arguments),
            Ok(other) => Err(format!("{other:?}")),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn options() {
        let arguments = pool(&["--size=3", "--log-level", "debug", "/x"]).unwrap();
        assert_eq!((arguments.size, arguments.directory), (3, "/x".into()));
        let arguments = pool(&[]).unwrap();
        assert_eq!(arguments.directory, PoolArgs::DEFAULT_DIRECTORY);
        assert_eq!(pool(&["-h"]), Err("Help(Command(pool, Brief))".into()));
    }

    /// `pool` has no row for what it does not take, and an answer instead.
    #[test]
    fn what_is_not_of_a_box_has_an_answer() {
        for row in options::all(options::RUN) {
            let is_boxs = options::by_name(options::POOL, row.long).is_some();
            let short = row.short.map(String::from);
            for name in [Some(row.long.to_owned()), short].into_iter().flatten() {
                let answer = elsewhere::option("pool", &name);
                assert_ne!(answer.is_some(), is_boxs, "{name}");
            }
        }
    }

    #[test]
    fn mistakes_are_named() {
        for (words, message) in [
            (
                &["--size=0"][..],
                "option '--size' takes a number from 1 to 10000, not '0'",
            ),
            (
                &["--size", "many"],
                "option '--size' takes a number from 1 to 10000, not 'many'",
            ),
            (
                &["--sise=1"],
                "unknown option '--sise', did you mean '--size'?",
            ),
            (
                &["/a", "/b"],
                "unexpected word '/b': mydocker pool [OPTIONS] [DIR]",
            ),
            (&["-x"], "unknown option '-x'"),
            (
                &["-e", "A=1"],
                "-e: it is for each run by itself, and not for the pool: mydocker run --pool DIR takes it",
            ),
            (
                &["--timeout=2"],
                "--timeout: it is for each run by itself, and not for the pool: mydocker run --pool DIR takes it",
            ),
            (
                &["-d"],
                "-d: what the pool keeps is not for runs with it: each has a container of its own",
            ),
        ] {
            assert_eq!(pool(words), Err(message.into()), "{words:?}");
        }
    }
}
