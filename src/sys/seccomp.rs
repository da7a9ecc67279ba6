//! Loading a filter of system calls; seccomp(2).

use super::Errno;
use super::descriptor::Undropped;
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
    match load_as(filter, FilterFlags::SPEC_ALLOW) {
        // A kernel before 4.17 does not know the flag.
        Err(Errno::EINVAL) => load_as(filter, FilterFlags::default()),
        done => done,
    }
}

/// How a filter is loaded (SECCOMP_FILTER_FLAG_…).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FilterFlags(pub u32);

impl FilterFlags {
    pub const LOG: Self = Self(libc::SECCOMP_FILTER_FLAG_LOG as u32);
    pub const SPEC_ALLOW: Self = Self(libc::SECCOMP_FILTER_FLAG_SPEC_ALLOW as u32);
    pub const NEW_LISTENER: Self = Self(libc::SECCOMP_FILTER_FLAG_NEW_LISTENER as u32);
    pub const WAIT_KILLABLE_RECV: Self = Self(libc::SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV as u32);

    #[must_use]
    pub const fn and(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }
}

/// As [`load`], with these flags and no others.
///
/// Errors: EINVAL from a kernel that does not know one of them.
pub fn load_as(filter: &[Instruction], flags: FilterFlags) -> Result<(), Errno> {
    load_with(filter, flags.0.into()).map(drop)
}

/// As [`load_as`]. What comes back is the listener, close-on-exec: who has it decides about the calls of which the filter
/// says so.
///
/// Errors: EBUSY if a filter that holds already has a listener.
pub fn load_with_listener(filter: &[Instruction], flags: FilterFlags) -> Result<Undropped, Errno> {
    let flags = flags.and(FilterFlags::NEW_LISTENER);
    let number = load_with(filter, flags.0.into())?;
    Ok(Undropped::new(number as i32))
}

/// Whether the kernel knows these flags of a filter: it looks at them before it looks for the filter.
pub fn knows(flags: FilterFlags) -> bool {
    // SAFETY: the kernel reads no program at address 0.
    let refused = unsafe {
        syscall!(
            Sysno::seccomp,
            libc::SECCOMP_SET_MODE_FILTER,
            flags.0,
            0usize
        )
    };
    refused == Err(Errno::EFAULT)
}

fn load_with(filter: &[Instruction], flags: std::ffi::c_ulong) -> Result<usize, Errno> {
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
}
