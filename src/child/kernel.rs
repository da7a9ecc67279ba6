//! Calls of the kernel that more than one step makes, with what each has to mind.

use crate::sys::{Errno, descriptor, facts};
use std::ffi::CStr;

/// A user may have so many keys, and those of containers that have ended count for a while.
pub fn join_keyring(join: impl Fn() -> Result<(), Errno>) -> Result<(), Errno> {
    const TRIES: u32 = 20;
    const PAUSE: i32 = 10;
    let mut joined = join();
    for _ in 1..TRIES {
        if joined != Err(Errno::EDQUOT) {
            break;
        }
        descriptor::wait(&mut [], PAUSE)?;
        joined = join();
    }
    match joined {
        // A kernel without keys keeps none of the caller's either.
        Err(Errno::ENOSYS) => Ok(()),
        joined => joined,
    }
}

/// Writes a file of /proc, whole and at once, as the id maps want it.
pub fn write_file(path: &CStr, content: &[u8]) -> Result<(), Errno> {
    let file = descriptor::open_undropped(path, libc::O_WRONLY)?;
    // What is mounted on /proc need not be one: then this would write a file, and map no one.
    let result = match facts::file_system(file.as_fd()) {
        Ok(found) if found.is_proc() => descriptor::write(file.as_fd(), content),
        Ok(_) => Err(Errno::ENODEV),
        Err(errno) => Err(errno),
    };
    descriptor::close(file);
    match result? {
        whole if whole == content.len() => Ok(()),
        _ => Err(Errno::EIO),
    }
}
