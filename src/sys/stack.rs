//! The stack a child is born on.

use super::Errno;
use std::ffi::c_void;
use syscalls::{Sysno, syscall};

/// Bytes the child may use. Only the pages it touches are ever made real, so generosity is free.
const USABLE: usize = 256 * 1024;

/// Bytes of the guard below it: at least one page on every page size Linux has.
const GUARD: usize = 64 * 1024;

/// Memory for a child's stack, with a guard below it: an overflow is a fault, not a scribble over
/// the parent's memory.
///
/// It is never unmapped: a process makes one or two of them and does not live long after. Unmapping
/// memory that a child has used takes an interrupt of the processor on which the child goes on, to
/// make it forget the addresses. That is 3 % of a start.
pub struct ChildStack {
    base: *mut c_void,
}

impl ChildStack {
    /// Maps a fresh stack. Errors: as mmap(2) and mprotect(2), in practice ENOMEM.
    pub fn new() -> Result<Self, Errno> {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_STACK | libc::MAP_NORESERVE;
        // SAFETY: an anonymous mapping at an address of the kernel's choosing touches no memory
        // that exists; descriptor -1 is what MAP_ANONYMOUS wants.
        let base = unsafe {
            syscall!(
                Sysno::mmap,
                0,
                USABLE + GUARD,
                libc::PROT_NONE,
                flags,
                -1isize,
                0
            )
        }?;
        let stack = Self {
            base: base as *mut c_void,
        };
        // SAFETY: the range lies inside the mapping made above, which nothing else knows of yet.
        unsafe {
            syscall!(
                Sysno::mprotect,
                base + GUARD,
                USABLE,
                libc::PROT_READ | libc::PROT_WRITE
            )
        }?;
        Ok(stack)
    }

    /// The address just past the highest byte: stacks grow down on every architecture we build
    /// for. It is page-aligned, hence aligned as both ABIs want it.
    pub(super) fn top(&self) -> usize {
        self.base as usize + GUARD + USABLE
    }
}
