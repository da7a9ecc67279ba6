//! The keys that detach.

/// `^P^Q`, as docker has them.
pub const USUAL: [u8; 2] = [0x10, 0x11];

/// Looks for the keys in what is typed, and holds back what may be their beginning.
pub struct DetachKeys {
    keys: Vec<u8>,
    held: Vec<u8>,
}

/// What is left of what was typed.
#[derive(Debug, PartialEq, Eq)]
pub struct Passed {
    pub bytes: Vec<u8>,
    /// The keys were typed behind these bytes. What was typed after them is no one's.
    pub is_detached: bool,
}

impl DetachKeys {
    /// Without keys nothing detaches.
    pub fn new(keys: Vec<u8>) -> Self {
        Self {
            keys,
            held: Vec::new(),
        }
    }

    pub fn pass(&mut self, typed: &[u8]) -> Passed {
        let mut bytes = Vec::with_capacity(self.held.len() + typed.len());
        for byte in typed {
            self.held.push(*byte);
            // The longest end of what was typed that is a beginning of the keys.
            let count = (0..self.held.len())
                .find(|start| {
                    self.keys
                        .starts_with(self.held.get(*start..).unwrap_or_default())
                })
                .unwrap_or(self.held.len());
            bytes.extend(self.held.drain(..count));
            if !self.keys.is_empty() && self.held == self.keys {
                return Passed {
                    bytes,
                    is_detached: true,
                };
            }
        }
        Passed {
            bytes,
            is_detached: false,
        }
    }

    /// What is held back, when nothing more will be typed.
    pub fn rest(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.held)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(keys: &[u8], pieces: &[&[u8]]) -> (Vec<u8>, bool, Vec<u8>) {
        let mut keys = DetachKeys::new(keys.to_vec());
        let mut all = Vec::new();
        for piece in pieces {
            let passed = keys.pass(piece);
            all.extend(passed.bytes);
            if passed.is_detached {
                return (all, true, Vec::new());
            }
        }
        (all, false, keys.rest())
    }

    #[test]
    fn keys_detach_and_their_beginnings_are_passed_on() {
        for (keys, pieces, passed, is_detached, rest) in [
            (
                &USUAL[..],
                &[&b"ab\x10\x11cd"[..]][..],
                &b"ab"[..],
                true,
                &b""[..],
            ),
            (&USUAL, &[b"\x10", b"\x11"], b"", true, b""),
            (&USUAL, &[b"\x10", b"a", b"\x11"], b"\x10a\x11", false, b""),
            (&USUAL, &[b"\x10\x10\x11"], b"\x10", true, b""),
            (&USUAL, &[b"a\x10"], b"a", false, b"\x10"),
            (b"q", &[b"abq"], b"ab", true, b""),
            (b"aab", &[b"aaab"], b"a", true, b""),
            (b"aabaac", &[b"aabaabaac"], b"aab", true, b""),
            (b"", &[b"\x10\x11"], b"\x10\x11", false, b""),
        ] {
            let expected = (passed.to_vec(), is_detached, rest.to_vec());
            assert_eq!(typed(keys, pieces), expected, "{keys:?} {pieces:?}");
        }
    }
}
