//! The relay between the caller's descriptors and the container's terminal, or the pipes that it has in the place of the
//! caller's terminal, or, with `--output-limit`, of its stdout and stderr.
//!
//! One loop over poll(2): signals, and a channel for each direction. Nothing in it
//! waits anywhere else, so a reader that has stopped costs no CPU and a signal is never late.

mod asked;
mod drain;
mod output;

pub use super::channel::Allowance;
use super::channel::{Channel, Got};
use super::console::Console;
use super::desk::{Desk, Hooks};
use super::signals::{JOB_CONTROL, Signals};
use super::{End, Supervisor, sooner};
use crate::error::{Error, ExitCode};
use crate::log::Log;
use crate::standard_streams::Stream;
use crate::sys::Errno;
use crate::sys::descriptor::{self, Waiting};
use crate::sys::process::Ended;
use crate::sys::signal::{self, SignalSet, Taken};
use crate::terminal::{CallerTerminal, PseudoTerminal};
use crate::verdict::Reason;
use output::{Lost, Output};
use std::os::fd::{AsFd, OwnedFd};
use std::rc::Rc;

/// In the background, how often to look whether a shell's `fg` has changed that: a job that runs
/// is told nothing. In milliseconds.
const LOOK_FOR_FOREGROUND: i32 = 100;

/// Our ends of what the container has for 0, 1 and 2.
pub enum Ends {
    /// The master of its terminal.
    Terminal(PseudoTerminal),
    Pipes(Pipes),
}

/// Our ends of the pipes that the container has instead of the caller's terminal; of those that it has.
#[derive(Default)]
pub struct Pipes {
    pub input: Option<OwnedFd>,
    /// What the container writes to stdout; and to stderr, if both are the same terminal.
    pub output: Option<OwnedFd>,
    pub error: Option<OwnedFd>,
}

impl Pipes {
    pub fn are_none(&self) -> bool {
        let Self {
            input,
            output,
            error,
        } = self;
        [input, output, error].into_iter().all(Option::is_none)
    }
}

/// A relay at work.
pub struct Relay<'a> {
    supervisor: Supervisor<'a>,
    log: &'a Log,
    outside: &'a CallerTerminal,
    signals: OwnedFd,
    blocked: SignalSet,
    /// The container's terminal, if it has one of its own.
    console: Option<Console>,
    input: Option<Channel>,
    outputs: Vec<Output>,
    lost: Option<Lost>,
    /// Bytes that came by outputs that are gone.
    passed: u64,
    /// How much may still come by all of them.
    allowance: Allowance,
    /// Where others ask something of a container with a name.
    desk: Option<(&'a mut Desk, &'a mut dyn Hooks)>,
}

impl<'a> Relay<'a> {
    #[cold]
    #[inline(never)]
    pub fn new(
        supervisor: Supervisor<'a>,
        log: &'a Log,
        ends: Ends,
        outside: &'a CallerTerminal,
        (signals, allowance): (Signals, Allowance),
        desk: Option<(&'a mut Desk, &'a mut dyn Hooks)>,
    ) -> Result<Self, Error> {
        let awaited = SignalSet(signals.forwarded.0 | JOB_CONTROL.0).with(libc::SIGCHLD);
        let mut relay = Self {
            supervisor,
            log,
            outside,
            signals: signal::descriptor(awaited)
                .map_err(|errno| Error::new("signalfd", "", errno))?,
            blocked: signals.blocked,
            console: None,
            input: None,
            outputs: Vec::new(),
            lost: None,
            passed: 0,
            allowance,
            desk,
        };
        let done = match ends {
            Ends::Terminal(terminal) => relay.take_terminal(terminal),
            Ends::Pipes(pipes) => relay.take_pipes(pipes),
        };
        done.map_err(|errno| Error::new("make non-blocking", "what is relayed", errno))?;
        Ok(relay)
    }

    fn take_terminal(&mut self, terminal: PseudoTerminal) -> Result<(), Errno> {
        let mut console = Console::new(terminal)?;
        if self.outside.reads_input() {
            let to = Stream::shared(console.master());
            self.input = Some(Channel::new(Stream::stdin(), to));
        } else {
            console.end_input(false);
        }
        self.outputs.push(Output {
            channel: Channel::new(Stream::shared(console.master()), Stream::stdout()),
            number: 1,
        });
        self.console = Some(console);
        Ok(())
    }

    fn take_pipes(&mut self, pipes: Pipes) -> Result<(), Errno> {
        let ours = |file: OwnedFd| {
            descriptor::set_nonblocking(file.as_fd())?;
            Ok(Stream::shared(Rc::new(file)))
        };
        if let Some(file) = pipes.input {
            self.input = Some(Channel::new(Stream::stdin(), ours(file)?));
        }
        if let Some(file) = pipes.output {
            self.outputs.push(Output {
                channel: Channel::new(ours(file)?, Stream::stdout()),
                number: 1,
            });
        }
        if let Some(file) = pipes.error {
            self.outputs.push(Output {
                channel: Channel::new(ours(file)?, Stream::stderr()),
                number: 2,
            });
        }
        Ok(())
    }

