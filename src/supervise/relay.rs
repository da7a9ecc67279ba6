//! The relay between the caller's descriptors and the container's terminal.
//!
//! One loop over poll(2): signals, what the caller types, what the container prints. Nothing in it
//! waits anywhere else, so a reader that has stopped costs no CPU and a signal is never late.
//! Either direction reads only when what it read before is written.

use super::End;
use super::Supervisor;
use super::keys::Keys;
use super::signals::{JOB_CONTROL, Signals, ends_by_default};
use crate::error::Error;
use crate::log::Log;
use crate::stream::Stream;
use crate::sys::descriptor::{self, Waiting};
use crate::sys::signal::{self, SignalSet};
use crate::sys::{Errno, terminal};
use crate::terminal::{Outside, PseudoTerminal};
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

/// How much is read at once.
const BUFFER: usize = 16 * 1024;

/// In the background, how often to look whether a shell's `fg` has changed that: a job that runs
/// is told nothing. In milliseconds.
const LOOK_FOR_FOREGROUND: i32 = 100;

/// How long a reader may do nothing before it counts as stopped, in milliseconds.
const STOPPED_READER: i32 = 500;

/// How soon end-of-file is typed again, at first and at most. See [`Relay::type_end_of_file`].
const EOF_FIRST: Duration = Duration::from_millis(50);
const EOF_LAST: Duration = Duration::from_secs(1);

/// Bytes that were read and are to be written.
struct Buffer {
    bytes: Vec<u8>,
    start: usize,
    end: usize,
}

impl Buffer {
    fn new() -> Self {
        Self {
            bytes: vec![0; BUFFER],
            start: 0,
            end: 0,
        }
    }

    fn is_empty(&self) -> bool {
        self.start == self.end
    }

    fn pending(&self) -> &[u8] {
        self.bytes.get(self.start..self.end).unwrap_or_default()
    }

    fn written(&mut self, count: usize) {
        self.start = self.end.min(self.start + count);
    }

    fn discard(&mut self) {
        self.start = self.end;
    }

    /// Replaces the content by what `read` puts into the buffer.
    fn fill(
        &mut self,
        read: impl FnOnce(&mut [u8]) -> Result<usize, Errno>,
    ) -> Result<usize, Errno> {
        self.start = 0;
        self.end = 0;
        self.end = read(&mut self.bytes)?.min(BUFFER);
        Ok(self.end)
    }
}

/// What the caller's side of the input is like.
enum Input {
    /// More may come.
    Open,
    /// It has ended; the container's terminal is told so, again and again.
    Ended { next: Instant, pause: Duration },
}

/// A relay at work.
pub struct Relay<'a> {
    supervisor: Supervisor<'a>,
    log: &'a Log,
    terminal: PseudoTerminal,
    outside: &'a Outside,
    signals: OwnedFd,
    blocked: SignalSet,
    stdin: Stream<'static>,
    stdout: Stream<'static>,
    /// False once nobody takes the output any more.
    output_open: bool,
    input: Input,
    to_container: Buffer,
    to_caller: Buffer,
    keys: Keys,
}

impl<'a> Relay<'a> {
    #[cold]
    #[inline(never)]
    pub fn new(
        supervisor: Supervisor<'a>,
        log: &'a Log,
        terminal: PseudoTerminal,
        outside: &'a Outside,
        signals: Signals,
    ) -> Result<Self, Error> {
        let awaited = SignalSet(signals.forwarded.0 | JOB_CONTROL.0).with(libc::SIGCHLD);
        let blocked = signals.blocked;
        let signals =
            signal::descriptor(awaited).map_err(|errno| Error::new("signalfd", "", errno))?;
        descriptor::set_nonblocking(terminal.master.as_fd())
            .map_err(|errno| Error::new("make non-blocking", "the terminal", errno))?;
        Ok(Self {
            supervisor,
            log,
            terminal,
            outside,
            signals,
            blocked,
            stdin: Stream::stdin(),
            stdout: Stream::stdout(),
            output_open: true,
            input: if outside.reads_input() {
                Input::Open
            } else {
                Input::ended()
            },
            to_container: Buffer::new(),
            to_caller: Buffer::new(),
            keys: Keys::default(),
        })
    }

    /// Relays until the container has ended and its last output is written.
    #[cold]
    #[inline(never)]
    pub fn run(mut self) -> Result<End, Error> {
        let code = self.relay()?;
        self.drain()?;
        self.leave_raw_mode();
        Ok(code)
    }

