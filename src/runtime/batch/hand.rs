//! A worker, as batch has it.

use super::worker::{HEAD, Head};
use crate::sys::descriptor::{self, Waiting};
use crate::sys::process::{self, Ended, Patience};
use crate::sys::{Errno, Pid, local_socket};
use std::os::fd::{AsFd, OwnedFd};

/// How much is read at once.
pub const AT_ONCE: usize = 64 << 10;

/// How much room is kept for the next job: what one long line took is not.
const MOST_KEPT: usize = 4 << 10;

pub struct Hand {
    pid: Pid,
    socket: OwnedFd,
    /// The last job, as it is sent, and how much of that the worker has taken.
    message: Vec<u8>,
    sent: usize,
    /// Of a result, what has come, if not all of it has.
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
            message: Vec::new(),
            sent: 0,
            received: Vec::new(),
            job: None,
            is_signalled: false,
        }
    }

    /// Gives it a job.
    pub fn give(&mut self, job: Given, line: &[u8]) {
        self.message.clear();
        self.message.shrink_to(MOST_KEPT);
        self.message.extend(Head::of(line, job.number).bytes());
        self.message.extend_from_slice(line);
        self.sent = 0;
        self.job = Some(job);
        self.send();
    }

    /// The line of its job.
    pub fn line(&self) -> &[u8] {
        self.message.get(Head::SIZE..).unwrap_or_default()
    }

    /// Sends what goes. (One that is not there any more is told of by the end of what it says.)
    pub fn send(&mut self) {
        let rest = self.message.get(self.sent..).unwrap_or_default();
        if let Ok(count) = descriptor::send_without_waiting(self.socket.as_fd(), rest) {
            self.sent += count;
        }
    }

    pub fn waiting(&self) -> [Waiting; 2] {
        let to_send = match self.sent == self.message.len() {
            true => Waiting::none(),
            false => Waiting::to_write(self.socket.as_fd()),
        };
        [Waiting::to_read(self.socket.as_fd()), to_send]
    }

    /// Reads what it answers into `buffer`. Whether all of that is there, see [`result`](Self::result). `Err`: it is not
    /// there any more.
    pub fn receive(&mut self, buffer: &mut [u8]) -> Result<bool, ()> {
        let come = match descriptor::read(self.socket.as_fd(), buffer) {
            Ok(count @ 1..) => buffer.get(..count).unwrap_or_default(),
            Err(Errno::EAGAIN | Errno::EINTR) => return Ok(false),
            Ok(0) | Err(_) => return Err(()),
        };
        self.received.extend_from_slice(come);
        Ok(self
            .received
            .split_first_chunk::<HEAD>()
            .is_some_and(|(head, result)| result.len() >= u32::from_le_bytes(*head) as usize))
    }

    /// What it has answered.
    pub fn result(&self) -> &[u8] {
        self.received.get(HEAD..).unwrap_or_default()
    }

    /// Makes room for the next result. The worker says nothing more before it is asked again.
    pub fn free(&mut self) {
        self.received.clear();
        self.received.shrink_to(AT_ONCE);
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
