//! The two terminals of a container with `-t`: its own, and the caller's.

mod outside;

pub use outside::Outside;

use crate::error::Error;
use crate::hint::{Doing, hint};
use crate::sys::descriptor;
use crate::sys::terminal::{self, Size};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// The container's terminal: a pseudo-terminal, whose master is ours.
pub struct PseudoTerminal {
    pub master: OwnedFd,
    /// Kept open while the container runs: without it the terminal would hang up, and wake the
    /// relay forever, whenever no process of the container has it open for a moment.
    slave: Option<OwnedFd>,
}

impl PseudoTerminal {
    /// Makes one that looks like the caller's terminal: its size, its special keys. It belongs to
    /// `owner`, if that is not the one who makes it: /dev/stderr would be closed to the command.
    #[cold]
    #[inline(never)]
    pub fn open(outside: &Outside, owner: Option<u32>) -> Result<Self, Error> {
        let (master, slave) = terminal::pseudo_terminal().map_err(|errno| {
            Error::new("open a pseudo-terminal", "/dev/ptmx", errno)
                .hint(hint(Doing::OpenTerminal, errno))
        })?;
        if let Some(theirs) = outside.modes() {
            let modes = terminal::modes(slave.as_fd()).and_then(|mut modes| {
                // The keys a person's fingers know, and whether backspace takes a character or a
                // byte of UTF-8; not the modes, which whoever called may have set for itself.
                modes.characters = theirs.characters;
                modes.input |= theirs.input & libc::IUTF8;
                terminal::set_modes(slave.as_fd(), &modes)
            });
            modes.map_err(|errno| Error::new("set modes of", "the terminal", errno))?;
        }
        if let Some(owner) = owner {
            descriptor::change_owner(slave.as_fd(), owner).map_err(|errno| {
                Error::new("change owner of the terminal to", owner.to_string(), errno)
            })?;
        }
        let pair = Self {
            master,
            slave: Some(slave),
        };
        pair.set_size(outside.size());
        Ok(pair)
    }

    /// The container's end.
    pub fn slave(&self) -> Option<BorrowedFd<'_>> {
        self.slave.as_ref().map(AsFd::as_fd)
    }

    pub fn close_slave(&mut self) {
        self.slave = None;
    }

    /// Gives it a size, if there is one to give. A terminal without a size is what many are, so
    /// there is nothing to fail.
    pub fn set_size(&self, size: Option<Size>) {
        if let Some(size) = size {
            let _ = terminal::set_size(self.master.as_fd(), size);
        }
    }
}
