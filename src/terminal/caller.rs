//! The caller's side: its terminal, if stdin is one, in raw mode while the container has it.

use crate::sys::descriptor;
use crate::sys::terminal::{self, Modes, Size};
use crate::terminal_settings::TerminalSettings;
use std::cell::Cell;
use std::os::fd::BorrowedFd;

/// The caller's stdin, and how its terminal was before.
pub struct CallerTerminal {
    /// `-i`: what is typed goes to the container.
    reads_input: bool,
    /// How stdin's terminal was before it became raw. `None`: stdin is no terminal.
    saved: Cell<Option<Modes>>,
    raw: Cell<bool>,
    /// What is shown on it comes from other programs too, and has its line feeds alone: stdout is not
    /// it, but a pipe to them.
    shows_others: bool,
}

impl CallerTerminal {
    #[cold]
    #[inline(never)]
    pub fn look(reads_input: bool) -> Self {
        Self {
            reads_input,
            saved: Cell::new(terminal::modes(stdin()).ok()),
            raw: Cell::new(false),
            shows_others: false,
        }
    }

    /// For a terminal that an engine's container has. A program that reads what the container writes
    /// finds plain newlines, as with runc; and what that program shows has its carriage returns from
    /// the caller's terminal.
    pub fn of_engine() -> Self {
        let mut terminal = Self::look(true);
        terminal.shows_others = terminal::modes(descriptor::standard(1)).is_err();
        terminal
    }

    pub fn reads_input(&self) -> bool {
        self.reads_input
    }

    /// What the container's terminal takes from the caller's; it is to belong to `owner`.
    pub fn terminal_settings(&self, owner: Option<u32>) -> TerminalSettings {
        TerminalSettings {
            modes: self.saved.get(),
            size: self.size(),
            plain_newlines: self.shows_others,
            owner,
        }
    }

    pub fn is_raw(&self) -> bool {
        self.raw.get()
    }

    /// The size of the first standard descriptor that has one.
    pub fn size(&self) -> Option<Size> {
        (0..3)
            .filter_map(|number| terminal::size(descriptor::standard(number)).ok())
            .find(|size| size.rows > 0 && size.columns > 0)
    }

    /// Whether reading stdin and setting its modes is ours to do. A terminal belongs to one process
    /// group at a time; a stdin that is no terminal, or one of no session of ours, to everyone.
    pub fn in_foreground(&self) -> bool {
        self.saved.get().is_none()
            || terminal::foreground_group(stdin())
                .map_or(true, |group| group == terminal::own_group())
    }

    /// Every key goes to the container, ^C too. Only with `-i`, and only in the foreground: in the
    /// background the terminal is someone else's.
    pub fn enter_raw_mode(&self) {
        if self.raw.get() || !self.reads_input || !self.in_foreground() {
            return;
        }
        if self.saved.get().is_some() {
            // As it is now: in the background, or while we were stopped, it had other users.
            if let Ok(modes) = terminal::modes(stdin()) {
                self.saved.set(Some(modes));
                let done = terminal::set_modes(stdin(), &self.raw(modes));
                self.raw.set(done.is_ok());
            }
        }
    }

    /// Once more, if the terminal should be raw: a shell that continues a job may have set its own
    /// modes, and they are none to come back to.
    pub fn renew_raw_mode(&self) {
        if let Some(saved) = self.saved.get() {
            if self.raw.get() && self.in_foreground() {
                let _ = terminal::set_modes(stdin(), &self.raw(saved));
            }
        }
    }

    fn raw(&self, modes: Modes) -> Modes {
        let mut raw = modes.raw();
        if self.shows_others {
            raw.output = modes.output;
        }
        raw
    }

    /// Gives the keys back and keeps the output raw: what the container printed last has its
    /// carriage returns already.
    pub fn give_keys_back(&self) {
        if let Some(mut modes) = self.saved.get() {
            if self.raw.get() && self.in_foreground() {
                modes.output = self.raw(modes).output;
                let _ = terminal::set_modes(stdin(), &modes);
            }
        }
    }

    /// Gives the terminal back as it was.
    pub fn leave_raw_mode(&self) {
        if let Some(saved) = self.saved.get() {
            // In the background by now, it is the shell's, and in the shell's modes.
            if self.raw.replace(false) && self.in_foreground() {
                let _ = terminal::set_modes(stdin(), &saved);
            }
        }
    }
}

fn stdin() -> BorrowedFd<'static> {
    descriptor::standard(0)
}

impl Drop for CallerTerminal {
    fn drop(&mut self) {
        self.leave_raw_mode();
    }
}
