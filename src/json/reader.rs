//! Reads JSON (RFC 8259), as far as profiles have it: numbers are whole.

use super::Value;

/// Deeper than any profile; a text that is nothing but brackets must not use the stack up.
const DEEPEST: u32 = 32;

/// Longer than any word or number that is right.
const LONGEST: usize = 40;

const BAD_CODE: &str = "a bad \\u";

/// Errors: where the text is no JSON, by its line.
pub fn parse(text: &str) -> Result<Value, String> {
    read_all(Reader::new(text, false))
}

/// As [`parse`], with a number that is not whole, or not written as we write it, as it stands there.
pub fn parse_any_number(text: &str) -> Result<Value, String> {
    read_all(Reader {
        keeps_numbers: true,
        ..Reader::new(text, false)
    })
}

fn read_all(mut reader: Reader<'_>) -> Result<Value, String> {
    let value = reader.value(0);
    let value = value.and_then(|value| {
        reader.skip_space();
        match reader.peek() {
            None => Ok(value),
            Some(letter) => Err(format!("{letter:?} after the end")),
        }
    });
    value.map_err(|what| format!("line {}: {what}", reader.line))
}

/// Takes a string from the beginning of a text, and adds its bytes to `string`. Gives what follows it; `None` if it is no
/// string.
pub fn take_string<'a>(text: &'a str, string: &mut Vec<u8>) -> Option<&'a str> {
    let mut reader = Reader::new(text, false);
    reader.take_string(string).ok()?;
    Some(reader.rest)
}

pub(super) struct Reader<'a> {
    rest: &'a str,
    pub line: usize,
    /// Whether strings are text: no bytes that are no letters, and no letter that ends a C string.
    of_text: bool,
    keeps_numbers: bool,
}

impl<'a> Reader<'a> {
    pub fn new(text: &'a str, of_text: bool) -> Self {
        Self {
            rest: text,
            line: 1,
            of_text,
            keeps_numbers: false,
        }
    }

