//! What a process would do with a signal, as /proc/PID/status tells.

use crate::sys::signal::SignalSet;
use crate::sys::{Pid, process};
use std::os::fd::AsRawFd;

/// What becomes of a signal that is sent to a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disposition {
    /// Its default action, which PID 1 of a namespace is spared.
    Default,
    /// Ignored, handled, or blocked: the process has a mind of its own about it. (A blocked signal
    /// reaches PID 1 too: it may be waiting for it by sigwait.)
    Own,
    /// /proc does not tell.
    Unknown,
}

/// What the main thread of our child `pid` would do with `signal`.
pub fn of(pid: Pid, signal: i32) -> Disposition {
    // /proc may be that of an outer PID namespace (unshare -p without a new proc), where the child
    // has another number.
    let number = number_in_proc(pid).unwrap_or(pid);
    let read = |file: &str| std::fs::read(format!("/proc/{number}/{file}")).ok();
    let status = read("status").and_then(|status| from_status(&status, signal));
    if status == Some(Disposition::Default) && read("syscall").is_none_or(|call| is_sigwait(&call))
    {
        // While a thread is in sigwait the kernel shows as blocked what it does not wait for, and
        // still queues what it does. If it does not tell, sparing is safer than killing.
        return Disposition::Own;
    }
    status.unwrap_or(Disposition::Unknown)
}

/// Whether a file `syscall` of /proc, which begins with the number of the call that the thread is
/// in, tells of sigwait.
fn is_sigwait(call: &[u8]) -> bool {
    let number = call.split(|byte| *byte == b' ').next();
    number == Some(libc::SYS_rt_sigtimedwait.to_string().as_bytes())
}

/// The number that /proc gives to `pid`: what is known of an open pidfd tells.
fn number_in_proc(pid: Pid) -> Option<Pid> {
    let file = process::open(pid).ok()?;
    let facts = std::fs::read(format!("/proc/self/fdinfo/{}", file.as_raw_fd())).ok()?;
    let number = facts
        .split(|byte| *byte == b'\n')
        .find_map(|line| line.strip_prefix(b"Pid:"))?;
    std::str::from_utf8(number.trim_ascii()).ok()?.parse().ok()
}

fn from_status(status: &[u8], signal: i32) -> Option<Disposition> {
    for field in [&b"SigBlk:"[..], b"SigIgn:", b"SigCgt:"] {
        let value = status
            .split(|byte| *byte == b'\n')
            .find_map(|line| line.strip_prefix(field))?;
        let digits = std::str::from_utf8(value.trim_ascii()).ok()?;
        let set = SignalSet(u64::from_str_radix(digits, 16).ok()?);
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
        assert!(is_sigwait(format!("{number} 0x7f 0x0 0x0 0x8").as_bytes()));
        assert!(!is_sigwait(b"35 0x7f 0x0"));
        assert!(!is_sigwait(b"running\n"));
    }
}
