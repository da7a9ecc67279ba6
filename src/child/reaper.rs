//! How the reaper comes about: `--init`'s PID 1, or the keeper of a container in the host's PID namespace. It has the command
//! as its child, hands signals on and reaps orphans.
//!
//! A reaper stays in the container, where every process may look at it. So nothing of mydocker stays in it: it starts the command's
//! process, which waits at a gate, gives up all that it needs no more, and executes a program of one page that lies in
//! a memory file ([`crate::sys::reaper`]). That opens the gate.

use super::gate::GatePipe;
use super::{Descriptors, become_command, fail};
use crate::plan::{Gate, InitPlan, Reaper};
use crate::report::{Moment, Report};
use crate::sys::capability::{self, CapabilitySet};
use crate::sys::clone::{self, Memory, NewNamespaces};
use crate::sys::descriptor::{ChildDescriptor, Undropped};
use crate::sys::in_child::InChild;
use crate::sys::reaper::{self, GATE, PARENT_DIED, PROC, STATUS_COUNTER};
use crate::sys::signal::{self, SignalSet};
use crate::sys::{Errno, Pid, clone_beside, close_range, descriptor, facts, process};
use std::os::fd::{AsRawFd, BorrowedFd};

/// What the command's process needs of its parent, the reaper.
struct CommandsParent<'a> {
    plan: &'a InitPlan,
    descriptors: Descriptors<'a>,
}

/// The inode of proc's own root (PROC_ROOT_INO).
const PROC_ROOT: u64 = 1;

/// What becomes a reaper.
struct Becoming<'a> {
    child: InChild,
    /// Who looks after a keeper.
    parent: Pid,
    luggage: Luggage,
    descriptors: &'a Descriptors<'a>,
}

/// What it takes along.
struct Luggage {
    /// /proc, a keeper's.
    proc: Option<ChildDescriptor<'static>>,
    gate: GatePipe<'static>,
    /// Where to tell how the command has ended.
    status: Option<ChildDescriptor<'static>>,
}

pub fn run(child: InChild, reaper: Reaper, plan: &InitPlan, descriptors: &Descriptors<'_>) -> ! {
    let prepared = prepare((child, reaper), descriptors);
    let becoming = prepared.unwrap_or_else(|errno| fail(Report::Spawn(errno), descriptors));
    let commands = CommandsParent {
        plan,
        descriptors: Descriptors {
            gates: descriptors
                .gates
                .with(Gate::ReaperReady, becoming.luggage.gate),
            ..*descriptors
        },
    };
    match descriptors.commands_memory {
        Memory::Shared => {
            clone_beside::spawn(child, (start, &commands), (go_on, &becoming));
        }
        Memory::Copied => {
            // Where we are.
            let cgroup = None;
            let nothing_new = NewNamespaces::NONE;
            let command = clone::spawn(nothing_new, Memory::Copied, cgroup, start, &commands);
            go_on(command, &becoming)
        }
    }
}

/// The command's process, which waits at its gate.
fn start(child: InChild, commands: &CommandsParent<'_>) -> ! {
    commands.descriptors.channel.pass(Moment::Spawned);
    become_command(child, commands.plan, &commands.descriptors)
}

/// The reaper, once there is the command's process.
fn go_on(command: Result<Pid, Errno>, becoming: &Becoming<'_>) -> ! {
    let report = match command {
        Err(errno) => Report::Spawn(errno),
        Ok(command) => {
            let report = become_reaper(command, becoming);
            // It waits, and has nothing to say.
            let _ = process::kill(command, libc::SIGKILL);
            report
        }
    };
    fail(report, becoming.descriptors)
}

