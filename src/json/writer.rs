//! A writer of JSON objects and arrays.

use super::Value;

/// An object that is being written. Keys are ours and need no escaping; values may be any bytes.
#[derive(Default)]
pub struct Object {
    /// The members so far, without the braces.
    members: String,
}

impl Object {
    pub fn new() -> Self {
        Self::default()
    }

    /// A string. What is not UTF-8 becomes U+FFFD: JSON has no bytes.
    pub fn text(&mut self, key: &str, value: &[u8]) {
        push_string(self.member(key), value, Otherwise::Marked);
    }

    /// A string that [`parse`](super::parse) gives back byte for byte. A byte that is not UTF-8 is written as half a
    /// pair, `\udcXX`, which stands for no letter (Python's surrogateescape, PEP 383).
    pub fn bytes(&mut self, key: &str, value: &[u8]) {
        push_string(self.member(key), value, Otherwise::Kept);
    }

    /// A whole number.
    pub fn number(&mut self, key: &str, value: i64) {
        self.member(key).push_str(&value.to_string());
    }

    /// A whole number, or null where it is not known.
    pub fn number_or_null(&mut self, key: &str, value: Option<i64>) {
        match value {
            Some(value) => self.number(key, value),
            None => self.null(key),
        }
    }

    /// A number of digits and a point, as it is written.
    pub fn decimal(&mut self, key: &str, number: &str) {
        let is_one =
            |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
        match is_one(whole) && is_one(part) {
            true => self.member(key).push_str(number),
            false => self.null(key),
        }
    }

    pub fn boolean(&mut self, key: &str, value: bool) {
        self.member(key)
            .push_str(if value { "true" } else { "false" });
    }

    pub fn null(&mut self, key: &str) {
        self.member(key).push_str("null");
    }

    /// An object in this one.
    pub fn object(&mut self, key: &str, value: Self) {
        self.member(key).push_str(&value.finish());
    }

    pub fn array(&mut self, key: &str, value: Array) {
        self.member(key).push_str(&value.finish());
    }

    /// Whatever it is.
    pub fn value(&mut self, key: &str, value: &Value) {
        self.member(key).push_str(&value.compact());
    }

    /// The object, closed, on one line without an end of line.
    pub fn finish(self) -> String {
        ["{", &self.members, "}"].concat()
    }

    /// Begins a member, and gives the text that its value is added to.
    fn member(&mut self, key: &str) -> &mut String {
        if !self.members.is_empty() {
            self.members.push(',');
        }
        self.members.push('"');
        self.members.push_str(key);
        self.members.push_str("\":");
        &mut self.members
    }
}

/// An array that is being written.
#[derive(Default)]
pub struct Array {
    /// The elements so far, without the brackets.
    elements: String,
}

impl Array {
    pub fn push(&mut self, object: Object) {
        self.element().push_str(&object.finish());
    }

    /// A string, as [`Object::bytes`] writes it.
    pub fn bytes(&mut self, value: &[u8]) {
        push_string(self.element(), value, Otherwise::Kept);
    }

    /// A whole number.
    pub fn number(&mut self, value: i64) {
        self.element().push_str(&value.to_string());
    }

    /// An array in this one.
    pub fn array(&mut self, value: Self) {
        self.element().push_str(&value.finish());
    }

    /// The array, closed, on one line without an end of line.
    pub fn finish(self) -> String {
        ["[", &self.elements, "]"].concat()
    }

    /// Begins an element, and gives the text that it is added to.
    fn element(&mut self) -> &mut String {
        if !self.elements.is_empty() {
            self.elements.push(',');
        }
        &mut self.elements
    }
}

/// What becomes of bytes that are not UTF-8.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Otherwise {
    /// U+FFFD is in their place.
    Marked,
    /// Each is written as half a pair, and read back.
    Kept,
}

/// Adds a string, with its quotes.
pub(super) fn push_string(text: &mut String, value: &[u8], otherwise: Otherwise) {
    text.push('"');
    push_content(text, value, otherwise);
    text.push('"');
}

/// Adds a part of a string, as [`Object::bytes`] writes it. A letter that is divided between two parts is no letter.
pub fn push_bytes(text: &mut String, part: &[u8]) {
    push_content(text, part, Otherwise::Kept);
}

