//! The one process that may be in this memory while no one who shares it is suspended for it (`clone_beside.rs`): whether it is
//! there.

use std::sync::atomic::{AtomicU32, Ordering};
use syscalls::{Sysno, syscall};

/// 1 while it is there. The kernel writes the zero (CLONE_CHILD_CLEARTID).
static IS_THERE: AtomicU32 = AtomicU32::new(0);

/// For who is to start it. `false`: there is one.
pub(super) fn announce() -> bool {
    IS_THERE.swap(1, Ordering::SeqCst) == 0
}

/// It has not come.
pub(super) fn call_off() {
    IS_THERE.store(0, Ordering::SeqCst);
}

/// Where the kernel writes the zero when it has left.
pub(super) fn word() -> *mut u32 {
    IS_THERE.as_ptr()
}

/// For whose memory it is, when its own child has left it: waits until the guest has, too.
///
/// The kernel (before 4.8, and gVisor) writes nothing for a process that is killed: there nobody is to be started so
/// ([`parent_watch::is_told_of_every_end`](super::parent_watch::is_told_of_every_end)).
#[inline]
pub(super) fn await_end() {
    while IS_THERE.load(Ordering::SeqCst) != 0 {
        // SAFETY: the kernel compares the word, and reads no time. (Where the call is denied this turns until the end has come.)
        let _ = unsafe { syscall!(Sysno::futex, IS_THERE.as_ptr(), libc::FUTEX_WAIT, 1, 0) };
    }
}

#[cfg(test)]
pub(super) fn is_there() -> bool {
    IS_THERE.load(Ordering::SeqCst) != 0
}
