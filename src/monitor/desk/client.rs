//! Someone who has called, and what they are still to be sent.

use crate::control::{LONGEST, Request, Typed};
use crate::sys::descriptor::{self, Waiting};
use crate::sys::{Errno, local_socket};
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

/// How far behind someone who is attached may be. The container does not wait for them,
const MOST_BEHIND: usize = 1 << 20;

/// but so long: a reader who has not had the processor yet takes all of it in less.
const HOLD: Duration = Duration::from_millis(250);

/// What a caller may send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Requests.
    Asks,
    /// Sees what the container writes.
    Watches,
    /// Sees it, and types what the container reads.
    Types,
}

/// What has come from a caller.
#[derive(Debug)]
pub enum Message<'a> {
    Request(Request),
    /// What is no request that is known here.
    Unknown,
    Typed(Typed<'a>),
    /// Nothing for now, or what is passed over.
    Nothing,
    /// The connection has ended.
    Gone,
}

pub struct Client {
    socket: OwnedFd,
    pub role: Role,
    queue: Queue,
    is_gone: bool,
}

impl Client {
    pub fn new(socket: OwnedFd) -> Self {
        Self {
            socket,
            role: Role::Asks,
            queue: Queue::default(),
            is_gone: false,
        }
    }

    pub fn is_gone(&self) -> bool {
        self.is_gone
    }

    pub fn is_attached(&self) -> bool {
        self.role != Role::Asks && !self.is_gone
    }

    pub fn is_sent_all(&self) -> bool {
        self.is_gone || self.queue.is_empty()
    }

    /// Waits for what comes from them, if it would be taken.
    pub fn waiting_to_receive(&self, takes_input: bool) -> Waiting {
        match self.role == Role::Types && !takes_input {
            true => Waiting::until_closed(self.socket.as_fd()),
            false => Waiting::to_read(self.socket.as_fd()),
        }
    }

    /// Waits until they can be sent what they are still to be sent.
    pub fn waiting_to_send(&self) -> Waiting {
        match self.queue.is_empty() {
            true => Waiting::none(),
            false => Waiting::to_write(self.socket.as_fd()),
        }
    }

    /// Takes one message. `buffer` has room for the longest.
    pub fn receive<'a>(&mut self, buffer: &'a mut [u8]) -> Message<'a> {
        let count = match local_socket::receive_bytes(self.socket.as_fd(), buffer) {
            Ok(0) => return self.gone(),
            Ok(count) => count,
            Err(Errno::EAGAIN | Errno::EINTR) => return Message::Nothing,
            Err(_) => return self.gone(),
        };
        // `None`: it was longer than any that is known.
        let record = buffer.get(..count);
        match self.role {
            Role::Asks => record
                .and_then(Request::decode)
                .map_or(Message::Unknown, Message::Request),
            Role::Watches | Role::Types => record
                .and_then(Typed::decode)
                .map_or(Message::Nothing, Message::Typed),
        }
    }

    fn gone(&mut self) -> Message<'static> {
        self.is_gone = true;
        Message::Gone
    }

    /// Sends a record, now or when they take it.
    ///
    /// Errors: [`TooFarBehind`], and the record is not sent.
    pub fn send(&mut self, record: &[u8]) -> Result<(), TooFarBehind> {
        if self.is_gone {
            return Ok(());
        }
        if self.queue.is_empty() {
            match descriptor::send_without_waiting(self.socket.as_fd(), record) {
                Ok(_) => return Ok(()),
                Err(Errno::EAGAIN | Errno::EINTR | Errno::ENOBUFS) => {}
                Err(_) => {
                    self.is_gone = true;
                    return Ok(());
                }
            }
        }
        if self.queue.push(record) == Err(TooFarBehind) {
            self.hold();
            return self.queue.push(record);
        }
        Ok(())
    }

    /// Waits for a little while until they have taken everything.
    #[cold]
    #[inline(never)]
    fn hold(&mut self) {
        let end = Instant::now() + HOLD;
        while !self.is_sent_all() {
            let left = end.saturating_duration_since(Instant::now());
            let mut waiting = [self.waiting_to_send()];
            let waited = descriptor::wait(&mut waiting, left.as_millis() as i32);
            if waited.is_err() || !waiting.iter().any(Waiting::happened) {
                return;
            }
            self.send_rest();
        }
    }

    /// Sends what they take now.
    pub fn send_rest(&mut self) {
        while let Some(record) = self.queue.first() {
            match descriptor::send_without_waiting(self.socket.as_fd(), record) {
                Ok(_) => self.queue.drop_first(),
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN | Errno::ENOBUFS) => return,
                Err(_) => {
                    self.is_gone = true;
                    return;
                }
            }
        }
    }

    /// They get nothing more, and are let go.
    pub fn send_away(&mut self) {
        self.queue = Queue::default();
        self.is_gone = true;
    }

    /// They get this record alone, and nothing more.
    pub fn cut_off(&mut self, record: &[u8]) {
        self.role = Role::Asks;
        self.queue = Queue::default();
        let _ = self.send(record);
    }
}

