//! `--stop-signal`: by which signal a container is asked to end; and the signals of other options.

use crate::error::Error;
use std::ffi::{OsStr, OsString};

/// Names without SIG, as kill(1) has them.
const NAMES: [(&str, i32); 31] = [
    ("HUP", libc::SIGHUP),
    ("INT", libc::SIGINT),
    ("QUIT", libc::SIGQUIT),
    ("ILL", libc::SIGILL),
    ("TRAP", libc::SIGTRAP),
    ("ABRT", libc::SIGABRT),
    ("BUS", libc::SIGBUS),
    ("FPE", libc::SIGFPE),
    ("KILL", libc::SIGKILL),
    ("USR1", libc::SIGUSR1),
    ("SEGV", libc::SIGSEGV),
    ("USR2", libc::SIGUSR2),
    ("PIPE", libc::SIGPIPE),
    ("ALRM", libc::SIGALRM),
    ("TERM", libc::SIGTERM),
    ("STKFLT", libc::SIGSTKFLT),
    ("CHLD", libc::SIGCHLD),
    ("CONT", libc::SIGCONT),
    ("STOP", libc::SIGSTOP),
    ("TSTP", libc::SIGTSTP),
    ("TTIN", libc::SIGTTIN),
    ("TTOU", libc::SIGTTOU),
    ("URG", libc::SIGURG),
    ("XCPU", libc::SIGXCPU),
    ("XFSZ", libc::SIGXFSZ),
    ("VTALRM", libc::SIGVTALRM),
    ("PROF", libc::SIGPROF),
    ("WINCH", libc::SIGWINCH),
    ("IO", libc::SIGIO),
    ("PWR", libc::SIGPWR),
    ("SYS", libc::SIGSYS),
];

/// The real-time signals for programs are between these, RTMIN and RTMAX; the C library keeps those before.
const FIRST_REAL_TIME: i32 = 34;
const LAST: i32 = 64;

/// Errors: what is no signal.
pub fn stop_signal(typed: Option<&OsString>) -> Result<i32, Error> {
    typed.map_or(Ok(libc::SIGTERM), |typed| signal("stop-signal", typed))
}

/// The signal that an option names.
///
/// Errors: what is no signal.
pub fn signal(option: &str, typed: &OsStr) -> Result<i32, Error> {
    let signal = typed.to_str().and_then(number);
    signal.ok_or_else(|| {
        Error::refused(
            format!("--{option} {}", typed.to_string_lossy()),
            "it takes the name of a signal, SIGTERM, INT or RTMIN+3, or a number from 1 to 64",
        )
    })
}

fn number(text: &str) -> Option<i32> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        return text
            .parse()
            .ok()
            .filter(|number| (1..=LAST).contains(number));
    }
    let upper = text.to_ascii_uppercase();
    let name = upper.strip_prefix("SIG").unwrap_or(&upper);
    if let Some((_, signal)) = NAMES.iter().find(|(known, _)| *known == name) {
        return Some(*signal);
    }
    let offset = |text: &str, sign: &str| match text {
        "" => Some(0),
        text => text.strip_prefix(sign)?.parse::<u8>().ok().map(i32::from),
    };
    let signal = match (name.strip_prefix("RTMIN"), name.strip_prefix("RTMAX")) {
        (Some(rest), _) => FIRST_REAL_TIME + offset(rest, "+")?,
        (_, Some(rest)) => LAST - offset(rest, "-")?,
        _ => return None,
    };
    (FIRST_REAL_TIME..=LAST).contains(&signal).then_some(signal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers() {
        for (text, signal) in [
            ("TERM", Some(15)),
            ("sigint", Some(2)),
            ("9", Some(9)),
            ("SIGRTMIN+3", Some(37)),
            ("RTMAX", Some(64)),
            ("RTMAX-1", Some(63)),
            ("RTMIN", Some(34)),
            ("RTMIN+99", None),
            ("0", None),
            ("65", None),
            ("", None),
            ("NOPE", None),
            ("-1", None),
        ] {
            assert_eq!(number(text), signal, "{text}");
        }
    }
}
