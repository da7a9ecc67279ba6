//! Where this process may run and where its memory may be, as the kernel applies it.

use super::Errno;
use syscalls::{Sysno, syscall};

/// As many bits as the largest kernels have processors (NR_CPUS is 8192 at most).
const WORDS: usize = 128;

/// A set of numbers as the kernel writes one: its bit n is the number n.
pub struct Bits([usize; WORDS]);

impl Bits {
    pub const ALL: Self = Self([usize::MAX; WORDS]);

    /// These numbers, as far as a kernel can have as many.
    pub fn of(mut has: impl FnMut(u32) -> bool) -> Self {
        let mut bits = [0; WORDS];
        for (first, word) in (0..).step_by(usize::BITS as usize).zip(&mut bits) {
            for bit in (0..usize::BITS).filter(|bit| has(first + bit)) {
                *word |= 1 << bit;
            }
        }
        Self(bits)
    }

    /// Whether these are they, as [`Self::bytes`] has them.
    pub fn is(&self, bytes: &[u8]) -> bool {
        let mut own = self.0.iter().flat_map(|word| word.to_ne_bytes());
        bytes.iter().all(|byte| own.next() == Some(*byte)) && own.all(|byte| byte == 0)
    }

    /// As the kernel takes them, without the zeros at the end.
    pub fn bytes(&self) -> Vec<u8> {
        let used = self.0.iter().rposition(|word| *word != 0);
        let words = self.0.iter().take(used.map_or(1, |last| last + 1));
        words.flat_map(|word| word.to_ne_bytes()).collect()
    }

    pub fn numbers(&self) -> impl Iterator<Item = u32> {
        let words = (0..).step_by(usize::BITS as usize).zip(self.0);
        words.flat_map(|(first, word)| {
            let bits = (0..usize::BITS).filter(move |bit| word >> bit & 1 == 1);
            bits.map(move |bit| first + bit)
        })
    }
}

/// The processors that this thread may use, sched_getaffinity(2).
pub fn processors() -> Result<Bits, Errno> {
    let mut bits = Bits([0; WORDS]);
    // SAFETY: the kernel writes at most as many bytes as it is told that there are.
    unsafe {
        syscall!(
            Sysno::sched_getaffinity,
            0,
            size_of::<Bits>(),
            bits.0.as_mut_ptr()
        )
    }?;
    Ok(bits)
}

/// sched_setaffinity(2): this thread runs on no others from here on.
///
/// Errors: EINVAL if none of them is there, or its cgroup has none of them.
pub fn set_processors(processors: &Bits) -> Result<(), Errno> {
    // SAFETY: the kernel reads as many bytes as it is told that there are.
    unsafe {
        syscall!(
            Sysno::sched_setaffinity,
            0,
            size_of::<Bits>(),
            processors.0.as_ptr()
        )
    }
    .map(drop)
}

/// As [`set_processors`], with bits as [`Bits::bytes`] has them.
pub fn set_processors_by(bits: &[u8]) -> Result<(), Errno> {
    // SAFETY: the kernel reads as many bytes as it is told that there are.
    unsafe { syscall!(Sysno::sched_setaffinity, 0, bits.len(), bits.as_ptr()) }.map(drop)
}

/// The memory nodes that this thread may use, get_mempolicy(2).
///
/// Errors: ENOSYS where the kernel knows no nodes.
pub fn memory_nodes() -> Result<Bits, Errno> {
    const ALLOWED: usize = 4; // MPOL_F_MEMS_ALLOWED
    let mut bits = Bits([0; WORDS]);
    // SAFETY: the kernel writes at most as many bits as it is told that there are; the mode that it would write is not
    // asked for, and no address is.
    unsafe {
        syscall!(
            Sysno::get_mempolicy,
            0,
            bits.0.as_mut_ptr(),
            size_of::<Bits>() * 8,
            0,
            ALLOWED
        )
    }?;
    Ok(bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_numbers() {
        let mut bits = Bits([0; WORDS]);
        bits.0[0] = 0b1010;
        bits.0[2] = 1;
        let last = usize::BITS * 2;
        assert_eq!(bits.numbers().collect::<Vec<u32>>(), [1, 3, last]);
        let same = Bits::of(|number| [1, 3, last].contains(&number));
        assert_eq!(same.0, bits.0);
    }

    #[test]
    fn a_process_has_a_processor_and_a_node() {
        assert_ne!(processors().unwrap().numbers().next(), None);
        match memory_nodes() {
            // No nodes, or a filter around the tests.
            Err(Errno::ENOSYS | Errno::EPERM) => {}
            nodes => assert_ne!(nodes.unwrap().numbers().next(), None),
        }
    }
}
