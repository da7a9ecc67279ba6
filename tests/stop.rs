//! `stop` and `kill`: a container is asked to end, and ends whatever it does; signals come to it by its monitor.

mod common;
use common::stay::{Stay, each_stay};
use common::*;
use std::io::Read;
use std::process::Stdio;

const IGNORES: &str = "trap '' TERM; echo up; while :; do sleep 0.05; done";

/// A container that is ready.
#[track_caller]
fn run(stay: &Stay, name: &str, options: &[&str], script: &str) -> String {
    let line = [
        &["run", "-d", "--name", name],
        options,
        &["sh", "-c", script],
    ]
    .concat();
    let id = stay.says(&line);
    let is_up = || stay.says(&["logs", name]).contains("up");
    assert!(eventually(is_up), "{}: {name} is not up", stay.case);
    id
}

#[track_caller]
fn exit(stay: &Stay, name: &str) -> String {
    stay.asks("{{.State.Status}} {{.State.ExitCode}}", name)
}

#[test]
fn one_that_handles_the_signal_ends_by_itself() {
    each_stay(|stay| {
        let handles = |signal: &str| {
            format!("trap 'echo bye; exit 7' {signal}; echo up; while :; do sleep 0.05; done")
        };
        run(stay, "term", &[], &handles("TERM"));
        run(stay, "int", &["--stop-signal", "INT"], &handles("INT"));
        run(stay, "usr", &[], &handles("USR1"));
        assert_eq!(stay.says(&["stop", "int", "term"]), "int\nterm");
        assert_eq!(stay.says(&["stop", "-s", "USR1", "usr"]), "usr");
        for name in ["term", "int", "usr"] {
            assert_eq!(exit(stay, name), "exited 7", "{} {name}", stay.case);
            assert_eq!(stay.says(&["logs", name]), "up\nbye", "{}", stay.case);
        }
        // It does not run: that is no mistake.
        assert_eq!(stay.says(&["stop", "term"]), "term");
        let outcome = stay.outcome(&["stop", "nobody", "int"]);
        assert_eq!(outcome.code(), Some(1), "{outcome:?}");
        assert_eq!(outcome.stdout, "int\n", "{outcome:?}");
        let unknown = "mydocker: No such container: nobody\n";
        assert_eq!(outcome.stderr, unknown, "{outcome:?}");
    });
}

#[test]
fn one_that_does_not_end_is_killed() {
    each_stay(|stay| {
        run(stay, "box", &[], IGNORES);
        assert_eq!(stay.says(&["stop", "-t", "0", "box"]), "box");
        assert_eq!(exit(stay, "box"), "exited 137", "{}", stay.case);
        run(stay, "own", &["--stop-timeout", "1"], IGNORES);
        assert_eq!(stay.says(&["stop", "own"]), "own");
        assert_eq!(exit(stay, "own"), "exited 137", "{}", stay.case);
    });
}

/// It is waited for as long as it takes; someone more impatient need not wait.
#[test]
fn several_people_stop_it_each_with_their_patience() {
    each_stay(|stay| {
        let script = "trap 'echo asked' TERM; echo up; while :; do sleep 0.05; done";
        run(stay, "box", &[], script);
        let mut patient = stay
            .command(&["stop", "-t", "-1", "box"])
            .spawn()
            .expect("stop");
        let is_asked = || stay.says(&["logs", "box"]).contains("asked");
        assert!(eventually(is_asked), "{}", stay.case);
        assert_eq!(patient.try_wait().expect("wait"), None, "{}", stay.case);
        assert_eq!(stay.says(&["stop", "-t", "1", "box"]), "box");
        assert!(wait(&mut patient).expect("it hangs").success());
        assert_eq!(exit(stay, "box"), "exited 137", "{}", stay.case);
    });
}

#[test]
fn kill_sends_a_signal() {
    each_stay(|stay| {
        let script = "trap 'echo usr' USR1; echo up; while :; do sleep 0.05; done";
        run(stay, "box", &["--restart", "always"], script);
        assert_eq!(stay.says(&["kill", "-s", "SIGUSR1", "box"]), "box");
        let has_come = || stay.says(&["logs", "box"]).contains("usr");
        assert!(eventually(has_come), "{}", stay.case);
        // By hand: no restart policy starts it again.
        assert_eq!(stay.says(&["kill", "box"]), "box");
        assert_eq!(exit(stay, "box"), "exited 137", "{}", stay.case);
        let refused = stay.fails(1, &["kill", "box"]);
        assert!(
            refused.starts_with("mydocker: cannot kill container: box: container ")
                && refused.ends_with(" is not running\n"),
            "{refused}"
        );
        let unknown = stay.fails(1, &["kill", "nobody"]);
        assert_eq!(unknown, "mydocker: No such container: nobody\n");
    });
}

