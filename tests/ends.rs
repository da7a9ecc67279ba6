//! How mydocker ends a container, and by what.

mod common;
use common::cgroups::limited_cases;
use common::*;
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

/// `docker stop` sends it; here SIGTERM to mydocker does.
#[test]
fn a_sigterm_for_mydocker_is_the_stop_signal_inside() {
    let script = "trap 'echo usr1; exit 9' USR1; trap 'echo term; exit 8' TERM; echo ready; while :; do sleep 0.05; done";
    for case in cases() {
        for options in [&[][..], &["--init"], &["--pid=host"]] {
            for (sent, stop_signal, expected) in [
                (Signal::SIGTERM, &["--stop-signal=USR1"][..], 9),
                (Signal::SIGTERM, &[], 8),
                (Signal::SIGUSR1, &["--stop-signal=TERM"], 9),
            ] {
                let options = [options, stop_signal].concat();
                let status = signalled(case, &options, script, sent);
                assert_eq!(status, expected, "{case} {options:?} {sent}");
            }
        }
        // No handler: as PID 1 it would be spared. And SIGKILL for all of it.
        for options in [&[][..], &["--init"], &["--pid=host"]] {
            for (stop_signal, expected) in
                [("--stop-signal=QUIT", 131), ("--stop-signal=KILL", 137)]
            {
                let options = [options, &[stop_signal]].concat();
                let script = "echo ready; exec sleep 600";
                let status = signalled(case, &options, script, Signal::SIGTERM);
                assert_eq!(status, expected, "{case} {options:?}");
            }
        }
    }
}

/// The exit code of a container that says when it is ready, and of which mydocker is sent `signal` then.
#[track_caller]
fn signalled(case: Case, options: &[&str], script: &str, signal: Signal) -> i32 {
    let mut command = case.command(options, &["sh", "-c", script]);
    let mut child = command.stdout(Stdio::piped()).spawn().expect("mydocker");
    let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
    assert_eq!(
        lines.next().expect("a line").expect("text"),
        "ready",
        "{case} {options:?}"
    );
    kill(child.id(), signal);
    let status = wait(&mut child).unwrap_or_else(|| panic!("{case} {options:?}: it hangs"));
    shell_code(status)
}

/// A run with a report: its reason, its exit code, and all of it.
#[track_caller]
fn judged(case: Case, options: &[&str], command: &[&str]) -> (String, i32, Value, Outcome) {
    let scratch = Scratch::new();
    let file = scratch.file("report");
    let options = [options, &["--report", &file]].concat();
    let outcome = case.run(&options, command);
    let text = std::fs::read_to_string(&file).expect("a report");
    let report: Value = serde_json::from_str(&text).expect("one JSON object");
    let reason = report["reason"].as_str().unwrap_or_default().to_owned();
    (reason, outcome.code().expect("no signal"), report, outcome)
}

const BUSY: &str = "while :; do :; done";

#[test]
fn the_processor_time_of_all_that_is_in_the_container_is_counted() {
    let forks = "while :; do (:); done";
    let several = format!("{BUSY} & {BUSY} & {BUSY}");
    // Its parent ends, and it is in a session of its own.
    let orphan = format!("(setsid sh -c '{BUSY}' &); sleep 600");
    for case in limited_cases() {
        for options in [
            &[][..],
            &["--init=false"],
            &["--pid=host"],
            &["-t"],
            &["--cpus=0.5"],
        ] {
            for script in [BUSY, forks, &several, &orphan] {
                let options = [options, &["--cpu-time=0.2"]].concat();
                let (reason, status, report, outcome) =
                    judged(case, &options, &["sh", "-c", script]);
                let found = (reason.as_str(), status);
                assert_eq!(
                    found,
                    ("cpu time", 152),
                    "{case} {options:?} {script}: {outcome:?}"
                );
                let of = |key: &str| report[key].as_u64().expect("counted");
                let counted = of("cpu_user_ns") + of("cpu_system_ns");
                assert!(counted >= 200_000_000, "{case} {options:?}: {report}");
                let said = "mydocker: ended: its processor time was up (--cpu-time 0.2)\n";
                assert_eq!(outcome.stderr, said, "{case} {options:?} {script}");
            }
        }
    }
}

#[test]
fn who_uses_less_processor_time_is_left_alone() {
    for case in limited_cases() {
        for limit in ["--cpu-time=3600", "--cpu-time=1000000000", "--cpu-time=.9"] {
            let (reason, status, ..) = judged(case, &[limit], &["sh", "-c", "sleep 1.2; exit 3"]);
            assert_eq!((reason.as_str(), status), ("exited", 3), "{case} {limit}");
        }
    }
}

/// However it ended: whether it was seen in time does not matter.
#[test]
fn who_has_used_more_by_its_end_has_used_more() {
    let script = "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; kill -SEGV $$";
    for case in limited_cases() {
        let (reason, status, ..) = judged(case, &["--cpu-time=0.000001"], &["sh", "-c", script]);
        assert_eq!((reason.as_str(), status), ("cpu time", 152), "{case}");
        let outcome = case.run(&["--timing=-", "--cpu-time=0.000001"], &["true"]);
        let ended: Value = serde_json::from_str(outcome.stdout.lines().last().unwrap()).unwrap();
        assert_eq!(ended["reason"], "cpu time", "{case}: {ended}");
    }
}

#[test]
fn what_ends_it_first_is_the_reason() {
    for case in limited_cases() {
        // It was asked to end, and uses up its time meanwhile.
        let script = format!("trap '' TERM; sleep 2; {BUSY}");
        let options = ["--timeout=0.8:600", "--cpu-time=0.5"];
        let (reason, status, ..) = judged(case, &options, &["sh", "-c", &script]);
        assert_eq!((reason.as_str(), status), ("timed out", 124), "{case}");
        let options = ["--timeout=600", "--cpu-time=0.1"];
        let (reason, status, ..) = judged(case, &options, &["sh", "-c", BUSY]);
        assert_eq!((reason.as_str(), status), ("cpu time", 152), "{case}");
    }
}

#[test]
fn processor_time_that_cannot_be_counted_is_an_error() {
    for case in cases() {
        for wrong in ["0", "-1", "nan", "1e9", "", ".", "1:2"] {
            let outcome = case.run(&[&format!("--cpu-time={wrong}")], &["true"]);
            let shown = if wrong.is_empty() { "''" } else { wrong };
            let words = format!("--cpu-time {shown}: it takes a number of seconds above 0");
            assert_eq!(outcome.code(), Some(125), "{case} {wrong}: {outcome:?}");
            assert!(outcome.stderr.contains(&words), "{case}: {outcome:?}");
        }
    }
    for case in ordinary_cases() {
        // Unless a cgroup was delegated to who runs the tests.
        let outcome = case.run(&["--cpu-time=9"], &["echo", "ran"]);
        if outcome.code() != Some(0) {
            assert_eq!(outcome.code(), Some(125), "{case}: {outcome:?}");
            assert!(
                outcome.stderr.contains("--cpu-time: "),
                "{case}: {outcome:?}"
            );
            assert_eq!(outcome.stdout, "", "{case}");
        }
    }
}
