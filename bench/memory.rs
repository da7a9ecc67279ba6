//! What waits outside while a command runs: memory and page faults.

use crate::act::Act;
use crate::contestants::Contestant;
use crate::rounds::progress;
use crate::runner::Runner;
use std::path::Path;
use std::time::Duration;

/// Of every process that is there for the container, but for the command itself.
pub struct Row {
    pub name: String,
    pub processes: usize,
    /// KiB, from smaps_rollup.
    pub resident: u64,
    pub proportional: u64,
    /// The memory of one beside nine others: what they have in common counts a tenth.
    pub among_ten: Option<u64>,
    pub faults: u64,
}

const TEN: usize = 10;

/// The command speaks before mydocker has let go what it needs no more; half a second later it ends (`programs/command.rs`).
const SETTLED: Duration = Duration::from_millis(50);

pub fn measure(runner: &mut Runner, contestants: &[Contestant]) -> Result<Vec<Row>, String> {
    let mut rows = Vec::new();
    for contestant in contestants
        .iter()
        // With an engine no process of the runtime's waits.
        .filter(|contestant| contestant.trial.is_ok() && !contestant.is_life())
    {
        progress(&format!("memory: {}", contestant.name));
        let mut row = lingering(runner, contestant, 1)?;
        if !contestant.slow {
            row.among_ten = Some(lingering(runner, contestant, TEN)?.proportional);
        }
        rows.push(row);
    }
    progress("");
    Ok(rows)
}

/// One of so many that wait for their commands at the same time.
fn lingering(runner: &mut Runner, contestant: &Contestant, count: usize) -> Result<Row, String> {
    let mut children = Vec::new();
    let mut running = Ok(0);
    for _ in 0..count {
        children.push(runner.spawn(contestant, Act::Linger)?.0);
        running = running.and(runner.wait_until_said());
    }
    std::thread::sleep(SETTLED);
    let mut row = Row {
        name: contestant.name.clone(),
        processes: 0,
        resident: 0,
        proportional: 0,
        among_ten: None,
        faults: 0,
    };
    for pid in children
        .first()
        .map_or(Vec::new(), |child| family(child.id()))
    {
        if is_the_command(pid) {
            continue;
        }
        row.processes += 1;
        row.resident += rollup(pid, "Rss:");
        row.proportional += rollup(pid, "Pss:");
        row.faults += faults(pid);
    }
    // By itself: not every peer takes its container with it when it is killed.
    for mut child in children {
        child.wait().map_err(|error| format!("wait: {error}"))?;
    }
    running.map_err(|why| format!("{}: {why}", contestant.name))?;
    Ok(row)
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

/// A value of smaps_rollup, in KiB.
pub fn rollup(pid: u32, key: &str) -> u64 {
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
