//! How it ends, and what ends with it.

use crate::common::stay::{NAME, Stay};
use crate::common::*;
use std::process::Stdio;

#[test]
fn codes_are_those_of_a_run() {
    for case in cases() {
        let container = Stay::idle(case, &[]);
        let code = |script: &str| container.exec(&[], &["sh", "-c", script]).code();
        for expected in [0, 1, 7, 125, 255] {
            assert_eq!(code(&format!("exit {expected}")), Some(expected), "{case}");
        }
        // It is no first process: what is not handled ends it.
        assert_eq!(code("kill -TERM $$"), Some(143), "{case}");
        assert_eq!(code("kill -KILL $$"), Some(137), "{case}");
        for (command, code, message) in [
            (
                "no-such-command",
                127,
                "mydocker: exec no-such-command: no such file or directory (ENOENT): not found in the container's PATH\n",
            ),
            (
                "/etc/passwd",
                126,
                "mydocker: exec /etc/passwd: permission denied (EACCES): it is no executable file (chmod +x makes it one)\n",
            ),
        ] {
            let outcome = container.exec(&[], &[command]);
            assert_eq!(
                (outcome.code(), &*outcome.stderr),
                (Some(code), message),
                "{case}"
            );
        }
        let outcome = container.exec(&["-w", "/no/such"], &["true"]);
        assert_eq!(outcome.code(), Some(125), "{case}: {outcome:?}");
        assert!(
            outcome
                .stderr
                .starts_with("mydocker: --workdir: change directory to /no/such: "),
            "{outcome:?}"
        );
    }
}

#[test]
fn states_have_dockers_words() {
    for case in cases() {
        let container = Stay::idle(case, &[]);
        container.end();
        let outcome = container.exec(&[], &["true"]);
        let message = format!("mydocker: container {NAME} is not running\n");
        assert_eq!(
            (outcome.code(), outcome.stderr),
            (Some(1), message),
            "{case}"
        );
        // In the place of a process that is gone there may be another one.
        let unknown = finish(container.command(&["exec", "nobody", "true"]));
        assert_eq!(unknown.code(), Some(1), "{case}: {unknown:?}");
        assert_eq!(unknown.stderr, "mydocker: No such container: nobody\n");
    }
}

#[test]
fn a_paused_container_is_not_entered() {
    for case in root_cases() {
        let container = Stay::idle(case, &[]);
        let paused = finish(container.command(&["pause", NAME]));
        if paused.code() != Some(0) {
            return skip(&format!("no container can be paused here: {paused:?}"));
        }
        let outcome = container.exec(&[], &["true"]);
        let message =
            format!("mydocker: Container {NAME} is paused, unpause the container before exec\n");
        assert_eq!(
            (outcome.code(), outcome.stderr),
            (Some(1), message),
            "{case}"
        );
        let unpaused = finish(container.command(&["unpause", NAME]));
        assert_eq!(unpaused.code(), Some(0), "{case}: {unpaused:?}");
        assert_eq!(container.exec(&[], &["true"]).code(), Some(0), "{case}");
    }
}

/// A container that ends while someone enters is one that does not run, whatever it is that fails; and no one waits for
/// ever.
#[test]
fn a_container_that_ends_meanwhile() {
    for case in cases() {
        for way in [&[][..], &["--init"]] {
            for pause in ["0", "0.01", "0.03"] {
                let container = Stay::start(case, way, &["sh", "-c", "read word </dev/zero; exit"]);
                let first = container.first();
                let mut running: Vec<_> = (0..4)
                    .map(|_| {
                        let mut command = container.exec_command(&[], &["sleep", "1000"]);
                        command.stderr(Stdio::piped()).spawn().unwrap()
                    })
                    .collect();
                std::thread::sleep(std::time::Duration::from_secs_f32(pause.parse().unwrap()));
                kill(first, Signal::SIGKILL);
                for child in &mut running {
                    let said = std::io::read_to_string(child.stderr.take().unwrap()).unwrap();
                    let status = wait(child).expect("no hang");
                    match status.code() {
                        Some(137) => assert_eq!(said, "", "{case} {way:?}"),
                        Some(1) => {
                            let message = format!("mydocker: container {NAME} is not running\n");
                            assert_eq!(said, message, "{case} {way:?}");
                        }
                        _ => panic!("{case} {way:?}: {status:?} {said}"),
                    }
                }
            }
        }
    }
}

