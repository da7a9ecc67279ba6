//! The options of `mydocker pool`.

use super::log::{self, LogArgs};
use super::options::{self, Asked, End, Kind, Needs, Reading, Row, Section, Tables, Value};
use super::topic::{POOL_HELP, Topic};
use super::{Command, bad_value};
use crate::error::Error;
use crate::pool::PoolArgs;
use std::ffi::OsString;

/// The most spares that a pool keeps: each is a descriptor, and some tens of KiB of the kernel's
/// memory.
const LARGEST: usize = 10_000;

/// What was typed after `mydocker pool`.
pub struct PoolLine {
    size: usize,
    log: LogArgs,
}

impl AsMut<LogArgs> for PoolLine {
    fn as_mut(&mut self) -> &mut LogArgs {
        &mut self.log
    }
}

/// The options of `mydocker pool`.
pub const OPTIONS: Tables<PoolLine> = &[
    &[Row {
        long: "size",
        short: None,
        section: Section::Launch,
        needs: Needs::Nothing,
        reading: Reading::Own(
            Value {
                name: "N",
                kind: Kind::Text,
            },
            size,
        ),
        brief: "how many to keep",
        help: "How many to keep.",
        default: "16",
    }],
    &log::rows(),
    &[options::help()],
];

const _: () = options::check(OPTIONS);

fn size(line: &mut PoolLine, name: &'static str, typed: OsString) -> Result<(), Error> {
    line.size = typed
        .to_str()
        .and_then(|number| number.parse().ok())
        .filter(|size| (1..=LARGEST).contains(size))
        .ok_or_else(|| bad_value((name, POOL_HELP), &typed, "a number from 1 to 10000"))?;
    Ok(())
}

/// Reads what follows `pool`.
#[cold]
#[inline(never)]
pub fn parse(mut parser: lexopt::Parser) -> Result<Command, Error> {
    let mut line = PoolLine {
        size: PoolArgs::DEFAULT_SIZE,
        log: LogArgs::default(),
    };
    let asked = Asked {
        is_directory: &|_| false,
        help: POOL_HELP,
    };
    let mut directory = None;
    loop {
        match options::read(&mut parser, OPTIONS, &mut line, &asked, &mut |_| ())? {
            End::Help(_) => return Ok(Command::Help(Topic::Pool)),
            End::Word(word) if directory.is_none() => directory = Some(word),
            End::Word(_) => return Err(Error::usage("a pool has one directory", POOL_HELP)),
            End::Line => break,
        }
    }
    let directory = directory.unwrap_or_else(|| PoolArgs::DEFAULT_DIRECTORY.into());
    let arguments = PoolArgs {
        size: line.size,
        directory,
    };
    Ok(Command::Pool(arguments, line.log))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool(words: &[&str]) -> Result<PoolArgs, String> {
        let words = ["pool"].iter().chain(words).map(std::ffi::OsString::from);
        match crate::docker::parse(words.collect(), &|_| false) {
            Ok(Command::Pool(arguments, _)) => Ok(arguments),
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
        assert_eq!(pool(&["-h"]), Err("Help(Pool)".into()));
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
            (&["/a", "/b"], "a pool has one directory"),
            (&["-x"], "unknown option '-x'"),
        ] {
            assert_eq!(pool(words), Err(message.into()), "{words:?}");
        }
    }
}
