//! Options that several commands have.

use crate::docker::options::{self, Kind, Line, Reading, Row, Value, text};
use crate::docker::specify;
use crate::error::Error;
use std::ffi::OsString;

/// What every command has that does nothing but to containers.
pub const SHARED: &[Row] = &[options::STATE];

pub const NOT_CUT: Row = options::switch(
    ("no-trunc", None),
    |line| &mut line.others.whole,
    "cut nothing off",
    "Cut nothing off.",
);

pub const FORMAT: Row = options::own(
    ("format", Some('f')),
    Reading::One(FORMATS, |line| &mut line.others.format),
    "json, or a text with {{.Field}}",
    "How it is written: `json`, or a text with `{{.Field}}` for what is to stand there.",
);

/// `--format` of a command that prints a table.
pub const TABLE_FORMAT: Row = Row {
    short: None,
    reading: Reading::One(TABLE_FORMATS, |line| &mut line.others.format),
    brief: "table, json, or a text with {{.Field}}",
    help: "How it is written: `table`, `json` with an object a line, or a text with `{{.Field}}` for what is to stand \
           there; `table` and such a text is a table of it.",
    default: "`table`",
    ..FORMAT
};

const FORMATS: Value = Value {
    name: "FORMAT",
    kind: Kind::Words(&["json"]),
};

const TABLE_FORMATS: Value = Value {
    name: "FORMAT",
    kind: Kind::Words(&["table", "json"]),
};

/// `--time` of what stops containers.
pub const TIME: Row = Row {
    default: "`--stop-timeout` of its run, or `10`",
    ..options::own(
        ("time", Some('t')),
        Reading::Own(text("SECONDS"), seconds),
        "how long to wait before it is killed",
        "How long to wait for its end before it is killed; `-1` for ever. (`--timeout` is the same.)",
    )
};

pub const SIGNAL: Row = Row {
    default: "`--stop-signal` of its run, or `SIGTERM`",
    ..options::own(
        ("signal", Some('s')),
        Reading::Own(SIGNALS, signal),
        "what asks it to end",
        "The signal that asks it to end, by its name or number.",
    )
};

const SIGNALS: Value = Value {
    name: "SIGNAL",
    kind: Kind::Words(&[
        "HUP", "INT", "QUIT", "KILL", "USR1", "USR2", "TERM", "CONT", "STOP", "WINCH",
    ]),
};

pub fn signal(line: &mut Line, name: &'static str, typed: OsString) -> Result<(), Error> {
    line.others.signal = Some(specify::signal(name, &typed)?);
    Ok(())
}

fn seconds(line: &mut Line, name: &'static str, typed: OsString) -> Result<(), Error> {
    let seconds = typed.to_str().and_then(|text| text.parse().ok());
    let seconds = seconds.filter(|seconds| *seconds >= -1);
    line.others.seconds = Some(seconds.ok_or_else(|| {
        let named = format!("--{name} {}", typed.to_string_lossy());
        Error::refused(named, "it takes whole seconds, or -1 to wait for ever")
    })?);
    Ok(())
}
