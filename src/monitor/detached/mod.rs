//! The monitor of a container that has left its caller: what it writes goes into the log and to those who are attached,
//! and what they type goes to it.
//!
//! One loop over poll(2), as the [`relay`](super::relay) is. Nobody holds the container up: what it writes is
//! taken as soon as it is there, and who does not keep up is cut off.

mod input;
mod output;

use super::channel::Allowance;
use super::console::Console;
use super::desk::{self, Desk, Hooks, Message, Subject};
use super::relay::{Ends, Pipes};
use super::signals::{JOB_CONTROL, Signals};
use super::{End, Supervisor, milliseconds};
use crate::container_log;
use crate::control::{Attached, Typed};
use crate::error::{Error, ExitCode};
use crate::log::Log;
use crate::sys::descriptor::{self, Waiting};
use crate::sys::signal::{self, SignalSet};
use crate::sys::{Errno, code};
use crate::terminal::PseudoTerminal;
use crate::verdict::Reason;
use input::Input;
pub use input::InputEnds;
use output::Output;
use std::os::fd::{AsFd, OwnedFd};
use std::rc::Rc;
use std::time::{Duration, Instant};

/// After so long without anything to do the memory that it takes to do it is given back.
const REST: Duration = Duration::from_secs(1);

/// A container that has left its caller.
pub struct Detached<'a> {
    supervisor: Supervisor<'a>,
    log: &'a Log,
    desk: &'a mut Desk,
    hooks: &'a mut dyn Hooks,
    signals: OwnedFd,
    /// The container's terminal, if it has one of its own.
    console: Option<Console>,
    input: Option<Input>,
    /// When its stdin ends. `None`: it has none that could be typed to.
    input_ends: Option<InputEnds>,
    outputs: Vec<Output>,
    allowance: Allowance,
    /// Bytes that have come, and were allowed.
    passed: u64,
    /// For what is read; empty while nothing happens.
    buffer: Vec<u8>,
    /// When it is time to rest, if something has happened since the last one.
    rest: Option<Instant>,
    /// It is time to rest.
    is_idle: bool,
}

impl<'a> Detached<'a> {
    /// `ends`: ours, of the pipes or the terminal that the container has. `input_ends`: `None` without `-i`.
    pub fn new(
        supervisor: Supervisor<'a>,
        log: &'a Log,
        ends: Ends,
        input_ends: Option<InputEnds>,
        (desk, hooks): (&'a mut Desk, &'a mut dyn Hooks),
        (signals, allowance): (Signals, Allowance),
    ) -> Result<Self, Error> {
        let awaited = SignalSet(signals.forwarded.0 | JOB_CONTROL.0).with(libc::SIGCHLD);
        let mut detached = Self {
            supervisor,
            log,
            desk,
            hooks,
            signals: signal::descriptor(awaited)
                .map_err(|errno| Error::new("signalfd", "", errno))?,
            console: None,
            input: None,
            input_ends,
            outputs: Vec::new(),
            allowance,
            passed: 0,
            buffer: Vec::new(),
            rest: Some(Instant::now()),
            is_idle: false,
        };
        let done = match ends {
            Ends::Terminal(terminal) => detached.take_terminal(terminal),
            Ends::Pipes(pipes) => detached.take_pipes(pipes),
        };
        done.map_err(|errno| Error::new("make non-blocking", "what is relayed", errno))?;
        Ok(detached)
    }

    fn take_terminal(&mut self, terminal: PseudoTerminal) -> Result<(), Errno> {
        let console = Console::new(terminal)?;
        let output = Output::new(console.master(), container_log::Output::Stdout);
        self.outputs.push(output);
        if self.input_ends.is_some() {
            self.input = Some(Input::new(console.master(), true));
        }
        self.console = Some(console);
        Ok(())
    }

