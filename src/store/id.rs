//! The ids of containers, which are the names of their directories.

use crate::sys::{clock, process, random};
use crate::time;
use std::ffi::CString;
use std::fmt;

/// How many of an id's digits are shown where no more are asked for.
const SHOWN: usize = 12;

/// An id: 64 hexadecimal digits, of random bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Id([u8; DIGITS]);

const DIGITS: usize = 64;

impl Id {
    /// One that no other container has ever had.
    pub fn fresh() -> Self {
        const HEXADECIMAL: [u8; 16] = *b"0123456789abcdef";
        let bytes = random::bytes().unwrap_or_else(|_| early());
        let mut digits = [0; DIGITS];
        for (pair, byte) in digits.chunks_exact_mut(2).zip(bytes) {
            pair.copy_from_slice(
                &[byte >> 4, byte & 15].map(|digit| HEXADECIMAL[usize::from(digit)]),
            );
        }
        Self(digits)
    }

    /// From all of its digits. (Capitals are another name.)
    pub fn parse(digits: &[u8]) -> Option<Self> {
        let is_digit = |digit: &u8| matches!(digit, b'0'..=b'9' | b'a'..=b'f');
        let digits: [u8; DIGITS] = digits.try_into().ok()?;
        digits.iter().all(is_digit).then_some(Self(digits))
    }

    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The digits that are shown: unambiguous enough for people.
    pub fn short(&self) -> String {
        self.as_str().chars().take(SHOWN).collect()
    }

    pub fn has_prefix(&self, digits: &[u8]) -> bool {
        self.0.starts_with(digits)
    }

    /// The name of its directory.
    pub(super) fn c_string(&self) -> CString {
        CString::new(self.0).unwrap_or_default()
    }
}

/// Early at boot, before the kernel has randomness: no secret, but another one each time, for no two processes of one pid
/// are there at one moment.
#[cold]
#[inline(never)]
fn early() -> [u8; DIGITS / 2] {
    let moments = [clock::monotonic(), time::nanoseconds()];
    let mut state =
        moments[0].rotate_left(32) ^ moments[1] ^ u64::from(process::id().unsigned_abs());
    let mut bytes = [0; DIGITS / 2];
    for word in bytes.chunks_exact_mut(8) {
        // SplitMix64: neighbours look as unlike each other as any two.
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word.copy_from_slice(&(mixed ^ (mixed >> 31)).to_le_bytes());
    }
    bytes
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_without_randomness_differ() {
        assert_ne!(early(), early());
    }

    #[test]
    fn ids_are_their_digits() {
        let id = Id::fresh();
        let digits = id.to_string();
        assert_eq!(digits.len(), 64);
        assert_eq!(Id::parse(digits.as_bytes()), Some(id));
        assert_eq!(id.short(), digits[..12]);
        assert!(id.has_prefix(id.short().as_bytes()) && !id.has_prefix(b"x"));
        assert_ne!(Id::fresh(), id);
        for wrong in ["", "0", &digits[1..], &"A".repeat(64), &"é".repeat(32)] {
            assert_eq!(Id::parse(wrong.as_bytes()), None, "{wrong}");
        }
        let known = "00ff".repeat(16);
        assert_eq!(Id::parse(known.as_bytes()).unwrap().to_string(), known);
    }
}
