//! From the plan to a running command: clone, and the child's reports.

mod bounded;
pub mod id_maps;
mod in_process;
pub mod keeper;
pub mod re_exec;
mod reaper;
mod reports;
mod retry;

use crate::child::{Channel, Descriptors, Gate, Link};
use crate::error::Error;
use crate::field::Field;
use crate::hint::{self, Doing};
use crate::log::{Level, Log, Value};
use crate::plan::{InitPlan, Reaper};
use crate::report::{Board, Lack, Lacks};
use crate::spec::{Ids, LaunchChoice, Namespace, Namespaces};
use crate::sys::clone::{Memory, NewNamespaces};
use crate::sys::descriptor::ChildDescriptor;
use crate::sys::shared_memory::SharedMemory;
use crate::sys::signal::SignalSet;
use crate::sys::{Errno, Pid, allocation, descriptor, parent_watch};
use keeper::Successor;
use reports::{Failure, Limits};
pub use reports::{ended_by_filter, not_executed, not_spawned};
use std::cell::Cell;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

/// How the first process is born.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// The child runs the plan in the memory it was cloned with.
    InProcess,
    /// The child executes mydocker anew, which runs the plan.
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
    /// The counter by which a reaper tells how the command has ended, if the plan says that it does.
    pub status: Option<BorrowedFd<'a>>,
    /// The directory of the cgroup (v2) that the child is to be born in.
    pub cgroup: Option<BorrowedFd<'a>>,
    /// The files by which the plan joins others, by slot.
    pub joins: &'a [ChildDescriptor<'a>],
    /// The ids that are mapped from outside, if the plan waits for that.
    pub ids: Option<&'a Ids>,
    /// Mounts that the plan has handed in, by slot.
    pub premounted: &'a [ChildDescriptor<'a>],
    /// Where the child's times go: a place for each moment if the plan is timed, else none.
    pub moments: &'a [Cell<u64>],
    /// How long the container may take to start and run, if there is an end to it.
    pub timeout: Option<Duration>,
    /// The signals that end a start, as far as we are awake meanwhile. They are blocked.
    pub ending: SignalSet,
    pub log: &'a Log,
}

