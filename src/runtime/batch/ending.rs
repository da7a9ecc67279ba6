//! How a batch ends before its jobs do, and how it stops for a while.

use super::hand::Given;
use super::{Batch, LONGEST_WAIT, STANDARD};
use crate::error::{Error, ExitCode};
use crate::sys::process::Ended;
use crate::sys::{Errno, signal};
use std::os::fd::AsFd;
use std::time::Instant;

/// Why a batch ends before its jobs do.
#[derive(Clone, Copy)]
pub enum Ending {
    Signal(i32),
    /// No one reads the results.
    Unread(Errno),
}

impl Batch<'_> {
    /// How it has ended, if it has.
    pub fn outcome(&mut self) -> Option<Result<ExitCode, Error>> {
        let runs = self.hands.iter().any(|hand| hand.job.is_some());
        let Some(ending) = self.ending else {
            let listens = self.door.is_some();
            self.connections
                .retain_mut(|(_, connection)| !connection.is_over());
            let is_over = !listens && self.connections.is_empty();
            let outcome = match self.unreadable {
                None => Ok(ExitCode::SUCCESS),
                Some(errno) => Err(Error::new("read", "jobs from stdin", errno)),
            };
            return is_over.then_some(outcome);
        };
        if runs {
            return None;
        }
        let mut connections = self.connections.iter();
        let are_read = connections.all(|(_, connection)| connection.is_written());
        let now = Instant::now();
        let deadline = *self.deadline.get_or_insert(now + LONGEST_WAIT);
        if !are_read && now < deadline {
            return None;
        }
        Some(match ending {
            Ending::Signal(number) => Ok(ExitCode(Ended::Signaled(number).code())),
            Ending::Unread(errno) => Err(Error::new("write", "results to stdout", errno)),
        })
    }

    /// No one takes the results any more: what runs for them ends.
    #[cold]
    #[inline(never)]
    pub fn lose(&mut self, index: usize, errno: Errno) {
        let (key, _) = self.connections.remove(index);
        if key == STANDARD && self.door.is_none() {
            self.ending = self.ending.or(Some(Ending::Unread(errno)));
        }
        self.end_jobs(libc::SIGTERM, |job| job.connection == key);
    }

    fn end_jobs(&mut self, signal: i32, which: impl Fn(&Given) -> bool) {
        let busy = self.hands.iter_mut();
        for hand in busy.filter(|hand| hand.job.as_ref().is_some_and(&which)) {
            hand.is_signalled = true;
            hand.signal(signal);
            // Someone may have stopped it.
            hand.signal(libc::SIGCONT);
        }
    }

    pub fn take_signals(&mut self) -> Result<(), Errno> {
        loop {
            let signals = self.signals.as_ref();
            let taken = signals.map(|signals| signal::take(signals.as_fd()));
            let Some(taken) = taken.transpose()?.flatten() else {
                return Ok(());
            };
            if taken.number == libc::SIGTSTP {
                self.stop();
                continue;
            }
            self.ending = self.ending.or(Some(Ending::Signal(taken.number)));
            self.end_jobs(taken.number, |_| true);
        }
    }

    /// Stops with all that runs, as a shell's job does at ^Z, and goes on with it.
    #[cold]
    #[inline(never)]
    fn stop(&mut self) {
        let busy = self.hands.iter().filter(|hand| hand.job.is_some());
        busy.for_each(|hand| hand.signal(libc::SIGTSTP));
        // Where no shell could continue us the kernel does not stop us.
        signal::act_by_default(libc::SIGTSTP, self.blocked);
        // Also one that has ended meanwhile: it takes back what has not been heard.
        self.hands
            .iter()
            .for_each(|hand| hand.signal(libc::SIGCONT));
    }
}
