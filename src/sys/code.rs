//! The pages of the program itself.

use std::ffi::c_char;
use syscalls::{Sysno, syscall};

// Set by every linker that makes ELF programs (ld(1), PROVIDE in the default script).
unsafe extern "C" {
    static __executable_start: c_char;
}

/// madvise(2) with MADV_DONTNEED on the program's code and constants: who waits for long needs the few pages of them that
/// wait, and each is in the page cache when it is needed again.
pub fn let_go() {
    const PAGE: usize = 4096;
    // SAFETY: no pointers; 0 where the kernel has not told.
    let headers = unsafe { libc::getauxval(libc::AT_PHDR) };
    // SAFETY: as above.
    let count = unsafe { libc::getauxval(libc::AT_PHNUM) };
    let headers = headers as *const libc::Elf64_Phdr;
    if headers.is_null() {
        return;
    }
    // Where the program is, behind where it was linked to be: by the first segment, which begins with it.
    let mut moved = None;
    for index in 0..count as usize {
        // SAFETY: the kernel tells where the program's headers are in its own memory, and how many (getauxval(3)). They are
        // part of a segment that is never unmapped.
        let header = unsafe { headers.add(index) };
        // SAFETY: as above.
        let header = unsafe { &*header };
        if header.p_type != libc::PT_LOAD {
            continue;
        }
        let first = header.p_vaddr as usize;
        let start = (&raw const __executable_start).addr();
        let moved = *moved.get_or_insert(start.wrapping_sub(first));
        if header.p_flags & libc::PF_W != 0 {
            continue;
        }
        let end = moved.wrapping_add(first + header.p_memsz as usize);
        let start = moved.wrapping_add(first) & !(PAGE - 1);
        // SAFETY: a segment of the program's file that is mapped privately and cannot be written, so that what is let go is
        // read again as it was. An errno means that it stays.
        let _ = unsafe { syscall!(Sysno::madvise, start, end - start, libc::MADV_DONTNEED) };
    }
}
