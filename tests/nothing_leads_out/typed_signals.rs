//! Keys of the caller's terminal, without -t: they are for the whole job, as they would be without a container.

use crate::common::pty::*;
use crate::common::*;
use std::time::{Duration, Instant};

/// PID 1 handles SIGINT, as a shell does while it waits, and its child does nothing about it.
fn waiting_shell() -> String {
    format!(
        "trap 'echo caught' INT; {} orphans 0; echo status $?.; exit 9",
        probe_name()
    )
}

const WAYS: [&[&str]; 4] = [&[], &["--init"], &["--pid=host"], &["-t"]];

#[test]
fn a_typed_interrupt_reaches_the_child_that_a_shell_waits_for() {
    for case in cases() {
        for options in WAYS {
            let command = ["sh", "-c", &waiting_shell()];
            let mut session = Session::mydocker(case, options, &command);
            session.expect("ready");
            session.type_keys("\x03");
            session.expect("status 130.");
            assert_eq!(session.end(), 9, "{session} {options:?}");
        }
    }
}

/// What a process sends is for PID 1, as it always was.
#[test]
fn a_signal_that_was_sent_is_for_the_command_alone() {
    for case in cases() {
        for options in WAYS {
            let script = format!(
                "trap 'echo caught; kill -TERM $child' INT; {} orphans 0 & child=$!; echo star''ted; wait; wait $child; echo status $?.",
                probe_name()
            );
            let mut session = Session::mydocker(case, options, &["sh", "-c", &script]);
            // Not when the child is ready: the shell may not know its number yet.
            session.expect("started");
            kill(session.pid(), Signal::SIGINT);
            session.expect("caught");
            session.expect("status 143.");
            assert_eq!(session.end(), 0, "{session} {options:?}");
        }
    }
}

#[test]
fn the_third_typed_interrupt_ends_it_whatever_the_command_does() {
    for case in cases() {
        for options in WAYS {
            let script = "trap 'echo caught' INT; echo rea''dy; while :; do sleep 0.1; done";
            let mut session = Session::mydocker(case, options, &["sh", "-c", script]);
            session.expect("ready");
            for _ in 0..2 {
                session.type_keys("\x03");
                session.expect("caught");
            }
            // Slowly, on a slow machine: then those were not two of three.
            let begun = Instant::now();
            session.type_keys("\x03");
            while !session.has_ended() && begun.elapsed() < PATIENCE {
                std::thread::sleep(Duration::from_millis(200));
                session.type_keys("\x03");
            }
            assert_eq!(session.end(), 130, "{session} {options:?}");
        }
    }
}

/// A command that counts, and how far it has come. (A bash without a trap goes on if the interrupt comes just when a sleep has
/// ended by itself. Not for dash, which starts programs by vfork, and waits for those that are
/// stopped before their execve without being stopped itself.)
const COUNTING: &str =
    "trap \"exit 130\" INT; n=0; while :; do n=$((n+1)); echo $n > $FILE; sleep 0.05; done";

#[test]
fn a_typed_stop_stops_the_command_and_fg_continues_it() {
    for case in cases() {
        for options in ["", "--init", "--pid=host", "-t"] {
            let scratch = Scratch::new();
            let file = scratch.file("count");
            let count = || std::fs::read_to_string(&file).unwrap_or_default();
            let mut session = Session::bash(case);
            let line = session.line(
                &format!("{options} -e FILE={file}"),
                &format!("bash -c '{COUNTING}'"),
            );
            session.type_line(&line);
            assert!(eventually(|| !count().is_empty()), "{session}");
            for _ in 0..2 {
                session.type_keys("\x1a");
                session.expect("Stopped");
                session.expect(OUTSIDE);
                let all_stopped = || {
                    let mut command = session.container().into_iter();
                    command.all(|pid| {
                        std::fs::read_to_string(format!("/proc/{pid}/stat"))
                            .is_ok_and(|stat| stat.contains(") T "))
                    })
                };
                assert!(eventually(all_stopped), "{session} {options}");
                session.type_line("fg");
                let before = count();
                assert!(eventually(|| count() != before), "{session} {options}");
            }
            session.type_keys("\x03");
            session.expect(OUTSIDE);
            session.type_line("exit 5");
            assert_eq!(session.end(), 5, "{session} {options}");
        }
    }
}

/// Where no shell could continue it nothing stops, and nothing is left stopped.
#[test]
fn a_typed_stop_without_a_shell_is_passed_over() {
    for case in cases() {
        let script = "echo rea''dy; read line; echo got $line.";
        let mut session = Session::mydocker(case, &["-i"], &["sh", "-c", script]);
        session.expect("ready");
        session.type_keys("\x1a");
        session.type_line("this");
        session.expect("got this.");
        assert_eq!(session.end(), 0, "{session}");
    }
}

#[test]
fn the_time_stopped_counts() {
    for case in cases() {
        let mut session = Session::bash(case);
        let line = session.line(
            "--timeout 1",
            "sh -c 'echo rea\"\"dy; while :; do sleep 0.1; done'",
        );
        session.type_line(&line);
        session.expect("ready");
        session.type_keys("\x1a");
        session.expect("Stopped");
        session.expect(OUTSIDE);
        std::thread::sleep(Duration::from_secs(1));
        session.type_line("fg; echo st''atus $?.");
        session.expect("status 124.");
        session.type_line("exit 5");
        assert_eq!(session.end(), 5, "{session}");
    }
}
