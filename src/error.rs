//! The one error type, and the exit codes of mydocker itself.

use crate::sys::Errno;
use std::borrow::Cow;
use std::fmt;

/// The exit code of the `mydocker` process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExitCode(pub u8);

impl ExitCode {
    pub const SUCCESS: Self = Self(0);
    /// A command about containers could not do what it was asked to, as docker has it.
    pub const FAILURE: Self = Self(1);
    /// The command was ended because its time was up, as timeout(1) has it.
    pub const TIME_IS_UP: Self = Self(124);
    /// The command was ended because its processor time was up: 128 and SIGXCPU, as the kernel ends one process.
    pub const CPU_TIME_IS_UP: Self = Self(152);
    /// The command was ended because it wrote too much: 128 and SIGXFSZ, as the kernel has it of a file.
    pub const OUTPUT_LIMIT: Self = Self(153);
    /// mydocker itself failed, or was called wrongly; what it says tells whether the command ran.
    pub const OWN_FAILURE: Self = Self(125);
    /// The command was found and could not be executed.
    pub const NOT_EXECUTABLE: Self = Self(126);
    /// The command was not found.
    pub const NOT_FOUND: Self = Self(127);
}

/// What went wrong: an operation on an object, the kernel's errno, and a hint where the errno alone
/// would mislead. The errno stays a number until it is printed.
#[derive(Debug)]
pub struct Error(Box<Parts>);

/// What an error is made of. Behind a pointer: whatever may fail hands its result on, and would hand on a hundred bytes each
/// time for what almost never comes.
#[derive(Debug)]
struct Parts {
    operation: String,
    object: String,
    errno: Option<Errno>,
    hint: Option<Cow<'static, str>>,
    help: Option<&'static str>,
    exit: ExitCode,
}

// Cold and not inlined, all three, so that what a start does without errors lies close together:
// what costs a small program is the memory its code is fetched from.
impl Error {
    fn of(parts: Parts) -> Self {
        Self(Box::new(parts))
    }

    /// `operation` on `object` failed with `errno`. Exit code 125.
    #[cold]
    #[inline(never)]
    pub fn new(operation: impl Into<String>, object: impl AsRef<[u8]>, errno: Errno) -> Self {
        Self::of(Parts {
            operation: operation.into(),
            object: printable(object.as_ref()),
            errno: Some(errno),
            hint: None,
            help: None,
            exit: ExitCode::OWN_FAILURE,
        })
    }

    /// A refusal of our own, with no system call behind it. Exit code 125.
    #[cold]
    #[inline(never)]
    pub fn refused(object: impl AsRef<[u8]>, reason: &'static str) -> Self {
        Self::of(Parts {
            operation: String::new(),
            object: with_value(object.as_ref()),
            errno: None,
            hint: Some(Cow::Borrowed(reason)),
            help: None,
            exit: ExitCode::OWN_FAILURE,
        })
    }

    /// A refusal whose reason names what was found.
    #[cold]
    #[inline(never)]
    pub fn refused_for(object: impl AsRef<[u8]>, reason: String) -> Self {
        Self::refused(object, "").hint_instead(reason)
    }

    /// What has happened, in words that say it all.
    #[cold]
    #[inline(never)]
    pub fn told(message: &str) -> Self {
        let mut error = Self::refused(message, "");
        error.0.hint = None;
        error
    }

    /// What a command about containers could not do, in words that say it all. Exit code 1.
    #[cold]
    #[inline(never)]
    pub fn failure(message: &str) -> Self {
        Self::told(message).exit_with(ExitCode::FAILURE)
    }

    /// A command line that cannot be understood; the command `help` tells what can be.
    #[cold]
    #[inline(never)]
    pub fn usage(message: impl Into<String>, help: &'static str) -> Self {
        Self::of(Parts {
            operation: printable(message.into().as_bytes()),
            object: String::new(),
            errno: None,
            hint: None,
            help: Some(help),
            exit: ExitCode::OWN_FAILURE,
        })
    }

    #[must_use]
    pub fn hint(mut self, hint: Option<impl Into<Cow<'static, str>>>) -> Self {
        self.0.hint = self.0.hint.or(hint.map(Into::into));
        self
    }

