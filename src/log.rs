//! The log: one object per line, one write(2) per line, keys as logrus prints them.
//!
//! No logging crate: a container runtime's log must never kill or hang the container, which a
//! general one does not promise. So a line that the sink does not take is lost, and said once.

use crate::error::{Error, printable};
use crate::json::Object;
use crate::standard_streams::Stream;
use crate::sys::Errno;
use crate::sys::descriptor;
use crate::sys::{signal, terminal};
use crate::time;
use std::cell::{Cell, OnceCell, RefCell};
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

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
    /// `time="…" level=error msg="…"`: logrus' own, where it is on no terminal.
    Keyed,
}

/// A field's value.
#[derive(Clone, Copy)]
pub enum Value<'a> {
    Text(&'a [u8]),
    Number(i64),
}

pub struct Log {
    /// A file of our own; `None`: the caller's stderr.
    file: Option<OwnedFd>,
    /// stderr as lines are written to it, once there was one.
    stderr: RefCell<Option<Stream<'static>>>,
    level: Level,
    /// Someone said something about the log, so someone will read it.
    asked_for: bool,
    /// As asked for; `None`: text on a terminal and JSON elsewhere.
    format: Option<Format>,
    /// Whether lines go to a terminal, once there was one: most runs write none.
    on_terminal: OnceCell<bool>,
    /// The caller's terminal is in raw mode, where a line feed does not return the carriage.
    raw_terminal: Cell<bool>,
    /// Signals stay blocked to the end, whatever is said.
    keeps_signals_blocked: Cell<bool>,
    /// The line of a batch that all is about from now on.
    job: Cell<Option<i64>>,
    lost: Cell<bool>,
}

/// How long in all a line waits for its reader. Only one that is too long for a pipe's buffer has to
/// wait for a reader who has not stopped.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

impl Log {
    /// A log in `file`, or on stderr. `format` `None` means text on a terminal and JSON elsewhere.
    pub fn new(
        file: Option<OwnedFd>,
        asked_for: bool,
        level: Level,
        format: Option<Format>,
    ) -> Self {
        Self {
            file,
            stderr: RefCell::new(None),
            asked_for,
            level,
            format,
            on_terminal: OnceCell::new(),
            raw_terminal: Cell::new(false),
            keeps_signals_blocked: Cell::new(false),
            job: Cell::new(None),
            lost: Cell::new(false),
        }
    }

    /// A log that goes where this one does, for who has something else for stderr.
    pub fn apart(&self) -> Result<Self, Errno> {
        let file = self.file.as_ref();
        let file =
            descriptor::duplicate_above(file.map_or(descriptor::standard(2), AsFd::as_fd), 3)?;
        Ok(Self::new(
            Some(file),
            self.asked_for,
            self.level,
            Some(self.format()),
        ))
    }

    pub fn to_stderr(&self) -> bool {
        self.file.is_none()
    }

    pub fn is_json(&self) -> bool {
        self.format() == Format::Json
    }

    fn format(&self) -> Format {
        self.format.unwrap_or_else(|| {
            if self.on_terminal() {
                Format::Text
            } else {
                Format::Json
            }
        })
    }

    fn on_terminal(&self) -> bool {
        *self.on_terminal.get_or_init(|| {
            let file = self.file.as_ref();
            let target = file.map_or(descriptor::standard(2), AsFd::as_fd);
            terminal::modes(target).is_ok()
        })
    }

    /// Whether a line of this level is written, for the callers that would prepare one.
    pub fn enabled(&self, level: Level) -> bool {
        level <= self.level
    }

    pub fn set_raw_terminal(&self, raw: bool) {
        self.raw_terminal.set(raw);
    }

    /// No signal ends us any more because something is said: it has been told, or is to be told, what we exit with.
    pub fn keep_signals_blocked(&self) {
        self.keeps_signals_blocked.set(true);
    }

    /// From here on each line has this field, by which it is told from those of other jobs.
    pub fn is_about_job(&self, line: i64) {
        self.job.set(Some(line));
    }

