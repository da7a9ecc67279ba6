//! The log, read back by a JSON parser that is not ours.

mod common;
use common::pty::Session;
use common::*;
use serde_json::Value;

/// The lines of a log. With MYDOCKER_TEST_POOL a run that no box is for says that first.
fn starts_own(text: &str) -> impl Iterator<Item = &str> {
    let is_of_pool = |line: &str| line.contains("not in a box of the pool");
    text.lines().filter(move |line| !is_of_pool(line))
}

/// Every line of a log as an object with the keys that logrus gives it.
#[track_caller]
fn lines(text: &str) -> Vec<Value> {
    starts_own(text)
        .map(|line| {
            let object: Value = serde_json::from_str(line).unwrap_or_else(|error| {
                panic!("{error}: {line:.200}");
            });
            for key in ["level", "msg", "time"] {
                assert!(object[key].is_string(), "{line:.200}");
            }
            // RFC 3339, in UTC.
            let time = object["time"].as_str().unwrap();
            assert_eq!(time.len(), "2026-01-31T23:59:59Z".len(), "{time}");
            assert!(time.ends_with('Z') && time.as_bytes()[10] == b'T', "{time}");
            object
        })
        .collect()
}

fn messages(lines: &[Value]) -> Vec<&str> {
    lines
        .iter()
        .map(|line| line["msg"].as_str().unwrap())
        .collect()
}

#[test]
fn at_info_a_run_says_what_it_does() {
    for case in cases() {
        let scratch = Scratch::new();
        let file = scratch.file("log");
        let options = ["--log", &file, "--log-level", "info"];
        let outcome = case.run(&options, &["/bin/sh", "-c", "exit 7"]);
        assert_eq!(outcome.code(), Some(7), "{case}: {outcome:?}");
        assert_eq!(
            (outcome.stdout.as_str(), outcome.stderr.as_str()),
            ("", ""),
            "{case}"
        );
        let lines = lines(&std::fs::read_to_string(&file).unwrap());
        assert_eq!(
            messages(&lines),
            [
                "init come on",
                "command /bin/sh -c exit 7",
                "container ended"
            ],
            "{case}"
        );
        let launch = lines[0]["launch"].as_str().unwrap();
        assert!(launch == case.launch || case.is_pooled() && launch == "pool");
        let pid = lines[0]["pid"].as_i64().unwrap();
        assert!(
            pid > 1 && lines[1]["pid"] == pid && lines[2]["pid"] == pid,
            "{case}"
        );
        assert_eq!(lines[2]["status"], 7, "{case}");
        assert!(lines.iter().all(|line| line["level"] == "info"), "{case}");
    }
}

#[test]
fn the_default_is_silent_and_the_variable_sets_the_level() {
    for case in cases() {
        assert_eq!(case.run(&[], &["true"]).stderr, "", "{case}");
        let mut command = case.command(&[], &["true"]);
        command.env("MYDOCKER_LOG", "info");
        assert_eq!(lines(&finish(command).stderr).len(), 3, "{case}");
        // The option wins.
        let mut command = case.command(&["--log-level=error"], &["true"]);
        command.env("MYDOCKER_LOG", "debug");
        assert_eq!(finish(command).stderr, "", "{case}");
        let mut command = case.command(&[], &["true"]);
        command.env("MYDOCKER_LOG", "loud");
        let outcome = finish(command);
        assert_eq!(outcome.code(), Some(125), "{case}");
        assert!(
            outcome
                .stderr
                .starts_with("mydocker: MYDOCKER_LOG=loud: it takes"),
            "{case}"
        );
    }
}

#[test]
fn at_debug_the_plan_is_told_step_by_step() {
    // (A box's plan was walked when the pool made it.)
    for case in cases().into_iter().filter(|case| !case.is_pooled()) {
        let outcome = case.run(&["--log-level=debug"], &["true"]);
        let lines = lines(&outcome.stderr);
        let steps: Vec<i64> = lines
            .iter()
            .filter_map(|line| line["step"].as_i64())
            .collect();
        assert!(steps.len() > 8, "{case}");
        assert!(
            steps.iter().zip(0..).all(|(step, number)| *step == number),
            "{case}"
        );
        assert!(messages(&lines).contains(&"mount proc on /proc"), "{case}");
        let namespaces = lines[0]["namespaces"].as_str().unwrap();
        let expected = "mount PID UTS IPC network cgroup";
        assert!(namespaces.contains(expected), "{case}: {namespaces}");
    }
}