    fn relay(&mut self) -> Result<End, Error> {
        loop {
            let input_open = matches!(self.input, Input::Open);
            let foreground = self.outside.in_foreground();
            if !foreground {
                // The terminal is someone else's now, and in someone else's modes.
                self.leave_raw_mode();
            } else if input_open {
                // Since the start, or since a shell's `fg`.
                self.enter_raw_mode();
            }
            let mut waiting = [
                Waiting::to_read(self.signals.as_fd()),
                if input_open && foreground && self.to_container.is_empty() {
                    Waiting::to_read(self.stdin.file())
                } else {
                    Waiting::none()
                },
                if self.to_container.is_empty() {
                    Waiting::none()
                } else {
                    Waiting::to_write(self.terminal.master.as_fd())
                },
                self.waiting_for_container(),
                self.waiting_for_caller(),
            ];
            let timeout = if input_open && !foreground {
                LOOK_FOR_FOREGROUND
            } else {
                self.timeout()
            };
            let timeout = match self.supervisor.time_left() {
                None => timeout,
                // -1 stands for no end.
                Some(left) if timeout < 0 => milliseconds(left),
                Some(left) => timeout.min(milliseconds(left)),
            };
            descriptor::wait(&mut waiting, timeout)
                .map_err(|errno| Error::new("poll", "", errno))?;
            self.supervisor.look_at_the_clock();
            let [signals, input, to_container, from_container, to_caller] =
                waiting.map(|entry| entry.happened());
            if signals {
                if let Some(code) = self.take_signals()? {
                    return Ok(code);
                }
            }
            if input {
                self.read_input();
            }
            if to_container {
                self.write_to_container();
            }
            if from_container {
                self.read_from_container();
            }
            if to_caller {
                self.write_to_caller();
            }
            self.type_end_of_file();
        }
    }

    /// After the end: what the container printed last is still in the terminal. For as long as its
    /// reader takes; but whoever sent the signal that ended it, or sends one now, does not wait for
    /// a reader who has stopped.
    fn drain(&mut self) -> Result<(), Error> {
        let mut told_to_end = self.supervisor.ended_by_order();
        // With this one closed the terminal answers an errno when it is empty.
        self.terminal.close_slave();
        loop {
            if self.to_caller.is_empty() {
                if !self.read_from_container() {
                    return Ok(());
                }
                // What was read may have been thrown away.
                continue;
            }
            let mut waiting = [
                Waiting::to_read(self.signals.as_fd()),
                self.waiting_for_caller(),
            ];
            let wait = |waiting: &mut [Waiting], patience| {
                descriptor::wait(waiting, patience).map_err(|errno| Error::new("poll", "", errno))
            };
            wait(&mut waiting, 0)?;
            if !waiting.iter().any(Waiting::happened) {
                // A reader that is not ready, and a person who may want to end it with ^C: no one
                // but the kernel reads keys now.
                self.outside.give_keys_back();
                let patience = if told_to_end { STOPPED_READER } else { -1 };
                wait(&mut waiting, patience)?;
            }
            let [signals, to_caller] = waiting.map(|entry| entry.happened());
            if signals {
                while let Some(signal) = self.next_signal()? {
                    if signal == libc::SIGTSTP {
                        self.leave_raw_mode();
                        signal::act_by_default(signal, self.blocked);
                    }
                    told_to_end |= ends_by_default(signal);
                }
            }
            if to_caller {
                self.write_to_caller();
            } else if told_to_end && !signals {
                return Ok(());
            }
        }
    }

    fn waiting_for_container(&self) -> Waiting {
        if self.to_caller.is_empty() {
            Waiting::to_read(self.terminal.master.as_fd())
        } else {
            Waiting::none()
        }
    }

    fn waiting_for_caller(&self) -> Waiting {
        if self.to_caller.is_empty() {
            Waiting::none()
        } else {
            Waiting::to_write(self.stdout.file())
        }
    }

    fn timeout(&self) -> i32 {
        match self.input {
            Input::Ended { next, .. } if self.to_container.is_empty() => {
                milliseconds(next.saturating_duration_since(Instant::now()))
            }
            _ => -1,
        }
    }

    /// Takes every pending signal and does what it asks. The exit code, if the container has ended.
    fn take_signals(&mut self) -> Result<Option<End>, Error> {
        let mut ended = None;
        while let Some(signal) = self.next_signal()? {
            match signal {
                libc::SIGCHLD => ended = self.supervisor.ended()?,
                libc::SIGWINCH => self.terminal.set_size(self.outside.size()),
                libc::SIGTSTP => self.stop(),
                // Reads and writes in the background answer for themselves.
                libc::SIGTTIN | libc::SIGTTOU => {}
                libc::SIGCONT => {
                    self.continue_after_stop();
                    self.supervisor.deliver(signal);
                }
                signal => self.supervisor.deliver(signal),
            }
            if ended.is_some() {
                break;
            }
        }
        Ok(ended)
    }

    fn next_signal(&self) -> Result<Option<i32>, Error> {
        signal::take(self.signals.as_fd()).map_err(|errno| Error::new("read", "signals", errno))
    }

