//! One start: spawn, wait, and the times between.

use crate::act::Act;
use crate::contestants::Contestant;
use crate::mount_namespaces;
use nix::fcntl::OFlag;
use nix::time::{ClockId, clock_gettime};
use std::ffi::OsString;
use std::fs::File;
use std::io::{Read, Seek};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

/// The moments of one start, in nanoseconds of the monotonic clock.
#[derive(Clone, Copy)]
pub struct Sample {
    pub spawned: u64,
    /// What the command said.
    pub said: u64,
    pub exit_seen: u64,
}

impl Sample {
    /// Spawn to the first instruction ([`Act::First`]).
    pub fn first(self) -> u64 {
        self.said.saturating_sub(self.spawned)
    }

    /// Spawn to exit seen.
    pub fn exit(self) -> u64 {
        self.exit_seen.saturating_sub(self.spawned)
    }

    /// The command's exit to exit seen ([`Act::Late`]).
    pub fn after(self) -> u64 {
        self.exit_seen.saturating_sub(self.said)
    }
}

pub struct Runner {
    command: PathBuf,
    null: File,
    reader: File,
    writer: OwnedFd,
    errors: File,
    home: OwnedFd,
    serial: u64,
}

/// What the command writes.
pub const LETTERS: usize = 16;

impl Runner {
    pub fn new(command: &Path) -> Result<Self, String> {
        let (reader, writer) = nix::unistd::pipe2(OFlag::O_CLOEXEC | OFlag::O_NONBLOCK)
            .map_err(|errno| format!("pipe: {errno}"))?;
        let errors =
            nix::sys::memfd::memfd_create("errors", nix::sys::memfd::MFdFlags::MFD_CLOEXEC)
                .map_err(|errno| format!("memfd: {errno}"))?;
        Ok(Self {
            command: command.to_owned(),
            null: File::open("/dev/null").map_err(|error| format!("/dev/null: {error}"))?,
            reader: reader.into(),
            writer,
            errors: errors.into(),
            home: mount_namespaces::here()?,
            serial: 0,
        })
    }

    /// The program that every container runs.
    pub fn command(&self) -> &Path {
        &self.command
    }

    /// Starts a contestant and waits for its end.
    pub fn run(&mut self, contestant: &Contestant, act: Act) -> Result<Sample, String> {
        let (status, spawned) = match contestant.is_life() {
            true => self.live(contestant, act)?,
            false => {
                let (child, spawned) = self.spawn(contestant, act)?;
                (ended(child)?, spawned)
            }
        };
        let exit_seen = now();
        let said = match contestant.detaches {
            true => {
                self.drain();
                Some(exit_seen)
            }
            false => self.said(),
        };
        match said {
            Some(said) if status.success() => Ok(Sample {
                spawned,
                said,
                exit_seen,
            }),
            _ => Err(format!("{status}: {}", self.complaint())),
        }
    }

    /// Has a container created, started, and deleted when it has ended; in between we are an engine, to whom its first process
    /// is left. Returns how the last of these has ended, and when the first was started.
    fn live(&mut self, contestant: &Contestant, act: Act) -> Result<(ExitStatus, u64), String> {
        let is_ours = |is| {
            nix::sys::prctl::set_child_subreaper(is).map_err(|errno| format!("prctl: {errno}"))
        };
        is_ours(true)?;
        let lived = self.live_as_ours(contestant, act);
        is_ours(false)?;
        if lived.is_err() {
            let words = contestant.later(&["delete", "--force"], self.serial);
            let _ = self
                .spawn_words(contestant, words)
                .map(|(child, _)| ended(child));
        }
        lived
    }

    fn live_as_ours(
        &mut self,
        contestant: &Contestant,
        act: Act,
    ) -> Result<(ExitStatus, u64), String> {
        let (child, spawned) = self.spawn(contestant, act)?;
        let mut status = ended(child)?;
        for command in ["start", "delete"] {
            if !status.success() {
                return Err(format!("before {command}: {status}: {}", self.complaint()));
            }
            let words = contestant.later(&[command], self.serial);
            status = ended(self.spawn_words(contestant, words)?.0)?;
            if command == "start" && status.success() {
                nix::sys::wait::wait().map_err(|errno| format!("wait: {errno}"))?;
            }
        }
        Ok((status, spawned))
    }

