//! The program when it is called as a runtime: which words are for it, and what becomes of them.

use super::command_line::{Command, GlobalsRead, NotRead, Wanted, command, globals, help};
use super::{
    create, delete, events, exec, features, kill, list, pause, ps, resume, run, spec_file,
};
use super::{start, state, update, version};
use crate::error::{Error, ExitCode};
use crate::log::{self, Level};
use crate::standard_streams;
use crate::sys::identity;
use crate::sys::invocation::Invocation;
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// The exit code of whatever has failed, as runc has it.
const FAILURE: u8 = 1;
/// That of an `exec`, which could be a command's own else.
const EXEC_FAILURE: u8 = 255;

/// The words for the runtime among those that the program was executed with, its name first: all behind a name that engines
/// know a runtime by, else those behind the command `oci`.
pub fn words(arguments: &[OsString]) -> Option<&[OsString]> {
    let (name, words) = arguments.split_first()?;
    let name = Path::new(name).file_name().unwrap_or_default().as_bytes();
    let is_runtimes = [&b"runc"[..], b"crun", b"-oci"]
        .iter()
        .any(|end| name.ends_with(end));
    if is_runtimes {
        return Some(words);
    }
    words
        .split_first()
        .filter(|(word, _)| *word == "oci")
        .map(|(_, words)| words)
}

/// The runtime: `words` are what [`words`] has found. Returns the exit code.
pub fn main(words: &[OsString], invocation: &Invocation) -> u8 {
    if identity::privileged_by_exec() {
        log::complain(&Error::refused(
            "mydocker",
            "it must not be installed set-user-ID or with file capabilities",
        ));
        return FAILURE;
    }
    let read = match globals(words.to_vec()) {
        Ok(read) => read,
        Err(not_read) => {
            let NotRead { error, log } = *not_read;
            match log {
                Some(log) => log.say(&error),
                None => log::complain(&error),
            }
            return FAILURE;
        }
    };
    let is_exec = read.words.first().is_some_and(|word| word == "exec");
    match dispatch(&read, invocation) {
        Ok(exit) => exit.0,
        Err(error) => {
            read.globals.log.say(&error);
            if is_exec { EXEC_FAILURE } else { FAILURE }
        }
    }
}

fn dispatch(read: &GlobalsRead, invocation: &Invocation) -> Result<ExitCode, Error> {
    let globals = &read.globals;
    match read.wants {
        Some(Wanted::Version) => return answer(&version::text()),
        Some(Wanted::Help) => return answer(&help::text(None)),
        None => {}
    }
    if globals.debug {
        let words: Vec<&[u8]> = read.words.iter().map(|word| word.as_bytes()).collect();
        globals.log.write(Level::Debug, &words.join(&b' '), &[]);
    }
    match command(read.words.clone())? {
        Command::Create(arguments) => create::run(&arguments, globals, invocation),
        Command::Run(arguments) => run::run(&arguments, globals, invocation),
        Command::Exec(arguments) => exec::run(&arguments, globals, invocation),
        Command::Start(arguments) => start::run(&arguments, globals),
        Command::State(arguments) => answer(&state::run(&arguments, globals)?),
        Command::Kill(arguments) => kill::run(&arguments, globals),
        Command::Delete(arguments) => delete::run(&arguments, globals),
        Command::Ps(arguments) => ps::run(&arguments, globals),
        Command::List(arguments) => answer(&list::run(&arguments, globals)?),
        Command::Pause(arguments) => pause::run(&arguments, globals),
        Command::Resume(arguments) => resume::run(&arguments, globals),
        Command::Update(arguments) => update::run(&arguments, globals),
        Command::Events(arguments) => events::run(&arguments, globals),
        Command::Features => answer(&features::text()),
        Command::Spec(arguments) => spec_file::run(&arguments),
        Command::Help(topic) => answer(&help::text(topic)),
    }
}

/// Answers on stdout.
#[cold]
#[inline(never)]
fn answer(text: &str) -> Result<ExitCode, Error> {
    standard_streams::answer(text.as_bytes())
        .map(|()| ExitCode::SUCCESS)
        .map_err(|errno| Error::new("write", standard_streams::name(1), errno))
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn a_runtime_is_known_by_its_name() {
        for (typed, found) in [
            (&["mydocker", "oci", "list"][..], Some(1)),
            (&["/usr/bin/mydocker-oci", "list", "-q"], Some(2)),
            (&["runc"], Some(0)),
            (&["/opt/fast-crun", "oci"], Some(1)),
            (&["/opt/runc/mydocker", "list"], None),
            (&["mydocker", "run", "oci"], None),
            (&["mydocker"], None),
            (&[], None),
        ] {
            let typed: Vec<_> = typed.iter().map(Into::into).collect();
            assert_eq!(words(&typed).map(<[_]>::len), found, "{typed:?}");
        }
    }
}
