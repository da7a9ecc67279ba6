//! A container that stays, in a store of the test's own; gone with it.

#![allow(dead_code)]

use crate::common::*;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

/// A container that runs in the background.
pub struct Staying {
    pub case: Case,
    scratch: Scratch,
}

/// What it is called.
pub const NAME: &str = "it";

impl Staying {
    /// `mydocker run -d OPTIONS COMMAND`.
    #[track_caller]
    pub fn start(case: Case, options: &[&str], command: &[&str]) -> Self {
        let staying = Self {
            case,
            scratch: Scratch::new(),
        };
        let store = staying.store();
        let detached = ["-d", "--state", &store, "--name", NAME];
        let outcome = case.run(&[&detached, options].concat(), command);
        outcome.output(case);
        staying
    }

    /// One that does nothing for long.
    #[track_caller]
    pub fn idle(case: Case, options: &[&str]) -> Self {
        Self::start(case, options, &["sleep", "1000"])
    }

    fn store(&self) -> String {
        self.scratch.file("store")
    }

    /// A file beside the store.
    pub fn file(&self, name: &str) -> String {
        self.scratch.file(name)
    }

    /// `mydocker WORD --state STORE OPTIONS NAME REST`, behind a wrapper of the probe's if there is one.
    pub fn command(
        &self,
        wrapper: &[&str],
        word: &str,
        options: &[&str],
        rest: &[&str],
    ) -> Command {
        let mut line: Vec<OsString> = Vec::new();
        if !wrapper.is_empty() {
            line.push(probe().into());
            line.extend(wrapper.iter().map(OsString::from));
            line.push("--".into());
        }
        line.push(mydocker().into());
        let store = self.store();
        line.extend([word, "--state", &store].map(OsString::from));
        line.extend(options.iter().map(OsString::from));
        line.push(NAME.into());
        line.extend(rest.iter().map(OsString::from));
        self.case.prepared(&line)
    }

    /// The line of `mydocker exec --launch … OPTIONS NAME COMMAND`.
    pub fn exec_command(&self, options: &[&str], command: &[&str]) -> Command {
        let options = [&["--launch", self.case.launch], options].concat();
        self.command(&[], "exec", &options, command)
    }

    pub fn exec(&self, options: &[&str], command: &[&str]) -> Outcome {
        finish(self.exec_command(options, command))
    }

    /// What a shell in the container says, which must succeed.
    #[track_caller]
    pub fn says(&self, options: &[&str], script: &str) -> String {
        let outcome = self.exec(options, &["sh", "-c", script]);
        outcome.output(self.case).to_owned()
    }

    /// What the store says of it.
    pub fn state(&self) -> String {
        let containers = PathBuf::from(self.store()).join("containers");
        let mut entries = std::fs::read_dir(containers).expect("a store");
        let entry = entries.next().expect("a container").expect("an entry");
        std::fs::read_to_string(entry.path().join("state.json")).expect("its state")
    }

    /// The pid of its first process, or of its monitor.
    pub fn pid(&self, whose: &str) -> Option<u32> {
        let state = self.state();
        let (_, rest) = state.split_once(&format!("\"{whose}\":{{\"pid\":"))?;
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().ok()
    }

    /// The pid of its first process, which is there.
    #[track_caller]
    pub fn first(&self) -> u32 {
        self.pid("first").expect("a container that runs")
    }

    /// Kills its first process, and waits until its monitor has cleaned up.
    pub fn end(&self) {
        let monitor = self.pid("monitor");
        if let Some(first) = self.pid("first") {
            let first = nix::unistd::Pid::from_raw(i32::try_from(first).expect("a pid"));
            let _ = nix::sys::signal::kill(first, Signal::SIGKILL);
        }
        let gone = eventually(|| monitor.is_none_or(has_ended));
        assert!(gone, "its monitor stays");
    }
}

impl Drop for Staying {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.end();
        } else if let Some(first) = self.pid("first") {
            let first = nix::unistd::Pid::from_raw(i32::try_from(first).expect("a pid"));
            let _ = nix::sys::signal::kill(first, Signal::SIGKILL);
        }
    }
}
