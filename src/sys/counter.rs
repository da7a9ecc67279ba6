//! eventfd(2): a number that is written and read, and by which nothing else can be reached.

use super::Errno;
use super::descriptor::{self, owned};
use std::os::fd::{BorrowedFd, OwnedFd, RawFd};
use syscalls::{Sysno, syscall};

/// A counter at 0, close-on-exec. A read does not wait.
pub fn new() -> Result<OwnedFd, Errno> {
    // SAFETY: no pointers.
    let number = unsafe { syscall!(Sysno::eventfd2, 0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) }?;
    Ok(owned(number as RawFd))
}

/// What was written to a counter since the last time; `None`: nothing.
pub fn take(counter: BorrowedFd<'_>) -> Option<u64> {
    let mut number = [0; 8];
    match descriptor::read(counter, &mut number) {
        Ok(8) => Some(u64::from_ne_bytes(number)),
        _ => None,
    }
}
