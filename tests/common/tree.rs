//! A root file system of busybox, and what is around it.

#![allow(dead_code)]

use crate::common::*;
use nix::unistd::{Gid, Uid, chown};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A root with a shell, which belongs to the caller of a case; gone with the test.
pub struct Tree {
    scratch: Scratch,
    case: Case,
}

/// busybox, if it is there and needs no loader.
pub fn busybox() -> Option<PathBuf> {
    let found = ["/bin/busybox", "/usr/bin/busybox"]
        .into_iter()
        .map(PathBuf::from)
        .find(|file| file.exists());
    let Some(file) = found else {
        skip("there is no busybox");
        return None;
    };
    if wants_loader(&std::fs::read(&file).expect("busybox can be read")) {
        skip("busybox is not static");
        return None;
    }
    Some(file)
}

/// Whether a program has an interpreter: a PT_INTERP among its program headers (elf(5), 64 bits).
pub fn wants_loader(elf: &[u8]) -> bool {
    const PT_INTERP: u64 = 3;
    let number = |at: usize, size: usize| {
        let bytes = elf[at..at + size].iter().rev();
        bytes.fold(0u64, |number, byte| number << 8 | u64::from(*byte))
    };
    let (headers, size, count) = (number(32, 8), number(54, 2), number(56, 2));
    (0..count).any(|index| number((headers + index * size) as usize, 4) == PT_INTERP)
}

/// A tree for each way of starting a container.
pub fn each(test: impl Fn(Case, &Tree)) {
    for case in cases() {
        if let Some(tree) = Tree::new(case) {
            test(case, &tree);
        }
    }
}

/// A tree for each way in which root starts containers.
pub fn each_of_root(test: impl Fn(Case, &Tree)) {
    for case in root_cases() {
        if let Some(tree) = Tree::new(case) {
            test(case, &tree);
        }
    }
}

impl Tree {
    /// `None`, and said so, without a static busybox.
    pub fn new(case: Case) -> Option<Self> {
        let tree = Self {
            scratch: Scratch::new(),
            case,
        };
        let root = tree.root();
        for name in ["bin", "dev", "etc", "mnt", "proc", "sys", "tmp"] {
            std::fs::create_dir_all(root.join(name)).expect("a directory");
        }
        copy_program(&busybox()?, &root.join("bin/busybox"));
        for name in [
            "sh", "cat", "chroot", "cp", "cut", "dd", "echo", "grep", "head", "hostname", "id",
            "ln", "ls", "mkdir", "mount", "mv", "od", "pwd", "readlink", "rm", "sleep", "sort",
            "stat", "tail", "touch", "tr", "true", "tty", "umount", "wc",
        ] {
            symlink("busybox", root.join("bin").join(name)).expect("a link");
        }
        for name in ["hostname", "hosts", "resolv.conf"] {
            std::fs::write(root.join("etc").join(name), "").expect("a file");
        }
        let accounts =
            "root:x:0:0:root:/home-of-root:/bin/sh\nsmith:x:1234:555::/home/smith:/bin/sh\n";
        std::fs::write(root.join("etc/passwd"), accounts).expect("a file");
        std::fs::write(root.join("etc/group"), "root:x:0:\nsmiths:x:555:\n").expect("a file");
        tree.give(&root);
        Some(tree)
    }

    pub fn root(&self) -> PathBuf {
        self.scratch.path().join("root")
    }

    /// The root as an argument.
    pub fn name(&self) -> String {
        self.scratch.file("root")
    }

    /// Something beside the root, as an argument.
    pub fn beside(&self, name: &str) -> String {
        self.scratch.file(name)
    }

    /// A directory beside the root, with one file in it, which belong to the caller.
    pub fn directory(&self, name: &str) -> String {
        let path = self.beside(name);
        std::fs::create_dir_all(&path).expect("a directory");
        std::fs::write(Path::new(&path).join("file"), format!("of {name}\n")).expect("a file");
        self.give(Path::new(&path));
        path
    }

    /// Makes the caller the owner of everything from there down.
    pub fn give(&self, path: &Path) {
        if self.case.caller == Caller::Root || !Uid::effective().is_root() {
            return;
        }
        let (user, group) = (Uid::from_raw(ORDINARY), Gid::from_raw(ORDINARY_GROUP));
        if path.symlink_metadata().expect("it is there").is_symlink() {
            return;
        }
        chown(path, Some(user), Some(group)).expect("chown");
        if path.is_dir() {
            for entry in std::fs::read_dir(path).expect("a directory") {
                self.give(&entry.expect("an entry").path());
            }
        }
    }

