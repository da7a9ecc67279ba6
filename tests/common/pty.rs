//! A person at a terminal: a pseudo-terminal whose master the test has, with mydocker, or a shell
//! that calls it, in a session of its own on the other side.

#![allow(dead_code)]

use crate::common::*;
use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::pty::{PtyMaster, grantpt, posix_openpt, ptsname_r, unlockpt};
use nix::sys::termios::{
    InputFlags, LocalFlags, OutputFlags, SetArg, SpecialCharacterIndices, Termios, tcgetattr,
    tcsetattr,
};
use nix::unistd::{Uid, fchown};
use std::ffi::{OsStr, OsString};
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The prompts of the shells outside and inside. Nothing that is typed contains them, so the
/// terminal's echo is not taken for a prompt.
pub const OUTSIDE: &str = "outside> ";
pub const INSIDE: &str = "inside> ";

/// Options for a shell in the container: a prompt to wait for, and no history file.
pub const SHELL: [&str; 4] = ["-e", "PS1=inside> ", "-e", "HISTFILE=/dev/null"];

/// A shell's script that becomes a program without any handlers, which says that it is ready and
/// runs until someone ends it. A shell itself may catch a key's signal and lose it when it executes
/// the next program. Core files are not wanted.
pub fn sleeper() -> String {
    format!("ulimit -c 0; exec {} orphans 0", probe_name())
}

pub struct Session {
    case: Case,
    master: PtyMaster,
    /// Kept open, so that the terminal outlives its programs and can be looked at.
    slave: File,
    name: String,
    before: Termios,
    child: Child,
    /// Everything that the terminal showed, and how much of it was expected so far.
    seen: Vec<u8>,
    expected: usize,
    mark: String,
}

impl Session {
    /// `mydocker run OPTIONS COMMAND` as the leader of a session on a terminal of 24 by 80.
    pub fn mydocker<S: AsRef<OsStr>>(case: Case, options: &[&str], command: &[S]) -> Self {
        Self::wrapped(case, &[], options, command)
    }

    /// The same behind another program, which is the leader then: `WRAPPER mydocker run …`.
    pub fn wrapped<S: AsRef<OsStr>>(
        case: Case,
        wrapper: &[&str],
        options: &[&str],
        command: &[S],
    ) -> Self {
        let mark = mark();
        let variable = format!("MARK={mark}");
        let options = [&["-e", &variable], options].concat();
        let command = case.command(&options, command);
        let line: Vec<OsString> = wrapper
            .iter()
            .map(OsStr::new)
            .chain(std::iter::once(command.get_program()))
            .chain(command.get_args())
            .map(OsStr::to_owned)
            .collect();
        Self::new(case, mark, &line)
    }

    /// An interactive bash that has job control and shows its prompt.
    pub fn bash(case: Case) -> Self {
        // Without its line editing the terminal's modes at a prompt are what programs left.
        let line = ["bash", "--norc", "--noprofile", "--noediting", "-i"].map(OsString::from);
        let mut session = Self::new(case, mark(), &line);
        session.expect(OUTSIDE);
        session
    }

    /// Any program as the leader of a session on a terminal.
    pub fn new(case: Case, mark: String, line: &[OsString]) -> Self {
        let master = posix_openpt(OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC)
            .expect("a pseudo-terminal");
        grantpt(&master).expect("its slave's owner");
        unlockpt(&master).expect("its slave");
        let name = ptsname_r(&master).expect("its slave's name");
        let slave = OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(OFlag::O_NOCTTY.bits())
            .open(&name)
            .expect("the slave");
        fchown(&slave, Some(user(case)), None).expect("the caller's own terminal");
        resize(&slave, 24, 80);
        let before = unusual_modes(&slave);

        // What ran the tests may ignore signals (nohup, a script's background); a terminal's
        // programs do not.
        let start = ["env", "--default-signal", "setsid", "--ctty"].map(OsString::from);
        let mut command = case.prepared(&[&start[..], line].concat());
        let end = || Stdio::from(slave.try_clone().expect("another descriptor"));
        command
            .stdin(end())
            .stdout(end())
            .stderr(end())
            .env("TERM", "dumb")
            .env("HOME", "/")
            .env("PS1", OUTSIDE)
            .env("HISTFILE", "/dev/null")
            .env_remove("ENV");
        let child = command.spawn().expect("env and setsid");
        Self {
            case,
            master,
            slave,
            name,
            before,
            child,
            seen: Vec::new(),
            expected: 0,
            mark,
        }
    }

