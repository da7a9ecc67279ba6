//! A client that is killed on its way leaves nothing in the container.

use crate::common::staying::Staying;
use crate::common::*;
use std::collections::BTreeMap;
use std::ffi::OsString;

/// The client alone behind strace, with these words for it.
fn traced(container: &Staying, words: &[&str], options: &[&str], command: &[&str]) -> Outcome {
    let asked = container.exec_command(options, command);
    let words = [&["strace"], words].concat();
    let mut line: Vec<OsString> = words.iter().map(OsString::from).collect();
    line.push(asked.get_program().into());
    line.extend(asked.get_args().map(Into::into));
    finish(container.case.prepared(&line))
}

/// How often the client makes each call.
fn calls(container: &Staying) -> BTreeMap<String, usize> {
    let trace = container.file("trace");
    let outcome = traced(container, &["-o", &trace], &[], &["true"]);
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
    for case in cases() {
        if !has_strace() {
            return;
        }
        let container = Staying::idle(case, &[]);
        let calls = calls(&container);
        assert!(calls.len() > 15, "{case}: {calls:?}");
        let mut killed = 0;
        for (name, count) in calls {
            // The last ones of each are those that the start is made of.
            let first = count.saturating_sub(if is_brief() { 0 } else { 2 }).max(1);
            for when in first..=count {
                let mark = mark();
                let variable = format!("MARK={mark}");
                let fault = format!("inject={name}:signal=SIGKILL:when={when}");
                let words = ["-o", "/dev/null", "-e", &fault];
                let command = ["sleep", "1"];
                let outcome = traced(&container, &words, &["-e", &variable], &command);
                killed += u32::from(outcome.code() != Some(0));
                let is_gone = eventually(|| marked(&mark).is_empty());
                assert!(is_gone, "{case}: killed at {name} {when}");
            }
        }
        assert!(killed > 15, "{case}: {killed}");
        let alive = container.exec(&[], &["true"]);
        assert_eq!(alive.code(), Some(0), "{case}: {alive:?}");
    }
}
