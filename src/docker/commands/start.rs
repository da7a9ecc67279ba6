//! `mydocker start`.

use super::rows;
use crate::docker::Command;
use crate::docker::described::{Described, Group, Words};
use crate::docker::options::{self, Line, Row};
use crate::error::Error;
use std::ffi::OsString;

pub static COMMAND: Described = Described {
    name: "start",
    group: Group::Start,
    words: Words::Containers,
    about: "start containers that were made, or have ended",
    text: "
Starts containers that `mydocker create` has made, or that have ended, with the
options that they were made with.
",
    help: "mydocker help start",
    options: &[OPTIONS, rows::SHARED, options::HELP],
    make,
};

const OPTIONS: &[Row] = &[
    options::switch(
        ("attach", Some('a')),
        |line| &mut line.others.attach,
        "see what it writes, and wait for its end",
        "Show what the container writes, hand signals on to it, and exit with its exit code.",
    ),
    options::DETACH_KEYS,
    Row {
        brief: "type to it, too",
        help: "Hand on what is typed, too, to a container that was made with `-i`.",
        section: options::Section::Own,
        default: "",
        ..options::INTERACTIVE
    },
];

/// What was typed after `mydocker start`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StartArgs {
    pub state: Option<OsString>,
    pub containers: Vec<OsString>,
    pub attach: bool,
    pub interactive: bool,
    /// The bytes of them, if they were given.
    pub detach_keys: Option<Vec<u8>>,
}

/// Errors: several containers, of which only one can be attached.
fn make(line: Line, containers: Vec<OsString>) -> Result<Command, Error> {
    let is_attached = line.others.attach || line.run.interactive;
    if is_attached && containers.len() > 1 {
        return Err(Error::usage(
            "options '--attach' and '--interactive' take one container",
            COMMAND.help,
        ));
    }
    let arguments = StartArgs {
        state: line.run.state,
        containers,
        attach: line.others.attach,
        interactive: line.run.interactive,
        detach_keys: line.run.detach_keys,
    };
    Ok(Command::Start(Box::new(arguments)))
}
