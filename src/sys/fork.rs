//! fork(2), for a process of mydocker's own that goes on beside this one: a container's monitor.
//!
//! The C library's, unlike the child of [`super::clone`]: what runs in the copy is mydocker's usual code, which allocates and
//! formats, and the C library has to know that it is another process by then.

use super::{Errno, Pid, process};

/// Runs `run` in a copy of this process, which ends with what it returns: nothing of the caller's frames runs there, and
/// what they hold is not dropped there, but closed by the kernel.
///
/// Errors: EAGAIN and ENOMEM, as fork(2).
pub fn fork_off(run: impl FnOnce() -> u8) -> Result<Pid, Errno> {
    // SAFETY: mydocker never makes a thread, so that no lock is held by one that is not there in the copy. (A test that has
    // threads runs mydocker as a program.) No handler is installed by pthread_atfork(3).
    match unsafe { libc::fork() } {
        -1 => Err(Errno::last()),
        0 => process::exit(i32::from(run())),
        pid => Ok(pid),
    }
}
