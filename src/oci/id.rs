//! What containers are called.

use crate::error::Error;
use std::ffi::{CString, OsStr};
use std::fmt;
use std::os::unix::ffi::OsStrExt;

/// As long as the name of a file may be.
const LONGEST: usize = 255;

/// The name of a container, which is that of its directory too: letters, digits, and `_+-.` of ASCII, as runc has it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ContainerId(String);

impl ContainerId {
    /// `None` if it is no name.
    pub fn new(name: &[u8]) -> Option<Self> {
        let is_of_names = |byte: &u8| byte.is_ascii_alphanumeric() || b"_+-.".contains(byte);
        let is_name = (1..=LONGEST).contains(&name.len()) && name.iter().all(is_of_names);
        let is_directory = matches!(name, b"." | b"..");
        let text = std::str::from_utf8(name).ok()?;
        (is_name && !is_directory).then(|| Self(text.to_owned()))
    }

    /// Errors: it is no name, in runc's words.
    pub fn parse(name: &OsStr) -> Result<Self, Error> {
        Self::new(name.as_bytes()).ok_or_else(|| refused(name))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name of its directory.
    pub fn c_string(&self) -> CString {
        CString::new(self.as_str()).unwrap_or_default()
    }
}

impl fmt::Display for ContainerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cold]
#[inline(never)]
fn refused(name: &OsStr) -> Error {
    if name.is_empty() {
        return Error::told("container id cannot be empty");
    }
    Error::refused_for(
        name.as_bytes(),
        "invalid container ID format: it has letters, digits and _+-. of ASCII, at most 255 of them"
            .to_owned(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_runcs() {
        for name in ["a", "A-1_b+c.d", "...", "-", &"x".repeat(255)] {
            assert_eq!(ContainerId::parse(name.as_ref()).unwrap().as_str(), name);
        }
        for name in [
            "",
            ".",
            "..",
            "a/b",
            "/",
            "a b",
            "é",
            "a\n",
            &"x".repeat(256),
        ] {
            assert!(ContainerId::parse(name.as_ref()).is_err(), "{name:?}");
        }
        assert!(ContainerId::new(b"a\0").is_none() && ContainerId::new(b"\xff").is_none());
    }
}
