//! JSON (RFC 8259), as much of it as mydocker has: what it writes for programs (log lines, `--timing`, `--report`), what it
//! reads of users (profiles of system calls, jobs of a batch), and what it writes for itself to read. Of numbers only whole
//! ones have a value: others are kept as they are written, where they are wanted.
//!
//! A string can have any bytes, as arguments, file names and output have: one that is not UTF-8 is written as `\udcXX`
//! where it is to be read again.

pub mod base64;
mod reader;
#[cfg(feature = "oci")]
mod strict;
mod value;
mod writer;

pub use reader::{parse, parse_any_number, take_string};
#[cfg(feature = "oci")]
pub use strict::{Fault, StrictReader, shown};
pub use value::Value;
pub use writer::{Array, Object, push_bytes};

#[cfg(test)]
mod tests {
    use super::*;

    /// Letters that mean something to either side, and some that do not.
    const LETTERS: &[char] = &[
        '"',
        '\\',
        '/',
        '{',
        '}',
        '[',
        ']',
        ':',
        ',',
        'a',
        'é',
        '\u{1f40b}',
        '\u{ffff}',
        '\u{7f}',
        '\n',
        '\t',
        '\r',
        '\0',
        '\u{1}',
        '\u{1b}',
        ' ',
        '0',
        '-',
        '.',
        'u',
    ];

    #[test]
    fn what_is_written_is_read_again() {
        let mut random = fastrand::Rng::with_seed(14);
        for _ in 0..2_000 {
            let mut object = Object::new();
            let mut expected = Vec::new();
            for index in 0..random.usize(..6) {
                let key = format!("key{index}");
                if random.bool() {
                    let number = random.i64(..);
                    object.number(&key, number);
                    expected.push((key, Value::Number(number.into())));
                } else {
                    let text: String = (0..random.usize(..20))
                        .map(|_| *random.choice(LETTERS).unwrap())
                        .collect();
                    object.text(&key, text.as_bytes());
                    expected.push((key, Value::Text(text)));
                }
            }
            let written = object.finish();
            assert_eq!(parse(&written), Ok(Value::Object(expected)), "{written}");
        }
    }

    /// Bytes of which some are letters, some are halves of letters, and some are neither.
    fn any_bytes(random: &mut fastrand::Rng) -> Vec<u8> {
        let mut bytes = Vec::new();
        for _ in 0..random.usize(..12) {
            match random.u8(..4) {
                0 => bytes.push(random.u8(..)),
                1 => bytes.extend(b"\\udcff"),
                _ => {
                    let letter = *random.choice(LETTERS).unwrap();
                    let mut buffer = [0; 4];
                    let letter = letter.encode_utf8(&mut buffer).as_bytes();
                    bytes.extend(&letter[random.usize(..letter.len())..]);
                }
            }
        }
        bytes
    }

    fn any_value(random: &mut fastrand::Rng, depth: u32) -> Value {
        match random.u8(..if depth < 4 { 6 } else { 4 }) {
            0 => Value::Null,
            1 => Value::Boolean(random.bool()),
            2 => Value::Number(random.i64(..).into()),
            3 => Value::string(any_bytes(random)),
            4 => {
                let items = 0..random.usize(..4);
                Value::List(items.map(|_| any_value(random, depth + 1)).collect())
            }
            _ => {
                let members = 0..random.usize(..4);
                let members = members.map(|_| {
                    let name = String::from_utf8_lossy(&any_bytes(random)).into_owned();
                    (name, any_value(random, depth + 1))
                });
                Value::Object(members.collect())
            }
        }
    }

    #[test]
    fn any_value_is_read_as_it_was_written() {
        let mut random = fastrand::Rng::with_seed(15);
        for _ in 0..20_000 {
            let value = any_value(&mut random, 0);
            for text in [value.compact(), value.indented()] {
                assert_eq!(parse(&text).as_ref(), Ok(&value), "{text}");
            }
            assert!(!value.compact().contains('\n'));
        }
    }

    #[test]
    fn any_bytes_are_read_as_they_were_written() {
        let mut random = fastrand::Rng::with_seed(16);
        for _ in 0..20_000 {
            let (bytes, other) = (any_bytes(&mut random), any_bytes(&mut random));
            let mut object = Object::new();
            object.bytes("a", &bytes);
            let mut array = Array::default();
            array.bytes(&other);
            object.array("b", array);
            let text = object.finish();
            let value = parse(&text).unwrap();
            assert_eq!(value.get("a").and_then(Value::bytes), Some(&bytes[..]));
            let items = value.get("b").and_then(Value::list).unwrap();
            assert_eq!(items[0].bytes(), Some(&other[..]), "{text}");
        }
    }
}
