//! Containers that stay, in a store of the test's own, which is gone with the test.

#![allow(dead_code)]

use crate::common::tree::Tree;
use crate::common::*;
use serde_json::Value;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What the container is called that [`Stay::start`] begins.
pub const NAME: &str = "it";

/// A store, for one way of starting containers. They have a root of their own there, a tree, or the host's.
pub struct Stay {
    pub case: Case,
    tree: Option<Tree>,
    scratch: Scratch,
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
    /// With a tree. `None`, and said so, without a static busybox.
    pub fn new(case: Case) -> Option<Self> {
        let tree = Tree::new(case)?;
        let mut stay = Self::on_the_host(case);
        std::fs::create_dir(&stay.state).expect("a directory");
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o700);
        std::fs::set_permissions(&stay.state, mode).expect("its mode");
        tree.give(Path::new(&stay.state));
        stay.tree = Some(tree);
        Some(stay)
    }

    /// Without one; the first container makes the store.
    pub fn on_the_host(case: Case) -> Self {
        let scratch = Scratch::new();
        let state = scratch.file("state");
        Self {
            case,
            tree: None,
            scratch,
            state,
        }
    }

    /// `mydocker run -d --name NAME OPTIONS COMMAND`, without a tree.
    #[track_caller]
    pub fn start(case: Case, options: &[&str], command: &[&str]) -> Self {
        let stay = Self::on_the_host(case);
        let pool = case.pool();
        let pool = pool.as_ref().map(|pool| pool.to_str().expect("letters"));
        let pool = pool.map_or(Vec::new(), |pool| vec!["--pool", pool]);
        let words = [&["run", "-d", "--name", NAME], &*pool, options, command].concat();
        stay.outcome(&words).output(case);
        stay
    }

    /// One that does nothing for long.
    #[track_caller]
    pub fn idle(case: Case, options: &[&str]) -> Self {
        Self::start(case, options, &["sleep", "1000"])
    }

    /// The root of its containers.
    #[track_caller]
    pub fn tree(&self) -> &Tree {
        self.tree.as_ref().expect("a tree")
    }

    /// A file beside the store.
    pub fn file(&self, name: &str) -> String {
        self.scratch.file(name)
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
            if let Some(tree) = &self.tree {
                line.extend(["--rootfs".into(), tree.name().into()]);
            }
        }
        if matches!(*first, "run" | "create" | "exec") {
            line.extend(["--launch", self.case.launch].map(OsString::from));
        }
        line.extend(rest.iter().map(OsString::from));
        line
    }

    pub fn command(&self, words: &[&str]) -> Command {
        self.case.prepared(&self.words(words))
    }

    /// The same behind one of the probe's verbs.
    pub fn behind(&self, wrapper: &[&str], words: &[&str]) -> Command {
        let mut line: Vec<OsString> = vec![probe().into()];
        line.extend(wrapper.iter().chain(&["--"]).map(OsString::from));
        line.extend(self.words(words));
        self.case.prepared(&line)
    }

    /// `mydocker exec OPTIONS NAME COMMAND`.
    pub fn exec_command(&self, options: &[&str], command: &[&str]) -> Command {
        self.command(&[&["exec"], options, &[NAME], command].concat())
    }

    pub fn exec(&self, options: &[&str], command: &[&str]) -> Outcome {
        finish(self.exec_command(options, command))
    }

    /// What a shell prints that is executed in NAME, which must succeed.
    #[track_caller]
    pub fn shell_says(&self, options: &[&str], script: &str) -> String {
        let outcome = self.exec(options, &["sh", "-c", script]);
        outcome.output(self.case).to_owned()
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

    /// A container's directory, by its full id.
    pub fn directory(&self, id: &str) -> PathBuf {
        Path::new(&self.state).join("containers").join(id)
    }

    /// What the store says of a container.
    #[track_caller]
    pub fn recorded(&self, id: &str) -> Value {
        let text = std::fs::read(self.directory(id).join("state.json")).expect("a state");
        serde_json::from_slice(&text).expect("a whole state")
    }

    /// The pid of a container's first process or its monitor.
    #[track_caller]
    pub fn pid(&self, id: &str, process: &str) -> u32 {
        let pid = self.recorded(id)[process]["pid"].as_u64().expect("a pid");
        u32::try_from(pid).expect("a pid")
    }

    /// The id of NAME.
    #[track_caller]
    pub fn id(&self) -> String {
        let link = std::fs::read_link(format!("{}/names/{NAME}", self.state)).expect("its name");
        link.to_str().expect("an id").to_owned()
    }

    /// The pid of the first process of NAME, which runs.
    #[track_caller]
    pub fn first(&self) -> u32 {
        self.pid(&self.id(), "first")
    }

    /// Kills the first process of NAME, and waits until its monitor has cleaned up.
    #[track_caller]
    pub fn end(&self) {
        let recorded = self.recorded(&self.id());
        // (Neither is there once it has ended.)
        let pid = |process: &str| recorded[process]["pid"].as_u64().map(|pid| pid as u32);
        if let Some(first) = pid("first").filter(|pid| !has_ended(*pid)) {
            kill(first, Signal::SIGKILL);
        }
        let is_over = || pid("monitor").is_none_or(has_ended);
        assert!(eventually(is_over), "its monitor stays");
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
