//! The standard descriptors, read and written without ever waiting in the call.
//!
//! They cannot be made non-blocking themselves: the flag belongs to the open file, which their other
//! users share, the caller's shell among them. So terminals and pipes are opened once more, by
//! /proc/self/fd; sockets take "do not wait" with each send; files keep no one waiting.

use crate::sys::Errno;
use crate::sys::descriptor::{self, Kind};
use crate::sys::terminal;
use std::ffi::CStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd, RawFd};

/// stdin, stdout or stderr.
pub enum Stream<'a> {
    /// Opened once more, non-blocking.
    Reopened(OwnedFd),
    /// Opened non-blocking by ourselves.
    Ours(BorrowedFd<'a>),
    Socket(BorrowedFd<'static>),
    /// A file or device, or a pipe or terminal that may not be opened (another user's): then a
    /// write is as long as what a writable pipe takes at once, and may still wait if others write
    /// to the same one.
    Plain(BorrowedFd<'static>),
}

/// What a pipe that poll(2) calls writable takes at once (PIPE_BUF).
const CHUNK: usize = 4096;

impl<'a> Stream<'a> {
    pub fn stdin() -> Self {
        Self::open(0, c"/proc/self/fd/0", libc::O_RDONLY)
    }

    pub fn stdout() -> Self {
        Self::open(1, c"/proc/self/fd/1", libc::O_WRONLY)
    }

    pub fn stderr() -> Self {
        Self::open(2, c"/proc/self/fd/2", libc::O_WRONLY)
    }

    /// A file of our own, which was opened non-blocking.
    pub fn ours(file: &'a OwnedFd) -> Self {
        Self::Ours(file.as_fd())
    }

    fn open(number: RawFd, path: &CStr, access: i32) -> Self {
        let file = descriptor::borrowed(number);
        let kind = descriptor::kind(file).unwrap_or(Kind::Other);
        // Not a file: opened anew it has an offset of its own, and would overwrite from the start.
        if kind == Kind::Pipe || terminal::modes(file).is_ok() {
            let flags = access | libc::O_NOCTTY | libc::O_NONBLOCK;
            if let Ok(again) = descriptor::open(path, flags, 0) {
                return Self::Reopened(again);
            }
        }
        match kind {
            Kind::Socket => Self::Socket(file),
            _ => Self::Plain(file),
        }
    }

    /// What to wait for.
    pub fn file(&self) -> BorrowedFd<'_> {
        match self {
            Self::Reopened(file) => file.as_fd(),
            Self::Ours(file) | Self::Socket(file) | Self::Plain(file) => *file,
        }
    }

    /// Reads what there is. Call it when poll(2) says that there is something.
    pub fn read(&self, buffer: &mut [u8]) -> Result<usize, Errno> {
        descriptor::read(self.file(), buffer)
    }

    /// Writes what goes at once. Call it when poll(2) says that something does.
    pub fn write(&self, bytes: &[u8]) -> Result<usize, Errno> {
        match self {
            Self::Reopened(file) => descriptor::write(file.as_fd(), bytes),
            Self::Ours(file) => descriptor::write(*file, bytes),
            Self::Socket(file) => descriptor::send_without_waiting(*file, bytes),
            Self::Plain(file) => descriptor::write(*file, bytes.get(..CHUNK).unwrap_or(bytes)),
        }
    }
}
