//! Starts that are held up.

use crate::common::lease::{Lease, held_up_command};
use crate::common::*;
use nix::unistd::Uid;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Those of its descendants that have not ended.
fn descendants(pid: u32) -> Vec<u32> {
    let listed = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
    let mut found = Vec::new();
    for child in listed.unwrap_or_default().split_whitespace() {
        let child = child.parse().unwrap();
        found.push(child);
        found.extend(descendants(child));
    }
    found
}

fn lives(pid: u32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    status
        .lines()
        .any(|line| line.starts_with("State:") && !line.contains('Z'))
}

/// Those whose container is a child of mydocker's own. (Of boxes see tests/boxes.)
fn starting_cases() -> impl Iterator<Item = Case> {
    let is_own = |case: &Case| !case.is_pooled() || case.launch == "re-exec";
    cases().into_iter().filter(is_own)
}

const OPTIONS: [&[&str]; 4] = [&[], &["--init"], &["--pid=host"], &["-t"]];

/// A run that is held up, and what is there of it.
fn held_up(command: &mut Command, lease: &mut Lease) -> (Child, Vec<u32>) {
    let running = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    lease.says("asked");
    let all = descendants(running.id());
    assert!(!all.is_empty());
    (running, all)
}

#[test]
fn a_signal_ends_it_and_all_that_was_born() {
    for case in starting_cases() {
        for options in OPTIONS {
            for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP] {
                // mydocker is awake while it looks at the clock.
                let options = [options, &["--timeout=1000"]].concat();
                try_signal(case, &options, signal, Some(128 + signal as i32));
            }
            try_signal(case, options, Signal::SIGKILL, None);
        }
    }
}

fn try_signal(case: Case, options: &[&str], signal: Signal, code: Option<i32>) {
    let scratch = Scratch::new();
    let file = held_up_command(&scratch, case);
    let mut lease = Lease::on(case, &file);
    let what = format!("{case} {options:?} {signal}");
    let (running, all) = held_up(&mut case.command(options, &[&file]), &mut lease);
    kill(running.id(), signal);
    let output = running.wait_with_output().unwrap();
    assert_eq!(output.status.code(), code, "{what}: {output:?}");
    assert_eq!(output.stdout, b"", "{what}");
    assert!(
        eventually(|| !all.iter().any(|pid| lives(*pid))),
        "{what}: {all:?}"
    );
    if code.is_some() {
        let said = format!(
            "mydocker: ended by signal {} before the command ran\n",
            signal as i32
        );
        assert_eq!(String::from_utf8_lossy(&output.stderr), said, "{what}");
    }
}

#[test]
fn the_time_ends_it_before_the_command_runs() {
    for case in starting_cases() {
        for options in OPTIONS {
            let scratch = Scratch::new();
            let file = held_up_command(&scratch, case);
            let mut lease = Lease::on(case, &file);
            let what = format!("{case} {options:?}");
            let options = [options, &["--timeout=1"]].concat();
            let (running, all) = held_up(&mut case.command(&options, &[&file]), &mut lease);
            let output = running.wait_with_output().unwrap();
            assert_eq!(output.status.code(), Some(124), "{what}: {output:?}");
            assert_eq!(
                String::from_utf8_lossy(&output.stderr),
                "mydocker: --timeout: the time was up before the command ran\n",
                "{what}"
            );
            assert_eq!(output.stdout, b"", "{what}");
            assert!(
                eventually(|| !all.iter().any(|pid| lives(*pid))),
                "{what}: {all:?}"
            );
        }
    }
}

/// Nor does newuidmap have to answer.
#[test]
fn a_helper_that_hangs() {
    if !Uid::effective().is_root() || !Path::new("/etc/subuid").exists() {
        skip_root_only("it takes root, and an /etc/subuid to mount something on");
        return;
    }
    for case in ordinary_cases() {
        let scratch = Scratch::new();
        std::fs::write(scratch.file("sub"), format!("{ORDINARY}:200000:65536\n")).unwrap();
        let helper = "#!/bin/sh\nexec sleep 1000\n";
        write_program(scratch.file("newuidmap"), helper, 0o755);
        let script = "mount --bind sub /etc/subuid; mount --bind sub /etc/subgid; PATH=$PWD:$PATH; exec \"$@\"";
        let mut command = Command::new("unshare");
        command.args(["--mount", "sh", "-ec", script, "sh", "setpriv"]);
        let (user, group) = (ORDINARY.to_string(), ORDINARY_GROUP.to_string());
        command.args(["--reuid", &user, "--regid", &group, "--clear-groups"]);
        command
            .arg(mydocker())
            .args(["run", "--launch", case.launch]);
        command.args(["--userns=auto", "--timeout=1", "/bin/true"]);
        command.current_dir(scratch.path()).stdin(Stdio::null());
        let outcome = finish(command);
        let said = "mydocker: --timeout: the time was up before the command ran\n";
        assert_eq!(outcome.stderr, said, "{case}: {outcome:?}");
        assert_eq!(outcome.code(), Some(124), "{case}");
    }
}
