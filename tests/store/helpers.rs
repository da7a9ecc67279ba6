//! Containers that stay, what is left of them, and racing commands.

use crate::common::stay::*;
use crate::common::*;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

pub const SLEEP: [&str; 2] = ["/bin/sleep", "1000"];

/// `run -d` of something that runs until it is killed, with a mark. Its id.
pub fn start(stay: &Stay, options: &[&str], mark: &str) -> String {
    let marking = format!("MARK={mark}");
    let words = [&["run", "-d", "-e", &marking], options, &SLEEP].concat();
    stay.says(&words)
}

/// Kills a container's monitor, and waits until it is dead.
pub fn kill_monitor(stay: &Stay, id: &str) {
    let monitor = stay.pid(id, "monitor");
    kill(monitor, Signal::SIGKILL);
    let is_dead = || {
        let status = std::fs::read_to_string(format!("/proc/{monitor}/status"));
        status.map_or(true, |status| status.contains("State:\tZ"))
    };
    assert!(eventually(is_dead), "{}", stay.case);
}

/// The cgroups of a container that there are.
pub fn cgroups(state: &Value) -> Vec<PathBuf> {
    let records = state["cgroups"].as_array().cloned().unwrap_or_default();
    let path = |record: &Value| {
        let above = PathBuf::from(record["above"].as_str().expect("a path"));
        above.join(record["name"].as_str().expect("a name"))
    };
    records
        .iter()
        .map(path)
        .filter(|path| path.exists())
        .collect()
}

/// How many containers and names the store has, seen or not.
pub fn counts(stay: &Stay) -> (usize, usize) {
    let count = |name| {
        let entries = std::fs::read_dir(Path::new(stay.state()).join(name));
        entries.map_or(0, Iterator::count)
    };
    (count("containers"), count("names"))
}

pub fn spawn(mut command: Command) -> Child {
    let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().expect("mydocker")
}

pub fn ended(mut child: Child) -> (Option<i32>, String, String) {
    assert!(wait(&mut child).is_some(), "it hangs");
    let outcome = child.wait_with_output().expect("its end");
    let text = |bytes| String::from_utf8(bytes).expect("letters");
    (
        outcome.status.code(),
        text(outcome.stdout),
        text(outcome.stderr),
    )
}
