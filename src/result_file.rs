//! Where a line of JSON about a run goes: `--timing` and `--report`.

use crate::error::Error;
use crate::json::Object;
use crate::standard_streams::{self, Stream};
use crate::sys::{Errno, descriptor, inherited, terminal};
use crate::writable;
use std::ffi::{CStr, CString, OsStr};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::time::Duration;

/// How long a line waits for its reader.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// Bytes that a line may have: one with a long error has less.
const ROOM: usize = 4096;

/// A place for lines of JSON, open before the container starts.
pub enum ResultFile {
    /// The caller's stdout, `-`.
    Stdout(Stream<'static>),
    File(OwnedFd),
    /// A descriptor that the caller left open, `fd:N`. The container never has it.
    Callers(BorrowedFd<'static>),
}

impl ResultFile {
    /// Opens what `option` was given.
    ///
    /// Errors: as open(2); EBADF for a descriptor that the caller has not left open for writing.
    #[cold]
    #[inline(never)]
    pub fn open(option: &'static str, typed: &OsStr) -> Result<Self, Error> {
        let open = |path: &CStr| {
            let file = standard_streams::open_file(path)?;
            // A full disk is told before anything is done, and not half a line at the end.
            descriptor::reserve(file.as_fd(), ROOM)?;
            Ok(Self::File(file))
        };
        Self::open_by(option, typed, &|| Self::Stdout(Stream::stdout()), &open)
            .map(|opened| opened.unwrap_or_else(Self::Callers))
    }

    /// Whether [`open`](Self::open) would succeed, as far as a look tells.
    ///
    /// Errors: as open.
    #[cold]
    #[inline(never)]
    pub fn look(option: &'static str, typed: &OsStr) -> Result<(), Error> {
        Self::open_by(option, typed, &|| (), &writable::existing_or_new).map(drop)
    }

    /// What was typed, opened for stdout or as a file, or else a descriptor of the caller's.
    fn open_by<T>(
        option: &'static str,
        typed: &OsStr,
        stdout: &dyn Fn() -> T,
        file: &dyn Fn(&CStr) -> Result<T, Errno>,
    ) -> Result<Result<T, BorrowedFd<'static>>, Error> {
        let failed = |errno| Error::new(format!("open for {option}"), typed.as_bytes(), errno);
        if typed == "-" {
            return match inherited::is_stand_in(1) {
                true => Err(failed(Errno::EBADF)),
                false => Ok(Ok(stdout())),
            };
        }
        let number = typed.to_str().and_then(|typed| typed.strip_prefix("fd:"));
        if let Some(number) = number {
            let is_plain = number.bytes().all(|byte| byte.is_ascii_digit());
            let number = number.parse().ok().filter(|_| is_plain);
            let number = number.ok_or_else(|| {
                Error::refused(
                    format!("{option} {}", typed.to_string_lossy()),
                    "what follows fd: is the number of a descriptor that is open for writing",
                )
            })?;
            return inherited::callers(number).map(Err).map_err(|errno| {
                failed(errno).hint(Some(
                    "the caller has left no such descriptor open for writing",
                ))
            });
        }
        let path = CString::new(typed.as_bytes()).map_err(|_| failed(Errno::EINVAL))?;
        file(&path).map(Ok).map_err(failed)
    }

    /// Whether stdout is to stay open until the end.
    pub fn needs_stdout(&self) -> bool {
        match self {
            Self::Stdout(_) => true,
            Self::File(_) => false,
            Self::Callers(file) => file.as_raw_fd() == 1,
        }
    }

    /// Writes an object as a line.
    ///
    /// Errors: as write(2); EAGAIN if no one reads it in a second.
    pub fn write(&self, object: Object) -> Result<(), Errno> {
        let mut line = object.finish();
        match self {
            Self::Stdout(stdout) => {
                // A terminal may be in raw mode by now; JSON does not mind the other one.
                let terminal = terminal::modes(stdout.file()).is_ok();
                line.push_str(if terminal { "\r\n" } else { "\n" });
                stdout.put(line.as_bytes(), LONGEST_WAIT)
            }
            Self::File(file) => {
                line.push('\n');
                Stream::ours(file).put(line.as_bytes(), LONGEST_WAIT)
            }
            Self::Callers(file) => {
                line.push('\n');
                Stream::callers(*file).put(line.as_bytes(), LONGEST_WAIT)
            }
        }
    }
}