    fn take_pipes(&mut self, pipes: Pipes) -> Result<(), Errno> {
        let ours = |file: OwnedFd| {
            descriptor::set_nonblocking(file.as_fd())?;
            Ok(Rc::new(file))
        };
        if let Some(file) = pipes.input {
            self.input = Some(Input::new(ours(file)?, false));
        }
        for (file, source) in [
            (pipes.output, container_log::Output::Stdout),
            (pipes.error, container_log::Output::Stderr),
        ] {
            if let Some(file) = file {
                self.outputs.push(Output::new(ours(file)?, source));
            }
        }
        Ok(())
    }

    /// Until the container has ended, and its last output is in the log and on its way to those who are attached.
    pub fn run(mut self) -> Result<End, Error> {
        let mut end = self.accompany()?;
        self.drain();
        if self.allowance.is_exceeded() {
            if let Reason::Exited | Reason::Signaled = end.reason {
                (end.reason, end.exit) = (Reason::OutputLimit, ExitCode::OUTPUT_LIMIT);
            }
        }
        end.output = Some(self.passed);
        Ok(end)
    }

    fn accompany(&mut self) -> Result<End, Error> {
        let mut waiting = Vec::new();
        loop {
            self.desk.let_end(&self.supervisor, self.hooks, self.log);
            self.wait_for(&mut waiting);
            let timeout = self.time_left().map_or(-1, milliseconds);
            let waited = match std::mem::take(&mut self.is_idle) {
                true => code::rest(&mut waiting, timeout),
                false => descriptor::wait(&mut waiting, timeout),
            };
            waited.map_err(|errno| Error::new("poll", "", errno))?;
            self.supervisor.look_at_the_clock()?;
            self.rest_if_idle(&waiting);
            let (own, desks) = waiting.split_at(2 + self.outputs.len());
            // Before the output: who has asked to see it sees all that comes from now on.
            self.serve(desks);
            let mut happened = own.iter().map(Waiting::happened);
            if happened.next() == Some(true) {
                if let Some(end) = self.take_signals()? {
                    return Ok(end);
                }
            }
            if happened.next() == Some(true) {
                self.write_input();
            }
            let happened: Vec<bool> = happened.collect();
            self.take_outputs(&happened);
            self.desk.tick();
        }
    }

    /// Signals first, then the container's input, then its outputs, then what the desk waits for.
    fn wait_for(&self, waiting: &mut Vec<Waiting>) {
        waiting.clear();
        waiting.push(Waiting::to_read(self.signals.as_fd()));
        waiting.push(self.input.as_ref().map_or(Waiting::none(), Input::waiting));
        waiting.extend(self.outputs.iter().map(Output::waiting));
        let takes_input = self.input.as_ref().is_none_or(Input::is_empty);
        self.desk.wait_for(takes_input, waiting);
    }

    fn time_left(&self) -> Option<Duration> {
        let rest = self.rest;
        let rest = rest.map(|rest| rest.saturating_duration_since(Instant::now()));
        let others = [self.supervisor.time_left(), self.desk.time_left()];
        others.into_iter().flatten().chain(rest).min()
    }

    /// Who waits for long needs little memory.
    fn rest_if_idle(&mut self, waiting: &[Waiting]) {
        if waiting.iter().any(Waiting::happened) {
            self.rest = Instant::now().checked_add(REST);
            if self.buffer.is_empty() {
                self.buffer = desk::buffer();
            }
        } else if self.rest.is_some_and(|rest| rest <= Instant::now()) {
            self.rest = None;
            self.buffer = Vec::new();
            self.is_idle = true;
        }
    }

    /// Does what has been asked, and takes what has been typed.
    fn serve(&mut self, happened: &[Waiting]) {
        let attached = Attached {
            has_terminal: self.console.is_some(),
            takes_input: self.input_ends.is_some(),
        };
        let mut subject = Subject {
            supervisor: &mut self.supervisor,
            hooks: self.hooks,
            log: self.log,
            attached: Some(attached),
        };
        let keyboard = &mut Keyboard {
            input: &mut self.input,
            ends: self.input_ends,
            console: self.console.as_mut(),
        };
        self.desk
            .look(happened, &mut self.buffer, |desk, index, message| {
                desk.serve(index, &message, &mut subject);
                if desk.types(index) {
                    keyboard.take(&message, subject.supervisor);
                } else if let (Message::Typed(Typed::Size(size)), Some(console)) =
                    (&message, &keyboard.console)
                {
                    console.set_size(Some(*size));
                }
            });
    }

