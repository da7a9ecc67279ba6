//! The syntax of runc's command lines, which is that of Go's package flag with words in between: `--name value`,
//! `--name=value`, one dash as good as two, `--switch=false`. Short options may stand in one word, as crun has them.

use super::HELP;
use crate::docker::suggest;
use crate::error::Error;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// An option that a command takes.
pub struct Flag {
    pub name: &'static str,
    /// Its other names, of one letter or more.
    pub others: &'static [&'static str],
    pub kind: Kind,
    /// For the help.
    pub help: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Switch,
    /// An option that wants a value.
    Value,
}

pub const fn value(
    name: &'static str,
    others: &'static [&'static str],
    help: &'static str,
) -> Flag {
    Flag {
        name,
        others,
        kind: Kind::Value,
        help,
    }
}

pub const fn switch(
    name: &'static str,
    others: &'static [&'static str],
    help: &'static str,
) -> Flag {
    Flag {
        name,
        others,
        kind: Kind::Switch,
        help,
    }
}

/// Where the options of a command end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// With the line: words may stand between them.
    Mixed,
    /// At the first word that is none.
    First,
    /// At the second: what follows belongs to the first, and may have options of its own.
    OptionsBeforeWords,
}

impl Flag {
    fn is(&self, name: &[u8]) -> bool {
        let is_name = |own: &str| own.as_bytes() == name;
        is_name(self.name) || self.others.iter().any(|other| is_name(other))
    }
}

/// What was typed.
#[derive(Debug, Default)]
pub struct Line {
    given: Vec<(&'static str, OsString)>,
    pub words: Vec<OsString>,
    /// `--help`, wherever it stood.
    pub wants_help: bool,
}

impl Line {
    /// The last value of an option.
    pub fn value(&self, name: &str) -> Option<&OsStr> {
        self.values(name).last()
    }

    /// Every value of an option, in their order.
    pub fn values(&self, name: &str) -> impl DoubleEndedIterator<Item = &OsStr> {
        let given = self.given.iter().filter(move |(given, _)| *given == name);
        given.map(|(_, value)| value.as_os_str())
    }

    pub fn switch(&self, name: &str) -> bool {
        self.value(name).is_some_and(|value| value == "true")
    }

    /// The last value, as what `parse` makes of it.
    ///
    /// Errors: it makes nothing of it, for `reason`.
    pub fn parsed<T>(
        &self,
        name: &str,
        parse: impl Fn(&[u8]) -> Option<T>,
        reason: &'static str,
    ) -> Result<Option<T>, Error> {
        let Some(value) = self.value(name) else {
            return Ok(None);
        };
        match parse(value.as_bytes()) {
            Some(parsed) => Ok(Some(parsed)),
            None => Err(bad_value(name, value, reason)),
        }
    }
}

#[cold]
#[inline(never)]
pub fn bad_value(name: &str, value: &OsStr, reason: &'static str) -> Error {
    let object = [b"--", name.as_bytes(), b" ", value.as_bytes()].concat();
    Error::refused(object, reason)
}

/// Takes options and words off `rest`, up to where the order ends them.
///
/// Errors: what cannot be understood.
pub fn read(
    flags: &'static [Flag],
    order: Order,
    rest: &mut std::vec::IntoIter<OsString>,
) -> Result<Line, Error> {
    let mut line = Line::default();
    read_into(&mut line, flags, order, rest)?;
    Ok(line)
}

/// As [`read`]; what was understood before an error is in `line`.
pub fn read_into(
    line: &mut Line,
    flags: &'static [Flag],
    order: Order,
    rest: &mut std::vec::IntoIter<OsString>,
) -> Result<(), Error> {
    while let Some(word) = rest.next() {
        let bytes = word.as_bytes();
        if bytes == b"--" {
            line.words.extend(rest);
            break;
        }
        if bytes == b"-" || !bytes.starts_with(b"-") {
            line.words.push(word);
            match order {
                Order::Mixed => continue,
                Order::First => break,
                Order::OptionsBeforeWords => line.words.extend(rest),
            }
            break;
        }
        option(flags, &word, rest, line)?;
    }
    Ok(())
}

fn option(
    flags: &'static [Flag],
    word: &OsStr,
    rest: &mut std::vec::IntoIter<OsString>,
    line: &mut Line,
) -> Result<(), Error> {
    let bytes = word.as_bytes();
    let dashes = if bytes.starts_with(b"--") { 2 } else { 1 };
    let body = bytes.get(dashes..).unwrap_or_default();
    let equals = body.iter().position(|byte| *byte == b'=');
    let (name, value) = match equals {
        Some(at) => (&body[..at], body.get(at + 1..)),
        None => (body, None),
    };
    if matches!(name, b"help" | b"h" | b"?") && value.is_none() {
        line.wants_help = true;
        return Ok(());
    }
    let value = value.map(|value| OsString::from_vec(value.to_vec()));
    if let Some(flag) = flags.iter().find(|flag| flag.is(name)) {
        return give(flag, value, rest, line);
    }
    match dashes {
        1 => cluster(flags, word, body, rest, line),
        _ => Err(unknown(flags, word)),
    }
}

/// `-ti`, `-b/bundle`.
fn cluster(
    flags: &'static [Flag],
    word: &OsStr,
    mut letters: &[u8],
    rest: &mut std::vec::IntoIter<OsString>,
    line: &mut Line,
) -> Result<(), Error> {
    while let Some((letter, after)) = letters.split_first() {
        let flag = flags.iter().find(|flag| flag.is(&[*letter]));
        let flag = flag.ok_or_else(|| unknown(flags, word))?;
        letters = after;
        if flag.kind == Kind::Value && !letters.is_empty() {
            let value = OsString::from_vec(letters.to_vec());
            return give(flag, Some(value), rest, line);
        }
        give(flag, None, rest, line)?;
    }
    Ok(())
}

fn give(
    flag: &'static Flag,
    value: Option<OsString>,
    rest: &mut std::vec::IntoIter<OsString>,
    line: &mut Line,
) -> Result<(), Error> {
    let value = match (flag.kind, value) {
        (Kind::Value, Some(value)) => value,
        (Kind::Value, None) => rest.next().ok_or_else(|| missing(flag))?,
        (Kind::Switch, None) => "true".into(),
        (Kind::Switch, Some(value)) => truth(flag, &value)?.into(),
    };
    line.given.push((flag.name, value));
    Ok(())
}

/// As Go's strconv.ParseBool has it.
fn truth(flag: &Flag, value: &OsStr) -> Result<&'static str, Error> {
    match value.as_bytes() {
        b"1" | b"t" | b"T" | b"true" | b"TRUE" | b"True" => Ok("true"),
        b"0" | b"f" | b"F" | b"false" | b"FALSE" | b"False" => Ok("false"),
        _ => Err(bad_value(flag.name, value, "it is true or false")),
    }
}

