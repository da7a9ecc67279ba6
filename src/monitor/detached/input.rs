//! What is typed by those who are attached, on its way to the container.

use crate::sys::Errno;
use crate::sys::descriptor::{self, Waiting};
use std::os::fd::{AsFd, OwnedFd};
use std::rc::Rc;

/// When a container's stdin, if it is a pipe, ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InputEnds {
    /// With that of the one who is attached to type.
    WithTypist,
    /// With the container: someone else may be attached later.
    Never,
}

/// The container's stdin, or its terminal.
pub struct Input {
    to: Rc<OwnedFd>,
    pending: Vec<u8>,
    start: usize,
    is_terminal: bool,
}

impl Input {
    pub fn new(to: Rc<OwnedFd>, is_terminal: bool) -> Self {
        Self {
            to,
            pending: Vec::new(),
            start: 0,
            is_terminal,
        }
    }

    /// Whether all that was typed is written: only then is more taken.
    pub fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }

    /// Waits until what was typed can be written; with nothing to write, until no one would read it.
    pub fn waiting(&self) -> Waiting {
        match (self.is_empty(), self.is_terminal) {
            (false, _) => Waiting::to_write(self.to.as_fd()),
            (true, false) => Waiting::until_closed(self.to.as_fd()),
            // It is read to its end, which tells.
            (true, true) => Waiting::none(),
        }
    }

    /// Takes what was typed, and writes what goes at once.
    pub fn take(&mut self, bytes: &[u8]) -> Result<(), Errno> {
        self.pending.extend(bytes);
        match self.is_empty() {
            true => Ok(()),
            false => self.write(),
        }
    }

    /// Writes what goes at once. Call it when poll(2) says that something does.
    ///
    /// Errors: no one reads it any more.
    pub fn write(&mut self) -> Result<(), Errno> {
        let rest = self.pending.get(self.start..).unwrap_or_default();
        if rest.is_empty() {
            // Poll has told that there is no reader.
            return Err(Errno::EPIPE);
        }
        match descriptor::write(self.to.as_fd(), rest) {
            Ok(count) => self.start += count,
            Err(Errno::EAGAIN | Errno::EINTR) => {}
            Err(errno) => return Err(errno),
        }
        if self.start >= self.pending.len() {
            (self.pending, self.start) = (Vec::new(), 0);
        }
        Ok(())
    }
}
