//! Where the runtime has its containers, and how it tells what they are.

#![cfg(feature = "oci")]

mod common;

use common::oci::Oci;
use common::{Caller, Scratch, each_caller, finish, mydocker, root_cases, skip_root_only};
use serde_json::{Value, json};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::Command;

/// Ticks from the boot to the start of a process.
fn start_time(pid: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let rest = stat.rsplit(')').next().unwrap();
    rest.split_whitespace().nth(19).unwrap().parse().unwrap()
}

/// Writes a container down, as `create` would.
fn write_down(root: &Path, id: &str, pid: u32, start_time: u64) {
    let directory = root.join(id);
    std::fs::create_dir_all(&directory).unwrap();
    std::fs::set_permissions(root, std::fs::Permissions::from_mode(0o700)).unwrap();
    let record = json!({
        "id": id, "ociVersion": "1.2.0", "pid": pid, "startTime": start_time, "bundle": "/b", "root": "/b/r",
        "created": 1_800_000_000_000_000_001u64, "owner": 0, "annotations": [["k", "v"]], "cgroups": {},
        "systemd": false, "gate": 0, "sharesPids": false,
    });
    std::fs::write(directory.join("state.json"), record.to_string()).unwrap();
}

/// A process that is taken for a container's, and that its end may be.
struct Stranger(std::process::Child);

impl Stranger {
    fn new() -> Self {
        let mut command = std::process::Command::new("sleep");
        Self(command.arg("1000").spawn().expect("sleep"))
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_status_is_looked_at() {
    let oci = Oci::new("in-process");
    let stranger = Stranger::new();
    let pid = stranger.0.id();
    let started = start_time(pid);
    write_down(&oci.root(), "running", pid, started);
    write_down(&oci.root(), "another", pid, started + 1);
    write_down(&oci.root(), "gone", 4_194_303, 1);
    write_down(&oci.root(), "unborn", 0, 0);
    write_down(&oci.root(), "created", pid, started);
    let fifo = oci.root().join("created/exec.fifo");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
    assert_eq!(oci.status("created"), "running", "no one reads it");
    let reader = std::fs::File::options()
        .read(true)
        .write(true)
        .open(&fifo)
        .unwrap();
    for (id, status, pid) in [
        ("running", "running", pid),
        ("created", "created", pid),
        ("another", "stopped", 0),
        ("gone", "stopped", 0),
        ("unborn", "stopped", 0),
    ] {
        let state = oci.state(id);
        assert_eq!(state["status"], status, "{state}");
        assert_eq!(state["pid"], pid, "{state}");
        assert_eq!(state["id"], id);
        assert_eq!(state["bundle"], "/b");
        assert_eq!(state["annotations"]["k"], "v");
        assert_eq!(state["created"], "2027-01-15T08:00:00.000000001Z");
    }
    drop(reader);
    // A member a line, as runc and crun have it.
    let shown = oci.done(&["state", "gone"]).stdout;
    assert!(
        shown.starts_with("{\n    \"ociVersion\": ")
            && shown.contains("\n    \"status\": \"stopped\",\n"),
        "{shown}"
    );
    // While someone makes it.
    let lock = std::fs::File::open(oci.root().join("unborn")).unwrap();
    let lock = nix::fcntl::Flock::lock(lock, nix::fcntl::FlockArg::LockExclusive).unwrap();
    assert_eq!(oci.status("unborn"), "creating");
    drop(lock);
    // Nothing of this is a container's.
    std::fs::remove_dir_all(oci.root()).unwrap();
}

/// There is nothing that it could tell.
#[test]
fn an_empty_list_takes_no_proc() {
    if !nix::unistd::geteuid().is_root() {
        skip_root_only("only root unmounts /proc");
        return;
    }
    let oci = Oci::new("in-process");
    std::fs::create_dir(oci.root()).unwrap();
    std::fs::set_permissions(oci.root(), std::fs::Permissions::from_mode(0o700)).unwrap();
    let script = "mount --make-rprivate / && umount -l /proc && exec \"$@\"";
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", script, "sh"]);
    command.arg(mydocker()).args(["oci", "--root"]);
    command.arg(oci.root()).arg("list");
    let outcome = finish(command);
    assert_eq!(outcome.code(), Some(0), "{outcome:?}");
    assert_eq!(outcome.stdout.lines().count(), 1, "{outcome:?}");
    std::fs::remove_dir_all(oci.root()).unwrap();
}

#[test]
fn a_list_has_those_that_can_be_read() {
    let oci = Oci::new("in-process");
    let none = oci.run(&["list"]);
    assert!(
        none.code() == Some(1) && none.stderr.contains("no such file or directory"),
        "as runc has it of a root directory that was named: {none:?}"
    );
    assert!(!oci.root().exists(), "looking makes nothing");
    std::fs::create_dir(oci.root()).unwrap();
    std::fs::set_permissions(oci.root(), std::fs::Permissions::from_mode(0o700)).unwrap();
    let none = oci.done(&["list"]);
    // To the byte, as runc has it.
    assert_eq!(
        none.stdout,
        "ID          PID         STATUS      BUNDLE      CREATED     OWNER\n"
    );
    assert_eq!(oci.done(&["list", "--format", "json"]).stdout, "[]\n");
    let stranger = Stranger::new();
    let pid = stranger.0.id();
    write_down(&oci.root(), "b", pid, start_time(pid));
    write_down(&oci.root(), "a", pid, 1);
    std::fs::create_dir(oci.root().join("empty")).unwrap();
    std::fs::create_dir(oci.root().join("torn")).unwrap();
    std::fs::write(oci.root().join("torn/state.json"), "{\"id\":").unwrap();
    let list = oci.done(&["list", "-f", "json"]);
    let containers: Value = serde_json::from_str(&list.stdout).unwrap();
    let ids: Vec<_> = containers
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["id"])
        .collect();
    assert_eq!(ids, ["a", "b"]);
    assert_eq!(containers[1]["owner"], "root");
    let logged = oci.logged();
    assert!(
        logged.len() == 2 && logged[1].contains("torn"),
        "{logged:?}"
    );
    let table = oci.done(&["list"]).stdout;
    let head = table.lines().next().unwrap();
    assert_eq!(
        head.split_whitespace().collect::<Vec<_>>(),
        ["ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"]
    );
    assert!(
        table
            .lines()
            .any(|line| line.starts_with("b ") && line.contains(" running ")),
        "{table}"
    );
    assert_eq!(oci.done(&["list", "-q"]).stdout, "a\nb\nempty\ntorn\n");
    std::fs::remove_dir_all(oci.root()).unwrap();
}

#[test]
fn a_root_directory_is_its_users_alone() {
    for case in each_caller() {
        let scratch = Scratch::new();
        let run = |root: &str| {
            let line = ["oci", "--root", root, "state", "a"].map(Into::into);
            let line: Vec<_> = std::iter::once(mydocker().into()).chain(line).collect();
            finish(case.prepared(&line))
        };
        let open = scratch.file("open");
        std::fs::create_dir(&open).unwrap();
        std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o777)).unwrap();
        let owner = std::fs::metadata(&open).unwrap().uid();
        let outcome = run(&open);
        let told = match case.caller {
            Caller::Ordinary
                if owner != common::ORDINARY && nix::unistd::Uid::effective().is_root() =>
            {
                "another user's"
            }
            _ => "others may write to it",
        };
        assert!(outcome.stderr.contains(told), "{case}: {outcome:?}");
        let file = scratch.file("file");
        std::fs::write(&file, "").unwrap();
        assert!(run(&file).stderr.contains("ENOTDIR"), "{case}");
        assert!(
            run(&scratch.file("none")).stderr.contains("does not exist"),
            "{case}"
        );
    }
}

