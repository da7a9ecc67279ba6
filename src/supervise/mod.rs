//! What the parent does while the command runs: hand signals on, and wait.

mod disposition;
mod keys;
pub mod relay;
pub mod signals;

use crate::error::{Error, ExitCode};
use crate::launch::Container;
use crate::log::{Level, Log, Value};
use crate::sys::clock;
use crate::sys::code;
use crate::sys::process::{self, Ended, Patience};
use crate::sys::signal::{self, SignalSet};
use disposition::Disposition;

/// How a container ended, and when.
#[derive(Clone, Copy, Debug)]
pub struct End {
    pub exit: ExitCode,
    /// By the monotonic clock, if the run is timed.
    pub at: Option<u64>,
}

/// A running container and what has been done to it.
pub struct Supervisor<'a> {
    container: Container,
    log: &'a Log,
    timed: bool,
    /// The signal in whose name PID 1 was killed.
    killed_for: Option<i32>,
    /// The last signal that was delivered.
    delivered: Option<i32>,
    /// What the container's exit code was.
    code: Option<u8>,
}

impl<'a> Supervisor<'a> {
    pub fn new(container: Container, timed: bool, log: &'a Log) -> Self {
        Self {
            container,
            log,
            timed,
            killed_for: None,
            delivered: None,
            code: None,
        }
    }

    pub fn container(&self) -> Container {
        self.container
    }

    /// Waits for the end, handing on the signals of `forwarded`.
    pub fn wait(mut self, forwarded: SignalSet) -> Result<End, Error> {
        let awaited = forwarded.with(libc::SIGCHLD);
        code::let_go();
        loop {
            let signal =
                signal::wait(awaited).map_err(|errno| Error::new("wait for", "signals", errno))?;
            if signal != libc::SIGCHLD {
                self.deliver(signal);
            } else if let Some(end) = self.ended()? {
                return Ok(end);
            }
        }
    }

    /// The end, if the container has ended. Never waits.
    pub fn ended(&mut self) -> Result<Option<End>, Error> {
        let ended = process::wait(Some(self.container.pid), Patience::Look)
            .map_err(|errno| Error::new("wait for", "the container", errno))?;
        Ok(ended.map(|(_, ended)| self.report(ended)))
    }

    /// Whether the container has ended by the signal that was delivered last.
    pub fn ended_by_order(&self) -> bool {
        let code = |signal| Ended::Signaled(signal).code();
        self.code.is_some() && self.code == self.delivered.map(code)
    }

    /// Does with the container what `signal` would have done to an ordinary process.
    #[cold]
    #[inline(never)]
    pub fn deliver(&mut self, signal: i32) {
        self.delivered = Some(signal);
        if self.is_spared(signal) {
            self.kill_for(signal);
        } else {
            // It can have ended, but it has not been waited for: the pid is still its own.
            let result = process::kill(self.container.pid, signal);
            self.log.write(
                Level::Debug,
                b"signal handed on",
                &[
                    ("signal", Value::Number(i64::from(signal))),
                    (
                        "errno",
                        Value::Number(result.err().map_or(0, |errno| errno.into_raw().into())),
                    ),
                ],
            );
        }
    }

    /// A key for `signal` was typed while PID 1 is in its terminal's foreground. The terminal
    /// sends the signal by itself; what is left to do is the end that PID 1 ignores.
    pub fn key_typed(&mut self, signal: i32) {
        self.delivered = Some(signal);
        if self.is_spared(signal) {
            self.kill_for(signal);
        }
    }

    /// The kernel gives PID 1 of a namespace no signal that it has no handler for, where any other
    /// process would end. People expect the end.
    fn is_spared(&self, signal: i32) -> bool {
        self.container.command_is_spared
            && signals::ends_by_default(signal)
            && disposition::of(self.container.pid, signal) == Disposition::Default
    }

    #[cold]
    #[inline(never)]
    fn kill_for(&mut self, signal: i32) {
        self.log.write(
            Level::Info,
            b"ended for a signal that PID 1 has no handler for",
            &[("signal", Value::Number(i64::from(signal)))],
        );
        self.killed_for.get_or_insert(signal);
        let _ = process::kill(self.container.pid, libc::SIGKILL);
    }

    fn report(&mut self, ended: Ended) -> End {
        let at = self.timed.then(clock::monotonic);
        let code = match (ended, self.killed_for) {
            // Only if our SIGKILL is what ended it: it may have left by itself just before.
            (Ended::Signaled(libc::SIGKILL), Some(signal)) => Ended::Signaled(signal).code(),
            (ended, _) => ended.code(),
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
        End {
            exit: ExitCode(code),
            at,
        }
    }
}
