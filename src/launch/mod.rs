//! From the plan to a running command: clone, and the child's reports.
//!
//! How the child is born is decided once, from the plan: [`Birth::decide`]. Then, from hand to hand:
//!
//! ```text
//! start ─▶ bear ─▶ bear_in_memory or bear_with_pipe ─▶ clone ─▶ with_retries ─▶ spawn
//!                                                                                 │ the child
//! await_end, born ◀─ execve, or a report ◀─ walk ◀─ begin, run ◀─ Newborn::live ◀─┘
//! ```
//!
//! By re-exec `live` executes mydocker between the two parts of the walk ([`re_exec`]).

mod attend;
mod bounded;
mod container;
mod forerunner;
pub mod id_maps;
pub mod joined;
pub mod keeper;
mod network;
mod newborn;
mod pipe;
pub mod re_exec;
mod reaper;
mod reports;
mod retry;
mod words;

use crate::child::gate::Gates;
use crate::child::job::Entrance;
use crate::child::{Channel, Descriptors, Link};
use crate::error::Error;
use crate::log::{Level, Log, Value};
use crate::plan::{Birth, InitPlan, Reaper};
use crate::report::{Board, Lack, Lacks};
use crate::spec::{Ids, LaunchChoice, Namespaces};
use crate::sys::clone::{self, Memory, NewNamespaces};
use crate::sys::descriptor::ChildDescriptor;
use crate::sys::signal::SignalSet;
use crate::sys::{Pid, allocation, parent_watch};
pub use attend::Attendant;
use attend::Attended;
pub use container::{Container, Role};
use joined::ChildrenElsewhere;
use keeper::Successor;
use newborn::Newborn;
use pipe::Ends;
use reports::{Failure, Limits};
pub use reports::{describe as describe_report, ended_by_filter, not_executed, not_spawned};
use std::cell::Cell;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};
pub use words::{not_cloned, say_without};

/// What follows 0, 1 and 2.
const FIRST_PRIVATE: i32 = 3;

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
    /// The namespaces that are joined, by slot.
    pub joined: &'a [ChildDescriptor<'a>],
    /// The PID namespace that the container is born in, if it is not ours and not a new one.
    pub pid_namespace: Option<BorrowedFd<'a>>,
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
    /// For a container that is an engine's, and that mydocker does not stay with.
    pub engine: Option<ForEngine<'a>>,
    /// How it gets its job, if it is a box.
    pub entrance: Option<Entrance<'a>>,
}

/// What the launch of an engine's container needs besides.
#[derive(Clone, Copy)]
pub struct ForEngine<'a> {
    /// Who does mydocker's part at the gates.
    pub attendant: &'a dyn Attendant,
    /// The FIFO by which the container is started, if it is to wait.
    pub start: Option<BorrowedFd<'a>>,
    /// The container's state, for the hooks that the container runs: a memory file, filled before they are.
    pub hook_state: Option<BorrowedFd<'a>>,
    /// The first number of a descriptor that the command does not inherit: 3, or more.
    pub first_private: u32,
}

