//! From the plan to a running command: clone, and the child's reports.

pub mod identities;
mod in_process;
pub mod keeper;
pub mod re_exec;
mod reaper;
mod reports;
mod retry;

use crate::error::Error;
use crate::hint::{self, Doing};
use crate::init::{Channel, Descriptors, Gate};
use crate::log::{Level, Log, Value};
use crate::plan::{InitPlan, Reaper};
use crate::report::{self, Lack, Lacks, Moment};
use crate::spec::{Ids, LaunchChoice, Namespace, Namespaces};
use crate::sys::clone::Memory;
use crate::sys::process::{self, Patience};
use crate::sys::{Errno, Pid, allocation, descriptor, life};
use keeper::Successor;
use reports::{Aside, Failure};
use std::cell::Cell;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

/// How the first process is born.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// It runs the plan in the memory it was cloned with.
    InProcess,
    /// It executes mydocker anew, which runs the plan.
    ReExec,
}

impl Mode {
    fn name(self) -> &'static [u8] {
        match self {
            Self::InProcess => b"in-process",
            Self::ReExec => b"re-exec",
        }
    }
}

/// What a pipe holds at least (of a user who has many; pipe(7)).
const SMALLEST_PIPE: usize = 4096;

/// What a launch needs.
pub struct Launch<'a> {
    pub plan: &'a InitPlan,
    pub namespaces: Namespaces,
    pub choice: LaunchChoice,
    /// The kernel's version, see [`kernel::version`](crate::sys::kernel::version).
    pub kernel: (u32, u32),
    /// What becomes 0, 1 and 2, where the plan puts something there.
    pub streams: [Option<BorrowedFd<'a>>; 3],
    /// The container's end of its terminal, if the plan uses it.
    pub terminal: Option<BorrowedFd<'a>>,
    /// The pool, if the plan uses one.
    pub pool: Option<BorrowedFd<'a>>,
    /// The directory of the cgroup (v2) that the child is to be born in.
    pub cgroup: Option<BorrowedFd<'a>>,
    /// The files by which the plan joins others, by slot.
    pub joins: &'a [BorrowedFd<'static>],
    /// The ids that are mapped from outside, if the plan waits for that.
    pub ids: Option<&'a Ids>,
    /// Mounts that the plan has handed in, by slot.
    pub handed: &'a [BorrowedFd<'static>],
    /// Where the child's times go: a place for each moment if the plan is timed, else none.
    pub moments: &'a [Cell<u64>],
    pub log: &'a Log,
}

/// A container whose command is running. It has not been waited for, so its pid is its own.
#[derive(Clone, Copy, Debug)]
pub struct Container {
    pub pid: Pid,
    /// It has the command as its child. Else it is the command, as PID 1 of a PID namespace: the kernel spares it the
    /// signals that it has no handler for. (A reaper waits for them all.)
    pub has_reaper: bool,
    /// If it is a keeper, which ends what it keeps when it is told to ([`crate::sys::reaper::END`]): who does so if it
    /// cannot.
    pub successor: Option<Successor>,
}

/// A child that was born, and what it has reported.
struct Born {
    pid: Pid,
    mode: Mode,
    /// What the container goes without.
    lacks: Lacks,
    reported: Result<(), Failure>,
}

/// Why there is no child.
enum Unborn {
    /// This way of cloning is refused. Another may be had.
    Refused(Error),
    /// Something else has failed, which another way would meet again.
    Failed(Error),
}

impl From<Error> for Unborn {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl From<Unborn> for Error {
    fn from(unborn: Unborn) -> Self {
        match unborn {
            Unborn::Refused(error) | Unborn::Failed(error) => error,
        }
    }
}

impl Launch<'_> {
    /// Starts the container and waits until its command is running.
    ///
    /// Errors: whatever failed, on this side or in the child, which is gone by then.
    pub fn start(&self) -> Result<Container, Error> {
        let successor = match self.plan.reaper {
            Some(Reaper::Keeper) => Some(Successor::new()?),
            _ => None,
        };
        let Born {
            pid,
            mode,
            lacks,
            reported,
        } = self.clone()?;
        for (lack, why) in Lack::ALL.into_iter().zip(lacks) {
            if let Some(why) = why {
                say_without(lack, why, self.log);
            }
        }
        match reported {
            Ok(()) => {
                self.log.write(
                    Level::Info,
                    b"init come on",
                    &[
                        ("launch", Value::Text(mode.name())),
                        ("pid", Value::Number(i64::from(pid))),
                    ],
                );
                Ok(Container {
                    pid,
                    has_reaper: self.plan.reaper.is_some(),
                    successor,
                })
            }
            Err(failure) => {
                // Gone it should be, or going. But what cannot be understood must not run on, with no
                // one to watch it.
                let _ = process::kill(pid, libc::SIGKILL);
                let ended = process::wait(Some(pid), Patience::Wait)
                    .map_err(|errno| Error::new("wait for", "the container", errno))?;
                // A keeper may have started the command's process by then.
                successor.map(Successor::end_all);
                Err(failure.explained(ended.map(|(_, ended)| ended)))
            }
        }
    }