    /// `mydocker run --rootfs ROOT OPTIONS COMMAND`, as words.
    pub fn words(&self, options: &[&str], command: &[&str]) -> Vec<OsString> {
        let program = mydocker();
        let mut words: Vec<OsString> = vec![program.into(), "run".into(), "--launch".into()];
        let name = self.name();
        words.push(self.case.launch.into());
        words.extend(["--rootfs", &name].map(OsString::from));
        words.extend(options.iter().chain(command).map(OsString::from));
        words
    }

    pub fn run(&self, options: &[&str], command: &[&str]) -> Outcome {
        let name = self.name();
        let options = [&["--rootfs", name.as_str()], options].concat();
        self.case.run(&options, command)
    }

    /// Runs a shell's script in the root.
    pub fn shell(&self, options: &[&str], script: &str) -> Outcome {
        self.run(options, &["/bin/sh", "-c", script])
    }

    /// What the script prints, which must have succeeded.
    #[track_caller]
    pub fn says(&self, options: &[&str], script: &str) -> String {
        let outcome = self.shell(options, script);
        assert_eq!(outcome.code(), Some(0), "{}: {outcome:?}", self.case);
        outcome.stdout
    }

    /// The same where the kernel has none of these calls.
    #[track_caller]
    pub fn says_without(&self, calls: &[&str], options: &[&str], script: &str) -> String {
        let outcome = self.run_without(calls, options, &["/bin/sh", "-c", script]);
        assert_eq!(
            outcome.code(),
            Some(0),
            "{} without {calls:?}: {outcome:?}",
            self.case
        );
        outcome.stdout
    }

    pub fn run_without(&self, calls: &[&str], options: &[&str], command: &[&str]) -> Outcome {
        let wrapper = if calls.is_empty() {
            Vec::new()
        } else {
            [&["lacking"], calls].concat()
        };
        let name = self.name();
        let options = [&["--rootfs", name.as_str()], options].concat();
        finish(self.case.wrapped(&wrapper, &options, command))
    }

    /// Runs a script of the host's in a mount namespace of its own, whose mounts are shared among
    /// themselves as systemd leaves them; `"$@"` in it is `mydocker run --rootfs …`, called by the
    /// caller. `None`, and said so, if the tests do not run as root.
    pub fn among_mounts(
        &self,
        script: &str,
        options: &[&str],
        command: &[&str],
    ) -> Option<Outcome> {
        if !Uid::effective().is_root() {
            skip_root_only("it takes root to mount something for the test");
            return None;
        }
        let mut unshare = Command::new("unshare");
        unshare
            .args([
                "--mount",
                "--propagation",
                "shared",
                "sh",
                "-ec",
                script,
                "sh",
            ])
            .current_dir(self.scratch.path())
            .stdin(std::process::Stdio::null());
        if self.case.caller == Caller::Ordinary {
            let (user, group) = (ORDINARY.to_string(), ORDINARY_GROUP.to_string());
            unshare.args([
                "setpriv",
                "--reuid",
                &user,
                "--regid",
                &group,
                "--clear-groups",
            ]);
        }
        unshare.args(self.words(options, command));
        Some(finish(unshare))
    }

    /// Names, contents, owners, modes and times of everything in the root.
    pub fn snapshot(&self) -> Snapshot {
        snapshot(&self.root())
    }
}

/// Every path of a tree, with all that can be known of it but the time of its last reading.
pub type Snapshot = BTreeMap<PathBuf, String>;

pub fn snapshot(directory: &Path) -> Snapshot {
    let mut found = BTreeMap::new();
    let mut left = vec![directory.to_owned()];
    while let Some(path) = left.pop() {
        let facts = path.symlink_metadata().expect("it is there");
        let content = if facts.is_file() {
            format!("{} bytes", facts.len())
        } else if facts.is_symlink() {
            format!("{:?}", std::fs::read_link(&path).expect("a link"))
        } else {
            String::new()
        };
        let times = (
            facts.mtime_nsec(),
            facts.mtime(),
            facts.ctime_nsec(),
            facts.ctime(),
        );
        let line = format!(
            "{:o} {}:{} {} {} {times:?} {content}",
            facts.mode(),
            facts.uid(),
            facts.gid(),
            facts.ino(),
            facts.rdev(),
        );
        found.insert(path.clone(), line);
        if facts.is_dir() {
            for entry in std::fs::read_dir(&path).expect("a directory") {
                left.push(entry.expect("an entry").path());
            }
        }
    }
    found
}

/// The calls that kernels before Linux 5.2 do not have, and those before 5.12.
pub const BEFORE_5_2: [&str; 4] = ["openat2", "open_tree", "move_mount", "mount_setattr"];
pub const BEFORE_5_12: [&str; 1] = ["mount_setattr"];

/// A script's words for running a program where the kernel has none of these calls.
pub fn lacking(calls: &[&str]) -> String {
    if calls.is_empty() {
        String::new()
    } else {
        format!("{} lacking {} --", probe_name(), calls.join(" "))
    }
}
