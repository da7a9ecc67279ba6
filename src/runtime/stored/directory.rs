//! The working directory in which a container is started: that of the one who made it, to which its command line is
//! relative.

use super::Stored;
use crate::error::Error;
use crate::sys::{Errno, descriptor, directory, node, process};
use std::ffi::{CStr, CString};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;

/// A directory of the container's own, for a moment.
const NOWHERE: &CStr = c"nowhere";

/// Goes there. Where that directory is gone, or closed, goes nowhere instead: to a directory that is gone as well, in which
/// no relative path leads to anything, and least of all to another file than the one that was meant.
#[cold]
#[inline(never)]
pub fn enter(stored: &Stored) -> Result<(), Error> {
    let path = &stored.answers.directory;
    let directory = CString::new(path.as_bytes()).unwrap_or_default();
    match process::change_directory(&directory) {
        Ok(()) => Ok(()),
        Err(Errno::ENOENT | Errno::ENOTDIR | Errno::EACCES) => {
            nowhere(stored).map_err(|errno| Error::new("leave", path.as_bytes(), errno))
        }
        Err(errno) => Err(Error::new("chdir", path.as_bytes(), errno)),
    }
}

fn nowhere(stored: &Stored) -> Result<(), Errno> {
    let own = stored.owned.directory();
    match node::make_directory(own, NOWHERE, 0o700) {
        Ok(()) | Err(Errno::EEXIST) => {}
        Err(errno) => return Err(errno),
    }
    let flags = libc::O_RDONLY | libc::O_DIRECTORY | libc::O_NOFOLLOW;
    let opened = descriptor::own(node::open(own, NOWHERE, flags, 0)?);
    node::remove_directory(own, NOWHERE)?;
    directory::enter(opened.as_fd())
}
