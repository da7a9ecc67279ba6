//! runc's command line: what is typed after `mydocker oci`, or after a name that engines know a runtime by.
//!
//! ```text
//! [GLOBAL OPTIONS] COMMAND [OPTIONS] [WORDS]
//! ```
//!
//! Each command has a table of its options and a type for what they say. Options stand before, between and behind the
//! words; but those of `exec` stand before them, for the words may be a command with options of its own.

mod containers;
mod globals;
pub mod help;
mod line;
mod processes;
mod resources;
mod tables;

pub use containers::{
    CreateArgs, DeleteArgs, IdArgs, KillArgs, ListArgs, ListFormat, RunArgs, SpecArgs,
};
pub use globals::{Globals, GlobalsRead, NotRead, Wanted, globals};
pub use processes::{ExecArgs, ExecProcess, ExecUser, PsArgs, TypedProcess};
pub use resources::{EventsArgs, UpdateArgs, UpdateSource};
pub use tables::{ALL, Name};

use super::id::ContainerId;
use crate::error::Error;
use line::{Line, Order};
use std::ffi::OsString;

/// Where a complaint about the command line says that more is told.
pub const HELP: &str = "mydocker oci help";

/// What is to be done.
#[derive(Debug)]
pub enum Command {
    Create(Box<CreateArgs>),
    Run(Box<RunArgs>),
    Start(IdArgs),
    State(IdArgs),
    Kill(KillArgs),
    Delete(DeleteArgs),
    Exec(Box<ExecArgs>),
    Ps(PsArgs),
    List(ListArgs),
    Pause(IdArgs),
    Resume(IdArgs),
    Update(Box<UpdateArgs>),
    Events(EventsArgs),
    Features,
    Spec(SpecArgs),
    Help(Option<Name>),
}

/// Reads what follows the global options.
///
/// Errors: what cannot be understood.
pub fn command(words: Vec<OsString>) -> Result<Command, Error> {
    let mut rest = words.into_iter();
    let Some(word) = rest.next() else {
        return Ok(Command::Help(None));
    };
    if word == "help" {
        let topic = rest.next();
        return topic
            .map_or(Ok(None), |topic| tables::find(&topic).map(Some))
            .map(Command::Help);
    }
    let name = tables::find(&word)?;
    let order = match name {
        Name::Exec | Name::Ps => Order::OptionsBeforeWords,
        _ => Order::Mixed,
    };
    let line = match line::read(name.flags(), order, &mut rest) {
        // Whatever options of runc's are typed, for they mean nothing here.
        Err(_) if name.is_refused() => return Err(refused(name)),
        line => line?,
    };
    if line.wants_help {
        return Ok(Command::Help(Some(name)));
    }
    made(name, line)
}

fn made(name: Name, line: Line) -> Result<Command, Error> {
    match name {
        Name::Create => CreateArgs::of(&line).map(|arguments| Command::Create(arguments.into())),
        Name::Run => RunArgs::of(&line).map(|arguments| Command::Run(arguments.into())),
        Name::Start => IdArgs::of(&line).map(Command::Start),
        Name::State => IdArgs::of(&line).map(Command::State),
        Name::Kill => KillArgs::of(&line).map(Command::Kill),
        Name::Delete => DeleteArgs::of(&line).map(Command::Delete),
        Name::Exec => ExecArgs::of(&line).map(|arguments| Command::Exec(arguments.into())),
        Name::Ps => PsArgs::of(&line).map(Command::Ps),
        Name::List => ListArgs::of(&line).map(Command::List),
        Name::Pause => IdArgs::of(&line).map(Command::Pause),
        Name::Resume => IdArgs::of(&line).map(Command::Resume),
        Name::Update => UpdateArgs::of(&line).map(|arguments| Command::Update(arguments.into())),
        Name::Events => EventsArgs::of(&line).map(Command::Events),
        Name::Features => no_words(&line).map(|()| Command::Features),
        Name::Spec => SpecArgs::of(&line).map(Command::Spec),
        Name::Checkpoint | Name::Restore => Err(refused(name)),
    }
}

#[cold]
#[inline(never)]
fn refused(name: Name) -> Error {
    Error::refused(name.as_str(), "mydocker does not checkpoint containers")
}

/// The container, which is the first word, and what follows it: from `least` words to `most`.
fn container(line: &Line, least: usize, most: usize) -> Result<(ContainerId, &[OsString]), Error> {
    let Some((id, rest)) = line.words.split_first() else {
        return Err(Error::usage("missing container ID", HELP));
    };
    if rest.len() < least {
        return Err(Error::usage("missing word behind the container ID", HELP));
    }
    match rest.get(most) {
        Some(word) => Err(unexpected(word)),
        None => ContainerId::parse(id).map(|id| (id, rest)),
    }
}

fn no_words(line: &Line) -> Result<(), Error> {
    line.words
        .first()
        .map_or(Ok(()), |word| Err(unexpected(word)))
}

#[cold]
#[inline(never)]
fn unexpected(word: &std::ffi::OsStr) -> Error {
    Error::usage(
        format!("unexpected word '{}'", word.to_string_lossy()),
        HELP,
    )
}
