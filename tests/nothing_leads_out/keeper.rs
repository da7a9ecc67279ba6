//! In the host's PID namespace nothing ends with a process but what its keeper ends. A keeper can be killed too.

use crate::common::cgroups::{Parent, limited_cases};
use crate::common::*;
use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

/// Children, orphans, sessions of their own, and those that go on making new ones.
const CROWD: &str = "
    sleep 100 & (sleep 100 &); setsid sleep 100 & (setsid sh -c 'sleep 100; :' &)
    for n in 1 2 3 4; do (for m in $(seq 600); do (sleep 0.3 &); sleep 0.02; done) & done
    echo ready; sleep 100";

fn started(mut command: Command) -> Child {
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    stdout.read_line(&mut line).unwrap();
    assert_eq!(line, "ready\n");
    // Who writes more is not to be ended by SIGPIPE.
    std::thread::spawn(move || std::io::copy(&mut stdout, &mut std::io::sink()));
    child
}

/// The child of `mydocker` that is of ours.
fn keeper(mydocker: u32) -> u32 {
    let children = std::fs::read_to_string(format!("/proc/{mydocker}/task/{mydocker}/children"));
    let is_ours = |pid: &u32| {
        std::fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name == "mydocker\n")
    };
    children
        .unwrap()
        .split_whitespace()
        .map(|pid| pid.parse().unwrap())
        .find(is_ours)
        .expect("a keeper")
}

fn said(mut child: Child, what: &str) -> (Option<i32>, String) {
    let stderr = child.stderr.take().unwrap();
    let status = wait(&mut child).unwrap_or_else(|| panic!("{what}: it hangs"));
    (status.code(), std::io::read_to_string(stderr).unwrap())
}

#[test]
fn what_a_killed_keeper_kept_ends_with_it() {
    for case in cases() {
        for options in [&[][..], &["-t"], &["--timeout=1000"]] {
            let mark = mark();
            let marking = format!("MARK={mark}");
            let options = [options, &["--pid=host", "-e", &marking]].concat();
            let child = match options.contains(&"-t") {
                // What it prints is the terminal's.
                true => {
                    started(case.command(&options, &["sh", "-c", &format!("stty -opost; {CROWD}")]))
                }
                false => started(case.command(&options, &["sh", "-c", CROWD])),
            };
            kill(keeper(child.id()), Signal::SIGKILL);
            let what = format!("{case} {options:?}");
            let (code, said) = said(child, &what);
            // None by now, and not only soon.
            assert_eq!(marked(&mark), [0; 0], "{what}");
            assert_eq!(code, Some(137), "{what}: {said}");
            assert_eq!(
                said,
                "mydocker: the keeper of --pid host was ended by signal 9, and all that it kept with it\n",
                "{what}"
            );
        }
    }
}

/// A shell that executes mydocker leaves it its own children.
#[test]
fn what_mydocker_had_before_stays() {
    let first_thread_ends = format!("{} first-thread-ends & sleep 100", probe_name());
    for (case, kept) in cases()
        .into_iter()
        .flat_map(|case| [(case, CROWD), (case, &*first_thread_ends)])
    {
        let (mark, others) = (mark(), mark());
        let script = format!("MARK={others} sleep 100 & exec \"$@\"");
        let mut line: Vec<OsString> = ["sh", "-c", &script, "sh"].map(Into::into).into();
        line.push(mydocker().into());
        let marking = format!("MARK={mark}");
        line.extend(["run", "--launch", case.launch, "--pid=host", "-e", &marking].map(Into::into));
        line.extend(["sh", "-c", kept].map(Into::into));
        let mut command = case.prepared(&line);
        command.env_remove("MARK");
        let mut child = started(command);
        // It is not to hold our pipes open.
        let stderr = child.stderr.take();
        // It has its mark when it has executed sleep, which may be later than all of mydocker's start.
        let there = eventually(|| marked(&others).len() == 1);
        kill(keeper(child.id()), Signal::SIGKILL);
        let status = wait(&mut child).expect("it hangs");
        drop(stderr);
        assert!(there, "{case}");
        let stayed = marked(&others);
        for pid in &stayed {
            kill(*pid, Signal::SIGKILL);
        }
        assert_eq!(status.code(), Some(137), "{case}");
        assert_eq!(stayed.len(), 1, "{case}");
        assert_eq!(marked(&mark), [0; 0], "{case}");
    }
}

