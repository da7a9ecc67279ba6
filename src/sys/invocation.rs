//! How this program was executed, so that it can be executed once more from another file.

use super::Errno;
use std::ffi::{CStr, OsStr, OsString, c_char};
use std::os::fd::{AsRawFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;
use syscalls::{Sysno, syscall};

unsafe extern "C" {
    static environ: *const *const c_char;
}

/// The arguments of this process, as the kernel gave them.
#[derive(Clone, Copy)]
pub struct Invocation {
    arguments: *const *const c_char,
}

impl Invocation {
    /// # Safety
    /// `arguments` is a null-terminated array of strings that stay as they are for as long as the process lives.
    pub unsafe fn new(arguments: *const *const c_char) -> Self {
        Self { arguments }
    }

    /// The arguments, the program's name first.
    pub fn arguments(&self) -> Vec<OsString> {
        let mut words = Vec::new();
        let mut next = self.arguments;
        loop {
            // SAFETY: within the array, whose null pointer has not been met yet; see `new`.
            let word = unsafe { *next };
            if word.is_null() {
                return words;
            }
            // SAFETY: a NUL-terminated string that stays as it is, as `new` was promised.
            let word = unsafe { CStr::from_ptr(word) };
            words.push(OsStr::from_bytes(word.to_bytes()).to_owned());
            // SAFETY: the null pointer comes behind this one, so the next is in the array.
            next = unsafe { next.add(1) };
        }
    }

    /// execveat(2) of an open file, with the same arguments and the same environment. Returns only if it failed.
    pub fn again(&self, file: BorrowedFd<'_>) -> Errno {
        // SAFETY: the C library sets it before `main`, to the null-terminated array that the kernel gave it or to
        // one of its own; mydocker changes no variable and makes no thread.
        let environment = unsafe { environ };
        // SAFETY: the path is an empty NUL-terminated string; the arguments are as `new` was promised.
        let executed = unsafe {
            syscall!(
                Sysno::execveat,
                file.as_raw_fd(),
                c"".as_ptr(),
                self.arguments,
                environment,
                libc::AT_EMPTY_PATH
            )
        };
        executed.err().unwrap_or(Errno::EIO)
    }
}
