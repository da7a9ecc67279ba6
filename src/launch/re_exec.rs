//! The other way: the child executes mydocker anew as `mydocker init`, which decodes the plan and
//! walks it. Slower by one execve; for parity, and for where memory cannot be shared.
//!
//! Parent and init agree on descriptor numbers and on nothing else. The plan lies in a sealed
//! memory file: argv and the environment would show it to everyone who can read /proc.

use super::{FIRST_PRIVATE, Launch};
use crate::child::gate::{GatePipe, Gates};
use crate::child::{self, Channel, Descriptors, Link};
use crate::error::Error;
use crate::plan::{Gate, InitPlan, Step, wire};
use crate::report::{Board, Moment, Report};
use crate::sys::descriptor::ChildDescriptor;
use crate::sys::in_child::InChild;
use crate::sys::process::{self, StringArray};
use crate::sys::shared_memory::{self, SharedMemory};
use crate::sys::{Errno, descriptor, memfd};
use std::ffi::{CString, OsString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd, RawFd};

// The numbers, from the first that the command does not inherit.
const PLAN: RawFd = 0;
/// The memory that reports are left in, and the pipe that ends with us.
const BOARD: RawFd = 1;
const LINK: RawFd = 2;
const STREAMS: [RawFd; 3] = [3, 4, 5];
const TERMINAL: RawFd = 6;
/// Where the network comes from: the pool, or who makes it.
const NETWORK: RawFd = 7;
const REAPER: RawFd = 8;
const STATUS: RawFd = 9;
/// What is entered after the execve, by slot: a mount namespace that is joined, or a container's process and its root.
const ENTERED: [RawFd; 2] = [10, 11];
/// The first of the mounts that are handed in.
const HANDED: RawFd = 12;

/// The originals are moved above the numbers agreed on, or putting one in its place could close
/// another. No higher than need be: the limit of open files may be low.
fn clear(plan: &InitPlan) -> RawFd {
    hook_state(plan).saturating_add(plan.runs_hooks().into())
}

/// The state for hooks that are run after the execve.
fn hook_state(plan: &InitPlan) -> RawFd {
    let gates = AWAITED.into_iter().filter(|gate| plan.awaits(*gate));
    first_gate(plan).saturating_add(RawFd::try_from(2 * gates.count()).unwrap_or_default())
}

/// The first of the files by which cgroups are joined after the execve.
fn first_join(plan: &InitPlan) -> RawFd {
    HANDED.saturating_add(plan.premounted.into())
}

/// The first of those of the gates that are passed after the execve.
fn first_gate(plan: &InitPlan) -> RawFd {
    first_join(plan).saturating_add(RawFd::try_from(joined_later(plan)).unwrap_or_default())
}

/// Gates that may be awaited after the execve. A pipe has two ends, and a FIFO one.
const AWAITED: [Gate; 4] = [Gate::Runtime, Gate::Recorded, Gate::Listener, Gate::Start];

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
        (reaper, network_maker): (Option<BorrowedFd<'_>>, Option<BorrowedFd<'_>>),
        gates: Gates<'_>,
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
            (launch.pool.or(network_maker), NETWORK),
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
        let start = launch.engine.and_then(|engine| engine.start);
        let awaited = AWAITED
            .into_iter()
            .filter(|gate| launch.plan.awaits(*gate))
            .flat_map(|gate| match gate {
                Gate::Start => [start, None],
                _ => gates.ends_of(gate).map_or([None; 2], |ends| ends.map(Some)),
            })
            .zip(first_gate(launch.plan)..);
        let state = launch.engine.and_then(|engine| engine.hook_state);
        let state = launch
            .plan
            .runs_hooks()
            .then_some((state, hook_state(launch.plan)));
        let first = launch.first_private();
        let clear = clear(launch.plan).saturating_add(first);
        let mut placements = Vec::with_capacity(files.len());
        for (file, number) in files
            .into_iter()
            .chain(entered)
            .chain(streams)
            .chain(premounted)
            .chain(joins)
            .chain(awaited)
            .chain(state)
        {
            let number = number.saturating_add(first);
            if let Some(file) = file {
                let moved = descriptor::duplicate_above(file, clear);
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
        let mut arguments = vec![c"mydocker".into(), c"init".into()];
        if first != FIRST_PRIVATE {
            arguments.extend(CString::new(first.to_string()));
        }
        Ok(Self {
            placements,
            arguments: StringArray::new(arguments),
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
pub fn enter(arguments: &[OsString]) -> Error {
    let first = arguments.get(2).and_then(|number| number.to_str());
    let first = first.map_or(Some(FIRST_PRIVATE), |number| number.parse().ok());
    let in_child = first.and_then(|first: RawFd| {
        let child = memfd::in_executed_child(PLAN.checked_add(first)?)?;
        Some((first, child))
    });
    let Some((first, child)) = in_child else {
        return Error::refused(
            "init",
            "it is the entry for mydocker's own child; do not call it by hand",
        );
    };
    let numbered = |number: RawFd| ChildDescriptor::numbered(number.saturating_add(first), child);
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
        Ok(plan) => go_on((child, first), &plan, channel),
        Err(errno) => child::fail(Report::Plan(errno), &Descriptors::none(channel)),
    }
}

/// With what the parent has placed, and no more: other numbers may be the caller's descriptors.
fn go_on((child, first): (InChild, RawFd), plan: &InitPlan, channel: Channel<'_>) -> ! {
    let numbered = |number: RawFd| ChildDescriptor::numbered(number.saturating_add(first), child);
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
    let mut gates = Gates::NONE;
    let mut start = None;
    let awaited = AWAITED.into_iter().filter(|gate| plan.awaits(*gate));
    for (gate, number) in awaited.zip((first_gate(plan)..).step_by(2)) {
        match gate {
            Gate::Start => start = closes_on_exec(numbered(number)),
            _ => {
                gates = gates.with(
                    gate,
                    GatePipe::placed(numbered(number), numbered(number + 1)),
                )
            }
        }
    }
    let descriptors = Descriptors {
        gates,
        start,
        streams,
        terminal: plan.needs_terminal().then(|| numbered(TERMINAL)),
        pool: plan.needs_pool().then(|| numbered(NETWORK)),
        network_maker: plan.has_network_beside().then(|| numbered(NETWORK)),
        reaper: plan.reaper.map(|_| numbered(REAPER)),
        status: plan.tells_status.then(|| numbered(STATUS)),
        namespaces: &namespaces,
        joins: &joins,
        premounted: &premounted,
        hook_state: plan
            .runs_hooks()
            .then(|| numbered(hook_state(plan)))
            .and_then(closes_on_exec),
        ..Descriptors::none(channel)
    };
    child::run(child, plan, &descriptors)
}

/// It came here by execve, and is to go no further.
fn closes_on_exec(file: ChildDescriptor<'_>) -> Option<ChildDescriptor<'_>> {
    let set = descriptor::close_on_exec(file.as_fd());
    set.ok().map(|()| file)
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
