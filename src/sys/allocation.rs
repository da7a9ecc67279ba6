//! The allocator: memory that is there when the program starts, a part of the main stack.
//!
//! A C library's first allocations cost a start four page faults and seven system calls (where the
//! heap ends, more of it, guard pages, a mapping for each size); memory of the program's own (.bss)
//! one mapping more and another fault. The few KiB that a run needs lie beside what is on the stack
//! anyway. What does not fit there lies in one mapping more, and what does not fit there either goes to the C library: it took
//! `-u` seven calls for what it has too much, and `--rootfs` 15.
//!
//! In debug builds it is also the proof of the child rule: an allocation in the child aborts it.
//! Every integration test runs the debug binary, so each of them proves that nothing allocates
//! between clone and execve.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicUsize, Ordering};
use syscalls::{Sysno, syscall};

/// A stack of allocations: the last one can grow in place and be given back, the others stay. The
/// loops of a long run allocate little and in that order; if one did not, the arena would be full,
/// and the C library's allocator would serve it. Who does the same thing again and again says when it begins anew
/// ([`keep`]): what was allocated since then is room again when all of it has been given back.
pub struct Arena {
    /// What it was given; at first nothing.
    start: Cell<*mut u8>,
    size: Cell<usize>,
    used: Cell<usize>,
    /// What lies below this stays.
    kept: Cell<usize>,
    /// How many allocations there are above that.
    live: Cell<usize>,
    /// How often [`keep`] had been called by then.
    keeps: Cell<usize>,
    /// What it was given before that: what is there stays.
    before: Cell<[(*mut u8, usize); GIFTS - 1]>,
    /// Whether it has more than it was given first, or has tried.
    has_grown: Cell<bool>,
}

/// How often it can be given memory: the first, one that is full by then, and one for who keeps what there is.
const GIFTS: usize = 3;

// SAFETY: whoever makes one promises that one thread allocates.
unsafe impl Sync for Arena {}

impl Arena {
    /// # Safety
    /// Only one thread of the program may allocate. (A child in this memory allocates nothing, see
    /// above, and one with a copy of it has an arena of its own.)
    pub const unsafe fn new() -> Self {
        Self {
            start: Cell::new(std::ptr::null_mut()),
            size: Cell::new(0),
            used: Cell::new(0),
            kept: Cell::new(0),
            live: Cell::new(0),
            keeps: Cell::new(0),
            before: Cell::new([(std::ptr::null_mut(), 0); GIFTS - 1]),
            has_grown: Cell::new(false),
        }
    }

    /// Gives it memory, at most three times: what it had is full then, or stays.
    ///
    /// # Safety
    /// Until the program ends nothing else may use that memory, nor may it go away.
    pub unsafe fn give(&self, memory: &mut [MaybeUninit<u8>]) {
        let [before, _] = self.before.get();
        self.before
            .set([(self.start.get(), self.size.get()), before]);
        self.start.set(memory.as_mut_ptr().cast());
        self.size.set(memory.len());
        self.used.set(0);
        self.kept.set(0);
        self.live.set(0);
    }

    /// Gives it a mapping of this size, once what it has is full, or for who needs more than a run of the command line does: a
    /// runtime, which reads JSON. To the C library its allocations are two system calls each, for it gives back what is free: a tenth of a start. Of
    /// the mapping there is only what is touched; without it the C library serves.
    #[cold]
    #[inline(never)]
    pub fn grow(&self, size: usize) {
        self.has_grown.set(true);
        const NO_FILE: i32 = -1;
        // SAFETY: a new mapping, where the kernel finds room.
        let mapped = unsafe {
            syscall!(
                Sysno::mmap,
                0,
                size,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
                NO_FILE,
                0
            )
        };
        let Ok(start) = mapped else { return };
        let start: *mut MaybeUninit<u8> = std::ptr::with_exposed_provenance_mut(start);
        // SAFETY: as many bytes are mapped there, and nothing else knows of them.
        let memory = unsafe { std::slice::from_raw_parts_mut(start, size) };
        // SAFETY: the mapping stays until the program ends.
        unsafe { self.give(memory) };
    }

