//! A container made by `oci run`, and what `oci exec` does in it.

use crate::common::tree::Tree;
use crate::common::*;
use std::ffi::OsString;
use std::process::{Command, Stdio};

/// A container that sleeps until it is ended.
pub struct Bundle {
    pub case: Case,
    pub tree: Tree,
    pub id: String,
}

/// One in each way of launching, as root.
pub fn each(test: impl Fn(&Bundle)) {
    each_with("", "", test);
}

/// As well, with further namespaces, and further members of `linux`.
pub fn each_with(namespaces: &str, linux: &str, test: impl Fn(&Bundle)) {
    for case in root_cases() {
        if let Some(bundle) = Bundle::idle(case, namespaces, linux) {
            test(&bundle);
        }
    }
}

const MOUNTS: &str = r#"{"destination":"/proc","type":"proc","source":"proc"},
    {"destination":"/dev","type":"tmpfs","source":"tmpfs","options":["nosuid","mode=755","size=65536k"]},
    {"destination":"/dev/pts","type":"devpts","source":"devpts",
     "options":["nosuid","noexec","newinstance","ptmxmode=0666","mode=0620"]}"#;

/// What its processes have if nothing else is said.
const PROCESS: &str = r#""user":{"uid":0,"gid":0},"env":["PATH=/bin","KEPT=1"],"cwd":"/",
    "capabilities":{"bounding":["CAP_CHOWN","CAP_KILL"],"effective":["CAP_KILL"],"permitted":["CAP_KILL"]},
    "rlimits":[{"type":"RLIMIT_NOFILE","hard":400,"soft":300}],"noNewPrivileges":true"#;

impl Bundle {
    pub fn idle(case: Case, namespaces: &str, linux: &str) -> Option<Self> {
        let bundle = Self {
            case,
            tree: Tree::new(case)?,
            id: format!("exec-{}", mark()),
        };
        let cgroup = format!(r#""cgroupsPath":"/{}""#, bundle.id);
        let config = format!(
            r#"{{"ociVersion":"1.2.0","root":{{"path":"root"}},"mounts":[{MOUNTS}],
            "process":{{"args":["sleep","1000"],{PROCESS}}},
            "linux":{{{cgroup},"namespaces":[{{"type":"pid"}},{{"type":"mount"}},{{"type":"ipc"}},{{"type":"uts"}},
            {{"type":"network"}}{namespaces}]{linux}}}}}"#
        );
        std::fs::write(bundle.tree.beside("config.json"), config).expect("a file");
        let outcome = bundle.oci(&[
            "run",
            "--detach",
            "--bundle",
            &bundle.tree.beside(""),
            &bundle.id,
        ]);
        assert_eq!(outcome.status.code(), Some(0), "{case}: {outcome:?}");
        Some(bundle)
    }

    pub fn words(&self, words: &[&str]) -> Vec<OsString> {
        let store = self.tree.beside("store");
        let globals = ["oci", "--launch", self.case.launch, "--root", &store];
        let mut line: Vec<OsString> = vec![mydocker().into()];
        line.extend(globals.iter().chain(words).map(OsString::from));
        line
    }

    pub fn command(&self, words: &[&str]) -> Command {
        self.case.prepared(&self.words(words))
    }

    /// Its outputs are files, for what is left behind keeps a pipe open.
    pub fn oci(&self, words: &[&str]) -> Outcome {
        let files = ["stdout", "stderr"].map(|name| self.tree.beside(name));
        let mut command = self.command(words);
        let open = |path: &String| Stdio::from(std::fs::File::create(path).expect("a file"));
        let mut child = command
            .stdout(open(&files[0]))
            .stderr(open(&files[1]))
            .spawn()
            .expect("mydocker");
        let status = wait(&mut child).unwrap_or_else(|| panic!("{words:?}: it hangs"));
        let [stdout, stderr] = files.map(|path| std::fs::read_to_string(path).expect("text"));
        Outcome {
            status,
            stdout,
            stderr,
        }
    }

    pub fn exec(&self, options: &[&str], command: &[&str]) -> Outcome {
        self.oci(&[&["exec"], options, &[&self.id], command].concat())
    }

    /// What a shell prints there, which must have succeeded.
    #[track_caller]
    pub fn says(&self, options: &[&str], script: &str) -> String {
        let outcome = self.exec(options, &["sh", "-c", script]);
        outcome.output(self.case).to_owned()
    }

    /// What is said of a failure, one line, and that nothing of it is left.
    #[track_caller]
    pub fn fails(&self, options: &[&str], command: &[&str]) -> String {
        let outcome = self.exec(options, command);
        assert_eq!(outcome.code(), Some(255), "{}: {outcome:?}", self.case);
        assert_eq!(outcome.stderr.lines().count(), 1, "{outcome:?}");
        outcome.stderr
    }

    /// The pid of the first process.
    pub fn first(&self) -> u32 {
        let state = self.oci(&["state", &self.id]);
        let state: serde_json::Value = serde_json::from_str(&state.stdout).expect("JSON");
        state["pid"].as_u64().expect("a pid") as u32
    }
}

impl Drop for Bundle {
    fn drop(&mut self) {
        let _ = self.oci(&["delete", "--force", &self.id]);
    }
}
