//! inotify(7): what happens to a directory.

use super::Errno;
use super::descriptor::{self, owned};
use std::ffi::CStr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use syscalls::{Sysno, syscall};

/// A descriptor that can be read when a name in `directory` has been removed, or it itself has been moved.
pub fn of_removals(directory: &CStr) -> Result<OwnedFd, Errno> {
    let events = libc::IN_DELETE | libc::IN_MOVED_FROM | libc::IN_DELETE_SELF | libc::IN_MOVE_SELF;
    watch(directory, events)
}

/// A descriptor that can be read when a file in `directory` has been written to, or closed by who could write to it, or has
/// got another name.
///
/// Errors: EMFILE for one more than the user may have.
pub fn of_writes(directory: &CStr) -> Result<OwnedFd, Errno> {
    let events = libc::IN_MODIFY | libc::IN_CLOSE_WRITE | libc::IN_CREATE | libc::IN_DELETE;
    watch(directory, events | libc::IN_MOVED_TO | libc::IN_DELETE_SELF)
}

fn watch(directory: &CStr, events: u32) -> Result<OwnedFd, Errno> {
    // SAFETY: no pointers.
    let number = unsafe { syscall!(Sysno::inotify_init1, libc::IN_CLOEXEC | libc::IN_NONBLOCK) }?;
    let watch = owned(number as RawFd);
    // SAFETY: the path is NUL-terminated and outlives the call.
    unsafe {
        syscall!(
            Sysno::inotify_add_watch,
            watch.as_fd().as_raw_fd(),
            directory.as_ptr(),
            events | libc::IN_ONLYDIR
        )
    }?;
    Ok(watch)
}

/// Takes what has happened so far.
pub fn take(watch: BorrowedFd<'_>) {
    let mut events = [0; 4096];
    while matches!(descriptor::read(watch, &mut events), Ok(1..)) {}
}