    /// Does what [`keep`] has asked for.
    #[cold]
    #[inline(never)]
    fn keep(&self, asked: usize) {
        if self.keeps.replace(asked) == 0 && asked != 0 {
            self.grow(REPEATED);
        }
        self.kept.set(self.used.get());
        self.live.set(0);
    }

    /// Whether a pointer points to what it was given first, while it has more.
    fn is_before(&self, pointer: *mut u8) -> bool {
        let mut before = self.before.get().into_iter();
        before.any(|(start, size)| pointer.addr().wrapping_sub(start.addr()) < size)
    }

    /// Where in the arena a pointer points, if it does.
    fn offset(&self, pointer: *mut u8) -> Option<usize> {
        let offset = pointer.addr().checked_sub(self.start.get().addr())?;
        (offset < self.size.get()).then_some(offset)
    }

    fn take(&self, layout: Layout) -> Option<*mut u8> {
        let asked = KEEPS.load(Ordering::Relaxed);
        if asked != self.keeps.get() {
            self.keep(asked);
        }
        self.place(layout).or_else(|| self.place_in_more(layout))
    }

    #[cold]
    #[inline(never)]
    fn place_in_more(&self, layout: Layout) -> Option<*mut u8> {
        if self.start.get().is_null() || self.has_grown.get() {
            return None;
        }
        self.grow(SECOND);
        self.place(layout)
    }

    fn place(&self, layout: Layout) -> Option<*mut u8> {
        let start = self.start.get().addr();
        let place = start.checked_add(self.used.get())?;
        let offset = place.checked_next_multiple_of(layout.align())? - start;
        let end = offset.checked_add(layout.size())?;
        if end > self.size.get() {
            return None;
        }
        self.used.set(end);
        self.live.set(self.live.get() + 1);
        Some(self.start.get().wrapping_add(offset))
    }

    /// Takes back what lies at `offset`: at once if it is the last, with all of its neighbours when they have all been given
    /// back.
    fn give_back(&self, offset: usize, size: usize) {
        let _ = self.resize_last(offset, size, 0);
        if offset < self.kept.get() {
            self.kept.set(self.kept.get().min(self.used.get()));
            return;
        }
        self.live.set(self.live.get().saturating_sub(1));
        if self.live.get() == 0 {
            self.used.set(self.kept.get());
        }
    }

    /// Changes the size of the last allocation. Whether it was that, and there was room.
    fn resize_last(&self, offset: usize, old: usize, new: usize) -> bool {
        let last = offset + old == self.used.get();
        let end = offset
            .checked_add(new)
            .filter(|end| *end <= self.size.get());
        match end {
            Some(end) if last => {
                self.used.set(end);
                true
            }
            _ => false,
        }
    }
}

// SAFETY: `take` hands out parts of the memory that do not overlap: it only goes up, and down again by
// `resize_last` for a part that is given back or shrinks, and by `give_back` when no part above is left. Alignment is counted from the real address.
// Whether a pointer came from here or from the C library shows in its address. Nothing unwinds.
unsafe impl GlobalAlloc for Arena {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        child::check();
        match self.take(layout) {
            Some(pointer) => pointer,
            // SAFETY: the caller's promises are passed on.
            None => there(unsafe { System.alloc(layout) }),
        }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        child::check();
        match self.offset(pointer) {
            Some(offset) => self.give_back(offset, layout.size()),
            None if self.is_before(pointer) => {}
            // SAFETY: it is not ours, so it is the C library's.
            None => unsafe { System.dealloc(pointer, layout) },
        }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        child::check();
        match self.offset(pointer) {
            Some(offset) if self.resize_last(offset, layout.size(), size) => return pointer,
            None if !self.is_before(pointer) => {
                // SAFETY: it is not ours, so it is the C library's.
                return there(unsafe { System.realloc(pointer, layout, size) });
            }
            _ if size <= layout.size() => return pointer,
            _ => {}
        }
        // SAFETY: the caller promises a size that does not overflow with this alignment, and not 0.
        let new = unsafe { Layout::from_size_align_unchecked(size, layout.align()) };
        // SAFETY: as the caller's, with the layout just made.
        let to = unsafe { self.alloc(new) };
        // SAFETY: the old part has `layout.size()` bytes, the new one more, and they do not overlap.
        unsafe { pointer.copy_to_nonoverlapping(to, layout.size()) };
        if let Some(offset) = self.offset(pointer) {
            self.give_back(offset, layout.size());
        }
        to
    }
}

