//! The parser of a command's options, by its table.

use super::{Kind, Line, Needs, Reading, Row, Tables, Value, all, by_name, chosen};
use crate::docker::topic::Detail;
use crate::docker::{bad_value, elsewhere, not_understood, unknown_option};
use crate::error::Error;
use std::ffi::{OsStr, OsString};

/// What the parser may ask about the host, and how it speaks of the command line.
pub struct Asked<'a> {
    /// Whether a word, which could be two things, is a directory.
    pub is_directory: &'a dyn Fn(&OsStr) -> bool,
    /// The command whose line it is.
    pub command: &'static str,
    /// Where a complaint says that more is told.
    pub help: &'static str,
}

/// Where the options ended.
pub enum End {
    /// At the first word that is none. The parser has what follows.
    Word(OsString),
    /// At `--help` or `-h`.
    Help(Detail),
    /// With the line.
    Line,
}

/// Reads options until there is a word that is none. docker's habit: what follows belongs to that word.
///
/// `needed` is told of each option that needs something else, when it has been given.
///
/// Errors: what cannot be understood, with the way to the help.
pub fn read(
    parser: &mut lexopt::Parser,
    tables: Tables,
    line: &mut Line,
    asked: &Asked<'_>,
    needed: &mut dyn FnMut(&'static Row),
) -> Result<End, Error> {
    let mut switched: Option<&'static Row> = None;
    loop {
        let row = match parser.next() {
            Ok(None) => return Ok(End::Line),
            Ok(Some(lexopt::Arg::Value(word))) => return Ok(End::Word(word)),
            Ok(Some(lexopt::Arg::Short(letter))) => {
                let found = all(tables).find(|row| row.short == Some(letter));
                let Some(row) = found else {
                    let name = letter.to_string();
                    if elsewhere::asks_nothing(asked.command, &name, parser) {
                        continue;
                    }
                    return Err(unknown_letter(&name, asked));
                };
                if let Reading::Help = row.reading {
                    return Ok(End::Help(Detail::Brief));
                }
                row
            }
            Ok(Some(lexopt::Arg::Long(name))) => match by_name(tables, name) {
                Some(row) => row,
                None => {
                    let name = name.to_owned();
                    if elsewhere::asks_nothing(asked.command, &name, parser) {
                        continue;
                    }
                    return Err(unknown(&name, tables, asked));
                }
            },
            // A switch with a value, which lexopt has given us without: pflag's booleans.
            Err(lexopt::Error::UnexpectedValue { option, value }) => {
                match switched.take() {
                    Some(row) => switch_to(row, line, &value, asked.help)?,
                    None => {
                        let error = lexopt::Error::UnexpectedValue { option, value };
                        return Err(not_understood(&error, asked.help));
                    }
                }
                continue;
            }
            Err(error) => return Err(not_understood(&error, asked.help)),
        };
        if let Reading::Help = row.reading {
            return Ok(End::Help(Detail::Full));
        }
        take(row, parser, line, asked)?;
        switched = Some(row);
        if row.needs != Needs::Nothing {
            needed(row);
        }
    }
}

#[cold]
#[inline(never)]
fn unknown_letter(letter: &str, asked: &Asked<'_>) -> Error {
    match elsewhere::option(asked.command, letter) {
        Some(answer) => Error::refused(format!("-{letter}"), answer),
        None => Error::usage(format!("unknown option '-{letter}'"), asked.help),
    }
}

#[cold]
#[inline(never)]
fn unknown(name: &str, tables: Tables, asked: &Asked<'_>) -> Error {
    if let Some(answer) = elsewhere::option(asked.command, name) {
        return Error::refused(format!("--{name}"), answer);
    }
    let known: Vec<&str> = all(tables).map(|row| row.long).collect();
    unknown_option(name, &known, asked.help)
}

fn take(
    row: &'static Row,
    parser: &mut lexopt::Parser,
    line: &mut Line,
    asked: &Asked<'_>,
) -> Result<(), Error> {
    let mut value = || {
        parser
            .value()
            .map_err(|error| not_understood(&error, asked.help))
    };
    match &row.reading {
        Reading::Switch(field) => *field(line) = true,
        Reading::Choosing(field) => *field(line) = Some(true),
        Reading::Help => {}
        Reading::One(kind, field) => *field(line) = Some(named(row.long, kind, value()?)?),
        Reading::Many(kind, field) => field(line).push(named(row.long, kind, value()?)?),
        Reading::Own(_, read) => read(line, row.long, value()?)?,
        Reading::Choice(choices) => {
            let typed = value()?;
            let choice = chosen(choices, &typed)
                .map_err(|words| bad_value((row.long, asked.help), &typed, &words))?;
            (choice.choose)(line);
        }
        Reading::Optional(_, read) => read(line, parser, asked),
    }
    Ok(())
}

/// A value of this kind; no path is empty, as that of a shell's variable is which is not set.
fn named(option: &str, value: &Value, typed: OsString) -> Result<OsString, Error> {
    match value.kind {
        Kind::File | Kind::Directory if typed.is_empty() => {
            Err(Error::refused(format!("--{option} "), "the path is empty"))
        }
        _ => Ok(typed),
    }
}

/// A switch with a value of pflag's.
#[cold]
#[inline(never)]
fn switch_to(
    row: &'static Row,
    line: &mut Line,
    typed: &OsStr,
    help: &'static str,
) -> Result<(), Error> {
    let on = match typed.to_str() {
        Some("1" | "t" | "T" | "true" | "TRUE" | "True") => true,
        Some("0" | "f" | "F" | "false" | "FALSE" | "False") => false,
        _ => return Err(bad_value((row.long, help), typed, "true or false")),
    };
    match &row.reading {
        Reading::Switch(field) => *field(line) = on,
        Reading::Choosing(field) => *field(line) = Some(on),
        _ => {
            let message = format!("option '--{}' takes no value", row.long);
            return Err(Error::usage(message, help));
        }
    }
    Ok(())
}
