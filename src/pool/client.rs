//! Asking for a spare.

use super::{SOCKET, SPARE};
use crate::error::Error;
use crate::sys::descriptor::{self, Waiting};
use crate::sys::{Errno, identity, local_socket};
use std::ffi::{CString, OsStr};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;

/// How long an answer is waited for, in milliseconds: longer than the pool takes to make the
/// namespace that it may be at, shorter than anyone would call a hang.
const PATIENCE: i32 = 50;

/// A call that has been made and will be answered while the caller does something else.
pub struct Request(Result<OwnedFd, Errno>);

impl Request {
    /// Calls the pool in `directory`.
    ///
    /// Errors: the pool is there and not for us. That it is not there is no error.
    pub fn new(directory: &OsStr) -> Result<Self, Error> {
        let named = [b"--pool ", directory.as_bytes()].concat();
        if identity::effective_user() != 0 {
            return Err(Error::refused(
                named,
                "it is for root: an ordinary user's containers have a user namespace each, and a \
                 network namespace belongs to one",
            ));
        }
        let path = [directory.as_bytes(), b"/", SOCKET.as_bytes()].concat();
        let connected = CString::new(path)
            .map_err(|_| Errno::EINVAL)
            .and_then(|path| local_socket::connect(&path));
        match connected {
            Ok(socket) => match local_socket::peer_user(socket.as_fd()) {
                Ok(user) if user == identity::effective_user() => Ok(Self(Ok(socket))),
                Ok(_) => Err(Error::refused(named, "it is another user's")),
                Err(errno) => Err(Error::new("look who answers at", named, errno)),
            },
            // Not there, or not any more, or too busy.
            Err(errno @ (Errno::ENOENT | Errno::ECONNREFUSED | Errno::EAGAIN)) => {
                Ok(Self(Err(errno)))
            }
            Err(errno) => Err(Error::new("connect to", named, errno)),
        }
    }

    /// The answer: a spare, or why there is none.
    pub fn answer(self) -> Result<OwnedFd, Errno> {
        let socket = self.0?;
        let mut waiting = [Waiting::to_read(socket.as_fd())];
        descriptor::wait(&mut waiting, PATIENCE)?;
        match local_socket::receive(socket.as_fd())? {
            Some((SPARE, Some(spare))) => Ok(spare),
            Some(_) => Err(Errno::ENOENT),
            // It has died.
            None => Err(Errno::ECONNRESET),
        }
    }
}
