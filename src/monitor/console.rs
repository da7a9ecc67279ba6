//! The container's side of a relay with `-t`: a terminal, which has keys and no end-of-file.

use super::keys::Keys;
use super::milliseconds;
use crate::sys::terminal::{self, Size};
use crate::sys::{Errno, Pid, descriptor};
use crate::terminal::PseudoTerminal;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::rc::Rc;
use std::time::{Duration, Instant};

/// How soon end-of-file is typed again, at first and at most. See [`Console::type_end_of_file`].
const EOF_FIRST: Duration = Duration::from_millis(50);
const EOF_LAST: Duration = Duration::from_secs(1);

pub struct Console {
    master: Rc<OwnedFd>,
    /// Kept open while the container runs: without it the terminal would hang up, and wake the
    /// relay forever, whenever no process of the container has it open for a moment.
    slave: Option<OwnedFd>,
    keys: Keys,
    /// The caller's input has ended; the container's terminal is told so, again and again.
    end_of_file: Option<EndOfFile>,
}

struct EndOfFile {
    next: Instant,
    pause: Duration,
    /// A program that reads single keys takes it for one. Without -i nothing was ever to be typed, so it is spared; with
    /// -i it is what a person would type.
    spares_single_keys: bool,
}

impl Console {
    pub fn new(terminal: PseudoTerminal) -> Result<Self, Errno> {
        let PseudoTerminal { master, slave } = terminal;
        descriptor::set_nonblocking(master.as_fd())?;
        Ok(Self {
            master: Rc::new(master),
            slave,
            keys: Keys::default(),
            end_of_file: None,
        })
    }

    /// What the container's terminal is read and written by.
    pub fn master(&self) -> Rc<OwnedFd> {
        self.master.clone()
    }

    /// Closes the container's end: without it the terminal answers an errno when it is empty.
    pub fn close_slave(&mut self) {
        self.slave = None;
    }

    /// Gives it a size, if there is one to give. A terminal without a size is what many are, so
    /// there is nothing to fail.
    pub fn set_size(&self, size: Option<Size>) {
        if let Some(size) = size {
            let _ = terminal::set_size(self.file(), size);
        }
    }

    /// The signal that `typed` makes the terminal send, and whether to the group of `first_process`. If PID 1 is there and
    /// has no handler, the kernel spares it, and the person who typed would wait forever.
    pub fn typed_signal(&mut self, typed: &[u8], first_process: Pid) -> Option<(i32, bool)> {
        let modes = terminal::modes(self.file()).ok()?;
        let signal = self.keys.signal(typed, &modes)?;
        let in_foreground = terminal::foreground_group(self.file()) == Ok(first_process);
        Some((signal, in_foreground))
    }

    /// Nothing more will be typed.
    pub fn end_input(&mut self, was_read: bool) {
        self.end_of_file = Some(EndOfFile {
            next: Instant::now(),
            pause: EOF_FIRST,
            spares_single_keys: !was_read,
        });
    }

    /// How long until end-of-file is to be typed, in milliseconds; -1 for never.
    pub fn timeout(&self) -> i32 {
        self.end_of_file.as_ref().map_or(-1, |end| {
            milliseconds(end.next.saturating_duration_since(Instant::now()))
        })
    }

    /// A terminal has no end-of-file, only a key for it, and a key can be lost: a shell that
    /// switches the terminal to its own modes at start takes a key typed before for a character.
    /// So it is typed again while the container runs, ever more rarely.
    pub fn type_end_of_file(&mut self) {
        let Some(end) = &self.end_of_file else {
            return;
        };
        let now = Instant::now();
        if now < end.next {
            return;
        }
        if let Ok(modes) = terminal::modes(self.file()) {
            let reads_lines = modes.local & libc::ICANON != 0;
            if reads_lines || !end.spares_single_keys {
                let key = modes.characters.get(libc::VEOF).copied();
                let key = [key.filter(|key| *key != 0).unwrap_or(4)];
                // A full terminal has enough of them.
                let _ = descriptor::write(self.file(), &key);
            }
        }
        if let Some(end) = &mut self.end_of_file {
            end.next = now + end.pause;
            end.pause = (end.pause * 2).min(EOF_LAST);
        }
    }

    fn file(&self) -> BorrowedFd<'_> {
        self.master.as_fd()
    }
}