    /// Someone sent SIGTSTP to us (a typed ^Z goes to the container): the caller gets its terminal
    /// as it was, and the kernel does what it would have done, which is not always to stop us.
    fn stop(&mut self) {
        self.leave_raw_mode();
        signal::act_by_default(libc::SIGTSTP, self.blocked);
        self.continue_after_stop();
    }

    /// We may be in the foreground now, in a window of another size, and the shell may have set the
    /// terminal's modes.
    fn continue_after_stop(&mut self) {
        self.outside.renew_raw_mode();
        self.enter_raw_mode();
        self.terminal.set_size(self.outside.size());
    }

    fn enter_raw_mode(&mut self) {
        self.outside.enter_raw_mode();
        self.log.set_raw_terminal(self.outside.is_raw());
    }

    fn leave_raw_mode(&mut self) {
        self.outside.leave_raw_mode();
        self.log.set_raw_terminal(false);
    }

    fn read_input(&mut self) {
        let stdin = &self.stdin;
        match self.to_container.fill(|bytes| stdin.read(bytes)) {
            Ok(count) if count > 0 => {
                self.watch_keys();
                self.write_to_container();
            }
            Err(Errno::EINTR | Errno::EAGAIN) => {}
            // In the background after all.
            Err(Errno::EIO) if !self.outside.in_foreground() => {}
            // End-of-file, or a terminal that is gone.
            Ok(_) | Err(_) => self.input = Input::ended(),
        }
    }

    /// A typed ^C reaches the terminal's foreground. If PID 1 is there and has no handler, the
    /// kernel spares it, and the person who typed would wait forever.
    fn watch_keys(&mut self) {
        let master = self.terminal.master.as_fd();
        let Ok(modes) = terminal::modes(master) else {
            return;
        };
        if let Some(signal) = self.keys.signal(self.to_container.pending(), &modes) {
            let first_process = self.supervisor.container().pid;
            if terminal::foreground_group(master) == Ok(first_process) {
                self.supervisor.key_typed(signal);
            }
        }
    }

    fn write_to_container(&mut self) {
        let master = self.terminal.master.as_fd();
        match descriptor::write(master, self.to_container.pending()) {
            Ok(count) => self.to_container.written(count),
            Err(Errno::EAGAIN | Errno::EINTR) => {}
            Err(_) => self.to_container.discard(),
        }
    }

    /// False if there is nothing to read any more, or for now.
    fn read_from_container(&mut self) -> bool {
        let master = self.terminal.master.as_fd();
        loop {
            return match self.to_caller.fill(|bytes| descriptor::read(master, bytes)) {
                Ok(0) => false,
                Ok(_) => {
                    // Written when poll(2) says that it can be.
                    if !self.output_open {
                        self.to_caller.discard();
                    }
                    true
                }
                Err(Errno::EINTR) => continue,
                Err(_) => false,
            };
        }
    }

    fn write_to_caller(&mut self) {
        match self.stdout.write(self.to_caller.pending()) {
            Ok(count) => self.to_caller.written(count),
            Err(Errno::EAGAIN | Errno::EINTR) => {}
            Err(_) => {
                // Nobody reads any more, or there is no room: a terminal whose screen is gone.
                // What a terminal does then is hang up. What still comes is thrown away.
                self.to_caller.discard();
                if std::mem::take(&mut self.output_open) {
                    self.supervisor.deliver(libc::SIGHUP);
                }
            }
        }
    }

    /// A terminal has no end-of-file, only a key for it, and a key can be lost: a shell that
    /// switches the terminal to its own modes at start takes a key typed before for a character.
    /// So it is typed again while the container runs, ever more rarely.
    fn type_end_of_file(&mut self) {
        let Input::Ended { next, pause } = self.input else {
            return;
        };
        let now = Instant::now();
        if now < next || !self.to_container.is_empty() {
            return;
        }
        let master = self.terminal.master.as_fd();
        if let Ok(modes) = terminal::modes(master) {
            // A program that reads single keys takes it for one. Without -i nothing was ever to be
            // typed, so it is spared; with -i it is what a person would type.
            let canonical = modes.local & libc::ICANON != 0;
            if canonical || self.outside.reads_input() {
                let key = modes.characters.get(libc::VEOF).copied();
                let key = [key.filter(|key| *key != 0).unwrap_or(4)];
                // A full terminal has enough of them.
                let _ = descriptor::write(master, &key);
            }
        }
        self.input = Input::Ended {
            next: now + pause,
            pause: (pause * 2).min(EOF_LAST),
        };
    }
}

/// For poll(2). Up, or the last fraction of one would be spent asking.
fn milliseconds(left: Duration) -> i32 {
    i32::try_from(left.as_millis())
        .unwrap_or(i32::MAX)
        .saturating_add(1)
}

impl Input {
    fn ended() -> Self {
        Self::Ended {
            next: Instant::now(),
            pause: EOF_FIRST,
        }
    }
}
