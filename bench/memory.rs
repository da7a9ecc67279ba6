//! What waits outside while a command runs: memory and page faults.

use crate::contestants::Contestant;
use crate::runner::{Act, Runner};
use std::path::Path;

/// Of every process that is there for the container, but for the command itself.
pub struct Row {
    pub name: String,
    pub processes: usize,
    /// KiB, from smaps_rollup.
    pub resident: u64,
    pub proportional: u64,
    pub faults: u64,
}

pub fn measure(runner: &mut Runner, contestants: &[Contestant]) -> Result<Vec<Row>, String> {
    let mut rows = Vec::new();
    for contestant in contestants
        .iter()
        .filter(|contestant| contestant.trial.is_ok())
    {
        let (mut child, _) = runner.spawn(contestant, Act::Linger)?;
        let running = runner.wait_until_said();
        let mut row = Row {
            name: contestant.name.clone(),
            processes: 0,
            resident: 0,
            proportional: 0,
            faults: 0,
        };
        for pid in family(child.id()) {
            if is_the_command(pid) {
                continue;
            }
            row.processes += 1;
            row.resident += rollup(pid, "Rss:");
            row.proportional += rollup(pid, "Pss:");
            row.faults += faults(pid);
        }
        // By itself: not every peer takes its container with it when it is killed.
        child.wait().map_err(|error| format!("wait: {error}"))?;
        running.map_err(|why| format!("{}: {why}", contestant.name))?;
        rows.push(row);
    }
    Ok(rows)
}

/// A process and its descendants, ancestors first.
fn family(pid: u32) -> Vec<u32> {
    let mut family = vec![pid];
    let mut next = 0;
    while let Some(pid) = family.get(next) {
        let path = format!("/proc/{pid}/task/{pid}/children");
        let children = std::fs::read_to_string(path).unwrap_or_default();
        family.extend(
            children
                .split_whitespace()
                .filter_map(|pid| pid.parse::<u32>().ok()),
        );
        next += 1;
    }
    family
}

/// By its name: the file it runs may be a copy in a root of its own.
fn is_the_command(pid: u32) -> bool {
    std::fs::read_link(format!("/proc/{pid}/exe"))
        .is_ok_and(|file| file.file_name() == Path::new("command").file_name())
}

fn rollup(pid: u32, key: &str) -> u64 {
    std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))
        .unwrap_or_default()
        .lines()
        .find_map(|line| {
            line.strip_prefix(key)?
                .trim()
                .strip_suffix(" kB")?
                .parse()
                .ok()
        })
        .unwrap_or_default()
}

/// Page faults so far, of which no start of a small program needs the disk.
fn faults(pid: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // Field 10, minflt; the name before it, field 2, may hold anything but ends with the last ")".
    stat.rsplit(')')
        .next()
        .and_then(|rest| rest.split_whitespace().nth(7)?.parse().ok())
        .unwrap_or_default()
}
