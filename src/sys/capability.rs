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
    for (half, first) in sets.iter().zip([0usize, 32]) {
        for bit in (0..32usize).filter(|bit| half.permitted >> bit & 1 == 1) {
            // SAFETY: no pointers.
            unsafe {
                syscall!(
                    Sysno::prctl,
                    libc::PR_CAP_AMBIENT,
                    libc::PR_CAP_AMBIENT_RAISE,
                    first | bit,
                    0,
                    0
                )
            }?;
        }
    }
    Ok(())
}

/// Empties the inheritable set, and with it the ambient one, which can hold nothing else.
pub fn inherit_none() -> Result<(), Errno> {
    let mut sets = get()?;
    for half in &mut sets {
        half.inheritable = 0;
    }
    set(&sets)
}
