//! `mydocker wait`.

use super::rows;
use crate::docker::Command;
use crate::docker::described::{Described, Group, Words};
use crate::docker::options::{self, Line};
use crate::error::Error;
use std::ffi::OsString;

pub static COMMAND: Described = Described {
    name: "wait",
    group: Group::End,
    words: Words::Containers,
    about: "wait until containers have ended; print their exit codes",
    text: "
Waits until the containers have ended, and prints the exit code of each.
",
    help: "mydocker help wait",
    options: &[rows::SHARED, options::HELP],
    make,
};

/// What was typed after `mydocker wait`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WaitArgs {
    pub state: Option<OsString>,
    pub containers: Vec<OsString>,
}

fn make(line: Line, containers: Vec<OsString>) -> Result<Command, Error> {
    let arguments = WaitArgs {
        state: line.run.state,
        containers,
    };
    Ok(Command::Wait(Box::new(arguments)))
}
