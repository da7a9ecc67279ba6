//! `--init`: a PID 1 that starts the command as PID 2, hands signals on and reaps orphans.
//!
//! It stays in the container, where every process may look at PID 1. So it never runs in the
//! parent's memory (who writes to it would write to the runtime outside), gives the container
//! nothing to read, and keeps no descriptor open.

use super::{Descriptors, become_command, fail};
use crate::error::ExitCode;
use crate::plan::{InitPlan, Reaper};
use crate::report::Report;
use crate::sys::clone::{self, Memory};
use crate::sys::descriptor::Fate;
use crate::sys::process::Patience;
use crate::sys::signal::{self, SignalSet};
use crate::sys::stack::ChildStack;
use crate::sys::{Errno, Pid, descriptor, environment, process};

/// What PID 2 needs of PID 1.
struct Birth<'a> {
    plan: &'a InitPlan,
    descriptors: &'a Descriptors,
}

pub fn run(reaper: Reaper, plan: &InitPlan, descriptors: &Descriptors) -> ! {
    let (pid, _stack) = match start(reaper, plan, descriptors) {
        Ok(started) => started,
        Err(errno) => fail(Report::Spawn(errno), descriptors),
    };
    // 0 to 2 as well: who reads what the command writes waits for its end, not for ours. The
    // report pipe's end is among them, so that the parent sees the command's execve.
    if let Err(errno) = descriptor::close_from(0, Fate::Close) {
        fail(Report::Spawn(errno), descriptors);
    }
    watch(pid)
}

fn start(
    reaper: Reaper,
    plan: &InitPlan,
    descriptors: &Descriptors,
) -> Result<(Pid, ChildStack), Errno> {
    // Blocked, not ignored, for they are waited for; the command's own steps empty the mask again.
    signal::set_blocked(SignalSet::FULL)?;
    signal::set_default(libc::SIGCHLD)?;
    if reaper.adopt_orphans {
        process::adopt_orphans()?;
    }
    process::not_dumpable()?;
    environment::wipe();
    // The command's own death signal is about us. That the parent may have died before this call
    // shows when the command reports that it is ready.
    process::die_with_parent()?;
    let mut stack = ChildStack::new()?;
    let birth = Birth { plan, descriptors };
    let pid = clone::spawn(
        0,
        Memory::Shared,
        &mut stack,
        |birth: &Birth<'_>| become_command(birth.plan, birth.descriptors),
        &birth,
    )?;
    Ok((pid, stack))
}

/// Until the command ends. With it ends the PID namespace, and the kernel kills what is left.
fn watch(command: Pid) -> ! {
    loop {
        match signal::wait(SignalSet::FULL) {
            Ok(libc::SIGCHLD) => {
                // One SIGCHLD may stand for many children.
                while let Ok(Some((pid, ended))) = process::wait(None, Patience::Look) {
                    if pid == command {
                        process::exit(i32::from(ended.code()));
                    }
                }
            }
            // The command is our child and not yet waited for, so the number is still its own.
            Ok(signal) => drop(process::kill(command, signal)),
            Err(_) => process::exit(i32::from(ExitCode::OWN_FAILURE.0)),
        }
    }
}