#[cold]
#[inline(never)]
fn unknown(flags: &[Flag], word: &OsStr) -> Error {
    let word = word.to_string_lossy();
    let name = word.split('=').next().unwrap_or_default();
    let mut message = format!("unknown option '{name}'");
    let known = flags.iter().filter(|flag| !flag.help.is_empty());
    let known: Vec<&str> = known.map(|flag| flag.name).collect();
    if let Some(near) = suggest::nearest(name.trim_start_matches('-'), &known) {
        message.push_str(&format!(", did you mean '--{near}'?"));
    }
    Error::usage(message, HELP)
}

#[cold]
#[inline(never)]
fn missing(flag: &Flag) -> Error {
    Error::usage(format!("--{} needs a value", flag.name), HELP)
}

#[cfg(test)]
mod tests {
    use super::*;

    static FLAGS: [Flag; 4] = [
        value("bundle", &["b"], ""),
        switch("detach", &["d"], ""),
        value("env", &["e"], ""),
        switch("tty", &["t"], ""),
    ];

    fn typed(order: Order, words: &[&str]) -> Result<(Line, Vec<OsString>), String> {
        let words: Vec<OsString> = words.iter().map(Into::into).collect();
        let mut rest = words.into_iter();
        let line = read(&FLAGS, order, &mut rest).map_err(|error| error.to_string())?;
        Ok((line, rest.collect()))
    }

    #[test]
    fn options_stand_where_they_like() {
        for words in [
            &["--bundle", "x", "--detach", "id"][..],
            &["id", "--bundle=x", "-d"],
            &["-b", "x", "id", "-detach"],
            &["-bundle=x", "--detach=1", "--", "id"],
            &["-dbx", "id"],
            &["-b", "y", "-d=false", "id", "-d", "-b", "x"],
        ] {
            let (line, rest) = typed(Order::Mixed, words).unwrap();
            assert_eq!(line.value("bundle"), Some("x".as_ref()), "{words:?}");
            assert!(line.switch("detach") && !line.switch("tty"), "{words:?}");
            assert_eq!((line.words, rest.len()), (vec!["id".into()], 0));
        }
    }

    #[test]
    fn words_may_end_them() {
        let (line, rest) = typed(Order::OptionsBeforeWords, &["-t", "id", "ls", "-d"]).unwrap();
        assert_eq!(line.words, ["id", "ls", "-d"]);
        assert!(line.switch("tty") && !line.switch("detach") && rest.is_empty());
        let (line, rest) = typed(Order::First, &["-d", "create", "-t"]).unwrap();
        assert_eq!(
            (line.words, rest),
            (vec!["create".into()], vec!["-t".into()])
        );
        let (line, _) = typed(Order::Mixed, &["--env", "-1", "-e", "", "-", "-h"]).unwrap();
        let values: Vec<&OsStr> = line.values("env").collect();
        assert_eq!(
            (values.len(), values[0], values[1]),
            (2, "-1".as_ref(), "".as_ref())
        );
        assert!(line.wants_help && line.words == ["-"]);
    }

    #[test]
    fn what_is_not_understood_is_named() {
        for (words, message) in [
            (&["--bundlle=x"][..], "unknown option '--bundlle'"),
            (&["--x"], "unknown option '--x'"),
            (&["-dx"], "unknown option '-dx'"),
            (&["--d\n"], "unknown option '--d\\n'"),
            (&["--bundle"], "--bundle needs a value"),
            (&["-d=maybe"], "--detach maybe: it is true or false"),
        ] {
            assert_eq!(typed(Order::Mixed, words).err(), Some(message.into()));
        }
    }
}
