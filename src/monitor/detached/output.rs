//! What the container writes.

use crate::container_log;
use crate::control::MOST_BYTES;
use crate::monitor::channel::Allowance;
use crate::monitor::desk::Desk;
use crate::sys::Errno;
use crate::sys::descriptor::{self, Waiting};
use std::os::fd::{AsFd, OwnedFd};
use std::rc::Rc;

/// How often it is read before something else has its turn.
const TURNS: usize = 8;

pub struct Output {
    from: Rc<OwnedFd>,
    source: container_log::Output,
    is_at_end: bool,
    is_empty: bool,
}

impl Output {
    pub fn new(from: Rc<OwnedFd>, source: container_log::Output) -> Self {
        Self {
            from,
            source,
            is_at_end: false,
            is_empty: false,
        }
    }

    pub fn waiting(&self) -> Waiting {
        Waiting::to_read(self.from.as_fd())
    }

    /// Nothing will ever come.
    pub fn is_at_end(&self) -> bool {
        self.is_at_end
    }

    /// Whether there may be more than has been read.
    pub fn has_more(&self) -> bool {
        !self.is_at_end && !self.is_empty
    }

    /// Reads what there is, within reason. How many bytes have come, and were allowed.
    pub fn take(&mut self, buffer: &mut [u8], allowance: &mut Allowance, desk: &mut Desk) -> u64 {
        let mut passed = 0;
        self.is_empty = false;
        // As much as one message carries.
        let buffer = buffer.get_mut(..MOST_BYTES).unwrap_or_default();
        for _ in 0..TURNS {
            if allowance.is_exceeded() {
                break;
            }
            match descriptor::read(self.from.as_fd(), buffer) {
                Ok(0) => self.is_at_end = true,
                Ok(count) => {
                    let count = allowance.take(count);
                    passed += count as u64;
                    desk.take_output(self.source, buffer.get(..count).unwrap_or_default());
                    continue;
                }
                Err(Errno::EINTR) => continue,
                Err(Errno::EAGAIN) => self.is_empty = true,
                // A terminal's end is EIO.
                Err(_) => self.is_at_end = true,
            }
            break;
        }
        passed
    }
}
