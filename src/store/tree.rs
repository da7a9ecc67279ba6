//! What is in a container's directory is removed, whatever it is.

use crate::sys::{Errno, descriptor, directory, node};
use std::ffi::CStr;
use std::os::fd::{AsFd, BorrowedFd};

/// How deep a tree may be: nothing of ours has directories there at all.
const DEEPEST: u32 = 32;

/// Removes a name of a directory with all that is beneath it. No link is followed, and nothing that is mounted there is
/// entered. A name that is not there is removed.
///
/// Errors: as unlink(2) and open(2); EXDEV for what is mounted, ELOOP where it is too deep.
#[cold]
#[inline(never)]
pub(super) fn remove(above: BorrowedFd<'_>, name: &CStr) -> Result<(), Errno> {
    remove_at(above, name, 0)
}

fn remove_at(above: BorrowedFd<'_>, name: &CStr, depth: u32) -> Result<(), Errno> {
    match node::remove_file(above, name) {
        // POSIX has EPERM for a directory, and some file systems do.
        Err(Errno::EISDIR | Errno::EPERM) => {}
        Err(Errno::ENOENT) => return Ok(()),
        removed => return removed,
    }
    if depth == DEEPEST {
        return Err(Errno::ELOOP);
    }
    let inner = descriptor::own(node::open_inner(above, name)?);
    for name in directory::names(inner.as_fd())? {
        remove_at(inner.as_fd(), &name, depth + 1)?;
    }
    match node::remove_directory(above, name) {
        Err(Errno::ENOENT) => Ok(()),
        removed => removed,
    }
}
