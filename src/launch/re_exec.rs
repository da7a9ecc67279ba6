//! The other way: the child executes mydocker anew as `mydocker init`, which decodes the plan and
//! walks it. Slower by one execve; for parity, and for where memory cannot be shared.
//!
//! Parent and init agree on descriptor numbers and on nothing else. The plan lies in a sealed
//! memory file: argv and the environment would show it to everyone who can read /proc.

use super::Launch;
use crate::child::{self, Channel, Descriptors, Link};
use crate::error::Error;
use crate::plan::{InitPlan, Step, wire};
use crate::report::{Board, Moment, Report};
use crate::sys::descriptor::ChildDescriptor;
use crate::sys::in_child::InChild;
use crate::sys::process::{self, StringArray};
use crate::sys::shared_memory::{self, SharedMemory};
use crate::sys::{Errno, descriptor, memfd};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd, RawFd};

const PLAN: RawFd = 3;
/// The memory that reports are left in, and the pipe that ends with us.
const BOARD: RawFd = 4;
const LINK: RawFd = 5;
const STREAMS: [RawFd; 3] = [6, 7, 8];
const TERMINAL: RawFd = 9;
const POOL: RawFd = 10;
const REAPER: RawFd = 11;
const STATUS: RawFd = 12;
/// What is entered after the execve, by slot: a mount namespace that is joined, or a container's process and its root.
const ENTERED: [RawFd; 2] = [13, 14];
/// The first of the mounts that are handed in.
const HANDED: RawFd = 15;

/// The originals are moved above the numbers agreed on, or putting one in its place could close
/// another. No higher than need be: the limit of open files may be low.
fn clear(plan: &InitPlan) -> RawFd {
    first_join(plan).saturating_add(RawFd::try_from(joined_later(plan)).unwrap_or_default())
}

/// The first of the files by which cgroups are joined after the execve.
fn first_join(plan: &InitPlan) -> RawFd {
    HANDED.saturating_add(plan.premounted.into())
}

/// How many those are: a keeper's command joins.
fn joined_later(plan: &InitPlan) -> usize {
    let steps = plan.process.iter();
    steps
        .filter(|step| matches!(step, Step::JoinCgroup { .. }))
        .count()
}

/// A descriptor and the number that init expects it under.
type Placement = (OwnedFd, RawFd);

/// How a child executes mydocker anew.
pub struct Again {
    placements: Vec<Placement>,
    arguments: StringArray,
    environment: StringArray,
}

impl Again {
    /// `reports` are the channel's: its end of the pipe, and the file of its board.
    pub fn new(
        launch: &Launch<'_>,
        reports: (BorrowedFd<'_>, BorrowedFd<'_>),
        reaper: Option<BorrowedFd<'_>>,
    ) -> Result<Self, Error> {
        let plan = memfd::sealed(c"mydocker plan", &wire::encode(launch.plan))
            .map_err(|errno| Error::new("make a memory file for", "the plan", errno))?;
        let slots = launch.plan.entered_later();
        let entered = slots.map(|slot| launch.joined.get(usize::from(slot)));
        let entered = entered
            .map(|file| file.map(|file| file.as_fd()))
            .zip(ENTERED);
        let files = [
            (Some(reports.0), LINK),
            (Some(reports.1), BOARD),
            (Some(plan.as_fd()), PLAN),
            (launch.terminal, TERMINAL),
            (launch.pool, POOL),
            (reaper, REAPER),
            (launch.status, STATUS),
        ];
        let streams = launch.streams.into_iter().zip(STREAMS);
        let premounted = launch
            .premounted
            .iter()
            .map(|mount| Some(mount.as_fd()))
            .zip(HANDED..);
        let joins = launch
            .joins
            .iter()
            .map(|file| Some(file.as_fd()))
            .zip(first_join(launch.plan)..);
        let joins = joins.take(joined_later(launch.plan));
        let mut placements = Vec::with_capacity(files.len());
        for (file, number) in files
            .into_iter()
            .chain(entered)
            .chain(streams)
            .chain(premounted)
            .chain(joins)
        {
            if let Some(file) = file {
                let moved = descriptor::duplicate_above(file, clear(launch.plan));
                let moved = moved.map_err(|errno| {
                    // EINVAL is what fcntl(2) says of a number above the limit.
                    let few = matches!(errno, Errno::EINVAL | Errno::EMFILE);
                    Error::new("duplicate", format!("descriptor for {number}"), errno).hint(
                        few.then_some(
                            "re-exec takes more open files than this process may have (ulimit -n)",
                        ),
                    )
                })?;
                placements.push((moved, number));
            }
        }
        Ok(Self {
            placements,
            arguments: StringArray::new(vec![c"mydocker".into(), c"init".into()]),
            // Nothing of the caller's environment is init's business.
            environment: StringArray::new(Vec::new()),
        })
    }

