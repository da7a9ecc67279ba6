//! What /proc tells of the process itself, also where the host has no proc mounted, or something else there. Allocates
//! nothing: the child uses it, in a mount namespace that is its own.

use super::facts::{self, FileSystem};
use super::mount::{self, MountFlags};
use super::node::{self, HERE};
use super::{Errno, descriptor};
use std::ffi::CStr;
use std::os::fd::BorrowedFd;

/// Opens a file below /proc/self for reading.
///
/// Where that is none of proc's, by a proc of our own, which lies on top of / for the time (and takes 70 us more).
pub fn open(name: &CStr) -> Result<BorrowedFd<'static>, Errno> {
    if let Some(opened) = open_in(c"/proc/self", name)? {
        return Ok(opened);
    }
    let kind = Some(c"proc");
    mount::mount(kind, c"/", kind, MountFlags::NONE, None)?;
    let opened = open_in(c"/../self", name);
    mount::detach(c"/..")?;
    opened?.ok_or(Errno::ENODEV)
}

/// /proc/self/fd, if there is a proc: the names in it lead to what the descriptors are.
///
/// Errors: ENODEV if there is none.
pub fn descriptors() -> Result<BorrowedFd<'static>, Errno> {
    open_in(c"/proc/self", c"fd")?.ok_or(Errno::ENODEV)
}

/// Writes `value` to a file below /proc/sys, as a whole: by `proc`, or by /proc if that is one. The file is the one of the
/// namespaces that this process is in, whichever proc it is.
///
/// Errors: ENODEV if what is mounted on /proc is none, and so would be written to.
pub fn set(proc: Option<BorrowedFd<'_>>, path: &CStr, value: &[u8]) -> Result<(), Errno> {
    let Some(proc) = proc else {
        let proc = node::open(HERE, c"/proc", libc::O_PATH | libc::O_DIRECTORY, 0)?;
        let done = match facts::file_system(proc) {
            Ok(found) if found.is_proc() => set(Some(proc), path, value),
            Ok(_) => Err(Errno::ENODEV),
            Err(errno) => Err(errno),
        };
        descriptor::close(proc);
        return done;
    };
    let directory = node::find_inner(proc, c"sys")?;
    let opened = node::open_beneath(directory, path, libc::O_WRONLY);
    descriptor::close(directory);
    let file = opened?;
    let written = descriptor::write(file, value);
    descriptor::close(file);
    match written? {
        whole if whole == value.len() => Ok(()),
        _ => Err(Errno::EIO),
    }
}

/// None if the directory is not there, or not proc's.
fn open_in(directory: &CStr, name: &CStr) -> Result<Option<BorrowedFd<'static>>, Errno> {
    let directory = match node::open(HERE, directory, libc::O_PATH | libc::O_DIRECTORY, 0) {
        Err(Errno::ENOENT | Errno::ENOTDIR | Errno::ELOOP | Errno::EACCES) => return Ok(None),
        directory => directory?,
    };
    let opened = match facts::file_system(directory).map(FileSystem::is_proc) {
        Ok(true) => node::open(directory, name, libc::O_RDONLY, 0).map(Some),
        Ok(false) => Ok(None),
        Err(errno) => Err(errno),
    };
    descriptor::close(directory);
    opened
}