/// More would wait than may.
#[derive(Debug, PartialEq, Eq)]
pub struct TooFarBehind;

/// Records that wait, each behind its length.
#[derive(Default)]
struct Queue {
    bytes: Vec<u8>,
    /// Where the first one begins.
    start: usize,
}

type Length = u32;
const LENGTH: usize = size_of::<Length>();

impl Queue {
    fn is_empty(&self) -> bool {
        self.start == self.bytes.len()
    }

    fn push(&mut self, record: &[u8]) -> Result<(), TooFarBehind> {
        let length = Length::try_from(record.len()).map_err(|_| TooFarBehind)?;
        if self.bytes.len() - self.start + LENGTH + record.len() > MOST_BEHIND {
            return Err(TooFarBehind);
        }
        // Each byte is moved once for as many as are dropped.
        if self.start > MOST_BEHIND / 2 || self.start > self.bytes.len() / 2 {
            self.bytes.drain(..self.start);
            self.start = 0;
        }
        self.bytes.extend(length.to_ne_bytes());
        self.bytes.extend(record);
        Ok(())
    }

    fn first(&self) -> Option<&[u8]> {
        let (length, rest) = self
            .bytes
            .get(self.start..)?
            .split_first_chunk::<LENGTH>()?;
        rest.get(..Length::from_ne_bytes(*length) as usize)
    }

    fn drop_first(&mut self) {
        let length = self.first().map_or(0, |record| LENGTH + record.len());
        self.start += length;
        if self.is_empty() {
            // With its memory: they may never be behind again.
            *self = Self::default();
        }
    }
}

/// Room for the longest message.
pub fn buffer() -> Vec<u8> {
    vec![0; LONGEST]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_wait_in_their_order() {
        let mut queue = Queue::default();
        let mut next = 0u32;
        let mut expected = 0u32;
        for round in 0..2000 {
            for _ in 0..round % 7 {
                let record = next.to_ne_bytes().repeat(next as usize % 50 + 1);
                queue.push(&record).unwrap();
                next += 1;
            }
            for _ in 0..round % 5 {
                let Some(record) = queue.first() else { break };
                assert_eq!(
                    record,
                    expected.to_ne_bytes().repeat(expected as usize % 50 + 1)
                );
                expected += 1;
                queue.drop_first();
            }
        }
        while queue.first().is_some() {
            expected += 1;
            queue.drop_first();
        }
        assert_eq!(expected, next);
        assert!(queue.is_empty() && queue.bytes.capacity() == 0);
    }

    #[test]
    fn no_more_waits_than_may() {
        let mut queue = Queue::default();
        let record = [7; 1000];
        while queue.push(&record).is_ok() {}
        assert!(queue.bytes.len() <= MOST_BEHIND && queue.bytes.len() > MOST_BEHIND - 1010);
        assert_eq!(queue.push(&[]), Ok(()));
        queue.drop_first();
        assert_eq!(queue.push(&record), Ok(()));
        assert!(queue.bytes.len() <= MOST_BEHIND + 1010);
    }
}
