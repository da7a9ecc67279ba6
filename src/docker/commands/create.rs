//! `mydocker create`.

use crate::docker::Command;
use crate::docker::described::{Described, Group, Words};
use crate::docker::options::{self, Line};
use crate::error::Error;
use std::ffi::OsString;

pub static COMMAND: Described = Described {
    name: "create",
    group: Group::Start,
    words: Words::Command,
    about: "make a container, for a later start",
    text: "
Makes a container that runs COMMAND when `mydocker start` starts it, and prints
its id. Options end at COMMAND.
",
    help: "mydocker help create",
    options: options::CREATE,
    make,
};

fn make(mut line: Line, words: Vec<OsString>) -> Result<Command, Error> {
    line.run.command = words;
    Ok(Command::Create(Box::new(line.run), line.log))
}
