//! `--ulimit`: limits of each process by itself, setrlimit(2).

use super::size::whole_number;
use crate::error::Error;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

/// A limit of a process. Units are the kernel's: bytes, seconds, numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResourceLimit {
    /// The kernel's number for it.
    pub resource: u32,
    pub soft: u64,
    pub hard: u64,
}

/// docker's names, which are the kernel's without RLIMIT_; docker has no `as`.
#[allow(clippy::unnecessary_cast)] // They are of another type in each C library.
const NAMES: [(&str, u32); 16] = [
    ("as", libc::RLIMIT_AS as u32),
    ("core", libc::RLIMIT_CORE as u32),
    ("cpu", libc::RLIMIT_CPU as u32),
    ("data", libc::RLIMIT_DATA as u32),
    ("fsize", libc::RLIMIT_FSIZE as u32),
    ("locks", libc::RLIMIT_LOCKS as u32),
    ("memlock", libc::RLIMIT_MEMLOCK as u32),
    ("msgqueue", libc::RLIMIT_MSGQUEUE as u32),
    ("nice", libc::RLIMIT_NICE as u32),
    ("nofile", libc::RLIMIT_NOFILE as u32),
    ("nproc", libc::RLIMIT_NPROC as u32),
    ("rss", libc::RLIMIT_RSS as u32),
    ("rtprio", libc::RLIMIT_RTPRIO as u32),
    ("rttime", libc::RLIMIT_RTTIME as u32),
    ("sigpending", libc::RLIMIT_SIGPENDING as u32),
    ("stack", libc::RLIMIT_STACK as u32),
];

impl ResourceLimit {
    /// `NAME=SOFT[:HARD]`, with -1 or `unlimited` for none.
    pub fn new(text: &OsStr) -> Result<Self, Error> {
        let refused = |reason| {
            Err(Error::refused(
                [b"--ulimit ", text.as_bytes()].concat(),
                reason,
            ))
        };
        let mut parts = text.as_bytes().splitn(2, |byte| *byte == b'=');
        let (Some(name), Some(values)) = (parts.next(), parts.next()) else {
            return refused("it takes NAME=SOFT[:HARD]");
        };
        let Some((_, resource)) = NAMES.iter().find(|(known, _)| known.as_bytes() == name) else {
            return refused(
                "no such limit; there are as, core, cpu, data, fsize, locks, memlock, msgqueue, nice, nofile, \
                 nproc, rss, rtprio, rttime, sigpending and stack",
            );
        };
        let mut values = values.splitn(2, |byte| *byte == b':').map(value);
        let soft = values.next().flatten();
        let hard = values.next().unwrap_or(soft);
        match (soft, hard) {
            (Some(soft), Some(hard)) if soft > hard => refused("SOFT is above HARD"),
            (Some(soft), Some(hard)) => Ok(Self {
                resource: *resource,
                soft,
                hard,
            }),
            _ => refused("a value is a whole number, or -1 for no limit"),
        }
    }

    /// The kernel's name for it, for messages.
    pub fn name(resource: u32) -> &'static str {
        let found = NAMES.iter().find(|(_, number)| *number == resource);
        found.map_or("a resource", |(name, _)| name)
    }
}

fn value(text: &[u8]) -> Option<u64> {
    match text {
        b"-1" | b"unlimited" => Some(u64::MAX),
        text => whole_number(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_and_mistakes() {
        let limit =
            |text: &str| ResourceLimit::new(text.as_ref()).map_err(|error| error.to_string());
        let nofile = |soft, hard| {
            Ok(ResourceLimit {
                resource: 7,
                soft,
                hard,
            })
        };
        assert_eq!(limit("nofile=64"), nofile(64, 64));
        assert_eq!(limit("nofile=64:128"), nofile(64, 128));
        assert_eq!(limit("nofile=64:-1"), nofile(64, u64::MAX));
        assert_eq!(limit("nofile=unlimited"), nofile(u64::MAX, u64::MAX));
        for (text, message) in [
            ("nofile", "it takes NAME=SOFT[:HARD]"),
            ("files=1", "no such limit"),
            ("NOFILE=1", "no such limit"),
            ("nofile=2:1", "SOFT is above HARD"),
            ("nofile=-1:1", "SOFT is above HARD"),
            ("nofile=", "a whole number"),
            ("nofile=1:", "a whole number"),
            ("nofile=1:2:3", "a whole number"),
            ("nofile=1k", "a whole number"),
            ("nofile=-2", "a whole number"),
        ] {
            let error = limit(text).unwrap_err();
            assert!(error.contains(message), "{error}");
            assert!(error.starts_with(&format!("--ulimit {text}: ")), "{error}");
        }
    }
}
