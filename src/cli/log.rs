//! `--log` and its kin, which every command that does something takes.

use super::{bad_value, one_of};
use crate::error::Error;
use crate::log::{Format, Level};
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;

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

impl LogArgs {
    /// Whether this long option is about the log.
    pub(super) fn takes(&self, name: &str) -> bool {
        matches!(name, "log" | "log-level" | "log-format")
    }

    /// Takes one that is.
    pub(super) fn option(
        &mut self,
        name: &str,
        value: OsString,
        usage: &'static str,
    ) -> Result<(), Error> {
        match name {
            "log" => self.file = Some(value),
            "log-level" => {
                let level = Level::from_name(value.as_bytes()).ok_or_else(|| {
                    bad_value((name, usage), &value, "error, warn, info or debug")
                })?;
                self.level = Some(level);
            }
            _ => {
                let formats = [
                    ("auto", LogFormat::Auto),
                    ("json", LogFormat::Fixed(Format::Json)),
                    ("text", LogFormat::Fixed(Format::Text)),
                ];
                self.format = Some(one_of((name, usage), &value, &formats)?);
            }
        }
        Ok(())
    }
}
