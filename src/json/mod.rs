//! JSON (RFC 8259), as much of it as mydocker has: what it writes for programs (log lines, `--timing`, `--report`) and what it
//! reads of users (profiles of system calls). Of numbers only whole ones: nothing that is read or written has others.

mod reader;
mod writer;

pub use reader::{Value, parse};
pub use writer::{Array, Object};

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
}
