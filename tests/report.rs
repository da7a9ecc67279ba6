//! `--report`: what it tells of each kind of end.

mod common;
use common::cgroups::limited_cases;
use common::*;
use serde_json::Value;
use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::process::Stdio;

/// Every key, in order.
const KEYS: [&str; 13] = [
    "reason",
    "status",
    "code",
    "signal",
    "error",
    "wall_ns",
    "cpu_user_ns",
    "cpu_system_ns",
    "peak_memory_bytes",
    "peak_processes",
    "oom_kills",
    "output_bytes",
    "rusage",
];

/// The report in `text`, which has all keys.
#[track_caller]
fn parse(text: &str) -> Value {
    let line = text.strip_suffix('\n').expect("a whole line");
    let mut rest = line;
    for key in KEYS {
        let key = format!("\"{key}\":");
        let at = rest
            .find(&key)
            .unwrap_or_else(|| panic!("{key} is not where it belongs: {line}"));
        rest = &rest[at..];
    }
    let report: Value = serde_json::from_str(line).expect("one JSON object");
    assert_eq!(report.as_object().unwrap().len(), KEYS.len(), "{report}");
    report
}

/// A run with a report, to its end; the exit code is what the report has.
#[track_caller]
fn report(case: Case, options: &[&str], command: &[&str]) -> (Value, Outcome) {
    let scratch = Scratch::new();
    let file = scratch.file("report");
    let options = [options, &["--report", &file]].concat();
    let outcome = case.run(&options, command);
    let report = parse(&std::fs::read_to_string(&file).unwrap());
    let status = i64::from(outcome.code().expect("no signal"));
    assert_eq!(report["status"], status, "{case} {options:?}: {outcome:?}");
    (report, outcome)
}

/// Reason, status, code and signal.
fn end(report: &Value) -> (&str, i64, Option<i64>, Option<i64>) {
    (
        report["reason"].as_str().expect("a reason"),
        report["status"].as_i64().expect("a status"),
        report["code"].as_i64(),
        report["signal"].as_i64(),
    )
}

#[test]
fn codes_and_signals_are_the_commands_own() {
    for case in cases() {
        for options in [&[][..], &["--init"], &["--pid=host"], &["-t"]] {
            for (script, expected) in [
                ("exit 0", ("exited", 0, Some(0), None)),
                ("exit 3", ("exited", 3, Some(3), None)),
                ("exit 137", ("exited", 137, Some(137), None)),
                ("exit 255", ("exited", 255, Some(255), None)),
                ("kill -KILL $$", ("signaled", 137, None, Some(9))),
                ("kill -ABRT $$", ("signaled", 134, None, Some(6))),
                ("kill -TERM $$; exit 5", ("signaled", 143, None, Some(15))),
            ] {
                let (report, _) = report(case, options, &["sh", "-c", script]);
                assert_eq!(end(&report), expected, "{case} {options:?} {script}");
                assert_eq!(report["error"], Value::Null, "{case}");
                assert!(report["wall_ns"].as_u64() > Some(0), "{case}");
                assert!(report["rusage"]["minor_faults"].as_u64() > Some(0));
            }
        }
    }
}

/// As PID 1 it would be spared them.
#[test]
fn a_programs_own_fatal_signals_are_real_but_where_it_is_pid_1() {
    if !has_python() {
        return;
    }
    let alarm = "import signal, time; signal.alarm(1); time.sleep(600)";
    for case in cases() {
        for (program, signal) in [("import os; os.abort()", 6), (alarm, 14)] {
            let (report, _) = report(case, &[], &["python3", "-c", program]);
            let expected = ("signaled", 128 + signal, None, Some(signal));
            assert_eq!(end(&report), expected, "{case} {program}");
        }
        let (report, _) = report(case, &["--init=false"], &["sh", "-c", "kill -9 $$"]);
        assert_eq!(end(&report), ("exited", 0, Some(0), None), "{case}");
    }
}

