//! The line between the client of a pool, whose command runs in one of the pool's boxes, and the pool, whose child that is.
//!
//! Only who is a process's parent can be sure that its number is its own, and learns how it has ended. So the client asks
//! and the pool does: a signal, the end. What the pool tells is how the box has ended and what it has used.
//!
//! Each record has one of these lengths, by which it is known: of the client a [`Request`], of the pool first the number of
//! the box's first process and last a [`Conclusion`]. The box itself has sent a byte before, when it was taken.

use super::{disposition, group, signals};
use crate::cgroup::Usage;
use crate::error::Error;
use crate::launch::{Container, Role};
use crate::report::Report;
use crate::sys::descriptor::Waiting;
use crate::sys::process::{self, Ended, ResourceUsage};
use crate::sys::{Errno, Pid, descriptor, local_socket, signal};
use std::cell::{Cell, RefCell};
use std::os::fd::{AsFd, OwnedFd};
use std::rc::Rc;

/// What a client asks of the pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// End all of it.
    Kill,
    /// Give the first process this signal, or end it if the kernel would spare it that.
    Deliver(u8),
    /// As well, to the command's process group: a terminal has sent it.
    DeliverToGroup(u8),
    /// A key for this signal was typed: end the first process if it would be spared that. The terminal has sent the signal.
    KeyTyped(u8),
    /// Stop the command's process group, or let it go on.
    JobControl(u8),
}

impl Request {
    pub const LENGTH: usize = 2;

    fn to_bytes(self) -> [u8; Self::LENGTH] {
        match self {
            Self::Kill => [0, 0],
            Self::Deliver(signal) => [1, signal],
            Self::DeliverToGroup(signal) => [2, signal],
            Self::KeyTyped(signal) => [3, signal],
            Self::JobControl(signal) => [4, signal],
        }
    }

    pub fn of_bytes(bytes: [u8; Self::LENGTH]) -> Option<Self> {
        match bytes {
            [0, _] => Some(Self::Kill),
            // No signal of the kernel's.
            [_, 0 | 65..] => None,
            [1, signal] => Some(Self::Deliver(signal)),
            [2, signal] => Some(Self::DeliverToGroup(signal)),
            [3, signal] => Some(Self::KeyTyped(signal)),
            [4, signal] => Some(Self::JobControl(signal)),
            _ => None,
        }
    }

    /// Does what is asked, with a child of ours that has not been waited for. Returns the signal for which it was killed, if
    /// it was killed in the place of a signal that it is spared.
    pub fn obey(self, container: Container) -> Option<i32> {
        let pid = container.pid;
        let send = |signal: u8| {
            // It can have ended, but it has not been waited for: the pid is still its own.
            let _ = process::kill(pid, signal.into());
        };
        let to_group = |signal: u8| match group::of_command(container) {
            Some(group) => {
                let _ = process::kill(-group, signal.into());
            }
            None => send(signal),
        };
        let spared = |signal: u8| is_spared(container, signal.into());
        let (signal, goes_to_group) = match self {
            Self::Kill => {
                send(libc::SIGKILL as u8);
                return None;
            }
            Self::JobControl(signal) => {
                to_group(signal);
                return None;
            }
            Self::KeyTyped(signal) if !spared(signal) => return None,
            Self::KeyTyped(signal) | Self::Deliver(signal) => (signal, false),
            Self::DeliverToGroup(signal) => (signal, true),
        };
        match (spared(signal), goes_to_group) {
            (true, _) => {
                send(libc::SIGKILL as u8);
                return Some(signal.into());
            }
            (false, true) => to_group(signal),
            (false, false) => send(signal),
        }
        None
    }
}

/// Whether a signal would not end a container's first process that ends any other: the kernel gives PID 1 of a namespace none
/// that it has no handler for. People expect the end.
pub fn is_spared(container: Container, signal: i32) -> bool {
    // (SIGKILL would end a keeper, and not what it keeps.)
    signal == libc::SIGKILL
        || container.role == Role::Command
            && signals::ends_by_default(signal)
            && disposition::of(container.pid, signal) == disposition::Disposition::Default
}

/// What a pool tells of the end of a box that had a job.
#[derive(Clone, Copy, Debug)]
pub struct Conclusion {
    /// How the first process has ended.
    pub ended: Ended,
    /// How the command has, if a reaper has told.
    pub told: Option<Ended>,
    /// The signal in whose place it was killed.
    pub spared: Option<i32>,
    /// Why the command has not run.
    pub report: Option<Report>,
    pub resource_usage: ResourceUsage,
    /// What its cgroups have counted, if it had any.
    pub usage: Option<Usage>,
}

