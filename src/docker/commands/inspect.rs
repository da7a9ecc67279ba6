//! `mydocker inspect`.

use super::rows;
use crate::docker::Command;
use crate::docker::described::{Described, Group, Words};
use crate::docker::options::{self, Line, Reading, Row, words};
use crate::error::Error;
use std::ffi::OsString;

pub static COMMAND: Described = Described {
    name: "inspect",
    group: Group::Look,
    words: Words::Containers,
    about: "tell all that is known of containers",
    text: "
Prints all that is known of the containers, as a JSON array.
",
    help: "mydocker help inspect",
    options: &[OPTIONS, rows::SHARED, options::HELP],
    make,
};

const OPTIONS: &[Row] = &[
    rows::FORMAT,
    options::own(
        ("type", None),
        Reading::Own(words("container", &["container"]), kind),
        "accepted: there is nothing but containers",
        "Accepted, for scripts that say it: there is nothing but containers.",
    ),
];

/// What was typed after `mydocker inspect`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InspectArgs {
    pub state: Option<OsString>,
    pub containers: Vec<OsString>,
    pub format: Option<OsString>,
}

fn kind(_: &mut Line, name: &'static str, typed: OsString) -> Result<(), Error> {
    if typed == "container" {
        return Ok(());
    }
    let named = format!("--{name} {}", typed.to_string_lossy());
    Err(Error::refused(
        named,
        "there is nothing here but containers",
    ))
}

fn make(line: Line, containers: Vec<OsString>) -> Result<Command, Error> {
    let arguments = InspectArgs {
        state: line.run.state,
        containers,
        format: line.others.format,
    };
    Ok(Command::Inspect(Box::new(arguments)))
}
