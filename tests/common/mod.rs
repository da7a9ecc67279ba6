//! What the tests share: where the binaries are, who calls them, and how long one waits.
//!
//! Every test that starts a container does so for each [`Case`]: as root and as an ordinary user,
//! in-process and by re-exec. What a machine lacks is a skipped test, said aloud, or a failure with
//! MYDOCKER_MUST_RUN=1.

// Each test file is a program of its own and uses a part of this.
#![allow(dead_code)]

pub mod attack;
pub mod cgroups;
pub mod filter;
pub mod fuzzing;
pub mod lease;
#[cfg(feature = "oci")]
pub mod oci;
pub mod profiles;
pub mod pty;
pub mod stay;
pub mod tree;

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

/// Whether what is only long is to be short, with MYDOCKER_BRIEF=1: CI's second and further runs of the same tests.
pub fn is_brief() -> bool {
    std::env::var_os("MYDOCKER_BRIEF").is_some_and(|value| value == "1")
}

/// An ordinary user that no machine knows by name.
pub const ORDINARY: u32 = 61_234;
pub const ORDINARY_GROUP: u32 = 777;

/// Who calls mydocker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caller {
    Root,
    Ordinary,
}

/// One way of starting a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Case {
    pub caller: Caller,
    /// The value of `--launch`.
    pub launch: &'static str,
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {}", self.caller, self.launch)
    }
}

/// Every way of starting a container that this machine has.
pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for caller in callers() {
        for launch in ["in-process", "re-exec"] {
            cases.push(Case { caller, launch });
        }
    }
    cases
}

/// The cases of root; none, and said so, if the tests do not run as root.
pub fn root_cases() -> Vec<Case> {
    let cases: Vec<Case> = cases()
        .into_iter()
        .filter(|case| case.caller == Caller::Root)
        .collect();
    if cases.is_empty() {
        skip_root_only("it needs root");
    }
    cases
}

/// The cases of an ordinary user.
pub fn ordinary_cases() -> Vec<Case> {
    cases()
        .into_iter()
        .filter(|case| case.caller == Caller::Ordinary)
        .collect()
}

fn callers() -> Vec<Caller> {
    static CALLERS: OnceLock<Vec<Caller>> = OnceLock::new();
    CALLERS
        .get_or_init(|| {
            let mut callers = Vec::new();
            if nix::unistd::Uid::effective().is_root() {
                callers.push(Caller::Root);
                // A pool is root's alone: to all others it is the run without one.
                if Case::pools_directory().is_some() {
                    return callers;
                }
            }
            let mut unshare = Command::new("unshare");
            unshare.args(["--user", "--pid", "--fork", "true"]);
            as_caller(&mut unshare, Caller::Ordinary);
            match unshare.stderr(Stdio::null()).status() {
                Ok(status) if status.success() => callers.push(Caller::Ordinary),
                _ => skip("an ordinary user may not make user namespaces here"),
            }
            assert!(
                !callers.is_empty(),
                "neither root nor user namespaces: nothing can be tested"
            );
            callers
        })
        .clone()
}

fn as_caller(command: &mut Command, caller: Caller) {
    if caller == Caller::Ordinary && nix::unistd::Uid::effective().is_root() {
        // Without supplementary groups: std drops them when it changes the user.
        command.uid(ORDINARY).gid(ORDINARY_GROUP);
    }
}

/// Says that something is not tested, and why. A failure where everything must be.
pub fn skip(why: &str) {
    eprintln!("SKIPPED: {why}");
    if std::env::var_os("MYDOCKER_MUST_RUN").is_some_and(|value| value == "1") {
        panic!("MYDOCKER_MUST_RUN=1, and this cannot run: {why}");
    }
}

