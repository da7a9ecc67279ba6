//! What the parent does while the command runs: hand signals on, and wait.

mod channel;
mod console;
mod cpu_time;
mod disposition;
mod group;
mod keys;
pub mod relay;
pub mod signals;

use crate::cgroup::Usage;
use crate::error::{Error, ExitCode};
use crate::field::Field;
use crate::launch::Container;
use crate::log::{Level, Log, Value};
use crate::spec::{ContainerSpec, Namespace};
use crate::sys::clock;
use crate::sys::code;
use crate::sys::process::{self, Ended, Patience};
use crate::sys::reaper;
use crate::sys::signal::{self, SignalSet, Taken};
use crate::verdict::Reason;
pub use cpu_time::CpuTime;
use disposition::Disposition;
use signals::Signals;
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

/// How a container ended, and when.
#[derive(Clone, Copy, Debug)]
pub struct End {
    pub exit: ExitCode,
    pub reason: Reason,
    /// The command's own end. `None`: it is not known.
    pub ended: Option<Ended>,
    /// By the monotonic clock, if the run is timed.
    pub at: Option<u64>,
    /// Bytes that it wrote to stdout and stderr, if they were relayed.
    pub output: Option<u64>,
    /// The last signal that it got was a ^C that a person typed.
    pub interrupted: bool,
}

impl End {
    /// What its cgroups have counted tells whose SIGKILL it was.
    #[cold]
    #[inline(never)]
    pub fn is_known_with(&mut self, usage: &Usage) {
        let killed = self.ended == Some(Ended::Signaled(libc::SIGKILL));
        if self.reason == Reason::Signaled && killed && usage.oom_kills > Some(0) {
            self.reason = Reason::OutOfMemory;
        }
    }
}

/// How long a container may take to end before it is told once more.
const ONCE_MORE: Duration = Duration::from_millis(100);

/// Within how long a person types the third ^C who wants the end whatever the command does.
const LAST_STRAW: Duration = Duration::from_secs(2);

/// Why a container is killed by mydocker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum KilledFor {
    /// A signal that its PID 1 is spared, or that a person has insisted upon.
    Signal(i32),
    TimeIsUp,
    CpuTime,
    OutputLimit,
}

impl KilledFor {
    fn code(self) -> u8 {
        match self {
            Self::Signal(signal) => Ended::Signaled(signal).code(),
            Self::TimeIsUp => ExitCode::TIME_IS_UP.0,
            Self::CpuTime => ExitCode::CPU_TIME_IS_UP.0,
            Self::OutputLimit => ExitCode::OUTPUT_LIMIT.0,
        }
    }

    fn reason(self) -> Reason {
        match self {
            Self::Signal(_) => Reason::StoppedBySignal,
            Self::TimeIsUp => Reason::TimedOut,
            Self::CpuTime => Reason::CpuTime,
            Self::OutputLimit => Reason::OutputLimit,
        }
    }

    /// For the log.
    fn message(self) -> &'static [u8] {
        match self {
            Self::Signal(_) => {
                b"ended for a signal that PID 1 has no handler for, or that was typed three times"
            }
            Self::TimeIsUp => b"ended because its time was up",
            Self::CpuTime => b"ended because its processor time was up",
            Self::OutputLimit => b"ended because it wrote too much",
        }
    }
}

/// A running container and what has been done to it.
pub struct Supervisor<'a> {
    container: Container,
    /// Whether its PID namespace was there already.
    joins_pids: bool,
    log: &'a Log,
    timed: bool,
    /// How the command has ended, if a reaper tells that.
    status: Option<OwnedFd>,
    /// When the container is to end, if it has not ended by then.
    deadline: Option<Instant>,
    /// How long it may take to end when it has been asked to. `None`: it is not asked, or has been.
    grace: Option<Duration>,
    /// What asks it to end.
    stop_signal: i32,
    /// Whether it was asked.
    was_asked: bool,
    /// How much processor time it may use, if there is an end to it.
    cpu_time: Option<CpuTime>,
    /// Why the container was asked to end, or killed, if it was: what came first.
    killed_for: Option<KilledFor>,
    /// When it is killed once more, if it was killed and has not ended by then.
    once_more: Option<Instant>,
    /// The last signal that was delivered.
    delivered: Option<i32>,
    /// Whether that was a ^C that a person typed.
    interrupted: bool,
    /// When the last two ^C were typed, the older one first.
    interrupts: [Option<Instant>; 2],
    /// What the container's exit code was.
    code: Option<u8>,
}