/// At any moment of the start.
#[test]
fn a_keeper_that_is_killed_while_it_starts_leaves_nothing() {
    if !has_strace() {
        return;
    }
    for case in cases() {
        if case.is_pooled() {
            continue;
        }
        for call in ["execveat", "rt_sigtimedwait", "setpgid", "capset:when=2"] {
            let (call, when) = call.split_once(':').unwrap_or((call, "when=1+"));
            let mark = mark();
            let mut line: Vec<OsString> = ["strace", "-f", "-o", "/dev/null", "-e"]
                .map(Into::into)
                .into();
            line.push(format!("inject={call}:signal=KILL:{when}").into());
            line.push(mydocker().into());
            line.extend(["run", "--launch", case.launch, "--pid=host"].map(Into::into));
            line.extend(["-e", &format!("MARK={mark}")].map(Into::into));
            line.extend(["sh", "-c", "sleep 0.5; exit 3"].map(Into::into));
            let outcome = finish(case.prepared(&line));
            let code = outcome.code();
            let what = format!("{case} {call}: {outcome:?}");
            // mydocker itself waits for signals, too.
            assert!(code.is_none() || matches!(code, Some(125 | 137)), "{what}");
            assert!(eventually(|| marked(&mark).is_empty()), "{what}");
        }
    }
}

/// It has to outlive the command, so it is outside: of the cgroups, and of what is said of the command's worth.
#[test]
fn limits_are_the_commands_alone() {
    for case in limited_cases() {
        for options in [&[][..], &["--userns=auto"], &["-u=7"], &["-t"]] {
            let limits = [
                "--pid=host",
                "-m=64m",
                "--pids-limit=9",
                "--oom-score-adj=300",
            ];
            let options = [&limits, options].concat();
            // Above the top of its cgroup namespace.
            let script = "for process in self $PPID; do
                cut -d: -f3 /proc/$process/cgroup | grep -c '^/[.][.]'; cat /proc/$process/oom_score_adj; done
                ls /proc/self/fd | tr '\\n' ' '";
            let outcome = case.run(&options, &["sh", "-c", script]);
            let said: Vec<&str> = outcome.output(case).split_whitespace().collect();
            let ["0", "300", above, score, "0", "1", "2", "3"] = said[..] else {
                panic!("{case} {options:?}: {outcome:?}");
            };
            assert_ne!(above, "0", "{case} {options:?}");
            // The root of many ids may not write its own.
            let is_shared = options.contains(&"--userns=auto");
            assert_eq!(score == "300", is_shared, "{case} {options:?}");
        }
    }
}

#[test]
fn the_kernel_ends_the_command_and_not_its_keeper() {
    for case in limited_cases() {
        for options in [&["--pid=host"][..], &["--init"], &["--pid=host", "-t"]] {
            let (mark, parent) = (mark(), Parent::new());
            let marking = format!("--env=MARK={mark}");
            let parent_option = parent.option();
            let limits = [
                "-m=8m",
                "--memory-swap=8m",
                "--timeout=5",
                &marking,
                &parent_option,
            ];
            let options = [&limits, options].concat();
            let script = "for n in $(seq 400); do sleep 100 & done; wait";
            let outcome = case.run(&options, &["sh", "-c", script]);
            let what = format!("{case} {options:?}: {outcome:?}");
            // Which of its processes it was is the kernel's choice.
            assert!(matches!(outcome.code(), Some(124 | 137)), "{what}");
            assert!(
                outcome
                    .stderr
                    .contains("killed by the kernel: out of memory"),
                "{what}"
            );
            assert!(!outcome.stderr.contains("keeper"), "{what}");
            assert_eq!(marked(&mark), [0; 0], "{what}");
            assert!(parent.containers().is_empty(), "{what}");
        }
    }
}