fn push_content(text: &mut String, value: &[u8], otherwise: Otherwise) {
    for chunk in value.utf8_chunks() {
        push_escaped(text, chunk.valid());
        match otherwise {
            Otherwise::Marked if chunk.invalid().is_empty() => {}
            Otherwise::Marked => text.push(char::REPLACEMENT_CHARACTER),
            Otherwise::Kept => {
                for byte in chunk.invalid() {
                    push_code(text, "\\udc", *byte);
                }
            }
        }
    }
}

/// RFC 8259, section 7: the quote, the backslash and U+0000 to U+001F must be escaped. DEL and
/// the C1 controls need not be, but a terminal that shows the log would obey them.
fn push_escaped(text: &mut String, mut plain: &str) {
    let special = |letter: char| matches!(letter, '"' | '\\') || letter.is_control();
    while let Some(at) = plain.find(special) {
        let (before, rest) = plain.split_at(at);
        text.push_str(before);
        let mut rest = rest.chars();
        match rest.next() {
            Some('"') => text.push_str("\\\""),
            Some('\\') => text.push_str("\\\\"),
            Some('\n') => text.push_str("\\n"),
            Some('\r') => text.push_str("\\r"),
            Some('\t') => text.push_str("\\t"),
            // Every control character is below U+00A0.
            Some(control) => push_code(text, "\\u00", control as u8),
            None => {}
        }
        plain = rest.as_str();
    }
    text.push_str(plain);
}

fn push_code(text: &mut String, before: &str, code: u8) {
    const HEX: [char; 16] = [
        '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f',
    ];
    text.push_str(before);
    text.push(HEX[usize::from(code >> 4)]);
    text.push(HEX[usize::from(code & 15)]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip(value: &[u8]) -> String {
        let mut object = Object::new();
        object.text("msg", value);
        object.number("n", i64::MIN);
        let line = object.finish();
        assert!(!line.contains('\n'));
        let parsed: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(parsed["n"], i64::MIN);
        parsed["msg"].as_str().unwrap().to_owned()
    }

    #[test]
    fn hostile_strings_come_back_as_they_were() {
        let every: String = (0..=0x2fff).filter_map(char::from_u32).collect();
        let long = "\"\n\\é".repeat(1 << 18);
        for value in [
            "",
            "plain",
            "a\"b\\c\n\r\t\0\u{7f}\u{9b}",
            "\u{1f980}",
            &every,
            &long,
        ] {
            assert_eq!(round_trip(value.as_bytes()), value);
        }
    }

    #[test]
    fn what_is_not_text_is_marked() {
        assert_eq!(
            round_trip(b"a\xffb\xed\xa0\x80"),
            "a\u{fffd}b\u{fffd}\u{fffd}\u{fffd}"
        );
    }

    #[test]
    fn what_is_not_text_can_be_kept() {
        let mut object = Object::new();
        object.bytes("a", b"\xffb\xed\xa0\x80\xc3\xa9\n\xf0\x9f");
        object.boolean("b", true);
        let mut array = Array::default();
        array.bytes(b"\x80");
        array.number(-1);
        let mut inner = Array::default();
        inner.push(Object::new());
        array.array(inner);
        object.array("c", array);
        object.value("d", &Value::List(vec![Value::Null]));
        assert_eq!(
            object.finish(),
            r#"{"a":"\udcffb\udced\udca0\udc80é\n\udcf0\udc9f","b":true,"c":["\udc80",-1,[{}]],"d":[null]}"#
        );
    }

    #[test]
    fn decimals_stay_as_they_are() {
        let mut object = Object::new();
        for (key, number) in [
            ("a", "0.05"),
            ("b", "12"),
            ("c", "1."),
            ("d", "x"),
            ("e", ""),
        ] {
            object.decimal(key, number);
        }
        assert_eq!(
            object.finish(),
            r#"{"a":0.05,"b":12,"c":null,"d":null,"e":null}"#
        );
    }

    #[test]
    fn an_empty_object() {
        assert_eq!(Object::new().finish(), "{}");
    }
}
