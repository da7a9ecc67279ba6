//! `mydocker restart`.

use super::rows;
use crate::docker::Command;
use crate::docker::described::{Described, Group, Words};
use crate::docker::options::{self, Line};
use crate::error::Error;
use std::ffi::OsString;

pub static COMMAND: Described = Described {
    name: "restart",
    group: Group::Start,
    words: Words::Containers,
    about: "stop containers, and start them anew",
    text: "
Stops the containers as `mydocker stop` does, those that run, and starts them
anew.
",
    help: "mydocker help restart",
    options: &[&[rows::SIGNAL, rows::TIME], rows::SHARED, options::HELP],
    make,
};

/// What was typed after `mydocker restart`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RestartArgs {
    pub state: Option<OsString>,
    pub containers: Vec<OsString>,
    /// The container's own, if none was given.
    pub signal: Option<i32>,
    /// How long to wait before it is killed, -1 for ever; the container's own, if none was given.
    pub seconds: Option<i32>,
}

fn make(line: Line, containers: Vec<OsString>) -> Result<Command, Error> {
    let arguments = RestartArgs {
        state: line.run.state,
        containers,
        signal: line.others.signal,
        seconds: line.others.seconds,
    };
    Ok(Command::Restart(Box::new(arguments)))
}
