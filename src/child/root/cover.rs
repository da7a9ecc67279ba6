//! What may be covered by a mount of config.json.

use super::{RootState, find};
use crate::path_in_root::Missing;
use crate::plan::root::{INSIDE_PROC, MAY_BE_COVERED};
use crate::report::{Failed, Part};
use crate::sys::facts::{self, Facts};
use crate::sys::{Errno, descriptor};
use std::ffi::CStr;
use std::os::fd::BorrowedFd;

/// The inode of a proc's root, and of nothing else in it (the kernel's proc_ns.h).
const PROC_ROOT: u64 = 1;

/// Looks at a place before it is covered: the root itself would be out of reach, and what is set and hidden in /proc later
/// has to be the kernel's.
pub fn may_cover(
    target: BorrowedFd<'_>,
    by_proc: bool,
    state: &RootState,
) -> Result<Facts, Failed> {
    let failed = |errno| Part::Target.failed(errno);
    let there = facts::facts(target).map_err(failed)?;
    let root = facts::facts(state.root()?)?;
    if there.identity == root.identity {
        return Err(failed(Errno::EBUSY));
    }
    if !facts::file_system(target).map_err(failed)?.is_proc() {
        return Ok(there);
    }
    let is_free = match there.identity.1 {
        PROC_ROOT => by_proc,
        _ => MAY_BE_COVERED.iter().any(|path| is_at(path, &there, state)),
    };
    match is_free {
        true => Ok(there),
        false => Err(failed(INSIDE_PROC)),
    }
}

fn is_at(path: &CStr, there: &Facts, state: &RootState) -> bool {
    let Ok(found) = find(state, path, Missing::Refuse) else {
        return false;
    };
    let same = facts::facts(found.as_fd()).is_ok_and(|found| found.identity == there.identity);
    descriptor::close(found);
    same
}
