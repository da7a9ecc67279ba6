//! Every example of the README, the guides and the developers' pages is run as it stands there.
//!
//! An example is a block of commands, or words in backquotes that begin with `mydocker`; a `…` or a bracket makes those a
//! form and not a command. It runs in a directory of its own, where `root` is what the README's own recipe has made, with
//! `mydocker` on the PATH; what stands below a command there is what it has to say. What cannot be run anywhere is a row
//! of [`lacking::LACKING`], and nothing else is listed here.

#[path = "../common/mod.rs"]
mod common;

mod lacking;
mod markdown;

use common::pty::Session;
use common::*;
use lacking::{LACKING, lacking};
use markdown::{Example, examples};
use std::ffi::OsString;
use std::os::unix::fs::symlink;

/// What is typed at a terminal where one is asked for, and what that shows.
const TYPED: &str = "echo \"I am PID $$\"\nexit\n";
const SHOWN: &str = "I am PID 1\r\n";

fn case_of(caller: Caller) -> Case {
    let launch = "in-process";
    Case { caller, launch }
}

/// The README's recipe for a root, without the shell in it that it ends with.
fn recipe(examples: &[Example]) -> String {
    let recipe = examples
        .iter()
        .find(|example| example.place.starts_with("README.md") && makes_root(example))
        .expect("a recipe for a root");
    let commands = recipe
        .commands
        .iter()
        .filter(|command| !wants_terminal(command));
    commands.cloned().collect::<Vec<_>>().join("\n")
}

fn makes_root(example: &Example) -> bool {
    example
        .commands
        .iter()
        .any(|command| command.starts_with("mkdir -p root/"))
}

fn wants_terminal(command: &str) -> bool {
    [" -ti ", " -it ", " -t "]
        .iter()
        .any(|option| command.contains(option))
}

/// What the names in examples stand for.
const PREPARED: &str = r"
ln -s root DIR; ln -s root alpine; echo > input; echo > jobs
printf '#!/bin/sh\necho something\n' > root/bin/COMMAND; chmod 755 root/bin/COMMAND
";

/// A pool goes with what has started it, and so do containers.
const END: &str = "trap 'status=$?; [ -z \"$!\" ] || kill $!; wait; mydocker rm -f $(mydocker ps -aq) > END 2>&1 || :; exit $status' EXIT\n";

/// Runs what there is of an example for a caller; what went wrong.
fn run(example: &Example, recipe: &str, caller: Caller) -> Result<(), String> {
    let place = &example.place;
    let mut script = String::new();
    for command in &example.commands {
        match lacking(command, caller) {
            Some(what) => println!("NOT RUN: {place}: {command}: it lacks {what}"),
            None if example.is_for_root && caller == Caller::Ordinary => {
                println!("NOT RUN: {place}: {command}: it is for root");
            }
            None => script.push_str(&[command, "\n"].concat()),
        }
    }
    if script.is_empty() {
        return Ok(());
    }
    let desk = Desk::new(case_of(caller));
    if !makes_root(example) {
        desk.run(&[recipe, PREPARED].concat())
            .map_err(|said| format!("{place}: {caller:?}: before it, {recipe}{said}"))?;
    }
    let said = match wants_terminal(&script) {
        true => desk.run_at_a_terminal(&script),
        false => desk.run(&script),
    };
    let wrong = match said {
        Ok(said) if example.output.is_empty() || likened(&said) == likened(&example.output) => {
            return Ok(());
        }
        Ok(said) => said,
        Err(said) => said,
    };
    Err(format!("{place}: {caller:?}: {script}{wrong}"))
}

/// Where someone tries an example: a directory of their own, mydocker on the PATH, and the developer's own build.
struct Desk {
    case: Case,
    scratch: Scratch,
}

impl Desk {
    fn new(case: Case) -> Self {
        let scratch = Scratch::new();
        for (place, build) in [("bin", mydocker()), ("target/debug", own_build())] {
            let place = scratch.path().join(place);
            std::fs::create_dir_all(&place).expect("a directory");
            symlink(build, place.join("mydocker")).expect("a link");
        }
        Self { case, scratch }
    }

