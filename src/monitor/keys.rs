//! Keys that a terminal turns into signals.

use crate::sys::terminal::Modes;

/// Looks for the keys of SIGINT and SIGQUIT (^C and ^\) in what is typed.
#[derive(Default)]
pub struct Keys {
    /// The key before was ^V: whatever comes next is a plain character.
    quoted: bool,
}

impl Keys {
    /// The signal of the last such key in `typed`, as a terminal with these modes would send it.
    pub fn signal(&mut self, typed: &[u8], modes: &Modes) -> Option<i32> {
        let key = |index: usize| modes.characters.get(index).copied().filter(|key| *key != 0);
        let (interrupt, quit, next) = (key(libc::VINTR), key(libc::VQUIT), key(libc::VLNEXT));
        let mut found = None;
        for byte in typed {
            if std::mem::take(&mut self.quoted) {
                continue;
            }
            let byte = Some(*byte);
            if byte == next && modes.local & libc::IEXTEN != 0 {
                self.quoted = true;
            } else if modes.local & libc::ISIG != 0 {
                if byte == interrupt {
                    found = Some(libc::SIGINT);
                } else if byte == quit {
                    found = Some(libc::SIGQUIT);
                }
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn modes() -> Modes {
        let mut modes = Modes {
            local: libc::ISIG | libc::IEXTEN | libc::ICANON,
            ..Modes::default()
        };
        modes.characters[libc::VINTR] = 3;
        modes.characters[libc::VQUIT] = 0x1c;
        modes.characters[libc::VLNEXT] = 0x16;
        modes
    }

    #[test]
    fn keys_are_found_unless_quoted() {
        let mut keys = Keys::default();
        assert_eq!(keys.signal(b"abc\x03d", &modes()), Some(libc::SIGINT));
        assert_eq!(keys.signal(b"\x1c", &modes()), Some(libc::SIGQUIT));
        assert_eq!(keys.signal(b"\x16\x03", &modes()), None);
        assert_eq!(keys.signal(b"\x16", &modes()), None);
        assert_eq!(keys.signal(b"\x03", &modes()), None, "quoted a read before");
        assert_eq!(keys.signal(b"\x03", &modes()), Some(libc::SIGINT));
    }

    #[test]
    fn a_raw_terminal_has_no_such_keys() {
        assert_eq!(Keys::default().signal(b"\x03\x1c", &modes().raw()), None);
        let mut disabled = modes();
        disabled.characters[libc::VINTR] = 0;
        assert_eq!(Keys::default().signal(b"\0", &disabled), None);
    }
}
