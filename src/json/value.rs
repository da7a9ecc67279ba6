//! What a text in JSON stands for, and the text of it.

use super::writer::{Otherwise, push_string};

#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Null,
    Boolean(bool),
    Number(i128),
    /// Another number, as it is written: [`parse_any_number`](super::parse_any_number) alone makes it.
    OtherNumber(String),
    Text(String),
    /// A string that is no UTF-8: [`Value::string`] tells which of the two it is.
    Bytes(Vec<u8>),
    List(Vec<Value>),
    /// In the order of the text.
    Object(Vec<(String, Value)>),
}

impl Value {
    /// A string of these bytes.
    pub fn string(bytes: Vec<u8>) -> Self {
        match String::from_utf8(bytes) {
            Ok(text) => Self::Text(text),
            Err(other) => Self::Bytes(other.into_bytes()),
        }
    }

    /// The member of an object, if it has it and it is not null. As docker reads profiles, which is in Go: capitals
    /// are not told from small letters, and of two the last one counts. A rule that docker obeys must not be passed
    /// over.
    pub fn get(&self, name: &str) -> Option<&Self> {
        let named = self
            .members()?
            .iter()
            .rfind(|(member, _)| member.eq_ignore_ascii_case(name));
        named
            .map(|(_, value)| value)
            .filter(|value| **value != Self::Null)
    }

    /// A string that is UTF-8.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A string, whatever bytes it has.
    pub fn bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Text(text) => Some(text.as_bytes()),
            Self::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    pub fn number(&self) -> Option<i128> {
        match self {
            Self::Number(number) => Some(*number),
            _ => None,
        }
    }

    pub fn boolean(&self) -> Option<bool> {
        match self {
            Self::Boolean(boolean) => Some(*boolean),
            _ => None,
        }
    }

    pub fn list(&self) -> Option<&[Self]> {
        match self {
            Self::List(items) => Some(items),
            _ => None,
        }
    }

    /// The members of an object, in their order.
    pub fn members(&self) -> Option<&[(String, Self)]> {
        match self {
            Self::Object(members) => Some(members),
            _ => None,
        }
    }

    /// On one line, without spaces.
    pub fn compact(&self) -> String {
        let mut text = String::new();
        self.write(&mut text, None);
        text
    }

    /// A line for each member and item, which stands four spaces further right than what it is in.
    pub fn indented(&self) -> String {
        let mut text = String::new();
        self.write(&mut text, Some(0));
        text
    }

    /// `level`: how deep in others it is, if that is to be seen.
    fn write(&self, text: &mut String, level: Option<usize>) {
        match self {
            Self::Null => text.push_str("null"),
            Self::Boolean(true) => text.push_str("true"),
            Self::Boolean(false) => text.push_str("false"),
            Self::Number(number) => text.push_str(&number.to_string()),
            Self::OtherNumber(number) => text.push_str(number),
            Self::Text(string) => push_string(text, string.as_bytes(), Otherwise::Kept),
            Self::Bytes(bytes) => push_string(text, bytes, Otherwise::Kept),
            Self::List(items) => {
                write_items(text, ['[', ']'], level, items, |text, item, level| {
                    item.write(text, level);
                })
            }
            Self::Object(members) => {
                write_items(text, ['{', '}'], level, members, |text, member, level| {
                    push_string(text, member.0.as_bytes(), Otherwise::Kept);
                    text.push_str(if level.is_some() { ": " } else { ":" });
                    member.1.write(text, level);
                });
            }
        }
    }
}

fn write_items<T>(
    text: &mut String,
    [open, close]: [char; 2],
    level: Option<usize>,
    items: &[T],
    write: fn(&mut String, &T, Option<usize>),
) {
    let line = |text: &mut String, level: Option<usize>| {
        if let Some(level) = level {
            text.push('\n');
            text.extend(std::iter::repeat_n("    ", level));
        }
    };
    let inner = level.map(|level| level + 1);
    text.push(open);
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        line(text, inner);
        write(text, item, inner);
    }
    if !items.is_empty() {
        line(text, level);
    }
    text.push(close);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Value {
        let members = [
            ("", Value::Null),
            ("a\n\"", Value::List(vec![])),
            ("B", Value::Object(vec![])),
            (
                "c",
                Value::List(vec![
                    Value::Number(-7),
                    Value::string(b"\xff\\".to_vec()),
                    Value::Object(vec![("d".into(), Value::Boolean(true))]),
                ]),
            ),
        ];
        let members = members.map(|(name, value)| (name.to_owned(), value));
        Value::Object(members.into())
    }

    #[test]
    fn on_one_line() {
        assert_eq!(
            sample().compact(),
            r#"{"":null,"a\n\"":[],"B":{},"c":[-7,"\udcff\\",{"d":true}]}"#
        );
    }

    #[test]
    fn indented_as_docker_does() {
        let expected = r#"{
    "": null,
    "a\n\"": [],
    "B": {},
    "c": [
        -7,
        "\udcff\\",
        {
            "d": true
        }
    ]
}"#;
        assert_eq!(sample().indented(), expected);
        assert_eq!(Value::List(vec![]).indented(), "[]");
    }

    #[test]
    fn each_is_asked_for_what_it_is() {
        let text = Value::string(b"a".to_vec());
        assert_eq!((text.text(), text.bytes()), (Some("a"), Some(&b"a"[..])));
        let bytes = Value::string(vec![0xe9]);
        assert_eq!((bytes.text(), bytes.bytes()), (None, Some(&[0xe9][..])));
        assert_eq!(Value::Number(3).number(), Some(3));
        assert_eq!(Value::Boolean(false).boolean(), Some(false));
        assert_eq!(Value::List(vec![]).list(), Some(&[][..]));
        assert_eq!(Value::Object(vec![]).members(), Some(&[][..]));
        for value in [Value::Null, Value::Object(vec![])] {
            assert_eq!((value.text(), value.bytes()), (None, None));
            assert_eq!((value.number(), value.boolean()), (None, None));
            assert_eq!(value.list(), None);
        }
        assert_eq!(Value::Null.members(), None);
    }

    #[test]
    fn members_are_found_as_go_finds_them() {
        let members = [("a", 1), ("B", 2), ("A", 3), ("c", 4)];
        let mut members: Vec<_> = members
            .map(|(name, number)| (name.to_owned(), Value::Number(number)))
            .into();
        members.push(("c".into(), Value::Null));
        let value = Value::Object(members);
        assert_eq!(value.get("a"), Some(&Value::Number(3)));
        assert_eq!(value.get("b"), Some(&Value::Number(2)));
        assert_eq!(value.get("c"), None);
        assert_eq!(Value::Null.get("a"), None);
    }
}
