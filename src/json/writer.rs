//! A writer of JSON objects, as much as log lines and times need.

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
        self.key(key);
        self.members.push('"');
        for character in String::from_utf8_lossy(value).chars() {
            self.character(character);
        }
        self.members.push('"');
    }

    /// A whole number.
    pub fn number(&mut self, key: &str, value: i64) {
        self.key(key);
        self.members.push_str(&value.to_string());
    }

    /// A whole number, or null where it is not known.
    pub fn number_or_null(&mut self, key: &str, value: Option<i64>) {
        match value {
            Some(value) => self.number(key, value),
            None => self.null(key),
        }
    }

    pub fn null(&mut self, key: &str) {
        self.key(key);
        self.members.push_str("null");
    }

    /// An object in this one.
    pub fn object(&mut self, key: &str, value: Self) {
        self.key(key);
        self.members.push_str(&value.finish());
    }

    /// An array of objects.
    pub fn array(&mut self, key: &str, value: Array) {
        self.key(key);
        self.members.push('[');
        self.members.push_str(&value.elements);
        self.members.push(']');
    }

    /// The object, closed, on one line without an end of line.
    pub fn finish(self) -> String {
        ["{", &self.members, "}"].concat()
    }

    fn key(&mut self, key: &str) {
        if !self.members.is_empty() {
            self.members.push(',');
        }
        self.members.push('"');
        self.members.push_str(key);
        self.members.push_str("\":");
    }

    /// RFC 8259, section 7: the quote, the backslash and U+0000 to U+001F must be escaped. DEL and
    /// the C1 controls need not be, but a terminal that shows the log would obey them.
    fn character(&mut self, character: char) {
        const HEX: [char; 16] = [
            '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f',
        ];
        match character {
            '"' => self.members.push_str("\\\""),
            '\\' => self.members.push_str("\\\\"),
            '\n' => self.members.push_str("\\n"),
            '\r' => self.members.push_str("\\r"),
            '\t' => self.members.push_str("\\t"),
            control if control.is_control() => {
                // Every control character is below U+00A0.
                let code = control as usize;
                self.members.push_str("\\u00");
                self.members.push(HEX[code >> 4 & 15]);
                self.members.push(HEX[code & 15]);
            }
            other => self.members.push(other),
        }
    }
}

/// An array of objects that is being written.
#[derive(Default)]
pub struct Array {
    elements: String,
}

impl Array {
    pub fn push(&mut self, object: Object) {
        if !self.elements.is_empty() {
            self.elements.push(',');
        }
        self.elements.push_str(&object.finish());
    }
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
    fn an_empty_object() {
        assert_eq!(Object::new().finish(), "{}");
    }
}
