//! Reads JSON of others, which may be hostile, into types as it goes: there is no value in between.
//!
//! Who reads asks for what is to come next, and an error says where in the text's structure it is (`linux.memory.limit`).
//! Of a name that is there twice no one can tell which was meant, and what checks a text could take another than what
//! obeys it: it is refused, as is a string that is no text. A member that is `null` is as one that is not there.

use super::reader::Reader;
use std::borrow::Cow;

/// Deeper than any text of use; what is deeper could use the stack up.
const DEEPEST: u32 = 100;

/// As much of a name or a number as a message needs.
const SHOWN: usize = 40;
const LONGEST_PLACE: usize = 200;

/// What is wrong with a text, and where.
#[derive(Debug, PartialEq, Eq)]
pub struct Fault(Box<Parts>);

#[derive(Debug, PartialEq, Eq)]
struct Parts {
    /// The names and indexes that lead there.
    place: String,
    /// If the text is no JSON, or none that we take.
    line: Option<usize>,
    what: String,
}

impl Fault {
    /// At the place that is read, of what it says there.
    #[cold]
    #[inline(never)]
    pub fn new(what: impl Into<String>) -> Self {
        Self(Box::new(Parts {
            place: String::new(),
            line: None,
            what: what.into(),
        }))
    }

    /// That the member is to be there, and is not.
    #[cold]
    #[inline(never)]
    pub fn missing(name: &str) -> Self {
        Self::new("it is missing").inside(name)
    }

    #[cold]
    #[inline(never)]
    fn at_line(line: usize, what: impl Into<String>) -> Self {
        let mut fault = Self::new(what);
        fault.0.line = Some(line);
        fault
    }

    /// This fault, of a part of the member `name`.
    #[cold]
    #[inline(never)]
    #[must_use]
    pub fn inside(mut self, name: &str) -> Self {
        let place = &self.0.place;
        let dot = match place.is_empty() || place.starts_with('[') {
            true => "",
            false => ".",
        };
        self.0.place = format!("{}{dot}{place}", shown(name));
        self
    }

    /// This fault, of a part of an item of a list.
    #[cold]
    #[inline(never)]
    #[must_use]
    pub fn inside_item(self, index: usize) -> Self {
        self.inside(&format!("[{index}]"))
    }
}

impl std::fmt::Display for Fault {
    /// `line 3: linux.memory: what`
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Parts { place, line, what } = &*self.0;
        if let Some(line) = line {
            write!(f, "line {line}: ")?;
        }
        if !place.is_empty() {
            // Of what is nested, the outer part.
            write!(f, "{}: ", cut(place, LONGEST_PLACE))?;
        }
        f.write_str(what)
    }
}

/// A type whose numbers are read.
pub trait Whole: TryFrom<i128> + Default {
    const LOWEST: i128;
    const HIGHEST: i128;
}

macro_rules! whole {
    ($($kind:ident)*) => {
        $(impl Whole for $kind {
            const LOWEST: i128 = $kind::MIN as i128;
            const HIGHEST: i128 = $kind::MAX as i128;
        })*
    };
}

whole!(u16 u32 u64 i32 i64);

pub struct StrictReader<'a> {
    reader: Reader<'a>,
    depth: u32,
    /// The names of the objects that are being read, each with its line, if one that is there twice is to be found.
    names: Option<Vec<(Cow<'a, str>, usize)>>,
}

/// What is done with a member of an object: it takes the value.
type Member<'r, 'a> = &'r mut dyn FnMut(&mut StrictReader<'a>, &str) -> Result<(), Fault>;
type Item<'r, 'a> = &'r mut dyn FnMut(&mut StrictReader<'a>) -> Result<(), Fault>;

impl<'a> StrictReader<'a> {
    /// Errors: it is no UTF-8.
    pub fn new(text: &'a [u8]) -> Result<Self, Fault> {
        Self::of(text, true)
    }

    /// Of what mydocker has written itself: no name is there twice, and a string may have any bytes, which
    /// [`Self::bytes`] gives back.
    ///
    /// Errors: as of [`Self::new`].
    pub fn of_own(text: &'a [u8]) -> Result<Self, Fault> {
        Self::of(text, false)
    }

