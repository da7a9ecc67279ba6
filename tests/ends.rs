//! How mydocker ends a container, and by what.

mod common;
use common::*;
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
