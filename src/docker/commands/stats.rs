//! `mydocker stats`.

use super::rows;
use crate::docker::Command;
use crate::docker::described::{Described, Group, Words};
use crate::docker::options::{self, Line, Row};
use crate::error::Error;
use std::ffi::OsString;

pub static COMMAND: Described = Described {
    name: "stats",
    group: Group::Look,
    words: Words::ContainersIfAny,
    about: "show what containers use",
    text: "
Shows what the containers use of processors, memory and disks, anew each second.
Without a name it shows all that run.
",
    help: "mydocker help stats",
    options: &[OPTIONS, rows::SHARED, options::HELP],
    make,
};

const OPTIONS: &[Row] = &[
    options::switch(
        ("all", Some('a')),
        |line| &mut line.others.all,
        "those that do not run as well",
        "Show those that do not run as well.",
    ),
    rows::TABLE_FORMAT,
    options::switch(
        ("no-stream", None),
        |line| &mut line.others.once,
        "once, and not anew each second",
        "Show it once, and not anew each second.",
    ),
    rows::NOT_CUT,
];

/// What was typed after `mydocker stats`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StatsArgs {
    pub state: Option<OsString>,
    /// Empty for all.
    pub containers: Vec<OsString>,
    pub all: bool,
    pub format: Option<OsString>,
    pub no_stream: bool,
    pub no_trunc: bool,
}

fn make(line: Line, containers: Vec<OsString>) -> Result<Command, Error> {
    let arguments = StatsArgs {
        state: line.run.state,
        containers,
        all: line.others.all,
        format: line.others.format,
        no_stream: line.others.once,
        no_trunc: line.others.whole,
    };
    Ok(Command::Stats(Box::new(arguments)))
}
