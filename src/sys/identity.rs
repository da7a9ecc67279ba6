//! Users and groups of the process.
//!
//! The raw calls change the calling thread alone; libc's wrappers signal every other thread to
//! follow, which a child in its parent's memory must not do.

use super::{Errno, capability};
use syscalls::{Sysno, syscall};

/// The effective user that this program was started as.
pub fn effective_user() -> u32 {
    told_at_start(libc::AT_EUID)
}

/// geteuid(2): the effective user as the user namespace has it that we are in by now.
pub fn user_here() -> u32 {
    // SAFETY: no pointers. It never fails.
    unsafe { syscall!(Sysno::geteuid) }.map_or(u32::MAX, |user| user as u32)
}

/// The effective group that this program was started as.
pub fn effective_group() -> u32 {
    told_at_start(libc::AT_EGID)
}

/// What the kernel put on our stack at execve, getauxval(3): no system call. The child changes its
/// ids later; it does not ask.
fn told_at_start(what: std::ffi::c_ulong) -> u32 {
    // SAFETY: getauxval only looks a number up.
    unsafe { libc::getauxval(what) as u32 }
}

/// A line of /proc/self/uid_map or gid_map: so many ids of this process's user namespace from the first one on, and who
/// the first is outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mapped {
    pub inside: u32,
    pub outside: u32,
    pub count: u32,
}

impl Mapped {
    /// Who an id is outside.
    pub fn outside(self, id: u32) -> Option<u32> {
        let distance = id.checked_sub(self.inside)?;
        (distance < self.count).then(|| self.outside.checked_add(distance))?
    }
}

/// What such a file says.
pub fn mapped(map: &[u8]) -> Vec<Mapped> {
    let map = String::from_utf8_lossy(map);
    let lines = map.lines().filter_map(|line| {
        let mut numbers = line.split_whitespace().map(str::parse::<u32>);
        let mut number = || numbers.next()?.ok();
        Some(Mapped {
            inside: number()?,
            outside: number()?,
            count: number()?,
        })
    });
    lines.collect()
}

/// Whether the kernel started this program with more privileges than its caller has: set-user-ID,
/// set-group-ID, or file capabilities.
pub fn privileged_by_exec() -> bool {
    let secure = told_at_start(libc::AT_SECURE) != 0;
    // Security modules set it for transitions of their own, so it is only the cheap first question.
    secure
        && (effective_user() != told_at_start(libc::AT_UID)
            || effective_group() != told_at_start(libc::AT_GID)
            || (effective_user() != 0 && capability::any_permitted()))
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

#[cfg(test)]
mod tests {
    use super::mapped;

    #[test]
    fn ids_of_a_namespace() {
        for (id, map, expected) in [
            (0, "         0       1000          1\n", Some(1000)),
            (5, "0 1000 1\n1 100000 65536\n", Some(100_004)),
            (7, "0 0 4294967295\n", Some(7)),
            (70_000, "0 1000 1\n1 100000 65536\n", None),
            (1, "", None),
            (1, "0 4294967295 2\n", None),
        ] {
            let outside = mapped(map.as_bytes())
                .iter()
                .find_map(|mapped| mapped.outside(id));
            assert_eq!(outside, expected, "{map}");
        }
    }
}