    /// A shell's script there, as words.
    fn words(&self, script: &str) -> Vec<OsString> {
        let directory = self.scratch.path().display();
        let script = format!(
            "cd {directory}; export HOME={directory} MYDOCKER_STATE={directory}/state PATH={directory}/bin:$PATH; set -e\n{script}"
        );
        ["sh", "-c", &script].map(OsString::from).to_vec()
    }

    /// What it says, on stdout and stderr; an error unless it succeeds.
    fn run(&self, script: &str) -> Result<String, String> {
        let mut line = self.words(&[END, "exec 2>&1\n", script].concat());
        if script.contains("/run/") {
            // A pool of another's may be there.
            let own = "mount -t tmpfs none /run && exec \"$@\"";
            let unshare = ["unshare", "--mount", "sh", "-c", own, "sh"].map(OsString::from);
            line = [&unshare[..], &line].concat();
        }
        let outcome = finish(self.case.prepared(&line));
        match outcome.code() {
            Some(0) => Ok(outcome.stdout),
            code => Err(format!("ended with {code:?} and said\n{}", outcome.stdout)),
        }
    }

    /// What the terminal shows, where a shell inside, which is PID 1, is typed to; an error if it is not.
    fn run_at_a_terminal(&self, script: &str) -> Result<String, String> {
        let mut session = Session::new(self.case, mark(), &self.words(script));
        let mut has_ended = false;
        eventually(|| {
            has_ended = session.has_ended();
            has_ended || session.is_raw()
        });
        if !has_ended {
            session.type_keys(TYPED);
            eventually(|| session.has_ended());
        }
        let status = session.end();
        let seen = String::from_utf8_lossy(session.seen());
        if status == 0 && seen.contains(SHOWN) {
            return Ok(seen.into_owned());
        }
        Err(format!(
            "ended with {status}, and the terminal showed\n{seen}"
        ))
    }
}

/// Without what is another each time: numbers, host names, the breaks of lines.
fn likened(text: &str) -> String {
    let mut words = String::new();
    for part in text.split_inclusive(|letter: char| !letter.is_ascii_alphanumeric()) {
        let word = part.trim_end_matches(|letter: char| !letter.is_ascii_alphanumeric());
        let is_name =
            [12, 64].contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_hexdigit());
        let is_number = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
        words.push_str(if is_name || is_number { "9" } else { word });
        words.push_str(part[word.len()..].trim());
    }
    words
}

fn run_all(cases: Vec<Case>) {
    if common::tree::busybox().is_none() {
        return;
    }
    let examples = examples();
    let recipe = recipe(&examples);
    let Some(case) = cases.first() else { return };
    let failed: Vec<String> = examples
        .iter()
        .filter_map(|example| run(example, &recipe, case.caller).err())
        .collect();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[test]
fn every_example_runs_as_root() {
    run_all(root_cases());
}

#[test]
fn every_example_runs_as_an_ordinary_user() {
    run_all(ordinary_cases());
}

/// A reason is of an example that is there, and none hides another.
#[test]
fn every_reason_is_of_an_example() {
    let commands: Vec<String> = examples()
        .into_iter()
        .flat_map(|example| example.commands)
        .collect();
    for (index, row) in LACKING.iter().enumerate() {
        let is_first = |command: &&String| {
            LACKING
                .iter()
                .position(|row| command.starts_with(row.begins))
                == Some(index)
        };
        assert!(
            commands.iter().any(|command| is_first(&command)),
            "nothing begins with {:?} any more",
            row.begins
        );
    }
}

#[test]
fn numbers_and_names_are_alike() {
    assert_eq!(
        likened("{\"ns\":12, \"a fd93464ae11c\"}"),
        likened("{\"ns\":7,\n\"a 000000000000\"}")
    );
    assert_ne!(likened("{\"ns\":12}"), likened("{\"us\":12}"));
}