    pub fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let letter = self.peek()?;
        self.rest = self.rest.get(letter.len_utf8()..)?;
        Some(letter)
    }

    /// Takes `wanted` if it comes next.
    fn next_if(&mut self, wanted: char) -> bool {
        let rest = self.rest.strip_prefix(wanted);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    pub fn skip_space(&mut self) {
        let space = self.rest.bytes();
        let space = space.take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r'));
        let count = space
            .inspect(|byte| self.line += usize::from(*byte == b'\n'))
            .count();
        self.rest = self.rest.get(count..).unwrap_or_default();
    }

    /// Takes `wanted` if it comes next, after space.
    pub fn takes(&mut self, wanted: char) -> bool {
        self.skip_space();
        self.next_if(wanted)
    }

    pub fn expect(&mut self, wanted: char) -> Result<(), String> {
        if self.takes(wanted) {
            return Ok(());
        }
        match self.peek() {
            None => Err(format!("it ends where {wanted:?} should be")),
            Some(letter) => Err(format!("{letter:?} where {wanted:?} should be")),
        }
    }

    fn value(&mut self, depth: u32) -> Result<Value, String> {
        if depth > DEEPEST {
            return Err("it is nested too deeply".into());
        }
        self.skip_space();
        match self.peek() {
            Some('{') => {
                let mut members = Vec::new();
                self.items('{', '}', |reader| {
                    reader.skip_space();
                    let name = String::from_utf8(reader.string()?).map_err(|_| BAD_CODE)?;
                    reader.expect(':')?;
                    members.push((name, reader.value(depth + 1)?));
                    Ok(())
                })?;
                Ok(Value::Object(members))
            }
            Some('[') => {
                let mut items = Vec::new();
                self.items('[', ']', |reader| {
                    items.push(reader.value(depth + 1)?);
                    Ok(())
                })?;
                Ok(Value::List(items))
            }
            Some('"') => self.string().map(Value::string),
            _ => self.word(),
        }
    }

    /// What is between brackets, separated by commas.
    fn items(
        &mut self,
        open: char,
        close: char,
        mut item: impl FnMut(&mut Self) -> Result<(), String>,
    ) -> Result<(), String> {
        self.expect(open)?;
        if self.takes(close) {
            return Ok(());
        }
        loop {
            item(self)?;
            if !self.takes(',') {
                return self.expect(close);
            }
        }
    }

    #[cfg(feature = "oci")]
    /// A string that has no escapes, as it stands there. `None`: there is none, and nothing is taken.
    pub fn take_plain(&mut self) -> Option<&'a str> {
        let inside = self.rest.strip_prefix('"')?;
        let end = inside.bytes().position(is_special)?;
        let (plain, rest) = inside.split_at(end);
        self.rest = rest.strip_prefix('"')?;
        Some(plain)
    }

    /// The bytes of a string.
    pub fn string(&mut self) -> Result<Vec<u8>, String> {
        let mut string = Vec::new();
        self.take_string(&mut string).map(|()| string)
    }

    fn take_string(&mut self, string: &mut Vec<u8>) -> Result<(), String> {
        self.expect('"')?;
        loop {
            let plain = self.rest.bytes().position(is_special);
            let (plain, rest) = self.rest.split_at(plain.unwrap_or(self.rest.len()));
            string.extend_from_slice(plain.as_bytes());
            self.rest = rest;
            match self.next() {
                Some('"') => return Ok(()),
                Some('\\') => self.escaped(string)?,
                Some(letter) => return Err(format!("{letter:?} in a string")),
                None => return Err("a string does not end".into()),
            }
        }
    }

    fn escaped(&mut self, string: &mut Vec<u8>) -> Result<(), String> {
        let byte = match self.next() {
            Some('n') => b'\n',
            Some('t') => b'\t',
            Some('r') => b'\r',
            Some('b') => 8,
            Some('f') => 12,
            Some('"') => b'"',
            Some('\\') => b'\\',
            Some('/') => b'/',
            Some('u') => return self.code(string).ok_or_else(|| BAD_CODE.into()),
            _ => return Err("a bad escape in a string".into()),
        };
        string.push(byte);
        Ok(())
    }

    /// What follows `\u`: a letter; of one beyond four digits the first half of a pair; a byte that is no letter, as
    /// [`Object::bytes`](super::Object::bytes) writes it.
    fn code(&mut self, string: &mut Vec<u8>) -> Option<()> {
        let half = self.four_digits()?;
        let code = match half {
            0 if self.of_text => return None,
            0xdc80..=0xdcff if !self.of_text => {
                string.push(half as u8);
                return Some(());
            }
            0xd800..0xdc00 => {
                let pair = self.next_if('\\') && self.next_if('u');
                let other = pair.then(|| self.four_digits())??;
                let other = other.checked_sub(0xdc00).filter(|other| *other < 0x400)?;
                0x1_0000 + ((half - 0xd800) << 10) + other
            }
            code => code,
        };
        let letter = char::from_u32(code)?;
        string.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
        Some(())
    }

    fn four_digits(&mut self) -> Option<u32> {
        (0..4).try_fold(0, |number, _| {
            Some(number << 4 | self.next()?.to_digit(16)?)
        })
    }

    /// The letters of a number, or of one of the three words.
    pub fn take_word(&mut self, longest: usize) -> &'a str {
        let end = self.rest.find(|letter| !is_of_a_word(letter));
        let end = end.unwrap_or(self.rest.len()).min(longest);
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        word
    }

    #[cold]
    pub fn no_value(&self) -> String {
        match self.peek() {
            None => "it ends where a value should be".into(),
            Some(letter) => format!("{letter:?} where a value should be"),
        }
    }

    /// A number, or one of the three words.
    fn word(&mut self) -> Result<Value, String> {
        // Any that is longer is wrong, and not to be shown whole.
        let word = self.take_word(LONGEST);
        let is_number = word.starts_with(|first: char| first == '-' || first.is_ascii_digit());
        let digits = word.trim_start_matches('-');
        let is_padded = digits.len() > 1 && digits.starts_with('0') && !digits.starts_with("0.");
        match word {
            "null" => Ok(Value::Null),
            "true" => Ok(Value::Boolean(true)),
            "false" => Ok(Value::Boolean(false)),
            number if is_number => {
                let whole = number.parse().ok().filter(|_| !is_padded);
                match whole {
                    // Minus zero is another text than zero.
                    Some(whole) if !self.keeps_numbers || number != "-0" => {
                        Ok(Value::Number(whole))
                    }
                    _ if self.keeps_numbers => self.other_number(number),
                    _ => Err(format!("{number}: no whole number")),
                }
            }
            "" => Err(self.no_value()),
            word => Err(format!("{word} where a value should be")),
        }
    }

    /// One that is kept as it is written, as far as it was taken.
    #[cold]
    fn other_number(&self, number: &str) -> Result<Value, String> {
        match self.peek() {
            Some(next) if is_of_a_word(next) => Err(format!(
                "{number}…: no number is longer than {LONGEST} letters"
            )),
            _ if is_a_number(number) => Ok(Value::OtherNumber(number.into())),
            _ => Err(format!("{number}: no number")),
        }
    }
}

/// Whether it can be in a number, or in one of the three words.
fn is_of_a_word(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || "+-.".contains(letter)
}

