//! A worker, as batch has it.

use super::worker::{self, HEAD};
use crate::sys::descriptor::{self, Waiting};
use crate::sys::process::{self, Ended, Patience};
use crate::sys::{Errno, Pid, local_socket};
use std::os::fd::{AsFd, OwnedFd};

/// How much is read at once.
const AT_ONCE: usize = 64 << 10;

pub struct Hand {
    pid: Pid,
    socket: OwnedFd,
    /// Of a job, what the worker has not taken yet.
    to_send: Vec<u8>,
    sent: usize,
    received: Vec<u8>,
    /// What it runs.
    pub job: Option<Given>,
    /// The worker has been sent a signal, and no one knows whether its job has taken it.
    pub is_signalled: bool,
}

/// A job that a worker has.
pub struct Given {
    /// Where its result goes.
    pub connection: u64,
    pub number: u64,
    pub line: Vec<u8>,
}

/// The two ends of the socket between batch and a worker, of which batch's does not wait.
pub fn ends() -> Result<(OwnedFd, OwnedFd), Errno> {
    let (ours, theirs) = local_socket::stream_pair()?;
    descriptor::set_nonblocking(ours.as_fd())?;
    Ok((ours, theirs))
}

impl Hand {
    pub fn new(pid: Pid, socket: OwnedFd) -> Self {
        Self {
            pid,
            socket,
            to_send: Vec::new(),
            sent: 0,
            received: Vec::new(),
            job: None,
            is_signalled: false,
        }
    }

    /// Gives it a job.
    pub fn give(&mut self, job: Given) {
        self.to_send = worker::head(&job.line, job.number);
        self.to_send.extend_from_slice(&job.line);
        self.sent = 0;
        self.job = Some(job);
        self.send();
    }

    /// Sends what goes. (One that is not there any more is told of by the end of what it says.)
    pub fn send(&mut self) {
        let rest = self.to_send.get(self.sent..).unwrap_or_default();
        if let Ok(count) = descriptor::send_without_waiting(self.socket.as_fd(), rest) {
            self.sent += count;
        }
        if self.sent == self.to_send.len() {
            self.to_send = Vec::new();
            self.sent = 0;
        }
    }

    pub fn waiting(&self) -> [Waiting; 2] {
        let to_send = match self.to_send.is_empty() {
            true => Waiting::none(),
            false => Waiting::to_write(self.socket.as_fd()),
        };
        [Waiting::to_read(self.socket.as_fd()), to_send]
    }

    /// What it answers, if all of that is there. `Err`: it is not there any more.
    pub fn receive(&mut self) -> Result<Option<Vec<u8>>, ()> {
        let had = self.received.len();
        self.received.resize(had + AT_ONCE, 0);
        let room = self.received.get_mut(had..).unwrap_or_default();
        let count = descriptor::read(self.socket.as_fd(), room);
        self.received.truncate(had + count.unwrap_or(0));
        match count {
            Ok(1..) => {}
            Err(Errno::EAGAIN | Errno::EINTR) => return Ok(None),
            Ok(0) | Err(_) => return Err(()),
        }
        let Some((head, result)) = self.received.split_first_chunk::<HEAD>() else {
            return Ok(None);
        };
        if result.len() < u32::from_le_bytes(*head) as usize {
            return Ok(None);
        }
        // It says nothing more before it is asked again.
        let result = result.to_vec();
        self.received = Vec::new();
        Ok(Some(result))
    }

    pub fn signal(&self, number: i32) {
        // It has not been waited for: the pid is still its own.
        let _ = process::kill(self.pid, number);
    }

    /// Lets a worker go that has no job, or that is not there any more, and waits for its end.
    pub fn end(self) -> Option<Ended> {
        // Someone may have stopped it.
        self.signal(libc::SIGCONT);
        drop(self.socket);
        let ended = process::wait(Some(self.pid), Patience::Wait);
        ended.ok().flatten().map(|(_, ended)| ended)
    }
}
