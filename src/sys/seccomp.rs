//! Loading a filter of system calls; seccomp(2).

use super::Errno;
use syscalls::{Sysno, syscall};

/// The kernel's `struct sock_filter`.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instruction {
    pub code: u16,
    pub jump_true: u8,
    pub jump_false: u8,
    pub value: u32,
}

/// The kernel's `struct sock_fprog`.
#[repr(C)]
struct Program {
    length: u16,
    instructions: *const Instruction,
}

/// The most instructions that the kernel takes (BPF_MAXINSNS).
pub const LONGEST: usize = 4096;

/// Filters the calling thread's system calls, and those of what it becomes, for good.
///
/// Errors: EACCES without no_new_privs and CAP_SYS_ADMIN; EINVAL from a kernel without filters; ENOSYS.
pub fn load(filter: &[Instruction]) -> Result<(), Errno> {
    // As other runtimes do: without it kernels before 5.16 turn the processor's speculation off for who has a
    // filter, which costs programs far more than the filter.
    match load_with(filter, libc::SECCOMP_FILTER_FLAG_SPEC_ALLOW) {
        // A kernel before 4.17 does not know the flag.
        Err(Errno::EINVAL) => load_with(filter, 0),
        done => done,
    }
}

fn load_with(filter: &[Instruction], flags: std::ffi::c_ulong) -> Result<(), Errno> {
    let program = Program {
        length: u16::try_from(filter.len()).map_err(|_| Errno::EINVAL)?,
        instructions: filter.as_ptr(),
    };
    // SAFETY: the kernel copies `length` instructions, which `filter` has, and keeps neither pointer.
    unsafe {
        syscall!(
            Sysno::seccomp,
            libc::SECCOMP_SET_MODE_FILTER,
            flags,
            &raw const program
        )
    }
    .map(drop)
}