#[test]
fn a_detached_one_goes_on_by_itself() {
    let mut left = Vec::new();
    for case in cases() {
        let container = Stay::idle(case, &[]);
        let mark = mark();
        let variable = format!("MARK={mark}");
        let file = container.file("written");
        let script = format!(
            "cat; echo out; echo err >&2; stat -L -c %t:%T /proc/$$/fd/0 /proc/$$/fd/1 /proc/$$/fd/2 | cat >{file}; exec sleep 1000"
        );
        let outcome = container.exec(&["-dt", "-e", &variable], &["sh", "-c", &script]);
        assert_eq!(
            (outcome.code(), &*outcome.stdout, &*outcome.stderr),
            (Some(0), "", ""),
            "{case}"
        );
        let is_idle = || {
            let content = std::fs::read_to_string(&file).unwrap_or_default();
            content == "1:3\n1:3\n1:3\n"
        };
        assert!(eventually(is_idle), "{case}");
        // (Who has written is about to end.)
        assert!(eventually(|| marked(&mark).len() == 1), "{case}");
        // What cannot be had is said, with the code for it.
        let outcome = container.exec(&["-d"], &["no-such-command"]);
        assert_eq!(outcome.code(), Some(127), "{case}: {outcome:?}");
        left.push((container, mark));
    }
    // It is waited for by the host's first process, and its container ends only then: all end together.
    for (container, _) in &left {
        kill(container.first(), Signal::SIGKILL);
    }
    for (container, mark) in left {
        container.end();
        let is_gone = eventually(|| marked(&mark).is_empty());
        assert!(is_gone, "{}", container.case);
    }
}

#[test]
fn it_ends_with_who_has_called() {
    let mut left = Vec::new();
    for case in cases() {
        for options in [&[][..], &["-u", "0:0"]] {
            let container = Stay::idle(case, &[]);
            let (own, others) = (mark(), mark());
            let variable = format!("MARK={own}");
            let script = format!("MARK={others} sleep 1000 & exec sleep 1000");
            let options = [&["-e", &variable], options].concat();
            let mut client = container
                .exec_command(&options, &["sh", "-c", &script])
                .spawn()
                .unwrap();
            let is_there = || !marked(&own).is_empty() && marked(&others).len() == 1;
            assert!(eventually(is_there), "{case}");
            // (The sleep that the shell became.)
            client.kill().unwrap();
            wait(&mut client).unwrap();
            assert!(eventually(|| marked(&own).is_empty()), "{case}");
            assert_eq!(marked(&others).len(), 1, "{case}: what it has left stays");
            left.push((container, others));
        }
    }
    // What has lost its client is waited for by the host's first process, and its container ends only then.
    for (container, others) in left {
        container.end();
        let is_gone = eventually(|| marked(&others).is_empty());
        assert!(is_gone, "{}", container.case);
    }
}

#[test]
fn signals_are_handed_on() {
    for case in cases() {
        let container = Stay::idle(case, &["--stop-signal", "INT"]);
        for (signal, code) in [
            (Signal::SIGTERM, 143),
            (Signal::SIGINT, 130),
            (Signal::SIGUSR1, 138),
        ] {
            let mark = mark();
            let variable = format!("MARK={mark}");
            let mut command = container.exec_command(&["-e", &variable], &["sleep", "1000"]);
            let mut client = command.spawn().unwrap();
            assert!(eventually(|| marked(&mark).len() == 1), "{case}");
            kill(client.id(), signal);
            let status = wait(&mut client).expect("it ends");
            assert_eq!(shell_code(status), code, "{case} {signal}");
            assert!(marked(&mark).is_empty(), "{case} {signal}");
        }
    }
}