/// A container whose command is running. It has not been waited for, so its pid is its own.
#[derive(Clone, Copy, Debug)]
pub struct Container {
    pub pid: Pid,
    /// Whether the process has the command as its child. Else it is the command, as PID 1 of a PID namespace: the kernel spares it the
    /// signals that it has no handler for. (A reaper waits for them all.)
    pub has_reaper: bool,
    /// If it is a keeper, which ends what it keeps when it is told to ([`crate::sys::reaper::END`]): who does so if it
    /// cannot.
    pub successor: Option<Successor>,
    /// When it is to end, if it has not ended by then.
    pub deadline: Option<Instant>,
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
        // A time that is too far away for a clock never comes.
        let deadline = self
            .timeout
            .and_then(|timeout| Instant::now().checked_add(timeout));
        let Born {
            pid,
            mode,
            lacks,
            reported,
        } = self.clone(deadline)?;
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
                    deadline,
                })
            }
            Err(failure) => {
                // Gone it should be, or going. But what cannot be understood must not run on, with no
                // one to watch it.
                let ended = match failure {
                    // By itself, so that its end tells why: under a reaper that of the command's process does.
                    Failure::Silent => bounded::wait_a_moment(pid),
                    Failure::Said(_) => Ok(None),
                };
                let ended = ended
                    .and_then(|ended| match ended {
                        None => bounded::end(pid, deadline),
                        ended => Ok(ended),
                    })
                    .map_err(|errno| Error::new("wait for", "the container", errno))?;
                // A keeper may have started the command's process by then.
                successor.map(Successor::end_all);
                Err(failure.explained(ended))
            }
        }
    }

    fn clone(&self, deadline: Option<Instant>) -> Result<Born, Error> {
        match self.choice {
            LaunchChoice::InProcess => Ok(self.clone_as(Mode::InProcess, deadline)?),
            LaunchChoice::ReExec => Ok(self.clone_as(Mode::ReExec, deadline)?),
            LaunchChoice::Auto => {
                self.clone_as(Mode::InProcess, deadline)
                    .or_else(|unborn| match unborn {
                        Unborn::Refused(error) => self.fall_back(error, deadline),
                        Unborn::Failed(error) => Err(error),
                    })
            }
        }
    }

    /// Some places (filters, emulators) refuse a clone that shares memory and allow one that does
    /// not. If they refuse that one too, sharing was not the reason.
    #[cold]
    #[inline(never)]
    fn fall_back(&self, error: Error, deadline: Option<Instant>) -> Result<Born, Error> {
        if error.errno().is_some_and(retry::is_limit) {
            return Err(error);
        }
        let born = match self.clone_as(Mode::ReExec, deadline) {
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

    fn clone_as(&self, mode: Mode, deadline: Option<Instant>) -> Result<Born, Unborn> {
        match self.memory(mode) {
            // The command's process alone, in our memory until its execve.
            Memory::Shared
                if self.plan.reaper.is_none()
                    && parent_watch::is_told_of_every_end(self.kernel) =>
            {
                self.clone_in_memory()
            }
            memory => self.clone_with_pipe(mode, memory, deadline),
        }
    }

    /// Whose memory the first process runs in until its execve, of the command or of its reaper's program. Where it is
    /// ours we sleep, and nothing but SIGKILL wakes us (vfork(2)): not the child that waits for us, not a clock that ends
    /// what is held up. (Re-exec is for where memory cannot be shared.)
    fn memory(&self, mode: Mode) -> Memory {
        let waits_for_us = self.plan.awaits_ids();
        if mode == Mode::ReExec || waits_for_us || self.timeout.is_some() {
            Memory::Copied
        } else {
            Memory::Shared
        }
    }

    /// The child leaves its reports in our memory, where we find them when we wake: it has executed
    /// the command then, or is gone.
    fn clone_in_memory(&self) -> Result<Born, Unborn> {
        // Where that is refused memory cannot be shared.
        parent_watch::announce_end()
            .map_err(|errno| Unborn::Refused(Error::new("set_tid_address", "", errno)))?;
        let words: Vec<AtomicU64> = std::iter::repeat_with(AtomicU64::default)
            .take(Board::size(self.moments.len()))
            .collect();
        let board = Board::new(&words);
        let channel = Channel {
            board,
            link: Link::Memory,
        };
        let birth = in_process::Birth::new(self, channel, None, None);
        let pid = self.with_retries(|flags| birth.clone(flags, Memory::Shared))?;
        Ok(self.born(pid, Mode::InProcess, board, Ok(())))
    }

    #[cold]
    #[inline(never)]
    fn clone_with_pipe(
        &self,
        mode: Mode,
        memory: Memory,
        deadline: Option<Instant>,
    ) -> Result<Born, Unborn> {
        let (reader, writer) =
            descriptor::pipe().map_err(|errno| Error::new("pipe", "for reports", errno))?;
        let size = Board::size(self.moments.len());
        let failed = |errno| Error::new("make memory for", "reports", errno);
        let (shared, file) = match mode {
            Mode::InProcess => (SharedMemory::new(size).map_err(failed)?, None),
            Mode::ReExec => {
                let made = SharedMemory::with_file(c"mydocker reports", size);
                made.map(|(shared, file)| (shared, Some(file)))
                    .map_err(failed)?
            }
        };
        let board = Board::new(shared.words());
        let channel = Channel {
            board,
            link: Link::Pipe {
                writer: ChildDescriptor::of(writer.as_fd()),
                reader: Some(ChildDescriptor::of(reader.as_fd())),
            },
        };
        let gate = match self.ids {
            None => None,
            Some(_) => Some(
                descriptor::pipe().map_err(|errno| Error::new("pipe", "for the gate", errno))?,
            ),
        };
        let childs_gate = gate.as_ref().map(|(reader, writer)| Gate {
            reader: ChildDescriptor::of(reader.as_fd()),
            writer: ChildDescriptor::of(writer.as_fd()),
        });
        let reaper = reaper::program(self.plan)?;
        let reaper = reaper.as_ref().map(AsFd::as_fd);
        let pid = match &file {
            None => {
                let birth = in_process::Birth::new(self, channel, childs_gate, reaper);
                self.with_retries(|flags| birth.clone(flags, memory))
            }
            Some(file) => {
                let reports = (writer.as_fd(), file.as_fd());
                let birth = re_exec::Birth::new(self, channel, reports, childs_gate, reaper)?;
                self.with_retries(|flags| birth.clone(flags))
            }
        }?;
        if let (Some(ids), Some((_, gate))) = (self.ids, &gate) {
            let mapped = id_maps::map(pid, ids, deadline);
            if let Err(error) = mapped.and_then(|()| id_maps::open(gate)) {
                // It waits; or it did not get that far, and has said why.
                let _ = bounded::end(pid, deadline);
                return match reports::meaning(self.plan, board) {
                    Err(Failure::Said(said)) => Err(said.into()),
                    _ => Err(error.into()),
                };
            }
        }
        drop(gate);
        // Ours closed, the pipe ends when the child's do: at execve, or when it leaves.
        drop(writer);
        let keeper = self.is_kept().then_some(pid);
        let ended = reports::await_end(
            reader.as_fd(),
            board,
            Limits {
                keeper,
                deadline,
                ending: self.ending,
            },
        );
        Ok(self.born(pid, mode, board, ended))
    }

    /// What a child has left on the board, which has executed something or is gone.
    fn born(&self, pid: Pid, mode: Mode, board: Board<'_>, ended: Result<(), Failure>) -> Born {
        for (place, time) in self.moments.iter().zip(board.times()) {
            place.set(time);
        }
        Born {
            pid,
            mode,
            lacks: board.lacks(),
            reported: ended.and_then(|()| reports::meaning(self.plan, board)),
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
        gate: Option<Gate<'c>>,
        reaper: Option<BorrowedFd<'c>>,
    ) -> Descriptors<'c> {
        Descriptors {
            channel,
            gate,
            reaper: reaper.map(ChildDescriptor::of),
            reapers_gate: None,
            joins: self.joins,
            premounted: self.premounted,
            streams: self.streams.map(|file| file.map(ChildDescriptor::of)),
            terminal: self.terminal.map(ChildDescriptor::of),
            pool: self.pool.map(ChildDescriptor::of),
            status: self.status.map(ChildDescriptor::of),
        }
    }

    fn with_retries(
        &self,
        mut clone: impl FnMut(NewNamespaces) -> Result<Pid, Errno>,
    ) -> Result<Pid, Unborn> {
        let result = retry::with_retries(self.namespaces, self.log, |flags| {
            let born = clone(flags);
            // The child shared our memory until now, if it did.
            allocation::allow();
            born
        });
        result.map_err(|errno| Unborn::Refused(not_cloned(self.namespaces, errno)))
    }
}

/// The clone into these namespaces has failed.
#[cold]
#[inline(never)]
pub fn not_cloned(namespaces: Namespaces, errno: Errno) -> Error {
    let user_namespace = namespaces.contains(Namespace::User);
    let error = Error::new("clone", "into new namespaces", errno);
    error.because(match errno {
        Errno::ENOSPC | Errno::EUSERS => Some(hint::too_many(&namespaces.kinds())),
        errno => hint::hint(Doing::Clone { user_namespace }, errno),
    })
}

/// Tells what a container goes without, which is no reason not to start it.
#[cold]
#[inline(never)]
pub fn say_without(lack: Lack, why: Errno, log: &Log) {
    let name = why.name().unwrap_or("unknown");
    let fields = [("errno", Value::Text(name.as_bytes()))];
    let (level, message) = match lack {
        Lack::Spare => (
            Level::Info,
            "the pool gave no network namespace".to_owned(),
        ),
        Lack::NameServers => (
            Level::Warn,
            Field::RootDirectory.between(
                "the container has no name servers of the caller's: its /etc/resolv.conf is not there, or a link to \
                 nothing; make it in ",
                "",
            ) + &Field::Overlay.between(", or add ", ", or a ")
                + &Field::Tmpfs.between("", " where the link leads"),
        ),
    };
    log.write(level, message.as_bytes(), &fields);
}
