//! Capabilities; see capabilities(7).

use super::Errno;
use syscalls::{Sysno, syscall};

/// `_LINUX_CAPABILITY_VERSION_3`: sets of 64 bits, in two halves.
const VERSION: u32 = 0x2008_0522;

/// The kernel's `struct __user_cap_header_struct`.
#[repr(C)]
struct Header {
    version: u32,
    /// 0: ourselves.
    pid: i32,
}

/// The kernel's `struct __user_cap_data_struct`: half of each set.
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Half {
    effective: u32,
    permitted: u32,
    inheritable: u32,
}

/// A set of capabilities: number n is bit n.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CapabilitySet(pub u64);

impl CapabilitySet {
    pub const NONE: Self = Self(0);
    /// With those that no kernel has yet.
    pub const ALL: Self = Self(u64::MAX);

    pub const fn with(self, number: u8) -> Self {
        Self(self.0 | 1 << number)
    }

    pub const fn and(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    pub const fn without(self, others: Self) -> Self {
        Self(self.0 & !others.0)
    }

    pub const fn common(self, others: Self) -> Self {
        Self(self.0 & others.0)
    }

    pub const fn contains(self, number: u8) -> bool {
        self.0 >> number & 1 == 1
    }
}

fn get() -> Result<[Half; 2], Errno> {
    let mut header = Header {
        version: VERSION,
        pid: 0,
    };
    let mut sets = [Half::default(); 2];
    // SAFETY: the kernel reads the header (and would write a version that it prefers into it) and
    // writes both halves, which version 3 has.
    unsafe { syscall!(Sysno::capget, &raw mut header, sets.as_mut_ptr()) }?;
    Ok(sets)
}

fn set(sets: &[Half; 2]) -> Result<(), Errno> {
    let mut header = Header {
        version: VERSION,
        pid: 0,
    };
    // SAFETY: the kernel reads the header and both halves, which version 3 has.
    unsafe { syscall!(Sysno::capset, &raw mut header, sets.as_ptr()) }.map(drop)
}

/// Whether the process has any capability. If the kernel does not tell: yes.
pub fn any_permitted() -> bool {
    get().map_or(true, |sets| sets.iter().any(|half| half.permitted != 0))
}

/// Makes every permitted capability inheritable and ambient: it survives the execve of a program
/// without file capabilities by a user other than 0.
pub fn keep_across_exec() -> Result<(), Errno> {
    let mut sets = get()?;
    for half in &mut sets {
        half.inheritable = half.permitted;
    }
    set(&sets)?;
    for (half, first) in sets.iter().zip([0u8, 32]) {
        for bit in (0..32u8).filter(|bit| half.permitted >> bit & 1 == 1) {
            raise_ambient(first | bit)?;
        }
    }
    Ok(())
}

/// Takes everything but `kept` out of the bounding set.
///
/// Errors: EPERM without CAP_SETPCAP, unless what is to go is gone already.
pub fn bound(kept: CapabilitySet) -> Result<(), Errno> {
    for number in (0..64u8).filter(|number| !kept.contains(*number)) {
        match bounding(libc::PR_CAPBSET_DROP, number) {
            Ok(_) => {}
            // There are no more in this kernel.
            Err(Errno::EINVAL) => break,
            Err(errno) => match bounding(libc::PR_CAPBSET_READ, number) {
                Ok(0) | Err(Errno::EINVAL) => {}
                _ => return Err(errno),
            },
        }
    }
    Ok(())
}

fn bounding(operation: i32, number: u8) -> Result<usize, Errno> {
    // SAFETY: no pointers.
    unsafe { syscall!(Sysno::prctl, operation, usize::from(number), 0, 0, 0) }
}

/// Lets the permitted set survive a change of the user from 0 to another one.
pub fn keep_across_users() -> Result<(), Errno> {
    // SAFETY: no pointers.
    unsafe { syscall!(Sysno::prctl, libc::PR_SET_KEEPCAPS, 1, 0, 0, 0) }.map(drop)
}

/// Leaves those of `held` that we have, permitted and effective, and if `ambient` so that execve leaves them too;
/// else nothing is inheritable.
///
/// Errors: EPERM if one of `required` is not among them.
pub fn limit(held: CapabilitySet, required: CapabilitySet, ambient: bool) -> Result<(), Errno> {
    let mut left = held;
    if let Err(errno) = set(&halves(left, ambient)) {
        // One that we do not have, or that this kernel does not.
        let [low, high] = get()?;
        let permitted = u64::from(low.permitted) | u64::from(high.permitted) << 32;
        left = held.common(CapabilitySet(permitted));
        if left.common(required) != required {
            return Err(errno);
        }
        set(&halves(left, ambient))?;
    }
    // (The ambient set cannot hold what is not inheritable: otherwise it is empty now.)
    for number in (0..64u8).filter(|number| ambient && left.contains(*number)) {
        raise_ambient(number)?;
    }
    Ok(())
}

fn halves(held: CapabilitySet, inheritable: bool) -> [Half; 2] {
    [held.0 as u32, (held.0 >> 32) as u32].map(|bits| Half {
        effective: bits,
        permitted: bits,
        inheritable: if inheritable { bits } else { 0 },
    })
}

fn raise_ambient(number: u8) -> Result<(), Errno> {
    // SAFETY: no pointers.
    unsafe {
        syscall!(
            Sysno::prctl,
            libc::PR_CAP_AMBIENT,
            libc::PR_CAP_AMBIENT_RAISE,
            usize::from(number),
            0,
            0
        )
    }
    .map(drop)
}