fn has_python() -> bool {
    let there = std::process::Command::new("python3").arg("-V").output();
    let there = there.is_ok_and(|outcome| outcome.status.success());
    if !there {
        skip("python3 is not installed");
    }
    there
}

#[test]
fn what_does_not_start_is_told_of() {
    for case in cases() {
        for (options, command, status, words) in [
            (&[][..], "/no/such/file", 127, "/no/such/file"),
            (&["--init=false"], "/no/such/file", 127, "/no/such/file"),
            (&[], "/etc/passwd", 126, "/etc/passwd"),
            (&["--hostname=%"], "true", 125, "--hostname"),
            (&["-m", "1"], "true", 125, "--memory"),
            (&["--log=/no/such/log"], "true", 125, "/no/such/log"),
            (&["-w", "/no/such/place"], "true", 125, "/no/such/place"),
            (&["--timing=/no/such/file"], "true", 125, "--timing"),
        ] {
            let (report, outcome) = report(case, options, &[command]);
            let expected = ("not started", status, None, None);
            assert_eq!(end(&report), expected, "{case} {options:?} {command}");
            let error = report["error"].as_str().expect("an error");
            assert!(error.contains(words), "{case} {options:?}: {error}");
            assert!(outcome.stderr.contains(error), "{case}: {outcome:?}");
            assert_eq!(report["wall_ns"], Value::Null, "{case} {options:?}");
        }
    }
}

#[test]
fn a_file_that_cannot_be_opened_is_an_error_before_anything_is_done() {
    for case in cases() {
        for file in [
            "/no/such/file",
            "/",
            "fd:77",
            "fd:",
            "fd:-1",
            "fd:+1",
            "fd:0",
        ] {
            let outcome = case.run(&["--report", file], &["echo", "ran"]);
            assert_eq!(outcome.code(), Some(125), "{case} {file}: {outcome:?}");
            assert_eq!(outcome.stdout, "", "{case} {file}");
            let words = format!("--report {file}: ");
            assert!(outcome.stderr.contains(&words), "{case}: {outcome:?}");
        }
    }
}

/// What else could be told may not be to be had, as under a filter that knows no ppoll(2).
#[test]
fn an_error_is_said_where_nothing_can_be_waited_for() {
    for case in cases() {
        let scratch = Scratch::new();
        let file = scratch.file("report");
        let command = case.wrapped(
            &["deny", "ppoll", "1"],
            &["--report", &file],
            &["/no/such/command"],
        );
        let outcome = finish(command);
        assert!(outcome.stderr.contains("mydocker: "), "{case}: {outcome:?}");
        assert!(
            matches!(outcome.code(), Some(125..=127)),
            "{case}: {outcome:?}"
        );
    }
}

/// Neither what the caller has closed, nor what mydocker itself has opened at that number.
#[test]
fn a_descriptor_is_the_callers_or_none() {
    for case in cases() {
        let scratch = Scratch::new();
        let file = scratch.file("report");
        for (options, closed) in [
            ("--report -", "1>&-"),
            ("--report fd:1", "1>&-"),
            ("--report fd:0", "0>&-"),
            ("--timing -", "1>&-"),
            ("--report FILE --timing fd:3", "3>&- 4>&-"),
            ("--report FILE --timing fd:4", "3>&- 4>&-"),
        ] {
            let options = options.replace("FILE", &file);
            let script = format!("\"$0\" run --launch $1 {options} sh -c 'exit 6' {closed}");
            let program = mydocker();
            let line = ["sh", "-c", &script, program.to_str().unwrap(), case.launch];
            let line: Vec<OsString> = line.map(Into::into).to_vec();
            let outcome = finish(case.prepared(&line));
            assert_eq!(outcome.code(), Some(125), "{case} {options}: {outcome:?}");
            let words = "bad file number (EBADF)";
            assert!(outcome.stderr.contains(words), "{case}: {outcome:?}");
        }
    }
}