/// How often [`keep`] has been called.
static KEEPS: AtomicUsize = AtomicUsize::new(0);

/// Bytes for who has filled what the stack has for it: a few pages of them are touched.
const SECOND: usize = 64 * 1024;

/// Bytes for who does the same thing again and again.
const REPEATED: usize = 256 * 1024;

/// What is allocated now stays; of what is allocated from here on the place is free again when all of it has been given back.
/// The first time there is more room.
pub fn keep() {
    KEEPS.fetch_add(1, Ordering::Relaxed);
}

/// What the C library has allocated; if that is nothing, says so and leaves. Rust's own way would be an illegal
/// instruction in the small build, and nothing said. (With 125, as for what mydocker cannot do. The child, which
/// allocates nothing, does not come here; what does in re-exec is `mydocker init`, before it has begun.)
fn there(pointer: *mut u8) -> *mut u8 {
    if pointer.is_null() {
        gone()
    }
    pointer
}

#[cold]
#[inline(never)]
fn gone() -> ! {
    super::signal::survive_writes();
    let text = b"mydocker: out of memory (ENOMEM)\n";
    let _ = super::descriptor::write(super::descriptor::standard(2), text);
    super::process::exit(125)
}

/// In debug builds, the guard of the child rule. Release builds have none of this.
mod child {
    #[cfg(debug_assertions)]
    use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

    /// Set while the child of the in-process launch runs. It is in the memory that parent and child
    /// share; the parent is suspended meanwhile and clears it when it wakes.
    #[cfg(debug_assertions)]
    pub static RUNS: AtomicBool = AtomicBool::new(false);

    pub fn check() {
        #[cfg(debug_assertions)]
        if RUNS.load(Relaxed) {
            let text = b"mydocker: bug: an allocation between clone and execve\n";
            let _ = super::super::descriptor::write(super::super::descriptor::standard(2), text);
            super::super::process::abort();
        }
    }
}

/// From here on an allocation is a bug (debug builds only).
#[inline]
pub fn forbid() {
    #[cfg(debug_assertions)]
    child::RUNS.store(true, std::sync::atomic::Ordering::Relaxed);
}

