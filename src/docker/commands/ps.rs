//! `mydocker ps`.

use super::rows;
use crate::docker::Command;
use crate::docker::described::{Described, Group, Words};
use crate::docker::options::{self, Kind, Line, Reading, Row, Value, text};
use crate::error::Error;
use std::ffi::OsString;

pub static COMMAND: Described = Described {
    name: "ps",
    group: Group::Look,
    words: Words::None,
    about: "list containers",
    text: "
Lists the containers that run, or with -a all that are kept, the newest first.
",
    help: "mydocker help ps",
    options: &[OPTIONS, rows::SHARED, options::HELP],
    make,
};

const OPTIONS: &[Row] = &[
    options::switch(
        ("all", Some('a')),
        |line| &mut line.others.all,
        "those that do not run as well",
        "List those that do not run as well.",
    ),
    options::own(
        ("filter", Some('f')),
        Reading::Many(FILTERS, |line| &mut line.others.filters),
        "only those of which this is true",
        "List only those of which this is true: `name=TEXT`, `id=TEXT`, `label=KEY[=VALUE]`, `status=WORD`, \
         `exited=CODE`, `before=CONTAINER`, `since=CONTAINER`.",
    ),
    rows::TABLE_FORMAT,
    options::own(
        ("last", Some('n')),
        Reading::Own(text("N"), last),
        "the newest N, whether they run or not",
        "List the newest N, whether they run or not.",
    ),
    options::own(
        ("latest", Some('l')),
        Reading::Switch(|line| &mut line.others.latest),
        "the newest, whether it runs or not",
        "List the newest, whether it runs or not.",
    ),
    rows::NOT_CUT,
    options::switch(
        ("quiet", Some('q')),
        |line| &mut line.others.quiet,
        "their ids, and no more",
        "List their ids, and no more.",
    ),
];

const FILTERS: Value = Value {
    name: "KEY=VALUE",
    kind: Kind::Words(&[
        "name=", "id=", "label=", "status=", "exited=", "before=", "since=",
    ]),
};

/// What was typed after `mydocker ps`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PsArgs {
    pub state: Option<OsString>,
    pub all: bool,
    /// `KEY=VALUE`.
    pub filters: Vec<OsString>,
    pub format: Option<OsString>,
    /// Only so many, the newest, whether they run or not.
    pub last: Option<usize>,
    pub no_trunc: bool,
    pub quiet: bool,
}

/// docker's `-1` is for all of them, if `--all` says so.
fn last(line: &mut Line, name: &'static str, typed: OsString) -> Result<(), Error> {
    let number = typed.to_str().and_then(|text| text.parse::<i64>().ok());
    let number = number.ok_or_else(|| {
        let named = format!("--{name} {}", typed.to_string_lossy());
        Error::refused(named, "it takes a number")
    })?;
    line.others.last = usize::try_from(number).ok();
    Ok(())
}

fn make(line: Line, _: Vec<OsString>) -> Result<Command, Error> {
    let last = line.others.last;
    let arguments = PsArgs {
        state: line.run.state,
        all: line.others.all,
        filters: line.others.filters,
        format: line.others.format,
        last: if line.others.latest { Some(1) } else { last },
        no_trunc: line.others.whole,
        quiet: line.others.quiet,
    };
    Ok(Command::Ps(Box::new(arguments)))
}
