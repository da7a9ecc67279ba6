//! `mydocker attach`.

use super::{first, rows};
use crate::docker::Command;
use crate::docker::described::{Described, Group, Words};
use crate::docker::options::{self, Line, Reading, Row};
use crate::error::Error;
use std::ffi::OsString;

pub static COMMAND: Described = Described {
    name: "attach",
    group: Group::Enter,
    words: Words::Container,
    about: "type to a container, and see what it writes",
    text: "
Connects your terminal, or what stdin, stdout and stderr are, with those of a
container, until its end, or until ^P ^Q is typed.
",
    help: "mydocker help attach",
    options: &[OPTIONS, rows::SHARED, options::HELP],
    make,
};

const OPTIONS: &[Row] = &[
    options::DETACH_KEYS,
    options::switch(
        ("no-stdin", None),
        |line| &mut line.others.no_stdin,
        "only see what it writes",
        "Hand nothing of what is typed to it.",
    ),
    Row {
        default: "`true`",
        ..options::own(
            ("sig-proxy", None),
            Reading::Choosing(|line| &mut line.others.signal_proxy),
            "hand signals on to it",
            "Hand signals on to it; with `--sig-proxy=false` they are mydocker's own.",
        )
    },
];

/// What was typed after `mydocker attach`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AttachArgs {
    pub state: Option<OsString>,
    pub container: OsString,
    /// The bytes of them, if they were given.
    pub detach_keys: Option<Vec<u8>>,
    pub no_stdin: bool,
    /// Whether signals are handed on to the container.
    pub signal_proxy: bool,
}

fn make(line: Line, words: Vec<OsString>) -> Result<Command, Error> {
    let arguments = AttachArgs {
        state: line.run.state,
        container: first(words).0,
        detach_keys: line.run.detach_keys,
        no_stdin: line.others.no_stdin,
        signal_proxy: line.others.signal_proxy.unwrap_or(true),
    };
    Ok(Command::Attach(Box::new(arguments)))
}