    /// Takes every pending signal and does what it asks. The end, if the container has ended.
    fn take_signals(&mut self) -> Result<Option<End>, Error> {
        let failed = |errno| Error::new("read", "signals", errno);
        while let Some(taken) = signal::take(self.signals.as_fd()).map_err(failed)? {
            match taken.number {
                libc::SIGCHLD => {
                    if let Some(end) = self.supervisor.ended()? {
                        return Ok(Some(end));
                    }
                }
                // Its own is its alone: no shell waits for it.
                number if JOB_CONTROL.contains(number) => {}
                libc::SIGTERM => self.stop(),
                _ => self.supervisor.deliver(taken),
            }
        }
        Ok(None)
    }

    /// Whoever ends the monitor, the host's shutdown among them, stops the container.
    fn stop(&mut self) {
        let mut subject = Subject {
            supervisor: &mut self.supervisor,
            hooks: self.hooks,
            log: self.log,
            attached: None,
        };
        self.desk.stop(None, None, &mut subject);
    }

    fn write_input(&mut self) {
        if self
            .input
            .as_mut()
            .is_some_and(|input| input.write().is_err())
        {
            // The container reads no more: what is typed from now on is not for it.
            self.input = None;
        }
    }

    fn take_outputs(&mut self, happened: &[bool]) {
        for (output, happened) in self.outputs.iter_mut().zip(happened) {
            if *happened {
                self.passed += output.take(&mut self.buffer, &mut self.allowance, self.desk);
            }
        }
        self.outputs.retain(|output| !output.is_at_end());
        if self.allowance.is_exceeded() && !self.outputs.is_empty() {
            self.end_outputs();
        }
    }

    /// Nothing of what still comes is for anyone, and who writes is ended.
    #[cold]
    #[inline(never)]
    fn end_outputs(&mut self) {
        self.outputs.clear();
        self.supervisor.has_written_too_much();
    }

    /// What the container has written last is still in its terminal, or in the pipes.
    fn drain(&mut self) {
        if let Some(console) = &mut self.console {
            console.close_slave();
        }
        if self.buffer.is_empty() {
            self.buffer = desk::buffer();
        }
        for output in &mut self.outputs {
            // Something may have come since it was found empty.
            loop {
                self.passed += output.take(&mut self.buffer, &mut self.allowance, self.desk);
                if !output.has_more() || self.allowance.is_exceeded() {
                    break;
                }
            }
        }
        self.desk.output_has_ended();
    }
}

/// Where what is typed goes.
struct Keyboard<'k> {
    input: &'k mut Option<Input>,
    ends: Option<InputEnds>,
    console: Option<&'k mut Console>,
}

impl Keyboard<'_> {
    fn take(&mut self, message: &Message<'_>, supervisor: &mut Supervisor<'_>) {
        match message {
            Message::Typed(Typed::Input(bytes)) => self.type_keys(bytes, supervisor),
            Message::Typed(Typed::Size(size)) => {
                if let Some(console) = &self.console {
                    console.set_size(Some(*size));
                }
            }
            Message::Typed(Typed::EndOfInput) | Message::Gone => {
                // A terminal has no end, and stays for whoever comes next.
                if self.ends == Some(InputEnds::WithTypist) && self.console.is_none() {
                    *self.input = None;
                }
            }
            Message::Request(_) | Message::Unknown | Message::Nothing => {}
        }
    }

    fn type_keys(&mut self, bytes: &[u8], supervisor: &mut Supervisor<'_>) {
        if let Some(console) = &mut self.console {
            let first_process = supervisor.container().pid;
            if let Some((signal, to_first)) = console.typed_signal(bytes, first_process) {
                supervisor.key_typed(signal, to_first);
            }
        }
        if let Some(input) = self.input {
            if input.take(bytes).is_err() {
                *self.input = None;
            }
        }
    }
}