#[test]
fn it_is_written_to_stdout_behind_what_the_command_writes() {
    for case in cases() {
        for file in ["-", "fd:1"] {
            let outcome = case.run(&["--report", file], &["echo", "ran"]);
            let report = outcome.stdout.strip_prefix("ran\n").expect("its output");
            assert_eq!(parse(report)["reason"], "exited", "{case} {file}");
            assert_eq!(outcome.stderr, "", "{case} {file}");
        }
    }
}

#[test]
fn a_descriptor_of_the_callers_is_written_to_and_the_container_has_it_not() {
    for case in cases() {
        for options in [&[][..], &["--init=false"], &["--pid=host"]] {
            let scratch = Scratch::new();
            let file = scratch.file("report");
            let options = [options, &["--report=fd:9"]].concat();
            let called = case.command(&options, &["sh", "-c", "echo lie >&9"]);
            let opening = format!("exec \"$@\" 9>{file}");
            let mut line: Vec<OsString> = ["sh", "-c", &opening, "sh"].map(OsString::from).into();
            line.push(called.get_program().to_owned());
            line.extend(called.get_args().map(OsString::from));
            let outcome = finish(case.prepared(&line));
            let report = parse(&std::fs::read_to_string(&file).unwrap());
            assert_eq!(report["reason"], "exited", "{case} {options:?}");
            assert!(report["code"].as_i64() > Some(0), "{case}: {report}");
            assert!(outcome.stderr.contains("9"), "{case}: {outcome:?}");
        }
    }
}

#[test]
fn what_mydocker_was_sent_is_told_from_other_signals() {
    for case in cases() {
        for (options, script, signal, expected) in [
            (
                &[][..],
                "echo ready; exec sleep 600",
                Signal::SIGTERM,
                ("stopped by signal", 143, None, Some(15)),
            ),
            // As PID 1 it ignores it, and mydocker ends it.
            (
                &["--init=false"],
                "echo ready; exec sleep 600",
                Signal::SIGTERM,
                ("stopped by signal", 143, None, Some(9)),
            ),
            (
                &["-t"],
                "echo ready; exec sleep 600",
                Signal::SIGTERM,
                ("stopped by signal", 143, None, Some(15)),
            ),
            // It has its own way to end.
            (
                &[],
                "trap 'exit 7' TERM; echo ready; while :; do sleep 0.05; done",
                Signal::SIGTERM,
                ("exited", 7, Some(7), None),
            ),
        ] {
            let scratch = Scratch::new();
            let file = scratch.file("report");
            let options = [options, &["--report", &file]].concat();
            let mut command = case.command(&options, &["sh", "-c", script]);
            let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
            let mut stdout = child.stdout.take().unwrap();
            std::io::Read::read_exact(&mut stdout, &mut [0; 5]).expect("ready");
            kill(child.id(), signal);
            wait(&mut child).expect("it hangs");
            let report = parse(&std::fs::read_to_string(&file).unwrap());
            assert_eq!(end(&report), expected, "{case} {options:?} {script}");
        }
    }
}

/// A pipe that is full, and whose reader does not read.
fn full_pipe() -> (OwnedFd, OwnedFd) {
    let (reader, writer) = nix::unistd::pipe2(nix::fcntl::OFlag::O_CLOEXEC).unwrap();
    nix::fcntl::fcntl(&writer, nix::fcntl::FcntlArg::F_SETPIPE_SZ(4096)).unwrap();
    nix::unistd::write(&writer, &[b'x'; 4096]).unwrap();
    (reader, writer)
}

