//! What a process would do with a signal, as /proc/PID/status tells.

use crate::sys::signal::SignalSet;
use crate::sys::{Pid, directory, process};
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;
use std::time::Duration;

/// What becomes of a signal that is sent to a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disposition {
    /// The default action, which PID 1 of a namespace is spared.
    Default,
    /// Ignored, handled, or blocked: the process has a mind of its own about it. (A blocked signal
    /// reaches PID 1 too: it may be waiting for it by sigwait.)
    Own,
    /// /proc does not tell.
    Unknown,
}

/// How often to look at a process that is running, and how long to let it run in between.
const LOOKS: u32 = 200;
const PAUSE: Duration = Duration::from_millis(1);

/// What the main thread of our child `pid` would do with `signal`.
pub fn of(pid: Pid, signal: i32) -> Disposition {
    // /proc may be that of an outer PID namespace (unshare -p without a new proc), where the child
    // has another number.
    let number = number_in_proc(pid).unwrap_or(pid);
    for _ in 0..LOOKS {
        if let Some(disposition) = look(number, signal) {
            return disposition;
        }
        std::thread::sleep(PAUSE);
    }
    // It computes, and never was it seen with the signal blocked.
    Disposition::Default
}

/// What `number` would do with `signal`; `None` if it must be asked again.
///
/// While a thread is in sigwait the kernel takes what it waits for out of its mask, until the thread
/// has been woken and has run. So a mask without the signal tells something of a thread only if it
/// slept all the while and what it slept in is known.
fn look(number: Pid, signal: i32) -> Option<Disposition> {
    let status = || std::fs::read(format!("/proc/{number}/status")).ok();
    let of_mask = |status: &Option<Vec<u8>>| {
        let seen = status
            .as_ref()
            .and_then(|status| from_status(status, signal));
        seen.unwrap_or(Disposition::Unknown)
    };
    let before = status();
    if of_mask(&before) != Disposition::Default {
        return Some(of_mask(&before));
    }
    match call(number) {
        Call::Running => return None,
        Call::Sigwait(set) if set.contains(signal) => return Some(Disposition::Own),
        // Of a program that may not be read the kernel does not tell. Most do not wait by sigwait,
        // and a person at ^C waits for an end.
        Call::Sigwait(_) | Call::Other | Call::Unknown => {}
    }
    let after = status();
    if of_mask(&after) != Disposition::Default {
        return Some(of_mask(&after));
    }
    (switches(&before?) == switches(&after?)).then_some(Disposition::Default)
}

/// What a thread is in.
#[derive(Debug, PartialEq)]
enum Call {
    Running,
    /// rt_sigtimedwait(2), for these.
    Sigwait(SignalSet),
    Other,
    Unknown,
}

fn call(number: Pid) -> Call {
    let Ok(line) = std::fs::read(format!("/proc/{number}/syscall")) else {
        return Call::Unknown;
    };
    if line.starts_with(b"running") {
        return Call::Running;
    }
    let Some(address) = awaited_set(&line) else {
        return Call::Other;
    };
    let mut set = [0; size_of::<u64>()];
    let read = std::fs::File::open(format!("/proc/{number}/mem"))
        .and_then(|memory| memory.read_exact_at(&mut set, address));
    read.map_or(Call::Unknown, |()| {
        Call::Sigwait(SignalSet(u64::from_ne_bytes(set)))
    })
}

/// Where the set lies, if a line of /proc/PID/syscall (the call's number and its arguments) tells of
/// rt_sigtimedwait.
fn awaited_set(line: &[u8]) -> Option<u64> {
    let mut words = line.split(|byte| *byte == b' ');
    let number = i64::from(directory::number(words.next()?)?);
    if number != libc::SYS_rt_sigtimedwait {
        return None;
    }
    hexadecimal(words.next()?.strip_prefix(b"0x")?)
}

fn hexadecimal(digits: &[u8]) -> Option<u64> {
    u64::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

/// The lines of a status file that count how often the thread has stopped running.
fn switches(status: &[u8]) -> Vec<&[u8]> {
    status
        .split(|byte| *byte == b'\n')
        .filter(|line| line.starts_with(b"voluntary_") || line.starts_with(b"nonvoluntary_"))
        .collect()
}

/// The number that /proc gives to `pid`: what is known of an open pidfd tells.
pub fn number_in_proc(pid: Pid) -> Option<Pid> {
    let file = process::open(pid).ok()?;
    let facts = std::fs::read(format!("/proc/self/fdinfo/{}", file.as_raw_fd())).ok()?;
    let number = facts
        .split(|byte| *byte == b'\n')
        .find_map(|line| line.strip_prefix(b"Pid:"))?;
    directory::number(number.trim_ascii())
}

fn from_status(status: &[u8], signal: i32) -> Option<Disposition> {
    for field in [&b"SigBlk:"[..], b"SigIgn:", b"SigCgt:"] {
        let value = status
            .split(|byte| *byte == b'\n')
            .find_map(|line| line.strip_prefix(field))?;
        let set = SignalSet(hexadecimal(value.trim_ascii())?);
        if set.contains(signal) {
            return Some(Disposition::Own);
        }
    }
    Some(Disposition::Default)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_files() {
        let status =
            b"Name:\tsh\nSigQ:\t0/1\nSigBlk:\t0000000000000001\nSigIgn:\t0000000000000004\n\
                       SigCgt:\t0000000180004002\nCapInh:\t0\n";
        let of = |signal| from_status(status, signal);
        assert_eq!(of(libc::SIGHUP), Some(Disposition::Own), "blocked");
        assert_eq!(of(libc::SIGQUIT), Some(Disposition::Own), "ignored");
        assert_eq!(of(libc::SIGINT), Some(Disposition::Own), "caught");
        assert_eq!(of(libc::SIGTERM), Some(Disposition::Own), "caught");
        assert_eq!(of(libc::SIGUSR1), Some(Disposition::Default));
        assert_eq!(from_status(b"SigBlk:\t0\nSigIgn:\t0\n", 1), None);
        assert_eq!(from_status(b"SigBlk:\tx\n", 1), None);
    }

    #[test]
    fn of_a_live_process() {
        let mut child = std::process::Command::new("sleep")
            .arg("60")
            .spawn()
            .unwrap();
        let pid = child.id() as Pid;
        let number = number_in_proc(pid);
        let disposition = of(pid, libc::SIGUSR2);
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(number, Some(pid));
        assert_eq!(disposition, Disposition::Default);
        assert_eq!(of(pid, libc::SIGUSR2), Disposition::Unknown);
    }

    #[test]
    fn sigwait_is_told_by_its_number() {
        let number = libc::SYS_rt_sigtimedwait;
        let line = format!("{number} 0x7f00 0x0 0x0 0x8 0x0 0x0 0x7ffc 0x7ffd\n");
        assert_eq!(awaited_set(line.as_bytes()), Some(0x7f00));
        assert_eq!(awaited_set(b"35 0x7f 0x0"), None);
        assert_eq!(awaited_set(b"-1 0x7f 0x0"), None);
    }

    #[test]
    fn switches_are_compared_whole() {
        let status = b"Seccomp:\t0\nvoluntary_ctxt_switches:\t7\nnonvoluntary_ctxt_switches:\t1\n";
        assert_eq!(switches(status).len(), 2);
    }
}
