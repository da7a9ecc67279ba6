//! Writing to the caller's stdout without ever waiting in the write.

use crate::sys::Errno;
use crate::sys::descriptor::{self, Kind};
use crate::sys::terminal;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// The caller's stdout. It cannot be made non-blocking itself: the flag would be its other users'
/// too, the caller's shell among them.
pub enum Output {
    /// The same terminal, opened once more: a stopped one (^S) would hold a plain write up.
    Terminal(OwnedFd),
    /// A socket, which takes "do not wait" with each send.
    Socket(BorrowedFd<'static>),
    /// Anything else. A pipe that poll(2) calls writable has room for `CHUNK` bytes; files and
    /// devices do not keep anyone waiting for a reader.
    Plain(BorrowedFd<'static>),
}

/// What a writable pipe takes at once (PIPE_BUF).
const CHUNK: usize = 4096;

impl Output {
    pub fn stdout() -> Self {
        let stdout = descriptor::borrowed(1);
        if terminal::modes(stdout).is_ok() {
            let flags = libc::O_WRONLY | libc::O_NOCTTY | libc::O_NONBLOCK;
            if let Ok(again) = descriptor::open(c"/proc/self/fd/1", flags, 0) {
                return Self::Terminal(again);
            }
        }
        match descriptor::kind(stdout) {
            Ok(Kind::Socket) => Self::Socket(stdout),
            _ => Self::Plain(stdout),
        }
    }

    pub fn file(&self) -> BorrowedFd<'_> {
        match self {
            Self::Terminal(file) => file.as_fd(),
            Self::Socket(file) | Self::Plain(file) => *file,
        }
    }

    /// Writes what goes at once. Call it when poll(2) says that something does.
    pub fn write(&self, bytes: &[u8]) -> Result<usize, Errno> {
        match self {
            Self::Terminal(file) => descriptor::write(file.as_fd(), bytes),
            Self::Socket(file) => descriptor::send_without_waiting(*file, bytes),
            Self::Plain(file) => descriptor::write(*file, bytes.get(..CHUNK).unwrap_or(bytes)),
        }
    }
}
