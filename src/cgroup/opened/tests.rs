//! With real cgroups, where this user can make some.

use super::*;
use crate::cgroup::group::Group;
use crate::cgroup::{Layout, Wanted, sweep};
use crate::guard::Request;
use crate::spec::limits::Limits;
use crate::sys::process;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

/// A group of everything that there is, and what is in it.
struct Kept {
    group: Group,
    children: Vec<Child>,
}

impl Kept {
    fn new(number: u32) -> Option<Self> {
        let read = |file| std::fs::read(file).unwrap();
        let (mountinfo, own) = (read("/proc/self/mountinfo"), read("/proc/self/cgroup"));
        let layout = Layout::new(&mountinfo, &own);
        let limits = Limits {
            is_kept: true,
            ..Limits::default()
        };
        let digits = format!("{number:04x}{:08x}", std::process::id());
        let group = Wanted::look(&layout, &limits, false, false, &digits)
            .and_then(Wanted::acquire)
            .unwrap();
        if group.records().is_empty() {
            eprintln!("skipped: no cgroup can be made here");
            return None;
        }
        Some(Self {
            group,
            children: Vec::new(),
        })
    }

    /// Those of one version alone, as on a host that has no other.
    fn records(&self, version: Version) -> Vec<Record> {
        let mut records = self.group.records();
        records.retain(|record| record.version == version);
        records
    }

    /// Runs `script` in all of them.
    fn run(&mut self, script: &str) -> Pid {
        // It is in them before it does anything.
        let mut joins = String::new();
        for record in self.group.records() {
            joins += &format!(
                "echo $$ > {}/cgroup.procs || exit\n",
                record.path().to_str().unwrap()
            );
        }
        let child = Command::new("sh")
            .args(["-c", &(joins + script)])
            .spawn()
            .unwrap();
        let pid = child.id();
        self.children.push(child);
        Pid::try_from(pid).unwrap()
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        if let Ok(opened) = Opened::by(&self.group.records()) {
            let _ = opened.kill();
        }
        for child in &mut self.children {
            let _ = child.wait();
        }
    }
}

fn eventually(is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_secs(60));
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn state(pid: Pid) -> String {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    stat.rsplit(") ").next().unwrap()[..1].to_owned()
}

#[test]
fn what_is_frozen_stands_and_can_be_killed() {
    for (number, version) in [(0x10, Version::V1), (0x11, Version::V2)] {
        let Some(mut kept) = Kept::new(number) else {
            return;
        };
        let records = kept.records(version);
        let Ok(opened) = Opened::by(&records) else {
            eprintln!("skipped: there is no {version:?}");
            continue;
        };
        let pid = kept.run("while :; do :; done");
        eventually(|| opened.processes().unwrap() == [pid]);
        assert!(!opened.is_frozen());
        if let Err(error) = opened.freeze() {
            eprintln!("skipped: {error}");
            continue;
        }
        assert!(opened.is_frozen());
        let time = || opened.load().processor_time;
        let before = time();
        std::thread::sleep(Duration::from_millis(30));
        assert_eq!(before, time(), "{version:?}");
        opened.freeze().unwrap();
        opened.thaw().unwrap();
        eventually(|| !opened.is_frozen() && state(pid) == "R");
        opened.thaw().unwrap();
        opened.freeze().unwrap();
        opened.kill().unwrap();
        assert_eq!(opened.processes().unwrap(), [] as [Pid; 0]);
        assert_eq!(state(pid), "Z");
    }
}

#[test]
fn what_the_container_has_frozen_itself_is_killed_too() {
    for (number, version) in [(0x12, Version::V1), (0x13, Version::V2)] {
        let Some(mut kept) = Kept::new(number) else {
            return;
        };
        let (file, value) = match version {
            Version::V1 => ("freezer.state", "FROZEN"),
            Version::V2 => ("cgroup.freeze", "1"),
        };
        let mut records = kept.records(version);
        records.retain(|record| {
            std::path::Path::new(record.path().to_str().unwrap())
                .join(file)
                .exists()
        });
        let Ok(opened) = Opened::by(&records) else {
            eprintln!("skipped: {version:?} has no freezer here");
            continue;
        };
        let path = records[0].path().into_string().unwrap();
        let pid = kept.run(&format!(
            "mkdir -p {path}/a/b {path}/c || exit
             sh -c 'echo $$ > {path}/a/b/cgroup.procs; exec sleep 1000' &
             sleep 0.01
             echo {value} > {path}/a/{file}
             exec sleep 1000"
        ));
        let inner = || {
            let processes = opened.processes().unwrap();
            processes.into_iter().find(|other| *other != pid)
        };
        let frozen = || {
            let events = match version {
                Version::V1 => std::fs::read_to_string(format!("{path}/a/b/freezer.state")),
                Version::V2 => std::fs::read_to_string(format!("{path}/a/b/cgroup.events")),
            };
            let events = events.unwrap_or_default();
            events.contains("FROZEN") || events.contains("frozen 1")
        };
        eventually(|| inner().is_some() && frozen());
        opened.kill().unwrap();
        assert_eq!(opened.processes().unwrap(), [] as [Pid; 0]);
    }
}