    /// A command line that calls mydocker, for the shell outside.
    pub fn line(&self, options: &str, command: &str) -> String {
        format!(
            "{} run --launch {} -e MARK={} {options} {command}",
            mydocker().display(),
            self.case.launch,
            self.mark,
        )
    }

    /// The path of the terminal.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The programs' side of it.
    pub fn slave(&self) -> &File {
        &self.slave
    }

    /// The session's leader.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The container's processes.
    pub fn container(&self) -> Vec<u32> {
        marked(&self.mark)
    }

    pub fn type_keys(&mut self, keys: &str) {
        self.master.write_all(keys.as_bytes()).expect("type");
    }

    pub fn type_line(&mut self, line: &str) {
        self.type_keys(line);
        self.type_keys("\n");
    }

    /// Waits until the terminal shows `text`, after what was expected before.
    #[track_caller]
    pub fn expect(&mut self, text: &str) {
        let limit = Instant::now() + PATIENCE;
        loop {
            let new = &self.seen[self.expected..];
            let found = new
                .windows(text.len())
                .position(|window| window == text.as_bytes());
            if let Some(at) = found {
                self.expected += at + text.len();
                return;
            }
            let ended = self.child.try_wait().expect("wait").is_some();
            if !self.receive(Duration::from_millis(100)) {
                assert!(!ended, "{self}: it ended before it showed {text:?}");
            }
            assert!(Instant::now() < limit, "{self}: it does not show {text:?}");
        }
    }

    /// Reads what the terminal shows. False if nothing came within `patience`.
    fn receive(&mut self, patience: Duration) -> bool {
        let timeout = PollTimeout::try_from(patience).expect("a short time");
        let mut waiting = [PollFd::new(self.master.as_fd(), PollFlags::POLLIN)];
        if poll(&mut waiting, timeout).expect("poll") == 0 {
            return false;
        }
        let mut buffer = vec![0; 65536];
        let count = self.master.read(&mut buffer).expect("the terminal");
        self.seen.extend(&buffer[..count]);
        true
    }

    pub fn modes(&self) -> Termios {
        tcgetattr(&self.slave).expect("the terminal's modes")
    }

    /// Whether every key passes as it is.
    pub fn is_raw(&self) -> bool {
        let modes = self.modes();
        let keys = LocalFlags::ICANON | LocalFlags::ECHO | LocalFlags::ISIG | LocalFlags::IEXTEN;
        !modes.local_flags.intersects(keys)
            && !modes
                .input_flags
                .intersects(InputFlags::IXON | InputFlags::ICRNL)
            && !modes.output_flags.contains(OutputFlags::OPOST)
    }

    /// Whether the terminal is exactly as it was at first.
    #[track_caller]
    pub fn assert_restored(&self) {
        assert_eq!(self.modes(), self.before, "{self}");
    }

    #[track_caller]
    pub fn wait_until_raw(&self) {
        assert!(eventually(|| self.is_raw()), "{self}: not raw");
    }

    pub fn resize(&self, rows: u16, columns: u16) {
        resize(&self.slave, rows, columns);
    }

