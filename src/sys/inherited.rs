//! What the caller has left open: 0, 1 and 2, which have to be there before anything else is opened, and what it names.

use super::Errno;
use super::descriptor::{self, close_number, replace};
use super::directory;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::sync::atomic::{AtomicU8, Ordering};
use syscalls::{Sysno, syscall};

/// Why 0, 1 and 2 cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotStandard {
    /// One was closed, and there is no /dev/null for it.
    NoNull(Errno),
    /// The descriptor of this number only names a file (O_PATH): nothing can be read from it or written to it, but a directory or a file of
    /// the host's can be reached by it.
    Names(RawFd),
}

/// The descriptors that the caller had closed, a bit each.
static STAND_INS: AtomicU8 = AtomicU8::new(0);

/// Makes 0, 1 and 2 valid: what the caller closed becomes /dev/null. Otherwise our own files would
/// get those numbers, and a message to stderr would end up in one of them.
pub fn open_standard() -> Result<(), NotStandard> {
    for number in 0..3 {
        // SAFETY: no pointers. Of all calls that need a descriptor this one does the least.
        match unsafe { syscall!(Sysno::fcntl, number, libc::F_GETFL) } {
            Ok(flags) if flags as i32 & libc::O_PATH != 0 => {
                return Err(NotStandard::Names(number));
            }
            Ok(_) => {}
            Err(Errno::EBADF) => {
                // The lowest free number is the one wanted, since those below it are open by now.
                let null =
                    descriptor::open(c"/dev/null", libc::O_RDWR, 0).map_err(NotStandard::NoNull)?;
                replace(null.as_fd(), number).map_err(NotStandard::NoNull)?;
                std::mem::forget(null);
                STAND_INS.fetch_or(1 << number, Ordering::Relaxed);
            }
            Err(errno) => return Err(NotStandard::NoNull(errno)),
        }
    }
    Ok(())
}

/// Whether the caller had closed this one: what is written to it comes to no one.
pub fn is_stand_in(number: RawFd) -> bool {
    (0..3).contains(&number) && STAND_INS.load(Ordering::Relaxed) & 1 << number != 0
}

/// A descriptor that the caller left open for us and has named by its number.
///
/// Errors: EBADF if it is not open, or not for writing, or ours.
pub fn callers(number: RawFd) -> Result<BorrowedFd<'static>, Errno> {
    if number < 0 || closes_on_exec(number) {
        return Err(Errno::EBADF);
    }
    is_writable(number)?;
    // SAFETY: it is open, and not -1. It is the caller's, and not one that anything of this process owns.
    Ok(unsafe { BorrowedFd::borrow_raw(number) })
}

/// Whether what is written to it may come to someone.
///
/// Errors: EBADF if the caller had closed it, or has opened it for something else.
pub fn is_writable(number: RawFd) -> Result<(), Errno> {
    if is_stand_in(number) {
        return Err(Errno::EBADF);
    }
    // SAFETY: no pointers.
    let flags = unsafe { syscall!(Sysno::fcntl, number, libc::F_GETFL) }? as i32;
    let is_written = matches!(flags & libc::O_ACCMODE, libc::O_WRONLY | libc::O_RDWR);
    match flags & libc::O_PATH != 0 || !is_written {
        true => Err(Errno::EBADF),
        false => Ok(()),
    }
}

/// Closes what the caller has left open beside 0, 1 and 2, but for `kept`, which the caller has named.
///
/// Errors: as opening and reading /proc/self/fd.
pub fn close_callers(kept: &[BorrowedFd<'_>]) -> Result<(), Errno> {
    let listing = descriptor::open(c"/proc/self/fd", libc::O_RDONLY | libc::O_DIRECTORY, 0)?;
    directory::numbers(listing.as_fd(), |number| {
        let is_kept = kept.iter().any(|file| file.as_raw_fd() == number);
        if number > 2 && !is_kept && !closes_on_exec(number) {
            // What has come to us over an execve, and is owned by nothing of this process.
            close_number(number);
        }
    })
}

/// Whether the caller left a descriptor of this number open for us.
pub fn is_callers(number: RawFd) -> bool {
    // SAFETY: no pointers.
    let flags = unsafe { syscall!(Sysno::fcntl, number, libc::F_GETFD) };
    flags.is_ok_and(|flags| flags as i32 & libc::FD_CLOEXEC == 0)
}

/// Whether a descriptor is ours: what has come to us over an execve does not close on one, as all of ours does.
fn closes_on_exec(number: RawFd) -> bool {
    // SAFETY: no pointers.
    let flags = unsafe { syscall!(Sysno::fcntl, number, libc::F_GETFD) };
    flags.is_ok_and(|flags| flags as i32 & libc::FD_CLOEXEC != 0)
}
