//! Docker's command line, a front end: what was typed, as types ([`RunArgs`]), and what that asks of a container, as the
//! specification has it ([`specify`], and `root` for what is mounted). Docker's syntax and the names of its options are here
//! and nowhere else. Pure: it reads no environment and makes no system call.

mod again;
mod caller;
mod commands;
pub mod completion;
mod described;
mod elsewhere;
pub mod help;
pub mod image;
mod log;
mod manual;
pub mod options;
mod render;
pub mod root;
mod run_args;
pub mod specify;
mod spelling;
pub mod suggest;
mod texts;
mod topic;

pub use again::{read_again, update, words_of_run};
pub use caller::{AccountReader, Caller, IdFinder, VariableFinder};
pub use commands::{
    AttachArgs, BatchArgs, CpArgs, ExecArgs, InspectArgs, KillArgs, LogsArgs, PauseArgs, PsArgs,
    RenameArgs, RestartArgs, RmArgs, StartArgs, StatsArgs, StopArgs, TopArgs, UnpauseArgs,
    UpdateArgs, WaitArgs,
};
pub use log::{LogArgs, LogFormat};
pub use run_args::{OutputLimit, OverlayChoice, RunArgs};
pub use spelling::spelling;

use crate::error::Error;
use crate::guide;
use crate::pool::PoolArgs;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

/// What mydocker was asked to do.
#[derive(Debug, PartialEq, Eq)]
pub enum Command {
    Run(Box<RunArgs>, LogArgs),
    Create(Box<RunArgs>, LogArgs),
    Start(Box<StartArgs>),
    Restart(Box<RestartArgs>),
    Ps(Box<PsArgs>),
    Inspect(Box<InspectArgs>),
    Logs(Box<LogsArgs>),
    Top(Box<TopArgs>),
    Stats(Box<StatsArgs>),
    Wait(Box<WaitArgs>),
    Exec(Box<ExecArgs>),
    Attach(Box<AttachArgs>),
    Cp(Box<CpArgs>),
    Stop(Box<StopArgs>),
    Kill(Box<KillArgs>),
    Pause(Box<PauseArgs>),
    Unpause(Box<UnpauseArgs>),
    Rename(Box<RenameArgs>),
    Update(Box<UpdateArgs>),
    Rm(Box<RmArgs>),
    Batch(Box<BatchArgs>),
    /// The boxes are containers like these.
    Pool(PoolArgs, Box<RunArgs>, LogArgs),
    /// The re-exec entry. Only mydocker itself calls it.
    Init,
    Help(topic::Topic),
    Completion(completion::Shell),
    Version,
}

/// The names of the commands, for messages and completions.
fn names() -> Vec<&'static str> {
    let names = commands::ALL.iter().map(|command| command.name);
    let others = [
        "help",
        "completion",
        #[cfg(feature = "oci")]
        "oci",
    ];
    names.chain(others).collect()
}

/// Whether a command line that has not been understood yet may ask for times.
pub fn may_ask_for_times(arguments: &[OsString]) -> bool {
    let asks = |word: &OsString| word.as_bytes().starts_with(b"--timing");
    arguments.iter().any(asks)
}

/// Reads a command line without the program's name.
///
/// `is_directory` is asked about a word that could be two things.
///
/// Errors: what cannot be understood, with the way to the help.
pub fn parse(
    arguments: Vec<OsString>,
    is_directory: &dyn Fn(&OsStr) -> bool,
) -> Result<Command, Error> {
    read(arguments, None, is_directory)
}

/// Reads a command line before which `state` was typed.
fn read(
    arguments: Vec<OsString>,
    state: Option<OsString>,
    is_directory: &dyn Fn(&OsStr) -> bool,
) -> Result<Command, Error> {
    if arguments
        .first()
        .is_some_and(|word| word.as_bytes().starts_with(b"-"))
    {
        return before_the_command(arguments, is_directory);
    }
    // docker's habit: what follows the first word belongs to it. So the word is looked at here and
    // the rest is given to its own parser.
    let mut parser = lexopt::Parser::from_args(arguments);
    let Some(Word::Value(word)) = next(&mut parser, topic::HELP)? else {
        return Err(missing_command());
    };
    if let Some(command) = commands::find(&word) {
        return commands::read(command, parser, state, is_directory);
    }
    match word.as_bytes() {
        b"init" => Ok(Command::Init),
        b"help" => help_topic(&mut parser),
        b"completion" => shell(&mut parser),
        b"container" => of_containers(&mut parser, state, is_directory),
        _ => Err(unknown_command(&word.to_string_lossy(), &[])),
    }
}

/// docker's long spelling: `container ps` is `ps`.
#[cold]
#[inline(never)]
fn of_containers(
    parser: &mut lexopt::Parser,
    state: Option<OsString>,
    is_directory: &dyn Fn(&OsStr) -> bool,
) -> Result<Command, Error> {
    let words = parser.raw_args();
    let words: Vec<OsString> = words
        .map_err(|error| not_understood(&error, topic::HELP))?
        .collect();
    match words.first() {
        None => Ok(Command::Help(topic::Topic::Mydocker)),
        Some(word) if word == "container" => Err(unknown_command("container", &[])),
        Some(_) => read(words, state, is_directory),
    }
}