    /// Relays until the container has ended and its last output is written. With the end comes what there is to say
    /// about output that was lost.
    #[cold]
    #[inline(never)]
    pub fn run(mut self) -> Result<(End, Option<Error>), Error> {
        let mut end = self.relay()?;
        let late = self.drain(end.exit)?;
        // What mydocker has ended it for came first.
        if let Reason::Exited | Reason::Signaled = end.reason {
            if self.allowance.is_exceeded() {
                (end.reason, end.exit) = (Reason::OutputLimit, ExitCode::OUTPUT_LIMIT);
            } else if let Some(exit) = late {
                if exit == ExitCode::TIME_IS_UP && end.exit != exit {
                    // For its last output.
                    end.reason = Reason::TimedOut;
                }
                end.exit = exit;
            }
        }
        self.leave_raw_mode();
        end.output = Some(
            self.passed
                + self
                    .outputs
                    .iter()
                    .map(|output| output.channel.taken())
                    .sum::<u64>(),
        );
        let has_terminal = self.console.is_some();
        let hung_up = end.exit.0 == Ended::Signaled(libc::SIGHUP).code();
        if self.lost.is_some() && has_terminal && hung_up {
            // Our signal ended it, because of what was lost: that is no end of the command's own.
            end.exit = ExitCode::OWN_FAILURE;
        }
        Ok((end, self.lost.map(|lost| lost.error(has_terminal))))
    }

    fn relay(&mut self) -> Result<End, Error> {
        loop {
            let foreground = !self.uses_callers_terminal() || self.outside.in_foreground();
            if !foreground {
                // The terminal is someone else's now, and in someone else's modes.
                self.leave_raw_mode();
            } else if self.input.is_some() {
                // Since the start, or since a shell's `fg`.
                self.enter_raw_mode();
            }
            let mut waiting = self.waiting(foreground);
            let timeout = self.timeout(foreground);
            match self.desk.is_some() {
                false => descriptor::wait(&mut waiting, timeout),
                true => self.wait_at_desk(&mut waiting, timeout),
            }
            .map_err(|errno| Error::new("poll", "", errno))?;
            self.supervisor.look_at_the_clock()?;
            let [signals, input_read, input_write, outputs @ ..] =
                waiting.map(|entry| entry.happened());
            if signals {
                if let Some(end) = self.take_signals()? {
                    return Ok(end);
                }
            }
            if input_read {
                self.read_input();
            }
            if input_write {
                self.write_input();
            }
            for (index, happened) in outputs.chunks_exact(2).enumerate() {
                self.pass_output(index, happened);
            }
            self.type_end_of_file();
        }
    }

    /// Whether it matters who has the caller's terminal.
    fn uses_callers_terminal(&self) -> bool {
        self.input.is_some() || self.console.is_some()
    }

    /// Signals first, then what is read and what is written, of the input and of each output.
    fn waiting(&self, foreground: bool) -> [Waiting; 7] {
        let mut waiting = [const { Waiting::none() }; 7];
        let [signals, input_read, input_write, outputs @ ..] = &mut waiting;
        *signals = Waiting::to_read(self.signals.as_fd());
        if let Some(input) = &self.input {
            if foreground {
                *input_read = input.waiting_to_read();
            }
            *input_write = match self.console {
                Some(_) => input.waiting_to_write(),
                None => input.waiting_for_reader(),
            };
        }
        for (places, output) in outputs.chunks_exact_mut(2).zip(&self.outputs) {
            if let [read, write] = places {
                *read = output.channel.waiting_to_read();
                *write = output.channel.waiting_to_write();
            }
        }
        waiting
    }

    /// In milliseconds; -1 stands for no end.
    fn timeout(&self, foreground: bool) -> i32 {
        let timeout = match (&self.input, &self.console) {
            (Some(_), _) if !foreground => LOOK_FOR_FOREGROUND,
            (None, Some(console)) => console.timeout(),
            _ => -1,
        };
        sooner(timeout, self.supervisor.time_left())
    }

    /// Takes every pending signal and does what it asks. The exit code, if the container has ended.
    fn take_signals(&mut self) -> Result<Option<End>, Error> {
        let mut ended = None;
        while let Some(taken) = self.next_signal()? {
            match (taken.number, &self.console) {
                (libc::SIGCHLD, _) => ended = self.supervisor.ended()?,
                (libc::SIGWINCH, Some(console)) => console.set_size(self.outside.size()),
                (libc::SIGTSTP, _) => self.stop(taken),
                // Reads and writes in the background answer for themselves.
                (libc::SIGTTIN | libc::SIGTTOU, _) => {}
                (libc::SIGCONT, _) => {
                    self.continue_after_stop();
                    self.supervisor.deliver(taken);
                }
                _ => self.supervisor.deliver(taken),
            }
            if ended.is_some() {
                break;
            }
        }
        Ok(ended)
    }