    fn clone(&self) -> Result<Born, Error> {
        match self.choice {
            LaunchChoice::InProcess => Ok(self.clone_as(Mode::InProcess)?),
            LaunchChoice::ReExec => Ok(self.clone_as(Mode::ReExec)?),
            LaunchChoice::Auto => self
                .clone_as(Mode::InProcess)
                .or_else(|unborn| match unborn {
                    Unborn::Refused(error) => self.fall_back(error),
                    Unborn::Failed(error) => Err(error),
                }),
        }
    }

    /// Some places (filters, emulators) refuse a clone that shares memory and allow one that does
    /// not. If they refuse that one too, sharing was not the reason.
    #[cold]
    #[inline(never)]
    fn fall_back(&self, error: Error) -> Result<Born, Error> {
        if error.errno().is_some_and(retry::is_limit) {
            return Err(error);
        }
        let born = match self.clone_as(Mode::ReExec) {
            Ok(born) => born,
            Err(Unborn::Refused(_)) => return Err(error),
            Err(Unborn::Failed(another)) => return Err(another),
        };
        let errno = error.errno().and_then(|errno| errno.name());
        self.log.write(
            Level::Warn,
            b"launched by re-exec: the in-process clone cannot be had here",
            &[("errno", Value::Text(errno.unwrap_or("unknown").as_bytes()))],
        );
        Ok(born)
    }

    fn clone_as(&self, mode: Mode) -> Result<Born, Unborn> {
        match (mode, self.plan.reaper) {
            // The command's process alone, in our memory until its execve.
            (Mode::InProcess, None)
                if self.ids.is_none() && life::is_told_of_every_end(self.kernel) =>
            {
                self.clone_in_memory()
            }
            _ => self.clone_with_pipe(mode),
        }
    }

    /// The child leaves its reports in our memory, where we find them when we wake: it has executed
    /// the command then, or is gone.
    fn clone_in_memory(&self) -> Result<Born, Unborn> {
        // Where that is refused memory cannot be shared.
        life::announce_end()
            .map_err(|errno| Unborn::Refused(Error::new("set_tid_address", "", errno)))?;
        let (answer, lacks) = (Cell::new(None), Cell::new(Lacks::default()));
        let channel = Channel::Memory {
            answer: &answer,
            lacks: &lacks,
            moments: self.moments,
        };
        let birth = in_process::Birth::new(self, channel, None, None);
        let pid = self.with_retries(|flags| birth.clone(flags, Memory::Shared))?;
        Ok(Born {
            pid,
            mode: Mode::InProcess,
            lacks: lacks.get(),
            reported: reports::meaning(self.plan, answer.get()),
        })
    }

