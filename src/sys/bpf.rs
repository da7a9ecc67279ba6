//! bpf(2): programs that decide which devices the processes of a cgroup of v2 may use.

use super::Errno;
use super::descriptor::owned;
use std::ffi::CStr;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd, RawFd};
use syscalls::{Sysno, syscall};

/// The kernel's `struct bpf_insn`, as its bytes.
pub type Instruction = [u8; 8];

const LOAD: u32 = 5;
const ATTACH: u32 = 8;
const DETACH: u32 = 9;
const OPEN_BY_ID: u32 = 13;
const QUERY: u32 = 16;

/// BPF_PROG_TYPE_CGROUP_DEVICE
const TYPE_CGROUP_DEVICE: u32 = 15;
/// BPF_CGROUP_DEVICE
const AT_CGROUP_DEVICE: u32 = 6;

const ALLOW_MULTI: u32 = 1 << 1;
const REPLACE: u32 = 1 << 2;

/// Calls with a zeroed part of the kernel's `union bpf_attr`: what lies behind it is taken for zero.
fn call<T>(command: u32, attributes: &mut T) -> Result<usize, Errno> {
    loop {
        // SAFETY: the kernel reads, and of a query writes, as many bytes as the structure has; what its pointers lead to
        // lives in the caller's frame, and the caller has counted it.
        let done = unsafe {
            syscall!(
                Sysno::bpf,
                command,
                std::ptr::from_mut(attributes),
                size_of::<T>()
            )
        };
        // A signal has disturbed the verifier.
        if !(command == LOAD && done == Err(Errno::EAGAIN)) {
            return done;
        }
    }
}

/// BPF_PROG_LOAD of a program that answers 1 where a device may be used.
///
/// Errors: EINVAL and EACCES for one that the kernel does not trust; EPERM without CAP_SYS_ADMIN, and, before Linux 5.11,
/// where RLIMIT_MEMLOCK is too low.
pub fn load_device_program(program: &[Instruction]) -> Result<OwnedFd, Errno> {
    #[repr(C)]
    struct Attributes {
        kind: u32,
        count: u32,
        instructions: u64,
        license: u64,
        log: [u64; 2],
        version: u32,
        flags: u32,
    }
    let license: &CStr = c"MIT";
    let mut attributes = Attributes {
        kind: TYPE_CGROUP_DEVICE,
        count: u32::try_from(program.len()).map_err(|_| Errno::E2BIG)?,
        instructions: program.as_ptr().expose_provenance() as u64,
        license: license.as_ptr().expose_provenance() as u64,
        log: [0; 2],
        version: 0,
        flags: 0,
    };
    call(LOAD, &mut attributes).map(|number| owned(number as RawFd))
}

#[repr(C)]
struct Attachment {
    cgroup: u32,
    program: u32,
    place: u32,
    flags: u32,
    replaced: u32,
}

impl Attachment {
    fn new(cgroup: BorrowedFd<'_>, program: BorrowedFd<'_>) -> Self {
        Self {
            cgroup: cgroup.as_raw_fd() as u32,
            program: program.as_raw_fd() as u32,
            place: AT_CGROUP_DEVICE,
            flags: 0,
            replaced: 0,
        }
    }
}

/// BPF_PROG_ATTACH, beside those that are attached, or in the place of one of them.
///
/// Errors: EINVAL where none can be replaced, before Linux 5.6.
pub fn attach_device_program(
    cgroup: BorrowedFd<'_>,
    program: BorrowedFd<'_>,
    replaced: Option<BorrowedFd<'_>>,
) -> Result<(), Errno> {
    let mut attachment = Attachment::new(cgroup, program);
    attachment.flags = ALLOW_MULTI;
    if let Some(replaced) = replaced {
        attachment.flags |= REPLACE;
        attachment.replaced = replaced.as_raw_fd() as u32;
    }
    call(ATTACH, &mut attachment).map(drop)
}

/// BPF_PROG_DETACH.
pub fn detach_device_program(cgroup: BorrowedFd<'_>, program: BorrowedFd<'_>) -> Result<(), Errno> {
    call(DETACH, &mut Attachment::new(cgroup, program)).map(drop)
}

/// BPF_PROG_QUERY and BPF_PROG_GET_FD_BY_ID: the programs that are attached to this very cgroup, at most 64.
pub fn device_programs(cgroup: BorrowedFd<'_>) -> Result<Vec<OwnedFd>, Errno> {
    #[repr(C)]
    struct Attributes {
        cgroup: u32,
        place: u32,
        query_flags: u32,
        flags: u32,
        ids: u64,
        count: u32,
        padding: u32,
    }
    let mut ids = [0u32; 64];
    let mut attributes = Attributes {
        cgroup: cgroup.as_raw_fd() as u32,
        place: AT_CGROUP_DEVICE,
        query_flags: 0,
        flags: 0,
        ids: ids.as_mut_ptr().expose_provenance() as u64,
        count: 64,
        padding: 0,
    };
    call(QUERY, &mut attributes)?;
    let ids = ids.iter().take(attributes.count as usize);
    let opened = ids.map(|id| {
        let mut attributes = *id;
        call(OPEN_BY_ID, &mut attributes).map(|number| owned(number as RawFd))
    });
    // One that has gone meanwhile is not attached.
    opened
        .filter(|opened| !matches!(opened, Err(Errno::ENOENT)))
        .collect()
}
