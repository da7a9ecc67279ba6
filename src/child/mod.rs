//! The child's side: walk the plan, then execve.
//!
//! The child rule holds here: between clone and execve nothing allocates, locks, formats, logs,
//! panics or drops. In-process the child runs in its parent's memory on a stack of its own
//! ([`crate::sys::clone`]); it reads what was prepared and makes system calls, and leaves by execve or
//! exit_group. Debug builds abort on an allocation ([`crate::sys::allocation`]), and the lints below
//! are errors.

#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

pub mod candidates;
mod channel;
pub mod clue;
mod entry;
pub mod execute;
pub mod gate;
#[cfg(feature = "oci")]
mod home;
#[cfg(feature = "oci")]
mod hook;
pub mod job;
mod kernel;
mod network;
#[cfg(feature = "oci")]
mod own;
mod reaper;
mod root;
mod steps;

pub use channel::{Channel, Link};

use crate::error::ExitCode;
use crate::plan::{InitPlan, Step};
use crate::report::{Failed, Moment, Report};
use crate::sys::clone::Memory;
use crate::sys::descriptor::ChildDescriptor;
use crate::sys::in_child::InChild;
use crate::sys::{Errno, Pid, allocation, descriptor, process};
use gate::Gates;
use job::Entrance;
use root::RootState;

/// What the parent prepared for the child. Borrowed: nothing is closed by a destructor here.
#[derive(Clone, Copy)]
pub struct Descriptors<'a> {
    pub channel: Channel<'a>,
    /// What becomes 0, 1 and 2, where the plan wants something else there than the caller's.
    pub streams: [Option<ChildDescriptor<'a>>; 3],
    pub terminal: Option<ChildDescriptor<'a>>,
    /// The pool, which has been called and is to answer.
    pub pool: Option<ChildDescriptor<'a>>,
    /// Who makes the network namespace meanwhile, by a pidfd.
    pub network_maker: Option<ChildDescriptor<'a>>,
    pub gates: Gates<'a>,
    /// The program of the reaper.
    pub reaper: Option<ChildDescriptor<'a>>,
    /// Whose memory the command's process has under a reaper, before its execve.
    pub commands_memory: Memory,
    /// The counter by which the reaper tells how the command has ended, if that is to be known.
    pub status: Option<ChildDescriptor<'a>>,
    /// Namespaces that are joined, by slot.
    pub namespaces: &'a [ChildDescriptor<'a>],
    /// The files by which cgroups are joined, by slot.
    pub joins: &'a [ChildDescriptor<'a>],
    /// Mounts that the parent made, by slot.
    pub premounted: &'a [ChildDescriptor<'a>],
    /// The FIFO by which the container is started, if it waits for that.
    pub start: Option<ChildDescriptor<'a>>,
    /// The container's state, which hooks that it runs get.
    pub hook_state: Option<ChildDescriptor<'a>>,
    /// How it gets its job, if it is a box.
    pub entrance: Option<Entrance<'a>>,
}

impl<'a> Descriptors<'a> {
    /// Nothing but a way to report.
    pub const fn none(channel: Channel<'a>) -> Self {
        Self {
            channel,
            streams: [None; 3],
            terminal: None,
            pool: None,
            network_maker: None,
            gates: Gates::NONE,
            reaper: None,
            commands_memory: Memory::Copied,
            status: None,
            namespaces: &[],
            joins: &[],
            premounted: &[],
            start: None,
            hook_state: None,
            entrance: None,
        }
    }
}

/// The first thing after the clone, in either mode.
pub fn begin(child: InChild, descriptors: &Descriptors<'_>) {
    allocation::forbid();
    descriptors.channel.begin(child);
    descriptors.channel.pass(Moment::Born);
}

/// What is done before the first process is born of this one.
#[cold]
#[inline(never)]
pub fn forerun(child: InChild, plan: &InitPlan, descriptors: &Descriptors<'_>) {
    walk(
        plan,
        &plan.forerunner,
        0,
        &RootState::new(child),
        descriptors,
    );
}

/// The first process is born of this one, which has done all that it is for.
#[cold]
#[inline(never)]
pub fn bear(born: Result<Pid, Errno>, descriptors: &Descriptors<'_>) -> ! {
    match born {
        Ok(pid) => {
            descriptors.channel.board.leave_command(pid);
            process::exit(0)
        }
        Err(errno) => fail(Report::Birth(errno), descriptors),
    }
}

/// The steps of the identity, after [`begin`].
pub fn be_born(child: InChild, plan: &InitPlan, descriptors: &Descriptors<'_>) {
    let first = count(&plan.forerunner);
    walk(
        plan,
        &plan.birth,
        first,
        &RootState::new(child),
        descriptors,
    );
}

/// Becomes the container's first process, after [`be_born`]. Never returns to the code that was
/// cloned.
pub fn run(child: InChild, plan: &InitPlan, descriptors: &Descriptors<'_>) -> ! {
    allocation::forbid();
    // What the root's steps hand on to each other; the process's steps have nothing of it.
    let state = RootState::with(child, descriptors.premounted);
    walk(
        plan,
        &plan.container,
        count(&plan.forerunner).saturating_add(count(&plan.birth)),
        &state,
        descriptors,
    );
    match plan.reaper {
        None if plan.enters => entry::bear(child, plan, descriptors),
        None => become_command(child, plan, descriptors),
        Some(reaper) => reaper::run(child, reaper, plan, descriptors),
    }
}

/// Makes this process the command's. PID 1, PID 2 under a reaper, or one more of a container that runs.
fn become_command(child: InChild, plan: &InitPlan, descriptors: &Descriptors<'_>) -> ! {
    let before = [&plan.forerunner, &plan.birth, &plan.container];
    let first = before
        .into_iter()
        .fold(0u32, |first, steps| first.saturating_add(count(steps)));
    walk(
        plan,
        &plan.process,
        first,
        &RootState::new(child),
        descriptors,
    );
    match &descriptors.entrance {
        None => execute::run(&plan.command, descriptors),
        Some(entrance) => job::run(child, entrance, descriptors),
    }
}

fn count(steps: &[Step]) -> u32 {
    u32::try_from(steps.len()).unwrap_or(u32::MAX)
}

/// Does every step, in order. The first one that fails ends the start.
fn walk(
    plan: &InitPlan,
    steps: &[Step],
    first: u32,
    state: &RootState,
    descriptors: &Descriptors<'_>,
) {
    for (number, step) in (first..).zip(steps) {
        if let Err(Failed { part, errno }) = steps::perform(step, plan, state, descriptors) {
            fail(Report::Step(number, part, errno), descriptors);
        }
        descriptors.channel.pass(Moment::Done(number));
    }
}

/// Says why and leaves. The exit code matters to no one: the parent has the report.
pub fn fail(report: Report, descriptors: &Descriptors<'_>) -> ! {
    descriptors.channel.board.leave(report);
    if let Some(start) = descriptors.start {
        // For who has started the container: no one may look at the board any more.
        let _ = descriptor::write(start.as_fd(), &report.to_bytes());
    }
    process::exit(i32::from(ExitCode::OWN_FAILURE.0))
}
