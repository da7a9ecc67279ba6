//! `mydocker cp`.

use super::{first, rows};
use crate::docker::Command;
use crate::docker::described::{Described, Group, Words};
use crate::docker::options::{self, Line, Row};
use crate::error::Error;
use std::ffi::OsString;

pub static COMMAND: Described = Described {
    name: "cp",
    group: Group::Enter,
    words: Words::Copy,
    about: "copy files from a container, or to it",
    text: "
Copies a file or a directory from a container, `CONTAINER:PATH`, to a place of
yours, or the other way. `-` is a tar archive on stdout, or on stdin.
",
    help: "mydocker help cp",
    options: &[OPTIONS, rows::SHARED, options::HELP],
    make,
};

const OPTIONS: &[Row] = &[
    options::switch(
        ("archive", Some('a')),
        |line| &mut line.others.archive,
        "keep owners and groups",
        "Keep the owners and groups of files.",
    ),
    options::switch(
        ("follow-link", Some('L')),
        |line| &mut line.others.follow_link,
        "copy what a link leads to",
        "Where the source is a link, copy what it leads to.",
    ),
    options::switch(
        ("quiet", Some('q')),
        |line| &mut line.others.quiet,
        "say nothing of what was copied",
        "Say nothing of what was copied.",
    ),
];

/// What was typed after `mydocker cp`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CpArgs {
    pub state: Option<OsString>,
    /// `CONTAINER:PATH`, a path, or `-`.
    pub source: OsString,
    pub destination: OsString,
    pub archive: bool,
    pub follow_link: bool,
    pub quiet: bool,
}

fn make(line: Line, words: Vec<OsString>) -> Result<Command, Error> {
    let (source, rest) = first(words);
    let arguments = CpArgs {
        state: line.run.state,
        source,
        destination: first(rest).0,
        archive: line.others.archive,
        follow_link: line.others.follow_link,
        quiet: line.others.quiet,
    };
    Ok(Command::Cp(Box::new(arguments)))
}
