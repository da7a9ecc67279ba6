//! `mydocker stop`.

use super::rows;
use crate::docker::Command;
use crate::docker::described::{Described, Group, Words};
use crate::docker::options::{self, Line};
use crate::error::Error;
use std::ffi::OsString;

pub static COMMAND: Described = Described {
    name: "stop",
    group: Group::End,
    words: Words::Containers,
    about: "ask containers to end, and kill those that do not",
    text: "
Asks the containers to end by a signal, and kills those that have not ended
after a while. It returns when they have ended.
",
    help: "mydocker help stop",
    options: &[&[rows::SIGNAL, rows::TIME], rows::SHARED, options::HELP],
    make,
};

/// What was typed after `mydocker stop`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StopArgs {
    pub state: Option<OsString>,
    pub containers: Vec<OsString>,
    /// The container's own, if none was given.
    pub signal: Option<i32>,
    /// How long to wait before it is killed, -1 for ever; the container's own, if none was given.
    pub seconds: Option<i32>,
}

fn make(line: Line, containers: Vec<OsString>) -> Result<Command, Error> {
    let arguments = StopArgs {
        state: line.run.state,
        containers,
        signal: line.others.signal,
        seconds: line.others.seconds,
    };
    Ok(Command::Stop(Box::new(arguments)))
}