const WORDS: usize = 20;

impl Conclusion {
    pub const LENGTH: usize = WORDS * size_of::<u64>();

    /// No number of a count: that there is none.
    const NONE: u64 = u64::MAX;

    pub fn to_bytes(self) -> [u8; Self::LENGTH] {
        let ended = |ended: Option<Ended>| match ended {
            None => Self::NONE,
            Some(Ended::Exited(code)) => u64::from(code),
            Some(Ended::Signaled(signal)) => 0x100 | signal as u64,
        };
        let usage = self.usage.unwrap_or_default();
        let used = self.resource_usage;
        let count = |count: Option<u64>| count.unwrap_or(Self::NONE);
        let words = [
            ended(Some(self.ended)),
            ended(self.told),
            self.spared.map_or(Self::NONE, |signal| signal as u64),
            self.report
                .map_or(0, |report| u64::from_le_bytes(report.to_bytes())),
            used.user as u64,
            used.system as u64,
            used.largest as u64,
            used.minor_faults as u64,
            used.major_faults as u64,
            used.voluntary_switches as u64,
            used.involuntary_switches as u64,
            self.usage.is_some().into(),
            count(usage.memory_peak),
            count(usage.processor_time),
            count(usage.user_time),
            count(usage.system_time),
            count(usage.oom_kills),
            usage.own_limit_reached.into(),
            count(usage.processes_peak),
            0,
        ];
        let mut bytes = [0; Self::LENGTH];
        for (place, word) in bytes.chunks_exact_mut(size_of::<u64>()).zip(words) {
            place.copy_from_slice(&word.to_le_bytes());
        }
        bytes
    }

    /// Errors: EBADMSG if it is none.
    pub fn of_bytes(bytes: &[u8; Self::LENGTH]) -> Result<Self, Errno> {
        let mut words = [0; WORDS];
        for (word, bytes) in words.iter_mut().zip(bytes.chunks_exact(size_of::<u64>())) {
            *word = bytes
                .iter()
                .rfold(0, |word, byte| word << 8 | u64::from(*byte));
        }
        let ended = |word: u64| match word {
            Self::NONE => None,
            word if word & 0x100 != 0 => Some(Ended::Signaled((word & 0xff) as i32)),
            word => Some(Ended::Exited(word as u8)),
        };
        let count = |word: u64| (word != Self::NONE).then_some(word);
        let report = match words[3] {
            0 => None,
            word => Some(Report::of_bytes(word.to_le_bytes())?),
        };
        Ok(Self {
            ended: ended(words[0]).ok_or(Errno::EBADMSG)?,
            told: ended(words[1]),
            spared: count(words[2]).map(|signal| signal as i32),
            report,
            resource_usage: ResourceUsage {
                user: words[4] as i64,
                system: words[5] as i64,
                largest: words[6] as i64,
                minor_faults: words[7] as i64,
                major_faults: words[8] as i64,
                voluntary_switches: words[9] as i64,
                involuntary_switches: words[10] as i64,
            },
            usage: (words[11] == 1).then_some(Usage {
                memory_peak: count(words[12]),
                processor_time: count(words[13]),
                user_time: count(words[14]),
                system_time: count(words[15]),
                oom_kills: count(words[16]),
                own_limit_reached: words[17] == 1,
                processes_peak: count(words[18]),
            }),
        })
    }
}

/// The client's end.
#[derive(Debug)]
pub struct Line {
    socket: OwnedFd,
    /// The box's first process, when the pool has told.
    first: Cell<Option<Pid>>,
    /// How it has ended. It is looked at by who has started it, when the supervisor is done with it.
    conclusion: RefCell<Option<Conclusion>>,
}

impl Line {
    /// From here on a record that comes is told of by SIGCHLD, as the end of a child of one's own would be.
    pub fn new(socket: OwnedFd) -> Result<Rc<Self>, Errno> {
        signal::tell_as_of_a_child(socket.as_fd())?;
        Ok(Rc::new(Self {
            socket,
            first: Cell::new(None),
            conclusion: RefCell::new(None),
        }))
    }

    /// Asks the pool. One that is not there any more has ended the box.
    pub fn ask(&self, request: Request) {
        let _ = descriptor::send_without_waiting(self.socket.as_fd(), &request.to_bytes());
    }

    pub fn first_process(&self) -> Option<Pid> {
        self.first.get()
    }

