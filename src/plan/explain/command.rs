//! The execve, and what mydocker does while the command runs.

use super::Start;
use crate::error::printable;
use crate::field::Field;
use crate::plan::text::page::Page;
use crate::plan::{ExecPlan, InitPlan, Prepared, Reaper};
use crate::spec::{ContainerSpec, Terminal, Timeout};
use std::ffi::CString;
use std::time::Duration;

fn texts(strings: &[CString]) -> Vec<String> {
    let text = |string: &CString| printable(string.to_bytes());
    strings.iter().map(text).collect()
}

pub fn execve(page: &mut Page, command: &ExecPlan) {
    page.section("The command:");
    let arguments = texts(command.arguments.strings());
    let name = arguments.first().map_or("", String::as_str);
    page.step(&format!("execve {name}"));
    page.why(
        "The process becomes the command, execve(2). What it has become by the steps above stays: namespaces, \
         root, user, limits, filter.",
    );
    if command.searched {
        page.why(
            "The name has no slash, so the directories of the container's PATH are tried in their order, in the \
             container's files, as execvp(3) does it:",
        );
    } else {
        page.why("The name has a slash, so it is a file's, in the container's files:");
    }
    let candidates = texts(&command.candidates);
    if candidates.is_empty() {
        page.item("candidates", "none; it will not be found");
    } else {
        page.items("candidates", &candidates);
    }
    page.items("arguments", &arguments);
    let names: Vec<String> = command.environment.strings().iter().map(name_of).collect();
    page.items("environment, by names", &names);
}

/// What a variable is called. Its value may be no one's business.
fn name_of(variable: &CString) -> String {
    let name = variable.to_bytes().split(|byte| *byte == b'=').next();
    printable(name.unwrap_or_default())
}

pub fn monitored(page: &mut Page, plan: &InitPlan, start: &Start<'_>) {
    page.section("mydocker, while the command runs and after it:");
    let spec = start.spec;
    match spec.process.terminal {
        Terminal::Own => {
            page.step("relay between the two terminals");
            page.why(&Field::Input.between(
                "poll(2) on both; with ",
                " the caller's is in raw mode meanwhile, so that every key goes to the container, ^C too: termios(3).",
            ));
        }
        Terminal::None if plan.prepared_streams().contains(&Some(Prepared::Pipe)) => {
            page.step("relay between the pipes and what the caller has");
            page.why(
                "poll(2) on both. Signals come by the same poll, signalfd(2), and are handed on: kill(2).",
            );
        }
        Terminal::None => {
            page.step("hand signals on and wait");
            page.why("sigtimedwait(2), kill(2), wait4(2).");
        }
    }
    page.why(
        "What the terminal has sent, a key's signal, goes to the command's process group, as to any job of a shell's; what a \
         process has sent, to the command alone.",
    );
    if plan.reaper.is_none() {
        page.why(
            "A signal that would end the command, had it not been PID 1 without a handler, ends the container.",
        );
    }
    ended(page, spec);
    page.step("leave with the command's exit code");
    page.why(match plan.reaper {
        Some(Reaper::Keeper) => "Or 128+n if signal n has ended it. The keeper has ended what was left; if it was killed \
                                 itself, what it kept comes to mydocker, which ends it (PR_SET_CHILD_SUBREAPER, prctl(2)).",
        _ => {
            "Or 128+n if signal n has ended it. With PID 1 the kernel has ended all that was in the container, \
             and with its last process its namespaces and its mounts are gone."
        }
    });
    if !start.cgroups.is_empty() {
        page.why("The cgroups made above are removed.");
    }
}

/// What else ends it, as was asked for.
fn ended(page: &mut Page, spec: &ContainerSpec) {
    if spec.ending.stop_signal != libc::SIGTERM {
        page.why(&format!(
            "A SIGTERM that mydocker is sent is handed on as signal {}{}.",
            spec.ending.stop_signal,
            Field::StopSignal.aside(" (", ")")
        ));
    }
    if let Some(Timeout { after, grace }) = spec.ending.timeout {
        let timeout = seconds(after);
        let option = Field::Timeout.aside(" (", ")");
        page.why(&match grace {
            None => format!("After {timeout} seconds{option} all of it is killed, exit code 124."),
            Some(grace) => format!(
                "After {timeout} seconds{option} it is sent signal {}, and all of it is killed {} seconds later, \
                 exit code 124.",
                spec.ending.stop_signal,
                seconds(grace)
            ),
        });
    }
    if let Some(time) = spec.limits.as_ref().and_then(|limits| limits.cpu_time) {
        page.why(&format!(
            "When its cgroup has counted {} seconds of processor time{} all of it is killed, exit code 152. The \
             kernel tells no one, so the count is read when what is left could be used up, at the earliest.",
            seconds(time),
            Field::CpuTime.aside(" (", ")")
        ));
    }
    if let Some(limit) = spec.ending.output_limit {
        page.why(&format!(
            "What would be more than {} bytes of output{} is not passed on; all of it is killed then, exit code 153.",
            limit.bytes,
            Field::OutputLimit.aside(" (", ")")
        ));
    }
}

/// As a number with a fraction it would bring 6 KB of code along.
fn seconds(time: Duration) -> String {
    let digits = format!("{}.{:09}", time.as_secs(), time.subsec_nanos());
    digits
        .trim_end_matches('0')
        .trim_end_matches('.')
        .to_owned()
}
