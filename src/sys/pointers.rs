//! execve(2) for who may not allocate: the strings are someone else's.

use super::Errno;
use std::ffi::{CStr, c_char};
use std::marker::PhantomData;

/// The most strings of a [`Pointers`].
pub const MOST: usize = 1024;

/// Pointers to strings that someone else has, with a null one behind them: for who may not allocate.
pub struct Pointers<'a> {
    list: [*const c_char; MOST + 1],
    strings: PhantomData<&'a CStr>,
}

impl<'a> Pointers<'a> {
    /// To these strings. `None`: they are too many.
    pub fn new(strings: impl Iterator<Item = &'a CStr>) -> Option<Self> {
        let mut list = [std::ptr::null(); MOST + 1];
        let mut places = list.iter_mut();
        for string in strings {
            *places.next()? = string.as_ptr();
        }
        // The null one.
        places.next()?;
        Some(Self {
            list,
            strings: PhantomData,
        })
    }
}

/// As [`execve`](super::process::execve), with strings that someone else has.
pub fn execve(file: &CStr, arguments: &Pointers<'_>, environment: &Pointers<'_>) -> Errno {
    // SAFETY: the file is NUL-terminated; both lists point to NUL-terminated strings that are borrowed for as long as the lists
    // live, and end with a null pointer, which `new` has made sure of.
    let returned = unsafe {
        libc::execve(
            file.as_ptr(),
            arguments.list.as_ptr(),
            environment.list.as_ptr(),
        )
    };
    match returned {
        // As there.
        0 => Errno::EPERM,
        _ => Errno::last(),
    }
}
