//! The log of a command, and where its error is said.

use crate::docker::{LogArgs, LogFormat};
use crate::error::{Error, ExitCode};
use crate::guard::{Intent, Request};
use crate::log::{Level, Log};
use crate::sys::Errno;
use crate::writable::LineFile;
use std::ffi::{CStr, CString, OsStr};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;

/// Does `what` with the log that `arguments` ask for, `usual` being its level if no one says another,
/// and says what went wrong, once.
///
/// Errors: there is no log to say it in.
pub fn with_log<I: Intent>(
    arguments: &LogArgs,
    usual: Level,
    what: impl FnOnce(&Log) -> Result<ExitCode, Error>,
) -> Result<ExitCode, Error> {
    let configured = log_configuration(arguments, usual)?;
    let log = open_log::<I>(arguments, &configured)?;
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

fn open_log<I: Intent>(
    arguments: &LogArgs,
    configuration: &LogConfiguration,
) -> Result<Log, Error> {
    let file = match &arguments.file {
        Some(file) => Some(I::common(I::take(LogFile::look(file)?)?)),
        None => None,
    };
    let format = match arguments.format {
        None | Some(LogFormat::Auto) => None,
        Some(LogFormat::Fixed(format)) => Some(format),
    };
    Ok(Log::new(
        file,
        configuration.asked_for,
        configuration.level,
        format,
    ))
}

/// The file of `--log`.
struct LogFile(CString);

impl LogFile {
    fn look(typed: &OsStr) -> Result<Self, Error> {
        CString::new(typed.as_bytes())
            .map(Self)
            .map_err(|_| Error::new("open log", "", Errno::EINVAL))
    }

    fn lines(path: &CStr) -> LineFile<'_> {
        LineFile {
            operation: "open log",
            path,
        }
    }
}

impl Request for LogFile {
    type Guard = OwnedFd;
    type Preview = OwnedFd;

    fn acquire(self) -> Result<OwnedFd, Error> {
        Self::lines(&self.0).acquire()
    }

    /// Another file, in which no line is found: errors go to stderr, in the way in which a run says them.
    fn preview(self) -> Result<OwnedFd, Error> {
        Self::lines(&self.0).preview()?;
        Self::lines(c"/dev/null").acquire()
    }
}
