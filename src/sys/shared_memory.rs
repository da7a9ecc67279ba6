//! Memory that a process has in common with its children, where they have copies of all else.

use super::{Errno, facts, memfd};
use std::ffi::CStr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::sync::atomic::AtomicU64;
use syscalls::{Sysno, syscall};

/// A mapping of words, 0 at first, each written and read at once.
pub struct SharedMemory {
    start: *const AtomicU64,
    count: usize,
}

impl SharedMemory {
    /// For children that keep what they are cloned with.
    pub fn new(count: usize) -> Result<Self, Errno> {
        Self::map(count, libc::MAP_ANONYMOUS, -1)
    }

    /// For those that execute something, too: they find the file and map it once more.
    pub fn with_file(name: &CStr, count: usize) -> Result<(Self, OwnedFd), Errno> {
        let file = memfd::of_size(name, bytes(count)?)?;
        let mapped = Self::map(count, 0, file.as_fd().as_raw_fd())?;
        Ok((mapped, file))
    }

    /// What another process made [`with_file`](Self::with_file).
    ///
    /// Errors: EINVAL if it is no such file.
    pub fn of(file: BorrowedFd<'_>) -> Result<Self, Errno> {
        if !memfd::keeps_its_size(file) {
            return Err(Errno::EINVAL);
        }
        let size = facts::facts(file)?.size;
        let count = usize::try_from(size).map_err(|_| Errno::EINVAL)? / size_of::<AtomicU64>();
        Self::map(count, 0, file.as_raw_fd())
    }

    fn map(count: usize, flags: i32, file: i32) -> Result<Self, Errno> {
        // SAFETY: a new mapping, where the kernel finds room.
        let start = unsafe {
            syscall!(
                Sysno::mmap,
                0,
                bytes(count)?,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED | flags,
                file,
                0
            )
        }?;
        Ok(Self {
            start: std::ptr::with_exposed_provenance(start),
            count,
        })
    }

    pub fn words(&self) -> &[AtomicU64] {
        // SAFETY: as many words are mapped, for as long as `self` lives, at the start of a page. Whoever else has them
        // writes atomically, as this type has it; the file cannot be cut (its seals).
        unsafe { std::slice::from_raw_parts(self.start, self.count) }
    }
}

fn bytes(count: usize) -> Result<usize, Errno> {
    count
        .checked_mul(size_of::<AtomicU64>())
        .ok_or(Errno::EOVERFLOW)
}

impl Drop for SharedMemory {
    fn drop(&mut self) {
        let length = self.count.saturating_mul(size_of::<AtomicU64>());
        // SAFETY: the mapping is ours, and no borrow of it is left.
        let _ = unsafe { syscall!(Sysno::munmap, self.start.addr(), length) };
    }
}

/// Unmaps nothing: for the child, where nothing is dropped, and for what lasts as long as the process.
pub fn kept(memory: SharedMemory) -> &'static [AtomicU64] {
    let memory = std::mem::ManuallyDrop::new(memory);
    // SAFETY: as in `words`; it stays mapped until the process executes something or ends.
    unsafe { std::slice::from_raw_parts(memory.start, memory.count) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::clone::{self, Memory, NewNamespaces};
    use crate::sys::process::{self, Patience};
    use std::sync::atomic::Ordering;

    #[test]
    fn a_child_with_a_copy_of_all_else_writes_to_it() {
        let anonymous = SharedMemory::new(600).unwrap();
        let (mapped, file) = SharedMemory::with_file(c"test", 3).unwrap();
        let again = SharedMemory::of(file.as_fd()).unwrap();
        assert_eq!(again.words().len(), 3);
        let all = [anonymous.words(), mapped.words()];
        let write = |_, all: &[&[AtomicU64]; 2]| -> ! {
            for words in all {
                if let Some(last) = words.last() {
                    last.store(7, Ordering::Release);
                }
            }
            process::exit(0)
        };
        let pid = clone::spawn(NewNamespaces::NONE, Memory::Copied, None, write, &all).unwrap();
        process::wait(Some(pid), Patience::Wait).unwrap();
        assert_eq!(anonymous.words()[599].load(Ordering::Acquire), 7);
        assert_eq!(again.words()[2].load(Ordering::Acquire), 7);
    }
}
