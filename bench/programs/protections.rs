//! What mydocker's defaults keep a container without a root of its own from, with as few system calls as that
//! takes.

use super::kernel::*;

const KEYCTL_JOIN_SESSION_KEYRING: usize = 1;
const PR_SET_DUMPABLE: usize = 4;
const PR_CAPBSET_DROP: usize = 24;
const PR_SET_NO_NEW_PRIVS: usize = 38;
const SECCOMP_SET_MODE_FILTER: usize = 1;
const SECCOMP_FILTER_FLAG_SPEC_ALLOW: usize = 4;
const EINVAL: usize = -22isize as usize;
const ENOSYS: usize = -38isize as usize;

/// docker's 14.
const KEPT: u32 = 0xa804_25fb;
/// Version 3 of the kernel's sets, and ourselves.
const HEADER: [u32; 2] = [0x2008_0522, 0];
/// Effective, permitted, inheritable: the lower half of each, then the upper.
const SETS: [u32; 6] = [KEPT, KEPT, 0, 0, 0, 0];

/// mydocker's own default filter, which the benchmark writes to this file.
static FILTER: &[u8] = include_bytes!(env!("MYDOCKER_FILTER"));

/// Bytes of an instruction.
const INSTRUCTION: usize = 8;

#[repr(C)]
struct Program {
    length: u16,
    instructions: *const u8,
}

/// Keys, capabilities, and what execve could give.
pub fn take_privileges() {
    // SAFETY: the null pointer asks for a keyring without a name.
    match unsafe { call(KEYCTL, [KEYCTL_JOIN_SESSION_KEYRING, 0, 0, 0, 0, 0]) } {
        // A kernel without keys keeps none.
        ENOSYS => {}
        errno if errno > usize::MAX - 4096 => exit(20),
        _ => {}
    }
    // SAFETY: no pointers.
    unsafe { must(25, PRCTL, [PR_SET_DUMPABLE, 0, 0, 0, 0, 0]) };
    for number in (0..64usize).filter(|number| u64::from(KEPT) >> number & 1 == 0) {
        // SAFETY: no pointers.
        match unsafe { call(PRCTL, [PR_CAPBSET_DROP, number, 0, 0, 0, 0]) } {
            0 => {}
            // There are no more in this kernel, which tells it no other way.
            EINVAL => break,
            _ => exit(21),
        }
    }
    let (header, sets) = (HEADER.as_ptr() as usize, SETS.as_ptr() as usize);
    // SAFETY: the kernel reads the header and both halves of the sets; it writes no header of a known version.
    unsafe { must(22, CAPSET, [header, sets, 0, 0, 0, 0]) };
    // SAFETY: no pointers.
    unsafe { must(23, PRCTL, [PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0, 0]) };
}

pub fn filter_calls() {
    let program = Program {
        length: (FILTER.len() / INSTRUCTION) as u16,
        instructions: FILTER.as_ptr(),
    };
    let arguments = [
        SECCOMP_SET_MODE_FILTER,
        SECCOMP_FILTER_FLAG_SPEC_ALLOW,
        &raw const program as usize,
        0,
        0,
        0,
    ];
    // SAFETY: the kernel reads the program and its instructions.
    unsafe { must(24, SECCOMP, arguments) };
}
