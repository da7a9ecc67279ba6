//! The one process that may be in this memory while no one who shares it is suspended for it (`clone_beside.rs`): whether it is
//! there.

use std::sync::atomic::{AtomicU32, Ordering};
use syscalls::{Sysno, syscall};

/// Its pid while it is there, as its parent knows it, else 0. The kernel writes both: the one when nothing can fail any more
/// and before it runs (CLONE_PARENT_SETTID), the other when it has left (CLONE_CHILD_CLEARTID). For who starts it may be
/// killed at any moment: what it had written itself might stay for good.
static PID: AtomicU32 = AtomicU32::new(0);

/// For who is to start it: where the kernel writes. `None`: one is there. (The zero is written once more, so that no page is
/// missing when the kernel writes, who would not tell that it could not.)
pub(super) fn word() -> Option<*mut u32> {
    let is_free = PID.compare_exchange(0, 0, Ordering::SeqCst, Ordering::SeqCst);
    is_free.is_ok().then_some(PID.as_ptr())
}

/// For whose memory it is, when its own child has left it: waits until the guest has, too.
///
/// The kernel (before 4.8, and gVisor) writes nothing for a process that is killed: there nobody is to be started so
/// ([`parent_watch::is_told_of_every_end`](super::parent_watch::is_told_of_every_end)).
#[inline]
pub(super) fn await_end() {
    loop {
        let pid = PID.load(Ordering::SeqCst);
        if pid == 0 {
            return;
        }
        // SAFETY: the kernel compares the word, and reads no time. (Where the call is denied this turns until the end has come.)
        let waited = unsafe { syscall!(Sysno::futex, PID.as_ptr(), libc::FUTEX_WAIT, pid, 0) };
        if waited.is_ok() {
            // The kernel wakes one, and another thread may wait for its own child as well.
            // SAFETY: the kernel wakes who waits for the word, and writes nothing.
            let _ = unsafe { syscall!(Sysno::futex, PID.as_ptr(), libc::FUTEX_WAKE, 1) };
        }
    }
}

#[cfg(test)]
pub(super) fn is_there() -> bool {
    PID.load(Ordering::SeqCst) != 0
}
