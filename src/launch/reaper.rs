//! The program of the reaper, as the plan wants it.

use crate::error::Error;
use crate::field::Field;
use crate::plan::{InitPlan, Reaper};
use crate::seccomp;
use crate::sys::Errno;
use crate::sys::reaper::{self, Settings};
use std::borrow::Cow;
use std::os::fd::OwnedFd;

/// The file that the reaper executes, if the plan has one.
pub fn program(plan: &InitPlan) -> Result<Option<OwnedFd>, Error> {
    match plan.reaper {
        None => Ok(None),
        Some(kind) => make(plan, kind).map(Some),
    }
}

#[cold]
#[inline(never)]
fn make(plan: &InitPlan, kind: Reaper) -> Result<OwnedFd, Error> {
    let is_keeper = kind == Reaper::Keeper;
    let mut steps = plan.process.iter();
    reaper::program(&Settings {
        is_keeper,
        filter: match is_keeper {
            true => seccomp::keeper_filter(),
            false => seccomp::reaper_filter(),
        },
        // A kernel without filters is an error if the command is to have one.
        filter_is_required: steps.any(|step| step.filter().is_some()),
    })
    .map_err(|errno| failed("make a memory file for", errno))
}

/// The reaper's process could not execute it.
pub fn not_executed(errno: Errno) -> Error {
    failed("exec", errno)
}

fn failed(operation: &str, errno: Errno) -> Error {
    let hint = match errno {
        Errno::EACCES | Errno::EPERM => Some(Cow::Borrowed(
            "a reaper is executed from a memory file, which vm.memfd_noexec or a security module forbids",
        )),
        // Its one argument is short. Where the kernel gets no memory for it, execve(2) says that it is too long.
        Errno::E2BIG | Errno::EFAULT | Errno::ENOMEM => {
            let own = Field::OwnMemory;
            Some(
                own.between(
                    "the limit of memory (",
                    ", or the caller's) leaves no room for it",
                )
                .into(),
            )
        }
        _ => None,
    };
    Error::new(operation, "the reaper", errno).hint(hint)
}