#[test]
fn what_was_killed_while_frozen_is_swept() {
    for (number, version) in [(0x16, Version::V1), (0x17, Version::V2)] {
        let Some(mut kept) = Kept::new(number) else {
            return;
        };
        let all = kept.group.records();
        let opened = Opened::by(&kept.records(version));
        let pid = kept.run("exec sleep 1000");
        let Ok(opened) = opened.and_then(|opened| opened.freeze().map(|()| opened)) else {
            eprintln!("skipped: {version:?} freezes nothing here");
            continue;
        };
        // As the kernel kills it with its mydocker.
        process::kill(pid, libc::SIGKILL).unwrap();
        drop(opened);
        drop(kept.group.locks.borrow_mut().take());
        std::mem::forget(std::mem::take(&mut kept.group));
        // What other tests fork has a copy of the locks for a moment.
        eventually(|| {
            sweep::clean_up(&all).unwrap();
            let mut records = all.iter();
            records.all(|record| Opened::by(std::slice::from_ref(record)).is_err())
        });
    }
}

#[test]
fn what_is_used_is_counted() {
    let Some(mut kept) = Kept::new(0x14) else {
        return;
    };
    let opened = Opened::by(&kept.group.records()).unwrap();
    kept.run("a=$(head -c 4m /dev/zero | tr '\\0' a); sleep 1000 & wait");
    if opened.with(Controller::Memory).is_some() {
        eventually(|| opened.load().memory.unwrap().used > 4 << 20);
        assert_eq!(opened.load().memory.unwrap().limit, None);
    }
    if opened.with(Controller::Pids).is_some() {
        eventually(|| opened.load().processes == Some(2));
    }
    eventually(|| opened.load().processor_time > Some(Duration::ZERO));
}

#[test]
fn limits_are_changed_while_it_runs() {
    let Some(mut kept) = Kept::new(0x18) else {
        return;
    };
    let opened = Opened::by(&kept.group.records()).unwrap();
    let (Some((memory, version)), Some((pids, _))) = (
        opened.with(Controller::Memory),
        opened.with(Controller::Pids),
    ) else {
        return eprintln!("skipped: neither memory nor processes are limited here");
    };
    let limit = || {
        let file = match version {
            Version::V1 => c"memory.limit_in_bytes",
            Version::V2 => c"memory.max",
        };
        memory.read(file).unwrap()
    };
    let none = Limits::default();
    let of = |mebibytes: u64, processes| Limits {
        memory: Some(mebibytes << 20),
        processes,
        ..Limits::default()
    };
    let unlimited = limit();
    // Above the limit of memory and swap together that it has, and below it; and none.
    for (before, after) in [
        (none.clone(), of(64, None)),
        (of(64, None), of(512, Some(9))),
        (of(512, Some(9)), of(32, Some(8))),
    ] {
        opened.change(&before, &after).unwrap();
        assert_eq!(limit(), after.memory.unwrap().to_string());
        let processes = after.processes.map(|number| number.to_string());
        assert_eq!(
            pids.read(c"pids.max").unwrap(),
            processes.unwrap_or("max".into())
        );
    }
    kept.run("a=$(head -c 24m /dev/zero | tr '\\0' a); sleep 1000 & wait");
    eventually(|| opened.load().memory.unwrap().used > 24 << 20);
    // Those that are set are put back when one is refused.
    let shares = Limits {
        shares: Some(2000),
        ..of(8, Some(5))
    };
    let swap = std::fs::read_to_string("/proc/swaps").unwrap();
    if swap.lines().count() == 1 {
        let error = opened.change(&of(32, Some(8)), &shares).unwrap_err();
        assert_eq!(error.errno(), Some(Errno::EBUSY), "{error}");
        assert_eq!(limit(), (32 << 20).to_string());
        assert_eq!(pids.read(c"pids.max").unwrap(), "8");
    }
    opened.change(&of(32, Some(8)), &none).unwrap();
    assert_eq!(limit(), unlimited);
    // Without the controller nothing can be changed.
    let mut records = kept.group.records();
    records.retain(|record| {
        record.version == Version::V1 && record.controllers == [Controller::Freezer]
    });
    if let Ok(frozen) = Opened::by(&records) {
        let error = frozen.change(&none, &of(64, None)).unwrap_err().to_string();
        assert!(
            error.contains("no cgroup with the memory controller"),
            "{error}"
        );
    }
}

#[test]
fn what_is_gone_is_said() {
    let Some(kept) = Kept::new(0x15) else {
        return;
    };
    let records = kept.group.records();
    drop(kept);
    let error = Opened::by(&records).err().unwrap().to_string();
    assert!(
        error.ends_with("(ENOENT): the container's cgroup is gone"),
        "{error}"
    );
    assert!(Opened::by(&[]).is_err());
}
