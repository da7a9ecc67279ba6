//! How a container has ended.

use super::{KilledFor, Supervisor};
use crate::error::{Error, ExitCode};
use crate::field::Field;
use crate::launch::Role;
use crate::log::{Level, Value};
use crate::monitor::End;
use crate::sys::process::Ended;
use crate::sys::{clock, reaper};
use crate::verdict::Reason;
use std::os::fd::AsFd;

impl Supervisor<'_> {
    /// Ends what a keeper has left behind.
    fn succeed(&self, ended: Ended) {
        let Some(successor) = self.container.successor else {
            return;
        };
        let was_anything = successor.end_all();
        if let Ended::Signaled(signal) = ended {
            let (whose, kept) = match self.joins_pids {
                // Its orphans have gone to that namespace's PID 1.
                true => ("others' processes".to_owned(), "what it kept may run on"),
                false => (Field::HostPids.to_string(), "all that it kept with it"),
            };
            let message = format!("the keeper of {whose} was ended by signal {signal}, and {kept}");
            // There is to be cleaned up after it: no signal ends us before that.
            self.log.keep_signals_blocked();
            self.log.say(&Error::told(&message));
        } else if was_anything {
            self.log
                .write(Level::Warn, b"ended what the keeper had left", &[]);
        }
    }

    pub(super) fn report(&mut self, ended: Ended) -> Result<End, Error> {
        self.succeed(ended);
        let at = self.timed.then(clock::monotonic);
        // Only if our SIGKILL is what ended it: it may have left by itself just before. A keeper says with its exit
        // code that it has killed.
        let killed = Ended::Signaled(libc::SIGKILL);
        let by_us = ended == killed
            || self.container.successor.is_some() && ended == Ended::Exited(killed.code());
        // Who was asked has ended because of that, whatever its way; and what was written was written before the end.
        let killed_for = self
            .killed_for
            .filter(|why| by_us || self.was_asked || *why == KilledFor::OutputLimit);
        let commands_own = self.commands_own(ended, killed);
        // What has used more by then has used more, however it ended.
        let killed_for = match killed_for {
            None if self.has_used_its_cpu_time()? => Some(KilledFor::CpuTime),
            killed_for => killed_for,
        };
        let code = killed_for.map_or(ended.code(), KilledFor::code);
        let by_signal = |signal| {
            self.delivered == Some(signal) && commands_own == Some(Ended::Signaled(signal))
        };
        let reason = match (killed_for, commands_own) {
            (Some(killed_for), _) => killed_for.reason(),
            (None, Some(Ended::Signaled(signal))) if by_signal(signal) => Reason::StoppedBySignal,
            (None, Some(Ended::Signaled(_))) => Reason::Signaled,
            (None, _) => Reason::Exited,
        };
        self.code = Some(code);
        self.log.write(
            Level::Info,
            b"container ended",
            &[
                ("pid", Value::Number(i64::from(self.container.pid))),
                ("status", Value::Number(i64::from(code))),
            ],
        );
        Ok(End {
            exit: ExitCode(code),
            reason,
            ended: commands_own,
            at,
            used: self.used,
            output: None,
            interrupted: self.interrupted,
        })
    }

    /// The command's own end, where the container's first process has `ended`. (A code of a reaper's stands for two.)
    fn commands_own(&self, ended: Ended, killed: Ended) -> Option<Ended> {
        if self.container.role != Role::Reaper {
            return Some(ended);
        }
        let told = self.status.as_ref();
        let told = told.and_then(|status| reaper::told_end(status.as_fd()));
        told.or(self.told).or(match ended {
            // What it had is gone with it, the same way.
            _ if ended == killed => Some(killed),
            Ended::Exited(code) if code < 128 => Some(ended),
            _ => None,
        })
    }
}