    /// The number that the next start has.
    pub fn next(&self) -> u64 {
        self.serial + 1
    }

    /// Has something done that belongs to a contestant, and waits until it is done. Whether it was.
    pub fn done(&mut self, contestant: &Contestant, words: Vec<OsString>) -> bool {
        let child = self.spawn_words(contestant, words);
        let done = child.is_ok_and(|(child, _)| ended(child).is_ok_and(|status| status.success()));
        self.drain();
        done
    }

    /// What was said and is no time: the name of a container.
    fn drain(&mut self) {
        // To the end of what is there (EAGAIN).
        let _ = self.reader.read_to_end(&mut Vec::new());
    }

    /// Starts a contestant; returns when that was, too.
    pub fn spawn(&mut self, contestant: &Contestant, act: Act) -> Result<(Child, u64), String> {
        self.serial += 1;
        let words = contestant.words(&self.command, act, self.serial);
        self.spawn_words(contestant, words)
    }

    fn spawn_words(
        &self,
        contestant: &Contestant,
        words: Vec<OsString>,
    ) -> Result<(Child, u64), String> {
        let (program, arguments) = words.split_first().ok_or("no program")?;
        let copied = |error: std::io::Error| format!("duplicate: {error}");
        let mut command = Command::new(program);
        command
            .args(arguments)
            .env_clear()
            .env(
                "PATH",
                "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            )
            .stdin(self.null.try_clone().map_err(copied)?)
            .stdout(self.writer.try_clone().map_err(copied)?)
            .stderr(Stdio::from(self.errors.try_clone().map_err(copied)?));
        if let Some(mounts) = &contestant.mounts {
            mount_namespaces::enter(mounts)?;
        }
        let spawned = now();
        let child = command.spawn();
        if contestant.mounts.is_some() {
            mount_namespaces::enter(&self.home)?;
        }
        Ok((child.map_err(|error| error.to_string())?, spawned))
    }

    /// The time that a command has told, if one has.
    pub fn said(&mut self) -> Option<u64> {
        let mut letters = [0; LETTERS];
        self.reader.read_exact(&mut letters).ok()?;
        time_in(&letters)
    }

    /// Waits until a command that stays has told its time.
    pub fn wait_until_said(&mut self) -> Result<u64, String> {
        use nix::poll::{PollFd, PollFlags, poll};
        use std::os::fd::AsFd;
        let mut waiting = [PollFd::new(self.reader.as_fd(), PollFlags::POLLIN)];
        match poll(&mut waiting, 10_000u16) {
            Ok(1) => {}
            _ => return Err(format!("it has not started: {}", self.complaint())),
        }
        self.said().ok_or_else(|| "it said something else".into())
    }

    /// What was last said on stderr, in one line.
    pub fn complaint(&mut self) -> String {
        let mut text = String::new();
        let read = self
            .errors
            .rewind()
            .and_then(|()| self.errors.read_to_string(&mut text));
        let _ = self.errors.set_len(0);
        let _ = self.errors.rewind();
        match read {
            Ok(_) => text
                .lines()
                .last()
                .unwrap_or("it said nothing")
                .trim()
                .to_owned(),
            Err(error) => error.to_string(),
        }
    }
}

fn ended(mut child: Child) -> Result<ExitStatus, String> {
    child.wait().map_err(|error| format!("wait: {error}"))
}

/// The time in what a command has written.
pub fn time_in(letters: &[u8; LETTERS]) -> Option<u64> {
    letters.iter().try_fold(0, |time, letter| {
        let digit = letter.checked_sub(b'a').filter(|digit| *digit < 16)?;
        Some(time << 4 | u64::from(digit))
    })
}

/// The monotonic clock, which the command reads too.
pub fn now() -> u64 {
    let time = clock_gettime(ClockId::CLOCK_MONOTONIC).expect("the kernel has a monotonic clock");
    let nanoseconds = time.tv_sec() * 1_000_000_000 + time.tv_nsec();
    u64::try_from(nanoseconds).expect("the monotonic clock begins at 0")
}
