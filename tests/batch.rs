//! `mydocker batch`: many runs by one process.

mod common;
use common::*;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

fn command(case: Case, options: &[&str]) -> Command {
    let mut line: Vec<OsString> = vec![mydocker().into(), "batch".into()];
    line.extend(["--launch", case.launch].map(Into::into));
    if let Some(pool) = std::env::var_os("MYDOCKER_TEST_POOL").filter(|_| case.is_pooled()) {
        line.extend(["--pool".into(), pool]);
    }
    line.extend(options.iter().map(Into::into));
    case.prepared(&line)
}

fn pipe() -> (File, File) {
    let (reader, writer) = nix::unistd::pipe2(nix::fcntl::OFlag::O_CLOEXEC).unwrap();
    (reader.into(), writer.into())
}

/// A batch, which is asked line by line.
struct Batch {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Batch {
    fn new(case: Case, options: &[&str]) -> Self {
        let mut child = command(case, options)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        Self {
            input: child.stdin.take(),
            output: BufReader::new(child.stdout.take().unwrap()),
            child,
        }
    }

    fn ask(&mut self, job: &Value) {
        let input = self.input.as_mut().unwrap();
        writeln!(input, "{job}").unwrap();
    }

    #[track_caller]
    fn result(&mut self) -> Value {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"))
    }

    #[track_caller]
    fn end(&mut self) -> Option<i32> {
        self.input = None;
        wait(&mut self.child).expect("it hangs").code()
    }

