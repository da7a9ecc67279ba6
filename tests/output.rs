//! `--output-limit`: so many bytes are delivered, and who writes more is ended.

mod common;
use common::*;
use nix::fcntl::OFlag;
use nix::unistd::pipe2;
use serde_json::Value;
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};

const SAID: &str = "mydocker: ended: it wrote too much (--output-limit ";

/// How a run ended: stdout, the lines on stderr, the report.
struct Judged {
    stdout: String,
    stderr: String,
    report: Value,
}

impl Judged {
    fn end(&self) -> (&str, Option<i64>, Option<u64>) {
        (
            self.report["reason"].as_str().unwrap_or_default(),
            self.report["status"].as_i64(),
            self.report["output_bytes"].as_u64(),
        )
    }
}

#[track_caller]
fn judged(case: Case, options: &[&str], command: &[&str]) -> Judged {
    let scratch = Scratch::new();
    let file = scratch.file("report");
    let options = [options, &["--report", &file]].concat();
    let outcome = case.run(&options, command);
    let text = std::fs::read_to_string(&file).expect("a report");
    let report: Value = serde_json::from_str(&text).expect("one JSON object");
    let status = outcome.code().map(i64::from);
    assert_eq!(report["status"].as_i64(), status, "{case} {outcome:?}");
    let Outcome { stdout, stderr, .. } = outcome;
    Judged {
        stdout,
        stderr,
        report,
    }
}

/// What can be had beside it.
const WAYS: [&[&str]; 4] = [&[], &["--init=false"], &["--pid=host"], &["-i"]];

#[test]
fn an_endless_writer_is_ended_with_so_many_bytes_delivered() {
    for case in cases() {
        for options in WAYS {
            for limit in ["0", "1", "1000", "64k", "300000"] {
                let options = [options, &["--output-limit", limit]].concat();
                let found = judged(case, &options, &["yes"]);
                let bytes = if limit == "64k" {
                    65_536
                } else {
                    limit.parse().unwrap()
                };
                let expected = ("output limit", Some(153), Some(bytes));
                assert_eq!(found.end(), expected, "{case} {options:?}");
                assert_eq!(found.stdout.len() as u64, bytes, "{case} {options:?}");
                assert_eq!(
                    found.stderr,
                    format!("{SAID}{limit})\n"),
                    "{case} {options:?}"
                );
            }
        }
    }
}

#[test]
fn so_many_bytes_are_not_too_many() {
    for case in cases() {
        for options in WAYS {
            for (limit, expected) in [
                ("6", ("exited", Some(7), Some(6))),
                ("1g", ("exited", Some(7), Some(6))),
                ("5", ("output limit", Some(153), Some(5))),
                ("0", ("output limit", Some(153), Some(0))),
            ] {
                let options = [options, &["--output-limit", limit]].concat();
                let script = "echo hello; exit 7";
                let found = judged(case, &options, &["sh", "-c", script]);
                assert_eq!(found.end(), expected, "{case} {options:?}");
                let written = &"hello\n"[..found.stdout.len()];
                assert_eq!(found.stdout, written, "{case} {options:?}");
                assert_eq!(Some(written.len() as u64), expected.2, "{case} {options:?}");
            }
            let options = [options, &["--output-limit=0"]].concat();
            let found = judged(case, &options, &["sh", "-c", "exec >&- 2>&-; exit 4"]);
            assert_eq!(
                found.end(),
                ("exited", Some(4), Some(0)),
                "{case} {options:?}"
            );
        }
    }
}

/// Also in a session of its own, by a descriptor opened anew, and when the command itself has long been silent.
#[test]
fn stdout_and_stderr_of_all_processes_count_together() {
    for case in cases() {
        for script in [
            "yes & yes 1>&2",
            "(setsid yes &); exec >&- 2>&-; sleep 600",
            "yes > /proc/self/fd/2",
            "while :; do (echo y); (echo y >&2); done",
        ] {
            let found = judged(case, &["--output-limit=5000"], &["sh", "-c", script]);
            let expected = ("output limit", Some(153), Some(5000));
            assert_eq!(found.end(), expected, "{case} {script}");
            let own = found.stderr.find(SAID).expect("its reason");
            assert_eq!(found.stdout.len() + own, 5000, "{case} {script}");
        }
    }
}

/// As inetd and socat start a service.
#[test]
fn a_socket_that_is_stdin_as_well_is_no_way_around() {
    for case in cases() {
        let (mut ours, theirs) = UnixStream::pair().unwrap();
        let script = "read line; echo $line; (head -c 100 /dev/zero >&0) 2> /dev/null; exit 7";
        let options = ["-i", "--output-limit=50"];
        let mut command = case.command(&options, &["sh", "-c", script]);
        command
            .stdin(OwnedFd::from(theirs.try_clone().unwrap()))
            .stdout(OwnedFd::from(theirs));
        let mut child = command.spawn().unwrap();
        drop(command);
        ours.write_all(b"asked\n").unwrap();
        let mut answer = String::new();
        ours.read_to_string(&mut answer).unwrap();
        assert_eq!(answer, "asked\n", "{case}");
        let status = wait(&mut child).expect("it hangs");
        assert_eq!(status.code(), Some(7), "{case}");
    }
}

