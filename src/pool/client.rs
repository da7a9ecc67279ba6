//! Asking for a spare.

use super::SOCKET;
use crate::error::Error;
use crate::sys::{Errno, identity, local_socket};
use std::ffi::{CString, OsStr};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Calls the pool in `directory`. Its answer comes over the socket, while the caller does something
/// else: it is the container's first process that takes it (`child/network.rs`).
///
/// Errors: the pool is there and not for us. That it is not there, and why, is no error.
#[cold]
#[inline(never)]
pub fn call(directory: &OsStr) -> Result<Result<OwnedFd, Errno>, Error> {
    check_caller(directory)?;
    let named = named(directory);
    let path = [directory.as_bytes(), b"/", SOCKET.as_bytes()].concat();
    let connected = CString::new(path)
        .map_err(|_| Errno::EINVAL)
        .and_then(|path| local_socket::connect(&path));
    match connected {
        Ok(socket) => match local_socket::peer_user(socket.as_fd()) {
            Ok(user) if user == identity::effective_user() => Ok(Ok(socket)),
            Ok(_) => Err(Error::refused(named, "it is another user's")),
            Err(errno) => Err(Error::new("look who answers at", named, errno)),
        },
        // Not there, or not any more, or too busy.
        Err(errno @ (Errno::ENOENT | Errno::ECONNREFUSED | Errno::EAGAIN)) => Ok(Err(errno)),
        Err(errno) => Err(Error::new("connect to", named, errno)),
    }
}

/// Whether there seems to be a pool in `directory`, and if not, why, without a word to it.
///
/// Errors: it would not be for us.
#[cold]
#[inline(never)]
pub fn look(directory: &OsStr) -> Result<Result<(), Errno>, Error> {
    check_caller(directory)?;
    let is_there = Path::new(directory).join(SOCKET).exists();
    Ok(is_there.then_some(()).ok_or(Errno::ENOENT))
}

fn check_caller(directory: &OsStr) -> Result<(), Error> {
    if identity::effective_user() == 0 {
        return Ok(());
    }
    Err(Error::refused(
        named(directory),
        "it is for root: an ordinary user's containers have a user namespace each, and a network \
         namespace belongs to one",
    ))
}

fn named(directory: &OsStr) -> Vec<u8> {
    [b"--pool ", directory.as_bytes()].concat()
}
