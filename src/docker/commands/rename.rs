//! `mydocker rename`.

use super::{first, rows};
use crate::docker::Command;
use crate::docker::described::{Described, Group, Words};
use crate::docker::options::{self, Line};
use crate::error::Error;
use std::ffi::OsString;

pub static COMMAND: Described = Described {
    name: "rename",
    group: Group::Change,
    words: Words::ContainerAndName,
    about: "give a container another name",
    text: "
Gives a container another name.
",
    help: "mydocker help rename",
    options: &[rows::SHARED, options::HELP],
    make,
};

/// What was typed after `mydocker rename`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RenameArgs {
    pub state: Option<OsString>,
    pub container: OsString,
    pub name: OsString,
}

fn make(line: Line, words: Vec<OsString>) -> Result<Command, Error> {
    let (container, rest) = first(words);
    let arguments = RenameArgs {
        state: line.run.state,
        container,
        name: first(rest).0,
    };
    Ok(Command::Rename(Box::new(arguments)))
}
