//! `pause` and `unpause`: containers that stand still, however they are frozen, and how they end.

mod common;

use common::cgroups::own_cgroups;
use common::stay::*;
use common::*;
use nix::sys::signal::Signal;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

/// What has no rest.
const BUSY: [&str; 3] = ["/bin/sh", "-c", "while :; do :; done"];

fn start(stay: &Stay, name: &str, command: &[&str]) -> String {
    let words = [&["run", "-d", "--name", name], command].concat();
    stay.says(&words);
    stay.asks("{{.State.Pid}}", name)
}

/// Clock ticks that a process has had.
fn ticks(pid: &str) -> u64 {
    common::pty::ticks(pid.parse().expect("a pid"))
}

fn monitor(stay: &Stay, name: &str) -> u32 {
    stay.pid(&stay.asks("{{.Id}}", name), "monitor")
}

/// The way of each caller that can freeze: root's, where there are cgroups.
fn each_freezing(test: impl Fn(&Stay)) {
    each_stay(|stay| {
        let pid = start(stay, "probe", &["/bin/sleep", "1000"]);
        let cgroups = own_cgroups(&pid);
        stay.says(&["rm", "-f", "probe"]);
        match cgroups.is_empty() {
            true => eprintln!("{}: no cgroups of its own here", stay.case),
            false => test(stay),
        }
    });
}

#[test]
fn a_paused_container_stands_still_and_goes_on() {
    each_freezing(|stay| {
        let pid = start(stay, "a", &BUSY);
        assert_eq!(stay.says(&["pause", "a"]), "a");
        assert_eq!(
            stay.asks("{{.State.Status}} {{.State.Paused}}", "a"),
            "paused true"
        );
        let up = stay.says(&["ps", "--format", "{{.Status}}"]);
        assert!(up.ends_with(" (Paused)"), "{up}");
        let before = ticks(&pid);
        std::thread::sleep(std::time::Duration::from_millis(100));
        assert_eq!(ticks(&pid), before, "{}: it has run on", stay.case);
        let said = stay.fails(1, &["pause", "a"]);
        assert!(said.contains("Container a is already paused"), "{said}");

        assert_eq!(stay.says(&["unpause", "a"]), "a");
        assert_eq!(stay.asks("{{.State.Status}}", "a"), "running");
        assert!(eventually(|| ticks(&pid) > before), "{}", stay.case);
        let said = stay.fails(1, &["unpause", "a"]);
        assert!(said.contains("Container a is not paused"), "{said}");
    });
}

#[test]
fn what_cannot_be_paused_is_told_and_the_rest_is_paused() {
    each_stay(|stay| {
        stay.says(&["create", "--name", "new", "/bin/true"]);
        stay.says(&["run", "-d", "--name", "over", "/bin/true"]);
        stay.becomes("exited", "over");
        for name in ["new", "over"] {
            let said = stay.fails(1, &["pause", name]);
            assert!(
                said.contains(&format!("Container {name} is not running")),
                "{said}"
            );
            let said = stay.fails(1, &["unpause", name]);
            assert!(
                said.contains(&format!("Container {name} is not paused")),
                "{said}"
            );
        }
        let said = stay.fails(1, &["pause", "nope"]);
        assert!(said.contains("No such container: nope"), "{said}");
        let pid = start(stay, "a", &["/bin/sleep", "1000"]);
        let outcome = stay.outcome(&["pause", "over", "a"]);
        assert_eq!(outcome.code(), Some(1), "{outcome:?}");
        if own_cgroups(&pid).is_empty() {
            // As an ordinary user's.
            assert_eq!(outcome.stderr.lines().count(), 2, "{outcome:?}");
            let why = "cannot pause container a: the container has no cgroup of its own";
            assert!(outcome.stderr.contains(why), "{outcome:?}");
            assert_eq!(stay.asks("{{.State.Status}}", "a"), "running");
        } else {
            assert_eq!(outcome.stdout, "a\n", "{outcome:?}");
            assert_eq!(stay.asks("{{.State.Status}}", "a"), "paused");
        }
    });
}

/// Ends a paused container in every way; nothing of it stays.
fn end_each_way(stay: &Stay, command: &dyn Fn(&[&str]) -> Command) {
    let stop = ["stop", "-t", "0", "a"];
    for end in [
        &["kill", "a"][..],
        &stop,
        &["stop", "a"],
        &["rm", "-f", "a"],
        &[],
    ] {
        let label = format!("{} {end:?}", stay.case);
        let script = "trap 'exit 0' TERM; while :; do :; done";
        let words = ["run", "-d", "--name", "a", "/bin/sh", "-c", script];
        let outcome = finish(command(&words));
        assert_eq!(outcome.code(), Some(0), "{label}: {outcome:?}");
        let pid = stay.asks("{{.State.Pid}}", "a");
        let cgroups: Vec<PathBuf> = own_cgroups(&pid);
        assert!(!cgroups.is_empty(), "{label}");
        stay.says(&["pause", "a"]);
        match end {
            [] => kill(monitor(stay, "a"), Signal::SIGKILL),
            words => drop(stay.says(words)),
        }
        // Who looks puts right what a killed monitor has left.
        let is_over = || {
            let left = stay.says(&["ps", "-a", "--format", "{{.State}}"]);
            left.is_empty() || left == "exited"
        };
        assert!(eventually(is_over), "{label}");
        assert!(
            eventually(|| has_ended(pid.parse().expect("a pid"))),
            "{label}: process {pid} lives on"
        );
        let left = || cgroups.iter().filter(|path| path.exists()).count();
        assert!(eventually(|| left() == 0), "{label}: {cgroups:?}");
        stay.says(&["rm", "-f", "a"]);
    }
}

