//! Where a line of JSON about a run goes: `--timing` and `--report`.

use crate::error::Error;
use crate::field::Field;
use crate::guard::Request;
use crate::json::Object;
use crate::standard_streams::Stream;
use crate::sys::{Errno, descriptor, inherited, terminal};
use crate::writable::LineFile;
use std::ffi::{CString, OsStr};
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

/// What an option was given for it: nothing is opened yet.
pub struct Typed {
    operation: String,
    place: Destination,
}

enum Destination {
    Stdout,
    File(CString),
    Callers(BorrowedFd<'static>),
}

impl Typed {
    /// Errors: EBADF for a descriptor that the caller has not left open for writing.
    #[cold]
    #[inline(never)]
    pub fn look(field: Field, typed: &OsStr) -> Result<Self, Error> {
        let operation = format!("open for {field}");
        let failed = |errno| Error::new(operation.as_str(), typed.as_bytes(), errno);
        let number = typed.to_str().and_then(|typed| typed.strip_prefix("fd:"));
        let place = match number {
            _ if typed == "-" && inherited::is_stand_in(1) => return Err(failed(Errno::EBADF)),
            _ if typed == "-" => Destination::Stdout,
            Some(number) => {
                let is_plain = number.bytes().all(|byte| byte.is_ascii_digit());
                let number = number.parse().ok().filter(|_| is_plain);
                let number = number.ok_or_else(|| {
                    Error::refused(
                        format!("{field} {}", typed.to_string_lossy()),
                        "what follows fd: is the number of a descriptor that is open for writing",
                    )
                })?;
                Destination::Callers(inherited::callers(number).map_err(|errno| {
                    failed(errno).hint(Some(
                        "the caller has left no such descriptor open for writing",
                    ))
                })?)
            }
            None => Destination::File(
                CString::new(typed.as_bytes()).map_err(|_| failed(Errno::EINVAL))?,
            ),
        };
        Ok(Self { operation, place })
    }
}

impl Request for Typed {
    type Guard = ResultFile;
    type Preview = ();

    /// Errors: as open(2).
    fn acquire(self) -> Result<ResultFile, Error> {
        let Self { operation, place } = self;
        Ok(match place {
            Destination::Stdout => ResultFile::Stdout(Stream::stdout()),
            Destination::Callers(file) => ResultFile::Callers(file),
            Destination::File(path) => {
                let file = LineFile {
                    operation: &operation,
                    path: &path,
                }
                .acquire()?;
                // A full disk is told before anything is done, and not half a line at the end.
                descriptor::reserve(file.as_fd(), ROOM)
                    .map_err(|errno| Error::new(operation.as_str(), path.to_bytes(), errno))?;
                ResultFile::File(file)
            }
        })
    }

    fn preview(self) -> Result<(), Error> {
        match &self.place {
            Destination::Stdout | Destination::Callers(_) => Ok(()),
            Destination::File(path) => LineFile {
                operation: &self.operation,
                path,
            }
            .preview(),
        }
    }
}

impl ResultFile {
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
