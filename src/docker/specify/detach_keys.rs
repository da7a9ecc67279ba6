//! `--detach-keys`: what is typed to leave a container's terminal.

use crate::error::Error;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

/// What `ctrl-` stands before, in the order of the bytes that a terminal sends for them.
const CONTROLS: &[u8; 32] = b"@abcdefghijklmnopqrstuvwxyz[\\]^_";

/// The bytes that a terminal sends for these keys: single characters, `ctrl-` and one, or `DEL`, with commas between them.
///
/// Errors: what is no key, named with the option.
#[cold]
#[inline(never)]
pub fn detach_keys(option: &str, typed: &OsStr) -> Result<Vec<u8>, Error> {
    let keys = typed.as_bytes().split(|byte| *byte == b',');
    let bytes: Option<Vec<u8>> = keys.map(key).collect();
    bytes.ok_or_else(|| {
        Error::refused(
            [b"--", option.as_bytes(), b" ", typed.as_bytes()].concat(),
            "it takes letters or ctrl- and one of a-z, @, [, \\, ], ^ and _, with commas between them: ctrl-p,ctrl-q",
        )
    })
}

fn key(name: &[u8]) -> Option<u8> {
    match name {
        b"DEL" => Some(0x7f),
        [letter] => Some(*letter),
        [rest @ .., letter] if rest == b"ctrl-" => {
            let at = CONTROLS.iter().position(|known| known == letter)?;
            u8::try_from(at).ok()
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_dockers() {
        for (text, bytes) in [
            ("ctrl-p,ctrl-q", Some(&[0x10, 0x11][..])),
            ("ctrl-@,a,ctrl-a,ctrl-z", Some(&[0, b'a', 1, 26])),
            (
                "ctrl-[,ctrl-\\,ctrl-],ctrl-^,ctrl-_",
                Some(&[27, 28, 29, 30, 31]),
            ),
            ("DEL", Some(&[0x7f])),
            ("A,~", Some(b"A~")),
            ("", None),
            (",", None),
            ("ctrl-", None),
            ("ctrl-A", None),
            ("ctrl-p,", None),
            ("ctrl-pp", None),
            ("esc", None),
        ] {
            let found = detach_keys("detach-keys", OsStr::new(text));
            assert_eq!(found.ok().as_deref(), bytes, "{text}");
        }
        let error = detach_keys("detach-keys", OsStr::new("esc")).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("--detach-keys esc: it takes letters")
        );
    }
}
