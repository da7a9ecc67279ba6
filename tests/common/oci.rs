//! Bundles, and the runtime's command line.

use super::{Outcome, Scratch, finish, mark, mydocker, wait};
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A root directory of the runtime's, and a bundle whose root has the host's programs.
pub struct Oci {
    scratch: Scratch,
    launch: &'static str,
}

impl Oci {
    /// `launch`: the value of the option of that name.
    pub fn new(launch: &'static str) -> Self {
        let scratch = Scratch::new();
        for name in ["bundle/rootfs", "out"] {
            std::fs::create_dir_all(scratch.path().join(name)).expect("a directory");
        }
        let oci = Self { scratch, launch };
        oci.write(&oci.config(&["true"]));
        oci
    }

    pub fn path(&self) -> &Path {
        self.scratch.path()
    }

    pub fn root(&self) -> PathBuf {
        self.path().join("root")
    }

    pub fn log(&self) -> PathBuf {
        self.path().join("log")
    }

    pub fn bundle(&self) -> PathBuf {
        self.path().join("bundle")
    }

    /// A directory that is the container's /out too.
    pub fn out(&self, name: &str) -> PathBuf {
        self.path().join("out").join(name)
    }

    /// What a file of /out has; nothing if it is not there.
    pub fn told(&self, name: &str) -> String {
        std::fs::read_to_string(self.out(name)).unwrap_or_default()
    }

    /// config.json for a command, of `oci spec`.
    pub fn config(&self, command: &[&str]) -> Value {
        let place = self.path().join("spec");
        let _ = std::fs::create_dir(&place);
        let _ = std::fs::remove_file(place.join("config.json"));
        let mut spec = Command::new(mydocker());
        spec.args(["oci", "spec", "--bundle"]).arg(&place);
        let outcome = finish(spec);
        assert_eq!(outcome.code(), Some(0), "{outcome:?}");
        let text = std::fs::read(place.join("config.json")).expect("a file");
        let mut config: Value = serde_json::from_slice(&text).expect("JSON");
        config["process"]["args"] = json!(command);
        config["process"]["terminal"] = json!(false);
        config["root"]["readonly"] = json!(false);
        // Two containers of one name have the same cgroups, if nothing is said.
        config["linux"]["cgroupsPath"] = json!(format!("/mydocker-test-{}", mark()));
        let mounts = config["mounts"].as_array_mut().expect("mounts");
        mounts.retain(|mount| mount["destination"] != "/sys/fs/cgroup");
        for name in ["usr", "bin", "sbin", "lib", "lib64"] {
            self.add_programs(name, mounts);
        }
        let out = self.path().join("out");
        mounts.push(json!({"destination": "/out", "source": out, "options": ["bind"]}));
        config
    }

    /// A directory of the host's programs, or a link to one.
    fn add_programs(&self, name: &str, mounts: &mut Vec<Value>) {
        let host = Path::new("/").join(name);
        match std::fs::read_link(&host) {
            Ok(target) => {
                let link = self.bundle().join("rootfs").join(name);
                let _ = std::os::unix::fs::symlink(target, link);
            }
            Err(_) if host.is_dir() => mounts
                .push(json!({"destination": host, "source": host, "options": ["rbind", "ro"]})),
            Err(_) => {}
        }
    }

    pub fn write(&self, config: &Value) {
        std::fs::write(self.bundle().join("config.json"), config.to_string()).expect("a file");
    }

    /// The runtime, with its root and its log.
    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(mydocker());
        command
            .args([
                "oci",
                "--launch",
                self.launch,
                "--log-format",
                "json",
                "--log",
            ])
            .arg(self.log())
            .arg("--root")
            .arg(self.root())
            .args(words)
            .current_dir(self.bundle())
            .stdin(Stdio::null());
        command
    }

    /// Its streams are files: a container that stays has them as long as it lives.
    #[track_caller]
    pub fn run(&self, words: &[&str]) -> Outcome {
        let files = ["stdout", "stderr"].map(|name| self.path().join(format!("{name}-{}", mark())));
        let [stdout, stderr] = &files;
        let file = |path| std::fs::File::create(path).expect("a file");
        let mut child = self
            .command(words)
            .stdout(file(stdout))
            .stderr(file(stderr))
            .spawn()
            .expect("the runtime");
        let status = wait(&mut child).unwrap_or_else(|| panic!("{words:?}: it hangs"));
        let [stdout, stderr] = files.map(|path| {
            let content = std::fs::read(path).expect("a file");
            String::from_utf8_lossy(&content).into_owned()
        });
        Outcome {
            status,
            stdout,
            stderr,
        }
    }

    /// One that has to succeed.
    #[track_caller]
    pub fn done(&self, words: &[&str]) -> Outcome {
        let outcome = self.run(words);
        assert_eq!(outcome.code(), Some(0), "{words:?}: {outcome:?}");
        outcome
    }

    /// The messages of the errors that are in the log, one a line.
    pub fn logged(&self) -> Vec<String> {
        let log = std::fs::read_to_string(self.log()).unwrap_or_default();
        let lines = log.lines().map(|line| {
            let line: Value = serde_json::from_str(line).expect("a line of JSON");
            assert!(line["time"].is_string(), "{line}");
            line
        });
        let errors = lines.filter(|line| line["level"] == "error");
        errors
            .map(|line| line["msg"].as_str().expect("a message").to_owned())
            .collect()
    }

    pub fn state(&self, id: &str) -> Value {
        let outcome = self.done(&["state", id]);
        serde_json::from_str(&outcome.stdout).expect("JSON")
    }

    pub fn status(&self, id: &str) -> String {
        self.state(id)["status"]
            .as_str()
            .expect("a status")
            .to_owned()
    }
}

impl Drop for Oci {
    fn drop(&mut self) {
        let names = std::fs::read_dir(self.root())
            .into_iter()
            .flatten()
            .flatten();
        for name in names {
            let name = name.file_name();
            let name = name.to_str().expect("letters");
            let _ = self.run(&["delete", "--force", name]);
        }
    }
}

/// A program that is executed by others: a shell's script.
pub fn script(path: &Path, text: &str) {
    super::write_program(path, format!("#!/bin/sh\n{text}\n"), 0o755);
    assert_ne!(
        std::fs::metadata(path)
            .expect("a file")
            .permissions()
            .mode()
            & 1,
        0
    );
}
