//! What a start has made on the host before an error is removed again, at whatever call the error comes.

use crate::common::cgroups::*;
use crate::common::tree::*;
use crate::common::*;
use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Stdio};

/// Everything below a directory but what is written to UPPER, by name.
fn names(tree: &Tree) -> Vec<String> {
    let root = tree.root();
    let beside = root.parent().unwrap();
    let mut names = Vec::new();
    for directory in [beside, root.as_path()] {
        for entry in std::fs::read_dir(directory).unwrap() {
            names.push(entry.unwrap().path().display().to_string());
        }
    }
    names.sort();
    names
}

/// A root that lacks places, an upper directory, and the options that use them.
fn trees(case: Case) -> Option<[(Tree, Vec<String>); 2]> {
    let (plain, overlay) = (Tree::new(case)?, Tree::new(case)?);
    for name in ["proc", "sys", "dev"] {
        std::fs::remove_dir(plain.root().join(name)).unwrap();
    }
    let upper = format!("--overlay={}", overlay.directory("up"));
    Some([(plain, vec![]), (overlay, vec![upper])])
}

/// Calls of mydocker's own after which something may be there, and an errno that each can have.
const FAULTS: [(&str, &str); 2] = [("openat", "EMFILE"), ("mkdirat", "ENOSPC")];

#[test]
fn after_a_fault_at_any_call() {
    if !has_strace() {
        return;
    }
    let limited = limited_cases();
    for case in cases() {
        // The parent's part is the same.
        if case.launch == "re-exec" {
            continue;
        }
        let Some(trees) = trees(case) else { return };
        let parent = Parent::new();
        for (tree, mut options) in trees {
            let volume = tree.directory("volume");
            options.extend(["-v".to_owned(), format!("{volume}:/mnt")]);
            if limited.contains(&case) {
                options.extend(["-m64m".into(), "--pids-limit=64".into(), parent.option()]);
            }
            let options: Vec<&str> = options.iter().map(String::as_str).collect();
            let ran = Path::new(&volume).join("ran");
            let traced = |strace: &[&str]| {
                let mut words: Vec<OsString> = vec!["strace".into()];
                words.extend(strace.iter().map(OsString::from));
                words.extend(tree.words(&options, &["/bin/touch", "/mnt/ran"]));
                finish(case.prepared(&words))
            };
            let trace = tree.beside("trace");
            for (call, errno) in FAULTS {
                let outcome = traced(&["-o", &trace, "-e", &format!("trace={call}")]);
                assert_eq!(outcome.code(), Some(0), "{case} {call}: {outcome:?}");
                let lines = std::fs::read_to_string(&trace).unwrap();
                let calls = lines.lines().filter(|line| line.starts_with(call)).count();
                let before = names(&tree);
                for number in 1..=calls {
                    std::fs::remove_file(&ran).unwrap_or_default();
                    let inject = format!("inject={call}:error={errno}:when={number}");
                    let outcome = traced(&["-o", &trace, "-e", &inject]);
                    let what = format!("{case} {options:?} {inject}: {outcome:?}");
                    if outcome
                        .stderr
                        .contains("error while loading shared libraries")
                    {
                        continue;
                    }
                    match outcome.code() {
                        Some(0) => {}
                        code => {
                            assert_eq!(code, Some(125), "{what}");
                            assert!(!ran.exists(), "{what}");
                            assert_eq!(outcome.stderr.lines().count(), 1, "{what}");
                        }
                    }
                    if outcome.code() == Some(0)
                        && (names(&tree) != before || !parent.containers().is_empty())
                    {
                        // It has come when all was to be removed: the next one does that.
                        assert_eq!(traced(&["-o", &trace]).code(), Some(0), "{what}");
                    }
                    assert_eq!(
                        parent.containers(),
                        Vec::<std::path::PathBuf>::new(),
                        "{what}"
                    );
                    assert_eq!(names(&tree), before, "{what}");
                }
            }
        }
    }
}

/// A cgroup that was left behind is swept, though someone has locked it.
#[test]
fn a_cgroup_that_someone_has_locked() {
    for case in limited_cases() {
        let parent = Parent::new();
        let options = ["-m64m".to_owned(), parent.option()];
        let options: Vec<&str> = options.iter().map(String::as_str).collect();
        let mut command = case.command(&[&options[..], &["-i"]].concat(), &["cat"]);
        let mut run = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        std::io::Write::write_all(run.stdin.as_mut().unwrap(), b"ready\n").unwrap();
        let mut ready = [0; 6];
        std::io::Read::read_exact(run.stdout.as_mut().unwrap(), &mut ready).unwrap();
        // Some of them one in another, as deep as the container could make them.
        let left = parent.containers();
        assert!(!left.is_empty(), "{case}");
        for cgroup in &left {
            let mut deep = cgroup.clone();
            for _ in 0..40 {
                deep.push("x");
                std::fs::create_dir(&deep).unwrap();
            }
            std::fs::create_dir_all(cgroup.join("y/z")).unwrap();
        }
        kill(run.id(), Signal::SIGKILL);
        run.wait().unwrap();
        let above = left[0].parent().unwrap();
        let locked: Vec<&Path> = left
            .iter()
            .map(|path| path.as_path())
            .chain([above])
            .collect();
        let mut holders: Vec<_> = locked
            .iter()
            .map(|path| {
                let mut flock = Command::new("flock");
                flock
                    .arg("-x")
                    .arg(path)
                    .args(["sh", "-c", "echo locked; read end"]);
                flock.stdin(Stdio::piped()).stdout(Stdio::piped());
                let mut holder = flock.spawn().expect("flock");
                let mut said = [0; 6];
                std::io::Read::read_exact(holder.stdout.as_mut().unwrap(), &mut said).unwrap();
                holder
            })
            .collect();
        assert!(eventually(|| {
            let outcome = case.run(&options, &["true"]);
            assert_eq!(outcome.code(), Some(0), "{case}: {outcome:?}");
            parent.containers().is_empty()
        }));
        for holder in &mut holders {
            drop(holder.stdin.take());
            let _ = holder.wait();
        }
    }
}

/// By re-exec the child's descriptors are put at numbers that were agreed on: it takes a few more, and says so.
#[test]
fn re_exec_with_few_open_files() {
    for case in cases() {
        let run = |files: u32| {
            let limit = format!("--nofile={files}");
            let mut words: Vec<OsString> = vec!["prlimit".into(), limit.into()];
            words.extend([mydocker().into(), "run".into(), "--launch".into()]);
            words.extend([case.launch, "--init", "true"].map(OsString::from));
            finish(case.prepared(&words))
        };
        let outcome = run(32);
        assert_eq!(outcome.code(), Some(0), "{case}: {outcome:?}");
        let outcome = run(10);
        if case.launch == "re-exec" {
            assert_eq!(outcome.code(), Some(125), "{case}: {outcome:?}");
            assert!(
                outcome.stderr.contains("(ulimit -n)"),
                "{case}: {outcome:?}"
            );
            assert_eq!(outcome.stderr.lines().count(), 1, "{case}: {outcome:?}");
        }
    }
}