    /// Its workers.
    fn workers(&self) -> Vec<u32> {
        children(self.child.id())
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A process that ends with this.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn children(pid: u32) -> Vec<u32> {
    let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
    let children = children.unwrap_or_default();
    children
        .split_whitespace()
        .map(|pid| pid.parse().unwrap())
        .collect()
}

/// Lines, and what becomes of them, by the number of the line.
#[track_caller]
fn results(case: Case, options: &[&str], lines: &[&[u8]]) -> (Vec<Value>, Outcome) {
    let mut line = command(case, options);
    let mut input = lines.join(&b'\n');
    input.push(b'\n');
    let (reader, mut writer) = pipe();
    let writing = std::thread::spawn(move || {
        let _ = writer.write_all(&input);
    });
    line.stdin(reader);
    let outcome = finish(line);
    writing.join().unwrap();
    let mut results: Vec<Value> = outcome
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect();
    results.sort_by_key(|result| result["line"].as_u64());
    (results, outcome)
}

#[track_caller]
fn of_jobs(case: Case, options: &[&str], jobs: &[Value]) -> Vec<Value> {
    let lines: Vec<String> = jobs.iter().map(Value::to_string).collect();
    let lines: Vec<&[u8]> = lines.iter().map(|line| line.as_bytes()).collect();
    let (results, outcome) = results(case, options, &lines);
    assert_eq!(outcome.code(), Some(0), "{case}: {outcome:?}");
    assert_eq!(results.len(), jobs.len(), "{case}: {outcome:?}");
    results
}

/// A job that runs a script.
fn script(script: &str) -> Value {
    json!({"command": ["sh", "-c", script], "stdout": true, "stderr": true})
}

fn with(mut job: Value, more: Value) -> Value {
    let more = more.as_object().unwrap().clone();
    job.as_object_mut().unwrap().extend(more);
    job
}

#[test]
fn a_result_is_a_report_with_the_jobs_id() {
    for case in cases() {
        let jobs = [
            json!({"id": "a", "command": ["true"]}),
            json!({"id": 2, "command": ["sh", "-c", "exit 3"]}),
            json!({"id": 3, "command": ["sh", "-c", "kill -SEGV $$"]}),
            json!({"id": 4, "command": ["/nowhere"]}),
            json!({"id": 5, "command": ["sleep", "100"], "timeout": 1.5}),
            json!({"command": ["yes"], "stdout": true, "output_limit": 1000}),
        ];
        let results = of_jobs(case, &["--jobs=3"], &jobs);
        let told: Vec<_> = results
            .iter()
            .map(|result| {
                (
                    &result["id"],
                    result["reason"].as_str().unwrap(),
                    result["status"].as_i64().unwrap(),
                    result["signal"].as_i64(),
                )
            })
            .collect();
        let null = Value::Null;
        assert_eq!(
            told,
            [
                (&json!("a"), "exited", 0, None),
                (&json!(2), "exited", 3, None),
                (&json!(3), "signaled", 139, Some(11)),
                (&json!(4), "not started", 127, None),
                (&json!(5), "timed out", 124, Some(9)),
                (&null, "output limit", 153, Some(9)),
            ],
            "{case}"
        );
        assert_eq!(results[5]["stdout"].as_str().unwrap().len(), 1000, "{case}");
        assert!(results[3]["error"].as_str().unwrap().contains("ENOENT"));
        for result in &results {
            // Of this run alone, whatever ran before in the same worker.
            let used = &result["rusage"];
            assert!(
                used.is_null() == (result["reason"] == "not started"),
                "{result}"
            );
            assert_eq!(
                result.as_object().unwrap().len(),
                15 + usize::from(result["line"] == 6)
            );
        }
    }
}

#[test]
fn what_a_job_reads_and_writes() {
    for case in cases() {
        let scratch = Scratch::new();
        let file = |name: &str| scratch.file(name);
        std::fs::write(file("in"), "of a file\n").unwrap();
        std::fs::set_permissions(file("in"), PermissionsExt::from_mode(0o644)).unwrap();
        let jobs = [
            with(script("cat; echo err >&2"), json!({"stdin": "text\n"})),
            with(script("od -An -tx1"), json!({"stdin_base64": "AP8="})),
            with(script("cat"), json!({"stdin_file": file("in")})),
            script("cat; printf 'a\\377'"),
            json!({"command": ["sh", "-c", "echo o; echo e >&2; echo p > /dev/stdout"], "stdout": true, "stderr": "stdout"}),
            json!({"command": ["sh", "-c", "echo o; echo e >&2"], "stdout_file": file("one"), "stderr_file": file("one")}),
            json!({"command": ["sh", "-c", "echo o; echo e >&2"], "stdout_file": file("out"), "stderr_file": file("err")}),
            json!({"command": ["sh", "-c", "echo o; echo e >&2"]}),
            json!({"command": ["cat"], "stdin_file": file("missing"), "stdout": true}),
            with(
                script("echo $A $B $C; pwd"),
                json!({"env": {"A": "1"}, "workdir": "/proc"}),
            ),
            with(script("echo $A $B $C"), json!({"env": ["A=2", "C"]})),
        ];
        let results = of_jobs(case, &["--jobs=2", "-e", "B=b", "-w", "/"], &jobs);
        let said = |at: usize| {
            (
                results[at]["stdout"].as_str(),
                results[at]["stderr"].as_str(),
            )
        };
        assert_eq!(said(0), (Some("text\n"), Some("err\n")), "{case}");
        assert_eq!(said(1), (Some(" 00 ff\n"), Some("")), "{case}");
        assert_eq!(said(2), (Some("of a file\n"), Some("")), "{case}");
        assert_eq!(said(3), (None, Some("")), "{case}");
        assert_eq!(results[3]["stdout_base64"], "Yf8=", "{case}");
        assert_eq!(said(4), (Some("o\ne\np\n"), None), "{case}");
        let content = |name: &str| std::fs::read_to_string(file(name)).unwrap();
        assert_eq!(content("one"), "o\ne\n", "{case}");
        assert_eq!(
            (content("out").as_str(), content("err").as_str()),
            ("o\n", "e\n"),
            "{case}"
        );
        assert_eq!((said(5), said(7)), ((None, None), (None, None)), "{case}");
        assert_eq!(results[8]["reason"], "not started", "{case}");
        let error = results[8]["error"].as_str().unwrap();
        assert!(
            error.contains("missing") && error.contains("ENOENT"),
            "{error}"
        );
        assert_eq!(said(9).0, Some("1 b\n/proc\n"), "{case}");
        assert_eq!(said(10).0, Some("2 b\n"), "{case}");
    }
}

#[test]
fn relative_files_begin_where_batch_was_called() {
    let scratch = Scratch::new();
    for case in cases() {
        let mut line = command(case, &[]);
        let job = json!({"command": ["cat"], "stdin": "x", "stdout_file": "here"});
        let (reader, mut writer) = pipe();
        writeln!(writer, "{job}").unwrap();
        drop(writer);
        line.current_dir(scratch.path()).stdin(reader);
        assert_eq!(finish(line).code(), Some(0), "{case}");
        let here = scratch.path().join("here");
        assert_eq!(std::fs::read_to_string(&here).unwrap(), "x", "{case}");
        std::fs::remove_file(here).unwrap();
    }
}

#[test]
fn a_bad_line_is_told_of_and_the_rest_goes_on() {
    let long = [
        &b"{\"id\":1,\"command\":[\""[..],
        &vec![b'x'; 1 << 20],
        b"\"]}",
    ]
    .concat();
    let lines: &[&[u8]] = &[
        b"{\"id\": \"bad\", \"comand\": [\"true\"]}",
        b"",
        b"{\"id\": 1, \"id\": 2, \"command\": [\"true\"]}",
        b"what is this",
        b"\xff",
        &long,
        b"{\"id\": \"good\", \"command\": [\"true\"]}",
    ];
    for case in cases() {
        let (results, outcome) = results(case, &[], lines);
        assert_eq!(outcome.code(), Some(0), "{case}: {outcome:?}");
        let told: Vec<_> = results
            .iter()
            .map(|result| (result["line"].as_u64().unwrap(), result["status"].as_u64()))
            .collect();
        let bad = Some(125);
        let expected = [
            (1, bad),
            (3, bad),
            (4, bad),
            (5, bad),
            (6, bad),
            (7, Some(0)),
        ];
        assert_eq!(told, expected, "{case}");
        assert_eq!(results[0]["id"], "bad", "{case}");
        let error = results[0]["error"].as_str().unwrap();
        assert_eq!(
            error,
            "line 1: \"comand\" is no key of a job, did you mean \"command\"?"
        );
        assert_eq!(results[1]["id"], 1, "{case}");
        let error = results[4]["error"].as_str().unwrap();
        assert_eq!(error, "line 6: it has more than 1048576 bytes");
        assert_eq!(results[5]["id"], "good", "{case}");
    }
}

/// What a command finds of its worker's, of the job before it and of batch.
const LOOK: &str = "ls -l /proc/self/fd | grep -c -- '->'; pwd; umask; env | grep -v HOSTNAME | sort;
    grep -E '^(Sig(Blk|Ign|Cgt)|Groups|NoNew)' /proc/self/status; ulimit -a; cat /proc/self/oom_score_adj; cat";

#[test]
fn two_thousand_jobs_leave_nothing() {
    for case in cases() {
        let mut batch = Batch::new(case, &["--jobs=8"]);
        let look = script(LOOK);
        batch.ask(&look);
        let first = batch.result();
        assert_eq!(first["status"], 0, "{first}");
        let many = if is_brief() || case.launch == "re-exec" {
            300
        } else {
            1000
        };
        let mut input = batch.input.take().unwrap();
        let writing = std::thread::spawn(move || {
            for id in 0..many {
                let job = match id % 4 {
                    0 => json!({"id": id, "command": ["cat"], "stdin": "x", "stdout": true}),
                    1 => {
                        json!({"id": id, "command": ["true"], "env": {"LEFT": "1"}, "workdir": "/proc"})
                    }
                    2 => json!({"id": id, "command": ["true"], "stdout_file": "/dev/null"}),
                    _ => json!({"id": id, "command": ["/nowhere"]}),
                };
                writeln!(input, "{job}").unwrap();
            }
            input
        });
        let mut seen = BTreeSet::new();
        for _ in 0..many {
            let result = batch.result();
            let id = result["id"].as_u64().unwrap();
            let expected = if id % 4 == 3 { 127 } else { 0 };
            assert_eq!(result["status"], expected, "{case}: {result}");
            if id % 4 == 0 {
                assert_eq!(result["stdout"], "x", "{case}: {result}");
            }
            assert!(seen.insert(id), "{case}: {result}");
        }
        batch.input = Some(writing.join().unwrap());
        // In whichever worker.
        for _ in 0..16 {
            batch.ask(&look);
        }
        for _ in 0..16 {
            assert_eq!(batch.result()["stdout"], first["stdout"], "{case}");
        }
        let workers = batch.workers();
        assert!(workers.len() <= 8, "{workers:?}");
        let files = |pid: &u32| std::fs::read_dir(format!("/proc/{pid}/fd")).map(Iterator::count);
        for worker in &workers {
            // 0, 1, 2, the log, the socket, /dev/null, and two for output.
            assert_eq!(files(worker).unwrap(), 8, "{case}");
            assert!(children(*worker).is_empty(), "{case}");
        }
        assert_eq!(batch.end(), Some(0), "{case}");
        assert!(workers.into_iter().all(has_ended), "{case}");
    }
}

#[test]
fn a_cgroup_goes_with_its_job() {
    for case in common::cgroups::limited_cases() {
        let jobs: Vec<_> = (0..20)
            .map(|_| json!({"command": ["true"], "cpu_time": 5}))
            .collect();
        let results = of_jobs(case, &["--jobs=4", "-m", "64m"], &jobs);
        for result in results {
            assert_eq!(result["status"], 0, "{case}: {result}");
            assert!(result["cpu_user_ns"].is_u64(), "{case}: {result}");
        }
    }
}

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

struct Judge {
    socket: UnixStream,
    answers: BufReader<UnixStream>,
}

impl Judge {
    fn new(path: &str) -> Self {
        let socket = UnixStream::connect(path).unwrap();
        let answers = BufReader::new(socket.try_clone().unwrap());
        Self { socket, answers }
    }

    fn ask(&mut self, job: &Value) {
        writeln!(self.socket, "{job}").unwrap();
    }

    #[track_caller]
    fn result(&mut self) -> Value {
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"))
    }
}

#[test]
fn callers_of_a_socket_get_their_own_results() {
    for case in cases() {
        let scratch = Scratch::new();
        let path = scratch.file("socket");
        let batch = command(case, &["--jobs=2", "--listen", &path]).spawn();
        let mut batch = Ended(batch.unwrap());
        assert!(eventually(|| std::fs::exists(&path).unwrap()), "{case}");
        let mode = std::fs::symlink_metadata(&path)
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{case}");
        if case.caller == Caller::Ordinary && nix::unistd::Uid::effective().is_root() {
            // root may connect, and is another user.
            let mut socket = UnixStream::connect(&path).unwrap();
            let _ = writeln!(socket, "{}", json!({"command": ["true"]}));
            let mut said = String::new();
            let _ = socket.read_to_string(&mut said);
            assert_eq!(said, "", "{case}");
        } else {
            let (mut one, mut other) = (Judge::new(&path), Judge::new(&path));
            let mark = mark();
            one.ask(&json!({"id": "one", "command": ["sleep", "1000"], "env": {"MARK": mark}}));
            assert!(eventually(|| marked(&mark).len() == 1), "{case}");
            for id in 0..20 {
                other.ask(&json!({"id": id, "command": ["true"]}));
            }
            for id in 0..20 {
                let result = other.result();
                assert_eq!(
                    (&result["id"], &result["line"]),
                    (&json!(id), &json!(id + 1)),
                    "{case}"
                );
            }
            other.ask(&json!({"id": 20, "command": ["true"]}));
            other.socket.shutdown(std::net::Shutdown::Write).unwrap();
            let mut rest = String::new();
            other.answers.read_to_string(&mut rest).unwrap();
            assert_eq!(rest.lines().count(), 1, "{case}: {rest}");
            // Who goes has its jobs ended, and the others go on.
            drop(one);
            assert!(eventually(|| marked(&mark).is_empty()), "{case}");
            let mut third = Judge::new(&path);
            third.ask(&json!({"id": "third", "command": ["true"]}));
            assert_eq!(third.result()["id"], "third", "{case}");
        }
        kill(batch.0.id(), Signal::SIGTERM);
        assert_eq!(wait(&mut batch.0).unwrap().code(), Some(143), "{case}");
        assert!(!std::fs::exists(&path).unwrap(), "{case}");
    }
}

#[test]
fn jobs_run_in_a_pools_boxes() {
    for case in cases()
        .into_iter()
        .filter(|case| case.launch == "in-process" && !case.is_pooled())
    {
        let scratch = Scratch::new();
        let directory = scratch.file("pool");
        let line = ["pool", "--init", "--size=4", &directory].map(OsString::from);
        let line = [&[mydocker().into()], &line[..]].concat();
        let pool = case.prepared(&line).stderr(Stdio::null()).spawn();
        let mut pool = Ended(pool.unwrap());
        let socket = format!("{directory}/socket");
        assert!(
            eventually(|| std::fs::exists(&socket).unwrap_or(false)),
            "{case}"
        );
        let log = scratch.file("log");
        let options = [
            "--pool",
            &directory,
            "--jobs=2",
            "--log",
            &log,
            "--log-level=info",
        ];
        let mut batch = Batch::new(case, &options);
        for id in 0..40 {
            // At leisure, so that there is a box most of the time.
            std::thread::sleep(Duration::from_millis(10));
            batch.ask(&with(
                script("cat; kill -TERM $$"),
                json!({"id": id, "stdin": "x"}),
            ));
            let result = batch.result();
            assert_eq!(
                (
                    &result["id"],
                    &result["reason"],
                    &result["signal"],
                    &result["stdout"]
                ),
                (&json!(id), &json!("signaled"), &json!(15), &json!("x")),
                "{case}"
            );
        }
        let logged = std::fs::read_to_string(&log).unwrap();
        assert!(logged.contains(r#""launch":"pool""#), "{case}: {logged}");
        let mark = mark();
        batch.ask(&json!({"command": ["sleep", "1000"], "env": {"MARK": mark}}));
        assert!(eventually(|| marked(&mark).len() == 1), "{case}");
        kill(batch.child.id(), Signal::SIGTERM);
        assert_eq!(batch.result()["status"], 143, "{case}");
        assert_eq!(batch.end(), Some(143), "{case}");
        assert!(marked(&mark).is_empty(), "{case}");
        kill(pool.0.id(), Signal::SIGTERM);
        wait(&mut pool.0).unwrap();
    }
}
