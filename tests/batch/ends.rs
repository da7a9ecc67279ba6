//! How a batch ends, and when it waits.

use super::*;
use crate::common::pty::is_stopped;
use std::os::unix::process::CommandExt;

#[test]
fn a_signal_ends_all_and_all_are_told_of() {
    for case in cases() {
        for (signal, code) in [(Signal::SIGINT, 130), (Signal::SIGTERM, 143)] {
            let mut batch = Batch::new(case, &["--jobs=3"]);
            let mark = mark();
            let env = json!({"MARK": mark});
            let waits = json!({"id": 1, "command": ["sleep", "1000"], "env": env});
            let deaf = "trap '' INT TERM; while :; do sleep 1000; done";
            let deaf = json!({"id": 2, "command": ["sh", "-c", deaf], "env": env});
            let handles = "trap 'echo bye; exit 7' INT TERM; while :; do sleep 0.1; done";
            let handles = with(script(handles), json!({"id": 3, "env": env}));
            for job in [&waits, &deaf, &handles, &waits] {
                batch.ask(job);
            }
            // The commands, and what two of them have started.
            assert!(eventually(|| marked(&mark).len() >= 5), "{case}");
            std::thread::sleep(Duration::from_millis(100));
            kill(batch.child.id(), signal);
            let mut results = [batch.result(), batch.result(), batch.result()];
            results.sort_by_key(|result| result["id"].as_u64());
            let told = results
                .each_ref()
                .map(|result| result["status"].as_i64().unwrap());
            assert_eq!(told, [code, 137, 7], "{case}: {results:?}");
            assert_eq!(results[0]["reason"], "stopped by signal", "{case}");
            assert_eq!(results[1]["reason"], "stopped by signal", "{case}");
            assert_eq!(results[2]["stdout"], "bye\n", "{case}");
            let mut rest = String::new();
            batch.output.read_to_string(&mut rest).unwrap();
            assert_eq!(rest, "", "{case}");
            assert_eq!(
                wait(&mut batch.child).unwrap().code(),
                Some(code as i32),
                "{case}"
            );
            assert!(marked(&mark).is_empty(), "{case}");
        }
    }
}