#[test]
fn errors_are_lines_of_a_log_that_was_asked_for() {
    for case in cases() {
        // Nobody asked for a log: plain words.
        let outcome = case.run(&[], &["no-such-command"]);
        assert!(
            outcome
                .stderr
                .starts_with("mydocker: exec no-such-command: "),
            "{case}"
        );
        // Asked for, on stderr: once, as a line of it.
        let outcome = case.run(&["--log-format=json"], &["no-such-command"]);
        let logged = lines(&outcome.stderr);
        assert_eq!(logged.len(), 1, "{case}");
        assert_eq!(logged[0]["level"], "error", "{case}");
        assert_eq!(outcome.code(), Some(127), "{case}");
        // In a file: there, and in plain words on stderr.
        let scratch = Scratch::new();
        let file = scratch.file("log");
        let outcome = case.run(&["--log", &file], &["no-such-command"]);
        let plain = outcome.stderr.strip_prefix("mydocker: ").unwrap();
        let logged = lines(&std::fs::read_to_string(&file).unwrap());
        assert_eq!(messages(&logged), [plain.trim_end()], "{case}");
    }
}

#[test]
fn text_can_be_asked_for() {
    for case in cases() {
        let outcome = case.run(&["--log-format=text", "--log-level=info"], &["true"]);
        let first = starts_own(&outcome.stderr).next().unwrap();
        assert!(
            first.starts_with("mydocker: info: init come on launch="),
            "{case}: {first}"
        );
        assert_eq!(starts_own(&outcome.stderr).count(), 3, "{case}");
    }
}

