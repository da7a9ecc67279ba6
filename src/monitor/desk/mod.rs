//! Where a container's monitor is asked for something: its socket, and who has called there. It stays when the container
//! is started again.

mod client;
mod requests;

use super::milliseconds;
use super::signals::{Signals, ends_by_default};
use crate::container_log::{self, Writer};
use crate::control::{self, Answer, Shown};
use crate::error::{Error, ExitCode};
use crate::sys::descriptor::{self, Waiting};
use crate::sys::{Errno, process, signal};
use crate::time;
use client::{Client, TooFarBehind};
pub use client::{Message, Role, buffer};
pub use requests::{Hooks, Subject};
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

/// How long no one is let in when there is no descriptor for them.
const RECOVERY: Duration = Duration::from_millis(200);

/// How many callers there may be at once, and what part of the descriptors they may take: each is waited for twice, and
/// poll(2) waits for no more than the monitor may have descriptors, of which it needs some itself. Others wait at the door.
const MOST_CALLERS: usize = 256;
const CALLERS_PART: u64 = 4;

/// How long someone who is to be told the end may take nothing, and how long all of them may take.
const STOPPED_READER: Duration = Duration::from_millis(500);
const LAST_WORDS: Duration = Duration::from_secs(10);

pub struct Desk {
    listener: OwnedFd,
    clients: Vec<Client>,
    /// Where what the container writes is kept.
    log: Option<Writer>,
    /// How long the container may take to end when it is stopped by someone who has not said. `None`: forever.
    patience: Option<Duration>,
    /// Someone has stopped it, and it is not to be started again.
    was_stopped: bool,
    is_paused: bool,
    /// There was no descriptor for who called.
    closed_until: Option<Instant>,
    most_callers: usize,
}

fn most_callers() -> usize {
    let [soft, _] = process::limits(process::DESCRIPTORS).unwrap_or_default();
    usize::try_from(soft / CALLERS_PART).map_or(MOST_CALLERS, |most| most.clamp(1, MOST_CALLERS))
}

/// How a pause between two runs has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waited {
    TimeUp,
    /// Someone has stopped the container.
    Stopped,
}

impl Desk {
    pub fn new(listener: OwnedFd, log: Option<Writer>, patience: Option<Duration>) -> Self {
        Self {
            listener,
            clients: Vec::new(),
            log,
            patience,
            was_stopped: false,
            is_paused: false,
            closed_until: None,
            most_callers: most_callers(),
        }
    }

    /// Someone who is connected already: what they have asked is done before the container's output is read.
    pub fn welcome(&mut self, connected: OwnedFd) {
        self.clients.push(Client::new(connected));
    }

    /// Whether someone has stopped or killed the container.
    pub fn was_stopped(&self) -> bool {
        self.was_stopped
    }

    /// Bytes of output that are not in the log, because it could not be written.
    pub fn lost(&self) -> u64 {
        self.log.as_ref().map_or(0, Writer::lost)
    }

    /// Adds what is to be waited for: callers, and what each of those who are here sends and is sent.
    pub fn wait_for(&self, takes_input: bool, waiting: &mut Vec<Waiting>) {
        waiting.push(match self.closed_until {
            None if self.clients.len() < self.most_callers => {
                Waiting::to_read(self.listener.as_fd())
            }
            _ => Waiting::none(),
        });
        for client in &self.clients {
            waiting.push(client.waiting_to_receive(takes_input));
            waiting.push(client.waiting_to_send());
        }
    }

    /// How long until there is something to do, if ever.
    pub fn time_left(&self) -> Option<Duration> {
        let log = self
            .log
            .as_ref()
            .and_then(|log| log.time_left(time::nanoseconds()));
        let closed = self.closed_until;
        let closed = closed.map(|until| until.saturating_duration_since(Instant::now()));
        log.into_iter().chain(closed).min()
    }

