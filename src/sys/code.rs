//! The pages of the program itself, and of its stack.

use super::Errno;
use super::descriptor::{self, Waiting};
use super::signal::{self, SignalSet, Taken};
use std::ffi::c_char;
use std::mem::MaybeUninit;
use std::time::Duration;
use syscalls::{Sysno, syscall};

const PAGE: usize = 4096;

/// As much of the stack as a start takes and a wait does not.
const STACK: usize = 16 * PAGE;

/// More parts than linkers make that cannot be written: one, or headers, code and constants; and what one of them is without
/// its middle.
const MOST: usize = 5;

// Set by every linker that makes ELF programs (ld(1), PROVIDE in the default script).
unsafe extern "C" {
    static __executable_start: c_char;
}

/// [`descriptor::wait`] for long: with the program let go, and what the stack has needed before.
///
/// Errors: as those of [`descriptor::wait`].
#[cold]
#[inline(never)]
pub fn rest(waiting: &mut [Waiting], timeout: i32) -> Result<(), Errno> {
    let_stack_go();
    let program = Segments::find().but((rest as *const ()).addr());
    program.let_go();
    descriptor::wait_here(waiting, timeout)
}

/// [`signal::wait_at_most`], or for however long, with the program let go.
///
/// Errors: as those of [`signal::wait_at_most`].
#[cold]
#[inline(never)]
pub fn rest_for_signal(set: SignalSet, longest: Option<Duration>) -> Result<Option<Taken>, Errno> {
    let program = Segments::find().but((rest_for_signal as *const ()).addr());
    program.let_go();
    signal::wait_here(set, longest)
}

/// madvise(2) with MADV_DONTNEED on what lies below on the stack, where calls that are over have left what they had.
#[cold]
#[inline(never)]
fn let_stack_go() {
    // That it is there, and that it is no one else's, is what a variable is.
    let mut room = MaybeUninit::<[u8; STACK]>::uninit();
    let start = room.as_mut_ptr().addr();
    let first = start.next_multiple_of(PAGE);
    let size = (start + STACK - first) & !(PAGE - 1);
    // SAFETY: whole pages of a variable that has no value yet, so that none is lost; of memory that is the stack's own, and
    // private, and so is there again, as zeros, when it is needed. An errno means that it stays.
    let _ = unsafe { syscall!(Sysno::madvise, first, size, libc::MADV_DONTNEED) };
}

/// Where the program's code and constants are: start and size.
struct Segments([(usize, usize); MOST]);

impl Segments {
    /// Before any of them is let go, for the program's headers are in one.
    fn find() -> Self {
        let mut found = [(0, 0); MOST];
        // SAFETY: no pointers; 0 where the kernel has not told.
        let headers = unsafe { libc::getauxval(libc::AT_PHDR) };
        // SAFETY: as above.
        let count = unsafe { libc::getauxval(libc::AT_PHNUM) };
        let headers = headers as *const libc::Elf64_Phdr;
        if headers.is_null() {
            return Self(found);
        }
        let mut used = 0;
        // Where the program is, behind where it was linked to be: by the first segment, which begins with it.
        let mut moved = None;
        for index in 0..count as usize {
            // SAFETY: the kernel tells where the program's headers are in its own memory, and how many (getauxval(3)). They
            // are part of a segment that is never unmapped.
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
            let end = end.next_multiple_of(PAGE);
            let start = moved.wrapping_add(first) & !(PAGE - 1);
            match found.get_mut(..used).and_then(<[_]>::last_mut) {
                // Headers, code and constants follow each other, page by page: one call lets them all go.
                Some((before, size)) if *before + *size == start => *size = end - *before,
                _ => {
                    if let Some(free) = found.get_mut(used) {
                        *free = (start, end - start);
                        used += 1;
                    }
                }
            }
        }
        Self(found)
    }

    /// All of it but the function that begins at `own`, which is shorter than a page, and may begin at the end of one.
    #[cold]
    #[inline(never)]
    fn but(mut self, own: usize) -> Self {
        let kept = own & !(PAGE - 1);
        let mut behind = (0, 0);
        for (start, size) in &mut self.0 {
            if let Some(before) = kept.checked_sub(*start).filter(|before| before < size) {
                let rest = size.saturating_sub(before + 2 * PAGE);
                behind = (kept + 2 * PAGE, rest);
                *size = before;
            }
        }
        if let Some(free) = self.0.last_mut() {
            *free = behind;
        }
        self
    }

    /// madvise(2) with MADV_DONTNEED on them: who waits for long needs none of it but the code that waits, and each page is in
    /// the page cache when it is needed again.
    ///
    /// That code stays, and has this and the wait in one piece: what is let go and then executed is a page fault, and comes back
    /// with its neighbours, 64 KiB of them (/sys/kernel/debug/fault_around_bytes).
    #[inline(always)]
    fn let_go(&self) {
        for &(start, size) in &self.0 {
            if size == 0 {
                continue;
            }
            // SAFETY: whole pages of a segment of the program's file that is mapped privately and cannot be written, so that
            // what is let go is read again as it was. An errno means that it stays.
            let _ = unsafe { syscall!(Sysno::madvise, start, size, libc::MADV_DONTNEED) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_let_go_is_there_again() {
        let before = [7; STACK];
        let found = Segments::find().0;
        assert!(found.iter().any(|(start, size)| {
            let here = (rest as *const ()).addr();
            (*start..start + size).contains(&here)
        }));
        for _ in 0..2 {
            assert_eq!(rest(&mut [], 0), Ok(()));
            assert_eq!(Segments::find().0, found);
        }
        assert_eq!(before, [7; STACK]);
        let none = rest_for_signal(SignalSet::EMPTY, Some(Duration::ZERO));
        assert_eq!(none, Ok(None));
        assert_eq!(Segments::find().0, found);
    }
}
