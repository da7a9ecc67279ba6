//! The monitor's side.

use crate::sys::{Errno, identity, local_socket};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// Whether a user may ask a monitor of this process's user, or be asked as one.
pub(super) fn is_trusted(user: u32) -> bool {
    user == 0 || user == identity::effective_user()
}

/// The next caller who may ask something, if one waits: this process's user, or root. All others are hung up on.
pub fn accept(socket: BorrowedFd<'_>) -> Result<Option<OwnedFd>, Errno> {
    while let Some(caller) = local_socket::accept(socket)? {
        if is_trusted(local_socket::peer_user(caller.as_fd())?) {
            return Ok(Some(caller));
        }
    }
    Ok(None)
}