    /// After the wait: lets in who has called, and sends what can be sent. `happened` is what [`wait_for`](Self::wait_for)
    /// has added. Then calls `each` with what has come from each of those who were here.
    pub fn look(
        &mut self,
        happened: &[Waiting],
        buffer: &mut [u8],
        mut each: impl FnMut(&mut Self, usize, Message<'_>),
    ) {
        let Some((listener, clients)) = happened.split_first() else {
            return;
        };
        for (index, both) in clients.chunks_exact(2).enumerate() {
            let [receive, send] = [0, 1].map(|at| both.get(at).is_some_and(Waiting::happened));
            let Some(client) = self.clients.get_mut(index) else {
                break;
            };
            if send {
                client.send_rest();
            }
            if receive {
                match client.receive(buffer) {
                    Message::Nothing => {}
                    message => each(self, index, message),
                }
            }
        }
        self.clients.retain(|client| !client.is_gone());
        if listener.happened() {
            self.let_in();
        }
    }

    /// After each wait: does what it is time for.
    pub fn tick(&mut self) {
        if self
            .closed_until
            .is_some_and(|until| until <= Instant::now())
        {
            self.closed_until = None;
        }
        if let Some(log) = &mut self.log {
            log.tick(time::nanoseconds());
        }
    }

    fn let_in(&mut self) {
        match control::accept(self.listener.as_fd()) {
            Ok(Some(caller)) => self.clients.push(Client::new(caller)),
            Ok(None) => {}
            // Out of descriptors, or of memory: to ask again at once would only burn a processor.
            Err(_) => self.closed_until = Instant::now().checked_add(RECOVERY),
        }
    }

    /// Answers who has asked. Who asks and asks, and takes no answer, is sent away.
    fn answer(&mut self, index: usize, answer: &Answer) {
        if let Some(client) = self.clients.get_mut(index)
            && client.send(&answer.encode()) == Err(TooFarBehind)
        {
            client.send_away();
        }
    }

    /// Whether what someone types is read.
    pub fn types(&self, index: usize) -> bool {
        self.clients
            .get(index)
            .is_some_and(|client| client.role == Role::Types)
    }

    /// Keeps what the container has written, and shows it.
    pub fn take_output(&mut self, source: container_log::Output, bytes: &[u8]) {
        if let Some(log) = &mut self.log {
            log.append(source, bytes, time::nanoseconds());
        }
        self.show(Shown::Output(source, bytes));
    }

    /// The container's last output has come.
    pub fn output_has_ended(&mut self) {
        if let Some(log) = &mut self.log {
            log.flush(time::nanoseconds());
        }
    }

    /// Shows something to those who are attached.
    fn show(&mut self, shown: Shown<'_>) {
        if !self.clients.iter().any(Client::is_attached) {
            return;
        }
        let record = shown.encode();
        for client in self
            .clients
            .iter_mut()
            .filter(|client| client.is_attached())
        {
            if client.send(&record) == Err(TooFarBehind) {
                client.cut_off(&Shown::CutOff.encode());
            }
        }
    }

    /// Tells everyone that the container has ended, when its state is written, and sends them away.
    #[cold]
    #[inline(never)]
    pub fn dismiss(&mut self, exit: ExitCode) {
        self.is_paused = false;
        self.show(Shown::Exited(exit.0));
        let end = Instant::now() + LAST_WORDS;
        loop {
            self.clients.retain(|client| !client.is_sent_all());
            let left = end.saturating_duration_since(Instant::now());
            if self.clients.is_empty() || left.is_zero() {
                break;
            }
            let waiting = self.clients.iter().map(Client::waiting_to_send);
            let mut waiting: Vec<Waiting> = waiting.collect();
            let waited = descriptor::wait(&mut waiting, milliseconds(left.min(STOPPED_READER)));
            if waited.is_err() || !waiting.iter().any(Waiting::happened) {
                break;
            }
            for client in &mut self.clients {
                client.send_rest();
            }
        }
        self.clients = Vec::new();
    }

    /// Waits for as long as the container is to pause before it is started again, and does what is asked meanwhile.
    #[cold]
    #[inline(never)]
    pub fn wait(&mut self, pause: Duration, signals: &Signals) -> Result<Waited, Error> {
        let failed = |errno: Errno| Error::new("wait for", "signals and callers", errno);
        let taken = signal::descriptor(signals.forwarded).map_err(failed)?;
        let end = Instant::now().checked_add(pause);
        let mut buffer = buffer();
        let mut waiting = Vec::new();
        while !self.was_stopped {
            let left = end.map(|end| end.saturating_duration_since(Instant::now()));
            if left == Some(Duration::ZERO) {
                return Ok(Waited::TimeUp);
            }
            waiting.clear();
            waiting.push(Waiting::to_read(taken.as_fd()));
            self.wait_for(false, &mut waiting);
            let timeout = left.into_iter().chain(self.time_left()).min();
            descriptor::wait(&mut waiting, timeout.map_or(-1, milliseconds)).map_err(failed)?;
            let (signalled, happened) = waiting.split_at(1);
            if signalled.iter().any(Waiting::happened) {
                while let Some(signal) = signal::take(taken.as_fd()).map_err(failed)? {
                    self.was_stopped |= ends_by_default(signal.number);
                }
            }
            self.look(happened, &mut buffer, Self::answer_between_runs);
            self.tick();
        }
        Ok(Waited::Stopped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::local_socket;
    use std::ffi::CString;

    /// A desk with callers.
    fn called(word: &str, callers: usize) -> (Desk, Vec<OwnedFd>) {
        let path = format!("mydocker-desk-{word}-{}", std::process::id());
        let path = std::env::temp_dir().join(path);
        let name = CString::new(path.as_os_str().as_encoded_bytes()).unwrap();
        let desk = Desk::new(local_socket::listen(&name).unwrap(), None, None);
        let callers = (0..callers).map(|_| local_socket::connect(&name).unwrap());
        let callers = callers.collect();
        std::fs::remove_file(path).unwrap();
        (desk, callers)
    }

    #[test]
    fn who_asks_and_takes_no_answer_is_sent_away() {
        let (mut desk, callers) = called("asks", 1);
        let answer = Answer::Refused("no".repeat(400));
        let mut answers = 0;
        // It is let in, and asks as long as it is there.
        loop {
            let _ = descriptor::send_without_waiting(callers[0].as_fd(), b"what?");
            let mut waiting = Vec::new();
            desk.wait_for(true, &mut waiting);
            descriptor::wait(&mut waiting, 0).unwrap();
            desk.look(&waiting, &mut buffer(), |desk, index, _| {
                desk.answer(index, &answer);
                answers += 1;
            });
            if desk.clients.is_empty() {
                break;
            }
            assert!(answers < 10_000, "it is still there");
        }
        assert!(answers > 1000, "{answers}");
    }

    #[test]
    fn callers_wait_at_the_door_when_there_are_too_many() {
        let (mut desk, callers) = called("door", 5);
        desk.most_callers = 2;
        let look = |desk: &mut Desk| {
            let mut waiting = Vec::new();
            desk.wait_for(true, &mut waiting);
            descriptor::wait(&mut waiting, 0).unwrap();
            desk.look(&waiting, &mut buffer(), |_, _, _| ());
            desk.clients.len()
        };
        let mut counts = || (0..4).map(|_| look(&mut desk)).collect::<Vec<_>>();
        assert_eq!(counts(), [1, 2, 2, 2]);
        drop(callers);
        // Whoever has left makes room.
        assert!(counts().contains(&0));
    }
}
