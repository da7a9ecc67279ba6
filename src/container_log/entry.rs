//! One entry of the log: what it holds, and its line.

use crate::json::{self, Value};
use crate::time;

/// Where a container has written to. (What has a terminal writes to that alone, which counts as stdout.)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    Stdout,
    Stderr,
}

impl Output {
    /// The value of `stream`.
    fn name(self) -> &'static str {
        match self {
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
        }
    }

    fn named(name: &[u8]) -> Option<Self> {
        match name {
            b"stdout" => Some(Self::Stdout),
            b"stderr" => Some(Self::Stderr),
            _ => None,
        }
    }
}

/// Bytes of output in one entry, at most: docker's. What is longer goes on in the next one.
pub const LONGEST: usize = 16 * 1024;

/// Begins a line; bytes of output follow, by [`push_output`].
pub fn begin(line: &mut String) {
    line.push_str("{\"log\":\"");
}

/// Adds output to the line. No letter may be divided between two pieces; see [`whole_letters`].
pub fn push_output(line: &mut String, bytes: &[u8]) {
    json::push_bytes(line, bytes);
}

/// What comes after the output, with the end of the line.
pub fn ending(output: Output, now: u64) -> String {
    let time = time::to_the_nanosecond(now);
    [
        "\",\"stream\":\"",
        output.name(),
        "\",\"time\":\"",
        &time,
        "\"}\n",
    ]
    .concat()
}

/// An entry that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    pub output: Output,
    /// What the container has written, to the end of its line if it is the last of it.
    pub bytes: &'a [u8],
    /// When, in nanoseconds since 1970.
    pub time: u64,
}

impl<'a> Entry<'a> {
    /// Reads a line; `bytes` is for what it holds. `None` if it is no entry.
    pub fn read(line: &[u8], bytes: &'a mut Vec<u8>) -> Option<Self> {
        bytes.clear();
        let line = std::str::from_utf8(line).ok()?;
        match usual(line, bytes) {
            Some((output, time)) => Some(Self {
                output,
                bytes,
                time,
            }),
            None => Self::read_any(line, bytes),
        }
    }

    /// One that another program has written.
    #[cold]
    #[inline(never)]
    fn read_any(line: &str, bytes: &'a mut Vec<u8>) -> Option<Self> {
        let value = json::parse(line).ok()?;
        let member = |name| value.get(name).and_then(Value::bytes);
        let output = Output::named(member("stream").unwrap_or(b"stdout"))?;
        let time = time::parse(member("time")?)?;
        bytes.clear();
        bytes.extend_from_slice(member("log")?);
        Some(Self {
            output,
            bytes,
            time,
        })
    }
}

/// Reads a line as docker and we write it, at a tenth of what any other costs.
fn usual(line: &str, bytes: &mut Vec<u8>) -> Option<(Output, u64)> {
    let rest = line.strip_prefix("{\"log\":")?;
    let rest = json::take_string(rest, bytes)?;
    let rest = rest.strip_prefix(",\"stream\":\"")?;
    let (name, rest) = rest.split_once('"')?;
    let time = rest.strip_prefix(",\"time\":\"")?.strip_suffix("\"}")?;
    Some((
        Output::named(name.as_bytes())?,
        time::parse(time.as_bytes())?,
    ))
}

/// How many bytes a line with this output has at most: exactly so many if it is ASCII.
pub fn longest_line(output: &[u8]) -> u64 {
    const AROUND: u64 =
        r#"{"log":"","stream":"stdout","time":"2026-11-26T07:10:01.123456789Z"}"#.len() as u64 + 1;
    let inside = output.iter().map(|byte| match byte {
        b'"' | b'\\' | b'\n' | b'\r' | b'\t' => 2,
        b' '..=b'~' => 1,
        _ => 6,
    });
    AROUND + inside.sum::<u64>()
}

/// How many of `bytes` make the first entry, if they are all of one: up to the end of a line, or as many as there may be.
pub fn first(bytes: &[u8]) -> Option<usize> {
    let most = bytes.get(..LONGEST).unwrap_or(bytes);
    match most.iter().position(|byte| *byte == b'\n') {
        Some(at) => Some(at + 1),
        None if most.len() == LONGEST => Some(whole_letters(most)),
        None => None,
    }
}