/// Where no more processes or descriptors are to be had, fewer jobs run at a time.
#[test]
fn it_makes_do_with_fewer_workers() {
    for case in cases() {
        let limited = "ulimit -n 24; exec \"$0\" \"$@\"";
        let batch = [mydocker().into(), "batch".into(), "--jobs=30".into()];
        let launch = ["--launch".into(), case.launch.into()];
        let line: Vec<OsString> = ["sh".into(), "-c".into(), limited.into()]
            .into_iter()
            .chain(batch)
            .chain(launch)
            .collect();
        let mut child = case
            .prepared(&line)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let job = json!({"command": ["sleep", "0.1"]});
        let jobs = format!("{job}\n").repeat(30);
        let mut input = child.stdin.take().unwrap();
        input.write_all(jobs.as_bytes()).unwrap();
        drop(input);
        let output = child.wait_with_output().unwrap();
        let told = String::from_utf8(output.stdout).unwrap();
        let good = told.lines().filter(|line| line.contains("\"status\":0"));
        assert_eq!(good.count(), 30, "{case}: {told}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains("socketpair"), "{case}: {said}");
        assert_eq!(output.status.code(), Some(0), "{case}");
    }
}

/// A signal that comes before a worker has begun with its job is for that job.
#[test]
fn a_signal_that_comes_early_is_not_lost() {
    for case in cases() {
        for round in 0..8 {
            let mut batch = Batch::new(case, &["--jobs=8"]);
            // It has begun: it would die of the signal before.
            batch.ask(&json!({"command": ["true"]}));
            batch.result();
            for _ in 0..8 {
                batch.ask(&json!({"command": ["sleep", "1000"]}));
            }
            std::thread::sleep(Duration::from_millis(2 * round));
            kill(batch.child.id(), Signal::SIGTERM);
            let ended = wait(&mut batch.child).expect("a job has not heard of it");
            assert_eq!(ended.code(), Some(143), "{case}");
        }
    }
}

/// A batch that is killed leaves nothing either where the caller ignores SIGTERM.
#[test]
fn killed_it_leaves_nothing_where_sigterm_is_ignored() {
    for case in cases() {
        let mark = mark();
        let script = "trap '' TERM; exec \"$0\" batch --launch \"$1\"";
        let line: [OsString; 5] = [
            "sh".into(),
            "-c".into(),
            script.into(),
            mydocker().into(),
            case.launch.into(),
        ];
        let mut command = case.prepared(&line);
        let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
        let job = json!({"command": ["sleep", "1000"], "env": {"MARK": mark}});
        writeln!(child.stdin.as_mut().unwrap(), "{job}").unwrap();
        assert!(eventually(|| !marked(&mark).is_empty()), "{case}");
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(eventually(|| marked(&mark).is_empty()), "{case}");
    }
}

#[test]
fn killed_it_leaves_nothing() {
    for case in cases() {
        let mut batch = Batch::new(case, &["--jobs=2"]);
        let mark = mark();
        for _ in 0..2 {
            batch.ask(&json!({"command": ["sleep", "1000"], "env": {"MARK": mark}}));
        }
        assert!(eventually(|| marked(&mark).len() >= 2), "{case}");
        let workers = batch.workers();
        batch.child.kill().unwrap();
        assert!(eventually(|| marked(&mark).is_empty()), "{case}");
        assert!(
            eventually(|| workers.iter().all(|pid| has_ended(*pid))),
            "{case}"
        );
    }
}

#[test]
fn a_worker_that_is_killed_takes_one_job_with_it() {
    for case in cases() {
        let mut batch = Batch::new(case, &["--jobs=1"]);
        let mark = mark();
        batch.ask(&json!({"id": 1, "command": ["sleep", "1000"], "env": {"MARK": mark}}));
        assert!(eventually(|| marked(&mark).len() == 1), "{case}");
        kill(batch.workers()[0], Signal::SIGKILL);
        let result = batch.result();
        assert_eq!(
            (&result["id"], &result["status"]),
            (&json!(1), &json!(125)),
            "{case}"
        );
        assert_eq!(
            result["error"], "the process that ran it was ended by signal 9",
            "{case}"
        );
        assert!(eventually(|| marked(&mark).is_empty()), "{case}");
        batch.ask(&json!({"id": 2, "command": ["true"]}));
        assert_eq!(batch.result()["status"], 0, "{case}");
        assert_eq!(batch.end(), Some(0), "{case}");
    }
}

#[test]
fn without_a_reader_all_ends() {
    for case in cases() {
        let mark = mark();
        let mut batch = Batch::new(case, &["--jobs=2"]);
        for _ in 0..2 {
            batch.ask(&json!({"command": ["sleep", "1000"], "env": {"MARK": mark}}));
        }
        assert!(eventually(|| marked(&mark).len() >= 2), "{case}");
        let (reader, other) = pipe();
        drop(other);
        drop(std::mem::replace(
            &mut batch.output,
            BufReader::new(OwnedFd::from(reader).into()),
        ));
        assert_eq!(wait(&mut batch.child).unwrap().code(), Some(125), "{case}");
        assert!(marked(&mark).is_empty(), "{case}");
    }
}

#[test]
fn it_reads_no_further_than_it_can_run() {
    for case in cases() {
        let mut batch = Batch::new(case, &["--jobs=1"]);
        let mark = mark();
        batch.ask(&json!({"id": "first", "command": ["sleep", "1000"], "env": {"MARK": mark}}));
        assert!(eventually(|| marked(&mark).len() == 1), "{case}");
        let input = batch.input.take().unwrap();
        nix::fcntl::fcntl(
            &input,
            nix::fcntl::FcntlArg::F_SETFL(nix::fcntl::OFlag::O_NONBLOCK),
        )
        .unwrap();
        let line = format!(
            "{}\n",
            json!({"command": ["true"], "stdin": "x".repeat(4000)})
        );
        let mut taken = 0;
        // As much as the pipe has room for, and what was read with the first line.
        let full = eventually(|| match (&input).write(line.as_bytes()) {
            Ok(count) => {
                taken += count;
                taken > 1 << 20
            }
            Err(_) => true,
        });
        assert!(full && taken <= 256 << 10, "{case}: {taken}");
        kill(marked(&mark)[0], Signal::SIGKILL);
        assert_eq!(batch.result()["id"], "first", "{case}");
        for _ in 0..taken / line.len() {
            assert_eq!(batch.result()["status"], 0, "{case}");
        }
    }
}

/// What would be wrong for every job is said as `run` says it, and nothing is read.
#[test]
fn wrong_options_are_refused_before_any_job() {
    for case in cases() {
        let scratch = Scratch::new();
        let missing = scratch.file("missing");
        let volume = format!("{missing}:/x");
        let profile = format!("seccomp={missing}");
        for options in [
            &["--timeout", "abc"][..],
            &["--output-limit", "1x"],
            &["--stop-signal", "FOO"],
            &["-m", "1k"],
            &["--cpu-time", "0"],
            &["--cap-add", "FOO"],
            &["--ulimit", "foo=1"],
            &["--sysctl", "foo=1"],
            &["-w", "rel"],
            &["-e", "=x"],
            &["--env-file", &missing],
            &["-u", "no-such-user"],
            &["--security-opt", &profile],
            &["--rootfs", &missing],
            &["--rootfs", "/", "-v", &volume],
            &["-v", "/:/x"],
        ] {
            let mut line = command(case, options);
            let (reader, mut writer) = pipe();
            writeln!(writer, "{}", json!({"command": ["true"]})).unwrap();
            line.stdin(reader.try_clone().unwrap());
            let outcome = finish(line);
            assert_eq!(outcome.code(), Some(125), "{case}: {outcome:?}");
            assert_eq!(outcome.stdout, "", "{case}");
            drop(writer);
            let mut rest = String::new();
            (&reader).read_to_string(&mut rest).unwrap();
            assert!(!rest.is_empty(), "{case}: {options:?}");
            let mut run: Vec<OsString> = vec![mydocker().into(), "run".into()];
            run.extend(
                ["--launch", case.launch]
                    .iter()
                    .chain(options)
                    .map(Into::into),
            );
            run.push("true".into());
            let said = finish(case.prepared(&run)).stderr;
            assert!(!said.is_empty(), "{case}: {options:?}");
            assert_eq!(outcome.stderr, said, "{case}");
        }
    }
}

#[test]
fn an_input_that_cannot_be_read_is_a_failure() {
    for case in cases() {
        let mut line = command(case, &[]);
        line.stdin(File::open("/").unwrap());
        let outcome = finish(line);
        assert_eq!(outcome.code(), Some(125), "{case}: {outcome:?}");
        let message = "mydocker: read jobs from stdin: is a directory (EISDIR)";
        assert!(outcome.stderr.starts_with(message), "{case}: {outcome:?}");
    }
}

/// The results of jobs that have run would be lost: none runs.
#[test]
fn without_a_standard_output_nothing_runs() {
    for case in cases() {
        for closed in [">&-", "1</dev/null"] {
            let scratch = Scratch::new();
            std::fs::set_permissions(scratch.path(), PermissionsExt::from_mode(0o777)).unwrap();
            let made = scratch.file("made");
            let mut line = batch_in_shell(case, closed);
            let (reader, mut writer) = pipe();
            writeln!(writer, "{}", json!({"command": ["touch", made]})).unwrap();
            drop(writer);
            line.stdin(reader);
            let outcome = finish(line);
            assert_eq!(outcome.code(), Some(125), "{case} {closed}: {outcome:?}");
            let message = "mydocker: write results to stdout: bad file number (EBADF)\n";
            assert_eq!(outcome.stderr, message, "{case} {closed}");
            assert!(!std::fs::exists(&made).unwrap(), "{case} {closed}");
        }
    }
}

/// Each result that cannot be written is a failure, whichever it is.
#[test]
fn a_result_that_is_lost_is_a_failure() {
    for case in cases() {
        for jobs in 1..3 {
            let mut line = batch_in_shell(case, ">/dev/full");
            let (reader, mut writer) = pipe();
            for _ in 0..jobs {
                writeln!(writer, "{}", json!({"command": ["true"]})).unwrap();
            }
            drop(writer);
            line.stdin(reader);
            let outcome = finish(line);
            assert_eq!(outcome.code(), Some(125), "{case}: {outcome:?}");
            let message = "mydocker: write results to stdout: no space left on device (ENOSPC)\n";
            assert_eq!(outcome.stderr, message, "{case}");
        }
    }
}

/// A batch with one of the shell's redirections.
fn batch_in_shell(case: Case, redirection: &str) -> Command {
    let inner = command(case, &[]);
    let words = [inner.get_program()].into_iter().chain(inner.get_args());
    let script = format!("exec \"$@\" {redirection}");
    let shell = ["sh", "-c", &script, "-"].map(OsString::from);
    let line = shell.into_iter().chain(words.map(Into::into));
    case.prepared(&line.collect::<Vec<_>>())
}

/// As with a shell's job at ^Z.
#[test]
fn it_stops_and_goes_on_with_its_jobs() {
    for case in cases() {
        let mark = mark();
        let mut command = command(case, &["--jobs=2"]);
        // A group of its own, with a parent outside that could continue it.
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.process_group(0).spawn().unwrap();
        let mut batch = Batch {
            input: child.stdin.take(),
            output: BufReader::new(child.stdout.take().unwrap()),
            child,
        };
        let plain = json!({"command": ["sleep", "1000"], "env": {"MARK": mark}});
        let relayed = with(plain.clone(), json!({"stdout": true}));
        batch.ask(&plain);
        batch.ask(&relayed);
        assert!(eventually(|| marked(&mark).len() == 2), "{case}");
        let commands = marked(&mark);
        for _ in 0..3 {
            kill(batch.child.id(), Signal::SIGTSTP);
            let stopped =
                || is_stopped(batch.child.id()) && commands.iter().all(|pid| is_stopped(*pid));
            assert!(eventually(stopped), "{case}");
            kill(batch.child.id(), Signal::SIGCONT);
            let goes_on = || commands.iter().all(|pid| !is_stopped(*pid));
            assert!(eventually(goes_on), "{case}");
        }
        for pid in &commands {
            kill(*pid, Signal::SIGUSR1);
        }
        for _ in 0..2 {
            let result = batch.result();
            assert_eq!(result["signal"], 10, "{case}: {result}");
        }
        // Stopped, it is killed.
        batch.ask(&plain);
        assert!(eventually(|| marked(&mark).len() == 1), "{case}");
        kill(batch.child.id(), Signal::SIGTSTP);
        assert!(eventually(|| is_stopped(batch.child.id())), "{case}");
        batch.child.kill().unwrap();
        assert!(eventually(|| marked(&mark).is_empty()), "{case}");
    }
}

#[test]
fn a_worker_that_was_stopped_holds_up_no_end() {
    for case in cases() {
        let mut batch = Batch::new(case, &["--jobs=2"]);
        let mark = mark();
        let job = json!({"command": ["sleep", "1000"], "env": {"MARK": mark}});
        batch.ask(&job);
        batch.ask(&job);
        assert!(eventually(|| marked(&mark).len() == 2), "{case}");
        kill(batch.workers()[0], Signal::SIGSTOP);
        kill(batch.child.id(), Signal::SIGTERM);
        for _ in 0..2 {
            assert_eq!(batch.result()["status"], 143, "{case}");
        }
        assert_eq!(batch.end(), Some(143), "{case}");
    }
}

/// Only what asks for an end has one follow.
#[test]
fn a_signal_that_asks_for_no_end_is_handed_on_alone() {
    for case in cases() {
        let mut batch = Batch::new(case, &["--jobs=1"]);
        let mark = mark();
        let script = "trap 'a=1' USR1; until [ $a ]; do sleep 0.01; done; sleep 1.5; exit 4";
        batch.ask(&json!({"command": ["sh", "-c", script], "env": {"MARK": mark}}));
        assert!(eventually(|| marked(&mark).len() >= 2), "{case}");
        for signal in [Signal::SIGCONT, Signal::SIGWINCH, Signal::SIGUSR1] {
            kill(batch.workers()[0], signal);
        }
        let result = batch.result();
        assert_eq!(result["status"], 4, "{case}: {result}");
        assert_eq!(batch.end(), Some(0), "{case}");
    }
}