    /// Asks a shell again and again, until its terminal has that size: ROWSxCOLUMNS, which is never typed.
    #[track_caller]
    pub fn expect_size(&mut self, size: &str) {
        let is_so = eventually(|| {
            self.type_line("stty size | tr ' ' x; echo s$((1+1))t");
            self.expect("s2t");
            String::from_utf8_lossy(self.seen()).contains(size)
        });
        assert!(is_so, "the terminal does not become {size}");
    }

    /// Waits for the end, which leaves the terminal as it was and no process of the container.
    /// Returns the exit code.
    #[track_caller]
    pub fn end(&mut self) -> i32 {
        let limit = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("wait") {
                break status;
            }
            self.receive(Duration::from_millis(5));
            assert!(Instant::now() < limit, "{self}: it does not end");
        };
        while self.receive(Duration::ZERO) {}
        self.assert_restored();
        assert!(
            eventually(|| self.container().is_empty()),
            "{self}: processes are left"
        );
        shell_code(status)
    }

    /// The signal that the leader, which has ended, died of, as who waits for it sees.
    pub fn died_of(&mut self) -> Option<i32> {
        self.child.wait().expect("wait").signal()
    }

    /// Whether the leader has ended, after reading what the terminal shows.
    pub fn has_ended(&mut self) -> bool {
        while self.receive(Duration::ZERO) {}
        self.child.try_wait().expect("wait").is_some()
    }

    /// Waits for the end while nobody reads what the terminal shows.
    #[track_caller]
    pub fn wait(&mut self) {
        assert!(
            eventually(|| self.child.try_wait().expect("wait").is_some()),
            "{self}: it does not end"
        );
    }

    /// What the terminal showed.
    pub fn seen(&self) -> &[u8] {
        &self.seen
    }
}

impl std::fmt::Display for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let last = self.seen.len().saturating_sub(500);
        let seen = self.seen[last..].escape_ascii();
        write!(f, "{}: the terminal shows \"{seen}\"", self.case)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // Nothing for a test that passed. The container dies with its mydocker.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The user id of a case's caller.
fn user(case: Case) -> Uid {
    let outcome = finish(case.prepared(&["id".into(), "-u".into()]));
    Uid::from_raw(outcome.output(case).trim().parse().expect("a number"))
}

/// By stty, since the ioctl itself would be `unsafe`.
fn resize(terminal: &File, rows: u16, columns: u16) {
    let mut stty = Command::new("stty");
    stty.args(["rows", &rows.to_string(), "cols", &columns.to_string()]);
    stty.stdin(terminal.try_clone().expect("another descriptor"));
    assert!(stty.status().expect("stty").success());
}

/// Gives a terminal modes and keys that no program has as its own idea of sane ones.
fn unusual_modes(terminal: &File) -> Termios {
    let mut modes = tcgetattr(terminal).expect("modes");
    modes.input_flags.toggle(InputFlags::IXANY);
    modes.local_flags.toggle(LocalFlags::ECHOK);
    modes.control_chars[SpecialCharacterIndices::VERASE as usize] = 8;
    modes.control_chars[SpecialCharacterIndices::VTIME as usize] = 7;
    tcsetattr(terminal, SetArg::TCSANOW, &modes).expect("modes");
    tcgetattr(terminal).expect("modes")
}

/// What /proc/PID/stat says after the name: the state first, then the parent.
fn stat(pid: u32) -> Vec<String> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("a live process");
    let (_, fields) = stat.rsplit_once(") ").expect("a name");
    fields.split_whitespace().map(str::to_owned).collect()
}

pub fn is_stopped(pid: u32) -> bool {
    stat(pid)[0] == "T"
}

pub fn parent(pid: u32) -> u32 {
    stat(pid)[1].parse().expect("a pid")
}

/// The processor time that a process has used, in clock ticks (a hundred a second).
pub fn ticks(pid: u32) -> u64 {
    let stat = stat(pid);
    let field = |index: usize| -> u64 { stat[index].parse().expect("a number") };
    // utime and stime, the 14th and 15th field of proc_pid_stat(5).
    field(11) + field(12)
}