    fn of(text: &'a [u8], of_text: bool) -> Result<Self, Fault> {
        match std::str::from_utf8(text) {
            Ok(text) => Ok(Self {
                reader: Reader::new(text, of_text),
                depth: 0,
                names: of_text.then(Vec::new),
            }),
            Err(error) => {
                let before = &text[..error.valid_up_to()];
                let lines = before.iter().filter(|byte| **byte == b'\n').count();
                Err(Fault::at_line(lines + 1, "it is not UTF-8"))
            }
        }
    }

    /// Sees that nothing follows.
    pub fn end(&mut self) -> Result<(), Fault> {
        self.reader.skip_space();
        match self.reader.peek() {
            None => Ok(()),
            Some(letter) => Err(self.fault(format!("{letter:?} after the end"))),
        }
    }

    /// Reads an object. Of names that it does not know `member` leaves the value to [`Self::skip`].
    pub fn object(&mut self, member: Member<'_, 'a>) -> Result<(), Fault> {
        self.enter('{', "an object")?;
        let first = self.names.as_ref().map_or(0, Vec::len);
        if !self.reader.takes('}') {
            loop {
                self.reader.skip_space();
                let line = self.reader.line;
                let name = self.string()?;
                self.expect(':')?;
                if let Some(names) = &mut self.names {
                    names.push((name.clone(), line));
                }
                let read = match self.takes_null() {
                    Ok(false) => member(self, &name),
                    is_null => is_null.map(drop),
                };
                read.map_err(|fault| fault.inside(&name))?;
                if !self.reader.takes(',') {
                    self.expect('}')?;
                    break;
                }
            }
        }
        self.depth -= 1;
        let Some(all) = &mut self.names else {
            return Ok(());
        };
        let names = &mut all[first..];
        names.sort_unstable();
        if let Some(twice) = names.windows(2).find(|two| two[0].0 == two[1].0) {
            return Err(Fault::at_line(twice[1].1, "it is there twice").inside(&twice[1].0));
        }
        all.truncate(first);
        Ok(())
    }

    /// Reads a list.
    pub fn list(&mut self, item: Item<'_, 'a>) -> Result<(), Fault> {
        self.enter('[', "a list")?;
        let mut index = 0;
        if !self.reader.takes(']') {
            loop {
                item(self).map_err(|fault| fault.inside_item(index))?;
                index += 1;
                if !self.reader.takes(',') {
                    self.expect(']')?;
                    break;
                }
            }
        }
        self.depth -= 1;
        Ok(())
    }