#[test]
fn one_that_waits_for_its_restart_is_stopped() {
    each_stay(|stay| {
        let failing = ["--name", "box", "sh", "-c", "exit 1"];
        stay.says(&[&["run", "-d", "--restart", "always"][..], &failing].concat());
        stay.becomes("restarting", "box");
        assert_eq!(stay.says(&["stop", "box"]), "box");
        assert_eq!(exit(stay, "box"), "exited 1", "{}", stay.case);
    });
}

#[test]
fn one_in_the_foreground_is_stopped_and_killed() {
    each_stay(|stay| {
        for (command, code) in [(&["stop", "box"][..], 7), (&["kill", "box"], 137)] {
            let script = "trap 'exit 7' TERM; echo up; while :; do sleep 0.05; done";
            let line = ["run", "--rm", "--name", "box", "sh", "-c", script];
            let mut command_line = stay.command(&line);
            let mut child = command_line.stdout(Stdio::piped()).spawn().expect("run");
            let mut up = [0; 3];
            let stdout = child.stdout.as_mut().expect("a pipe");
            stdout.read_exact(&mut up).expect("read");
            assert_eq!(stay.says(command), "box");
            let status = wait(&mut child).expect("it hangs");
            assert_eq!(shell_code(status), code, "{} {command:?}", stay.case);
        }
    });
}

/// Who is stopped, by ^Z say, does not hold a container's end up: a monitor in the foreground, and an `exec`, for whose child
/// the kernel waits.
#[test]
fn whoever_is_stopped_it_ends() {
    each_stay(|stay| {
        let commands = [
            &["rm", "-f", "box"][..],
            &["stop", "-t", "0", "box"],
            &["kill", "box"],
        ];
        // All of them wake the same way.
        let count = if is_brief() { 1 } else { commands.len() };
        for command in commands.into_iter().take(count) {
            for in_foreground in [true, false] {
                let script = "echo up; exec sleep 1000";
                let mut line = stay.command(&match in_foreground {
                    true => ["run", "--name", "box", "sh", "-c", script].to_vec(),
                    false => {
                        run(stay, "box", &[], script);
                        ["exec", "box", "sh", "-c", script].to_vec()
                    }
                });
                let mut child = line.stdout(Stdio::piped()).spawn().expect("run");
                let mut up = [0; 3];
                let stdout = child.stdout.as_mut().expect("a pipe");
                stdout.read_exact(&mut up).expect("read");
                stay.becomes("running", "box");
                kill(child.id(), Signal::SIGSTOP);
                let outcome = stay.outcome(command);
                kill(child.id(), Signal::SIGCONT);
                let status = wait(&mut child).expect("it hangs");
                assert_eq!(outcome.stdout, "box\n", "{} {outcome:?}", stay.case);
                // SIGTERM has been enough, or not.
                let code = shell_code(status);
                assert!(
                    [137, 143].contains(&code),
                    "{} {command:?} {code}",
                    stay.case
                );
                stay.outcome(&["rm", "-f", "box"]);
            }
        }
    });
}

/// A monitor that is asked to end stops its container.
#[test]
fn the_monitors_signals_stop_it() {
    each_stay(|stay| {
        let script = "trap 'exit 7' TERM; echo up; while :; do sleep 0.05; done";
        let id = run(stay, "box", &["--restart", "always"], script);
        kill(stay.pid(&id, "monitor"), Signal::SIGTERM);
        stay.becomes("exited", "box");
        assert_eq!(exit(stay, "box"), "exited 7", "{}", stay.case);
    });
}

/// Who is frozen gets no signal: they are let go on first.
#[test]
fn one_that_is_paused_is_stopped_and_killed() {
    // An ordinary user has no cgroup of its own here, and so nothing that freezes.
    for stay in root_cases().into_iter().filter_map(Stay::new) {
        let stay = &stay;
        for (command, code) in [(&["stop", "box"][..], 7), (&["kill", "box"], 137)] {
            let script = "trap 'exit 7' TERM; echo up; while :; do sleep 0.05; done";
            run(stay, "box", &[], script);
            assert_eq!(stay.says(&["pause", "box"]), "box");
            let attach = stay.fails(1, &["attach", "box"]);
            let told = "mydocker: You cannot attach to a paused container, unpause it first\n";
            assert_eq!(attach, told);
            assert_eq!(stay.says(command), "box");
            assert_eq!(exit(stay, "box"), format!("exited {code}"), "{}", stay.case);
            stay.says(&["rm", "box"]);
        }
    }
}
