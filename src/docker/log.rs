//! `--log` and its kin, which every command that does something takes.

use super::options::{Choice, Kind, Line, Needs, Reading, Row, Section, Value};
use crate::log::{Format, Level};
use std::ffi::OsString;

/// What was typed about the log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogArgs {
    pub file: Option<OsString>,
    pub level: Option<Level>,
    pub format: Option<LogFormat>,
}

/// `--log-format`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    Auto,
    Fixed(Format),
}

/// The options about the log.
pub(super) const ROWS: [Row; 3] = [file(), level(), format()];

const fn file() -> Row {
    Row {
        long: "log",
        short: None,
        section: Section::Launch,
        needs: Needs::Nothing,
        reading: Reading::One(
            Value {
                name: "FILE",
                kind: Kind::File,
            },
            |line| &mut line.log.file,
        ),
        brief: "write the log there",
        help: "Write the log to FILE.",
        default: "stderr",
    }
}

const fn level() -> Row {
    Row {
        long: "log-level",
        short: None,
        section: Section::Launch,
        needs: Needs::Nothing,
        reading: Reading::Choice(&[
            Choice {
                word: "error",
                choose: |line: &mut Line| line.log.level = Some(Level::Error),
            },
            Choice {
                word: "warn",
                choose: |line: &mut Line| line.log.level = Some(Level::Warn),
            },
            Choice {
                word: "info",
                choose: |line: &mut Line| line.log.level = Some(Level::Info),
            },
            Choice {
                word: "debug",
                choose: |line: &mut Line| line.log.level = Some(Level::Debug),
            },
        ]),
        brief: "how much is logged",
        help: "How much is logged; the variable `MYDOCKER_LOG` says it too.",
        default: "`warn`; of a pool `info`",
    }
}

const fn format() -> Row {
    Row {
        long: "log-format",
        short: None,
        section: Section::Launch,
        needs: Needs::Nothing,
        reading: Reading::Choice(&[
            Choice {
                word: "auto",
                choose: |line: &mut Line| line.log.format = Some(LogFormat::Auto),
            },
            Choice {
                word: "json",
                choose: |line: &mut Line| {
                    line.log.format = Some(LogFormat::Fixed(Format::Json));
                },
            },
            Choice {
                word: "text",
                choose: |line: &mut Line| {
                    line.log.format = Some(LogFormat::Fixed(Format::Text));
                },
            },
        ]),
        brief: "text, or a JSON object a line",
        help: "How the log is written: `auto` is text on a terminal, else JSON, one object a line.",
        default: "`auto`",
    }
}