impl<'a> Supervisor<'a> {
    pub fn new(
        container: Container,
        spec: &ContainerSpec,
        cpu_time: Option<CpuTime>,
        status: Option<OwnedFd>,
        timed: bool,
        log: &'a Log,
    ) -> Self {
        Self {
            deadline: container.deadline,
            container,
            joins_pids: spec.joins(Namespace::Pid),
            log,
            timed,
            status,
            grace: spec.ending.timeout.and_then(|timeout| timeout.grace),
            stop_signal: spec.ending.stop_signal,
            was_asked: false,
            cpu_time,
            killed_for: None,
            once_more: None,
            delivered: None,
            interrupted: false,
            interrupts: [None; 2],
            code: None,
        }
    }

    pub fn container(&self) -> Container {
        self.container
    }

    /// Waits for the end, handing signals on.
    pub fn wait(mut self, signals: Signals) -> Result<End, Error> {
        let blocked = signals.blocked;
        let awaited = signals.forwarded.with(libc::SIGCHLD).with(libc::SIGTSTP);
        code::let_go();
        loop {
            let taken = match self.time_left() {
                None => signal::wait(awaited).map(Some),
                Some(left) => signal::wait_at_most(awaited, left),
            };
            // Each time, or a flood of signals would keep it from being seen.
            self.look_at_the_clock()?;
            let taken = taken.map_err(|errno| Error::new("wait for", "signals", errno))?;
            match taken {
                None => {}
                Some(taken) if taken.number == libc::SIGCHLD => {
                    if let Some(end) = self.ended()? {
                        return Ok(end);
                    }
                }
                Some(taken) if taken.number == libc::SIGTSTP => self.stop(blocked),
                Some(taken) => self.deliver(taken),
            }
        }
    }

    /// How long until there is something to do, if ever.
    pub fn time_left(&self) -> Option<Duration> {
        let next = match self.once_more {
            Some(once_more) => Some(once_more),
            None => {
                let asked = self.cpu_time.as_ref().and_then(CpuTime::next);
                self.deadline.into_iter().chain(asked).min()
            }
        };
        Some(next?.saturating_duration_since(Instant::now()))
    }

    /// How long all of it may still take, if the caller has said.
    pub fn deadline_left(&self) -> Option<Duration> {
        let deadline = self.deadline?;
        Some(deadline.saturating_duration_since(Instant::now()))
    }

    /// Ends the container if its time is up.
    pub fn look_at_the_clock(&mut self) -> Result<(), Error> {
        if self.time_left() == Some(Duration::ZERO) {
            return self.time_has_come();
        }
        Ok(())
    }

    #[cold]
    #[inline(never)]
    fn time_has_come(&mut self) -> Result<(), Error> {
        if self.once_more.is_some() {
            self.kill_for(None);
        } else if self.deadline_left() == Some(Duration::ZERO) {
            match self.grace.take() {
                Some(grace) => self.ask_to_end(grace),
                None => self.kill_for(Some(KilledFor::TimeIsUp)),
            }
        } else if self.has_used_its_cpu_time()? {
            self.kill_for(Some(KilledFor::CpuTime));
        }
        Ok(())
    }

    fn has_used_its_cpu_time(&mut self) -> Result<bool, Error> {
        let Some(cpu_time) = &mut self.cpu_time else {
            return Ok(false);
        };
        cpu_time.is_over()
    }

    /// Sends it what asks it to end. What spares itself that is killed at once.
    #[cold]
    #[inline(never)]
    fn ask_to_end(&mut self, grace: Duration) {
        self.deadline = Instant::now().checked_add(grace);
        self.was_asked = true;
        self.killed_for.get_or_insert(KilledFor::TimeIsUp);
        self.log.write(
            Level::Info,
            b"asked to end because its time was up",
            &[("signal", Value::Number(i64::from(self.stop_signal)))],
        );
        if self.is_spared(self.stop_signal) {
            self.kill_for(None);
        } else {
            // It can have ended, but it has not been waited for: the pid is still its own.
            let _ = process::kill(self.container.pid, self.stop_signal);
        }
    }

    /// Kills it, and says why if it is for something new. Again in a while: a keeper may have been stopped, or its queue
    /// be full.
    #[cold]
    #[inline(never)]
    fn kill_for(&mut self, why: Option<KilledFor>) {
        self.kill();
        self.once_more = Instant::now().checked_add(ONCE_MORE);
        if let (Some(why), None) = (why, self.killed_for) {
            self.killed_for = Some(why);
            self.log.write(Level::Info, why.message(), &[]);
        }
    }

    /// Ends the container because it has written more than it may.
    pub fn has_written_too_much(&mut self) {
        self.kill_for(Some(KilledFor::OutputLimit));
    }

    /// Ends all that is in the container.
    fn kill(&self) {
        // It can have ended, but it has not been waited for: the pid is still its own.
        let pid = self.container.pid;
        if self.container.successor.is_some() {
            let _ = signal::queue(pid, reaper::END);
            let _ = process::kill(pid, libc::SIGCONT);
        } else {
            // With PID 1 ends the namespace.
            let _ = process::kill(pid, libc::SIGKILL);
        }
    }