#[test]
fn a_session_has_the_root_of_who_is_not_root() {
    for case in each_caller()
        .into_iter()
        .filter(|case| case.caller == Caller::Ordinary)
    {
        let scratch = Scratch::new();
        let list = |directory: Option<&Path>| {
            let line = ["oci", "list", "-q"].map(Into::into);
            let line: Vec<_> = std::iter::once(mydocker().into()).chain(line).collect();
            let mut command = case.prepared(&line);
            command.env_remove("XDG_RUNTIME_DIR");
            if let Some(directory) = directory {
                command.env("XDG_RUNTIME_DIR", directory);
            }
            finish(command)
        };
        let outcome = list(None);
        assert!(outcome.stderr.contains("XDG_RUNTIME_DIR"), "{outcome:?}");
        let root = scratch.path().join("mydocker-oci");
        std::fs::create_dir_all(root.join("x")).unwrap();
        std::fs::set_permissions(&root, std::fs::Permissions::from_mode(0o700)).unwrap();
        if nix::unistd::Uid::effective().is_root() {
            std::os::unix::fs::chown(&root, Some(common::ORDINARY), None).unwrap();
        }
        assert_eq!(list(Some(scratch.path())).stdout, "x\n");
    }
}

#[test]
fn a_name_is_claimed_once() {
    for case in root_cases() {
        let oci = Oci::new(case.launch);
        std::fs::create_dir_all(oci.root().join("a")).unwrap();
        std::fs::set_permissions(oci.root(), std::fs::Permissions::from_mode(0o700)).unwrap();
        let outcome = oci.run(&["create", "a"]);
        assert_eq!(outcome.code(), Some(1), "{case}: {outcome:?}");
        assert!(
            outcome.stderr.contains("already exists"),
            "{case}: {outcome:?}"
        );
    }
}

#[test]
fn a_container_goes_from_one_status_to_the_next() {
    for case in root_cases() {
        let oci = Oci::new(case.launch);
        oci.write(&oci.config(&["sleep", "1000"]));
        oci.done(&["create", "a"]);
        let mode = std::fs::metadata(oci.root()).unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, 0o700, "{case}");
        assert_eq!(oci.status("a"), "created", "{case}");
        oci.done(&["start", "a"]);
        assert_eq!(oci.status("a"), "running", "{case}");
        let state = oci.state("a");
        assert_eq!(state["bundle"], oci.bundle().to_str().unwrap(), "{case}");
        oci.done(&["kill", "a", "KILL"]);
        assert!(
            common::eventually(|| oci.status("a") == "stopped"),
            "{case}"
        );
        assert_eq!(oci.state("a")["pid"], 0, "{case}");
        oci.done(&["delete", "a"]);
        let gone = oci.run(&["state", "a"]);
        assert!(gone.stderr.contains("does not exist"), "{case}: {gone:?}");
        assert_eq!(std::fs::read_dir(oci.root()).unwrap().count(), 0, "{case}");
    }
}