    /// Puts the descriptors in their places and executes mydocker. The child rule holds.
    pub fn execute(&self, child: InChild, descriptors: &Descriptors<'_>) -> ! {
        for (file, number) in &self.placements {
            if let Err(errno) = descriptor::duplicate_to(file.as_fd(), *number, child) {
                child::fail(Report::ReExecute(errno), descriptors);
            }
        }
        let errno = process::execve(c"/proc/self/exe", &self.arguments, &self.environment);
        child::fail(Report::ReExecute(errno), descriptors)
    }
}

/// `mydocker init`: reads the plan and becomes the container's first process.
///
/// Returns only if this is not the child of `mydocker run`.
#[cold]
#[inline(never)]
pub fn enter() -> Error {
    let Some(child) = memfd::in_executed_child(PLAN) else {
        return Error::refused(
            "init",
            "it is the entry for mydocker's own child; do not call it by hand",
        );
    };
    let numbered = |number| ChildDescriptor::numbered(number, child);
    // execve named us after /proc/self/exe; a reaper stays, and is to be known by its own name.
    process::set_name(c"mydocker");
    let board = numbered(BOARD);
    let words = match SharedMemory::of(board.as_fd()) {
        Ok(memory) => shared_memory::kept(memory),
        // There is nowhere to leave a report.
        Err(errno) => return Error::new("map", "the memory for reports", errno),
    };
    board.close(child);
    let decoded = stay_with_parent(numbered(LINK))
        .and_then(|()| read_all(numbered(PLAN).as_fd()))
        .and_then(|bytes| wire::decode(&bytes).map_err(|wire::Malformed| Errno::EBADMSG));
    let channel = Channel {
        board: Board::new(words),
        link: Link::Pipe {
            writer: numbered(LINK),
            // It was closed before, or by the execve that brought us here.
            reader: None,
        },
    };
    match decoded {
        Ok(plan) => go_on(child, &plan, channel),
        Err(errno) => child::fail(Report::Plan(errno), &Descriptors::none(channel)),
    }
}

/// With what the parent has placed, and no more: other numbers may be the caller's descriptors.
fn go_on(child: InChild, plan: &InitPlan, channel: Channel<'_>) -> ! {
    let numbered = |number| ChildDescriptor::numbered(number, child);
    let from = |first: RawFd, count: usize| -> Vec<ChildDescriptor<'_>> {
        (first..).take(count).map(numbered).collect()
    };
    let premounted = from(HANDED, plan.premounted.into());
    let joins = from(first_join(plan), joined_later(plan));
    // The others were joined before the execve; they keep their slots.
    let mut namespaces = Vec::new();
    for (slot, number) in plan.entered_later().map(usize::from).zip(ENTERED) {
        namespaces.resize(namespaces.len().max(slot + 1), numbered(number));
        namespaces[slot] = numbered(number);
    }
    channel.pass(Moment::Entered);
    let mut streams = [None; 3];
    for ((file, number), wanted) in streams.iter_mut().zip(STREAMS).zip(plan.prepared_streams()) {
        *file = wanted.map(|_| numbered(number));
    }
    let descriptors = Descriptors {
        streams,
        terminal: plan.needs_terminal().then(|| numbered(TERMINAL)),
        pool: plan.needs_pool().then(|| numbered(POOL)),
        reaper: plan.reaper.map(|_| numbered(REAPER)),
        status: plan.tells_status.then(|| numbered(STATUS)),
        namespaces: &namespaces,
        joins: &joins,
        premounted: &premounted,
        // The gates that mydocker opens were passed before the execve.
        ..Descriptors::none(channel)
    };
    child::run(child, plan, &descriptors)
}

/// The pipe came here by execve, and tells of the command's by its end; and where a security module has something to
/// say about an execve, it takes the death signal away (`bprm_committed_creds`).
fn stay_with_parent(link: ChildDescriptor<'_>) -> Result<(), Errno> {
    descriptor::close_on_exec(link.as_fd())?;
    process::die_with_parent()
}

/// The whole content of a file that can be read at offsets. The memory file's own offset is at its
/// end, where writing it left it.
fn read_all(file: BorrowedFd<'_>) -> Result<Vec<u8>, Errno> {
    let mut content = Vec::new();
    let mut buffer = [0u8; 4096];
    loop {
        match descriptor::read_at(file, &mut buffer, content.len())? {
            0 => return Ok(content),
            count => content.extend(buffer.iter().take(count)),
        }
    }
}
