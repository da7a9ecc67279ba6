//! The commands: what each is, and how its line is read.

mod attach;
pub mod batch;
mod cp;
pub mod create;
mod exec;
mod inspect;
mod kill;
mod logs;
mod pause;
pub mod pool;
mod ps;
mod rename;
mod restart;
mod rm;
mod rows;
pub mod run;
mod start;
mod stats;
mod stop;
mod top;
mod unpause;
mod update;
mod wait;

pub use attach::AttachArgs;
pub use batch::BatchArgs;
pub use cp::CpArgs;
pub use exec::ExecArgs;
pub use inspect::InspectArgs;
pub use kill::KillArgs;
pub use logs::LogsArgs;
pub use pause::PauseArgs;
pub use ps::PsArgs;
pub use rename::RenameArgs;
pub use restart::RestartArgs;
pub use rm::RmArgs;
pub use start::StartArgs;
pub use stats::StatsArgs;
pub use stop::StopArgs;
pub use top::TopArgs;
pub use unpause::UnpauseArgs;
pub use update::UpdateArgs;
pub use wait::WaitArgs;

use super::described::{Described, Words};
use super::options::{self, Asked, End, Line};
use super::topic::{Detail, Topic};
use super::{Command, not_understood};
use crate::error::Error;
use std::ffi::{OsStr, OsString};

/// Every command that has options, in the order in which help texts list them.
pub static ALL: [&Described; 22] = [
    &run::COMMAND,
    &create::COMMAND,
    &start::COMMAND,
    &restart::COMMAND,
    &ps::COMMAND,
    &inspect::COMMAND,
    &logs::COMMAND,
    &top::COMMAND,
    &stats::COMMAND,
    &exec::COMMAND,
    &attach::COMMAND,
    &cp::COMMAND,
    &stop::COMMAND,
    &kill::COMMAND,
    &pause::COMMAND,
    &unpause::COMMAND,
    &wait::COMMAND,
    &rename::COMMAND,
    &update::COMMAND,
    &rm::COMMAND,
    &batch::COMMAND,
    &pool::COMMAND,
];

const _: () = {
    let mut at = 0;
    while at < ALL.len() {
        options::check(ALL[at].options);
        at += 1;
    }
};

/// docker's other names of commands.
const ALIASES: [(&str, &str); 3] = [("ls", "ps"), ("list", "ps"), ("remove", "rm")];

/// The command of that name.
pub fn find(name: &OsStr) -> Option<&'static Described> {
    let alias = ALIASES.iter().find(|(alias, _)| name == *alias);
    let name = alias.map_or(name, |(_, name)| OsStr::new(name));
    ALL.into_iter().find(|command| name == command.name)
}

/// Reads what follows the name of a command. `state` was typed before it.
///
/// Errors: what cannot be understood, with the way to the help.
pub fn read(
    command: &'static Described,
    mut parser: lexopt::Parser,
    state: Option<OsString>,
    is_directory: &dyn Fn(&OsStr) -> bool,
) -> Result<Command, Error> {
    let mut line = Line::default();
    line.run.state = state;
    let asked = Asked {
        is_directory,
        command: command.name,
        help: command.help,
    };
    let mut needing = Vec::new();
    let mut words = Vec::new();
    loop {
        let end = options::read(
            &mut parser,
            command.options,
            &mut line,
            &asked,
            &mut |row| {
                needing.push(row);
            },
        )?;
        match end {
            End::Help(Detail::Brief) if command.words == Words::Command => {
                return run::help_or_hostname(command, &mut parser);
            }
            End::Help(detail) => return Ok(Command::Help(Topic::Command(command, detail))),
            End::Line => break,
            End::Word(word) => words.push(word),
        }
        if command.words.end_options() {
            let rest = parser.raw_args();
            words.extend(rest.map_err(|error| not_understood(&error, command.help))?);
            break;
        }
    }
    check_count(command, &words)?;
    if line.run.rootfs.is_empty() {
        run::check_needs(needing, &mut line)?;
    }
    (command.make)(line, words)
}

fn check_count(command: &Described, words: &[OsString]) -> Result<(), Error> {
    let (least, most) = command.words.count();
    if words.len() < least {
        return Err(missing_word(command, words.len()));
    }
    match words.get(most) {
        Some(word) => Err(unexpected_word(command, word)),
        None => Ok(()),
    }
}

#[cold]
#[inline(never)]
fn missing_word(command: &Described, there: usize) -> Error {
    let missing = command.words.missing(there);
    let usage = command.usage();
    Error::usage(format!("missing {missing}: {usage}"), command.help)
}

#[cold]
#[inline(never)]
fn unexpected_word(command: &Described, word: &OsStr) -> Error {
    let word = word.to_string_lossy();
    let usage = command.usage();
    Error::usage(format!("unexpected word '{word}': {usage}"), command.help)
}

/// The first word, and what follows it. A line has been checked for as many as its command takes.
fn first(words: Vec<OsString>) -> (OsString, Vec<OsString>) {
    let mut words = words.into_iter();
    (words.next().unwrap_or_default(), words.collect())
}

#[cfg(test)]
mod tests;
