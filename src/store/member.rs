//! The members of an object that is read, as what they are to be.

use crate::json::{self, Value};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

pub fn os_string(value: &Value) -> Option<OsString> {
    Some(OsStr::from_bytes(value.bytes()?).to_owned())
}

pub fn text(object: &Value, key: &str) -> Option<String> {
    Some(object.get(key)?.text()?.to_owned())
}

pub fn number<N: TryFrom<i128>>(object: &Value, key: &str) -> Option<N> {
    N::try_from(object.get(key)?.number()?).ok()
}

pub fn flag(object: &Value, key: &str) -> bool {
    object.get(key).and_then(Value::boolean) == Some(true)
}

/// A file's content.
///
/// Errors: where it is no JSON.
pub fn parse(bytes: &[u8]) -> Result<Value, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| String::from("it is no UTF-8"))?;
    json::parse(text)
}
