//! The log of a command, and where its error is said.

use crate::docker::{LogArgs, LogFormat};
use crate::error::{Error, ExitCode};
use crate::log::{Level, Log};
use crate::sys::Errno;
use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;

/// Does `what` with the log that `arguments` ask for, `usual` being its level if no one says another,
/// and says what went wrong, once.
///
/// Errors: there is no log to say it in.
pub fn with_log(
    arguments: &LogArgs,
    usual: Level,
    what: impl FnOnce(&Log) -> Result<ExitCode, Error>,
) -> Result<ExitCode, Error> {
    let configured = log_configuration(arguments, usual)?;
    let log = open_log(arguments, &configured)?;
    what(&log).or_else(|error| {
        log.say(&error);
        Ok(error.exit())
    })
}

struct LogConfiguration {
    level: Level,
    asked_for: bool,
}

fn log_configuration(arguments: &LogArgs, usual: Level) -> Result<LogConfiguration, Error> {
    let variable = std::env::var_os("MYDOCKER_LOG").filter(|value| !value.is_empty());
    let level = match (arguments.level, &variable) {
        (Some(level), _) => level,
        (None, None) => usual,
        (None, Some(name)) => Level::from_name(name.as_bytes()).ok_or_else(|| {
            Error::refused(
                [b"MYDOCKER_LOG=", name.as_bytes()].concat(),
                "it takes error, warn, info or debug",
            )
        })?,
    };
    Ok(LogConfiguration {
        level,
        asked_for: variable.is_some() || *arguments != LogArgs::default(),
    })
}

fn open_log(arguments: &LogArgs, configuration: &LogConfiguration) -> Result<Log, Error> {
    let file = arguments
        .file
        .as_ref()
        .map(|file| CString::new(file.as_bytes()))
        .transpose()
        .map_err(|_| Error::new("open log", "", Errno::EINVAL))?;
    let format = match arguments.format {
        None | Some(LogFormat::Auto) => None,
        Some(LogFormat::Fixed(format)) => Some(format),
    };
    Log::open(
        file.as_deref(),
        configuration.asked_for,
        configuration.level,
        format,
    )
}