    /// This error with another hint.
    #[cold]
    #[inline(never)]
    #[must_use]
    pub fn hint_instead(mut self, hint: impl Into<Cow<'static, str>>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// This error with the cause for a hint, if one was found.
    #[must_use]
    pub fn because(self, cause: Option<impl Into<Cow<'static, str>>>) -> Self {
        match cause {
            Some(cause) => self.hint_instead(cause),
            None => self,
        }
    }

    #[must_use]
    pub fn exit_with(mut self, exit: ExitCode) -> Self {
        self.0.exit = exit;
        self
    }

    /// This error, of something that was done for `asked`.
    #[cold]
    #[inline(never)]
    #[must_use]
    pub fn behind(mut self, asked: &str) -> Self {
        self.0.operation = match self.0.operation.is_empty() {
            true => format!("{asked}:"),
            false => format!("{asked}: {}", self.0.operation),
        };
        self
    }

    /// What is wrong with the object, if that is all there is to it: the reason of a refusal.
    pub fn reason(&self) -> Option<&str> {
        match self.0.errno {
            None => self.0.hint.as_deref(),
            Some(_) => None,
        }
    }

    /// This error, with what a program has said before it failed.
    #[cfg(feature = "oci")]
    #[cold]
    #[inline(never)]
    #[must_use]
    pub fn with_words(self, said: &[u8]) -> Self {
        let said = printable(said.trim_ascii());
        match (&self.0.hint, said.is_empty()) {
            (_, true) => self,
            (None, false) => self.hint_instead(said),
            (Some(hint), false) => {
                let hint = format!("{hint}: {said}");
                self.hint_instead(hint)
            }
        }
    }

    pub fn exit(&self) -> ExitCode {
        self.0.exit
    }

    pub fn errno(&self) -> Option<Errno> {
        self.0.errno
    }

    /// The command that tells what can be typed, if the command line was at fault.
    pub fn help(&self) -> Option<&'static str> {
        self.0.help
    }
}

impl fmt::Display for Error {
    /// One line: `operation object: what the errno says (ERRNO): hint`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for part in [&self.0.operation, &self.0.object] {
            if !part.is_empty() {
                write!(f, "{separator}{part}")?;
                separator = " ";
            }
        }
        if let Some(errno) = self.0.errno {
            write!(f, ": {}", Explained(errno))?;
        }
        if let Some(hint) = &self.0.hint {
            write!(f, ": {hint}")?;
        }
        Ok(())
    }
}

/// An errno in words and by name: `no such file or directory (ENOENT)`.
struct Explained(Errno);

impl fmt::Display for Explained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0.description(), self.0.name()) {
            (Some(text), Some(name)) => {
                let mut rest = text.chars();
                let first = rest.next().map(|first| first.to_ascii_lowercase());
                write!(f, "{}{} ({name})", first.unwrap_or_default(), rest.as_str())
            }
            _ => write!(f, "errno {}", self.0.into_raw()),
        }
    }
}

/// An option with its value, which is seen if it is empty, too.
fn with_value(option: &[u8]) -> String {
    let text = printable(option);
    let is_empty = matches!(text.split_once(' '), Some((name, "")) if name.starts_with("--"));
    if is_empty { text + "''" } else { text }
}

/// Bytes as text that stays on its line and leaves a terminal alone: control characters become
/// escapes, what is not UTF-8 becomes U+FFFD.
pub fn printable(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for character in String::from_utf8_lossy(bytes).chars() {
        if character.is_control() {
            text.extend(character.escape_default());
        } else {
            text.push(character);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_that_names_everything() {
        let error = Error::new("mount proc on", "/proc", Errno::EPERM).hint(Some("try sudo"));
        assert_eq!(
            error.to_string(),
            "mount proc on /proc: operation not permitted (EPERM): try sudo"
        );
        assert_eq!(error.exit(), ExitCode::OWN_FAILURE);
        assert_eq!(
            Error::new("setsid", "", Errno::new(4000)).to_string(),
            "setsid: errno 4000"
        );
        for (option, message) in [
            ("--user bob", "--user bob: no such user"),
            ("--user ", "--user '': no such user"),
            ("--user", "--user: no such user"),
        ] {
            let error = Error::refused(option, "no such user");
            assert_eq!(error.to_string(), message);
        }
    }

    #[test]
    fn hostile_objects_stay_on_the_line() {
        let error = Error::new("exec", b"a\nb\x1b[2J\xff", Errno::ENOENT);
        assert_eq!(
            error.to_string(),
            "exec a\\nb\\u{1b}[2J\u{fffd}: no such file or directory (ENOENT)"
        );
    }
}