    pub fn write(&self, level: Level, message: &[u8], fields: &[(&str, Value<'_>)]) {
        if self.enabled(level) {
            self.write_line(level, message, fields);
        }
    }

    #[cold]
    #[inline(never)]
    fn write_line(&self, level: Level, message: &[u8], fields: &[(&str, Value<'_>)]) {
        let of_job = self.job.get().map(|line| {
            let line = [("line", Value::Number(line))];
            [fields, &line].concat()
        });
        let fields = of_job.as_deref().unwrap_or(fields);
        let mut line = match self.format() {
            Format::Json => json_line(level, message, fields),
            Format::Text => text_line(level, message, fields),
            Format::Keyed => keyed_line(level, message, fields),
        };
        let raw = self.raw_terminal.get() && self.to_stderr() && self.on_terminal();
        line.push_str(if raw { "\r\n" } else { "\n" });
        let result = self.put(line.as_bytes());
        if let Err(errno) = result {
            if !self.lost.replace(true) && !self.to_stderr() {
                let text = spoken(&Error::new("write", "log", errno));
                // Whatever becomes of that, there is no other place to say it.
                let _ = self.put_to_stderr(text.as_bytes(), Duration::ZERO);
            }
        }
    }

    /// Says an error, as the last thing that mydocker does. On stderr: as a line of the log if that is what
    /// stderr was asked to be, else in plain words. A log elsewhere gets it as well.
    pub fn say(&self, error: &Error) {
        let lines_wanted = self.asked_for && self.is_json();
        if !self.to_stderr() || lines_wanted {
            self.write(Level::Error, error.to_string().as_bytes(), &[]);
        }
        if !self.to_stderr() || !lines_wanted {
            if self.keeps_signals_blocked.get() {
                complain_briefly(error);
            } else {
                complain(error);
            }
        }
    }

    /// What is not taken is lost: there is no end to waiting for a reader who has stopped.
    fn put(&self, line: &[u8]) -> Result<(), Errno> {
        // Who has been waited for in vain is not waited for again.
        let wait = if self.lost.get() {
            Duration::ZERO
        } else {
            LONGEST_WAIT
        };
        match &self.file {
            Some(file) => Stream::ours(file).put(line, wait),
            None => self.put_to_stderr(line, wait),
        }
    }

    fn put_to_stderr(&self, line: &[u8], wait: Duration) -> Result<(), Errno> {
        let mut stderr = self.stderr.borrow_mut();
        stderr.get_or_insert_with(Stream::stderr).put(line, wait)
    }

    /// Lets go of what stderr was until now: another file is in its place.
    pub fn stderr_is_another(&self) {
        *self.stderr.borrow_mut() = None;
    }
}

/// Says an error to the person who called, on stderr, as the last thing that mydocker does.
pub fn complain(error: &Error) {
    // From here on signals do what they do by default: a reader who has stopped may keep us
    // waiting, but not from ending. A reader who has gone is no reason to end by SIGPIPE.
    let _ = signal::set_blocked(signal::OF_WRITES);
    // There is no one left to tell if stderr does not take it.
    let _ = descriptor::write_all(descriptor::standard(2), spoken(error).as_bytes());
}

/// Says an error to the person who called, on stderr, and leaves signals blocked: who has stopped reading is not waited
/// for.
#[cold]
#[inline(never)]
pub fn complain_briefly(error: &Error) {
    let text = spoken(error);
    match Stream::stderr().put(text.as_bytes(), LONGEST_WAIT) {
        Ok(()) | Err(Errno::EAGAIN | Errno::EPIPE) => {}
        // Where poll(2) is refused. There is no one left to tell if stderr does not take it.
        Err(_) => drop(descriptor::write_all(
            descriptor::standard(2),
            text.as_bytes(),
        )),
    }
}

fn spoken(error: &Error) -> String {
    let mut text = format!("mydocker: {error}");
    if let Some(help) = error.help() {
        text.push_str(" (");
        text.push_str(help);
        text.push(')');
    }
    text.push('\n');
    text
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

#[cold]
#[inline(never)]
fn keyed_line(level: Level, message: &[u8], fields: &[(&str, Value<'_>)]) -> String {
    let mut line = format!("time=\"{}\" level={} msg=", time::now(), level.name());
    quote(&mut line, message);
    for (key, value) in fields {
        line.push_str(&format!(" {key}="));
        match value {
            Value::Text(text) => quote(&mut line, text),
            Value::Number(number) => line.push_str(&number.to_string()),
        }
    }
    line
}

fn quote(line: &mut String, text: &[u8]) {
    line.push('"');
    for letter in printable(text).chars() {
        if letter == '"' {
            line.push('\\');
        }
        line.push(letter);
    }
    line.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_values() {
        let line = keyed_line(Level::Error, b"a \"b\"\n", &[("pid", Value::Number(1))]);
        let end = r#"Z" level=error msg="a \"b\"\n" pid=1"#;
        assert!(
            line.starts_with("time=\"2") && line.ends_with(end),
            "{line}"
        );
    }

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
