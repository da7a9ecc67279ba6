//! Values of a document.

use crate::json::Value;
use std::ffi::{CStr, OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

pub fn object(members: Vec<(&str, Value)>) -> Value {
    let members = members.into_iter();
    Value::Object(
        members
            .map(|(name, value)| (name.to_owned(), value))
            .collect(),
    )
}

pub fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

pub fn bytes(bytes: &[u8]) -> Value {
    Value::string(bytes.to_vec())
}

pub fn string(word: &OsStr) -> Value {
    bytes(word.as_bytes())
}

pub fn c_str(word: &CStr) -> Value {
    bytes(word.to_bytes())
}

/// Empty if nothing was typed.
pub fn optional(typed: Option<&OsString>) -> Value {
    string(typed.map_or(OsStr::new(""), |typed| typed))
}

pub fn strings(words: &[OsString]) -> Value {
    Value::List(words.iter().map(|word| string(word)).collect())
}

pub fn number(number: impl Into<i128>) -> Value {
    Value::Number(number.into())
}