    /// The box's first process, as soon as the pool has told.
    pub fn wait_for_first_process(&self) -> Result<Pid, Error> {
        loop {
            let ended = self.look()?.is_some();
            if let Some(first) = self.first.get() {
                return Ok(first);
            }
            if ended {
                return Err(failed(Errno::EBADMSG));
            }
            descriptor::wait(&mut [Waiting::to_read(self.socket.as_fd())], -1).map_err(failed)?;
        }
    }

    /// What has come. `None`: it has not ended. Never waits.
    pub fn look(&self) -> Result<Option<Conclusion>, Error> {
        if let Some(conclusion) = self.conclusion() {
            return Ok(Some(conclusion));
        }
        loop {
            let mut record = [0; Conclusion::LENGTH];
            match local_socket::receive_bytes(self.socket.as_fd(), &mut record) {
                Err(Errno::EAGAIN | Errno::EINTR) => return Ok(None),
                // The pool has gone and had not read all that was asked. That is told once, and before what it has said.
                Err(Errno::ECONNRESET) => {}
                Ok(0) => return Err(gone()),
                Err(errno) => return Err(failed(errno)),
                Ok(4) => {
                    let first = record.first_chunk().copied().map(Pid::from_le_bytes);
                    self.first.set(first);
                }
                Ok(Conclusion::LENGTH) => {
                    let conclusion = Conclusion::of_bytes(&record).map_err(failed)?;
                    *self.conclusion.borrow_mut() = Some(conclusion);
                    return Ok(Some(conclusion));
                }
                Ok(_) => return Err(failed(Errno::EBADMSG)),
            }
        }
    }

    /// How it has ended, if it has.
    pub fn conclusion(&self) -> Option<Conclusion> {
        *self.conclusion.borrow()
    }
}

#[cold]
#[inline(never)]
fn failed(errno: Errno) -> Error {
    Error::new("hear", "from the pool", errno)
}

#[cold]
#[inline(never)]
fn gone() -> Error {
    // (It would tell of the command's end; the command's death signal it may have taken off.)
    Error::told(
        "the pool has ended before it could tell how the command ends: with the pool, unless it has shed its death signal",
    )
    .exit_with(crate::error::ExitCode(
        Ended::Signaled(libc::SIGKILL).code(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Taking;

    #[test]
    fn what_is_told_is_understood() {
        let conclusion = Conclusion {
            ended: Ended::Signaled(9),
            told: Some(Ended::Exited(255)),
            spared: Some(15),
            report: Some(Report::Job(Taking::Limit(7), Errno::EPERM)),
            resource_usage: ResourceUsage {
                user: 1,
                system: 2,
                largest: 3,
                minor_faults: 4,
                major_faults: 5,
                voluntary_switches: 6,
                involuntary_switches: 7,
            },
            usage: Some(Usage {
                memory_peak: Some(0),
                oom_kills: None,
                ..Usage::default()
            }),
        };
        let understood = Conclusion::of_bytes(&conclusion.to_bytes()).unwrap();
        assert_eq!(format!("{understood:?}"), format!("{conclusion:?}"));
        let plain = Conclusion {
            told: None,
            spared: None,
            report: None,
            usage: None,
            ..conclusion
        };
        let understood = Conclusion::of_bytes(&plain.to_bytes()).unwrap();
        assert_eq!(format!("{understood:?}"), format!("{plain:?}"));
    }

    #[test]
    fn a_pool_that_has_gone_has_said_how_it_ended() {
        let (ours, pools) = local_socket::pair().unwrap();
        let line = Line::new(ours).unwrap();
        let conclusion = Conclusion {
            ended: Ended::Exited(3),
            told: None,
            spared: None,
            report: None,
            resource_usage: ResourceUsage::default(),
            usage: None,
        };
        descriptor::send_without_waiting(pools.as_fd(), &conclusion.to_bytes()).unwrap();
        // It has ended before it hears of this.
        line.ask(Request::Deliver(15));
        drop(pools);
        assert_eq!(line.look().unwrap().unwrap().ended, Ended::Exited(3));
    }

    #[test]
    fn without_a_conclusion_it_has_gone() {
        let (ours, pools) = local_socket::pair().unwrap();
        let line = Line::new(ours).unwrap();
        line.ask(Request::Deliver(15));
        drop(pools);
        assert!(line.look().is_err());
    }

    #[test]
    fn requests_are_understood() {
        for request in [
            Request::Kill,
            Request::Deliver(15),
            Request::DeliverToGroup(2),
            Request::KeyTyped(3),
            Request::JobControl(19),
        ] {
            assert_eq!(Request::of_bytes(request.to_bytes()), Some(request));
        }
        for bytes in [[9, 9], [1, 0], [2, 65], [3, 255]] {
            assert_eq!(Request::of_bytes(bytes), None);
        }
    }
}
