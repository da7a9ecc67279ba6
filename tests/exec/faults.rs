//! A client that is killed on its way leaves nothing in the container.

use crate::common::stay::Stay;
use crate::common::*;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::process::{Command, Stdio};

/// The client alone behind strace, with these words for it.
fn traced(container: &Stay, words: &[&str], options: &[&str], command: &[&str]) -> Command {
    let asked = container.exec_command(options, command);
    let words = [&["strace"], words].concat();
    let mut line: Vec<OsString> = words.iter().map(OsString::from).collect();
    line.push(asked.get_program().into());
    line.extend(asked.get_args().map(Into::into));
    container.case.prepared(&line)
}

/// Whether a client, who has strace beside it (-D), dies on its way. One that is through, and waits for its command, is
/// killed there.
fn dies(mut traced: Command, mark: &str) -> bool {
    let mut client = traced.stderr(Stdio::null()).spawn().expect("strace");
    let mut has_ended = || client.try_wait().expect("wait").is_some();
    assert!(eventually(|| has_ended() || !marked(mark).is_empty()));
    // (It may be about to wait for it.)
    std::thread::sleep(std::time::Duration::from_millis(100));
    let has_died = has_ended();
    let _ = client.kill();
    wait(&mut client).expect("it ends");
    has_died
}

/// How often the client makes each call.
fn calls(container: &Stay) -> BTreeMap<String, usize> {
    let trace = container.file("trace");
    let outcome = finish(traced(container, &["-o", &trace], &[], &["true"]));
    assert_eq!(outcome.code(), Some(0), "{outcome:?}");
    let mut calls = BTreeMap::new();
    for line in std::fs::read_to_string(&trace).unwrap().lines() {
        if let Some((name, _)) = line.split_once('(') {
            *calls.entry(name.to_owned()).or_default() += 1;
        }
    }
    calls.retain(|name, _| {
        name.bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    });
    calls
}

#[test]
fn a_client_that_is_killed_at_any_call_leaves_nothing() {
    if !has_strace() {
        return;
    }
    let cases = cases();
    let mut killed = 0;
    for (index, &case) in cases.iter().enumerate() {
        let container = Stay::idle(case, &[]);
        let calls = calls(&container);
        assert!(calls.len() > 15, "{case}: {calls:?}");
        // Each call in one case, or in all; the last ones of each are those that the start is made of.
        let (step, further) = if is_brief() { (cases.len(), 0) } else { (1, 1) };
        for (name, count) in calls.into_iter().skip(index % step).step_by(step) {
            let first = count.saturating_sub(further).max(1);
            for when in first..=count {
                let mark = mark();
                let variable = format!("MARK={mark}");
                let fault = format!("inject={name}:signal=SIGKILL:when={when}");
                let words = ["-D", "-o", "/dev/null", "-e", &fault];
                let command = ["sleep", "1000"];
                let client = traced(&container, &words, &["-e", &variable], &command);
                killed += u32::from(dies(client, &mark));
                let is_gone = eventually(|| marked(&mark).is_empty());
                assert!(is_gone, "{case}: killed at {name} {when}");
            }
        }
        let alive = container.exec(&[], &["true"]);
        assert_eq!(alive.code(), Some(0), "{case}: {alive:?}");
    }
    assert!(killed > 15, "{killed}");
}
