//! The names of containers: docker's, or made up.

use super::id::Id;
use crate::error::Error;
use std::ffi::{CString, OsStr};
use std::fmt;
use std::os::unix::ffi::OsStrExt;

/// Longer ones would be in the way of everyone. (A file's name has at most 255 bytes.)
const LONGEST: usize = 200;

/// A container's name: a letter or digit, and then letters, digits and `_.-`. So no name is a path, and none is an option.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name(String);

impl Name {
    /// Errors: what is no name, in one line.
    pub fn parse(typed: &OsStr) -> Result<Self, Error> {
        Self::of(typed.as_bytes()).ok_or_else(|| refused(typed.as_bytes()))
    }

    pub(super) fn of(bytes: &[u8]) -> Option<Self> {
        let is_plain = |byte: &u8| byte.is_ascii_alphanumeric();
        let first = bytes.first().is_some_and(is_plain);
        let rest = bytes
            .iter()
            .all(|byte| is_plain(byte) || b"_.-".contains(byte));
        let is_name = first && rest && bytes.len() <= LONGEST;
        let text = std::str::from_utf8(bytes).ok().filter(|_| is_name)?;
        Some(Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn c_string(&self) -> CString {
        CString::new(self.0.as_str()).unwrap_or_default()
    }

    /// One for who has asked for none; each time it is called for the same container, another one.
    pub(super) fn generated(id: &Id, time: usize) -> Self {
        // The id is as random as can be.
        let word = |words: &[&'static str], first: usize| {
            let digits = id.as_str().get(first..first + 8).unwrap_or_default();
            let number = usize::from_str_radix(digits, 16).unwrap_or(first);
            words.get(number % words.len()).copied().unwrap_or_default()
        };
        let adjective = word(ADJECTIVES, 16 * (time % 4));
        let noun = word(NOUNS, 16 * (time % 4) + 8);
        Self(match time {
            0..4 => format!("{adjective}_{noun}"),
            // So many that most pairs are taken.
            _ => format!("{adjective}_{noun}_{}", id.short()),
        })
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cold]
#[inline(never)]
fn refused(typed: &[u8]) -> Error {
    let object = [
        b"container name '",
        typed.get(..LONGEST).unwrap_or(typed),
        b"'",
    ]
    .concat();
    match typed.len() {
        0..=LONGEST => Error::refused(
            object,
            "a name is a letter or digit, and then letters, digits and _.-",
        ),
        _ => Error::refused(object, "a name has at most 200 bytes"),
    }
}

const ADJECTIVES: &[&str] = &[
    "amber", "ample", "brave", "breezy", "bright", "brisk", "broad", "calm", "clear", "clever",
    "cosy", "crisp", "deft", "early", "eager", "fair", "fleet", "fond", "fresh", "gentle", "glad",
    "golden", "grand", "handy", "hardy", "honest", "humble", "keen", "kind", "late", "light",
    "lively", "lucky", "mellow", "merry", "mild", "misty", "neat", "nimble", "noble", "patient",
    "plain", "proud", "quick", "quiet", "rapid", "ready", "round", "salty", "sharp", "shiny",
    "silent", "silver", "simple", "sleek", "smooth", "snug", "sober", "steady", "still", "sunny",
    "swift", "tidy", "trim", "upbeat", "vivid", "warm", "wise", "witty", "young",
];

const NOUNS: &[&str] = &[
    "anchor",
    "bay",
    "beacon",
    "beam",
    "berth",
    "boat",
    "bow",
    "breeze",
    "bridge",
    "brig",
    "buoy",
    "cabin",
    "canoe",
    "cape",
    "channel",
    "cliff",
    "coast",
    "compass",
    "coral",
    "cove",
    "crane",
    "crate",
    "creek",
    "current",
    "cutter",
    "deck",
    "delta",
    "dock",
    "dune",
    "ferry",
    "fjord",
    "fleet",
    "foam",
    "galley",
    "gull",
    "harbor",
    "heron",
    "hull",
    "inlet",
    "island",
    "jetty",
    "kayak",
    "keel",
    "lagoon",
    "lantern",
    "ledge",
    "lighthouse",
    "mast",
    "moor",
    "oar",
    "otter",
    "pearl",
    "pelican",
    "pier",
    "pilot",
    "porpoise",
    "quay",
    "raft",
    "reef",
    "ripple",
    "rudder",
    "sail",
    "seal",
    "shell",
    "shoal",
    "shore",
    "sloop",
    "spray",
    "strait",
    "surf",
    "tide",
    "tiller",
    "tug",
    "wave",
    "wharf",
    "whale",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_dockers() {
        let longest = "a".repeat(LONGEST);
        for name in ["a", "web", "0", "A.b-c_9", "a..", &longest] {
            assert_eq!(Name::parse(OsStr::new(name)).unwrap().as_str(), name);
        }
        let long = "a".repeat(256);
        for wrong in [
            "", ".", "..", "/", "a/b", "/a", "-a", "_a", "a b", "a\n", "é", "a\0", &long,
        ] {
            let error = Name::parse(OsStr::new(wrong)).unwrap_err().to_string();
            assert!(error.starts_with("container name '"), "{error}");
            assert!(!error.contains('\n') && error.len() < 300, "{error}");
        }
        assert!(Name::parse(OsStr::from_bytes(b"a\xff")).is_err());
    }

    #[test]
    fn words_are_names_and_each_is_there_once() {
        for words in [ADJECTIVES, NOUNS] {
            for (index, word) in words.iter().enumerate() {
                assert!(
                    Name::of(word.as_bytes()).is_some() && !words[..index].contains(word),
                    "{word}"
                );
            }
        }
        let id = Id::fresh();
        for time in 0..9 {
            let name = Name::generated(&id, time);
            assert_eq!(Name::of(name.as_str().as_bytes()), Some(name));
        }
    }
}
