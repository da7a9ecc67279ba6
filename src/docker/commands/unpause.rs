//! `mydocker unpause`.

use super::rows;
use crate::docker::Command;
use crate::docker::described::{Described, Group, Words};
use crate::docker::options::{self, Line};
use crate::error::Error;
use std::ffi::OsString;

pub static COMMAND: Described = Described {
    name: "unpause",
    group: Group::End,
    words: Words::Containers,
    about: "let paused containers run on",
    text: "
Lets containers run on that `mydocker pause` holds.
",
    help: "mydocker help unpause",
    options: &[rows::SHARED, options::HELP],
    make,
};

/// What was typed after `mydocker unpause`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UnpauseArgs {
    pub state: Option<OsString>,
    pub containers: Vec<OsString>,
}

fn make(line: Line, containers: Vec<OsString>) -> Result<Command, Error> {
    let arguments = UnpauseArgs {
        state: line.run.state,
        containers,
    };
    Ok(Command::Unpause(Box::new(arguments)))
}
