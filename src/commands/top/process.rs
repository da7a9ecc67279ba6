//! What /proc tells of processes (proc_pid_stat(5)).

use crate::sys::Pid;
use std::collections::BTreeMap;
use std::path::Path;

/// Ticks a second: USER_HZ, which is 100 wherever this program runs.
pub const TICKS: u64 = 100;

/// A process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Process {
    pub pid: Pid,
    pub parent: Pid,
    /// The effective one; none is that large.
    pub user: u64,
    /// How many PID namespaces it has a number in, down from the one of this /proc; 0 if that is not told.
    pub depth: usize,
    pub name: String,
    /// `S`, and what ps(1) adds to it.
    pub state: String,
    /// The device of its terminal; 0 if it has none.
    pub terminal: u64,
    /// Ticks that processors have spent on it.
    pub spent: u64,
    /// Ticks from the boot to its start.
    pub started: u64,
    pub nice: i64,
    pub threads: u64,
    /// KiB.
    pub virtual_size: u64,
    pub resident_size: u64,
    /// Its arguments; its name in brackets if it has none.
    pub command: String,
}

impl Process {
    /// `None` if it is gone.
    pub fn of(pid: Pid) -> Option<Self> {
        let directory = Path::new("/proc").join(pid.to_string());
        let read = |name| std::fs::read(directory.join(name));
        let stat = read("stat").ok()?;
        let mut process = Self::parse(&String::from_utf8_lossy(&stat))?;
        let status = read("status").unwrap_or_default();
        let status = String::from_utf8_lossy(&status);
        process.user = number_of(&status, "Uid:", 1).unwrap_or(u64::MAX);
        let numbers = status.lines().find_map(|line| line.strip_prefix("NSpid:"));
        process.depth = numbers.map_or(0, |numbers| numbers.split_ascii_whitespace().count());
        process.resident_size = number_of(&status, "VmRSS:", 0).unwrap_or(0);
        process.command = command(&read("cmdline").unwrap_or_default(), &process.name);
        Some(process)
    }

    /// The name, the second field, is in brackets, and may have brackets and spaces in it.
    fn parse(stat: &str) -> Option<Self> {
        let (pid, rest) = stat.split_once(" (")?;
        let (name, rest) = rest.rsplit_once(") ")?;
        // The first of these is the third field.
        let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
        let field = |number: usize| fields.get(number - 3).copied();
        let number = |which| field(which)?.parse::<u64>().ok();
        let (nice, threads) = (field(19)?.parse::<i64>().ok()?, number(20)?);
        let marks = [
            (nice < 0, "<"),
            (nice > 0, "N"),
            (field(6)? == pid, "s"),
            (threads > 1, "l"),
            (field(8)? == field(5)?, "+"),
        ];
        let marks = marks
            .into_iter()
            .filter_map(|(is_so, mark)| is_so.then_some(mark));
        Some(Self {
            pid: pid.parse().ok()?,
            parent: field(4)?.parse().ok()?,
            name: name.to_owned(),
            state: std::iter::once(field(3)?).chain(marks).collect(),
            terminal: number(7)?,
            spent: number(14)? + number(15)?,
            nice,
            threads,
            started: number(22)?,
            virtual_size: number(23)? / 1024,
            ..Self::default()
        })
    }
}

/// The number at that index in the line of /proc/PID/status that begins with `key`.
pub fn number_of(text: &str, key: &str, index: usize) -> Option<u64> {
    let numbers = text.lines().find_map(|line| line.strip_prefix(key))?;
    numbers.split_ascii_whitespace().nth(index)?.parse().ok()
}

fn command(arguments: &[u8], name: &str) -> String {
    let arguments = arguments.strip_suffix(b"\0").unwrap_or(arguments);
    if arguments.is_empty() {
        return format!("[{name}]");
    }
    String::from_utf8_lossy(arguments).replace('\0', " ")
}

/// Every process that /proc shows, by its pid.
pub fn all() -> BTreeMap<Pid, Process> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let processes = pids.filter_map(|pid| Some((pid, Process::of(pid)?)));
    processes.collect()
}

/// Those that are in the PID namespace of `first`, and what has come of them.
pub fn of_namespace(first: Pid, all: &BTreeMap<Pid, Process>) -> Vec<Pid> {
    let namespace = |pid: Pid| std::fs::read_link(format!("/proc/{pid}/ns/pid")).ok();
    let own = namespace(std::process::id() as Pid);
    // On the host's namespace it tells nothing.
    let wanted = namespace(first).filter(|wanted| Some(wanted) != own.as_ref());
    let mut found = Vec::new();
    for pid in all.keys() {
        let is_in = *pid == first || wanted.is_some() && namespace(*pid) == wanted;
        found.extend(is_in.then_some(*pid));
    }
    loop {
        let is_new =
            |process: &&Process| found.contains(&process.parent) && !found.contains(&process.pid);
        let children: Vec<Pid> = all.values().filter(is_new).map(|child| child.pid).collect();
        if children.is_empty() {
            found.sort_unstable();
            return found;
        }
        found.extend(children);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_counted_from_the_name() {
        let stat = "7 (a) R (b) S 3 7 7 34816 7 4194560 1 2 3 4 50 25 7 8 20 -5 3 0 4711 1024000 99 1 2 3\n";
        let process = Process::parse(stat).unwrap();
        let expected = Process {
            pid: 7,
            parent: 3,
            name: "a) R (b".into(),
            state: "S<sl+".into(),
            terminal: 34816,
            spent: 75,
            started: 4711,
            nice: -5,
            threads: 3,
            virtual_size: 1_000,
            ..Process::default()
        };
        assert_eq!(process, expected);
        for wrong in ["", "7", "7 (a)", "7 (a) S 1", "x (a) S 1 1 1"] {
            assert_eq!(Process::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn commands_are_one_line() {
        assert_eq!(command(b"sh\0-c\0a b\0", "sh"), "sh -c a b");
        assert_eq!(command(b"", "kworker/0"), "[kworker/0]");
        assert_eq!(command(b"title", "x"), "title");
        let status = "Name:\tx\nUid:\t1\t2\t3\t4\nGid:\t0\n";
        assert_eq!(number_of(status, "Uid:", 1), Some(2));
    }

    #[test]
    fn this_one_is_among_all() {
        let all = all();
        let own = std::process::id() as Pid;
        assert!(all.get(&own).is_some_and(|process| process.threads >= 1));
        // Its namespace is ours: only itself, and its children.
        assert!(of_namespace(own, &all).contains(&own));
        assert!(!of_namespace(own, &all).contains(&1));
    }
}
