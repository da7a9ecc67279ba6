//! `mydocker pause`.

use super::rows;
use crate::docker::Command;
use crate::docker::described::{Described, Group, Words};
use crate::docker::options::{self, Line};
use crate::error::Error;
use std::ffi::OsString;

pub static COMMAND: Described = Described {
    name: "pause",
    group: Group::End,
    words: Words::Containers,
    about: "hold all processes of containers",
    text: "
Holds all processes of the containers, until `mydocker unpause`.
",
    help: "mydocker help pause",
    options: &[rows::SHARED, options::HELP],
    make,
};

/// What was typed after `mydocker pause`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PauseArgs {
    pub state: Option<OsString>,
    pub containers: Vec<OsString>,
}

fn make(line: Line, containers: Vec<OsString>) -> Result<Command, Error> {
    let arguments = PauseArgs {
        state: line.run.state,
        containers,
    };
    Ok(Command::Pause(Box::new(arguments)))
}
