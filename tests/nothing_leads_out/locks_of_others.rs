//! Every user who may read a directory can lock it, flock(2). No such lock is in mydocker's way, and a run without a lock
//! of its own makes no places for mounts, which another one could take away.

use crate::common::tree::*;
use crate::common::*;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A user that no case has.
const OTHER: u32 = 61_299;

/// The locks of another user on a directory, for as long as its input is open.
struct Held(Child);

impl Held {
    fn new(how: &str, directory: &str) -> Self {
        let mut flock = Command::new("flock");
        flock.args([how, directory, "sh", "-c", "echo locked; read end"]);
        flock.stdin(Stdio::piped()).stdout(Stdio::piped());
        if nix::unistd::Uid::effective().is_root() {
            flock.uid(OTHER).gid(OTHER);
        }
        let mut child = flock.spawn().expect("flock");
        let mut said = [0; 6];
        std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut said).unwrap();
        Self(child)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

/// A container that runs until its input ends.
fn start(case: Case, tree: &Tree, script: &str) -> Child {
    let mut command = case.command(
        &["--rootfs", &tree.name(), "-i"],
        &["/bin/sh", "-c", &format!("echo ready; read x; {script}")],
    );
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut run = command.spawn().unwrap();
    let mut ready = [0; 6];
    std::io::Read::read_exact(run.stdout.as_mut().unwrap(), &mut ready)
        .unwrap_or_else(|error| panic!("{case}: {error}"));
    run
}

fn end(mut run: Child) -> (Option<i32>, String) {
    drop(run.stdin.take());
    let mut said = String::new();
    std::io::Read::read_to_string(&mut run.stdout.take().unwrap(), &mut said).unwrap();
    (wait(&mut run).unwrap().code(), said)
}

fn without_places(tree: &Tree) {
    for name in ["proc", "sys", "dev"] {
        std::fs::remove_dir(tree.root().join(name)).unwrap();
    }
}

#[test]
fn an_upper_directory_that_someone_has_locked() {
    each(|case, tree| {
        let upper = tree.directory("up");
        let option = format!("--overlay={upper}");
        for how in ["-x", "-s"] {
            let _held = Held::new(how, &upper);
            let _held_too = Held::new(how, &tree.name());
            assert_eq!(
                tree.says(&[&option], "echo hello"),
                "hello\n",
                "{case} {how}"
            );
        }
        // It is one container's all the same.
        let mut command = case.command(
            &["--rootfs", &tree.name(), &option, "-i"],
            &["/bin/sh", "-c", "echo ready; read x"],
        );
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut first = command.spawn().unwrap();
        let mut ready = [0; 6];
        std::io::Read::read_exact(first.stdout.as_mut().unwrap(), &mut ready).unwrap();
        let outcome = tree.run(&[&option], &["/bin/true"]);
        assert_eq!(outcome.code(), Some(125), "{case}: {outcome:?}");
        assert!(
            outcome.stderr.contains("another container writes to it"),
            "{case}: {outcome:?}"
        );
        assert_eq!(end(first).0, Some(1), "{case}");
        assert_eq!(tree.says(&[&option], "echo hello"), "hello\n", "{case}");
    });
}

#[test]
fn places_that_a_container_uses_stay() {
    each(|case, tree| {
        without_places(tree);
        let held = Held::new("-x", &tree.name());
        let first = start(case, tree, "ls -d /proc/1 /sys/kernel /dev/null");
        drop(held);
        assert_eq!(tree.says(&[], "echo hello"), "hello\n", "{case}");
        let all = "/dev/null\n/proc/1\n/sys/kernel\n";
        assert_eq!(end(first), (Some(0), all.to_owned()), "{case}");
        for name in ["proc", "sys", "dev"] {
            assert!(!tree.root().join(name).exists(), "{case}: {name} stays");
        }
    });
}

#[test]
fn without_a_lock_no_places_are_made() {
    // F_OFD_SETLK fails with ENOLCK.
    let wrapper = ["deny", "fcntl", "37", "1=37"];
    for case in cases() {
        let Some(tree) = Tree::new(case) else { return };
        let name = tree.name();
        let run = |options: &[&str]| {
            let options = [&["--rootfs", name.as_str()], options].concat();
            finish(case.wrapped(&wrapper, &options, &["/bin/true"]))
        };
        // Where all is there, or comes from elsewhere, none is needed.
        assert_eq!(run(&[]).code(), Some(0), "{case}");
        std::fs::remove_dir(tree.root().join("sys")).unwrap();
        let before = snapshot(&tree.root());
        assert_eq!(run(&["--overlay"]).code(), Some(0), "{case}");
        let outcome = run(&[]);
        let message = format!(
            "mydocker: --rootfs {name}: it has no sys, and a place is made under a lock only: lock it: "
        );
        assert!(outcome.stderr.starts_with(&message), "{case}: {outcome:?}");
        assert_eq!(outcome.stderr.lines().count(), 1, "{case}: {outcome:?}");
        assert_eq!(outcome.code(), Some(125), "{case}");
        assert_eq!(snapshot(&tree.root()), before, "{case}");
        let upper = tree.directory("up");
        let outcome = run(&[&format!("--overlay={upper}")]);
        assert_eq!(outcome.code(), Some(125), "{case}: {outcome:?}");
        assert!(outcome.stderr.contains(&upper), "{case}: {outcome:?}");
        assert!(
            !Path::new(&tree.beside(".up.mydocker-work")).exists(),
            "{case}"
        );
    }
}

#[test]
fn what_another_user_has_made_is_left_alone() {
    for case in cases() {
        let Some(tree) = Tree::new(case) else { return };
        if !nix::unistd::Uid::effective().is_root() {
            skip_root_only("it takes two users");
            return;
        }
        let place = tree.root().join("proc");
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o1555);
        std::fs::set_permissions(&place, mode).unwrap();
        nix::unistd::chown(&place, Some(OTHER.into()), None).unwrap();
        let outcome = tree.run(&[], &["/bin/true"]);
        assert_eq!(outcome.code(), Some(125), "{case}: {outcome:?}");
        assert!(
            outcome
                .stderr
                .contains("another user's mydocker has made it"),
            "{case}: {outcome:?}"
        );
        assert_eq!(
            tree.says(&["--overlay"], "ls -d /proc/1"),
            "/proc/1\n",
            "{case}"
        );
        assert!(place.exists(), "{case}");
        // Its own goes, if it was left behind.
        nix::unistd::chown(
            &place,
            Some(
                if case.caller == Caller::Root {
                    0
                } else {
                    ORDINARY
                }
                .into(),
            ),
            None,
        )
        .unwrap();
        assert_eq!(tree.says(&[], "ls -d /proc/1"), "/proc/1\n", "{case}");
        assert!(!place.exists(), "{case}");
    }
}

