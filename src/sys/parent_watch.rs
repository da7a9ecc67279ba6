//! Whether the parent lives, as a child in its memory sees it.
//!
//! The kernel can write a zero to an address when a thread ends: set_tid_address(2), which the C
//! library uses to join threads, and we to tell the child. It does so only if another process still
//! uses the memory, which is the case that matters, and before it sends death signals (`exit_mm` and
//! then `exit_notify` in `do_exit`). So a child that asks for a death signal and *then* finds the
//! word untouched gets that signal whenever the parent ends: there is no moment between.
//!
//! Before Linux 4.8 a thread that is killed writes nothing, nor does it in gVisor, whose release is an
//! old one. There the parent is not to rely on it ([`is_told_of_every_end`]).

use super::Errno;
use std::sync::atomic::{AtomicU32, Ordering, fence};
use syscalls::{Sysno, syscall};

/// A global, because the kernel keeps its address until the process ends.
static PARENT_LIVES: AtomicU32 = AtomicU32::new(1);

/// For the parent, before it makes a child in its memory.
///
/// The C library's use of the address is lost: a thread that joins the main one would wait for ever.
/// mydocker makes no threads.
pub fn announce_end() -> Result<(), Errno> {
    // Written, so that the page is there when the kernel has to write it, whatever is short by then.
    PARENT_LIVES.store(1, Ordering::SeqCst);
    // SAFETY: the word lives as long as the process.
    unsafe { syscall!(Sysno::set_tid_address, PARENT_LIVES.as_ptr()) }.map(drop)
}

/// For that child, after it has asked for a death signal.
pub fn parent_has_ended() -> bool {
    // What was asked for is to be seen by others before we look: the kernel, on its side, writes the
    // word before it looks for death signals.
    fence(Ordering::SeqCst);
    PARENT_LIVES.load(Ordering::SeqCst) == 0
}

/// Whether a kernel of this version writes the word however the parent ends.
pub fn is_told_of_every_end(kernel: (u32, u32)) -> bool {
    kernel >= (4, 8)
}