#[cold]
#[inline(never)]
fn missing_command() -> Error {
    Error::usage(
        "missing command: mydocker run COMMAND runs one, mydocker help lists them",
        topic::HELP,
    )
}

/// An option in the place of the command: `--state`, mydocker's own, or most likely one of `run`, which was left out or comes
/// later.
#[cold]
#[inline(never)]
fn before_the_command(
    arguments: Vec<OsString>,
    is_directory: &dyn Fn(&OsStr) -> bool,
) -> Result<Command, Error> {
    let words = arguments.iter().filter(|word| *word != "run");
    let words: Vec<_> = words.map(|word| word.to_string_lossy()).collect();
    let mut message = String::from("did you mean 'mydocker run");
    for word in &words {
        message.push_str(&format!(" {word}"));
    }
    message.push_str("'?");
    let meant =
        |option: String| Error::usage(format!("unknown option '{option}', {message}"), topic::HELP);
    let mut parser = lexopt::Parser::from_args(arguments.clone());
    match next(&mut parser, topic::HELP)? {
        Some(Word::Short('h')) => Ok(Command::Help(topic::Topic::Mydocker)),
        // Alone it is docker's for the version; `run` has it for a volume, which something follows.
        Some(Word::Short('v')) if arguments.len() == 1 && parser.optional_value().is_none() => {
            Ok(Command::Version)
        }
        Some(Word::Short(letter)) => {
            let is_runs = options::all(options::RUN).any(|row| row.short == Some(letter));
            let unknown = || Error::usage(format!("unknown option '-{letter}'"), topic::HELP);
            Err(if is_runs {
                meant(format!("-{letter}"))
            } else {
                unknown()
            })
        }
        Some(Word::Long(name)) => match name.as_str() {
            "state" => {
                let state = parser.value();
                let state = state.map_err(|error| not_understood(&error, topic::HELP))?;
                let rest = parser.raw_args();
                let rest = rest.map_err(|error| not_understood(&error, topic::HELP))?;
                read(rest.collect(), Some(state), is_directory)
            }
            "help" => Ok(Command::Help(topic::Topic::Mydocker)),
            "version" => Ok(Command::Version),
            name if options::all(options::RUN).any(|row| row.long == name) => {
                Err(meant(format!("--{name}")))
            }
            name => Err(unknown_option(name, &["help", "version"], topic::HELP)),
        },
        // `--`, and nothing that is an option.
        _ => Err(missing_command()),
    }
}

#[cold]
#[inline(never)]
fn help_topic(parser: &mut lexopt::Parser) -> Result<Command, Error> {
    match next(parser, topic::HELP)? {
        None => Ok(Command::Help(topic::Topic::Mydocker)),
        Some(Word::Value(word)) if commands::find(&word).is_some() => {
            let command = commands::find(&word);
            let full = |command| topic::Topic::Command(command, topic::Detail::Full);
            Ok(Command::Help(command.map_or(topic::Topic::Mydocker, full)))
        }
        Some(Word::Value(word)) => match word.as_bytes() {
            b"completion" => Ok(Command::Help(topic::Topic::Completion)),
            b"init" => Ok(Command::Help(topic::Topic::Init)),
            b"help" | b"container" => Ok(Command::Help(topic::Topic::Mydocker)),
            other => {
                let mut name = String::from_utf8_lossy(other).into_owned();
                // `exit codes`, say.
                while let Some(Word::Value(word)) = next(parser, topic::HELP)? {
                    name.push_str(&["-", &word.to_string_lossy()].concat());
                }
                guide(&name)
            }
        },
        Some(Word::Long(name)) if name == "man" => Ok(Command::Help(topic::Topic::Manual)),
        Some(_) => Ok(Command::Help(topic::Topic::Mydocker)),
    }
}

/// A topic that is no command.
fn guide(name: &str) -> Result<Command, Error> {
    match guide::find(name) {
        Some(guide) => Ok(Command::Help(topic::Topic::Guide(guide))),
        None if guide::is_known(name) => Err(Error::refused(
            name,
            "this mydocker was built without its guides; they are in its source, src/guide",
        )),
        None => Err(unknown_command(name, guide::NAMES)),
    }
}

#[cold]
#[inline(never)]
fn shell(parser: &mut lexopt::Parser) -> Result<Command, Error> {
    let named = match next(parser, topic::COMPLETION_HELP)? {
        Some(Word::Value(word)) => word,
        Some(Word::Short('h')) => return Ok(Command::Help(topic::Topic::Completion)),
        Some(Word::Long(name)) if name == "help" => {
            return Ok(Command::Help(topic::Topic::Completion));
        }
        _ => OsString::new(),
    };
    let shells = completion::Shell::ALL;
    let found = shells.into_iter().find(|(name, _)| named == *name);
    let (_, shell) = found.ok_or_else(|| {
        Error::usage(
            "completion takes the name of a shell, bash or zsh",
            topic::COMPLETION_HELP,
        )
    })?;
    Ok(Command::Completion(shell))
}

