//! Someone at a container's standard streams: what it writes is written here, and what is typed here goes to it, by the
//! container's monitor.

pub mod keys;
mod sink;

use crate::container_log::Output;
use crate::control::{self, Answer, Attached, LONGEST, MOST_BYTES, Request, Shown, Typed};
use crate::error::{Error, ExitCode};
use crate::guard::Request as _;
use crate::monitor::signals::{JOB_CONTROL, Relayed, Signals, ends_by_default};
use crate::standard_streams::{self, Stream};
use crate::sys::descriptor::{self, Waiting};
use crate::sys::signal::{self, SignalSet, Taken};
use crate::sys::terminal::Size;
use crate::sys::{Errno, local_socket};
use crate::terminal::CallerTerminal;
use keys::DetachKeys;
use sink::{Failed, Sink};
use std::collections::VecDeque;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

/// In the background, how often to look whether a shell's `fg` has changed that. In milliseconds.
const LOOK_FOR_FOREGROUND: i32 = 100;

/// How long the container's terminal has another size than this one, so that the program there draws its screen once more.
/// Shorter, and it may see but the second change, which is none.
const OTHER_SIZE: Duration = Duration::from_millis(50);

/// How someone wants to be attached.
pub struct Wishes<'w> {
    /// What is typed to detach; of a container without a terminal nothing is.
    pub detach_keys: Vec<u8>,
    /// Hands a signal on to the container. `None`: signals are this process's own.
    pub hand_on: Option<&'w dyn Fn(i32)>,
}

/// How it has ended.
enum Over {
    /// The keys were typed; the container runs on.
    Detached,
    /// The connection has ended.
    Closed,
}

/// Asks to be attached: before the container is started, so that nothing that it writes is missed.
pub fn ask(socket: BorrowedFd<'_>, input: bool) -> Result<(), Error> {
    control::send(socket, Request::Attach { input })
}

/// What one is attached to, by a connection that was asked by [`ask`]. `None`: the monitor has ended without an answer.
///
/// Errors: why one is not let in.
pub fn answer(socket: BorrowedFd<'_>) -> Result<Option<Attached>, Error> {
    match control::answer(socket)? {
        Some(Answer::Attached(attached)) => Ok(Some(attached)),
        Some(Answer::Refused(why)) => Err(Error::failure(&why)),
        Some(Answer::Done) | None => Ok(None),
    }
}

/// Stays attached until the container has ended, or until the keys that detach are typed. The container's exit code; or 0,
/// and a line that says so, for who has detached.
///
/// Errors: one is cut off; the monitor is gone.
pub fn accompany(
    socket: OwnedFd,
    attached: Attached,
    wishes: Wishes<'_>,
) -> Result<ExitCode, Error> {
    let relayed = match attached.has_terminal {
        true => Relayed::Terminal,
        false => Relayed::Pipes,
    };
    let signals = relayed.acquire()?;
    let mut session = Session::new(socket, attached, wishes, signals)?;
    session.show_other_size();
    let over = session.relay();
    session.outside.leave_raw_mode();
    match over? {
        Over::Detached => {
            let _ = descriptor::write(descriptor::standard(2), b"read escape sequence\n");
            Ok(ExitCode::SUCCESS)
        }
        Over::Closed => match session.exit {
            Some(exit) => Ok(exit),
            None if session.is_cut_off => Err(Error::told(
                "cut off: what the container writes was not taken fast enough; it runs on",
            )),
            None => Err(monitor_is_gone()),
        },
    }
}

#[cold]
#[inline(never)]
pub fn monitor_is_gone() -> Error {
    Error::told("the container's monitor was killed, and the container with it")
}

struct Session<'w> {
    socket: OwnedFd,
    attached: Attached,
    outside: CallerTerminal,
    signals: Signals,
    taken: OwnedFd,
    hand_on: Option<&'w dyn Fn(i32)>,
    /// `None`: nothing (more) is typed.
    input: Option<Stream<'static>>,
    keys: DetachKeys,
    /// Records that the monitor has not taken yet: one that was typed, and what has happened since.
    unsent: VecDeque<Vec<u8>>,
    /// stdout and stderr.
    sinks: [Sink; 2],
    exit: Option<ExitCode>,
    is_cut_off: bool,
    /// When the container's terminal gets this one's size, if it has another one until then.
    size_follows: Option<Instant>,
}

