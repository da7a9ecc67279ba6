//! How the store's files say things in JSON.

use crate::json::{self, Array, Object, Value};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// Where bytes that are no text are put: letters that no one has.
const FIRST: u32 = 0x10_ff00;

pub(super) fn put(object: &mut Object, key: &str, bytes: &[u8]) {
    let mut text = String::new();
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        let letters = chunk.invalid().iter().map(|byte| FIRST + u32::from(*byte));
        text.extend(letters.filter_map(char::from_u32));
    }
    object.text(key, text.as_bytes());
}

pub(super) fn bytes(value: &Value, key: &str) -> Option<Vec<u8>> {
    let Some(Value::Text(text)) = value.get(key) else {
        return None;
    };
    let mut bytes = Vec::new();
    for letter in text.chars() {
        match u32::from(letter).checked_sub(FIRST) {
            Some(byte @ 0x80..0x100) => bytes.push(byte as u8),
            _ => bytes.extend(letter.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    Some(bytes)
}

pub(super) fn os_string(value: &Value, key: &str) -> Option<OsString> {
    bytes(value, key).map(OsString::from_vec)
}

pub(super) fn text(value: &Value, key: &str) -> Option<String> {
    bytes(value, key).and_then(|bytes| String::from_utf8(bytes).ok())
}

pub(super) fn number<N: TryFrom<i128>>(value: &Value, key: &str) -> Option<N> {
    match value.get(key) {
        Some(Value::Number(number)) => N::try_from(*number).ok(),
        _ => None,
    }
}

pub(super) fn flag(value: &Value, key: &str) -> bool {
    number(value, key) == Some(1)
}

/// The members of an array that an object has.
pub(super) fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    match value.get(key) {
        Some(Value::List(list)) => list,
        _ => &[],
    }
}

/// An array of objects that have each of these keys with a string.
pub(super) fn put_list<'a, const N: usize>(
    object: &mut Object,
    key: &str,
    keys: [&str; N],
    rows: impl Iterator<Item = [&'a [u8]; N]>,
) {
    let mut array = Array::default();
    for row in rows {
        let mut member = Object::new();
        for (key, bytes) in keys.iter().zip(row) {
            put(&mut member, key, bytes);
        }
        array.push(member);
    }
    object.array(key, array);
}

pub(super) fn words(words: &[OsString]) -> impl Iterator<Item = [&[u8]; 1]> {
    words.iter().map(|word| [OsStr::as_bytes(word)])
}

pub(super) fn parse(bytes: &[u8]) -> Result<Value, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| String::from("it is no UTF-8"))?;
    json::parse(text)
}
