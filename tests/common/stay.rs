//! Containers that stay, in a store of the test's own, which is gone with the test.

#![allow(dead_code)]

use crate::common::tree::Tree;
use crate::common::*;
use std::ffi::OsString;
use std::process::Command;

/// A tree and a store beside it, for one way of starting containers.
pub struct Stay {
    pub case: Case,
    pub tree: Tree,
    state: String,
}

/// A store for each way of starting a container.
pub fn each_stay(test: impl Fn(&Stay)) {
    for case in cases() {
        if let Some(stay) = Stay::new(case) {
            test(&stay);
        }
    }
}

impl Stay {
    /// `None`, and said so, without a static busybox.
    pub fn new(case: Case) -> Option<Self> {
        let tree = Tree::new(case)?;
        let state = tree.directory("state");
        std::fs::remove_file(format!("{state}/file")).expect("a file less");
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o700);
        std::fs::set_permissions(&state, mode).expect("its mode");
        Some(Self { case, tree, state })
    }

    /// The store's directory.
    pub fn state(&self) -> &str {
        &self.state
    }

    /// `mydocker --state DIR WORDS`. Words that begin a container get its root and the way of its launch behind the first.
    pub fn words(&self, words: &[&str]) -> Vec<OsString> {
        let mut line: Vec<OsString> = vec![mydocker().into(), "--state".into()];
        line.push(self.state.clone().into());
        let (first, rest) = words.split_first().expect("a command");
        line.push(first.into());
        if matches!(*first, "run" | "create") {
            let root = self.tree.name();
            line.extend(["--launch", self.case.launch, "--rootfs", &root].map(OsString::from));
        }
        if *first == "exec" {
            line.extend(["--launch", self.case.launch].map(OsString::from));
        }
        line.extend(rest.iter().map(OsString::from));
        line
    }

    pub fn command(&self, words: &[&str]) -> Command {
        self.case.prepared(&self.words(words))
    }

    /// How that command ends.
    #[track_caller]
    pub fn outcome(&self, words: &[&str]) -> Outcome {
        finish(self.command(words))
    }

    /// What it prints, without the end of its last line; it must have succeeded.
    #[track_caller]
    pub fn says(&self, words: &[&str]) -> String {
        let outcome = self.outcome(words);
        assert_eq!(
            outcome.code(),
            Some(0),
            "{} {words:?}: {outcome:?}",
            self.case
        );
        assert_eq!(outcome.stderr, "", "{} {words:?}: {outcome:?}", self.case);
        outcome.stdout.trim_end_matches('\n').to_owned()
    }

    /// What it says on stderr, where it fails with that code and prints nothing else.
    #[track_caller]
    pub fn fails(&self, code: i32, words: &[&str]) -> String {
        let outcome = self.outcome(words);
        let label = format!("{} {words:?}: {outcome:?}", self.case);
        assert_eq!(outcome.code(), Some(code), "{label}");
        assert_eq!(outcome.stdout, "", "{label}");
        assert_eq!(outcome.stderr.lines().count(), 1, "{label}");
        outcome.stderr
    }

    /// A template's line of one container.
    #[track_caller]
    pub fn asks(&self, template: &str, name: &str) -> String {
        self.says(&["inspect", "-f", template, name])
    }

    #[track_caller]
    pub fn becomes(&self, status: &str, name: &str) {
        let is_so = || self.asks("{{.State.Status}}", name) == status;
        assert!(eventually(is_so), "{} {name} is not {status}", self.case);
    }
}

impl Drop for Stay {
    fn drop(&mut self) {
        let all = finish(self.command(&["ps", "-aq", "--no-trunc"]));
        for id in all.stdout.lines() {
            let _ = finish(self.command(&["rm", "-f", id]));
        }
    }
}
