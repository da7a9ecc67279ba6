//! The monitor's side.

use super::SOCKET;
use crate::sys::{Errno, descriptor, identity, local_socket, node};
use std::ffi::CString;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// The socket in `directory`, by a name that is short whatever the directory's is: `sun_path` has room for 107 bytes.
pub(super) fn path(directory: BorrowedFd<'_>) -> Result<CString, Errno> {
    let directory = descriptor::name_in_proc(directory);
    let path = [directory.to_bytes(), b"/", SOCKET.to_bytes()].concat();
    CString::new(path).map_err(|_| Errno::EINVAL)
}

/// A socket in `directory` that waits for callers, in the place of one that a monitor has left there. Who has the
/// directory's lock may do so.
///
/// Errors: as bind(2).
pub fn listen(directory: BorrowedFd<'_>) -> Result<OwnedFd, Errno> {
    let path = path(directory)?;
    match node::remove_file(directory, SOCKET) {
        Ok(()) | Err(Errno::ENOENT) => local_socket::listen(&path),
        Err(errno) => Err(errno),
    }
}

/// The next caller who may ask something, if one waits: this process's user, or root. All others are hung up on.
pub fn accept(socket: BorrowedFd<'_>) -> Result<Option<OwnedFd>, Errno> {
    while let Some(caller) = local_socket::accept(socket)? {
        let user = local_socket::peer_user(caller.as_fd())?;
        if user == 0 || user == identity::effective_user() {
            return Ok(Some(caller));
        }
    }
    Ok(None)
}
