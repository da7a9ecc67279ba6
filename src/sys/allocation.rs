//! In debug builds, the proof of the child rule: an allocation in the child aborts it.
//!
//! Every integration test runs the debug binary, so each of them proves that nothing allocates
//! between clone and execve. Release builds have none of this.

#[cfg(debug_assertions)]
mod guard {
    use std::alloc::{GlobalAlloc, Layout, System};
    use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

    /// Set while the child of the in-process launch runs. It is in the memory that parent and child
    /// share; the parent is suspended meanwhile and clears it when it wakes.
    pub static IN_CHILD: AtomicBool = AtomicBool::new(false);

    struct Guard;

    fn check() {
        if IN_CHILD.load(Relaxed) {
            let text = b"mydocker: bug: an allocation between clone and execve\n";
            let _ = super::super::descriptor::write(super::super::descriptor::borrowed(2), text);
            super::super::process::abort();
        }
    }

    // SAFETY: every call is handed to the system's allocator unchanged; the check before it
    // neither allocates nor unwinds.
    unsafe impl GlobalAlloc for Guard {
        unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
            check();
            // SAFETY: the caller's promises are passed on.
            unsafe { System.alloc(layout) }
        }

        unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
            check();
            // SAFETY: as above.
            unsafe { System.dealloc(pointer, layout) }
        }
    }

    #[global_allocator]
    static GUARD: Guard = Guard;
}

/// From here on an allocation is a bug (debug builds only).
#[inline]
pub fn forbid() {
    #[cfg(debug_assertions)]
    guard::IN_CHILD.store(true, std::sync::atomic::Ordering::Relaxed);
}

/// The parent is awake again and may allocate.
#[inline]
pub fn allow() {
    #[cfg(debug_assertions)]
    guard::IN_CHILD.store(false, std::sync::atomic::Ordering::Relaxed);
}