/// An ordinary user's locks where someone has taken the names that they would have.
#[test]
fn a_name_that_someone_has_taken() {
    if !nix::unistd::Uid::effective().is_root() {
        skip_root_only("it takes two users");
        return;
    }
    for launch in ["in-process", "re-exec"] {
        // No test has this user, so the names are this one's alone.
        let case = Case {
            caller: Caller::Ordinary,
            launch,
        };
        if !cases().contains(&case) {
            return;
        }
        let Some(tree) = Tree::new(case) else { return };
        nix::unistd::chown(&tree.root(), Some(OTHER.into()), None).unwrap();
        std::fs::remove_dir(tree.root().join("sys")).unwrap();
        let taken = std::env::temp_dir().join(format!("mydocker-{OTHER}"));
        let run = || {
            let mut command = Command::new(mydocker());
            command.args([
                "run",
                "--launch",
                launch,
                "--rootfs",
                &tree.name(),
                "/bin/true",
            ]);
            command
                .current_dir("/")
                .stdin(Stdio::null())
                .uid(OTHER)
                .gid(OTHER);
            finish(command)
        };
        std::fs::create_dir(&taken).unwrap();
        let outcome = run();
        std::fs::remove_dir(&taken).unwrap();
        assert_eq!(outcome.code(), Some(125), "{outcome:?}");
        assert!(
            outcome.stderr.contains("closed to all others"),
            "{outcome:?}"
        );
        std::os::unix::fs::symlink(tree.directory("data"), &taken).unwrap();
        let outcome = run();
        std::fs::remove_file(&taken).unwrap();
        assert_eq!(outcome.code(), Some(125), "{outcome:?}");
        assert_eq!(run().code(), Some(0));
        assert!(!taken.exists(), "it is removed by the last one");
        assert!(!tree.root().join("sys").exists());
    }
}
