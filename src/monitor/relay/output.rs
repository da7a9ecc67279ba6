//! What the container writes.

use crate::error::Error;
use crate::monitor::channel::{Allowance, Channel, Got};
use crate::standard_streams;
use crate::sys::Errno;

/// What the container writes, and the number of the caller's descriptor that it is written to.
pub struct Output {
    pub channel: Channel,
    pub number: i32,
}

/// Output that could not be written.
#[derive(Clone, Copy)]
pub struct Lost {
    pub number: i32,
    pub errno: Errno,
}

impl Lost {
    /// `hung_up`: where the container has a terminal, losing its output is losing its screen.
    pub fn error(self, hung_up: bool) -> Error {
        let hint = match hung_up {
            true => "what the command wrote from there on is lost, and it was sent SIGHUP",
            false => "what the command wrote from there on is lost",
        };
        Error::new("write", standard_streams::name(self.number), self.errno).hint(Some(hint))
    }
}

impl Output {
    /// After the container's end, what is left to be read.
    pub fn take_rest(&mut self, allowance: &mut Allowance) {
        // What was read may have been thrown away.
        while self.channel.is_empty() {
            if allowance.is_exceeded() || self.channel.read(allowance) != Got::Something {
                self.channel.end();
                return;
            }
        }
    }
}
