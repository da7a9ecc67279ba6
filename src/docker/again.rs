//! A command line of `run` that was typed once, and is read again: whenever the container that it made is started, entered or
//! shown.

use super::commands;
use super::{Command, RunArgs};
use crate::error::Error;
use std::ffi::{OsStr, OsString};

/// What followed `run` or `create` in these arguments, the program's name first.
pub fn words_of_run(arguments: Vec<OsString>) -> Vec<OsString> {
    let mut words = arguments.into_iter().skip(1);
    while let Some(word) = words.next() {
        if word == "--state" {
            words.next();
        } else if word == "run" || word == "create" {
            break;
        }
        // Else `--state=DIR`, or `container`.
    }
    words.collect()
}

/// Reads such words again.
///
/// Errors: they mean nothing to this mydocker; that which read them was another one.
#[cold]
#[inline(never)]
pub fn read_again(
    words: &[OsString],
    is_directory: &dyn Fn(&OsStr) -> bool,
) -> Result<RunArgs, Error> {
    let parser = lexopt::Parser::from_args(words);
    match commands::read(&commands::run::COMMAND, parser, None, is_directory)? {
        Command::Run(arguments, _) => Ok(*arguments),
        _ => Err(Error::refused(
            "the container's command line",
            "it asks for help, and not for a container",
        )),
    }
}

/// What such words ask when `updates`, options of `update`, are asked as well: of each option the last one counts.
///
/// Errors: they mean nothing to this mydocker.
#[cold]
#[inline(never)]
pub fn update(asked: &mut RunArgs, updates: &[OsString]) -> Result<(), Error> {
    if updates.is_empty() {
        return Ok(());
    }
    let words = updates.iter().cloned();
    let words: Vec<OsString> = words.chain(["command".into()]).collect();
    let changed = read_again(&words, &|_| false)?;
    asked.limits.extend(changed.limits);
    if changed.restart.is_some() {
        asked.restart = changed.restart;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[&str]) -> Vec<OsString> {
        words.iter().map(OsString::from).collect()
    }

    #[test]
    fn words_are_those_behind_the_command() {
        for line in [
            &["m", "run", "-d", "run", "x"][..],
            &["m", "--state", "run", "run", "-d", "run", "x"],
            &["m", "--state=run", "create", "-d", "run", "x"],
            &[
                "m",
                "--state",
                "create",
                "container",
                "run",
                "-d",
                "run",
                "x",
            ],
        ] {
            assert_eq!(words_of_run(words(line)), words(&["-d", "run", "x"]));
        }
        assert_eq!(words_of_run(words(&["m"])), words(&[]));
    }

    #[test]
    fn a_line_says_the_same_again() {
        let typed = words(&[
            "-d",
            "--name",
            "a",
            "--rootfs",
            "/r",
            "--overlay",
            "./up",
            "sh",
            "-c",
            "true",
        ]);
        let read = read_again(&typed, &|word| word == "./up").unwrap();
        assert_eq!((read.detach, read.command.len()), (true, 3));
        let read = read_again(&typed, &|_| false).unwrap();
        assert_eq!(read.command.len(), 4);
        assert!(read_again(&words(&["--help"]), &|_| false).is_err());
    }
}
