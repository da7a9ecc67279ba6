//! The options of `mydocker pool`.

use super::help::POOL_USAGE;
use super::log::LogArgs;
use super::{Command, Word, bad_value, described, help, next, unknown_option};
use crate::error::Error;
use crate::pool::PoolArgs;

/// The most spares that a pool keeps: each is a descriptor, and some tens of KiB of the kernel's
/// memory.
const LARGEST: usize = 10_000;

/// Reads what follows `pool`.
#[cold]
#[inline(never)]
pub fn parse(mut parser: lexopt::Parser) -> Result<Command, Error> {
    let mut size = PoolArgs::DEFAULT_SIZE;
    let mut directory = None;
    let mut log = LogArgs::default();
    while let Some(word) = next(&mut parser, POOL_USAGE)? {
        match word {
            Word::Short('h') => return Ok(Command::Help(help::Topic::Pool)),
            Word::Short(letter) => {
                let message = format!("unknown option '-{letter}'");
                return Err(Error::usage(message, POOL_USAGE));
            }
            Word::Value(value) if directory.is_none() => directory = Some(value),
            Word::Value(_) => {
                return Err(Error::usage("a pool has one directory", POOL_USAGE));
            }
            Word::Long(name) => {
                let mut value = || {
                    parser
                        .value()
                        .map_err(|error| described(&error, POOL_USAGE))
                };
                match name.as_str() {
                    "help" => return Ok(Command::Help(help::Topic::Pool)),
                    "size" => {
                        let typed = value()?;
                        size = typed
                            .to_str()
                            .and_then(|number| number.parse().ok())
                            .filter(|size| (1..=LARGEST).contains(size))
                            .ok_or_else(|| {
                                bad_value(("size", POOL_USAGE), &typed, "a number from 1 to 10000")
                            })?;
                    }
                    name if log.takes(name) => log.option(name, value()?, POOL_USAGE)?,
                    name => {
                        let known = ["size", "log", "log-level", "log-format", "help"];
                        return Err(unknown_option(name, &known, POOL_USAGE));
                    }
                }
            }
        }
    }
    let directory = directory.unwrap_or_else(|| PoolArgs::DEFAULT_DIRECTORY.into());
    Ok(Command::Pool(PoolArgs { size, directory }, log))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool(words: &[&str]) -> Result<PoolArgs, String> {
        let words = ["pool"].iter().chain(words).map(std::ffi::OsString::from);
        match crate::cli::parse(words.collect(), &|_| false) {
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
