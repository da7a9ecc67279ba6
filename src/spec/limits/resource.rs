//! Limits of each process by itself, setrlimit(2).

/// A limit of a process. Units are the kernel's: bytes, seconds, numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ResourceLimit {
    /// The kernel's number for it.
    pub resource: u32,
    pub soft: u64,
    pub hard: u64,
}

/// The kernel's names, without RLIMIT_ and in small letters, as docker has them; docker has no `as`.
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
    /// `None`: the soft limit is above the hard one.
    pub fn new(resource: u32, soft: u64, hard: u64) -> Option<Self> {
        (soft <= hard).then_some(Self {
            resource,
            soft,
            hard,
        })
    }

    /// The kernel's number for what is called `name`.
    pub fn number(name: &[u8]) -> Option<u32> {
        let found = NAMES.iter().find(|(known, _)| known.as_bytes() == name);
        found.map(|(_, number)| *number)
    }

    /// The kernel's name for it, for messages.
    pub fn name(resource: u32) -> &'static str {
        let found = NAMES.iter().find(|(_, number)| *number == resource);
        found.map_or("a resource", |(name, _)| name)
    }
}
