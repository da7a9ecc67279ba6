//! `mydocker logs`.

use super::{first, rows};
use crate::docker::Command;
use crate::docker::described::{Described, Group, Words};
use crate::docker::options::{self, Kind, Line, Reading, Row, Value, text};
use crate::error::Error;
use crate::time;
use std::ffi::OsString;
use std::ops::RangeInclusive;
use std::os::unix::ffi::OsStrExt;

pub static COMMAND: Described = Described {
    name: "logs",
    group: Group::Look,
    words: Words::Container,
    about: "show what a container has written",
    text: "
Shows what a container has written, its stdout on stdout and its stderr on
stderr, as far as it is kept (run --log-opt).
",
    help: "mydocker help logs",
    options: &[OPTIONS, rows::SHARED, options::HELP],
    make,
};

const OPTIONS: &[Row] = &[
    options::switch(
        ("follow", Some('f')),
        |line| &mut line.others.follow,
        "go on with what it writes, until its end",
        "Go on with what it writes, until its end.",
    ),
    Row {
        default: "all",
        ..options::own(
            ("tail", Some('n')),
            Reading::Own(
                Value {
                    name: "N",
                    kind: Kind::Words(&["all"]),
                },
                tail,
            ),
            "begin N lines before the end",
            "Begin N lines before the end; `all` for the beginning.",
        )
    },
    options::own(
        ("since", None),
        Reading::One(text("TIME"), |line| &mut line.others.since),
        "only what was written since then",
        "Show what was written since then: `2026-01-02T15:04:05Z`, seconds since 1970, or `10m` for ten minutes ago. A time without a zone is of this place.",
    ),
    options::own(
        ("until", None),
        Reading::One(text("TIME"), |line| &mut line.others.until),
        "only what was written before",
        "Show what was written before that time.",
    ),
    options::switch(
        ("timestamps", Some('t')),
        |line| &mut line.others.timestamps,
        "with the time of each line",
        "Put the time before each line.",
    ),
    options::switch(
        ("details", None),
        |line| &mut line.others.details,
        "accepted: there are none",
        "Accepted, for scripts that say it: lines have no other details.",
    ),
];

/// What was typed after `mydocker logs`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogsArgs {
    pub state: Option<OsString>,
    pub container: OsString,
    pub follow: bool,
    /// So many lines before the end; all if there is none.
    pub tail: Option<u64>,
    pub since: Option<OsString>,
    pub until: Option<OsString>,
    pub timestamps: bool,
}

impl LogsArgs {
    /// From when to when, in nanoseconds since 1970.
    ///
    /// Errors: what is no moment.
    pub fn period(&self, now: u64) -> Result<RangeInclusive<u64>, Error> {
        let moment = |name: &str, typed: &Option<OsString>, otherwise| {
            let Some(typed) = typed else {
                return Ok(otherwise);
            };
            time::moment(typed.as_bytes(), now).ok_or_else(|| {
                Error::refused(
                    format!("{name} {}", typed.to_string_lossy()),
                    "it takes 2026-01-02T15:04:05Z, seconds since 1970, or how long ago: 10m",
                )
            })
        };
        let since = moment("--since", &self.since, 0)?;
        Ok(since..=moment("--until", &self.until, u64::MAX)?)
    }
}

/// docker's `all`, and any number below zero, is no number of lines.
fn tail(line: &mut Line, name: &'static str, typed: OsString) -> Result<(), Error> {
    let number = match typed.to_str() {
        Some("all") => Some(-1),
        Some(text) => text.parse::<i64>().ok(),
        None => None,
    };
    let number = number.ok_or_else(|| {
        let named = format!("--{name} {}", typed.to_string_lossy());
        Error::refused(named, "it takes a number of lines, or all")
    })?;
    line.others.tail = u64::try_from(number).ok();
    Ok(())
}

fn make(line: Line, words: Vec<OsString>) -> Result<Command, Error> {
    let arguments = LogsArgs {
        state: line.run.state,
        container: first(words).0,
        follow: line.others.follow,
        tail: line.others.tail,
        since: line.others.since,
        until: line.others.until,
        timestamps: line.others.timestamps,
    };
    Ok(Command::Logs(Box::new(arguments)))
}
