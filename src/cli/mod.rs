//! The command line: what was typed, as types. Pure: it reads no environment and makes no system
//! call.

pub mod help;
pub mod image;
mod log;
mod pool;
mod run;
mod suggest;

pub use log::{LogArgs, LogFormat};

use crate::error::Error;
use crate::pool::PoolArgs;
use crate::spec::RunArgs;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

/// What mydocker was asked to do.
#[derive(Debug, PartialEq, Eq)]
pub enum Command {
    Run(Box<RunArgs>, LogArgs),
    Pool(PoolArgs, LogArgs),
    /// The re-exec entry. Only mydocker itself calls it.
    Init,
    Help(help::Topic),
    Version,
}

/// The names of the commands, for messages.
const COMMANDS: [&str; 3] = ["run", "pool", "help"];

/// Reads a command line without the program's name.
///
/// `is_directory` is asked about a word that could be two things.
///
/// Errors: what cannot be understood, with a usage line.
pub fn parse(
    arguments: Vec<OsString>,
    is_directory: &dyn Fn(&OsStr) -> bool,
) -> Result<Command, Error> {
    // docker's habit: what follows the first word belongs to it. So the word is looked at here and
    // the rest is given to its own parser.
    let mut parser = lexopt::Parser::from_args(arguments);
    match next(&mut parser, help::USAGE)? {
        None => Err(Error::usage("missing command", help::USAGE)),
        Some(Word::Short('h')) => Ok(Command::Help(help::Topic::Mydocker)),
        Some(Word::Long(name)) => match name.as_str() {
            "help" => Ok(Command::Help(help::Topic::Mydocker)),
            "version" => Ok(Command::Version),
            _ => Err(unknown_option(&name, &["help", "version"], help::USAGE)),
        },
        Some(Word::Short(letter)) => Err(Error::usage(
            format!("unknown option '-{letter}'"),
            help::USAGE,
        )),
        Some(Word::Value(word)) => match word.as_bytes() {
            b"run" => run::parse(parser, is_directory),
            b"pool" => pool::parse(parser),
            b"init" => Ok(Command::Init),
            b"help" => help_topic(&mut parser),
            _ => Err(unknown_command(&word.to_string_lossy())),
        },
    }
}

#[cold]
#[inline(never)]
fn help_topic(parser: &mut lexopt::Parser) -> Result<Command, Error> {
    match next(parser, help::USAGE)? {
        None => Ok(Command::Help(help::Topic::Mydocker)),
        Some(Word::Value(word)) => match word.as_bytes() {
            b"run" => Ok(Command::Help(help::Topic::Run)),
            b"pool" => Ok(Command::Help(help::Topic::Pool)),
            b"init" => Ok(Command::Help(help::Topic::Init)),
            b"help" => Ok(Command::Help(help::Topic::Mydocker)),
            _ => Err(unknown_command(&word.to_string_lossy())),
        },
        Some(_) => Ok(Command::Help(help::Topic::Mydocker)),
    }
}

/// One word of a command line; lexopt's borrows the parser, which its reader still needs.
enum Word {
    Short(char),
    Long(String),
    Value(OsString),
}

fn next(parser: &mut lexopt::Parser, usage: &'static str) -> Result<Option<Word>, Error> {
    Ok(
        match parser.next().map_err(|error| described(&error, usage))? {
            None => None,
            Some(lexopt::Arg::Short(letter)) => Some(Word::Short(letter)),
            Some(lexopt::Arg::Long(name)) => Some(Word::Long(name.to_owned())),
            Some(lexopt::Arg::Value(value)) => Some(Word::Value(value)),
        },
    )
}

/// lexopt's own complaints: an option without its value, a flag with one.
fn described(error: &lexopt::Error, usage: &'static str) -> Error {
    use lexopt::Error as Lexopt;
    let message = match error {
        Lexopt::MissingValue { option: Some(name) } => format!("option '{name}' needs a value"),
        Lexopt::UnexpectedValue { option, .. } => format!("option '{option}' takes no value"),
        // Nothing that is asked of lexopt here gives another error; its own words for those would
        // add 8 KB of formatting code to the static binary.
        _ => "the command line cannot be understood".to_owned(),
    };
    Error::usage(message, usage)
}

/// The value of an option that takes one of a few words. `option`: its name, and the usage line.
fn one_of<T: Copy>(
    option: (&str, &'static str),
    typed: &OsString,
    choices: &[(&str, T)],
) -> Result<T, Error> {
    choices
        .iter()
        .find(|(choice, _)| typed == choice)
        .map(|(_, value)| *value)
        .ok_or_else(|| {
            let names: Vec<&str> = choices.iter().map(|(choice, _)| *choice).collect();
            bad_value(option, typed, &names.join(" or "))
        })
}

fn bad_value((name, usage): (&str, &'static str), typed: &OsString, choices: &str) -> Error {
    Error::usage(
        format!(
            "option '--{name}' takes {choices}, not '{}'",
            typed.to_string_lossy()
        ),
        usage,
    )
}

fn unknown_option(name: &str, known: &[&str], usage: &'static str) -> Error {
    let mut message = format!("unknown option '--{name}'");
    if let Some(near) = suggest::nearest(name, known) {
        message.push_str(&format!(", did you mean '--{near}'?"));
    }
    Error::usage(message, usage)
}

fn unknown_command(word: &str) -> Error {
    let mut message = format!("unknown command '{word}'");
    if let Some(near) = suggest::nearest(word, &COMMANDS) {
        message.push_str(&format!(", did you mean '{near}'?"));
    } else if word.contains('/') {
        message.push_str(&format!(", did you mean 'run {word}'?"));
    }
    Error::usage(message, help::USAGE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_words(words: &[&str]) -> Result<Command, String> {
        parse(words.iter().map(OsString::from).collect(), &|_| false)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn commands() {
        assert_eq!(parse_words(&["init", "--x"]), Ok(Command::Init));
        assert_eq!(parse_words(&["--version"]), Ok(Command::Version));
        for words in [&["help"][..], &["-h"], &["--help"], &["help", "help"]] {
            assert_eq!(parse_words(words), Ok(Command::Help(help::Topic::Mydocker)));
        }
        assert_eq!(
            parse_words(&["help", "run"]),
            Ok(Command::Help(help::Topic::Run))
        );
    }

    #[test]
    fn mistakes() {
        assert_eq!(parse_words(&[]), Err("missing command".into()));
        assert_eq!(
            parse_words(&["rnu"]),
            Err("unknown command 'rnu', did you mean 'run'?".into())
        );
        assert_eq!(
            parse_words(&["/bin/sh"]),
            Err("unknown command '/bin/sh', did you mean 'run /bin/sh'?".into())
        );
        assert_eq!(
            parse_words(&["--vresion"]),
            Err("unknown option '--vresion', did you mean '--version'?".into())
        );
        assert_eq!(parse_words(&["-x"]), Err("unknown option '-x'".into()));
    }
}
