//! What the tests share: where the binaries are, who calls them, and how long one waits.
//!
//! Every test that starts a container does so for each [`Case`]: as root and as an ordinary user,
//! in-process and by re-exec. What a machine lacks is a skipped test, said aloud, or a failure with
//! MYDOCKER_MUST_RUN=1.

// Each test file is a program of its own and uses a part of this.
#![allow(dead_code)]

pub mod attack;
pub mod cases;
pub mod cgroups;
pub mod filter;
pub mod fuzzing;
pub mod lease;
#[cfg(feature = "oci")]
pub mod oci;
pub mod profiles;
pub mod programs;
pub mod pty;
pub mod stay;
pub mod tree;

pub use cases::*;
pub use programs::*;

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

pub use nix::sys::signal::Signal;

/// Longer than anything takes on a slow machine; what takes longer hangs.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Whether what is only long is to be short, and half of the cases enough, with MYDOCKER_BRIEF=1, or 2 for the other half.
pub fn is_brief() -> bool {
    brief_half().is_some()
}

/// Which half of the cases is enough.
fn brief_half() -> Option<u8> {
    match std::env::var("MYDOCKER_BRIEF").ok()?.as_str() {
        "" | "0" => None,
        "1" => Some(1),
        "2" => Some(2),
        other => panic!("MYDOCKER_BRIEF={other}: it is 1, or 2 for the other half"),
    }
}

/// Whether strace is installed; says so if not.
pub fn has_strace() -> bool {
    match Command::new("strace").arg("-V").output() {
        Ok(version) => {
            assert!(version.status.success(), "{version:?}");
            true
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            skip("strace is not installed");
            false
        }
        Err(error) => panic!("strace -V: {error}"),
    }
}

/// How a command ended and what it said.
#[derive(Debug)]
pub struct Outcome {
    pub status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
}

impl Outcome {
    pub fn code(&self) -> Option<i32> {
        self.status.code()
    }

    /// The standard output, of a command that must have succeeded.
    #[track_caller]
    pub fn output(&self, case: Case) -> &str {
        assert_eq!(self.code(), Some(0), "{case}: {self:?}");
        &self.stdout
    }
}

impl Case {
    /// `mydocker run --launch … OPTIONS COMMAND`, called by this case's caller.
    pub fn command<S: AsRef<OsStr>>(self, options: &[&str], command: &[S]) -> Command {
        self.wrapped(&[], options, command)
    }

    /// The pool that this case's containers come from, with MYDOCKER_TEST_POOL=DIR.
    fn pool(self) -> Option<OsString> {
        Self::pools_directory().filter(|_| self.caller == Caller::Root)
    }

    fn pools_directory() -> Option<OsString> {
        std::env::var_os("MYDOCKER_TEST_POOL")
    }

    pub fn is_pooled(self) -> bool {
        self.pool().is_some()
    }

    /// The same behind the probe's verbs that change what mydocker inherits:
    /// `probe WRAPPER -- mydocker run …`.
    pub fn wrapped<S: AsRef<OsStr>>(
        self,
        wrapper: &[&str],
        options: &[&str],
        command: &[S],
    ) -> Command {
        let mut line: Vec<OsString> = Vec::new();
        if !wrapper.is_empty() {
            line.push(probe().into());
            line.extend(wrapper.iter().map(OsString::from));
            line.push("--".into());
        }
        line.extend(self.line(&mydocker(), options, command));
        self.prepared(&line)
    }

    /// `PROGRAM run --launch … OPTIONS COMMAND`, in words.
    pub fn line<S: AsRef<OsStr>>(
        self,
        program: &Path,
        options: &[&str],
        command: &[S],
    ) -> Vec<OsString> {
        let mut line = vec![program.into()];
        line.extend(["run", "--launch", self.launch].map(OsString::from));
        if let Some(pool) = self.pool() {
            line.extend(["--pool".into(), pool]);
        }
        line.extend(options.iter().map(OsString::from));
        line.extend(command.iter().map(|word| word.as_ref().to_owned()));
        line
    }

    /// Any command line, called by this case's caller, in / and with an empty stdin.
    pub fn prepared(self, line: &[OsString]) -> Command {
        let mut command = Command::new(&line[0]);
        command
            .args(&line[1..])
            .env_remove("MYDOCKER_LOG")
            .current_dir("/")
            .stdin(Stdio::null());
        as_caller(&mut command, self.caller);
        command
    }

    /// Runs a container to its end.
    #[track_caller]
    pub fn run<S: AsRef<OsStr>>(self, options: &[&str], command: &[S]) -> Outcome {
        finish(self.command(options, command))
    }

