//! The caller's side: its terminal, if stdin is one, in raw mode while the container has it.

use crate::sys::descriptor;
use crate::sys::terminal::{self, Modes, Size};
use std::cell::Cell;
use std::os::fd::BorrowedFd;

/// The caller's stdin, and how its terminal was before.
pub struct Outside {
    /// `-i`: what is typed goes to the container.
    reads_input: bool,
    /// `None`: stdin is no terminal.
    saved: Option<Modes>,
    raw: Cell<bool>,
}

impl Outside {
    pub fn look(reads_input: bool) -> Self {
        Self {
            reads_input,
            saved: terminal::modes(descriptor::borrowed(0)).ok(),
            raw: Cell::new(false),
        }
    }

    pub fn reads_input(&self) -> bool {
        self.reads_input
    }

    pub fn input(&self) -> BorrowedFd<'static> {
        descriptor::borrowed(0)
    }

    pub fn modes(&self) -> Option<&Modes> {
        self.saved.as_ref()
    }

    pub fn is_raw(&self) -> bool {
        self.raw.get()
    }

    /// The size of the first standard descriptor that has one.
    pub fn size(&self) -> Option<Size> {
        (0..3)
            .filter_map(|number| terminal::size(descriptor::borrowed(number)).ok())
            .find(|size| size.rows > 0 && size.columns > 0)
    }

    /// Whether reading stdin and setting its modes is ours to do. A terminal belongs to one process
    /// group at a time; a stdin that is no terminal, or one of no session of ours, to everyone.
    pub fn in_foreground(&self) -> bool {
        self.saved.is_none()
            || terminal::foreground_group(self.input())
                .map_or(true, |group| group == terminal::own_group())
    }

    /// Every key goes to the container, ^C too. Only with `-i`, and only in the foreground: in the
    /// background the terminal is someone else's.
    pub fn enter_raw_mode(&self) {
        if let Some(saved) = &self.saved {
            if self.reads_input && self.in_foreground() {
                let done = terminal::set_modes(self.input(), &saved.raw());
                self.raw.set(done.is_ok());
            }
        }
    }

    /// Gives the terminal back as it was.
    pub fn leave_raw_mode(&self) {
        if let Some(saved) = &self.saved {
            // In the background by now, it is the shell's, and in the shell's modes.
            if self.raw.replace(false) && self.in_foreground() {
                let _ = terminal::set_modes(self.input(), saved);
            }
        }
    }
}

impl Drop for Outside {
    fn drop(&mut self) {
        self.leave_raw_mode();
    }
}
