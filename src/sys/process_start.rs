//! When processes have started, by /proc/PID/stat: with its pid it tells a process from all that get the same pid later.

use super::node::{self, HERE};
use super::{Errno, Pid, descriptor, facts};
use std::ffi::CString;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// The field `starttime` of proc_pid_stat(5): ticks from the boot to the start of a process that is there, also of one that
/// has ended and that no one has waited for yet ([`State::Ended`]).
///
/// Errors: ESRCH if there is no such process; ENODEV if what is mounted on /proc is no proc.
pub fn start_time(pid: Pid) -> Result<u64, Errno> {
    stat(pid).map(|stat| stat.start_time)
}

/// The field `ppid`: whose child a process is.
///
/// Errors: as [`start_time`].
pub fn parent(pid: Pid) -> Result<Pid, Errno> {
    stat(pid).map(|stat| stat.parent)
}

/// What a line tells of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stat {
    state: State,
    parent: Pid,
    start_time: u64,
}

/// Whether a process can still do something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Alive,
    /// A zombie, or about to be gone.
    Ended,
}

/// Whether the process of this number that has started at that time is there.
///
/// Errors: as [`start_time`].
pub fn state(pid: Pid, start_time: u64) -> Result<State, Errno> {
    Processes::open()?.state(pid, start_time)
}

/// What a process executes, as far as tells whether that has changed.
#[cfg(feature = "oci")]
#[derive(Debug, PartialEq, Eq)]
pub struct Image {
    /// That of the last execve, if no one has set another (PR_SET_NAME).
    name: Vec<u8>,
    /// It was born, and has executed nothing yet.
    is_new: bool,
    /// It is on its way out, or a zombie.
    leaves: bool,
}

#[cfg(feature = "oci")]
impl Image {
    /// Of the process of this number that has started at that time.
    ///
    /// Errors: as [`start_time`].
    pub fn of(pid: Pid, start_time: u64) -> Result<Self, Errno> {
        let read = |text: &[u8]| {
            let stat = parsed(text)?;
            Some((Self::parsed(text, stat.state)?, stat.start_time))
        };
        match read_by(Processes::open()?.0.as_fd(), pid, read)? {
            (image, begun) if begun == start_time => Ok(image),
            _ => Err(Errno::ESRCH),
        }
    }

    fn parsed(text: &[u8], state: State) -> Option<Self> {
        // <linux/sched.h>; they stay with a zombie, as the name does.
        const PF_EXITING: u64 = 0x4;
        const PF_FORKNOEXEC: u64 = 0x40;
        let begin = text.iter().position(|byte| *byte == b'(')?;
        let end = text.iter().rposition(|byte| *byte == b')')?;
        let rest = std::str::from_utf8(text.get(end + 1..)?).ok()?;
        // The ninth field; the first here is the third.
        let flags: u64 = rest.split_ascii_whitespace().nth(6)?.parse().ok()?;
        Some(Self {
            name: text.get(begin + 1..end)?.to_vec(),
            is_new: flags & PF_FORKNOEXEC != 0,
            leaves: state == State::Ended || flags & PF_EXITING != 0,
        })
    }

    /// Whether it has ended, or is about to, as what it was `before`.
    pub fn has_ended_as(&self, before: &Self) -> bool {
        self.leaves && (self.is_new || self.name == before.name)
    }
}

/// What /proc shows, opened once for many questions.
pub struct Processes(OwnedFd);

impl Processes {
    /// Errors: as [`start_time`].
    #[cold]
    #[inline(never)]
    pub fn open() -> Result<Self, Errno> {
        let flags = libc::O_PATH | libc::O_DIRECTORY;
        let proc = descriptor::own(node::open(HERE, c"/proc", flags, 0)?);
        match facts::file_system(proc.as_fd())?.is_proc() {
            true => Ok(Self(proc)),
            false => Err(Errno::ENODEV),
        }
    }

    /// Whether the process of this number that has started at that time is there.
    ///
    /// Errors: as [`start_time`].
    pub fn state(&self, pid: Pid, start_time: u64) -> Result<State, Errno> {
        let stat = read(self.0.as_fd(), pid)?;
        match stat.start_time == start_time {
            true => Ok(stat.state),
            false => Err(Errno::ESRCH),
        }
    }
}

fn stat(pid: Pid) -> Result<Stat, Errno> {
    read(Processes::open()?.0.as_fd(), pid)
}

fn read(proc: BorrowedFd<'_>, pid: Pid) -> Result<Stat, Errno> {
    read_by(proc, pid, parsed)
}

fn read_by<T>(
    proc: BorrowedFd<'_>,
    pid: Pid,
    parsed: impl FnOnce(&[u8]) -> Option<T>,
) -> Result<T, Errno> {
    let path = CString::new(format!("{pid}/stat")).map_err(|_| Errno::EINVAL)?;
    let file = node::open(proc, &path, libc::O_RDONLY, 0).map_err(|errno| match errno {
        Errno::ENOENT => Errno::ESRCH,
        errno => errno,
    })?;
    // Fifty-two numbers and a name of at most sixteen bytes: the kernel gives them at once.
    let mut text = [0; 1024];
    let count = descriptor::read(file.as_fd(), &mut text);
    descriptor::close(file);
    parsed(text.get(..count?).unwrap_or_default()).ok_or(Errno::EIO)
}

/// The name, the second field, is between brackets, and may have brackets and spaces in it.
fn parsed(text: &[u8]) -> Option<Stat> {
    let end = text.iter().rposition(|byte| *byte == b')')?;
    let rest = std::str::from_utf8(text.get(end + 1..)?).ok()?;
    let mut fields = rest.split_ascii_whitespace();
    let state = match fields.next()? {
        "Z" | "X" | "x" => State::Ended,
        _ => State::Alive,
    };
    Some(Stat {
        state,
        // The third was the state, and this is the fourth.
        parent: fields.next()?.parse().ok()?,
        // The twenty-second.
        start_time: fields.nth(17)?.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_counted_from_the_name() {
        let stat = |state, start_time| Stat {
            state,
            parent: 3,
            start_time,
        };
        let rest = "3 1 1 0 -1 4 0 0 0 0 0 0 0 0 20 0 1 0 4711 99";
        let text = |state, name| format!("7 ({name}) {state} {rest}");
        for (line, found) in [
            (text("S", "cat"), Some(stat(State::Alive, 4711))),
            (text("Z", "a) R 1 (b"), Some(stat(State::Ended, 4711))),
            ("7 (cat) S 1 1".into(), None),
            ("".into(), None),
        ] {
            assert_eq!(parsed(line.as_bytes()), found, "{line}");
        }
    }

    #[test]
    fn a_process_is_told_from_others() {
        let mut child = std::process::Command::new("cat")
            .stdin(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let pid = child.id() as Pid;
        let started = start_time(pid).unwrap();
        assert!(started >= start_time(1).unwrap());
        assert_eq!(state(pid, started), Ok(State::Alive));
        assert_eq!(state(pid, started + 1), Err(Errno::ESRCH));
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(state(pid, started), Err(Errno::ESRCH));
    }
}
