//! Asking for a spare.

use super::SOCKET;
use crate::error::Error;
use crate::field::Field;
use crate::guard::Request;
use crate::sys::{Errno, facts, identity, local_socket};
use std::ffi::{CString, OsStr};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;

/// A call to the pool in a directory.
pub struct Call<'a> {
    directory: &'a OsStr,
}

impl<'a> Call<'a> {
    pub fn to(directory: &'a OsStr) -> Self {
        Self { directory }
    }

    /// Whether a namespace of a pool's is of any use: an ordinary user's containers have a user namespace each, and a network
    /// namespace belongs to one.
    pub fn is_possible() -> bool {
        identity::effective_user() == 0
    }
}

/// Has a pool look whether its boxes are still what they are to be: there is none for a run. (Root's run calls it anyway.)
pub fn knock(directory: &OsStr) {
    // No one waits for an answer.
    let _ = call(directory);
}

/// What comes of a call: the line on which a pool answers. In a preview there is none, for not a word was said to it.
///
/// Errors: why no pool seems to be there, which is no error of the call.
pub type Called = Result<Option<OwnedFd>, Errno>;

impl Request for Call<'_> {
    type Guard = Called;
    type Preview = Called;

    /// Calls. The answer comes over the socket, while the caller does something else: it is the container's first
    /// process that takes it (`child/network.rs`).
    ///
    /// Errors: the pool is there and not for us.
    fn acquire(self) -> Result<Called, Error> {
        call(self.directory)
    }

    fn preview(self) -> Result<Called, Error> {
        let found = path(self.directory).and_then(|path| facts::identity_of(&path));
        Ok(found.map(|_| None))
    }
}

#[cold]
#[inline(never)]
fn call(directory: &OsStr) -> Result<Called, Error> {
    let named = named(directory);
    let connected = path(directory).and_then(|path| local_socket::connect(&path));
    match connected {
        Ok(socket) => match local_socket::peer_user(socket.as_fd()) {
            Ok(user) if user == identity::effective_user() => Ok(Ok(Some(socket))),
            Ok(_) => Err(Error::refused(named, "it is another user's")),
            Err(errno) => Err(Error::new("look who answers at", named, errno)),
        },
        // Not there, or not any more, or too busy.
        Err(errno @ (Errno::ENOENT | Errno::ECONNREFUSED | Errno::EAGAIN)) => Ok(Err(errno)),
        Err(errno) => Err(Error::new("connect to", named, errno)),
    }
}

fn path(directory: &OsStr) -> Result<CString, Errno> {
    let path = [directory.as_bytes(), b"/", SOCKET.as_bytes()].concat();
    CString::new(path).map_err(|_| Errno::EINVAL)
}

fn named(directory: &OsStr) -> Vec<u8> {
    [Field::Pool.spelled().as_bytes(), b" ", directory.as_bytes()].concat()
}
