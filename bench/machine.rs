//! Facts about the machine, which a figure means nothing without.

use crate::contestants::{Contestant, Kind};
use std::process::Command;

/// Names and values, in the order to show them.
pub type Facts = Vec<(String, String)>;

pub fn facts(contestants: &[Contestant]) -> Facts {
    let cpuinfo = read("/proc/cpuinfo");
    let field = |name: &str| {
        cpuinfo
            .lines()
            .find(|line| line.starts_with(name))
            .and_then(|line| line.split_once(": "))
            .map_or("unknown", |(_, value)| value)
            .to_owned()
    };
    let processors = cpuinfo
        .lines()
        .filter(|line| line.starts_with("processor"))
        .count();
    let virtual_machine = if field("flags").contains(" hypervisor") {
        ", a virtual machine"
    } else {
        ""
    };
    let mounts = read("/proc/self/mountinfo");
    let cgroups = match (
        mounts.contains(" - cgroup "),
        mounts.contains(" - cgroup2 "),
    ) {
        (true, true) => "v1 and v2",
        (true, false) => "v1",
        (false, true) => "v2",
        (false, false) => "none",
    };
    let mut facts = vec![
        (
            "kernel",
            format!("Linux {}", read("/proc/sys/kernel/osrelease").trim()),
        ),
        (
            "processor",
            format!("{processors} × {}{virtual_machine}", field("model name")),
        ),
        ("cgroups", cgroups.to_owned()),
        ("mounts", mounts.lines().count().to_string()),
        ("compiler", said(&["rustc", "--version"])),
        ("date", said(&["date", "-I"])),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect::<Facts>();
    let mut asked = Vec::new();
    for contestant in contestants
        .iter()
        .filter(|contestant| contestant.kind == Kind::Peer)
    {
        let program = contestant.program_in_words();
        if contestant.trial.is_err() || asked.contains(&program) {
            continue;
        }
        asked.push(program);
        let words = program.iter().map(|word| word.to_string_lossy());
        let words: Vec<_> = words.chain(["--version".into()]).collect();
        let words: Vec<_> = words.iter().map(AsRef::as_ref).collect();
        facts.push((contestant.name.clone(), said(&words)));
    }
    facts
}

fn read(path: &str) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

/// The first line of what a program says, without where it lies.
fn said(words: &[&str]) -> String {
    let Some((program, arguments)) = words.split_first() else {
        return String::new();
    };
    let output = Command::new(program).args(arguments).output();
    output.map_or_else(
        |error| error.to_string(),
        |output| {
            let text = String::from_utf8_lossy(&output.stdout);
            text.lines()
                .next()
                .unwrap_or_default()
                .replace(program, "")
                .trim()
                .to_owned()
        },
    )
}
