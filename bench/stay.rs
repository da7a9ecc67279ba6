//! Containers that stay: a command more in one that runs, and one that is left running.
//!
//! They have rounds of their own with the floors, while a container of each runs and waits.

use crate::act::Act;
use crate::arguments::Extent;
use crate::contestants::{BARE, Contestant, FLOOR, FLOOR_AGAIN, Form, Kind, SMALL, name};
use crate::engines;
use crate::rounds::{self, Measured, Play, REGIMES};
use crate::runner::Runner;
use std::ffi::OsString;
use std::path::Path;
use std::process::Child;

const EXEC: &str = "mydocker exec";
const DETACHED: &str = "mydocker run -d";
const NAME: &str = "bench-stays";

pub fn measure(
    runner: &mut Runner,
    contestants: &[Contestant],
    extent: &Extent,
    scratch: &Path,
) -> Result<Vec<Measured>, String> {
    let mut playing: Vec<Contestant> = contestants
        .iter()
        .filter(|contestant| [FLOOR, FLOOR_AGAIN, BARE, SMALL].contains(&contestant.name.as_str()))
        .filter_map(Contestant::again)
        .collect();
    let mut standing = Vec::new();
    for contestant in contestants
        .iter()
        .filter(|contestant| contestant.trial.is_ok())
    {
        let stood = match &contestant.form {
            Form::Prefix(words) if contestant.name == SMALL => {
                let words = words.get(..1).unwrap_or_default();
                own(runner, contestant, words, scratch)
            }
            Form::Bundle { words, .. } if is_compared(&contestant.name) => {
                engines_way(runner, contestant, words)
            }
            _ => continue,
        };
        // One that does not stand leaves the others to be measured.
        match stood {
            Ok((others, stands)) => {
                playing.extend(others);
                standing.push(stands);
            }
            Err(why) => playing.push(Contestant::absent(
                &format!("{} exec", contestant.name),
                contestant.kind,
                &why,
            )),
        }
    }
    let measured = REGIMES.into_iter().map(|regime| {
        let play = Play {
            regime,
            rounds: regime.rounds(extent).div_ceil(2),
            late_rounds: 0,
            before: &mut |_| Ok(()),
        };
        rounds::measure(runner, &playing, play)
    });
    let measured = measured.collect();
    for stands in standing {
        stands.end(runner);
    }
    measured
}

fn is_compared(name: &str) -> bool {
    name == engines::OCI || name.ends_with(", a root")
}

/// mydocker's two, and the container that the first is for.
fn own(
    runner: &mut Runner,
    mydocker: &Contestant,
    program: &[OsString],
    scratch: &Path,
) -> Result<(Vec<Contestant>, Standing), String> {
    let state = || ["--state".into(), scratch.join("state").into_os_string()];
    let with = |name: &str, note: &str, words: Vec<OsString>| Contestant {
        copies: mydocker.copies.clone(),
        ..Contestant::prefix(name, Kind::Mydocker, note, words)
    };
    let words = |command: &str, more: &[&str]| -> Vec<OsString> {
        let more = more.iter().map(OsString::from);
        let command = program.iter().cloned().chain([command.into()]);
        command.chain(state()).chain(more).collect()
    };
    let runs = with("", "", words("run", &["--rm", "--name", NAME]));
    let stands = Standing::start(runner, runs, words("kill", &[NAME]))?;
    let exec = with(
        EXEC,
        "a command more in a container that runs",
        words("exec", &[NAME]),
    );
    let note = "both times are its return: the command has been executed, and a monitor stays";
    let mut detached = with(DETACHED, note, words("run", &["-d", "--rm"]));
    detached.detaches = true;
    Ok((vec![exec, detached], stands))
}

/// A runtime's `exec`, by the words that its `run` has, which is the last of them.
fn engines_way(
    runner: &mut Runner,
    runtime: &Contestant,
    words: &[OsString],
) -> Result<(Vec<Contestant>, Standing), String> {
    let before = words.split_last().map_or(&[][..], |(_, before)| before);
    let runs = runtime.by(&runtime.name, runtime.program_in_words())?;
    let id = name(runner.next());
    let in_it = |command: &[&str]| -> Vec<OsString> {
        let command = command.iter().map(OsString::from);
        let words = before.iter().cloned().chain(command);
        words.chain([id.clone()]).collect()
    };
    let stands = Standing::start(runner, runs, in_it(&["delete", "--force"]))?;
    let peer = match runtime.name.as_str() {
        engines::OCI => "mydocker oci",
        name => name.trim_end_matches(", a root"),
    };
    let exec = Contestant {
        form: Form::Root(in_it(&["exec"])),
        mounts: runtime.same_mounts()?,
        slow: runtime.slow,
        ..Contestant::prefix(
            &format!("{peer} exec"),
            runtime.kind,
            "the same, by the process of its config.json with other arguments",
            [""; 0],
        )
    };
    Ok((vec![exec], stands))
}

/// A container that runs until it is ended.
struct Standing {
    child: Child,
    end: Vec<OsString>,
    /// Where that is to be done.
    runs: Contestant,
}

impl Standing {
    fn start(runner: &mut Runner, runs: Contestant, end: Vec<OsString>) -> Result<Self, String> {
        let child = runner.spawn(&runs, Act::Stay)?.0;
        let standing = Self { child, end, runs };
        match runner.wait_until_said() {
            Ok(_) => Ok(standing),
            Err(why) => {
                let why = format!("{}: {why}", standing.runs.name);
                standing.end(runner);
                Err(why)
            }
        }
    }

    fn end(mut self, runner: &mut Runner) {
        if !runner.done(&self.runs, self.end) {
            let _ = self.child.kill();
        }
        let _ = self.child.wait();
    }
}
