//! The log: one object per line, one write(2) per line, keys as logrus prints them.
//!
//! No logging crate: a container runtime's log must never kill or hang the container, which a
//! general one does not promise. So a line that the sink does not take is lost, and said once.

use crate::error::{Error, printable};
use crate::json::Object;
use crate::sys::Errno;
use crate::sys::descriptor::{self, Waiting};
use crate::sys::terminal;
use crate::time;
use std::cell::Cell;
use std::ffi::CStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// How much a line matters. Ordered: what is more severe is less.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Error,
    Warn,
    Info,
    Debug,
}

impl Level {
    /// The names of `--log-level` and MYDOCKER_LOG.
    pub fn from_name(name: &[u8]) -> Option<Self> {
        match name {
            b"error" => Some(Self::Error),
            b"warn" => Some(Self::Warn),
            b"info" => Some(Self::Info),
            b"debug" => Some(Self::Debug),
            _ => None,
        }
    }

    /// The name that logrus gives it.
    fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warning",
            Self::Info => "info",
            Self::Debug => "debug",
        }
    }
}

/// What a line looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Json,
    Text,
}

/// A field's value.
pub enum Value<'a> {
    Text(&'a [u8]),
    Number(i64),
}

/// Where lines go.
enum Sink {
    /// The caller's stderr, whose open file is shared with others.
    Stderr,
    /// A file of our own, opened non-blocking.
    File(OwnedFd),
}

pub struct Log {
    sink: Sink,
    level: Level,
    format: Format,
    /// The terminal that stderr is on is in raw mode, where a line feed does not return the carriage.
    raw_terminal: Cell<bool>,
    lost: Cell<bool>,
}

/// A pipe takes writes of up to this many bytes whole or not at all (PIPE_BUF), and poll(2) says
/// that it is writable only when it has that much room.
const ATOMIC: usize = 4096;

impl Log {
    /// Opens the log. `format` `None` means text on a terminal and JSON elsewhere.
    pub fn open(file: Option<&CStr>, level: Level, format: Option<Format>) -> Result<Self, Error> {
        let sink = match file {
            None => Sink::Stderr,
            Some(path) => {
                // Non-blocking, so that a FIFO that no one reads is an error and not a hang.
                let flags = libc::O_WRONLY
                    | libc::O_APPEND
                    | libc::O_CREAT
                    | libc::O_NOCTTY
                    | libc::O_NONBLOCK;
                let file = descriptor::open(path, flags, 0o644)
                    .map_err(|errno| Error::new("open log", path.to_bytes(), errno))?;
                Sink::File(file)
            }
        };
        let mut log = Self {
            sink,
            level,
            format: Format::Json,
            raw_terminal: Cell::new(false),
            lost: Cell::new(false),
        };
        log.format = format.unwrap_or_else(|| {
            if terminal::modes(log.target()).is_ok() {
                Format::Text
            } else {
                Format::Json
            }
        });
        Ok(log)
    }

    pub fn to_stderr(&self) -> bool {
        matches!(self.sink, Sink::Stderr)
    }

    pub fn is_json(&self) -> bool {
        self.format == Format::Json
    }

    /// Whether a line of this level is written, for the callers that would prepare one.
    pub fn enabled(&self, level: Level) -> bool {
        level <= self.level
    }

    pub fn set_raw_terminal(&self, raw: bool) {
        self.raw_terminal.set(raw);
    }

    pub fn write(&self, level: Level, message: &[u8], fields: &[(&str, Value<'_>)]) {
        if !self.enabled(level) {
            return;
        }
        let mut line = match self.format {
            Format::Json => json_line(level, message, fields),
            Format::Text => text_line(level, message, fields),
        };
        line.push_str(if self.raw_terminal.get() {
            "\r\n"
        } else {
            "\n"
        });
        if let Err(errno) = self.put(line.as_bytes()) {
            if !self.to_stderr() && !self.lost.replace(true) {
                complain(&Error::new("write", "log", errno));
            }
        }
    }

    /// One write(2). What it does not take at once is lost: there is no second write that could
    /// end up in the middle of someone else's line, and no waiting for a reader.
    fn put(&self, line: &[u8]) -> Result<(), Errno> {
        let target = self.target();
        if line.len() <= ATOMIC && !would_take(target) {
            return Err(Errno::EAGAIN);
        }
        match descriptor::write(target, line)? {
            whole if whole == line.len() => Ok(()),
            _ => Err(Errno::ENOSPC),
        }
    }

    fn target(&self) -> BorrowedFd<'_> {
        match &self.sink {
            Sink::Stderr => descriptor::borrowed(2),
            Sink::File(file) => file.as_fd(),
        }
    }
}

/// Whether a write would be taken (or refused) at once. stderr is the caller's open file, so it
/// cannot be made non-blocking; asking first is as good, for lines that are taken whole.
fn would_take(target: BorrowedFd<'_>) -> bool {
    let mut waiting = [Waiting::to_write(target)];
    descriptor::wait(&mut waiting, 0).is_err() || waiting.iter().any(Waiting::happened)
}

/// Says an error to the person who called, on stderr.
pub fn complain(error: &Error) {
    let mut text = format!("mydocker: {error}\n");
    if let Some(usage) = error.usage_line() {
        text.push_str(usage);
        text.push('\n');
    }
    // There is no one left to tell if stderr does not take it.
    let _ = descriptor::write_all(descriptor::borrowed(2), text.as_bytes());
}

fn json_line(level: Level, message: &[u8], fields: &[(&str, Value<'_>)]) -> String {
    let mut object = Object::new();
    object.text("level", level.name().as_bytes());
    object.text("msg", message);
    object.text("time", time::now().as_bytes());
    for (key, value) in fields {
        match value {
            Value::Text(text) => object.text(key, text),
            Value::Number(number) => object.number(key, *number),
        }
    }
    object.finish()
}

fn text_line(level: Level, message: &[u8], fields: &[(&str, Value<'_>)]) -> String {
    let mut line = String::from("mydocker: ");
    line.push_str(level.name());
    line.push_str(": ");
    line.push_str(&printable(message));
    for (key, value) in fields {
        line.push(' ');
        line.push_str(key);
        line.push('=');
        match value {
            Value::Text(text) => line.push_str(&printable(text)),
            Value::Number(number) => line.push_str(&number.to_string()),
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_the_keys_that_logrus_gives_it() {
        let fields = [("pid", Value::Number(7)), ("why", Value::Text(b"a\nb"))];
        let line = json_line(Level::Warn, b"init come on", &fields);
        assert!(line.starts_with(r#"{"level":"warning","msg":"init come on","time":"2"#));
        let parsed: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(parsed["pid"], 7);
        assert_eq!(parsed["why"], "a\nb");
    }

    #[test]
    fn text_stays_on_one_line() {
        let fields = [("why", Value::Text(b"a\nb"))];
        assert_eq!(
            text_line(Level::Info, b"x\x1b[2J", &fields),
            "mydocker: info: x\\u{1b}[2J why=a\\nb"
        );
    }

    #[test]
    fn levels_are_ordered() {
        assert!(Level::Error < Level::Warn && Level::Info < Level::Debug);
        assert_eq!(Level::from_name(b"warning"), None);
    }
}