    /// Runs the probe in a container, to its end.
    #[track_caller]
    pub fn probe(self, options: &[&str], verb: &[&str]) -> Outcome {
        let name = probe_name();
        let mut command = vec![name.as_str()];
        command.extend(verb);
        self.run(options, &command)
    }
}

/// Runs a command to its end, which must come within [`PATIENCE`].
#[track_caller]
pub fn finish(mut command: Command) -> Outcome {
    let description = format!("{command:?}");
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{description}: {error}"));
    let stdout = collect(child.stdout.take());
    let stderr = collect(child.stderr.take());
    let status = wait(&mut child).unwrap_or_else(|| panic!("{description}: it hangs"));
    let text = |reader: std::thread::JoinHandle<Vec<u8>>| {
        String::from_utf8_lossy(&reader.join().expect("a reader")).into_owned()
    };
    Outcome {
        status,
        stdout: text(stdout),
        stderr: text(stderr),
    }
}

fn collect(stream: Option<impl Read + Send + 'static>) -> std::thread::JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut stream) = stream {
            stream.read_to_end(&mut bytes).expect("read");
        }
        bytes
    })
}

/// Waits for the end of a child. `None`, and the child killed, if it does not come.
pub fn wait(child: &mut Child) -> Option<ExitStatus> {
    let mut status = None;
    let ended = eventually(|| {
        status = child.try_wait().expect("wait");
        status.is_some()
    });
    if !ended {
        let _ = child.kill();
        let _ = child.wait();
    }
    status
}

/// Asks again and again whether something is so. False if it is not within [`PATIENCE`].
pub fn eventually(mut is_so: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + PATIENCE;
    let mut pause = Duration::from_micros(200);
    while !is_so() {
        if Instant::now() > end {
            return false;
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(20));
    }
    true
}

/// The most descriptors that a process may have open; some are left for what it is to execute.
pub fn many_descriptors() -> u64 {
    use nix::sys::resource::{Resource, getrlimit};
    let (soft, _) = getrlimit(Resource::RLIMIT_NOFILE).expect("a limit");
    soft.saturating_sub(100).min(2000)
}

pub fn kill(pid: u32, signal: Signal) {
    let pid = nix::unistd::Pid::from_raw(i32::try_from(pid).expect("a pid"));
    nix::sys::signal::kill(pid, signal).expect("kill");
}

/// Whether a process has ended: who is only not waited for yet has (a zombie), and some machines' first process waits for
/// orphans every two seconds.
pub fn has_ended(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // Its state follows its name, which may hold anything (proc_pid_stat(5)).
    stat.rsplit_once(") ")
        .is_none_or(|(_, rest)| rest.starts_with(['Z', 'X']))
}

/// The exit code as a shell tells it: 128+n for a signal.
pub fn shell_code(status: ExitStatus) -> i32 {
    status
        .code()
        .unwrap_or_else(|| 128 + status.signal().expect("a code or a signal"))
}

/// The pids of the live processes whose environment holds `MARK=value`. Containers are given a mark
/// by `-e`, so a test counts its own processes and no others.
pub fn marked(value: &str) -> Vec<u32> {
    let wanted = format!("MARK={value}");
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").expect("/proc").flatten() {
        let Some(pid) = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok())
        else {
            continue;
        };
        // Of each thread: the first one may have ended before the others.
        let threads = std::fs::read_dir(entry.path().join("task")).into_iter();
        if threads.flatten().flatten().any(|thread| {
            // What has ended has no environment, nor has what we may not look at.
            let environment = std::fs::read(thread.path().join("environ")).unwrap_or_default();
            let mut variables = environment.split(|byte| *byte == 0);
            variables.any(|variable| variable == wanted.as_bytes())
        }) {
            found.push(pid);
        }
    }
    found
}

/// A word that no other test and no other run uses.
pub fn mark() -> String {
    static COUNT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let count = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    format!("{}-{count}", std::process::id())
}

/// A directory of one test, open to everyone, gone with it.
pub struct Scratch(PathBuf);

impl Scratch {
    pub fn new() -> Self {
        let path = std::env::temp_dir().join(format!("mydocker-scratch-{}", mark()));
        std::fs::create_dir(&path).expect("a directory");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o777)).expect("open");
        Self(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    /// A file in it, as an argument.
    pub fn file(&self, name: &str) -> String {
        self.0
            .join(name)
            .to_str()
            .expect("a path of letters")
            .to_owned()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
