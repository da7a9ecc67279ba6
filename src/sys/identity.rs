//! Users and groups of the process.
//!
//! The raw calls change the calling thread alone; libc's wrappers signal every other thread to
//! follow, which a child in its parent's memory must not do.

use super::{Errno, capability};
use syscalls::{Sysno, syscall};

/// geteuid(2).
pub fn effective_user() -> u32 {
    // SAFETY: no pointers; never fails.
    unsafe { syscall!(Sysno::geteuid) }.map_or(0, |id| id as u32)
}

/// getegid(2).
pub fn effective_group() -> u32 {
    // SAFETY: no pointers; never fails.
    unsafe { syscall!(Sysno::getegid) }.map_or(0, |id| id as u32)
}

/// Whether the kernel started this program with more privileges than its caller has: set-user-ID,
/// set-group-ID, or file capabilities.
pub fn privileged_by_exec() -> bool {
    // SAFETY: getauxval only looks a number up.
    let secure = unsafe { libc::getauxval(libc::AT_SECURE) != 0 };
    // Security modules set it for transitions of their own, so it is only the cheap first question.
    secure
        && (effective_user() != real_user()
            || effective_group() != real_group()
            || (effective_user() != 0 && capability::any_permitted()))
}

fn real_user() -> u32 {
    // SAFETY: no pointers; never fails.
    unsafe { syscall!(Sysno::getuid) }.map_or(0, |id| id as u32)
}

fn real_group() -> u32 {
    // SAFETY: no pointers; never fails.
    unsafe { syscall!(Sysno::getgid) }.map_or(0, |id| id as u32)
}

/// getgroups(2): the caller's supplementary groups.
pub fn groups() -> Result<Vec<u32>, Errno> {
    // SAFETY: with a length of 0 the kernel only counts.
    let count = unsafe { syscall!(Sysno::getgroups, 0, 0) }?;
    let mut groups = vec![0u32; count];
    if count > 0 {
        // SAFETY: the kernel writes at most `len` ids, or says EINVAL.
        let count = unsafe { syscall!(Sysno::getgroups, groups.len(), groups.as_mut_ptr()) }?;
        groups.truncate(count);
    }
    Ok(groups)
}

/// setgroups(2): the supplementary groups.
pub fn set_groups(groups: &[u32]) -> Result<(), Errno> {
    // SAFETY: the kernel reads `len` ids; gid_t is u32 on every Linux.
    unsafe { syscall!(Sysno::setgroups, groups.len(), groups.as_ptr()) }.map(drop)
}

/// setresgid(2): real, effective and saved group.
pub fn set_group(group: u32) -> Result<(), Errno> {
    // SAFETY: no pointers.
    unsafe { syscall!(Sysno::setresgid, group, group, group) }.map(drop)
}

/// setresuid(2): real, effective and saved user.
pub fn set_user(user: u32) -> Result<(), Errno> {
    // SAFETY: no pointers.
    unsafe { syscall!(Sysno::setresuid, user, user, user) }.map(drop)
}
