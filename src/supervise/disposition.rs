//! What a process would do with a signal, as /proc/PID/status tells.

use crate::sys::Pid;
use crate::sys::signal::SignalSet;

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

/// What the main thread of `pid` would do with `signal`.
pub fn of(pid: Pid, signal: i32) -> Disposition {
    std::fs::read(format!("/proc/{pid}/status"))
        .ok()
        .and_then(|status| from_status(&status, signal))
        .unwrap_or(Disposition::Unknown)
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
        let own = std::process::id() as Pid;
        assert_eq!(of(own, libc::SIGUSR2), Disposition::Default);
        assert_eq!(of(0, libc::SIGUSR2), Disposition::Unknown);
    }
}
