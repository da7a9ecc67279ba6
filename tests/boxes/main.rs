//! `mydocker pool` with whole boxes, and commands that run in them.

#[path = "../common/mod.rs"]
mod common;
mod ends;
mod fits;
mod keeping;
mod named;
mod sees;

use common::lease::{Lease, held_up_command};
use common::*;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A pool of boxes that is ready; ended with this.
struct Boxes {
    child: Child,
    case: Case,
    directory: String,
    scratch: Scratch,
}

impl Boxes {
    /// Of boxes with these options.
    fn new(case: Case, size: usize, options: &[&str]) -> Self {
        Self::wrapped(case, &[], size, options)
    }

    /// Kept by a process that these words make of itself.
    fn wrapped(case: Case, wrapper: &[&str], size: usize, options: &[&str]) -> Self {
        let scratch = Scratch::new();
        // Whoever keeps it makes its directory.
        open_to_all(scratch.path());
        let directory = scratch.file("pool");
        let mut line: Vec<OsString> = wrapper.iter().map(Into::into).collect();
        line.extend([mydocker().into(), "pool".into(), "--size".into()]);
        line.push(size.to_string().into());
        line.extend(["--log", &scratch.file("log"), "--log-level=debug"].map(Into::into));
        line.extend(options.iter().map(Into::into));
        line.push(directory.clone().into());
        let child = case.prepared(&line).spawn().unwrap();
        let pool = Self {
            child,
            case,
            directory,
            scratch,
        };
        assert!(
            eventually(|| pool.log().contains("the pool is ready")),
            "{case} {options:?}: {}",
            pool.log()
        );
        pool
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.scratch.file("log")).unwrap_or_default()
    }

    /// Its boxes, by the pids of their first processes.
    fn all(&self) -> BTreeSet<u32> {
        children(self.child.id())
    }

    /// A command line that takes a box, if there is one that fits, and says so in a file.
    fn line(&self, told: &Path, options: &[&str], command: &[&str]) -> Command {
        let told = told.to_str().unwrap();
        let pool = ["--pool", &self.directory, "--log", told, "--log-level=info"];
        self.case.command(&[&pool[..], options].concat(), command)
    }

    /// Runs a command in a box to its end. (On a machine that is busy enough no box may have accepted the call in time; the
    /// command runs in a container of its own then, and is run once more.)
    #[track_caller]
    fn run_with(
        &self,
        options: &[&str],
        command: &[&str],
        mut prepare: impl FnMut(&mut Command),
    ) -> Outcome {
        for number in 0..200 {
            let told = self.scratch.path().join(format!("told-{number}"));
            let mut line = self.line(&told, options, command);
            prepare(&mut line);
            let outcome = finish(line);
            if was_in_box(&told) {
                std::fs::remove_file(told).unwrap();
                return outcome;
            }
            let _ = std::fs::remove_file(told);
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!(
            "{} {options:?} {command:?}: never in a box: {}",
            self.case,
            self.log()
        );
    }

    #[track_caller]
    fn run(&self, options: &[&str], command: &[&str]) -> Outcome {
        self.run_with(options, command, |_| {})
    }

    /// A command that runs in a box and has said a line.
    #[track_caller]
    fn start(
        &self,
        options: &[&str],
        command: &[&str],
    ) -> (Child, BufReader<std::process::ChildStdout>) {
        for number in 0..200 {
            let told = self.scratch.path().join(format!("told-{number}"));
            let mut line = self.line(&told, options, command);
            let mut child = line.stdout(Stdio::piped()).spawn().unwrap();
            let mut output = BufReader::new(child.stdout.take().unwrap());
            let mut said = String::new();
            output.read_line(&mut said).unwrap();
            assert!(
                !said.is_empty(),
                "{} {options:?} {command:?}: {:?}",
                self.case,
                child.wait()
            );
            let was = was_in_box(&told);
            let _ = std::fs::remove_file(told);
            if was {
                return (child, output);
            }
            let _ = child.kill();
            let _ = child.wait();
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!(
            "{} {options:?} {command:?}: never in a box: {}",
            self.case,
            self.log()
        );
    }

    /// Until there are as many boxes as there are to be, and none has a job.
    fn is_refilled(&self, size: usize) -> bool {
        eventually(|| self.all().len() == size)
    }
}

impl Drop for Boxes {
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|ended| ended.is_none()) {
            kill(self.child.id(), Signal::SIGTERM);
            let _ = wait(&mut self.child);
        }
    }
}

fn open_to_all(directory: &Path) {
    std::fs::set_permissions(directory, std::fs::Permissions::from_mode(0o777)).unwrap();
}

/// What a log of a run tells.
fn was_in_box(told: &Path) -> bool {
    std::fs::read_to_string(told)
        .is_ok_and(|told| told.contains("launch=pool") || told.contains("\"launch\":\"pool\""))
}

fn children(pid: u32) -> BTreeSet<u32> {
    let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
    let children = children.unwrap_or_default();
    children
        .split_whitespace()
        .map(|pid| pid.parse().unwrap())
        .collect()
}

/// Callers who have pools of their own, whatever the others use, and launch in the way that boxes are.
fn box_cases() -> Vec<Case> {
    let cases = cases().into_iter();
    cases
        .filter(|case| case.launch == "in-process" && !case.is_pooled())
        .collect()
}

/// A root with a busybox in it.
fn tree() -> Option<Scratch> {
    let busybox = Path::new("/bin/busybox");
    if !busybox.exists() {
        skip("there is no /bin/busybox");
        return None;
    }
    let scratch = Scratch::new();
    open_to_all(scratch.path());
    let root = PathBuf::from(scratch.file("root"));
    std::fs::create_dir_all(root.join("bin")).unwrap();
    for name in ["etc", "proc", "sys", "dev", "tmp"] {
        std::fs::create_dir(root.join(name)).unwrap();
    }
    std::fs::copy(busybox, root.join("bin/busybox")).unwrap();
    let listed = Command::new(busybox).arg("--list").output().unwrap();
    for name in String::from_utf8(listed.stdout).unwrap().lines() {
        if name != "busybox" {
            let _ = std::os::unix::fs::symlink("busybox", root.join("bin").join(name));
        }
    }
    Some(scratch)
}