#[test]
fn a_signal_that_comes_when_all_is_over_costs_neither_the_report_nor_its_status() {
    for case in cases() {
        for (options, command, expected) in [
            (&["--timeout=0.3"][..], &["sleep", "600"][..], "timed out"),
            (&[], &["/no/such/command"], "not started"),
        ] {
            let scratch = Scratch::new();
            let file = scratch.file("report");
            let options = [options, &["--report", &file]].concat();
            let (_reader, full) = full_pipe();
            let mut child = case
                .command(&options, command)
                .stdout(Stdio::piped())
                // What is said about the end holds mydocker up.
                .stderr(full)
                .spawn()
                .unwrap();
            if expected == "timed out" {
                // The container has it as well, and mydocker closes its own when it has started that.
                let mut stdout = child.stdout.take().unwrap();
                std::io::Read::read_to_end(&mut stdout, &mut Vec::new()).unwrap();
            } else {
                let is_written = || std::fs::metadata(&file).is_ok_and(|file| file.len() > 0);
                assert!(eventually(is_written), "{case}: no report");
            }
            kill(child.id(), Signal::SIGTERM);
            let status = wait(&mut child).expect("it hangs");
            let report = parse(&std::fs::read_to_string(&file).unwrap());
            assert_eq!(report["reason"], expected, "{case}");
            let status = status.code().map(i64::from);
            assert_eq!(report["status"].as_i64(), status, "{case} {expected}");
        }
    }
}

#[test]
fn time_that_is_up_is_a_reason() {
    for case in cases() {
        for options in [&[][..], &["--init=false"], &["--pid=host"], &["-t"]] {
            let options = [options, &["--timeout=0.3"]].concat();
            let (report, _) = report(case, &options, &["sleep", "600"]);
            let (reason, status, code, _) = end(&report);
            assert_eq!((reason, status, code), ("timed out", 124, None), "{case}");
            assert!(report["wall_ns"].as_u64() >= Some(300_000_000), "{case}");
        }
    }
}

#[test]
fn who_is_asked_to_end_has_timed_out_whatever_its_way() {
    for case in cases() {
        for options in [&[][..], &["--init=false"], &["--pid=host"], &["-t"]] {
            for (timeout, script, code) in [
                // It ends by the signal, by itself, or not.
                ("0.3:50", "exec sleep 600", None),
                (
                    "0.3:50",
                    "trap 'exit 3' TERM; while :; do sleep 0.05; done",
                    Some(3),
                ),
                (
                    "0.3:0.3",
                    "trap '' TERM; while :; do sleep 0.05; done",
                    None,
                ),
            ] {
                let options = [options, &["--timeout", timeout]].concat();
                let (report, outcome) = report(case, &options, &["sh", "-c", script]);
                let (reason, status, found, _) = end(&report);
                let expected = ("timed out", 124, code);
                assert_eq!(
                    (reason, status, found),
                    expected,
                    "{case} {options:?} {script}"
                );
                let said = format!("ended: its time was up (--timeout {timeout})");
                assert!(outcome.stderr.contains(&said), "{case}: {outcome:?}");
            }
        }
        let options = ["--timeout=0.3:50", "--stop-signal=USR1"];
        let script = "trap 'exit 9' USR1; while :; do sleep 0.05; done";
        let (report, _) = report(case, &options, &["sh", "-c", script]);
        assert_eq!(end(&report), ("timed out", 124, Some(9), None), "{case}");
        for wrong in [
            "--timeout=5:",
            "--timeout=5:0",
            "--timeout=:2",
            "--stop-signal=NOPE",
        ] {
            let outcome = case.run(&[wrong], &["true"]);
            assert_eq!(outcome.code(), Some(125), "{case} {wrong}: {outcome:?}");
        }
    }
}

#[test]
fn without_a_cgroup_nothing_is_claimed_of_the_whole() {
    for case in cases() {
        let (report, _) = report(case, &[], &["true"]);
        for key in [
            "cpu_user_ns",
            "cpu_system_ns",
            "peak_memory_bytes",
            "peak_processes",
            "oom_kills",
            "output_bytes",
        ] {
            assert_eq!(report[key], Value::Null, "{case} {key}");
        }
    }
}

