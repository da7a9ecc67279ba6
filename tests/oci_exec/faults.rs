//! A client that is killed on its way leaves no process that no one knows of.

use crate::bundle::Bundle;
use crate::common::*;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::process::{Command, Stdio};

/// The client alone behind strace, with these words for it.
fn traced(bundle: &Bundle, words: &[&str], options: &[&str], command: &[&str]) -> Command {
    let asked = bundle.words(&[&["exec"], options, &[&bundle.id], command].concat());
    let line = [&["strace"], words].concat();
    let mut line: Vec<OsString> = line.iter().map(OsString::from).collect();
    line.extend(asked);
    bundle.case.prepared(&line)
}

/// How often the client makes each call.
fn calls(bundle: &Bundle, options: &[&str]) -> BTreeMap<String, usize> {
    let trace = bundle.tree.beside("trace");
    let mut client = traced(bundle, &["-o", &trace], options, &["true"]);
    let client = client.stdout(Stdio::null()).stderr(Stdio::null());
    assert!(client.status().expect("strace").success());
    let mut calls = BTreeMap::new();
    for line in std::fs::read_to_string(&trace).unwrap().lines() {
        if let Some((name, _)) = line.split_once('(') {
            *calls.entry(name.to_owned()).or_default() += 1;
        }
    }
    let is_name = |name: &str| {
        let mut bytes = name.bytes();
        bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    calls.retain(|name, _| is_name(name));
    calls
}

#[test]
fn a_client_that_is_killed_at_any_call_leaves_what_is_written_down() {
    if !has_strace() {
        return;
    }
    let cases = root_cases();
    let (mut killed, mut left) = (0, 0);
    for (index, &case) in cases.iter().enumerate() {
        let Some(bundle) = Bundle::idle(case, "", "") else {
            return;
        };
        let file = bundle.tree.beside("pid");
        let background = ["--detach", "--pid-file", &file];
        let calls = calls(&bundle, &background);
        assert!(calls.len() > 15, "{case}: {calls:?}");
        let step = if is_brief() { cases.len() } else { 1 };
        for (name, count) in calls.into_iter().skip(index % step).step_by(step) {
            // The last ones are those that the start is made of.
            for when in count.saturating_sub(2).max(1)..=count {
                let _ = std::fs::remove_file(&file);
                let mark = mark();
                let variable = format!("MARK={mark}");
                let fault = format!("inject={name}:signal=SIGKILL:when={when}");
                let words = ["-D", "-o", "/dev/null", "-e", &fault];
                let options = [&background[..], &["-e", &variable]].concat();
                let mut client = traced(&bundle, &words, &options, &["sleep", "1000"]);
                let client = client.stdout(Stdio::null()).stderr(Stdio::null());
                let status = client.status().expect("strace");
                killed += u32::from(!status.success());
                // Whatever runs is the one that the file names. (One that it names may have ended with the client.)
                let named = || std::fs::read_to_string(&file).unwrap_or_default();
                let is_known = || marked(&mark).iter().all(|pid| pid.to_string() == named());
                assert!(
                    eventually(is_known),
                    "{case}: killed at {name} {when}: {:?} {}",
                    marked(&mark),
                    named()
                );
                for pid in marked(&mark) {
                    left += 1;
                    kill(pid, Signal::SIGKILL);
                }
            }
        }
        assert_eq!(bundle.says(&[], "echo in"), "in\n", "{case}");
    }
    assert!(
        cases.is_empty() || killed > 15 && left > 0,
        "{killed} {left}"
    );
}
