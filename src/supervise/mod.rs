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
use crate::sys::reaper;
use crate::sys::signal::{self, SignalSet};
use disposition::Disposition;
use std::time::{Duration, Instant};

/// How a container ended, and when.
#[derive(Clone, Copy, Debug)]
pub struct End {
    pub exit: ExitCode,
    /// By the monotonic clock, if the run is timed.
    pub at: Option<u64>,
}

/// How long a container may take to end before it is told once more.
const ONCE_MORE: Duration = Duration::from_millis(100);

/// Why a container is killed by mydocker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reason {
    /// A signal that its PID 1 is spared.
    Signal(i32),
    TimeIsUp,
}

/// A running container and what has been done to it.
pub struct Supervisor<'a> {
    container: Container,
    log: &'a Log,
    timed: bool,
    /// When the container is to end, if it has not ended by then.
    deadline: Option<Instant>,
    /// Why the container was killed, if it was.
    killed_for: Option<Reason>,
    /// The last signal that was delivered.
    delivered: Option<i32>,
    /// What the container's exit code was.
    code: Option<u8>,
}

impl<'a> Supervisor<'a> {
    /// `timeout` is how long it may run, from now on.
    pub fn new(container: Container, timeout: Option<Duration>, timed: bool, log: &'a Log) -> Self {
        Self {
            // A time that is too far away for a clock never comes.
            deadline: timeout.and_then(|timeout| Instant::now().checked_add(timeout)),
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
            let signal = match self.time_left() {
                None => signal::wait(awaited).map(Some),
                Some(left) => signal::wait_at_most(awaited, left),
            };
            // Each time, or a flood of signals would keep it from being seen.
            self.look_at_the_clock();
            match signal.map_err(|errno| Error::new("wait for", "signals", errno))? {
                None => {}
                Some(libc::SIGCHLD) => {
                    if let Some(end) = self.ended()? {
                        return Ok(end);
                    }
                }
                Some(signal) => self.deliver(signal),
            }
        }
    }

    /// How long the container may still run, if there is an end to it.
    pub fn time_left(&self) -> Option<Duration> {
        let deadline = self.deadline?;
        Some(deadline.saturating_duration_since(Instant::now()))
    }

    /// Ends the container if its time is up.
    pub fn look_at_the_clock(&mut self) {
        if self.time_left() != Some(Duration::ZERO) {
            return;
        }
        // A keeper may have been stopped, or its queue be full.
        self.deadline = Instant::now().checked_add(ONCE_MORE);
        // It can have ended, but it has not been waited for: the pid is still its own.
        let pid = self.container.pid;
        if self.container.successor.is_some() {
            let _ = signal::queue(pid, reaper::END);
            let _ = process::kill(pid, libc::SIGCONT);
        } else {
            // With PID 1 ends the namespace.
            let _ = process::kill(pid, libc::SIGKILL);
        }
        if self.killed_for.replace(Reason::TimeIsUp) != Some(Reason::TimeIsUp) {
            self.log
                .write(Level::Info, b"ended because its time was up", &[]);
        }
    }

    /// The end, if the container has ended. Never waits.
    pub fn ended(&mut self) -> Result<Option<End>, Error> {
        let ended = process::wait(Some(self.container.pid), Patience::Look)
            .map_err(|errno| Error::new("wait for", "the container", errno))?;
        Ok(ended.map(|(_, ended)| self.report(ended)))
    }

    /// Whether the container has ended by the signal that was delivered last, or because its time was up.
    pub fn ended_by_order(&self) -> bool {
        let code = |signal| Ended::Signaled(signal).code();
        let by_signal = self.code.is_some() && self.code == self.delivered.map(code);
        by_signal || self.killed_for == Some(Reason::TimeIsUp)
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
        self.killed_for.get_or_insert(Reason::Signal(signal));
        let _ = process::kill(self.container.pid, libc::SIGKILL);
    }

    /// Ends what a keeper has left behind.
    fn succeed(&self, ended: Ended) {
        let Some(successor) = self.container.successor else {
            return;
        };
        let was_anything = successor.end_all();
        if let Ended::Signaled(signal) = ended {
            let message = format!(
                "the keeper of --pid host was ended by signal {signal}, and all that it kept with it"
            );
            self.log.say(&Error::told(&message));
        } else if was_anything {
            self.log
                .write(Level::Warn, b"ended what the keeper had left", &[]);
        }
    }

    fn report(&mut self, ended: Ended) -> End {
        self.succeed(ended);
        let at = self.timed.then(clock::monotonic);
        let code = match (ended, self.killed_for) {
            // Only if our SIGKILL is what ended it: it may have left by itself just before.
            (Ended::Signaled(libc::SIGKILL), Some(Reason::Signal(signal))) => {
                Ended::Signaled(signal).code()
            }
            // A keeper says with its exit code that it has killed.
            (ended, Some(Reason::TimeIsUp))
                if ended.code() == Ended::Signaled(libc::SIGKILL).code() =>
            {
                ExitCode::TIME_IS_UP.0
            }
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