/// How many of `bytes` there are without the beginning of a letter that they end in, if it is not all there is.
pub fn whole_letters(bytes: &[u8]) -> usize {
    // What is no continuation is at most three bytes before the end of a letter's beginning.
    let is_continuation = |byte: &u8| matches!(byte, 0x80..=0xbf);
    let last = bytes.iter().rev().take(3);
    let behind = last.take_while(|byte| is_continuation(byte)).count();
    let Some(start) = bytes.len().checked_sub(behind + 1) else {
        return bytes.len();
    };
    let length = match bytes.get(start) {
        Some(0xc2..=0xdf) => 2,
        Some(0xe0..=0xef) => 3,
        Some(0xf0..=0xf4) => 4,
        _ => 0,
    };
    if length > behind + 1 && start > 0 {
        start
    } else {
        bytes.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_not_divided() {
        for (bytes, whole) in [
            (&b"abc"[..], 3),
            (b"", 0),
            (b"\xc3", 1),
            (b"a\xc3", 1),
            (b"a\xc3\xa9", 3),
            (b"a\xe2\x82", 1),
            (b"a\xe2\x82\xac", 4),
            (b"a\xf0\x9f\x90", 1),
            (b"a\xf0\x9f\x90\x8b", 5),
            // No letters at all.
            (b"a\x80\x80\x80\x80", 5),
            (b"a\xff", 2),
            (b"\x80\x80", 2),
        ] {
            assert_eq!(whole_letters(bytes), whole, "{bytes:x?}");
        }
    }

    #[test]
    fn lines_are_as_long_as_is_said() {
        for (output, is_exact) in [(&b"a\0\"\\\n\x7f"[..], true), ("é\u{85}".as_bytes(), false)] {
            let mut line = String::new();
            begin(&mut line);
            push_output(&mut line, output);
            line.push_str(&ending(Output::Stdout, 0));
            let (length, longest) = (line.len() as u64, longest_line(output));
            assert!(length == longest || !is_exact && length < longest, "{line}");
        }
    }

    #[test]
    fn lines_are_read() {
        let mut random = fastrand::Rng::with_seed(15);
        let mut bytes = Vec::new();
        for _ in 0..2_000 {
            let length = random.usize(..50);
            let output: Vec<u8> = std::iter::repeat_with(|| random.u8(..))
                .take(length)
                .collect();
            let mut line = String::new();
            begin(&mut line);
            push_output(&mut line, &output);
            line.push_str(&ending(Output::Stderr, 17));
            let entry = Entry::read(line.trim_end().as_bytes(), &mut bytes);
            let expected = Entry {
                output: Output::Stderr,
                bytes: &output,
                time: 17,
            };
            assert_eq!(entry, Some(expected), "{line}");
        }
    }

    #[test]
    fn lines_of_others_are_read_and_what_is_none_is_not() {
        let time = r#""time":"1970-01-01T00:00:01+00:00""#;
        let mut bytes = Vec::new();
        for line in [
            r#"{"log":"a\n","stream":"stdout",TIME}"#,
            r#" {"stream": "stdout", TIME, "log": "a\n"}"#,
            r#"{"log":"a\n","stream":"stdout","attrs":{"b":"c"},TIME}"#,
            r#"{"log":"a\n",TIME}"#,
        ] {
            let line = line.replace("TIME", time);
            let entry = Entry::read(line.as_bytes(), &mut bytes);
            let expected = Entry {
                output: Output::Stdout,
                bytes: b"a\n",
                time: 1_000_000_000,
            };
            assert_eq!(entry, Some(expected), "{line}");
        }
        for line in [
            "",
            "{}",
            "nothing",
            r#"{"log":"a","stream":"stdin",TIME}"#,
            r#"{"log":7,"stream":"stdout",TIME}"#,
            r#"{"log":"a","stream":"stdout","time":"now"}"#,
            r#"{"log":"a","stream":"stdout",TIME}x"#,
            r#"{"log":"\ud800","stream":"stdout",TIME}"#,
        ] {
            let line = line.replace("TIME", time);
            assert_eq!(Entry::read(line.as_bytes(), &mut bytes), None, "{line}");
        }
        assert_eq!(Entry::read(b"{\"log\":\"\xff\"}", &mut bytes), None);
    }

    #[test]
    fn an_entry_ends_with_its_line_or_is_full() {
        assert_eq!(first(b"a\nb\n"), Some(2));
        assert_eq!(first(b"a"), None);
        let mut long = vec![b'a'; LONGEST - 1];
        assert_eq!(first(&long), None);
        long.extend("é".bytes());
        assert_eq!(first(&long), Some(LONGEST - 1));
        long[LONGEST - 1] = b'\n';
        assert_eq!(first(&long), Some(LONGEST));
        assert_eq!(first(&vec![0x80; LONGEST + 1]), Some(LONGEST));
    }
}