#[test]
fn what_goes_to_one_file_keeps_its_order() {
    let script = "i=0; while :; do echo $i; i=$((i+1)); echo $i >&2; i=$((i+1)); done";
    let expected: String = (0..1000).map(|number| format!("{number}\n")).collect();
    for case in cases() {
        let scratch = Scratch::new();
        let path = scratch.file("both");
        let run = |output: Stdio, error: Stdio| {
            let mut command = case.command(&["--output-limit=2000"], &["sh", "-c", script]);
            let child = command
                .stdout(output)
                .stderr(error)
                .spawn()
                .expect("mydocker");
            // Its ends of the pipe are ours too, for as long as the command lives.
            drop(command);
            child
        };
        let check = |written: &str| {
            assert_eq!(&written[..2000], &expected[..2000], "{case}");
            assert_eq!(&written[2000..], format!("{SAID}2000)\n"), "{case}");
        };
        let file = File::create(&path).expect("a file");
        let mut child = run(file.try_clone().expect("it once more").into(), file.into());
        assert_eq!(
            wait(&mut child).and_then(|status| status.code()),
            Some(153),
            "{case}"
        );
        check(&std::fs::read_to_string(&path).expect("its output"));
        let (reader, writer) = pipe2(OFlag::O_CLOEXEC).expect("a pipe");

        let mut child = run(
            writer.try_clone().expect("it once more").into(),
            writer.into(),
        );
        let mut written = String::new();
        File::from(reader)
            .read_to_string(&mut written)
            .expect("its output");
        assert_eq!(
            wait(&mut child).and_then(|status| status.code()),
            Some(153),
            "{case}"
        );
        check(&written);
    }
}

#[test]
fn a_terminal_shows_so_many_bytes() {
    for case in cases() {
        let found = judged(case, &["-t", "--output-limit=999"], &["yes"]);
        assert_eq!(
            found.end(),
            ("output limit", Some(153), Some(999)),
            "{case}"
        );
        let shown: String = "y\r\n".repeat(333);
        assert_eq!(found.stdout, shown, "{case}");
        assert_eq!(found.stderr, format!("{SAID}999)\n"), "{case}");
        let found = judged(case, &["-t", "--output-limit=3"], &["echo", "y"]);
        assert_eq!(found.end(), ("exited", Some(0), Some(3)), "{case}");
    }
}

/// As without mydocker in between: who writes is told.
#[test]
fn a_reader_that_is_gone_ends_who_writes() {
    for case in cases() {
        let (reader, writer) = pipe2(OFlag::O_CLOEXEC).expect("a pipe");
        let mut command = case.command(&["--output-limit=1g"], &["yes"]);
        command.stdout(writer).stderr(Stdio::null());
        let mut child = command.spawn().expect("mydocker");
        drop((command, reader));
        let status = wait(&mut child).unwrap_or_else(|| panic!("{case}: it hangs"));
        // By SIGPIPE, or an error of its own where that is ignored.
        let code = shell_code(status);
        assert!(code == 141 || code == 1, "{case}: {code}");
    }
}

/// It is waited for, as without a limit; and gets all that it is owed.
#[test]
fn a_reader_that_stops_gets_its_bytes_when_it_goes_on() {
    for case in cases() {
        let (reader, writer) = pipe2(OFlag::O_CLOEXEC).expect("a pipe");
        // More than the pipe holds.
        let mut command = case.command(&["--output-limit=200k"], &["yes"]);
        command.stdout(writer).stderr(Stdio::null());
        let mut child = command.spawn().expect("mydocker");
        drop(command);
        // Longer than who has sent a signal would wait.
        std::thread::sleep(std::time::Duration::from_millis(700));
        let mut written = Vec::new();
        File::from(reader)
            .read_to_end(&mut written)
            .expect("its output");
        assert_eq!(written.len(), 200 << 10, "{case}");
        assert_eq!(
            wait(&mut child).and_then(|status| status.code()),
            Some(153),
            "{case}"
        );
    }
}

#[test]
fn what_ends_it_first_is_the_reason() {
    for case in cases() {
        let script = "trap 'yes' TERM; while :; do sleep 0.05; done";
        let options = ["--timeout=0.8:600", "--output-limit=100"];
        let found = judged(case, &options, &["sh", "-c", script]);
        assert_eq!(found.end(), ("timed out", Some(124), Some(100)), "{case}");
        let outcome = case.run(&["--timing=-", "--output-limit=4"], &["yes"]);
        let line = outcome.stdout.lines().last().expect("the last event");
        let ended: Value = serde_json::from_str(line.trim_start_matches("y")).expect("JSON");
        assert_eq!(ended["reason"], "output limit", "{case}: {ended}");
    }
}

#[test]
fn what_is_no_size_is_refused() {
    for case in cases() {
        for wrong in ["-1", "nan", "1e9", "", "k", "99999999999999999999"] {
            let outcome = case.run(&[&format!("--output-limit={wrong}")], &["true"]);
            let shown = if wrong.is_empty() { "''" } else { wrong };
            let words = format!("--output-limit {shown}: it takes a size");
            assert_eq!(outcome.code(), Some(125), "{case} {wrong}: {outcome:?}");
            assert!(outcome.stderr.contains(&words), "{case}: {outcome:?}");
        }
    }
}

/// splice(2) puts pages into a pipe, and nothing is written.
#[test]
fn what_is_spliced_counts() {
    let there = Command::new("python3").arg("-V").output();
    if !there.is_ok_and(|outcome| outcome.status.success()) {
        return skip("python3 is not installed");
    }
    let program = "import os\nif not hasattr(os, 'splice'): os._exit(77)\nr, w = os.pipe()\n\
                   while True:\n os.write(w, b'y' * 4096)\n os.splice(r, 1, 4096)";
    for case in cases() {
        let found = judged(case, &["--output-limit=10000"], &["python3", "-c", program]);
        if found.report["code"] == 77 {
            return skip("this python3 has no os.splice");
        }
        let expected = ("output limit", Some(153), Some(10_000));
        assert_eq!(found.end(), expected, "{case}: {}", found.stderr);
        assert_eq!(found.stdout, "y".repeat(10_000), "{case}");
    }
}
