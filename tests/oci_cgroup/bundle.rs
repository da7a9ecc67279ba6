//! A bundle whose container has cgroups, and what is seen of them.

use crate::common::tree::Tree;
use crate::common::*;
use serde_json::{Value, json};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Stdio;

/// A bundle with a store of its own. Its container and its cgroups go with it.
pub struct Bundle {
    pub tree: Tree,
    pub case: Case,
    /// As `cgroupsPath`.
    pub path: String,
    /// Whether v2 is all that its commands see.
    pub is_pure: bool,
}

/// Has a command see v2 alone, with what v1 does not have of it.
pub const PURE: &str = "mount --make-rprivate / && \
    for at in $(grep ' /sys/fs/cgroup' /proc/self/mountinfo | cut -d' ' -f5 | sort -r); do umount $at; done; \
    mount -t cgroup2 none /sys/fs/cgroup && exec \"$@\"";

impl Bundle {
    pub fn new(case: Case) -> Option<Self> {
        let tree = Tree::new(case)?;
        let scratch = tree.beside("");
        std::fs::create_dir(tree.beside("store")).unwrap();
        tree.give(Path::new(&scratch));
        let name = Path::new(&scratch).file_name().unwrap().to_str().unwrap();
        let path = format!("/mydocker-oci-{}-{name}/inner", case.launch);
        Some(Self {
            tree,
            case,
            path,
            is_pure: false,
        })
    }

    /// Writes config.json for a shell's script: namespaces of its own, and for an ordinary user a user namespace.
    pub fn configure(&self, script: &str, linux: &Value) {
        let kinds = ["pid", "network", "ipc", "uts", "mount"];
        let mut namespaces: Vec<Value> = kinds.iter().map(|kind| json!({"type": kind})).collect();
        let capabilities = ["CAP_KILL", "CAP_MKNOD"];
        let mut all = json!({});
        if self.case.caller == Caller::Ordinary {
            namespaces.push(json!({"type": "user"}));
            let (user, group) = (nix::unistd::Uid::effective(), nix::unistd::Gid::effective());
            let is_root = user.is_root();
            let user = if is_root { ORDINARY } else { user.as_raw() };
            let group = if is_root {
                ORDINARY_GROUP
            } else {
                group.as_raw()
            };
            all["uidMappings"] = json!([{"containerID": 0, "hostID": user, "size": 1}]);
            all["gidMappings"] = json!([{"containerID": 0, "hostID": group, "size": 1}]);
        }
        all["namespaces"] = json!(namespaces);
        for (name, value) in linux.as_object().unwrap() {
            all[name] = value.clone();
        }
        let config = json!({
            "ociVersion": "1.2.0",
            "root": {"path": "root"},
            "mounts": [{"destination": "/dev", "type": "tmpfs", "source": "tmpfs"}],
            "process": {
                "user": {"uid": 0, "gid": 0}, "cwd": "/", "env": ["PATH=/bin"],
                "args": ["sh", "-c", script],
                "capabilities": {"bounding": capabilities, "effective": capabilities, "permitted": capabilities},
            },
            "linux": all,
        });
        std::fs::write(self.tree.beside("config.json"), config.to_string()).unwrap();
    }

    pub fn words(&self, words: &[&str]) -> Vec<OsString> {
        let mut line: Vec<OsString> = Vec::new();
        if self.is_pure {
            line.extend(["unshare", "--mount", "sh", "-c", PURE, "sh"].map(OsString::from));
        }
        line.extend([mydocker().into(), "oci".into()]);
        let store = self.tree.beside("store");
        line.extend(["--root", &store, "--launch", self.case.launch].map(OsString::from));
        line.extend(words.iter().map(OsString::from));
        line
    }

    /// A command that ends by itself.
    #[track_caller]
    pub fn says(&self, words: &[&str]) -> Outcome {
        finish(self.case.prepared(&self.words(words)))
    }

    #[track_caller]
    pub fn does(&self, words: &[&str]) -> String {
        let outcome = self.says(words);
        assert_eq!(
            outcome.code(),
            Some(0),
            "{} {words:?}: {}",
            self.case,
            outcome.stderr
        );
        outcome.stdout
    }

