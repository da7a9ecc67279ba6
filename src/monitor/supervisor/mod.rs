//! A running container: what it is sent, when its time is up, how it ends.

mod killed_for;
mod report;

use super::line::{Line, Request, is_spared};
use super::signals::{self, Signals};
use super::{CpuTime, End, group};
use crate::error::Error;
use crate::launch::Container;
use crate::log::{Level, Log, Value};
use crate::spec::{ContainerSpec, Namespace};
use crate::sys::process::{self, Ended, Patience, ResourceUsage};
use crate::sys::signal::{self, SignalSet, Taken};
use crate::sys::{Errno, Pid, code, reaper};
use killed_for::KilledFor;
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::time::{Duration, Instant};

/// How long a container may take to end before it is told once more.
const ONCE_MORE: Duration = Duration::from_millis(100);

/// Within how long a person types the third ^C who wants the end whatever the command does.
const LAST_STRAW: Duration = Duration::from_secs(2);

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
    /// When it is killed, if a person has asked it to end and it has not ended by then.
    patience_ends: Option<Instant>,
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
    /// If it is a box of a pool's, whose child it is.
    line: Option<Rc<Line>>,
    /// What the pool has told of the command's end.
    told: Option<Ended>,
    /// What it has used, if it is timed.
    used: Option<ResourceUsage>,
    /// How long it may take to end when a signal has asked it to, if there is an end to that.
    patience: Option<Duration>,
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
            joins_pids: spec.joins(Namespace::Pid),
            timed,
            status,
            grace: spec.ending.timeout.and_then(|timeout| timeout.grace),
            stop_signal: spec.ending.stop_signal,
            cpu_time,
            ..Self::of_engine(container, log)
        }
    }

    /// Of a process that an engine has asked for: it gets each signal as it is, and has no end but its own.
    pub fn of_engine(container: Container, log: &'a Log) -> Self {
        Self {
            deadline: container.deadline,
            container,
            joins_pids: false,
            log,
            timed: false,
            status: None,
            grace: None,
            stop_signal: libc::SIGTERM,
            was_asked: false,
            patience_ends: None,
            cpu_time: None,
            killed_for: None,
            once_more: None,
            delivered: None,
            interrupted: false,
            interrupts: [None; 2],
            code: None,
            line: None,
            told: None,
            used: None,
            patience: None,
        }
    }

    /// Of a box of a pool's.
    #[cold]
    #[inline(never)]
    pub fn of_pool(mut self, line: Rc<Line>) -> Self {
        self.line = Some(line);
        self
    }

    /// One that is killed when it has not ended so long after a signal that asks it to.
    #[cold]
    #[inline(never)]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = Some(patience);
        self
    }

    pub fn container(&self) -> Container {
        self.container
    }

    /// Waits for the end, handing signals on.
    pub fn wait(mut self, signals: Signals) -> Result<End, Error> {
        let blocked = signals.blocked;
        let awaited = signals.forwarded.with(libc::SIGCHLD).with(libc::SIGTSTP);
        loop {
            let taken = match self.patience {
                None => code::rest_for_signal(awaited, self.time_left()),
                // Who runs one after the other needs its code again soon.
                Some(_) => signal::wait_at_most(awaited, self.time_left()),
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
                let ends = [self.deadline, self.patience_ends];
                ends.into_iter().flatten().chain(asked).min()
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
        } else if self.patience_ends.is_some_and(|end| end <= Instant::now()) {
            self.kill_for(Some(KilledFor::Signal(libc::SIGKILL)));
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
        if let Some(line) = &self.line {
            line.ask(Request::Deliver(self.stop_signal as u8));
        } else if is_spared(self.container, self.stop_signal) {
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
        if let Some(line) = &self.line {
            line.ask(Request::Kill);
        } else if self.container.successor.is_some() {
            let _ = signal::queue(pid, reaper::END);
            let _ = process::kill(pid, libc::SIGCONT);
        } else {
            // With PID 1 ends the namespace.
            let _ = process::kill(pid, libc::SIGKILL);
        }
    }

    /// The end, if the container has ended. Never waits.
    pub fn ended(&mut self) -> Result<Option<End>, Error> {
        if let Some(line) = self.line.clone() {
            return self.has_line_told(&line);
        }
        let ended = match self.timed {
            false => process::wait(Some(self.container.pid), Patience::Look),
            true => self.has_ended(),
        };
        let ended = ended.map_err(|errno| Error::new("wait for", "the container", errno))?;
        match ended {
            Some((_, ended)) => self.report(ended).map(Some),
            None => Ok(None),
        }
    }

    /// Of one that someone wants to know of what it has used.
    #[cold]
    #[inline(never)]
    fn has_ended(&mut self) -> Result<Option<(Pid, Ended)>, Errno> {
        let ended = process::wait_with_usage(Some(self.container.pid), Patience::Look)?;
        Ok(ended.map(|(pid, ended, used)| {
            self.used = Some(used);
            (pid, ended)
        }))
    }

    /// The end, if the pool has told of it.
    #[cold]
    #[inline(never)]
    fn has_line_told(&mut self, line: &Line) -> Result<Option<End>, Error> {
        let conclusion = line.look()?;
        self.container.pid = line.first_process().unwrap_or(self.container.pid);
        let Some(conclusion) = conclusion else {
            return Ok(None);
        };
        self.told = conclusion.told;
        self.used = Some(conclusion.resource_usage);
        if let (Some(signal), None) = (conclusion.spared, self.killed_for) {
            self.killed_for = Some(KilledFor::Signal(signal));
        }
        self.report(conclusion.ended).map(Some)
    }

    /// Whether the container has ended by the signal that was delivered last, or because its time was up.
    pub fn ended_by_order(&self) -> bool {
        let code = |signal| Ended::Signaled(signal).code();
        let by_signal = self.code.is_some() && self.code == self.delivered.map(code);
        by_signal || self.killed_for == Some(KilledFor::TimeIsUp)
    }

    /// Sends it a signal that a person wants it to have.
    #[cold]
    #[inline(never)]
    pub fn send(&mut self, signal: i32) {
        if self.code.is_none() {
            self.hand_on(signal, false);
        }
    }

    /// Asks it to end, by `signal` or by its own, and kills it when its patience has ended. `None`: it has no end.
    #[cold]
    #[inline(never)]
    pub fn end_by_hand(&mut self, signal: Option<i32>, patience: Option<Duration>) {
        self.send(signal.unwrap_or(self.stop_signal));
        let end = patience.and_then(|patience| Instant::now().checked_add(patience));
        // Of several people the most impatient one has it.
        self.patience_ends = self.patience_ends.into_iter().chain(end).min();
    }

    /// Whether `signal` is meant to end it.
    pub fn asks_to_end(&self, signal: i32) -> bool {
        signal == libc::SIGKILL || signal == self.stop_signal
    }

    /// Whether it was killed, or asked to end because its time was up: whoever has frozen it lets it go on.
    pub fn is_to_end(&self) -> bool {
        self.once_more.is_some() || self.was_asked
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
            libc::SIGCONT if self.patience.is_some() => return self.control_job(libc::SIGCONT),
            number => number,
        };
        self.hand_on(signal, signals::is_terminals(taken));
        if let Some(patience) = self.patience.filter(|_| signals::asks_to_end(taken.number)) {
            let end = Instant::now().checked_add(patience);
            self.patience_ends = self.patience_ends.or(end);
        }
    }

    fn hand_on(&mut self, signal: i32, from_terminal: bool) {
        self.delivered = Some(signal);
        self.interrupted = from_terminal && signal == libc::SIGINT;
        let insists = self.interrupted && self.is_third_interrupt();
        if insists || self.line.is_none() && is_spared(self.container, signal) {
            self.kill_for(Some(KilledFor::Signal(signal)));
        } else if let Some(line) = &self.line {
            line.ask(match from_terminal {
                true => Request::DeliverToGroup(signal as u8),
                false => Request::Deliver(signal as u8),
            });
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
    ///
    /// Who runs one after the other does not stop itself: a SIGCONT that came before it has would be lost, and no one would
    /// look at the clock.
    pub fn stop(&mut self, blocked: SignalSet) {
        self.control_job(libc::SIGSTOP);
        if self.patience.is_none() {
            // Where no shell could continue us the kernel does not stop us.
            signal::act_by_default(libc::SIGTSTP, blocked);
            self.control_job(libc::SIGCONT);
        }
    }

    /// Sends `signal` to the command's process group.
    fn control_job(&self, signal: i32) {
        if let Some(line) = &self.line {
            line.ask(Request::JobControl(signal as u8));
        } else if let Some(group) = group::of_command(self.container) {
            let _ = process::kill(-group, signal);
        }
    }

    /// A key for `signal` was typed, with PID 1 in its terminal's foreground or another. The terminal sends the signal by
    /// itself; what is left to do is the end that PID 1 ignores.
    pub fn key_typed(&mut self, signal: i32, to_first: bool) {
        self.interrupted = signal == libc::SIGINT;
        self.delivered = Some(signal);
        if let (Some(line), true) = (&self.line, to_first) {
            line.ask(Request::KeyTyped(signal as u8));
        } else if to_first && is_spared(self.container, signal) {
            self.kill_for(Some(KilledFor::Signal(signal)));
        }
    }
}
