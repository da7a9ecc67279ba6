//! A box that is there, for the pool that is its parent, and what comes by its line.

use crate::guard::Acquire;
use crate::host::limits::Limited;
use crate::launch::Container;
use crate::log::Log;
use crate::monitor::line::{Conclusion, Request};
use crate::pool::TAKEN;
use crate::report::Report;
use crate::runtime::asked::Lent;
use crate::sys::process::{Ended, ResourceUsage};
use crate::sys::{Errno, counter, descriptor, local_socket, reaper};
use std::os::fd::{AsFd, OwnedFd};
use std::time::Instant;

/// A box that is there.
pub struct Kept {
    pub container: Container,
    /// Our end of its line, until it has ended.
    pub line: Option<OwnedFd>,
    /// Why its command has not run.
    pub failure: OwnedFd,
    /// How its command has ended, if it has a reaper.
    pub status: Option<OwnedFd>,
    pub lent: Lent<Acquire>,
    pub made: Instant,
    pub is_taken: bool,
    /// The signal in whose place it was killed.
    pub spared: Option<i32>,
}

/// What comes by a box's line, of its client.
pub enum Said {
    Asked(Request),
    /// No one has the other end any more: the client has gone, or the box.
    Gone,
}

impl Kept {
    /// The next thing that the client has said, if there is one. Nothing comes after [`Said::Gone`]. A box that says it has a job
    /// has its client told its number, which no other knows.
    pub fn said(&mut self) -> Option<Said> {
        let line = self.line.as_ref()?;
        loop {
            let mut record = [0; 16];
            match local_socket::receive_bytes(line.as_fd(), &mut record) {
                Ok(1) if record[0] == TAKEN => {
                    self.is_taken = true;
                    self.tell(&self.container.pid.to_le_bytes());
                }
                Ok(Request::LENGTH) => {
                    if let Some(request) = Request::of_bytes([record[0], record[1]]) {
                        return Some(Said::Asked(request));
                    }
                }
                Err(Errno::EAGAIN) => return None,
                Err(Errno::EINTR) => {}
                Ok(0) | Err(_) => {
                    self.line = None;
                    return Some(Said::Gone);
                }
                Ok(_) => {}
            }
        }
    }

    /// Says something to the client.
    pub fn tell(&self, record: &[u8]) {
        if let Some(line) = &self.line {
            // Who has gone meanwhile need not know.
            let _ = descriptor::send_without_waiting(line.as_fd(), record);
        }
    }

    /// Tells the client, and gives back what was lent. It has been waited for. Whether it has been taken since it was heard last.
    pub fn conclude(mut self, ended: Ended, resource_usage: ResourceUsage, log: &Log) -> bool {
        let was_taken = self.is_taken;
        // What the box has said last: the client may still be there, and wait for its number.
        while self.said().is_some() {}
        let status = self.status.as_ref();
        let usage = self.lent.limited.as_ref().map(Limited::usage);
        let conclusion = Conclusion {
            ended,
            told: status.and_then(|status| reaper::told_end(status.as_fd())),
            spared: self.spared,
            report: counter::take(self.failure.as_fd())
                .and_then(|report| Report::of_bytes(report.to_ne_bytes()).ok()),
            resource_usage,
            usage,
        };
        // Before the client is told: what it finds when it has ended is the host as it was.
        if let Some(traces) = self.lent.traces.take() {
            traces.clean_up();
        }
        if let Some(mut limited) = self.lent.limited.take() {
            limited.remove(log);
        }
        self.tell(&conclusion.to_bytes());
        self.is_taken && !was_taken
    }
}