/// The parent is awake again and may allocate.
#[inline]
pub fn allow() {
    #[cfg(debug_assertions)]
    child::RUNS.store(false, std::sync::atomic::Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(size: usize, align: usize) -> Layout {
        Layout::from_size_align(size, align).unwrap()
    }

    fn with_arena(test: impl FnOnce(&Arena)) {
        let mut memory = [MaybeUninit::uninit(); 256];
        // SAFETY: only the test allocates from it.
        let arena = unsafe { Arena::new() };
        assert_eq!(arena.take(layout(1, 1)), None, "nothing was given yet");
        // SAFETY: the arena ends before the memory does.
        unsafe { arena.give(&mut memory) };
        test(&arena);
    }

    #[test]
    fn a_stack_of_allocations() {
        with_arena(|arena| {
            let one = arena.take(layout(3, 16)).unwrap();
            let at = arena.offset(one).unwrap();
            let two = arena.take(layout(8, 8)).unwrap();
            assert_eq!(arena.offset(two), Some(at + 8));
            assert!(!arena.resize_last(at, 3, 0), "the first stays");
            assert!(arena.resize_last(at + 8, 8, 16), "the last grows");
            assert!(arena.resize_last(at + 8, 16, 0), "the last goes");
            assert_eq!(arena.take(layout(1, 1)), Some(two));
        });
    }

    #[test]
    fn there_is_room_again_when_all_has_been_given_back() {
        with_arena(|arena| {
            let stays = arena.take(layout(8, 8)).unwrap();
            arena.keep(0);
            let kept = arena.used.get();
            let parts = [8, 16, 24].map(|size| (arena.take(layout(size, 8)).unwrap(), size));
            for (part, size) in &parts[..2] {
                arena.give_back(arena.offset(*part).unwrap(), *size);
            }
            let used = arena.used.get();
            assert_eq!(used, kept + 48, "not while one of them is left");
            arena.give_back(arena.offset(parts[2].0).unwrap(), 24);
            assert_eq!(arena.used.get(), kept);
            arena.give_back(arena.offset(stays).unwrap(), 8);
            assert_eq!((arena.used.get(), arena.kept.get()), (kept - 8, kept - 8));
            let again = arena.take(layout(8, 8)).unwrap();
            arena.give_back(arena.offset(again).unwrap(), 8);
            assert_eq!(arena.used.get(), kept - 8);
        });
    }

    #[test]
    fn what_it_had_before_it_grew_stays() {
        with_arena(|arena| {
            // SAFETY: not of size 0.
            let old = unsafe { arena.alloc(layout(16, 16)) };
            // SAFETY: 16 bytes are its own.
            unsafe { old.write_bytes(7, 16) };
            arena.grow(4096);
            arena.grow(4096);
            assert_eq!(arena.offset(old), None);
            // SAFETY: it was allocated with this layout; the new size is not 0.
            let shrunk = unsafe { arena.realloc(old, layout(16, 16), 8) };
            assert_eq!(shrunk, old);
            // SAFETY: as above, with its size now.
            let new = unsafe { arena.realloc(old, layout(8, 16), 512) };
            assert!(arena.offset(new).is_some(), "in what it was given since");
            // SAFETY: the first 8 bytes were carried over, the rest is there.
            assert_eq!(unsafe { new.cast::<[u8; 8]>().read() }, [7; 8]);
            // SAFETY: it was allocated with this layout.
            unsafe { arena.dealloc(new, layout(512, 16)) };
            assert_eq!(arena.used.get(), 0, "the last goes");
        });
    }

    #[test]
    fn what_does_not_fit_is_in_one_more_or_the_c_librarys() {
        with_arena(|arena| {
            // SAFETY: not of size 0.
            let small = unsafe { arena.alloc(layout(16, 16)) };
            // SAFETY: 16 bytes are its own.
            unsafe { small.write_bytes(7, 16) };
            // SAFETY: it was allocated with this layout; the new size is not 0.
            let large = unsafe { arena.realloc(small, layout(16, 16), 512) };
            assert!(arena.is_before(small) && arena.offset(large).is_some());
            // SAFETY: the first 16 bytes were carried over, the rest is there.
            assert_eq!(unsafe { large.cast::<[u8; 16]>().read() }, [7; 16]);
            // SAFETY: it was allocated with this layout; the new size is not 0.
            let larger = unsafe { arena.realloc(large, layout(512, 16), SECOND + 1) };
            assert!(!arena.is_before(larger) && arena.offset(larger).is_none());
            // SAFETY: as above.
            assert_eq!(unsafe { larger.cast::<[u8; 16]>().read() }, [7; 16]);
            // SAFETY: it was allocated with this layout.
            unsafe { arena.dealloc(larger, layout(SECOND + 1, 16)) };
        });
    }
}