    pub fn text(&mut self) -> Result<Cow<'a, str>, Fault> {
        self.reader.skip_space();
        match self.reader.peek() {
            Some('"') => self.string(),
            _ => Err(self.other("a string")),
        }
    }

    /// A string of any bytes.
    pub fn bytes(&mut self) -> Result<Vec<u8>, Fault> {
        self.reader.skip_space();
        match (self.reader.take_plain(), self.reader.peek()) {
            (Some(plain), _) => Ok(plain.into()),
            (None, Some('"')) => self.reader.string().map_err(|what| self.fault(what)),
            (None, _) => Err(self.other("a string")),
        }
    }

    pub fn boolean(&mut self) -> Result<bool, Fault> {
        self.reader.skip_space();
        match self.reader.peek() {
            Some('t') => self.takes_word("true").map(|()| true),
            Some('f') => self.takes_word("false").map(|()| false),
            _ => Err(self.other("true or false")),
        }
    }

    /// A whole number that the type can hold.
    pub fn whole<T: Whole>(&mut self) -> Result<T, Fault> {
        let number = self.between(T::LOWEST, T::HIGHEST)?;
        Ok(T::try_from(number).unwrap_or_default())
    }

    /// A whole number from `lowest` to `highest`.
    pub fn between(&mut self, lowest: i128, highest: i128) -> Result<i128, Fault> {
        self.reader.skip_space();
        let begins = |letter: char| letter == '-' || letter.is_ascii_digit();
        if !self.reader.peek().is_some_and(begins) {
            return Err(self.other("a whole number"));
        }
        let word = self.reader.take_word(usize::MAX);
        if !is_number(word) {
            return Err(self.fault(format!("{}: no number", shown(word))));
        }
        let is_whole = !word.contains(['.', 'e', 'E']);
        let number = word.parse().ok();
        match number.filter(|number| lowest <= *number && *number <= highest) {
            Some(number) => Ok(number),
            None if is_whole => Err(Fault::new(format!(
                "{}: it is to be from {lowest} to {highest}",
                shown(word)
            ))),
            None => Err(Fault::new(format!(
                "{}: it is to be a whole number",
                shown(word)
            ))),
        }
    }

    /// Takes a value, whatever it is.
    pub fn skip(&mut self) -> Result<(), Fault> {
        self.reader.skip_space();
        match self.reader.peek() {
            Some('{') => self.object(&mut |reader, _| reader.skip()),
            Some('[') => self.list(&mut Self::skip),
            Some('"') if self.reader.take_plain().is_some() => Ok(()),
            Some('"') => self.bytes().map(drop),
            _ => match self.reader.take_word(usize::MAX) {
                "null" | "true" | "false" => Ok(()),
                number if is_number(number) => Ok(()),
                "" => Err(self.fault(self.reader.no_value())),
                word => Err(self.fault(format!("{} where a value should be", shown(word)))),
            },
        }
    }

    /// Takes a value, and tells whether it says something: it is no empty object, list or string, and not `false`, 0 or
    /// `null`.
    pub fn skip_telling(&mut self) -> Result<bool, Fault> {
        self.reader.skip_space();
        let mut any = false;
        match self.reader.peek() {
            Some('{') => self.object(&mut |reader, _| {
                any = true;
                reader.skip()
            })?,
            Some('[') => self.list(&mut |reader| {
                any = true;
                reader.skip()
            })?,
            Some('"') => any = !self.string()?.is_empty(),
            first => {
                any = !matches!(first, Some('n' | 'f' | '0'));
                self.skip()?;
            }
        }
        Ok(any)
    }

    fn enter(&mut self, bracket: char, what: &str) -> Result<(), Fault> {
        if !self.reader.takes(bracket) {
            return Err(self.other(what));
        }
        self.depth += 1;
        match self.depth > DEEPEST {
            true => Err(self.fault("it is nested too deeply".to_owned())),
            false => Ok(()),
        }
    }

    fn string(&mut self) -> Result<Cow<'a, str>, Fault> {
        if let Some(plain) = self.reader.take_plain() {
            return Ok(plain.into());
        }
        let string = self.reader.string().map_err(|what| self.fault(what))?;
        match String::from_utf8(string) {
            Ok(text) => Ok(text.into()),
            Err(_) => Err(self.fault("a string that is not UTF-8".to_owned())),
        }
    }

    fn takes_null(&mut self) -> Result<bool, Fault> {
        self.reader.skip_space();
        match self.reader.peek() {
            Some('n') => self.takes_word("null").map(|()| true),
            _ => Ok(false),
        }
    }

    fn takes_word(&mut self, wanted: &str) -> Result<(), Fault> {
        match self.reader.take_word(usize::MAX) {
            word if word == wanted => Ok(()),
            word => Err(self.fault(format!("{} where a value should be", shown(word)))),
        }
    }

    fn expect(&mut self, wanted: char) -> Result<(), Fault> {
        let expected = self.reader.expect(wanted);
        expected.map_err(|what| self.fault(what))
    }

    /// That here is something else than `wanted`, or nothing that could be a value.
    #[cold]
    #[inline(never)]
    fn other(&mut self, wanted: &str) -> Fault {
        match self.skip() {
            Ok(()) => Fault::new(format!("it is to be {wanted}")),
            Err(fault) => fault,
        }
    }

    #[cold]
    #[inline(never)]
    fn fault(&self, what: String) -> Fault {
        Fault::at_line(self.reader.line, what)
    }
}

/// Whether it is a number as JSON has them.
fn is_number(word: &str) -> bool {
    fn digits(text: &str) -> Option<&str> {
        let rest = text.trim_start_matches(|letter: char| letter.is_ascii_digit());
        (rest.len() < text.len()).then_some(rest)
    }
    fn after(rest: &str) -> Option<&str> {
        let rest = match rest.strip_prefix('.') {
            Some(fraction) => digits(fraction)?,
            None => rest,
        };
        match rest.strip_prefix(['e', 'E']) {
            Some(exponent) => digits(exponent.strip_prefix(['+', '-']).unwrap_or(exponent)),
            None => Some(rest),
        }
    }
    let whole = word.strip_prefix('-').unwrap_or(word);
    let rest = match whole.strip_prefix('0') {
        Some(rest) => Some(rest),
        None => digits(whole),
    };
    rest.and_then(after).is_some_and(str::is_empty)
}

/// As much of a word as a message needs.
pub fn shown(word: &str) -> String {
    cut(word, SHOWN)
}

#[cold]
#[inline(never)]
fn cut(text: &str, longest: usize) -> String {
    match text.char_indices().nth(longest) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
