//! `--timing`: what it writes, and that it costs nothing when it is not asked for.

mod common;
use common::*;
use serde_json::Value;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;
use std::time::Instant;

/// What a run that is timed has written.
struct Times {
    running: Value,
    ended: Value,
}

impl Times {
    #[track_caller]
    fn parse(text: &str) -> Self {
        let objects: Vec<Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).expect("JSON"))
            .collect();
        let [running, ended] = objects.try_into().expect("two objects");
        assert_eq!(running["event"], "running");
        assert_eq!(ended["event"], "ended");
        Self { running, ended }
    }

    /// The sum of all phases, in nanoseconds.
    fn sum(&self) -> u64 {
        fn sum(value: &Value) -> u64 {
            match value {
                Value::Array(steps) => steps.iter().map(|step| sum(&step["ns"])).sum(),
                Value::Object(phases) => phases.values().map(sum).sum(),
                number => number.as_u64().expect("nanoseconds"),
            }
        }
        sum(&self.running["ns"]) + sum(&self.ended["ns"])
    }

    fn phases(&self) -> Vec<&String> {
        self.running["ns"]
            .as_object()
            .expect("phases")
            .keys()
            .collect()
    }

    fn steps(&self) -> Vec<&str> {
        let steps = self.running["ns"]["steps"].as_array().expect("steps");
        steps
            .iter()
            .map(|step| step["name"].as_str().expect("a name"))
            .collect()
    }
}

const OPTIONS: [&[&str]; 5] = [&[], &["--init"], &["-t"], &["--pid=host"], &["-u", "1000"]];

#[test]
fn every_phase_and_every_step_is_told() {
    for case in cases() {
        for options in OPTIONS {
            let scratch = Scratch::new();
            let (times, log) = (scratch.file("times"), scratch.file("log"));
            // What is there stays there.
            std::fs::write(&times, "before\n").unwrap();
            let open = std::fs::Permissions::from_mode(0o666);
            std::fs::set_permissions(&times, open).unwrap();
            let ours = [
                "--timing",
                &times,
                "--log",
                &log,
                "--log-level=debug",
                "--hostname=box",
            ];
            let outcome = case.run(&[options, &ours].concat(), &["sh", "-c", "exit 4"]);
            assert_eq!(outcome.code(), Some(4), "{case} {options:?}: {outcome:?}");

            let written = std::fs::read_to_string(&times).unwrap();
            let times = Times::parse(written.strip_prefix("before\n").unwrap());
            assert_eq!(times.ended["status"], 4, "{case} {options:?}");
            assert!(times.ended["rusage"]["minor_faults"].as_u64().unwrap() > 0);
            let mut phases = vec!["start", "parse", "plan", "clone", "steps", "exec"];
            if case.launch == "re-exec" {
                phases.push("re-exec");
            }
            if options == ["--init"] || options == ["--pid=host"] {
                phases.push("reaper");
            }
            // serde_json sorts them.
            phases.sort_unstable();
            assert_eq!(times.phases(), phases, "{case} {options:?}");
            // The same steps, in the same order, as the log has them.
            let log = std::fs::read_to_string(&log).unwrap();
            let logged: Vec<String> = log
                .lines()
                .map(|line| serde_json::from_str::<Value>(line).unwrap())
                .filter(|line| line["step"].is_number())
                .map(|line| line["msg"].as_str().unwrap().to_owned())
                .collect();
            assert_eq!(times.steps(), logged, "{case} {options:?}");
            // Every one has been told of: none lasted no time at all.
            let steps = times.running["ns"]["steps"].as_array().unwrap();
            assert!(
                steps.iter().all(|step| step["ns"].as_u64() > Some(0)),
                "{case}: {steps:?}"
            );
        }
    }
}

#[test]
fn the_phases_add_up_to_what_an_outside_clock_sees() {
    for case in cases() {
        // A machine with other work lets this program or that one wait, which is in neither sum. So
        // of many tries one has to fit.
        let fits = (0..50).any(|_| {
            let mut command = case.command(&["--timing=-"], &["sleep", "0.1"]);
            let start = Instant::now();
            let child = command.stdout(Stdio::piped()).spawn().unwrap();
            let output = child.wait_with_output().unwrap();
            let outside = start.elapsed().as_nanos();
            let inside = Times::parse(std::str::from_utf8(&output.stdout).unwrap()).sum();
            let ratio = inside as f64 / outside as f64;
            (0.95..1.05).contains(&ratio)
        });
        assert!(fits, "{case}");
    }
}

#[test]
fn to_stdout_beside_what_the_command_prints() {
    for case in cases() {
        for options in [&["--timing", "-"][..], &["--timing=-", "-t"]] {
            let outcome = case.run(options, &["sh", "-c", "sleep 0.1; echo mine"]);
            let output = outcome.output(case);
            let (mine, times): (Vec<&str>, Vec<&str>) =
                output.lines().partition(|line| !line.starts_with('{'));
            assert_eq!(mine, ["mine"], "{case}");
            Times::parse(&times.join("\n"));
        }
    }
}