/// Whether it is a number by the grammar of RFC 8259.
fn is_a_number(text: &str) -> bool {
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let text = text.strip_prefix('-').unwrap_or(text);
    let (text, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let is_padded = whole.len() > 1 && whole.starts_with('0');
    let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    is_digits(whole) && !is_padded && is_digits(fraction) && is_digits(exponent)
}

/// What ends a string, or cannot stand in it as it is.
fn is_special(byte: u8) -> bool {
    matches!(byte, b'"' | b'\\' | ..b' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values() {
        let value = parse(
            " {\"a\": [1, -2, true,null],\n\"b\\n\\u0041\\ud83d\\uDE00\":\"\\\"x\\/\", \"c\":{}} ",
        );
        let text = |text: &str| Value::Text(text.into());
        let list = vec![
            Value::Number(1),
            Value::Number(-2),
            Value::Boolean(true),
            Value::Null,
        ];
        let expected = vec![
            ("a".into(), Value::List(list)),
            ("b\nA😀".into(), text("\"x/")),
            ("c".into(), Value::Object(vec![])),
        ];
        assert_eq!(value, Ok(Value::Object(expected)));
    }

    #[test]
    fn bytes_that_are_no_letters() {
        for (text, bytes) in [
            (r#""a\udcff""#, &b"a\xff"[..]),
            (r#""\uDC80\udcbf""#, b"\x80\xbf"),
            // A pair stays a pair.
            (r#""\ud83d\udc80""#, "💀".as_bytes()),
        ] {
            assert_eq!(parse(text).unwrap().bytes(), Some(bytes), "{text}");
        }
    }

    #[test]
    fn numbers_are_kept_where_they_are_wanted() {
        let long = ["1"; 40].concat();
        for number in [
            "0.5", "10.25", "-1.0", "1e3", "1.5E-20", "0e+0", "-0", &long,
        ] {
            let kept = Value::OtherNumber(number.into());
            assert_eq!(kept.compact(), number);
            assert_eq!(parse_any_number(number), Ok(kept), "{number}");
            assert!(number == "-0" || parse(number).is_err(), "{number}");
        }
        let longer = ["1"; 41].concat();
        for number in [
            "1.", ".5", "01.5", "1.5.2", "--1.5", "1e", "1e+", "e1", "-", "1e1.5", "1-1", "+1",
            "01", "00", "1x", "0x1", &longer,
        ] {
            assert!(parse_any_number(number).is_err(), "{number}");
        }
        for number in [7, -7, 0, i128::MAX, i128::MIN] {
            let whole = Ok(Value::Number(number));
            assert_eq!(parse_any_number(&number.to_string()), whole);
        }
    }

    #[test]
    fn mistakes_are_named() {
        for (text, message) in [
            ("", "line 1: it ends where a value should be"),
            ("{\n\n\"a\" 1}", "line 3: '1' where ':' should be"),
            ("[1 2]", "line 1: '2' where ']' should be"),
            ("[1,]", "line 1: ']' where a value should be"),
            ("[1] x", "line 1: 'x' after the end"),
            ("\"abc", "line 1: a string does not end"),
            ("1.5", "line 1: 1.5: no whole number"),
            ("nul", "line 1: nul where a value should be"),
            ("\"\\ud800\"", "line 1: a bad \\u"),
            ("\"\\ud83d\\ue000\"", "line 1: a bad \\u"),
            ("\"\\udc7f\"", "line 1: a bad \\u"),
            ("\"\\udd00\"", "line 1: a bad \\u"),
            ("\"\\udfff\"", "line 1: a bad \\u"),
            ("\"\\udbff\\n\"", "line 1: a bad \\u"),
            ("{\"\\udc80\": 1}", "line 1: a bad \\u"),
            ("\"\\u+041\"", "line 1: a bad \\u"),
            ("\"\\u004\"", "line 1: a bad \\u"),
            ("007", "line 1: 007: no whole number"),
            ("0.5", "line 1: 0.5: no whole number"),
            ("-01", "line 1: -01: no whole number"),
            ("--1", "line 1: --1: no whole number"),
        ] {
            assert_eq!(parse(text), Err(message.into()), "{text}");
        }
        let long = format!("line 1: {}: no whole number", "9".repeat(40));
        assert_eq!(parse(&"9".repeat(100_000)), Err(long));
        let deep = "[".repeat(100_000);
        assert_eq!(parse(&deep), Err("line 1: it is nested too deeply".into()));
    }

    #[test]
    fn anything_is_answered() {
        let sample = r#"{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{"names": ["read"], "args": [0, -1]}]}"#;
        let mut random = fastrand::Rng::with_seed(6);
        for _ in 0..20_000 {
            let mut bytes = sample.as_bytes().to_vec();
            for _ in 0..random.usize(1..5) {
                let at = random.usize(..bytes.len());
                match random.u8(..3) {
                    0 => bytes[at] = random.u8(..),
                    1 => drop(bytes.remove(at)),
                    _ => bytes.insert(at, *random.choice(b"{}[]\",:\\u0-e\n").unwrap()),
                }
            }
            let _ = parse(&String::from_utf8_lossy(&bytes));
        }
    }
}
