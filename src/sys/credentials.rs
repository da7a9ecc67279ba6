//! Who this process is and what it may do (credentials(7), capabilities(7)), as numbers to compare with another's. /proc tells all of
//! it in one file, which takes twice as long as to ask for each.

use super::{Errno, Pid, capability, identity};
use syscalls::{Sysno, syscall};

/// The users and groups, real, effective, saved and of the file system; the supplementary groups; the capability sets; and
/// whether execve grants nothing (`no_new_privs`).
///
/// Errors: as the calls; what is not known is like no one else's.
pub fn told() -> Result<Vec<u64>, Errno> {
    let mut all = Vec::with_capacity(24);
    let mut ids = [[0u32; 3]; 2];
    for (call, ids) in [Sysno::getresuid, Sysno::getresgid]
        .into_iter()
        .zip(&mut ids)
    {
        let [real, effective, saved] = ids;
        // SAFETY: the kernel writes three ids, each of 32 bits.
        unsafe { syscall!(call, &raw mut *real, &raw mut *effective, &raw mut *saved) }?;
    }
    all.extend(ids.into_iter().flatten().map(u64::from));
    for call in [Sysno::setfsuid, Sysno::setfsgid] {
        // SAFETY: no pointers. There is no such id, so nothing is set, and the one that is set is told (setfsuid(2)).
        all.push(unsafe { syscall!(call, u32::MAX) }? as u64);
    }
    let groups = identity::groups()?;
    all.push(groups.len() as u64);
    all.extend(groups.into_iter().map(u64::from));
    all.extend(capability::all_sets()?.map(|set| set.0));
    // SAFETY: no pointers.
    all.push(unsafe { syscall!(Sysno::prctl, libc::PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) }? as u64);
    Ok(all)
}

/// Whether system calls of this process are filtered (seccomp(2)). If the kernel does not tell: yes.
pub fn is_filtered() -> bool {
    // SAFETY: no pointers.
    let mode = unsafe { syscall!(Sysno::prctl, libc::PR_GET_SECCOMP, 0, 0, 0, 0) };
    // EINVAL: this kernel has no filters.
    !matches!(mode, Ok(0) | Err(Errno::EINVAL))
}

/// Whether this process may look into another (ptrace(2), PTRACE_MODE_READ), which is not so if it is in a Landlock domain that the
/// other is not in: no other call tells that. get_robust_list(2) asks for nothing but that, and the list is not used.
pub fn may_look_into(process: Pid) -> bool {
    let (mut list, mut length) = (0usize, 0usize);
    // It would be this process.
    process > 0
        // SAFETY: the kernel writes an address, which is not used, and a length, each of one word.
        && unsafe {
            syscall!(
                Sysno::get_robust_list,
                process,
                &raw mut list,
                &raw mut length
            )
        }
        .is_ok()
}

/// What a security module has this process be, in the kernel's own form (lsm_get_self_attr(2), since Linux 6.8). `None`: /proc has to
/// be asked.
pub fn security_labels(buffer: &mut [u64; 64]) -> Option<&[u64]> {
    const CURRENT: usize = 100; // LSM_ATTR_CURRENT
    let mut size = size_of_val(buffer) as u32;
    // SAFETY: the kernel writes at most `size` bytes into the buffer, and how many there are into `size`.
    let told = unsafe {
        syscall!(
            Sysno::lsm_get_self_attr,
            CURRENT,
            buffer.as_mut_ptr(),
            &raw mut size,
            0
        )
    };
    match told {
        Ok(_) => buffer.get(..(size as usize).div_ceil(size_of::<u64>())),
        // No module has any.
        Err(Errno::EOPNOTSUPP) => Some(&[]),
        Err(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_may_look_into_itself() {
        assert!(may_look_into(crate::sys::process::id()));
        assert!(!may_look_into(0));
        assert!(!may_look_into(Pid::MAX));
    }

    /// What the calls tell is the same as what /proc tells.
    #[test]
    fn all_of_it_is_told() {
        let told = told().unwrap();
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            line.unwrap().split_whitespace().collect::<Vec<_>>()
        };
        let decimal = |name: &str| {
            let words = field(name).into_iter();
            words
                .map(|word| word.parse().unwrap())
                .collect::<Vec<u64>>()
        };
        let hexadecimal = |name: &str| u64::from_str_radix(field(name)[0], 16).unwrap();
        let (users, groups) = (decimal("Uid:"), decimal("Gid:"));
        let mut expected = [&users[..3], &groups[..3], &users[3..], &groups[3..]].concat();
        let supplementary = decimal("Groups:");
        expected.push(supplementary.len() as u64);
        expected.extend(supplementary);
        expected.extend(["CapPrm:", "CapEff:", "CapInh:", "CapBnd:", "CapAmb:"].map(hexadecimal));
        expected.extend(decimal("NoNewPrivs:"));
        assert_eq!(told, expected);
        assert_eq!(is_filtered(), decimal("Seccomp:") != [0]);
    }
}