#[test]
fn a_command_that_does_not_run_has_no_times() {
    for case in cases() {
        let scratch = Scratch::new();
        let times = scratch.file("times");
        let outcome = case.run(&["--timing", &times], &["nowhere-at-all"]);
        assert_eq!(outcome.code(), Some(127), "{case}");
        assert_eq!(std::fs::read_to_string(&times).unwrap(), "", "{case}");
    }
}

#[test]
fn times_that_cannot_be_written() {
    for case in cases() {
        // Known before anything is started.
        let outcome = case.run(&["--timing=/nowhere/at/all"], &["echo", "ran"]);
        assert_eq!(outcome.code(), Some(125), "{case}");
        let message =
            "mydocker: open for --timing /nowhere/at/all: no such file or directory (ENOENT)\n";
        assert_eq!(
            (outcome.stdout.as_str(), outcome.stderr.as_str()),
            ("", message),
            "{case}"
        );

        // Known too late: the command is not the one to suffer.
        let options = ["--timing=/dev/full", "--log-format=text"];
        let outcome = case.run(&options, &["sh", "-c", "exit 6"]);
        assert_eq!(outcome.code(), Some(6), "{case}: {outcome:?}");
        let message = "mydocker: error: write --timing: no space left on device (ENOSPC)\n";
        assert_eq!(outcome.stderr, message, "{case}");
    }
}

/// The price of a start: every system call that it makes, from the first of mydocker's own. One more
/// shows here, and has to have its reason.
#[test]
fn the_system_calls_of_a_start() {
    if !has_strace() {
        return;
    }
    let Some(case) = root_cases()
        .into_iter()
        .find(|case| case.launch == "in-process" && !case.is_pooled())
    else {
        return;
    };
    let scratch = Scratch::new();
    let trace = scratch.file("trace");
    let mut line: Vec<std::ffi::OsString> = ["strace", "-ff", "-o", &trace].map(Into::into).into();
    line.push(mydocker().into());
    line.extend(["run", "/bin/true"].map(Into::into));
    let outcome = finish(case.prepared(&line));
    assert_eq!(outcome.code(), Some(0), "{outcome:?}");

    // A file for each process: the parent's is older, and has the lower number.
    let mut files: Vec<_> = std::fs::read_dir(scratch.path())
        .unwrap()
        .flatten()
        .collect();
    files.sort_by_key(|file| {
        file.path()
            .extension()
            .unwrap()
            .to_str()
            .unwrap()
            .parse::<u32>()
            .unwrap()
    });
    let calls: Vec<Vec<String>> = files.iter().map(|file| calls(&file.path())).collect();
    let [parent, child] = calls.as_slice() else {
        panic!("{} processes", calls.len());
    };
    // One for each signal that this test's caller ignores.
    let child: Vec<&String> = child
        .iter()
        .filter(|call| *call != "rt_sigaction")
        .collect();

    // What comes before is the C library's: its loader and its start-up.
    let first = parent.iter().position(|call| call == "fcntl").unwrap();
    let mut expected = ["fcntl"; 3].to_vec();
    // stdin is /dev/null here. If it were not, that would be opened, and put there by the child.
    expected.extend(["getgroups", "getrandom", "uname", "fstat", "fcntl"]);
    // Whether stdout or stderr are directories, or a terminal.
    expected.extend(["fstat"; 2]);
    // All signals that can be ignored.
    expected.extend(["rt_sigaction"; 62]);
    expected.extend(["rt_sigprocmask", "set_tid_address", "clone"]);
    expected.extend([
        "close_range",
        "madvise",
        "madvise",
        "rt_sigtimedwait",
        "wait4",
        "exit_group",
    ]);
    assert_eq!(parent[first..], expected);

    let execve = child.iter().position(|call| *call == "execve").unwrap();
    // The death signal, first of all.
    let mut expected = ["prctl", "mount", "mount"].to_vec();
    // Every port and ping for all users of the new network: the proc, and two files of it.
    expected.extend(["openat", "fstatfs"]);
    expected.extend(["openat", "write", "close"].repeat(2));
    expected.extend(["close", "sethostname", "socket", "ioctl"]);
    expected.extend(["setsid", "umask", "keyctl", "personality"]);
    // PR_SET_DUMPABLE, one for each capability that goes, and one more that finds that there are no more.
    let last = std::fs::read_to_string("/proc/sys/kernel/cap_last_cap").unwrap();
    let last: usize = last.trim().parse().unwrap();
    expected.extend(vec!["prctl"; 1 + last + 1 - 14 + 1]);
    expected.extend(["capset", "close_range", "prctl", "rt_sigprocmask"]);
    expected.extend(["seccomp", "execve"]);
    assert_eq!(child[..=execve], expected);
}

/// The names of the system calls in one of strace's files.
fn calls(file: &std::path::Path) -> Vec<String> {
    let trace = std::fs::read_to_string(file).unwrap();
    let names = trace.lines().filter(|line| !line.starts_with(['+', '-']));
    names
        .filter_map(|line| line.split_once('('))
        .map(|(name, _)| name.to_owned())
        .collect()
}