    fn next_signal(&self) -> Result<Option<Taken>, Error> {
        signal::take(self.signals.as_fd()).map_err(|errno| Error::new("read", "signals", errno))
    }

    /// The caller gets its terminal as it was, and the kernel does what it would have done, which is not always to stop
    /// us. (With a terminal of the container's own and -i, a typed ^Z goes to the container; then someone has sent it
    /// to us, and the container runs on.)
    fn stop(&mut self, taken: Taken) {
        self.leave_raw_mode();
        if self.console.is_none() || taken.by_kernel {
            self.supervisor.stop(self.blocked);
        } else {
            signal::act_by_default(libc::SIGTSTP, self.blocked);
        }
        self.continue_after_stop();
    }

    /// We may be in the foreground now, in a window of another size, and the shell may have set the
    /// terminal's modes.
    fn continue_after_stop(&mut self) {
        if self.console.is_none() {
            return;
        }
        self.outside.renew_raw_mode();
        self.enter_raw_mode();
        if let Some(console) = &self.console {
            console.set_size(self.outside.size());
        }
    }

    fn enter_raw_mode(&mut self) {
        // Without a terminal of the container's own the keys are the caller's terminal's.
        if self.console.is_some() {
            self.outside.enter_raw_mode();
            self.log.set_raw_terminal(self.outside.is_raw());
        }
    }

    fn leave_raw_mode(&mut self) {
        self.outside.leave_raw_mode();
        self.log.set_raw_terminal(false);
    }

    fn read_input(&mut self) {
        let Some(input) = &mut self.input else { return };
        match input.read(&mut Allowance::new(None)) {
            Got::Something => {
                self.watch_keys();
                self.write_input();
            }
            Got::Nothing => {}
            // In the background after all.
            Got::End(Some(Errno::EIO)) if !self.outside.in_foreground() => {}
            // End-of-file, or a terminal that is gone.
            Got::End(_) => self.end_input(),
        }
    }

    /// A pipe's end is closed. A terminal has none, and is told otherwise.
    fn end_input(&mut self) {
        self.input = None;
        if let Some(console) = &mut self.console {
            console.end_input(true);
        }
    }

    /// A typed ^C reaches the foreground of the container's terminal.
    fn watch_keys(&mut self) {
        let (Some(console), Some(input)) = (&mut self.console, &self.input) else {
            return;
        };
        let first_process = self.supervisor.container().pid;
        if let Some((signal, to_first)) = console.typed_signal(input.pending(), first_process) {
            self.supervisor.key_typed(signal, to_first);
        }
    }

    fn write_input(&mut self) {
        let Some(input) = &mut self.input else { return };
        // With nothing to write it is the news that there is no reader.
        let has_reader = !input.is_empty() && input.write().is_ok();
        if !has_reader && self.console.is_none() {
            // The container reads no more: what is typed from now on is not for it.
            self.input = None;
        }
    }

    /// `happened`: whether there is something to read, and whether something can be written.
    fn pass_output(&mut self, index: usize, happened: &[bool]) {
        let &[readable, writable] = happened else {
            return;
        };
        if readable {
            if let Some(output) = self.outputs.get_mut(index) {
                // What was read is written when poll(2) says that it can be.
                if let Got::End(_) = output.channel.read(&mut self.allowance) {
                    output.channel.end();
                }
                if self.allowance.is_exceeded() {
                    self.end_outputs();
                }
            }
        }
        if writable {
            self.write_output(index);
        }
    }

    /// Nothing of what still comes is for anyone, and who writes is ended.
    #[cold]
    #[inline(never)]
    fn end_outputs(&mut self) {
        for output in &mut self.outputs {
            output.channel.end();
        }
        self.supervisor.has_written_too_much();
    }

    fn write_output(&mut self, index: usize) {
        let Some(output) = self.outputs.get_mut(index) else {
            return;
        };
        let Err(errno) = output.channel.write() else {
            return;
        };
        if !output.channel.to().reader_is_gone(errno) {
            let number = output.number;
            self.lost.get_or_insert(Lost { number, errno });
        }
        // Nobody reads any more, or there is no room.
        if self.console.is_some() {
            // A terminal whose screen is gone: what a terminal does then is hang up. What still comes is thrown away.
            output.channel.discard_all();
            self.supervisor.deliver(Taken {
                number: libc::SIGHUP,
                by_kernel: false,
            });
        } else {
            // It is closed: as with any pipe, who writes is told.
            self.passed += self.outputs.remove(index).channel.taken();
        }
    }

    fn type_end_of_file(&mut self) {
        if self.input.is_none() {
            if let Some(console) = &mut self.console {
                console.type_end_of_file();
            }
        }
    }
}