    #[cold]
    #[inline(never)]
    fn clone_with_pipe(&self, mode: Mode) -> Result<Born, Unborn> {
        let (reader, writer) =
            descriptor::pipe().map_err(|errno| Error::new("pipe", "for reports", errno))?;
        let channel = Channel::Pipe {
            writer: numbered(writer.as_fd()),
            reader: Some(numbered(reader.as_fd())),
            timed: self.plan.timed,
        };
        let gate = match self.ids {
            None => None,
            Some(_) => Some(
                descriptor::pipe().map_err(|errno| Error::new("pipe", "for the gate", errno))?,
            ),
        };
        let childs_gate = gate.as_ref().map(|(reader, writer)| Gate {
            reader: numbered(reader.as_fd()),
            writer: numbered(writer.as_fd()),
        });
        let reaper = reaper::program(self.plan)?;
        let reaper = reaper.as_ref().map(AsFd::as_fd);
        let pid = match mode {
            Mode::InProcess => {
                let birth = in_process::Birth::new(self, channel, childs_gate, reaper);
                self.with_retries(|flags| birth.clone(flags, self.memory()))
            }
            Mode::ReExec => {
                let birth =
                    re_exec::Birth::new(self, channel, writer.as_fd(), childs_gate, reaper)?;
                self.with_retries(|flags| birth.clone(flags))
            }
        }?;
        if let (Some(ids), Some((_, gate))) = (self.ids, &gate) {
            if let Err(error) = identities::map(pid, ids).and_then(|()| identities::open(gate)) {
                // It waits; or it did not get that far, and has said why.
                let _ = process::kill(pid, libc::SIGKILL);
                let _ = process::wait(Some(pid), Patience::Wait);
                drop(writer);
                return match reports::read(self.plan, reader.as_fd(), None, &mut |_| {}) {
                    Err(Failure::Said(said)) => Err(said.into()),
                    _ => Err(error.into()),
                };
            }
        }
        drop(gate);
        // Ours closed, the pipe ends when the child's do: at execve, or when it leaves.
        drop(writer);
        let mut lacks = Lacks::default();
        let keeper = self.is_kept().then_some(pid);
        let reported = reports::read(
            self.plan,
            reader.as_fd(),
            keeper,
            &mut |aside| match aside {
                Aside::Time(moment, time) => {
                    if let Some(place) = self.moments.get(moment.index()) {
                        place.set(time);
                    }
                }
                Aside::Without(lack, why) => {
                    if let Some(place) = lacks.get_mut(lack.index()) {
                        *place = Some(why);
                    }
                }
            },
        );
        Ok(Born {
            pid,
            mode,
            lacks,
            reported,
        })
    }

    /// Whose memory the first process runs in until its execve, of the command or of its reaper's program. (Re-exec is
    /// for where memory cannot be shared.)
    fn memory(&self) -> Memory {
        let waits_for_us = self.ids.is_some();
        // In shared memory no one reads meanwhile what it says.
        let says = match self.plan.timed {
            true => Moment::count(self.plan.steps().count()) * report::SIZE,
            false => 0,
        };
        if waits_for_us || says > SMALLEST_PIPE {
            Memory::Copied
        } else {
            Memory::Shared
        }
    }

    /// Whether the child is a keeper.
    fn is_kept(&self) -> bool {
        self.plan.reaper == Some(Reaper::Keeper)
    }

    /// What the child is given.
    fn descriptors<'c>(
        &'c self,
        channel: Channel<'c>,
        gate: Option<Gate>,
        reaper: Option<BorrowedFd<'_>>,
    ) -> Descriptors<'c> {
        Descriptors {
            channel,
            gate,
            reaper: reaper.map(numbered),
            reapers_gate: None,
            joins: self.joins,
            handed: self.handed,
            streams: self.streams.map(|file| file.map(numbered)),
            terminal: self.terminal.map(numbered),
            pool: self.pool.map(numbered),
        }
    }

    fn with_retries(
        &self,
        mut clone: impl FnMut(u32) -> Result<Pid, Errno>,
    ) -> Result<Pid, Unborn> {
        let result = retry::with_retries(self.namespaces, self.log, |flags| {
            let born = clone(flags);
            // The child shared our memory until now, if it did.
            allocation::allow();
            born
        });
        result.map_err(|errno| {
            let user_namespace = self.namespaces.contains(Namespace::User);
            let error = Error::new("clone", "into new namespaces", errno);
            Unborn::Refused(error.because(match errno {
                Errno::ENOSPC | Errno::EUSERS => Some(hint::too_many(&self.namespaces.kinds())),
                errno => hint::hint(Doing::Clone { user_namespace }, errno),
            }))
        })
    }
}

/// Tells what a container goes without, which is no reason not to start it.
#[cold]
#[inline(never)]
pub fn say_without(lack: Lack, why: Errno, log: &Log) {
    let name = why.name().unwrap_or("unknown");
    let fields = [("errno", Value::Text(name.as_bytes()))];
    let (level, message) = match lack {
        Lack::Spare => (Level::Info, &b"the pool gave no network namespace"[..]),
        Lack::NameServers => (
            Level::Warn,
            &b"the container has no name servers of the caller's: its /etc/resolv.conf is not there, or a link to \
              nothing, and mydocker makes no files in DIR; make it there, or add --overlay, or a --tmpfs where the \
              link leads"[..],
        ),
    };
    log.write(level, message, &fields);
}

/// A descriptor as the child names it: its table is its own, with the same numbers.
fn numbered(file: BorrowedFd<'_>) -> BorrowedFd<'static> {
    descriptor::borrowed(file.as_raw_fd())
}
