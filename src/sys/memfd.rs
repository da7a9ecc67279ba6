//! memfd_create(2) and its seals: how the plan reaches the re-executed init.

use super::Errno;
use super::descriptor;
use std::ffi::CStr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use syscalls::{Sysno, syscall};

/// No one can change, shrink or grow the file any more, nor take these seals away.
const ALL_SEALS: i32 =
    libc::F_SEAL_SEAL | libc::F_SEAL_SHRINK | libc::F_SEAL_GROW | libc::F_SEAL_WRITE;

/// A memory file that holds `content` and can never be changed.
pub fn sealed(name: &CStr, content: &[u8]) -> Result<OwnedFd, Errno> {
    // SAFETY: the name is NUL-terminated and outlives the call.
    let number = unsafe {
        syscall!(
            Sysno::memfd_create,
            name.as_ptr(),
            libc::MFD_CLOEXEC | libc::MFD_ALLOW_SEALING
        )
    }?;
    let file = descriptor::owned(number as i32);
    descriptor::write_all(file.as_fd(), content)?;
    // SAFETY: no pointers.
    unsafe { syscall!(Sysno::fcntl, file.as_raw_fd(), libc::F_ADD_SEALS, ALL_SEALS) }?;
    Ok(file)
}

/// Whether `file` is a memory file with every seal, as [`sealed`] makes it.
pub fn is_sealed(file: BorrowedFd<'_>) -> bool {
    // SAFETY: no pointers; a descriptor that is no memory file, or none at all, gives an errno.
    let seals = unsafe { syscall!(Sysno::fcntl, file.as_raw_fd(), libc::F_GET_SEALS) };
    seals.is_ok_and(|seals| seals as i32 & ALL_SEALS == ALL_SEALS)
}
