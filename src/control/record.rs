//! Records: a byte that says what it is, then numbers and bytes.

/// The most bytes of the container's that one record carries.
pub const MOST_BYTES: usize = 16 * 1024;

/// The longest record there is.
pub const LONGEST: usize = MOST_BYTES + 16;

/// A record that is written.
pub struct Writer(Vec<u8>);

impl Writer {
    pub fn new(kind: u8) -> Self {
        Self(vec![kind])
    }

    pub fn byte(mut self, byte: u8) -> Self {
        self.0.push(byte);
        self
    }

    pub fn number(mut self, number: i32) -> Self {
        self.0.extend(number.to_ne_bytes());
        self
    }

    /// As many bytes as a record has room for; nothing comes behind them.
    pub fn bytes(mut self, bytes: &[u8]) -> Vec<u8> {
        self.0.extend(bytes.get(..MOST_BYTES).unwrap_or(bytes));
        self.0
    }

    pub fn end(self) -> Vec<u8> {
        self.0
    }
}

/// A record that is read. `None` is the answer to whatever asks for more than there is.
pub struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub fn new(record: &'a [u8]) -> Self {
        Self(record)
    }

    pub fn byte(&mut self) -> Option<u8> {
        let (byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*byte)
    }

    pub fn number(&mut self) -> Option<i32> {
        let (number, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(i32::from_ne_bytes(*number))
    }

    pub fn bytes(self) -> &'a [u8] {
        self.0
    }

    /// `value`, if nothing comes behind it.
    pub fn end<T>(&self, value: T) -> Option<T> {
        self.0.is_empty().then_some(value)
    }
}
