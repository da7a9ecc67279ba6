//! Reads JSON (RFC 8259), as far as profiles have it: numbers are whole.

use std::iter::Peekable;
use std::str::Chars;

#[derive(Debug, PartialEq)]
pub enum Value {
    Null,
    Boolean(bool),
    Number(i128),
    Text(String),
    List(Vec<Value>),
    /// In the order of the text.
    Object(Vec<(String, Value)>),
}

impl Value {
    /// The member of an object, if it has it and it is not null. As docker reads profiles, which is in Go: capitals
    /// are not told from small letters, and of two the last one counts. A rule that docker obeys must not be passed
    /// over.
    pub fn get(&self, name: &str) -> Option<&Self> {
        let Self::Object(members) = self else {
            return None;
        };
        let named = members
            .iter()
            .rfind(|(member, _)| member.eq_ignore_ascii_case(name));
        named
            .map(|(_, value)| value)
            .filter(|value| **value != Self::Null)
    }
}

/// Deeper than any profile; a text that is nothing but brackets must not use the stack up.
const DEEPEST: u32 = 32;

/// Longer than any word or number that is right.
const LONGEST: usize = 40;

/// Errors: where the text is no JSON, by its line.
pub fn parse(text: &str) -> Result<Value, String> {
    let mut reader = Reader {
        rest: text.chars().peekable(),
        line: 1,
    };
    let value = reader.value(0);
    let value = value.and_then(|value| {
        reader.skip_space();
        match reader.rest.next() {
            None => Ok(value),
            Some(letter) => Err(format!("{letter:?} after the end")),
        }
    });
    value.map_err(|what| format!("line {}: {what}", reader.line))
}

struct Reader<'a> {
    rest: Peekable<Chars<'a>>,
    line: usize,
}

impl Reader<'_> {
    fn skip_space(&mut self) {
        while let Some(letter) = self
            .rest
            .next_if(|letter| matches!(letter, ' ' | '\t' | '\n' | '\r'))
        {
            self.line += usize::from(letter == '\n');
        }
    }

    /// Takes `wanted` if it comes next, after space.
    fn takes(&mut self, wanted: char) -> bool {
        self.skip_space();
        self.rest.next_if_eq(&wanted).is_some()
    }

    fn expect(&mut self, wanted: char) -> Result<(), String> {
        if self.takes(wanted) {
            return Ok(());
        }
        match self.rest.peek() {
            None => Err(format!("it ends where {wanted:?} should be")),
            Some(letter) => Err(format!("{letter:?} where {wanted:?} should be")),
        }
    }

    fn value(&mut self, depth: u32) -> Result<Value, String> {
        if depth > DEEPEST {
            return Err("it is nested too deeply".into());
        }
        self.skip_space();
        match self.rest.peek() {
            Some('{') => {
                let mut members = Vec::new();
                self.items('{', '}', |reader| {
                    reader.skip_space();
                    let name = reader.text()?;
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
            Some('"') => self.text().map(Value::Text),
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

    fn text(&mut self) -> Result<String, String> {
        self.expect('"')?;
        let mut text = String::new();
        loop {
            match self.rest.next() {
                Some('"') => return Ok(text),
                Some('\\') => text.push(self.escaped()?),
                Some(letter) if letter >= ' ' => text.push(letter),
                _ => return Err("a string does not end".into()),
            }
        }
    }

    fn escaped(&mut self) -> Result<char, String> {
        let letter = match self.rest.next() {
            Some('n') => '\n',
            Some('t') => '\t',
            Some('r') => '\r',
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some(letter @ ('"' | '\\' | '/')) => letter,
            Some('u') => self.unicode().ok_or("a bad \\u")?,
            _ => return Err("a bad escape in a string".into()),
        };
        Ok(letter)
    }

    /// What follows `\u`. A letter beyond four digits is written as a pair of halves.
    fn unicode(&mut self) -> Option<char> {
        let half = self.four_digits()?;
        if !(0xd800..0xdc00).contains(&half) {
            return char::from_u32(half);
        }
        self.rest.next_if_eq(&'\\')?;
        self.rest.next_if_eq(&'u')?;
        let other = self.four_digits()?.checked_sub(0xdc00)?;
        let letter = 0x1_0000 + ((half - 0xd800) << 10) + other;
        char::from_u32(letter).filter(|_| other < 0x400)
    }

    fn four_digits(&mut self) -> Option<u32> {
        (0..4).try_fold(0, |number, _| {
            Some(number << 4 | self.rest.next()?.to_digit(16)?)
        })
    }

    /// A number, or one of the three words.
    fn word(&mut self) -> Result<Value, String> {
        let mut word = String::new();
        // Any that is longer is wrong, and not to be shown whole.
        while let Some(letter) = self.rest.next_if(|letter| {
            word.len() < LONGEST && (letter.is_ascii_alphanumeric() || "+-.".contains(*letter))
        }) {
            word.push(letter);
        }
        let is_number = word.starts_with(|first: char| first == '-' || first.is_ascii_digit());
        let digits = word.trim_start_matches('-');
        let is_padded = digits.len() > 1 && digits.starts_with('0');
        match word.as_str() {
            "null" => Ok(Value::Null),
            "true" => Ok(Value::Boolean(true)),
            "false" => Ok(Value::Boolean(false)),
            number if is_number => number
                .parse()
                .ok()
                .filter(|_| !is_padded)
                .map(Value::Number)
                .ok_or_else(|| format!("{number}: no whole number")),
            "" => match self.rest.peek() {
                None => Err("it ends where a value should be".into()),
                Some(letter) => Err(format!("{letter:?} where a value should be")),
            },
            word => Err(format!("{word} where a value should be")),
        }
    }
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
    fn members_are_found_as_go_finds_them() {
        let value = parse(r#"{"a": 1, "B": 2, "A": 3, "c": 4, "c": null}"#).unwrap();
        assert_eq!(value.get("a"), Some(&Value::Number(3)));
        assert_eq!(value.get("b"), Some(&Value::Number(2)));
        assert_eq!(value.get("c"), None);
        assert_eq!(Value::Null.get("a"), None);
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
            ("\"\\u+041\"", "line 1: a bad \\u"),
            ("\"\\u004\"", "line 1: a bad \\u"),
            ("007", "line 1: 007: no whole number"),
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