/// A child that was born, and what it has reported.
struct Born {
    pid: Pid,
    birth: Birth,
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
        let birth = Birth::decide(self.plan, self.choice, self.timeout.is_some(), self.kernel);
        let born = match self.bear(birth, deadline) {
            Err(Unborn::Refused(error))
                if self.choice == LaunchChoice::Auto && self.plan.may_execute_anew() =>
            {
                self.fall_back(error, deadline)?
            }
            born => born?,
        };
        for (lack, why) in Lack::ALL.into_iter().zip(born.lacks) {
            if let Some(why) = why {
                say_without(lack, why, self.log);
            }
        }
        if let Err(failure) = born.reported {
            return Err(ended(born.pid, failure, successor, deadline));
        }
        if self.entrance.is_some() {
            // A box: nothing runs yet.
            return Ok(self.container(born.pid, successor, deadline));
        }
        let launch = match born.birth {
            Birth::ReExec => &b"re-exec"[..],
            Birth::Shared | Birth::SharedWithPipe(_) | Birth::Copied(_) => b"in-process",
        };
        log_init(launch, born.pid, self.log);
        Ok(self.container(born.pid, successor, deadline))
    }

    fn container(
        &self,
        pid: Pid,
        successor: Option<Successor>,
        deadline: Option<Instant>,
    ) -> Container {
        Container {
            pid,
            role: match self.plan.reaper {
                Some(_) => Role::Reaper,
                None if self.plan.enters => Role::Another,
                None => Role::Command,
            },
            successor,
            deadline,
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
        let born = match self.bear(Birth::ReExec, deadline) {
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

    fn bear(&self, birth: Birth, deadline: Option<Instant>) -> Result<Born, Unborn> {
        match birth {
            Birth::Shared => self.bear_in_memory(),
            Birth::SharedWithPipe(_) => self.bear_with_pipe(birth, Memory::Shared, deadline),
            Birth::Copied(_) | Birth::ReExec => {
                self.bear_with_pipe(birth, Memory::Copied, deadline)
            }
        }
    }

    /// The child leaves its reports in our memory, where we find them when we wake: it has executed
    /// the command then, or is gone.
    fn bear_in_memory(&self) -> Result<Born, Unborn> {
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
        let pid = self.beside(board, |maker, namespaces| {
            let descriptors = self.descriptors(channel, Gates::NONE, None, maker);
            let newborn = Newborn::new(self.plan, descriptors, None, NewNamespaces::NONE);
            self.clone(Memory::Shared, namespaces, &newborn)
        })?;
        Ok(self.born(pid, Birth::Shared, board, Ok(())))
    }

    /// The child's end of a pipe tells how long it lives, and its reports are in memory that we have in common.
    #[cold]
    #[inline(never)]
    fn bear_with_pipe(
        &self,
        birth: Birth,
        memory: Memory,
        deadline: Option<Instant>,
    ) -> Result<Born, Unborn> {
        let (ends, shared) = Ends::new(
            self.plan,
            birth,
            Board::size(self.moments.len()),
            self.engine.is_some(),
        )?;
        let board = Board::new(shared.words());
        self.beside(board, |maker, namespaces| {
            let network = (maker, namespaces);
            self.bear_among((birth, memory), ends, board, network, deadline)
        })
    }

    fn bear_among(
        &self,
        (birth, memory): (Birth, Memory),
        ends: Ends,
        board: Board<'_>,
        (maker, namespaces): (Option<BorrowedFd<'_>>, Namespaces),
        deadline: Option<Instant>,
    ) -> Result<Born, Unborn> {
        let program = reaper::program(self.plan)?;
        let program = program.as_ref().map(AsFd::as_fd);
        let descriptors = self.descriptors(ends.channel(board), ends.gates(), program, maker);
        let again = match &ends.file {
            None => None,
            Some(file) => {
                let reports = (ends.writer.as_fd(), file.as_fd());
                Some(re_exec::Again::new(
                    self,
                    reports,
                    (program, maker),
                    ends.gates(),
                )?)
            }
        };
        let anew = self.namespaces.anew();
        let newborn = Newborn::new(self.plan, descriptors, again.as_ref(), anew);
        let pid = self.clone(memory, namespaces, &newborn)?;
        // The child's ends once more, which it has put in their places.
        drop(again);
        let Ends {
            reader,
            writer,
            file: _,
            ids,
            attended,
        } = ends;
        let pid = match self.plan.forerunner.is_empty() {
            true => pid,
            false => forerunner::first_process(self.plan, pid, board, deadline)?,
        };
        if let (Some(wanted), Some(_)) = (self.ids, &ids)
            && let Err(error) = id_maps::map(pid, wanted, deadline)
                .and_then(|()| {
                    self.engine
                        .map_or(Ok(()), |engine| engine.attendant.prepare(pid))
                })
                .and_then(|()| attend::open(ids.as_ref()))
        {
            // It waits; or it did not get that far, and has said why.
            let _ = bounded::end(pid, deadline);
            return match reports::meaning(self.plan, board) {
                Err(Failure::Said(said)) => Err(said.into()),
                _ => Err(error.into()),
            };
        }
        // Ours closed, the pipes end when the child's do: at execve, or when it leaves.
        drop((ids, writer));
        if let (Some(engine), Some(mut gates)) = (self.engine, attended) {
            let attendant = engine.attendant;
            let attended = attend::attend(self, attendant, pid, &mut gates, reader.as_fd(), board);
            match attended {
                Ok(Attended::Waits(pid)) => {
                    return Ok(Born {
                        pid,
                        birth,
                        lacks: board.lacks(),
                        reported: Ok(()),
                    });
                }
                Ok(Attended::Ended) => {}
                Err(error) => {
                    // What the child says by then is that no one opens its gate.
                    attend::end(pid, board);
                    return Err(error.into());
                }
            }
        }
        let limits = Limits {
            keeper: (self.plan.reaper == Some(Reaper::Keeper)).then_some(pid),
            deadline,
            ending: self.ending,
        };
        let ended = reports::await_end(reader.as_fd(), board, limits);
        let pid = match board.command() {
            None => pid,
            Some(command) if command == pid => pid,
            Some(command) => {
                // The one who has entered has nothing left to do.
                let _ = bounded::end(pid, None);
                command
            }
        };
        Ok(self.born(pid, birth, board, ended))
    }

    fn clone(
        &self,
        memory: Memory,
        namespaces: Namespaces,
        newborn: &Newborn<'_>,
    ) -> Result<Pid, Unborn> {
        // Back again when the child is born: what is started later is none of that namespace's.
        let elsewhere = ChildrenElsewhere::begin(self.pid_namespace)?;
        let wanted = match self.plan.forerunner.is_empty() {
            true => namespaces,
            // The forerunner's to make.
            false => Namespaces::NONE,
        };
        let result = retry::with_retries(wanted, self.log, |namespaces| {
            let born = clone::spawn(namespaces, memory, self.cgroup, Newborn::live, newborn);
            // The child shared our memory until now, if it did.
            allocation::allow();
            born
        });
        let back = elsewhere.map_or(Ok(()), ChildrenElsewhere::end);
        let pid = result.map_err(|errno| Unborn::Refused(not_cloned(namespaces, errno)))?;
        back.map(|()| pid).map_err(|error| {
            // Nothing runs after a step of the start that has failed.
            let _ = bounded::end(pid, None);
            Unborn::Failed(error)
        })
    }

    /// What a child has left on the board, which has executed something or is gone.
    fn born(&self, pid: Pid, birth: Birth, board: Board<'_>, ended: Result<(), Failure>) -> Born {
        for (place, time) in self.moments.iter().zip(board.times()) {
            place.set(time);
        }
        Born {
            pid,
            birth,
            lacks: board.lacks(),
            reported: ended.and_then(|()| reports::meaning(self.plan, board)),
        }
    }

    /// The first number of a descriptor that the command does not inherit.
    fn first_private(&self) -> i32 {
        self.engine.map_or(FIRST_PRIVATE, |engine| {
            i32::try_from(engine.first_private).unwrap_or(i32::MAX)
        })
    }

    /// What the child is given.
    fn descriptors<'c>(
        &'c self,
        channel: Channel<'c>,
        gates: Gates<'c>,
        reaper: Option<BorrowedFd<'c>>,
        network_maker: Option<BorrowedFd<'c>>,
    ) -> Descriptors<'c> {
        Descriptors {
            channel,
            gates,
            reaper: reaper.map(ChildDescriptor::of),
            commands_memory: self.commands_memory(),
            namespaces: self.joined,
            joins: self.joins,
            premounted: self.premounted,
            streams: self.streams.map(|file| file.map(ChildDescriptor::of)),
            terminal: self.terminal.map(ChildDescriptor::of),
            pool: self.pool.map(ChildDescriptor::of),
            network_maker: network_maker.map(ChildDescriptor::of),
            status: self.status.map(ChildDescriptor::of),
            start: self
                .engine
                .and_then(|engine| engine.start)
                .map(ChildDescriptor::of),
            hook_state: self
                .engine
                .and_then(|engine| engine.hook_state)
                .map(ChildDescriptor::of),
            entrance: self.entrance,
        }
    }
}

/// Says by which way the first process of a container has come to be.
pub fn log_init(launch: &[u8], pid: Pid, log: &Log) {
    log.write(
        Level::Info,
        b"init come on",
        &[
            ("launch", Value::Text(launch)),
            ("pid", Value::Number(i64::from(pid))),
        ],
    );
}

/// Ends what is left of a start that has failed.
#[cold]
#[inline(never)]
fn ended(
    pid: Pid,
    failure: Failure,
    successor: Option<Successor>,
    deadline: Option<Instant>,
) -> Error {
    // Gone it should be, or going. But what cannot be understood must not run on, with no
    // one to watch it.
    let ended = match failure {
        // By itself, so that its end tells why: under a reaper that of the command's process does.
        Failure::Silent => bounded::wait_a_moment(pid),
        Failure::Said(_) => Ok(None),
    };
    let ended = ended.and_then(|ended| match ended {
        None => bounded::end(pid, deadline),
        ended => Ok(ended),
    });
    match ended {
        Err(errno) => Error::new("wait for", "the container", errno),
        Ok(ended) => {
            // A keeper may have started the command's process by then.
            successor.map(Successor::end_all);
            failure.explained(ended)
        }
    }
}
