//! The program of the reaper, as the plan wants it.

use super::Launch;
use crate::error::Error;
use crate::field::Field;
use crate::plan::{InitPlan, Reaper};
use crate::seccomp;
use crate::sys::clone::Memory;
use crate::sys::reaper::{self, Settings};
use crate::sys::{Errno, parent_watch};
use std::borrow::Cow;
use std::os::fd::OwnedFd;

impl Launch<'_> {
    /// Whose memory the command's process has under a reaper. Whom the OOM killer chooses takes along all who use its memory:
    /// so ours is not for one who is chosen for a limit of its own, or before us.
    pub(super) fn commands_memory(&self) -> Memory {
        let is_as_we_are = || {
            self.cgroup.is_none()
                && self.joins.is_empty()
                && self.entrance.is_none()
                && !self.plan.sets_oom_score()
        };
        let is_shared = matches!(self.plan.reaper, Some(Reaper::FirstProcess))
            && is_as_we_are()
            && parent_watch::is_told_of_every_end(self.kernel);
        match is_shared {
            true => Memory::Shared,
            false => Memory::Copied,
        }
    }
}

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
