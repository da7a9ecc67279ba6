//! Limits of each process by itself, of time, and how soon the kernel is to end it.

mod common;
use common::*;
use std::time::Instant;

#[test]
fn time_that_is_up_ends_all_of_it() {
    for case in cases() {
        for options in [&[][..], &["--init"], &["--pid=host"], &["-t"], &["-ti"]] {
            // Ignores what can be ignored, and has left a child behind.
            let mark = mark();
            let variable = format!("MARK={mark}");
            let script = "trap '' TERM HUP INT; sleep 1000 & sleep 1000; sleep 1000";
            let options = [options, &["--timeout", "0.5", "-e", &variable]].concat();
            let start = Instant::now();
            let outcome = case.run(&options, &["sh", "-c", script]);
            assert_eq!(outcome.code(), Some(124), "{case} {options:?}: {outcome:?}");
            // What the exit code alone could not tell: it may be the command's own.
            let said = "mydocker: ended: its time was up (--timeout 0.5)\n";
            assert_eq!(outcome.stderr, said, "{case} {options:?}");
            assert!(start.elapsed().as_millis() >= 500, "{case} {options:?}");
            assert_eq!(marked(&mark), Vec::<u32>::new(), "{case} {options:?}");
        }
    }
}

/// The keeper of a container in the host's PID namespace is a process among others, which can be stopped and
/// be sent signals.
#[test]
fn a_keeper_that_is_disturbed_ends_its_container_all_the_same() {
    for case in cases() {
        for script in [
            "kill -STOP $PPID; sleep 1000",
            "while :; do kill -URG $PPID; done & while :; do kill -URG $PPID; done",
        ] {
            let mark = mark();
            let variable = format!("MARK={mark}");
            let options = ["--pid=host", "--timeout=0.5", "-e", &variable];
            let outcome = case.run(&options, &["sh", "-c", script]);
            assert_eq!(outcome.code(), Some(124), "{case} {script}: {outcome:?}");
            assert_eq!(marked(&mark), Vec::<u32>::new(), "{case} {script}");
        }
    }
}

#[test]
fn who_ends_in_time_ends_as_usual() {
    for case in cases() {
        for options in [&[][..], &["--init"], &["--pid=host"], &["-t"]] {
            let options = [options, &["--timeout=50"]].concat();
            let outcome = case.run(&options, &["sh", "-c", "exit 3"]);
            assert_eq!(outcome.code(), Some(3), "{case} {options:?}");
            // Its own end by a signal is no end by the clock.
            let outcome = case.run(&options, &["sh", "-c", "sh -c 'kill -KILL $$'; exit $?"]);
            assert_eq!(outcome.code(), Some(137), "{case} {options:?}");
        }
    }
}

#[test]
fn each_process_has_its_limits() {
    for case in cases() {
        for options in [&[][..], &["--init"], &["-u", "1234"]] {
            let limits = [
                "--ulimit",
                "nofile=64:128",
                "--ulimit=core=0",
                "--ulimit",
                "nofile=32:64",
            ];
            let options = [options, &limits].concat();
            let outcome = case.run(&options, &["sh", "-c", "ulimit -n; ulimit -Hn; ulimit -c"]);
            assert_eq!(outcome.output(case), "32\n64\n0\n", "{case} {options:?}");
        }
        let outcome = case.run(&["--ulimit", "nofile=99999999999"], &["true"]);
        assert_eq!(
            outcome.stderr,
            "mydocker: --ulimit nofile: operation not permitted (EPERM): a limit is raised above the \
             caller's own hard one (ulimit -H) by who has CAP_SYS_RESOURCE\n",
            "{case}"
        );
        assert_eq!(outcome.code(), Some(125), "{case}");
    }
}

#[test]
fn the_score_is_set() {
    for case in cases() {
        for options in [&[][..], &["--init"]] {
            let options = [options, &["--oom-score-adj=500"]].concat();
            let outcome = case.run(&options, &["cat", "/proc/self/oom_score_adj"]);
            assert_eq!(outcome.output(case), "500\n", "{case} {options:?}");
        }
        // To lower it takes a capability, which an ordinary user never has.
        if case.caller == Caller::Ordinary {
            let outcome = case.run(&["--oom-score-adj=-500"], &["true"]);
            assert_eq!(
                outcome.stderr,
                "mydocker: --oom-score-adj -500: permission denied (EACCES): to lower it takes \
                 CAP_SYS_RESOURCE\n",
                "{case}"
            );
        }
    }
}
