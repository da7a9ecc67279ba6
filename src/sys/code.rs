//! The pages of the program itself.

use std::ffi::c_char;
use syscalls::{Sysno, syscall};

// Set by every linker that makes ELF programs (ld(1), PROVIDE in the default script).
unsafe extern "C" {
    static __executable_start: c_char;
    static etext: c_char;
}

/// madvise(2) with MADV_DONTNEED on the program's code: who waits for long needs the few pages of it that wait,
/// and each is in the page cache when it is needed again.
pub fn let_go() {
    const PAGE: usize = 4096;
    let start = (&raw const __executable_start).addr() & !(PAGE - 1);
    let end = (&raw const etext).addr() & !(PAGE - 1);
    // SAFETY: whole pages of the program's file, mapped privately and never written, so that what is let
    // go is read again as it was. An errno means that they stay.
    let _ = unsafe { syscall!(Sysno::madvise, start, end - start, libc::MADV_DONTNEED) };
}
