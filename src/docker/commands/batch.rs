//! `mydocker batch`.

use crate::docker::described::{Described, Group, Words};
use crate::docker::options::{self, Line, Reading, Row, file, text};
use crate::docker::topic::BATCH_HELP;
use crate::docker::{Command, LogArgs, RunArgs, bad_value, texts};
use crate::error::Error;
use std::ffi::OsString;

pub static COMMAND: Described = Described {
    name: "batch",
    group: Group::Mydocker,
    words: Words::None,
    about: "run many commands, read as JSON, N at a time",
    text: texts::BATCH_TEXT,
    help: BATCH_HELP,
    options: options::BATCH,
    make,
};

/// A batch, as it was typed.
#[derive(Debug, PartialEq, Eq)]
pub struct BatchArgs {
    /// How many run at a time, if someone has said.
    pub jobs: Option<usize>,
    /// Where jobs come from, if not from stdin.
    pub listen: Option<OsString>,
    /// What holds for every job.
    pub run: RunArgs,
    pub log: LogArgs,
}

/// What is of the batch itself.
pub const OPTIONS: &[Row] = &[
    Row {
        default: "as many as there are processors",
        ..options::own(
            ("jobs", None),
            Reading::Own(text("N"), jobs),
            "how many to run at a time",
            "How many to run at a time.",
        )
    },
    Row {
        default: "jobs come from stdin",
        ..options::own(
            ("listen", None),
            Reading::One(file("PATH"), |line| &mut line.others.listen),
            "take jobs from callers of a Unix socket there",
            "Make a Unix socket at PATH, which only its owner can call: each connection brings jobs and takes their results. It is \
             kept until a signal ends it.",
        )
    },
];

/// The most that run at a time: each has a process of mydocker's.
const MOST: usize = 1000;

fn jobs(line: &mut Line, name: &'static str, typed: OsString) -> Result<(), Error> {
    let number = typed.to_str().and_then(|number| number.parse().ok());
    let jobs = number.filter(|jobs| (1..=MOST).contains(jobs));
    let jobs =
        jobs.ok_or_else(|| bad_value((name, BATCH_HELP), &typed, "a number from 1 to 1000"))?;
    line.others.jobs = Some(jobs);
    Ok(())
}

fn make(line: Line, _: Vec<OsString>) -> Result<Command, Error> {
    Ok(Command::Batch(Box::new(BatchArgs {
        jobs: line.others.jobs,
        listen: line.others.listen,
        run: line.run,
        log: line.log,
    })))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(words: &[&str]) -> Result<BatchArgs, String> {
        let words = ["batch"].iter().chain(words).map(OsString::from);
        match crate::docker::parse(words.collect(), &|_| false) {
            Ok(Command::Batch(arguments)) => Ok(*arguments),
            Ok(other) => Err(format!("{other:?}")),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn options() {
        let words = ["--jobs=3", "--listen", "/x", "-m", "64m", "--timeout", "2"];
        let arguments = batch(&words).unwrap();
        assert_eq!(arguments.jobs, Some(3));
        assert_eq!(arguments.listen, Some("/x".into()));
        assert_eq!(arguments.run.timeout, Some("2".into()));
        assert_eq!(batch(&["-h"]), Err("Help(Command(batch, Brief))".into()));
    }

    #[test]
    fn mistakes_are_named() {
        for (words, message) in [
            (
                &["--jobs=0"][..],
                "option '--jobs' takes a number from 1 to 1000, not '0'",
            ),
            (&["sh"], "unexpected word 'sh': mydocker batch [OPTIONS]"),
            (
                &["-t"],
                "-t: it means nothing here: what a job reads and writes stands in its line",
            ),
            (
                &["--interactive"],
                "--interactive: it means nothing here: what a job reads and writes stands in its line",
            ),
            (&["-d"], "unknown option '-d'"),
            (&["--name=x"], "unknown option '--name'"),
            (
                &["--report=x"],
                "unknown option '--report', did you mean '--report-cgroup'?",
            ),
        ] {
            assert_eq!(batch(words), Err(message.into()), "{words:?}");
        }
    }
}