/// What is done before there is the command's process.
fn prepare<'a>(
    (child, reaper): (InChild, Reaper),
    descriptors: &'a Descriptors<'a>,
) -> Result<Becoming<'a>, Errno> {
    // Blocked, not ignored, for they are waited for; the command's own steps empty the mask again.
    signal::set_blocked(SignalSet::FULL)?;
    // What is typed at the caller's terminal is mydocker's to hand on: from there too, it would come twice.
    process::new_group()?;
    // That the parent may have died before this call shows when the command reports that it is ready. (execve keeps what
    // is set here: nothing about our credentials becomes more by it.)
    let parent = match reaper {
        Reaper::FirstProcess => {
            process::die_with_parent()?;
            0
        }
        Reaper::Keeper => {
            let parent = process::parent_id();
            process::adopt_orphans()?;
            process::hear_of_parents_death(PARENT_DIED)?;
            parent
        }
    };
    let proc = match reaper {
        Reaper::FirstProcess => None,
        Reaper::Keeper => Some(open_proc()?.keep()),
    };
    let gate = GatePipe::new_in_child(child)?;
    let luggage = Luggage {
        proc,
        gate,
        status: descriptors.status.map(|status| status.in_child(child)),
    };
    Ok(Becoming {
        child,
        parent,
        luggage,
        descriptors,
    })
}

/// Returns only if it failed.
fn become_reaper(command: Pid, becoming: &Becoming<'_>) -> Report {
    let descriptors = becoming.descriptors;
    let Some(program) = descriptors.reaper.map(ChildDescriptor::as_fd) else {
        return Report::Reaper(Errno::EBADF);
    };
    match reaper::charge(program, command, becoming.parent)
        .and_then(|()| leave_all_behind(becoming.child, program, &becoming.luggage, descriptors))
    {
        Ok(()) => Report::Reaper(reaper::execute(program)),
        Err(errno) => Report::Spawn(errno),
    }
}

fn leave_all_behind(
    child: InChild,
    program: BorrowedFd<'_>,
    luggage: &Luggage,
    descriptors: &Descriptors<'_>,
) -> Result<(), Errno> {
    // 0 to 2 as well: whoever reads what the command writes waits for its end, not for ours.
    match luggage.proc {
        Some(proc) => descriptor::duplicate_to(proc.as_fd(), PROC, child)?,
        None => ChildDescriptor::numbered(PROC, child).close(child),
    }
    descriptor::duplicate_to(luggage.gate.writer(), GATE, child)?;
    let first_left = match luggage.status {
        Some(status) => {
            descriptor::duplicate_to(status.as_fd(), STATUS_COUNTER, child)?;
            STATUS_COUNTER.saturating_add(1)
        }
        None => STATUS_COUNTER,
    };
    // Two have to be open until the execve, and no longer.
    let report = descriptors.channel.descriptor();
    let number = |file: Option<BorrowedFd<'_>>| file.map_or(PROC, |file| file.as_raw_fd());
    close_range::close_from(first_left, &[number(report), number(Some(program))], child)?;
    if let Some(report) = report {
        descriptor::close_on_exec(report)?;
    }
    descriptor::close_on_exec(program)?;
    // The working directory is the command's: it may be a directory that would stay busy, or one of the host's.
    process::change_directory(c"/")?;
    // Until the execve we have mydocker's memory, and now without its rights. (The command's process does so itself: its files
    // in /proc would be root's already.)
    process::not_dumpable()?;
    give_up_rights()
}

fn open_proc() -> Result<Undropped, Errno> {
    let proc = descriptor::open_undropped(c"/proc", libc::O_RDONLY | libc::O_DIRECTORY)?;
    // What it lists decides who is killed.
    let is_whole = facts::facts(proc.as_fd())?.identity.1 == PROC_ROOT;
    // A link of the container's root may lead to a part of it, where no process is listed.
    if !facts::file_system(proc.as_fd())?.is_proc() || !is_whole {
        return Err(Errno::ENODEV);
    }
    Ok(proc)
}

/// Gives up all capabilities but the one that we need. (execve would give a root all of the bounding set, but for
/// no_new_privs, and take another user's, but for the ambient set.)
fn give_up_rights() -> Result<(), Errno> {
    process::no_new_privileges()?;
    // The command, and what it leaves behind, may be another user's.
    let kept = CapabilitySet::NONE.with(capability::KILL);
    capability::limit(kept, CapabilitySet::NONE, true)
}