    /// What a command that fails says.
    #[track_caller]
    pub fn refuses(&self, words: &[&str]) -> String {
        let outcome = self.says(words);
        assert_eq!(
            outcome.code(),
            Some(1),
            "{} {words:?}: {}",
            self.case,
            outcome.stdout
        );
        outcome.stderr
    }

    /// `oci WORDS run -d`: what it and the container say goes to a file, which the container has open.
    pub fn run_with(&self, options: &[&str]) -> (Option<i32>, String) {
        let output = self.tree.beside("output");
        let file = std::fs::File::create(&output).unwrap();
        let bundle = self.tree.beside("");
        let run = ["run", "-d", "--bundle", &bundle, "x"];
        let mut command = self.case.prepared(&self.words(&[options, &run].concat()));
        command
            .stdout(Stdio::from(file.try_clone().unwrap()))
            .stderr(file);
        let code = wait(&mut command.spawn().unwrap())
            .expect("it hangs")
            .code();
        (code, std::fs::read_to_string(output).unwrap())
    }

    #[track_caller]
    pub fn run(&self) {
        let (code, output) = self.run_with(&[]);
        assert_eq!(code, Some(0), "{}: {output}", self.case);
    }

    pub fn state(&self) -> Value {
        serde_json::from_str(&self.does(&["state", "x"])).unwrap()
    }

    pub fn status(&self) -> String {
        self.state()["status"].as_str().unwrap().to_owned()
    }

    /// Where it is, in each hierarchy.
    pub fn cgroups(&self) -> String {
        let pid = &self.state()["pid"];
        std::fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap()
    }

    /// The directory of this path in the hierarchy of v1 with this controller, or else in v2's.
    pub fn directory(&self, controller: &str) -> PathBuf {
        let v1 = format!("/sys/fs/cgroup/{controller}{}", self.path);
        match Path::new(&v1).exists() {
            true => v1.into(),
            false => format!("/sys/fs/cgroup{}", self.path).into(),
        }
    }

    /// The content of a file as v1 names it, or of the other as v2 does, with what is expected there.
    #[track_caller]
    pub fn has(&self, controller: &str, v1: (&str, &str), v2: (&str, &str)) {
        let directory = self.directory(controller);
        let (file, expected) = if directory.join(v1.0).exists() {
            v1
        } else {
            v2
        };
        let found = std::fs::read_to_string(directory.join(file));
        let found = found.unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
        assert_eq!(found.trim_end(), expected, "{} {file}", self.case);
    }

    /// Every cgroup of this path that is there.
    pub fn all(&self) -> Vec<PathBuf> {
        let tops = std::fs::read_dir("/sys/fs/cgroup").unwrap().flatten();
        let tops = tops
            .map(|entry| entry.path())
            .chain(["/sys/fs/cgroup".into()]);
        let paths = tops.map(|top| top.join(&self.path[1..]));
        paths.filter(|path| path.exists()).collect()
    }
}

impl Drop for Bundle {
    fn drop(&mut self) {
        let _ = finish(self.case.prepared(&self.words(&["delete", "--force", "x"])));
        let above = Path::new(&self.path)
            .parent()
            .unwrap()
            .strip_prefix("/")
            .unwrap();
        for top in std::fs::read_dir("/sys/fs/cgroup").unwrap().flatten() {
            let _ = std::fs::remove_dir(top.path().join(above));
        }
        let _ = std::fs::remove_dir(Path::new("/sys/fs/cgroup").join(above));
    }
}

/// A bundle of root's for each way of starting, where root may make cgroups.
pub fn each_of_root(test: impl Fn(&Bundle)) {
    for case in root_cases() {
        let Some(bundle) = Bundle::new(case) else {
            return;
        };
        bundle.configure("exit 0", &json!({"cgroupsPath": bundle.path}));
        let (code, output) = bundle.run_with(&[]);
        if code != Some(0) && (output.contains("EROFS") || output.contains("cgroup")) {
            skip(&format!("no cgroups can be made here: {output}"));
            return;
        }
        assert_eq!(code, Some(0), "{case}: {output}");
        assert!(eventually(|| bundle.status() == "stopped"));
        bundle.does(&["delete", "x"]);
        assert!(bundle.all().is_empty(), "{:?}", bundle.all());
        test(&bundle);
    }
}
