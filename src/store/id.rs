//! The ids of containers, which are the names of their directories.

use crate::error::Error;
use crate::sys::random;
use std::ffi::CString;
use std::fmt;
use std::fmt::Write;

/// How many of an id's digits are shown where no more are asked for.
const SHOWN: usize = 12;

/// An id: 64 hexadecimal digits, of random bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Id([u8; 32]);

impl Id {
    /// One that no other container has ever had.
    ///
    /// Errors: early at boot the kernel has no random bytes yet.
    pub fn new() -> Result<Self, Error> {
        let bytes = random::bytes();
        bytes
            .map(Self)
            .map_err(|errno| Error::new("make", "a container's id", errno))
    }

    /// From all of its digits. (Capitals are another name.)
    pub fn parse(digits: &[u8]) -> Option<Self> {
        let mut bytes = [0; 32];
        if digits.len() != 2 * bytes.len() {
            return None;
        }
        for (byte, digits) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            let [high, low] = digits else { return None };
            *byte = value(*high)? << 4 | value(*low)?;
        }
        Some(Self(bytes))
    }

    /// The digits that are shown: unambiguous enough for people.
    pub fn short(&self) -> String {
        let mut digits = self.to_string();
        digits.truncate(SHOWN);
        digits
    }

    pub fn has_prefix(&self, digits: &[u8]) -> bool {
        self.to_string().as_bytes().starts_with(digits)
    }

    /// What else is to look random about this container.
    pub(super) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The name of its directory.
    pub(super) fn c_string(&self) -> CString {
        CString::new(self.to_string()).unwrap_or_default()
    }
}

fn value(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in self.0 {
            for digit in [byte >> 4, byte & 15] {
                f.write_char(char::from_digit(digit.into(), 16).unwrap_or_default())?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_their_digits() {
        let id = Id::new().unwrap();
        let digits = id.to_string();
        assert_eq!(digits.len(), 64);
        assert_eq!(Id::parse(digits.as_bytes()), Some(id));
        assert_eq!(id.short(), digits[..12]);
        assert!(id.has_prefix(id.short().as_bytes()) && !id.has_prefix(b"x"));
        assert_ne!(Id::new().unwrap(), id);
        for wrong in ["", "0", &digits[1..], &"A".repeat(64), &"é".repeat(32)] {
            assert_eq!(Id::parse(wrong.as_bytes()), None, "{wrong}");
        }
        let known = "00ff".repeat(16);
        assert_eq!(Id::parse(known.as_bytes()).unwrap().to_string(), known);
    }
}
