//! What a container has written, kept in its directory as docker's json-file driver does: a line of JSON for each line, in
//! `log.json`; when that is full it becomes `log.json.1`, that `log.json.2`, and so on.
//!
//! A program's bytes come back as they were: what is not UTF-8 is written as `\udcXX` (see [`json`](crate::json)). The files
//! are whole lines at any time that matters: a line that did not go onto the disk as a whole is taken back.

mod entry;
mod files;
mod reader;
mod tail;
mod writer;

pub use entry::{Entry, Output};
pub use reader::Reader;
pub use writer::Writer;

use std::ffi::CString;

/// How much is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of each file. (One that has but one line may be larger.)
    pub size: u64,
    /// How many files; 0 is 1.
    pub files: u32,
}

impl Limits {
    /// The state directory may be in memory.
    pub const USUAL: Self = Self {
        size: 10_000_000,
        files: 3,
    };
}

const NAME: &str = "log.json";

/// The name of the file that has become the `age`th old one; 0 is what is written to.
fn name(age: u32) -> CString {
    let mut name = String::from(NAME);
    if age > 0 {
        name.push('.');
        name.push_str(&age.to_string());
    }
    CString::new(name).unwrap_or_default()
}

/// [`name`], the other way round.
fn age(name: &[u8]) -> Option<u32> {
    match name.strip_prefix(NAME.as_bytes())? {
        b"" => Some(0),
        rest => {
            let number = std::str::from_utf8(rest.strip_prefix(b".")?).ok()?;
            let is_ours = number.starts_with(|first| matches!(first, '1'..='9'));
            number.parse().ok().filter(|_| is_ours)
        }
    }
}

#[cfg(test)]
mod tests;
