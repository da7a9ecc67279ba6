//! The reaper: `--init`'s PID 1, or the keeper of a container in the host's PID namespace. It has
//! the command as its child, hands signals on and reaps orphans.
//!
//! It stays in the container, where every process may look at it. So it never runs in the
//! parent's memory (who writes to it would write to the runtime outside), gives the container
//! nothing to read, and keeps no descriptor open (the keeper keeps one, of /proc). And because who has
//! CAP_SYS_PTRACE can have it do everything, before the command runs it gives up all that it needs no more.

use super::{Descriptors, Gate, become_command, fail};
use crate::error::ExitCode;
use crate::plan::{InitPlan, Reaper, Step};
use crate::report::{Moment, Report};
use crate::seccomp;
use crate::sys::capability::{self, CapabilitySet};
use crate::sys::clone::{self, Memory};
use crate::sys::descriptor::Fate;
use crate::sys::process::{Ended, Patience};
use crate::sys::seccomp::load;
use crate::sys::signal::{self, SignalSet};
use crate::sys::{Errno, Pid, descendants, descriptor, environment, facts, process};
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};

/// How the keeper hears of mydocker's death: a signal that mydocker never hands on.
const PARENT_DIED: i32 = libc::SIGURG;

/// How it hears from mydocker that everything is to end. Queued, which what is handed on is not; and a
/// real-time signal, the last one, so that none of another's takes its place.
pub const END: i32 = 64;

/// What the command's process needs of its parent, the reaper.
struct Birth<'a> {
    plan: &'a InitPlan,
    descriptors: Descriptors<'a>,
    /// Our end of the pipe that tells us of its execve.
    executed: BorrowedFd<'static>,
}

/// The inode of proc's own root (PROC_ROOT_INO).
const PROC_ROOT: u64 = 1;

/// Where the keeper keeps its /proc.
const PROC: RawFd = 0;

pub fn run(reaper: Reaper, plan: &InitPlan, descriptors: &Descriptors<'_>) -> ! {
    let parent = process::parent_id();
    match start(reaper, plan, descriptors) {
        Ok(command) => {
            let code = watch(command, parent);
            if reaper == Reaper::Keeper {
                end_descendants(descriptor::borrowed(PROC));
            }
            process::exit(i32::from(code))
        }
        Err(errno) => fail(Report::Spawn(errno), descriptors),
    }
}

fn start(reaper: Reaper, plan: &InitPlan, descriptors: &Descriptors<'_>) -> Result<Pid, Errno> {
    // Blocked, not ignored, for they are waited for; the command's own steps empty the mask again.
    signal::set_blocked(SignalSet::FULL)?;
    process::not_dumpable()?;
    environment::wipe();
    // That the parent may have died before this call shows when the command reports that it is
    // ready.
    match reaper {
        Reaper::FirstProcess => process::die_with_parent()?,
        Reaper::Keeper => {
            process::adopt_orphans()?;
            process::hear_of_parents_death(PARENT_DIED)?;
        }
    }
    // Now, for the command may look into our /proc/PID/fd as soon as it runs.
    let numbers = |file: Option<BorrowedFd<'_>>| file.map_or(PROC, |file| file.as_raw_fd());
    let kept = [
        numbers(descriptors.channel.descriptor()),
        numbers(descriptors.terminal),
    ];
    descriptor::close_from(3, Fate::Close, &kept)?;
    // And now, for the command may mount something else there.
    let proc = match reaper {
        Reaper::FirstProcess => None,
        Reaper::Keeper => Some(open_proc()?),
    };
    let (reader, writer) = descriptor::pipe_undropped()?;
    // Whose writing end is the command's process's alone, and closes by its execve.
    let (executed, executes) = descriptor::pipe_undropped()?;
    let birth = Birth {
        plan,
        descriptors: Descriptors {
            reapers_gate: Some(Gate { reader, writer }),
            ..*descriptors
        },
        executed,
    };
    let pid = clone::spawn(
        0,
        // In shared memory we would sleep until the command runs, and it could get hold of us before we have given
        // up our rights, which its process needs from us until then.
        Memory::Copied,
        // Where we are.
        None,
        |birth: &Birth<'_>| {
            descriptor::close(birth.executed);
            birth.descriptors.channel.pass(Moment::Spawned);
            become_command(birth.plan, &birth.descriptors)
        },
        &birth,
    )?;
    // 0 to 2 as well: who reads what the command writes waits for its end, not for ours.
    let first = match proc {
        None => PROC,
        Some(proc) => {
            descriptor::duplicate_to(proc, PROC)?;
            PROC + 1
        }
    };
    descriptor::close(executes);
    let report = descriptors.channel.descriptor();
    let kept = [
        numbers(Some(writer)),
        numbers(Some(executed)),
        numbers(report),
    ];
    descriptor::close_from(first, Fate::Close, &kept)?;
    give_up_rights(reaper)?;
    confine(reaper, plan)?;
    // The last use of the report pipe was to be told of a failure: the parent sees the command's execve by its end.
    if let Some(report) = report {
        descriptor::close(report);
    }
    // If the command's process has failed it waits no more, and has said why.
    let _ = descriptor::write(writer, &[0]);
    descriptor::close(writer);
    // Until it has executed the command, or failed: before, a signal would find it half done.
    while matches!(
        descriptor::read(executed, &mut [0]),
        Ok(1..) | Err(Errno::EINTR)
    ) {}
    descriptor::close(executed);
    Ok(pid)
}