/// A person reads words; whoever reads a file or a pipe gets objects, though the other streams are a terminal.
#[test]
fn on_a_terminal_it_is_text() {
    for case in cases() {
        for options in [&[][..], &["-t"], &["-i"], &["-ti"], &["--init"]] {
            let options = [options, &["--log-level=debug", "--pool=/no/pool"]].concat();
            let options = match case.caller {
                Caller::Root => &options[..],
                Caller::Ordinary => &options[..options.len() - 1],
            };
            let mut session = Session::mydocker(case, options, &["sh", "-c", "exit 5"]);
            assert_eq!(session.end(), 5, "{session}");
            let seen = String::from_utf8_lossy(session.seen());
            assert!(seen.contains("mydocker: debug: "), "{session}");
            assert!(
                seen.contains("mydocker: info: command sh -c exit 5 pid="),
                "{session}"
            );
            if case.caller == Caller::Root && !case.is_pooled() {
                assert!(
                    seen.contains("mydocker: warning: --pool: no pool"),
                    "{session}"
                );
            }
            assert!(!seen.contains('{'), "{session} {options:?}");
            // In raw mode, too, each line begins at the left.
            let lines = seen.matches('\n').count();
            assert_eq!(seen.matches("\r\n").count(), lines, "{session} {options:?}");
        }
        let mut session = Session::bash(case);
        let line = session.line("--log-level=info -t", "true");
        session.type_line(&format!("{line} 2>&1 | cat"));
        session.expect(r#"{"level":"info","msg":"container ended""#);
        session.type_line("exit 5");
        assert_eq!(session.end(), 5, "{session}");
        assert!(
            !String::from_utf8_lossy(session.seen()).contains("mydocker: info"),
            "{session}"
        );
    }
}

#[test]
fn hostile_strings_stay_one_valid_object_per_line() {
    use std::os::unix::ffi::OsStringExt;
    for case in cases() {
        let scratch = Scratch::new();
        let file = scratch.file("log");
        let big = "0123456789\"\\\n\t".repeat(8_000);
        let mut command: Vec<std::ffi::OsString> = vec!["true".into()];
        command.push("new\nline \"quoted\" \\ \u{1b}[2J \u{7f} é \u{1f980}".into());
        command.push(std::ffi::OsString::from_vec(b"not \xff text".to_vec()));
        // More than a megabyte in all; a single argument may have 128 KiB.
        command.extend((0..10).map(|_| std::ffi::OsString::from(&big)));
        let outcome = case.run(&["--log", &file, "--log-level=info"], &command);
        assert_eq!(outcome.code(), Some(0), "{case}: {}", outcome.stderr);
        let lines = lines(&std::fs::read_to_string(&file).unwrap());
        assert_eq!(lines.len(), 3, "{case}");
        let message = lines[1]["msg"].as_str().unwrap();
        let expected = "command true new\nline \"quoted\" \\ \u{1b}[2J \u{7f} é \u{1f980} not \
                        \u{fffd} text 0123456789\"\\\n\t0123";
        assert!(message.starts_with(expected), "{case}: {message:.200}");
        assert!(message.len() > 1_000_000, "{case}");
    }
}

#[test]
fn one_write_per_line() {
    if !has_strace() {
        return;
    }
    for case in root_cases() {
        let scratch = Scratch::new();
        let (trace, file) = (scratch.file("trace"), scratch.file("log"));
        let mut strace = std::process::Command::new("strace");
        strace.args(["-e", "trace=write,writev", "-P", &file, "-o", &trace]);
        strace
            .arg(mydocker())
            .args(["run", "--launch", case.launch]);
        strace.args(["--log", &file, "--log-level=debug", "true"]);
        let outcome = finish(strace);
        assert_eq!(outcome.code(), Some(0), "{case}: {outcome:?}");
        let written = std::fs::read_to_string(&file).unwrap();
        let trace = std::fs::read_to_string(&trace).unwrap();
        let writes = trace.lines().filter(|line| line.contains("write")).count();
        assert_eq!(writes, written.lines().count(), "{case}");
    }
}

#[test]
fn a_log_that_takes_nothing_neither_kills_nor_hangs() {
    for case in cases() {
        // A full disk: said once.
        let outcome = case.run(
            &["--log=/dev/full", "--log-level=debug"],
            &["sh", "-c", "exit 6"],
        );
        assert_eq!(outcome.code(), Some(6), "{case}: {outcome:?}");
        let message = "mydocker: write log: no space left on device (ENOSPC)\n";
        assert_eq!(outcome.stderr, message, "{case}");

        // stderr closed at the other end, or full with a reader that does not read.
        for redirection in ["2> /dev/full", "2>&-"] {
            let script =
                format!("\"$0\" run --launch $1 --log-level=debug sh -c 'exit 6' {redirection}");
            let program = mydocker();
            let line = ["sh", "-c", &script, program.to_str().unwrap(), case.launch];
            let line: Vec<std::ffi::OsString> = line.map(Into::into).to_vec();
            let outcome = finish(case.prepared(&line));
            assert_eq!(outcome.code(), Some(6), "{case} {redirection}: {outcome:?}");
        }
        let (reader, writer) = nix::unistd::pipe2(nix::fcntl::OFlag::O_CLOEXEC).unwrap();
        drop(reader);
        let mut command = case.command(&["--log-level=debug"], &["sh", "-c", "exit 6"]);
        command.stderr(writer);
        let status = wait(&mut command.spawn().unwrap()).expect("it hangs");
        assert_eq!(status.code(), Some(6), "{case}: EPIPE");

        let (reader, writer) = nix::unistd::pipe2(nix::fcntl::OFlag::O_CLOEXEC).unwrap();
        nix::fcntl::fcntl(&writer, nix::fcntl::FcntlArg::F_SETPIPE_SZ(4096)).unwrap();
        nix::unistd::write(&writer, &[b'x'; 4096]).unwrap();
        let mut command = case.command(&["--log-level=debug"], &["sh", "-c", "exit 6"]);
        command.stderr(writer);
        let status = wait(&mut command.spawn().unwrap()).expect("it hangs");
        assert_eq!(status.code(), Some(6), "{case}: a full pipe");
        drop(reader);
    }
}

#[test]
fn a_log_that_cannot_be_opened_is_an_error() {
    for case in cases() {
        let scratch = Scratch::new();
        let fifo = scratch.file("fifo");
        nix::unistd::mkfifo(fifo.as_str(), nix::sys::stat::Mode::S_IRUSR).unwrap();
        let everyone = std::os::unix::fs::PermissionsExt::from_mode(0o666);
        std::fs::set_permissions(&fifo, everyone).unwrap();
        for (file, text) in [
            (
                "/no/such/directory/log",
                "no such file or directory (ENOENT)",
            ),
            ("/", "is a directory (EISDIR)"),
            // No one reads it, and opening it must not wait until someone does.
            (&fifo, "no such device or address (ENXIO)"),
        ] {
            let outcome = case.run(&["--log", file], &["true"]);
            assert_eq!(outcome.code(), Some(125), "{case}: {outcome:?}");
            let message = format!("mydocker: open log {file}: {text}\n");
            assert_eq!(outcome.stderr, message, "{case}");
        }
    }
}
