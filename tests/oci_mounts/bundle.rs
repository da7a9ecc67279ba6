//! A bundle whose config.json a test changes.

#![allow(dead_code)]

use crate::common::tree::Tree;
use crate::common::*;
use serde_json::{Value, json};
use std::ffi::OsString;

pub struct Bundle {
    pub tree: Tree,
    pub case: Case,
    pub config: Value,
}

/// Who does what, in each way of starting a container.
pub fn each(test: impl Fn(Bundle)) {
    cases().into_iter().filter_map(Bundle::new).for_each(test);
}

pub fn each_of_root(test: impl Fn(Bundle)) {
    root_cases()
        .into_iter()
        .filter_map(Bundle::new)
        .for_each(test);
}

fn own_ids() -> (u32, u32) {
    match nix::unistd::Uid::effective() {
        user if user.is_root() => (ORDINARY, ORDINARY_GROUP),
        user => (user.as_raw(), nix::unistd::Gid::effective().as_raw()),
    }
}

impl Bundle {
    /// With proc, a tmpfs for /dev, and devpts; an ordinary user's has a user namespace.
    pub fn new(case: Case) -> Option<Self> {
        let tree = Tree::new(case)?;
        std::fs::create_dir(tree.beside("store")).expect("a directory");
        tree.give(std::path::Path::new(&tree.beside("store")));
        let kinds = ["pid", "ipc", "uts", "mount", "network"];
        let namespaces: Vec<Value> = kinds.iter().map(|kind| json!({"type": kind})).collect();
        let mut bundle = Self {
            tree,
            case,
            config: json!({
                "ociVersion": "1.2.0",
                "root": {"path": "root"},
                "process": {"user": {"uid": 0, "gid": 0}, "cwd": "/", "env": ["PATH=/bin"], "args": []},
                "mounts": [],
                "linux": {"namespaces": namespaces},
            }),
        };
        if case.caller == Caller::Ordinary {
            let (user, group) = own_ids();
            bundle.user_namespace((user, group), 1);
        }
        bundle.mount("/proc proc proc nosuid,noexec,nodev");
        bundle.mount("/dev tmpfs tmpfs nosuid,strictatime,mode=755,size=65536k");
        bundle.mount("/dev/pts devpts devpts nosuid,noexec,newinstance,ptmxmode=0666,mode=0620");
        Some(bundle)
    }

    pub fn user_namespace(&mut self, (user, group): (u32, u32), size: u32) {
        let linux = &mut self.config["linux"];
        let namespaces = linux["namespaces"].as_array_mut().expect("a list");
        namespaces.push(json!({"type": "user"}));
        let map = |id: u32| json!([{"containerID": 0, "hostID": id, "size": size}]);
        linux["uidMappings"] = map(user);
        linux["gidMappings"] = map(group);
    }

    /// `DESTINATION TYPE SOURCE OPTIONS`, where `-` is nothing.
    pub fn mount(&mut self, words: &str) {
        let words: Vec<&str> = words.split(' ').collect();
        let mut mount = json!({"destination": words[0]});
        for (name, word) in ["type", "source"].into_iter().zip(&words[1..]) {
            if *word != "-" {
                mount[name] = json!(word);
            }
        }
        if let Some(options) = words.get(3) {
            mount["options"] = json!(options.split(',').collect::<Vec<_>>());
        }
        self.mounts().push(mount);
    }

    pub fn mounts(&mut self) -> &mut Vec<Value> {
        self.config["mounts"].as_array_mut().expect("a list")
    }

    /// `mydocker oci run`, and what is before it on the line.
    pub fn line(&self, before: &[&str], options: &[&str]) -> Vec<OsString> {
        let store = self.tree.beside("store");
        let bundle = self.tree.beside("");
        let mut line: Vec<OsString> = before.iter().map(OsString::from).collect();
        line.push(mydocker().into());
        let words = ["oci", "--launch", self.case.launch, "--root", &store];
        let words = words.into_iter().chain(["--cgroup-manager", "disabled"]);
        let words = words.chain(["run", "--bundle", &bundle]);
        line.extend(words.map(OsString::from));
        line.extend(options.iter().map(OsString::from));
        line.push("mounts-test".into());
        line
    }

    pub fn write(&mut self, script: &str) {
        self.config["process"]["args"] = json!(["/bin/sh", "-c", script]);
        let text = self.config.to_string();
        std::fs::write(self.tree.beside("config.json"), text).expect("a file");
    }

    pub fn run(&mut self, script: &str) -> Outcome {
        self.run_with(&[], &[], script)
    }

    pub fn run_with(&mut self, before: &[&str], options: &[&str], script: &str) -> Outcome {
        self.write(script);
        finish(self.case.prepared(&self.line(before, options)))
    }

    /// What the script prints, which must have succeeded.
    #[track_caller]
    pub fn says(&mut self, script: &str) -> String {
        let case = self.case;
        let outcome = self.run(script);
        assert_eq!(outcome.code(), Some(0), "{case}: {outcome:?}");
        outcome.stdout
    }

    /// Why there is no container.
    #[track_caller]
    pub fn refusal(&mut self, script: &str) -> String {
        let outcome = self.run(script);
        assert_ne!(outcome.code(), Some(0), "{}: {outcome:?}", self.case);
        assert_eq!(outcome.stdout, "", "{}: {outcome:?}", self.case);
        outcome.stderr
    }
}

/// A script that prints place and flags of each mount whose place begins so.
pub fn flags_of(place: &str) -> String {
    format!("grep ' {place}' /proc/self/mountinfo | cut -d' ' -f5,6")
}
