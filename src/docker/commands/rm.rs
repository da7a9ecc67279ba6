//! `mydocker rm`.

use super::rows;
use crate::docker::Command;
use crate::docker::described::{Described, Group, Words};
use crate::docker::options::{self, Line, Row};
use crate::error::Error;
use std::ffi::OsString;

pub static COMMAND: Described = Described {
    name: "rm",
    group: Group::Change,
    words: Words::Containers,
    about: "remove containers that have ended",
    text: "
Removes containers that do not run: their names, their logs, and how they ended.
Their roots and volumes are directories of yours, which stay.
",
    help: "mydocker help rm",
    options: &[OPTIONS, rows::SHARED, options::HELP],
    make,
};

const OPTIONS: &[Row] = &[
    options::switch(
        ("force", Some('f')),
        |line| &mut line.others.force,
        "kill those that run, first",
        "Kill those that run, first; and say nothing of those that there are not.",
    ),
    options::switch(
        ("volumes", Some('v')),
        |line| &mut line.others.volumes,
        "accepted: volumes are directories of yours",
        "Accepted, for fingers that type it: volumes are directories of yours, and stay.",
    ),
];

/// What was typed after `mydocker rm`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RmArgs {
    pub state: Option<OsString>,
    pub containers: Vec<OsString>,
    pub force: bool,
}

fn make(line: Line, containers: Vec<OsString>) -> Result<Command, Error> {
    let arguments = RmArgs {
        state: line.run.state,
        containers,
        force: line.others.force,
    };
    Ok(Command::Rm(Box::new(arguments)))
}
