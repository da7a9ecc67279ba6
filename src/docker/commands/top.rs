//! `mydocker top`.

use super::{first, rows};
use crate::docker::Command;
use crate::docker::described::{Described, Group, Words};
use crate::docker::options::{self, Line};
use crate::error::Error;
use std::ffi::OsString;

pub static COMMAND: Described = Described {
    name: "top",
    group: Group::Look,
    words: Words::ContainerAndOptions,
    about: "list the processes of a container",
    text: "
Lists the processes of a container, with the pids that they have for you. What
follows the container is what ps(1) would be asked for: -ef, aux, or -o with the
names of columns. Times are UTC.
",
    help: "mydocker help top",
    options: &[rows::SHARED, options::HELP],
    make,
};

/// What was typed after `mydocker top`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TopArgs {
    pub state: Option<OsString>,
    pub container: OsString,
    /// Options of ps(1).
    pub options: Vec<OsString>,
}

fn make(line: Line, words: Vec<OsString>) -> Result<Command, Error> {
    let (container, options) = first(words);
    let arguments = TopArgs {
        state: line.run.state,
        container,
        options,
    };
    Ok(Command::Top(Box::new(arguments)))
}
