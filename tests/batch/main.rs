//! `mydocker batch`: many runs by one process.

mod callers;
#[path = "../common/mod.rs"]
mod common;
mod ends;
mod jobs;

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