/// getrusage(2) knows nothing of what was not waited for.
#[test]
fn the_cgroup_counts_what_outlives_the_command() {
    // Half a second of a child's, in ticks; the command ends then, and waits for no one.
    let script = "(while :; do :; done) & ticks() { cut -d' ' -f14 /proc/$!/stat; }; \
                  while [ $(ticks) -lt 50 ]; do sleep 0.05; done; kill -9 $$";
    for case in limited_cases() {
        for options in [&["--report-cgroup"][..], &["-m", "64m"]] {
            let (report, _) = report(case, options, &["sh", "-c", script]);
            assert_eq!(end(&report).0, "signaled", "{case} {options:?}");
            let of = |key: &str| report[key].as_u64().expect("counted");
            let counted = of("cpu_user_ns") + of("cpu_system_ns");
            assert!(counted >= 490_000_000, "{case} {options:?}: {report}");
            assert!(of("peak_memory_bytes") > 0, "{case}: {report}");
            assert_eq!(report["oom_kills"], 0, "{case}");
        }
    }
}

#[test]
fn memory_that_runs_out_is_a_reason_only_if_the_command_itself_is_ended() {
    let probe = probe_name();
    for case in limited_cases() {
        let options = ["-m", "32m", "--memory-swap", "32m"];
        for more in [&[][..], &["--init=false"]] {
            let options = [&options, more].concat();
            let (report, _) = report(case, &options, &[&probe, "allocate", "100000000"]);
            let expected = ("out of memory", 137, None, Some(9));
            assert_eq!(end(&report), expected, "{case} {options:?}");
            assert!(report["oom_kills"].as_u64() > Some(0), "{case}");
        }
        let script = format!("{probe} allocate 100000000; exit 4");
        let (report, _) = report(case, &options, &["sh", "-c", &script]);
        assert_eq!(end(&report), ("exited", 4, Some(4), None), "{case}");
        assert_eq!(report["oom_kills"], 1, "{case}");
    }
}

#[test]
fn times_tell_the_same_reason() {
    for case in cases() {
        let outcome = case.run(&["--timing=-", "--timeout=0.3"], &["sleep", "600"]);
        let ended: Value = serde_json::from_str(outcome.stdout.lines().last().unwrap()).unwrap();
        assert_eq!(ended["reason"], "timed out", "{case}: {ended}");
    }
    let probe = probe_name();
    for case in limited_cases() {
        let options = ["--timing=-", "-m", "32m", "--memory-swap", "32m"];
        let outcome = case.run(&options, &[&probe, "allocate", "100000000"]);
        let ended: Value = serde_json::from_str(outcome.stdout.lines().last().unwrap()).unwrap();
        assert_eq!(ended["reason"], "out of memory", "{case}: {ended}");
    }
}

#[test]
fn it_is_added_to_what_is_there() {
    for case in cases() {
        let scratch = Scratch::new();
        let file = scratch.file("report");
        for _ in 0..2 {
            case.run(&["--report", &file], &["true"]);
        }
        let text = std::fs::read_to_string(&file).unwrap();
        assert_eq!(text.lines().count(), 2, "{case}: {text}");
    }
}

/// Before anything is done: no half of a line is left in place of a verdict.
#[test]
fn a_full_disk_is_told_at_the_start() {
    for case in root_cases() {
        let script = format!(
            "mount -t tmpfs -o size=8k full /mnt; head -c 8192 /dev/zero > /mnt/all
             {} run --launch {} --report /mnt/report sh -c 'echo ran' || echo code $?; cat /mnt/report",
            mydocker().display(),
            case.launch,
        );
        let mut unshare = std::process::Command::new("unshare");
        unshare.args(["--mount", "sh", "-c", &script]);
        let outcome = finish(unshare);
        assert_eq!(outcome.stdout, "code 125\n", "{case}: {outcome:?}");
        let message = "mydocker: open for --report /mnt/report: no space left on device (ENOSPC)\n";
        assert_eq!(outcome.stderr, message, "{case}");
    }
}