/// Says that something is not tested because it takes root. That is no failure for
/// an ordinary user, who may run no more.
pub fn skip_root_only(why: &str) {
    if nix::unistd::Uid::effective().is_root() {
        return skip(why);
    }
    eprintln!("SKIPPED: {why}");
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

/// mydocker and the probe, where every user can execute them.
struct Binaries {
    mydocker: PathBuf,
    probe: PathBuf,
}

fn binaries() -> &'static Binaries {
    static BINARIES: OnceLock<Binaries> = OnceLock::new();
    BINARIES.get_or_init(|| {
        let mydocker = std::env::var_os("MYDOCKER_BIN")
            .map_or_else(|| env!("CARGO_BIN_EXE_mydocker").into(), PathBuf::from);
        Binaries {
            mydocker: reachable(&mydocker),
            probe: example("probe"),
        }
    })
}

/// A program that is built beside the tests, where every user can execute it.
pub fn example(name: &str) -> PathBuf {
    let examples = Path::new(env!("CARGO_BIN_EXE_mydocker")).with_file_name("examples");
    let file = examples.join(name);
    assert!(
        file.exists(),
        "{} is missing: cargo build --examples",
        file.display()
    );
    reachable(&file)
}

/// `file`, or, if its directory is closed to others (a clone in root's home), a copy of it in a
/// temporary directory named after its time of change: the next run finds it there.
fn reachable(file: &Path) -> PathBuf {
    let open = |directory: &Path| {
        let facts = std::fs::metadata(directory).expect("a directory");
        facts.permissions().mode() & 0o001 != 0
    };
    let file = file.canonicalize().expect("the binaries have been built");
    if file.ancestors().skip(1).all(open) {
        return file;
    }
    let modified = std::fs::metadata(&file).and_then(|facts| facts.modified());
    let version = modified
        .expect("a time of change")
        .duration_since(std::time::UNIX_EPOCH)
        .expect("a time after 1970")
        .as_nanos();
    // Of the same name, which is what its process is called.
    let name = file.file_name().expect("a name");
    let place = std::env::temp_dir().join(format!("mydocker-for-tests-{version:x}"));
    let copy = place.join(name);
    if !copy.exists() {
        // Whole under another name first, for other test programs that run at the same time.
        std::fs::create_dir_all(&place).expect("a directory");
        std::fs::set_permissions(&place, std::fs::Permissions::from_mode(0o755)).expect("open");
        let making = copy.with_extension(std::process::id().to_string());
        copy_program(&file, &making);
        std::fs::rename(&making, &copy).expect("the copy's name");
    }
    copy
}

/// Copies a program by another process. What this one has open for writing the children of its other threads
/// have too, until they execute theirs, and meanwhile no one can execute the copy (ETXTBSY).
pub fn copy_program(from: &Path, to: &Path) {
    let status = Command::new("cp").arg(from).arg(to).status();
    assert!(
        status.expect("cp").success(),
        "{} cannot be copied",
        from.display()
    );
}

/// Writes a program, or a script, that is to be executed; for the same reason by another process.
pub fn write_program(to: impl AsRef<Path>, content: impl AsRef<[u8]>, mode: u32) {
    let to = to.as_ref();
    let source = to.with_extension("source");
    std::fs::write(&source, content).expect("a file");
    copy_program(&source, to);
    std::fs::remove_file(&source).expect("a file less");
    std::fs::set_permissions(to, std::fs::Permissions::from_mode(mode)).expect("its mode");
}

pub fn mydocker() -> PathBuf {
    binaries().mydocker.clone()
}

/// The build that belongs to these tests, whatever MYDOCKER_BIN says.
pub fn own_build() -> PathBuf {
    reachable(Path::new(env!("CARGO_BIN_EXE_mydocker")))
}

pub fn probe() -> PathBuf {
    binaries().probe.clone()
}

/// The probe's path as an argument.
pub fn probe_name() -> String {
    probe().to_str().expect("a path of letters").to_owned()
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
        line.push(mydocker().into());
        line.extend(["run", "--launch", self.launch].map(OsString::from));
        if let Some(pool) = self.pool() {
            line.extend(["--pool".into(), pool]);
        }
        line.extend(options.iter().map(OsString::from));
        line.extend(command.iter().map(|word| word.as_ref().to_owned()));
        self.prepared(&line)
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
