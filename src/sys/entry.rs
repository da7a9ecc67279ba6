//! The C library's way into the program: `main` itself instead of Rust's start-up code before it.
//!
//! That code (an alternate signal stack, a handler for stack overflow, polling and repairing
//! 0 to 2, ignoring SIGPIPE) costs page faults and system calls in every start, and a container
//! runtime undoes most of it. What we want of it, `main` does itself. Compiled into the binary
//! alone, not into the library, which tests link with a `main` of their own.

use mydocker::sys::allocation::Arena;
use mydocker::sys::invocation::Invocation;
use std::ffi::{CStr, OsStr, OsString, c_char, c_int};
use std::mem::MaybeUninit;
use std::os::unix::ffi::OsStrExt;

// SAFETY: mydocker never makes a thread. (Tests do, and link the library without this.)
#[global_allocator]
static ALLOCATOR: Arena = unsafe { Arena::new() };

/// Bytes for it. A usual run needs two thirds of them, one with a reaper nearly all; what another user, limits or a root need
/// beyond lies in a mapping.
const MEMORY: usize = 4 * 1024;

/// Bytes for a runtime, see [`Arena::grow`]. An engine's config.json of 12 KiB takes half of them.
const RUNTIMES: usize = 256 * 1024;

/// # Safety
/// Called once, by the C library, as C99 5.1.2.2.1 says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn main(count: c_int, arguments: *const *const c_char) -> c_int {
    let mut memory = [MaybeUninit::uninit(); MEMORY];
    // SAFETY: when this function returns the program ends, and nothing is allocated or freed then.
    unsafe { ALLOCATOR.give(&mut memory) };
    // SAFETY: the array ends with a null pointer (C99 5.1.2.2.1), and neither the C library nor we change it.
    let invocation = unsafe { Invocation::new(arguments) };
    let arguments: Vec<OsString> = (0..usize::try_from(count).unwrap_or(0))
        .map(|index| {
            // SAFETY: the array has `count` entries.
            let entry = unsafe { arguments.add(index) };
            // SAFETY: in bounds, as above; the C library fills every entry.
            let argument = unsafe { *entry };
            // SAFETY: each entry is a NUL-terminated string that lives as long as the process.
            let argument = unsafe { CStr::from_ptr(argument) };
            OsStr::from_bytes(argument.to_bytes()).to_owned()
        })
        .collect();
    if mydocker::is_runtime(&arguments) {
        ALLOCATOR.grow(RUNTIMES);
    }
    c_int::from(mydocker::main(arguments, &invocation))
}
