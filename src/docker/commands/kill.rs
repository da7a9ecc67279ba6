//! `mydocker kill`.

use super::rows;
use crate::docker::Command;
use crate::docker::described::{Described, Group, Words};
use crate::docker::options::{self, Line, Row};
use crate::error::Error;
use std::ffi::OsString;

pub static COMMAND: Described = Described {
    name: "kill",
    group: Group::End,
    words: Words::Containers,
    about: "kill containers, or send them a signal",
    text: "
Sends the containers a signal, SIGKILL if no other is named.
",
    help: "mydocker help kill",
    options: &[
        &[Row {
            brief: "what to send",
            help: "What to send, by its name or number.",
            default: "`SIGKILL`",
            ..rows::SIGNAL
        }],
        rows::SHARED,
        options::HELP,
    ],
    make,
};

/// What was typed after `mydocker kill`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KillArgs {
    pub state: Option<OsString>,
    pub containers: Vec<OsString>,
    pub signal: i32,
}

fn make(line: Line, containers: Vec<OsString>) -> Result<Command, Error> {
    let arguments = KillArgs {
        state: line.run.state,
        containers,
        signal: line.others.signal.unwrap_or(libc::SIGKILL),
    };
    Ok(Command::Kill(Box::new(arguments)))
}