/// One word of a command line; lexopt's borrows the parser, which its reader still needs.
enum Word {
    Short(char),
    Long(String),
    Value(OsString),
}

fn next(parser: &mut lexopt::Parser, help: &'static str) -> Result<Option<Word>, Error> {
    Ok(
        match parser
            .next()
            .map_err(|error| not_understood(&error, help))?
        {
            None => None,
            Some(lexopt::Arg::Short(letter)) => Some(Word::Short(letter)),
            Some(lexopt::Arg::Long(name)) => Some(Word::Long(name.to_owned())),
            Some(lexopt::Arg::Value(value)) => Some(Word::Value(value)),
        },
    )
}

/// lexopt's own complaints: an option without its value, a flag with one.
fn not_understood(error: &lexopt::Error, help: &'static str) -> Error {
    use lexopt::Error as Lexopt;
    let message = match error {
        Lexopt::MissingValue { option: Some(name) } => format!("option '{name}' needs a value"),
        Lexopt::UnexpectedValue { option, .. } => format!("option '{option}' takes no value"),
        // Nothing that is asked of lexopt here gives another error; its own words for those would
        // add 8 KB of formatting code to the static binary.
        _ => "the command line cannot be understood".to_owned(),
    };
    Error::usage(message, help)
}

fn bad_value((name, help): (&str, &'static str), typed: &OsStr, choices: &str) -> Error {
    Error::usage(
        format!(
            "option '--{name}' takes {choices}, not '{}'",
            typed.to_string_lossy()
        ),
        help,
    )
}

fn unknown_option(name: &str, known: &[&str], help: &'static str) -> Error {
    let mut message = format!("unknown option '--{name}'");
    if let Some(near) = suggest::nearest(name, known) {
        message.push_str(&format!(", did you mean '--{near}'?"));
    }
    Error::usage(message, help)
}

#[cold]
#[inline(never)]
fn unknown_command(word: &str, topics: &[&str]) -> Error {
    if let Some(answer) = elsewhere::command(word) {
        return Error::refused(word, answer);
    }
    let mut message = format!("unknown command '{word}'");
    let known = [&names(), topics].concat();
    if let Some(near) = suggest::nearest(word, &known) {
        message.push_str(&format!(", did you mean '{near}'?"));
    } else if topics.is_empty() {
        // Nothing that a command of ours looks like: it is to be run, most likely.
        message.push_str(&format!(", did you mean 'run {word}'?"));
    }
    Error::usage(message, topic::HELP)
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
        assert_eq!(parse_words(&["-v"]), Ok(Command::Version));
        for words in [&["help"][..], &["-h"], &["--help"], &["help", "help"]] {
            assert_eq!(
                parse_words(words),
                Ok(Command::Help(topic::Topic::Mydocker))
            );
        }
        assert_eq!(
            parse_words(&["help", "run"]),
            Ok(Command::Help(topic::Topic::Command(
                &commands::run::COMMAND,
                topic::Detail::Full
            )))
        );
    }

    #[test]
    fn every_command_is_explained() {
        for name in names() {
            let explained = parse_words(&["help", name]);
            assert!(matches!(explained, Ok(Command::Help(_))), "{explained:?}");
        }
    }

    #[test]
    fn topics() {
        for words in [&["help", "exit", "codes"][..], &["help", "exit-codes"]] {
            match parse_words(words) {
                Ok(Command::Help(topic::Topic::Guide(guide))) => {
                    assert_eq!(guide.name, "exit-codes");
                }
                other => assert_eq!(other, Err(WITHOUT_GUIDES.to_owned())),
            }
        }
        let unknown = parse_words(&["help", "limit"]).unwrap_err();
        assert!(unknown.contains("did you mean 'limits'?"), "{unknown}");
    }

    const WITHOUT_GUIDES: &str = "exit-codes: this mydocker was built without its guides; they are in its source, \
                                  src/guide";

    #[test]
    fn mistakes() {
        assert_eq!(
            parse_words(&[]),
            Err("missing command: mydocker run COMMAND runs one, mydocker help lists them".into())
        );
        assert_eq!(
            parse_words(&["rnu"]),
            Err("unknown command 'rnu', did you mean 'run'?".into())
        );
        assert_eq!(
            parse_words(&["/bin/sh"]),
            Err("unknown command '/bin/sh', did you mean 'run /bin/sh'?".into())
        );
        assert_eq!(
            parse_words(&["alpine", "sh"]),
            Err("unknown command 'alpine', did you mean 'run alpine'?".into())
        );
        assert_eq!(
            parse_words(&["--vresion"]),
            Err("unknown option '--vresion', did you mean '--version'?".into())
        );
        assert_eq!(parse_words(&["-x"]), Err("unknown option '-x'".into()));
    }
}