impl<'w> Session<'w> {
    fn new(
        socket: OwnedFd,
        attached: Attached,
        wishes: Wishes<'w>,
        signals: Signals,
    ) -> Result<Self, Error> {
        let awaited = SignalSet(signals.forwarded.0 | JOB_CONTROL.0);
        let taken = signal::descriptor(awaited);
        let detach_keys = match attached.has_terminal {
            true => wishes.detach_keys,
            false => Vec::new(),
        };
        Ok(Self {
            socket,
            attached,
            outside: CallerTerminal::look(attached.has_terminal && attached.takes_input),
            signals,
            taken: taken.map_err(|errno| Error::new("signalfd", "", errno))?,
            // The keys of a terminal of its own are the container's.
            hand_on: wishes.hand_on.filter(|_| !attached.has_terminal),
            input: attached.takes_input.then(Stream::stdin),
            keys: DetachKeys::new(detach_keys),
            unsent: VecDeque::new(),
            sinks: [
                Sink::new(1, Stream::stdout()),
                Sink::new(2, Stream::stderr()),
            ],
            exit: None,
            is_cut_off: false,
            size_follows: None,
        })
    }

    fn relay(&mut self) -> Result<Over, Error> {
        let mut buffer = vec![0; LONGEST];
        loop {
            let foreground = self.input.is_none() || self.outside.in_foreground();
            match foreground {
                true => self.outside.enter_raw_mode(),
                false => self.outside.leave_raw_mode(),
            }
            let mut waiting = self.waiting(foreground);
            descriptor::wait(&mut waiting, self.timeout(foreground))
                .map_err(|errno| Error::new("poll", "", errno))?;
            if self.size_follows.is_some_and(|when| when <= Instant::now()) {
                self.show_size();
            }
            let [signals, shown, unsent, typed, sinks @ ..] = waiting.map(|entry| entry.happened());
            if signals {
                self.take_signals()?;
            }
            for (index, happened) in sinks.into_iter().enumerate() {
                if happened {
                    self.write(index)?;
                }
            }
            if unsent {
                self.send_unsent();
            }
            if typed && self.take_typed(&mut buffer) {
                return Ok(Over::Detached);
            }
            if shown && self.take_shown(&mut buffer)? {
                return Ok(Over::Closed);
            }
        }
    }

    /// Signals, what the monitor shows, what it is sent, what is typed, and the two sinks.
    fn waiting(&self, foreground: bool) -> [Waiting; 6] {
        let [output, error] = &self.sinks;
        let is_written = output.is_empty() && error.is_empty();
        let typed = self
            .input
            .as_ref()
            .filter(|_| foreground && self.unsent.is_empty());
        [
            Waiting::to_read(self.taken.as_fd()),
            match is_written {
                true => Waiting::to_read(self.socket.as_fd()),
                false => Waiting::none(),
            },
            match self.unsent.is_empty() {
                false => Waiting::to_write(self.socket.as_fd()),
                true => Waiting::none(),
            },
            typed.map_or(Waiting::none(), |input| Waiting::to_read(input.file())),
            output.waiting(),
            error.waiting(),
        ]
    }

    /// Takes one record. Whether the connection has ended.
    fn take_shown(&mut self, buffer: &mut [u8]) -> Result<bool, Error> {
        let count = match local_socket::receive_bytes(self.socket.as_fd(), buffer) {
            Ok(0) => return Ok(true),
            Ok(count) => count,
            // ECONNRESET: the monitor has ended with something unread. What it has sent before comes yet.
            Err(Errno::EAGAIN | Errno::EINTR | Errno::ECONNRESET) => return Ok(false),
            Err(errno) => return Err(Error::new("read from", "the container's monitor", errno)),
        };
        match buffer.get(..count).and_then(Shown::decode) {
            Some(Shown::Output(output, bytes)) => {
                let index = usize::from(output == Output::Stderr);
                if let Some(sink) = self.sinks.get_mut(index) {
                    sink.put(bytes);
                }
                self.write(index)?;
            }
            Some(Shown::Exited(code)) => self.exit = Some(ExitCode(code)),
            Some(Shown::CutOff) => {
                self.is_cut_off = true;
                return Ok(true);
            }
            None => {}
        }
        Ok(false)
    }