    /// The end, if the container has ended. Never waits.
    pub fn ended(&mut self) -> Result<Option<End>, Error> {
        let ended = process::wait(Some(self.container.pid), Patience::Look)
            .map_err(|errno| Error::new("wait for", "the container", errno))?;
        match ended {
            Some((_, ended)) => self.report(ended).map(Some),
            None => Ok(None),
        }
    }

    /// Whether the container has ended by the signal that was delivered last, or because its time was up.
    pub fn ended_by_order(&self) -> bool {
        let code = |signal| Ended::Signaled(signal).code();
        let by_signal = self.code.is_some() && self.code == self.delivered.map(code);
        by_signal || self.killed_for == Some(KilledFor::TimeIsUp)
    }

    /// Does with the container what a signal would have done to an ordinary process; or, if the caller's terminal has
    /// sent it, to a job of the shell's.
    #[cold]
    #[inline(never)]
    pub fn deliver(&mut self, taken: Taken) {
        if self.code.is_some() {
            // It has been waited for, and its pid may be another's.
            return;
        }
        let signal = match taken.number {
            libc::SIGTERM => self.stop_signal,
            number => number,
        };
        self.delivered = Some(signal);
        let from_terminal = signals::is_terminals(taken);
        self.interrupted = from_terminal && signal == libc::SIGINT;
        let insists = self.interrupted && self.is_third_interrupt();
        if insists || self.is_spared(signal) {
            self.kill_for(Some(KilledFor::Signal(signal)));
        } else {
            // It can have ended, but it has not been waited for: the pid is still its own.
            let group = from_terminal.then(|| group::of_command(self.container));
            let result = match group.flatten() {
                // A shell that waits for its child expects the child to get the same.
                Some(group) => process::kill(-group, signal),
                None => process::kill(self.container.pid, signal),
            };
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

    /// Whether this one is the third ^C in a short time.
    fn is_third_interrupt(&mut self) -> bool {
        let now = Instant::now();
        let [first, second] = std::mem::replace(&mut self.interrupts, [None, Some(now)]);
        self.interrupts[0] = second;
        first.is_some_and(|first| now.duration_since(first) <= LAST_STRAW)
    }

    /// Stops with the command's process group, as a shell's job does at ^Z, and goes on with it. By SIGSTOP: no other
    /// stops a PID 1, or a group without a parent in its session.
    pub fn stop(&mut self, blocked: SignalSet) {
        let group = group::of_command(self.container);
        let send = |signal| {
            if let Some(group) = group {
                let _ = process::kill(-group, signal);
            }
        };
        send(libc::SIGSTOP);
        // Where no shell could continue us the kernel does not stop us.
        signal::act_by_default(libc::SIGTSTP, blocked);
        send(libc::SIGCONT);
    }

    /// A key for `signal` was typed, with PID 1 in its terminal's foreground or another. The terminal sends the signal by
    /// itself; what is left to do is the end that PID 1 ignores.
    pub fn key_typed(&mut self, signal: i32, to_first: bool) {
        self.interrupted = signal == libc::SIGINT;
        self.delivered = Some(signal);
        if to_first && self.is_spared(signal) {
            self.kill_for(Some(KilledFor::Signal(signal)));
        }
    }

    /// The kernel gives PID 1 of a namespace no signal that it has no handler for, where any other
    /// process would end. People expect the end.
    fn is_spared(&self, signal: i32) -> bool {
        // (SIGKILL would end a keeper, and not what it keeps.)
        signal == libc::SIGKILL
            || !self.container.has_reaper
                && signals::ends_by_default(signal)
                && disposition::of(self.container.pid, signal) == Disposition::Default
    }

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

    fn report(&mut self, ended: Ended) -> Result<End, Error> {
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
            output: None,
            interrupted: self.interrupted,
        })
    }

    /// The command's own end, where the container's first process has `ended`. (A code of a reaper's stands for two.)
    fn commands_own(&self, ended: Ended, killed: Ended) -> Option<Ended> {
        if !self.container.has_reaper {
            return Some(ended);
        }
        let told = self
            .status
            .as_ref()
            .and_then(|status| reaper::told_end(status.as_fd()));
        told.or(match ended {
            // What it had is gone with it, the same way.
            _ if ended == killed => Some(killed),
            Ended::Exited(code) if code < 128 => Some(ended),
            _ => None,
        })
    }
}

/// For poll(2). Up, or the last fraction of one would be spent asking.
fn milliseconds(left: Duration) -> i32 {
    i32::try_from(left.as_millis())
        .unwrap_or(i32::MAX)
        .saturating_add(1)
}

/// The sooner of a timeout in milliseconds, of which -1 stands for none, and the end of what is left.
fn sooner(timeout: i32, left: Option<Duration>) -> i32 {
    match left.map(milliseconds) {
        None => timeout,
        Some(left) if timeout < 0 => left,
        Some(left) => timeout.min(left),
    }
}
