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

/// One for each caller in each way of launching.
pub fn each(test: impl Fn(&Bundle)) {
    let cases = cases().into_iter();
    let bundles = cases.filter_map(|case| match case.caller {
        Caller::Root => Bundle::idle(case, "", ""),
        Caller::Ordinary => Bundle::of_ordinary(case),
    });
    bundles.for_each(|bundle| test(&bundle));
}

/// One of root's in each way of launching.
pub fn each_of_root(test: impl Fn(&Bundle)) {
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
    /// Who has but one id in the container, and no cgroup.
    fn of_ordinary(case: Case) -> Option<Self> {
        let (user, group) = match nix::unistd::Uid::effective().is_root() {
            true => (ORDINARY, ORDINARY_GROUP),
            false => (
                nix::unistd::Uid::effective().as_raw(),
                nix::unistd::Gid::effective().as_raw(),
            ),
        };
        let map = |id| format!(r#"[{{"containerID":0,"hostID":{id},"size":1}}]"#);
        let maps = format!(
            r#","uidMappings":{},"gidMappings":{}"#,
            map(user),
            map(group)
        );
        Self::idle(case, r#",{"type":"user"}"#, &maps)
    }

    pub fn idle(case: Case, namespaces: &str, linux: &str) -> Option<Self> {
        let bundle = Self {
            case,
            tree: Tree::new(case)?,
            id: format!("exec-{}", mark()),
        };
        let cgroup = match case.caller {
            Caller::Root => format!(r#""cgroupsPath":"/{}","#, bundle.id),
            Caller::Ordinary => String::new(),
        };
        let config = format!(
            r#"{{"ociVersion":"1.2.0","root":{{"path":"root"}},"mounts":[{MOUNTS}],
            "process":{{"args":["sleep","1000"],{PROCESS}}},
            "linux":{{{cgroup}"namespaces":[{{"type":"pid"}},{{"type":"mount"}},{{"type":"ipc"}},{{"type":"uts"}},
            {{"type":"network"}}{namespaces}]{linux}}}}}"#
        );
        std::fs::write(bundle.tree.beside("config.json"), config).expect("a file");
        std::fs::create_dir(bundle.tree.beside("store")).expect("a directory");
        for path in [bundle.tree.beside("store"), bundle.tree.name()] {
            bundle.tree.give(std::path::Path::new(&path));
        }
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
