//! Which examples cannot be run, and what they lack.

use crate::case_of;
use crate::common::*;
use std::ffi::OsString;
use std::process::Command;

/// Why an example does not run: its first words, when that is so, and what it lacks.
pub struct Lacking {
    pub begins: &'static str,
    when: When,
    what: &'static str,
}

pub enum When {
    Always,
    /// If this command and its caller meet it.
    If(fn(&str, Caller) -> bool),
}

const fn always(begins: &'static str, what: &'static str) -> Lacking {
    let when = When::Always;
    Lacking { begins, when, what }
}

const fn sometimes(
    begins: &'static str,
    when: fn(&str, Caller) -> bool,
    what: &'static str,
) -> Lacking {
    let when = When::If(when);
    Lacking { begins, when, what }
}

const NO_CGROUP: &str = "a cgroup v2 that was delegated to this user";
const NO_GUIDES: &str = "the guides, which the smallest build leaves out";

pub const LACKING: &[Lacking] = &[
    always("cargo ", "cargo, which runs this test: CI's stages run it"),
    always(
        "RUSTFLAGS=",
        "a nightly toolchain: CI's stage small has these flags from there",
    ),
    always(
        "rustup ",
        "leave to change the toolchains: CI's stage packages does it",
    ),
    always(
        "MYDOCKER_",
        "cargo, which runs this test: CI's stages run it",
    ),
    sometimes("gdb ", has_no_gdb, "gdb, or leave to trace"),
    sometimes("strace ", has_no_strace, "strace, or leave to trace"),
    sometimes(
        "grep -n -E 'clone",
        has_no_strace,
        "strace, or leave to trace",
    ),
    always(".ci/run", "a machine of its own: CI"),
    always(
        "tests/engines/run",
        "other engines: CI's stage installs them",
    ),
    always(
        "debootstrap ",
        "a network: tests/root_debian.rs makes a root by it",
    ),
    always("mkdir root; docker export ", "docker"),
    always(
        "ln -s mydocker /usr",
        "leave to install: CI's stage engines has such a link",
    ),
    always("skopeo ", "a registry"),
    always("umoci ", "a registry"),
    always("systemd-run ", "systemd"),
    always("cd /sys/fs/cgroup;", "a user alice"),
    always("chown alice ", "a user alice"),
    always("echo PID_OF_THE_SHELL ", "a user alice"),
    always(
        "mydocker run sleep 100",
        "someone who types ^C: tests/terminal_job_control.rs does",
    ),
    always("mydocker run init", "a host to lose"),
    sometimes("mydocker help ", is_without_guides, NO_GUIDES),
    sometimes("mydocker run -m ", has_no_cgroup, NO_CGROUP),
    sometimes(
        "mydocker run --rootfs root --overlay -i -m ",
        has_no_cgroup,
        NO_CGROUP,
    ),
    sometimes(
        "mydocker batch --jobs 8 --rootfs root --overlay -m ",
        has_no_cgroup,
        NO_CGROUP,
    ),
    sometimes(
        "mydocker run --userns auto ",
        has_no_ids,
        "ids of this user's in /etc/subuid",
    ),
];

fn is_without_guides(command: &str, _: Caller) -> bool {
    let mut help = Command::new(mydocker());
    help.args(command.split_whitespace().skip(1));
    finish(help).stderr.contains("was built without its guides")
}

/// Root must have one, where everything must run.
fn has_no_cgroup(_: &str, caller: Caller) -> bool {
    let limits = ["-m", "64m", "--cpus", "1", "--pids-limit", "64"];
    let outcome = case_of(caller).run(&limits, &["true"]);
    if outcome.code() != Some(0) && caller == Caller::Root {
        skip(&format!("no limits here: {}", outcome.stderr));
    }
    outcome.code() != Some(0)
}

fn has_no_ids(_: &str, caller: Caller) -> bool {
    let outcome = case_of(caller).run(&["--userns", "auto"], &["true"]);
    caller == Caller::Ordinary && outcome.code() != Some(0)
}

fn has_no_gdb(_: &str, caller: Caller) -> bool {
    let arguments = ["-q", "-batch", "-ex", "run", "--args", "true"];
    !works(caller, "gdb", &arguments, "exited normally")
}

fn has_no_strace(_: &str, caller: Caller) -> bool {
    !works(caller, "strace", &["-o", "/dev/null", "true"], "")
}

/// Where everything must run, it must.
fn works(caller: Caller, program: &str, arguments: &[&str], says: &str) -> bool {
    let line = [&[program], arguments].concat();
    let line: Vec<OsString> = line.into_iter().map(OsString::from).collect();
    // A program that is not there is env's error, and not the test's.
    let command = case_of(caller).prepared(&[&["env".into()], &line[..]].concat());
    let outcome = finish(command);
    let works = outcome.code() == Some(0) && outcome.stdout.contains(says);
    if !works {
        skip(&format!("{program} does not work here: {}", outcome.stderr));
    }
    works
}

/// What this command lacks, if it lacks anything.
pub fn lacking(command: &str, caller: Caller) -> Option<&'static str> {
    let row = LACKING.iter().find(|row| command.starts_with(row.begins))?;
    match row.when {
        When::Always => Some(row.what),
        When::If(is_so) => is_so(command, caller).then_some(row.what),
    }
}