    fn write(&mut self, index: usize) -> Result<(), Error> {
        let Some(sink) = self.sinks.get_mut(index).filter(|sink| !sink.is_empty()) else {
            return Ok(());
        };
        match sink.write() {
            Ok(()) => Ok(()),
            Err(Failed::With(errno)) => {
                let name = standard_streams::name(sink.number);
                Err(Error::new("write", name, errno).hint(Some("the container runs on")))
            }
            Err(Failed::NoReader) => {
                let number = sink.number;
                self.outside.leave_raw_mode();
                // As any program that writes where no one reads.
                signal::act_by_default(libc::SIGPIPE, self.signals.blocked);
                let name = standard_streams::name(number);
                Err(Error::new("write", name, Errno::EPIPE).hint(Some("the container runs on")))
            }
        }
    }

    /// Hands on what is typed. Whether the keys that detach were typed.
    fn take_typed(&mut self, buffer: &mut [u8]) -> bool {
        let Some(input) = &self.input else {
            return false;
        };
        let buffer = buffer.get_mut(..MOST_BYTES / 2).unwrap_or_default();
        let typed = match input.read(buffer) {
            Ok(0) => None,
            Ok(count) => buffer.get(..count),
            Err(Errno::EAGAIN | Errno::EINTR) => return false,
            // In the background after all.
            Err(Errno::EIO) if !self.outside.in_foreground() => return false,
            // A terminal that is gone.
            Err(_) => None,
        };
        let Some(typed) = typed else {
            let rest = self.keys.rest();
            self.send(Typed::Input(&rest));
            self.input = None;
            self.send(Typed::EndOfInput);
            return false;
        };
        let passed = self.keys.pass(typed);
        self.send(Typed::Input(&passed.bytes));
        passed.is_detached
    }

    fn send(&mut self, typed: Typed<'_>) {
        if typed == Typed::Input(&[]) {
            return;
        }
        self.unsent.push_back(typed.encode());
        self.send_unsent();
    }

    /// Sends what the monitor takes now.
    fn send_unsent(&mut self) {
        while let Some(record) = self.unsent.front() {
            match descriptor::send_without_waiting(self.socket.as_fd(), record) {
                Err(Errno::EAGAIN | Errno::EINTR | Errno::ENOBUFS) => return,
                // If no one takes it any more, the end of the connection tells.
                _ => self.unsent.pop_front(),
            };
        }
    }

    /// In milliseconds; -1 stands for no end.
    fn timeout(&self, foreground: bool) -> i32 {
        let left = |when: Instant| when.saturating_duration_since(Instant::now());
        match (self.size_follows, foreground) {
            // Up, or the last fraction of one would be spent asking.
            (Some(when), _) => left(when).as_millis() as i32 + 1,
            (None, true) => -1,
            (None, false) => LOOK_FOR_FOREGROUND,
        }
    }

    /// The size of this terminal, if it is for the container's.
    fn size(&self) -> Option<Size> {
        self.outside.size().filter(|_| self.attached.has_terminal)
    }

    /// Gives the container's terminal the size of this one.
    fn show_size(&mut self) {
        self.size_follows = None;
        if let Some(size) = self.size() {
            self.send(Typed::Size(size));
        }
    }

    /// Gives it another one for a moment.
    fn show_other_size(&mut self) {
        if let Some(size) = self.size() {
            self.send(Typed::Size(Size {
                rows: size.rows.saturating_add(1),
                columns: size.columns.saturating_add(1),
                ..size
            }));
            self.size_follows = Instant::now().checked_add(OTHER_SIZE);
        }
    }

    fn take_signals(&mut self) -> Result<(), Error> {
        let failed = |errno| Error::new("read", "signals", errno);
        while let Some(Taken { number, .. }) = signal::take(self.taken.as_fd()).map_err(failed)? {
            match (number, self.hand_on) {
                (libc::SIGWINCH, _) => self.show_size(),
                (libc::SIGTSTP, _) => self.stop(),
                // Reads and writes in the background answer for themselves.
                (libc::SIGTTIN | libc::SIGTTOU, _) => {}
                (libc::SIGCONT, _) => self.continue_after_stop(),
                (number, Some(hand_on)) => hand_on(number),
                (number, None) if ends_by_default(number) => {
                    self.outside.leave_raw_mode();
                    signal::act_by_default(number, self.signals.blocked);
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn stop(&mut self) {
        self.outside.leave_raw_mode();
        signal::act_by_default(libc::SIGTSTP, self.signals.blocked);
        self.continue_after_stop();
    }

    /// This may be the foreground now, in a window of another size, and the shell may have set the terminal's modes.
    fn continue_after_stop(&mut self) {
        self.outside.renew_raw_mode();
        self.show_size();
    }
}