fn open_proc() -> Result<BorrowedFd<'static>, Errno> {
    let proc = descriptor::open_undropped(c"/proc", libc::O_RDONLY | libc::O_DIRECTORY)?;
    // What it lists decides who is killed.
    let is_whole = facts::facts(proc)?.identity.1 == PROC_ROOT;
    // A link of the container's root may lead to a part of it, where no process is listed.
    if !facts::file_system(proc)?.is_proc() || !is_whole {
        return Err(Errno::ENODEV);
    }
    Ok(proc)
}

/// Gives up all capabilities but those that we need. (They cannot come back: by execve a root would have those of
/// the bounding set, but for no_new_privs.)
fn give_up_rights(reaper: Reaper) -> Result<(), Errno> {
    process::no_new_privileges()?;
    // The command, and what it leaves behind, may be another user's.
    let kept = CapabilitySet::NONE.with(capability::KILL);
    let kept = match reaper {
        Reaper::FirstProcess => kept,
        // Or a proc that is mounted with hidepid would not show it (proc(5)).
        Reaper::Keeper => kept.with(capability::SYS_PTRACE),
    };
    capability::limit(kept, CapabilitySet::NONE, false)
}

/// From here on we can make no system calls but those below.
fn confine(reaper: Reaper, plan: &InitPlan) -> Result<(), Errno> {
    let filter = match reaper {
        Reaper::FirstProcess => seccomp::reaper_filter(),
        Reaper::Keeper => seccomp::keeper_filter(),
    };
    let mut steps = plan.process.iter();
    let commands_is_filtered = steps.any(|step| matches!(step, Step::Filter(_)));
    match load(filter) {
        // A kernel without filters, and no one has asked for one.
        Err(Errno::EINVAL | Errno::ENOSYS) if !commands_is_filtered => Ok(()),
        done => done,
    }
}

/// Until the command has ended, or has to: its exit code. As PID 1 we leave then, and with us ends
/// the namespace: the kernel kills what is left.
fn watch(command: Pid, parent: Pid) -> u8 {
    loop {
        match signal::wait_for_sender(SignalSet::FULL) {
            Ok((libc::SIGCHLD, _)) => {
                // One SIGCHLD may stand for many children.
                while let Ok(Some((pid, ended))) = process::wait(None, Patience::Look) {
                    if pid == command {
                        return ended.code();
                    }
                }
            }
            // Others may send it too; who lost its parent has another one now.
            Ok((PARENT_DIED, _)) if process::parent_id() != parent => {
                return Ended::Signaled(libc::SIGKILL).code();
            }
            Ok((END, sender)) if sender == parent => return Ended::Signaled(libc::SIGKILL).code(),
            // The command is our child and not yet waited for, so the number is still its own.
            Ok((signal, _)) => drop(process::kill(command, signal)),
            Err(_) => return ExitCode::OWN_FAILURE.0,
        }
    }
}

/// Kills our children, and theirs, which become ours when their parent dies, until there are none.
fn end_descendants(proc: BorrowedFd<'_>) {
    let own = process::id();
    // ECHILD: none is left. Usually so at once, and /proc need not be searched.
    while process::wait(None, Patience::Look).is_ok() {
        let mut killed = false;
        let listed = descendants::children_of(own, proc, |pid| {
            killed |= process::kill(pid, libc::SIGKILL).is_ok();
        });
        // Without having killed one there is nothing to wait for.
        if listed.is_err() || !killed || process::wait(None, Patience::Wait).is_err() {
            return;
        }
        // All that have ended, for each search looks at every process.
        while let Ok(Some(_)) = process::wait(None, Patience::Look) {}
    }
}