#[test]
fn a_paused_container_is_ended_in_every_way() {
    each_freezing(|stay| end_each_way(stay, &|words| stay.command(words)));
}

/// A host that has v1 alone: who is frozen by it ignores even SIGKILL.
#[test]
fn what_v1_has_frozen_is_ended_in_every_way() {
    for case in root_cases() {
        let v2 = "/sys/fs/cgroup/unified";
        let has_both = std::path::Path::new("/sys/fs/cgroup/freezer/cgroup.procs").exists();
        if !has_both || !std::path::Path::new(v2).join("cgroup.procs").exists() {
            return skip("it takes cgroup v1 with its freezer, and v2 beside it");
        }
        let Some(stay) = Stay::new(case) else { return };
        let without = |words: &[&str]| {
            let command = stay.command(words);
            let script = format!("umount {v2} && exec \"$@\"");
            let mut line: Vec<OsString> = ["unshare", "--mount", "sh", "-c", &script, "sh"]
                .map(OsString::from)
                .into();
            line.push(command.get_program().into());
            line.extend(command.get_args().map(OsString::from));
            stay.case.prepared(&line)
        };
        end_each_way(&stay, &without);
    }
}

/// An ordinary user to whom a cgroup v2 was delegated.
#[test]
fn a_user_pauses_in_a_cgroup_of_their_own() {
    for case in ordinary_cases() {
        let Some(delegated) = Delegated::new() else {
            return;
        };
        let Some(stay) = Stay::new(case) else { return };
        let command = stay.command(&["run", "-d", "--name", "a", BUSY[0], BUSY[1], BUSY[2]]);
        let outcome = finish(delegated.wrapped(&command));
        assert_eq!(outcome.code(), Some(0), "{case}: {outcome:?}");
        let pid = stay.asks("{{.State.Pid}}", "a");
        let cgroups = own_cgroups(&pid);
        assert_eq!(cgroups.len(), 1, "{case}: {cgroups:?}");
        stay.says(&["pause", "a"]);
        let before = ticks(&pid);
        std::thread::sleep(std::time::Duration::from_millis(100));
        assert_eq!(ticks(&pid), before, "{case}: it has run on");
        stay.says(&["unpause", "a"]);
        assert!(eventually(|| ticks(&pid) > before), "{case}");
        stay.says(&["pause", "a"]);
        stay.says(&["rm", "-f", "a"]);
        assert!(eventually(|| !cgroups[0].exists()), "{case}");
    }
}

/// A cgroup of v2 that is an ordinary user's, with one below it for the caller; both go with this.
struct Delegated(PathBuf);

impl Delegated {
    /// `None`, and said so: there can be none.
    fn new() -> Option<Self> {
        if !nix::unistd::Uid::effective().is_root() {
            skip_root_only("root delegates a cgroup");
            return None;
        }
        let tops = ["/sys/fs/cgroup/unified", "/sys/fs/cgroup"].map(PathBuf::from);
        let top = tops
            .into_iter()
            .find(|top| top.join("cgroup.subtree_control").exists());
        let Some(top) = top else {
            skip("there is no cgroup v2");
            return None;
        };
        let own = Self(top.join(format!("test-{}", mark().replace('/', "-"))));
        if let Err(error) =
            std::fs::create_dir(&own.0).and_then(|()| std::fs::create_dir(own.caller()))
        {
            skip(&format!("no cgroup can be made here: {error}"));
            return None;
        }
        for directory in [&own.0, &own.caller()] {
            for file in ["", "cgroup.procs", "cgroup.subtree_control"] {
                let path = directory.join(file);
                std::os::unix::fs::chown(path, Some(ORDINARY), Some(ORDINARY_GROUP)).unwrap();
            }
        }
        Some(own)
    }

    fn caller(&self) -> PathBuf {
        self.0.join("caller")
    }

    /// A command of the ordinary user's, run in it.
    fn wrapped(&self, command: &Command) -> Command {
        let procs = self.caller().join("cgroup.procs");
        let mut wrapped = Command::new("sh");
        wrapped
            .args(["-c", "echo $$ > $0 && exec \"$@\""])
            .arg(procs)
            .args(["setpriv", "--clear-groups"])
            .arg(format!("--reuid={ORDINARY}"))
            .arg(format!("--regid={ORDINARY_GROUP}"))
            .arg(command.get_program())
            .args(command.get_args())
            .current_dir("/")
            .stdin(std::process::Stdio::null());
        wrapped
    }
}

impl Drop for Delegated {
    fn drop(&mut self) {
        // A monitor may be on its way out.
        eventually(|| std::fs::remove_dir(self.caller()).is_ok() || !self.caller().exists());
        let _ = std::fs::remove_dir(&self.0);
    }
}
