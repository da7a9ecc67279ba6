//! Which ids are a container's: a file says it, in which byte N stands for id N, and a lock on it for a container
//! (`--userns` of root).
//!
//! A lock needs no cleaning up: the kernel ends it with the process that holds it, mydocker, however that ends. It is
//! the same for all of the host, whatever namespaces mydocker was called in, as long as they see the same directory.
//! And as only root can open the file, no other user can hold ids back. (A name in the abstract namespace of sockets
//! has none of the last two.)
//!
//! What it does not see: a mydocker that has another directory there, as in a container; and a container that outlives
//! a mydocker that was killed (README, Exit codes). The container cannot hold the lock itself: it could end it.

use crate::error::Error;
use crate::field::Field;
use crate::guard::Request;
use crate::spec::{BLOCK, IdsWanted, Range};
use crate::sys::facts::{self, Kind};
use crate::sys::lock::{self, Lock};
use crate::sys::{Errno, descriptor, random};
use std::borrow::Cow;
use std::ffi::CStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// The first whose directory there is: what is gone with the host's next start, and root's. The last one is there on
/// a host that has an init and nothing else.
const PLACES: [&CStr; 3] = [
    c"/run/mydocker.ids",
    c"/var/run/mydocker.ids",
    c"/dev/mydocker.ids",
];

impl Request for IdsWanted<'_> {
    /// The first of them. They are the container's until the end of this process, which alone gives them back.
    type Guard = u32;
    /// The first of those that might be taken now.
    type Preview = u32;

    /// Errors: all are taken, or the file cannot be had.
    fn acquire(self) -> Result<u32, Error> {
        claim(self)
    }

    fn preview(self) -> Result<u32, Error> {
        look(self)
    }
}

#[cold]
#[inline(never)]
fn claim(wanted: IdsWanted<'_>) -> Result<u32, Error> {
    let file = match open(libc::O_RDWR | libc::O_CREAT) {
        Ok(file) => file,
        Err((place, errno)) => match (wanted, errno) {
            // Where it cannot be written it can be shared; if there is none, no one has claimed anything.
            (IdsWanted::These(range), Errno::EROFS | Errno::EACCES) => match open(libc::O_RDONLY) {
                Err((_, Errno::ENOENT)) => return Ok(range.first),
                opened => opened.map_err(|(place, errno)| failed(place, errno))?,
            },
            _ => return Err(failed(place, errno)),
        },
    };
    let claimed = find(wanted, |kind, first, length| {
        match lock::lock(file.as_fd(), kind, first.into(), length.into()) {
            Ok(()) => Ok(true),
            Err(Errno::EAGAIN) => Ok(false),
            Err(errno) => Err(errno),
        }
    });
    // It is open for as long as we are.
    std::mem::forget(file);
    claimed
}

#[cold]
#[inline(never)]
fn look(wanted: IdsWanted<'_>) -> Result<u32, Error> {
    let access = match wanted {
        IdsWanted::Block(_) => libc::O_RDWR,
        IdsWanted::These(_) => libc::O_RDONLY,
    };
    let file = match open(access) {
        Ok(file) => Some(file),
        // No one has claimed anything.
        Err((_, Errno::ENOENT)) => None,
        Err((place, errno)) => return Err(failed(place, errno)),
    };
    find(wanted, |kind, first, length| match &file {
        Some(file) => lock::is_free(file.as_fd(), kind, first.into(), length.into()),
        None => Ok(true),
    })
}

fn find(
    wanted: IdsWanted<'_>,
    mut is_ours: impl FnMut(Lock, u32, u32) -> Result<bool, Errno>,
) -> Result<u32, Error> {
    let mut is_ours = |kind, first, length| {
        is_ours(kind, first, length)
            .map_err(|errno| Error::new(Field::UserNamespace.between("", ": lock"), "ids", errno))
    };
    let ranges = match wanted {
        IdsWanted::Block(ranges) => ranges,
        IdsWanted::These(Range { first, count }) => {
            return if is_ours(Lock::Shared, first, count)? {
                Ok(first)
            } else {
                Err(Error::refused_for(
                    format!("{} {first}:{count}", Field::UserNamespace),
                    Field::AutomaticIds
                        .between("some of these ids are those of a container with ", ""),
                ))
            };
        }
    };
    let blocks = ranges.iter().flat_map(|range| {
        let first = range.first;
        (0..range.count / BLOCK).map(move |block| first + block * BLOCK)
    });
    let blocks: Vec<u32> = blocks.collect();
    // From anywhere on, so that ids are not used again soon after.
    let random = random::six_bytes().map_or(0, |[a, b, c, d, ..]| u32::from_le_bytes([a, b, c, d]));
    let start = random as usize % blocks.len().max(1);
    let (before, after) = blocks.split_at(start);
    for first in after.iter().chain(before) {
        if is_ours(Lock::Alone, *first, BLOCK)? {
            return Ok(*first);
        }
    }
    Err(Error::refused(
        Field::AutomaticIds.spelled(),
        "every 65536 ids that could be the container's are another one's",
    ))
}

/// The file, which no one but root can open.
///
/// Errors: with the place; ENOENT if it is in none of them.
fn open(flags: i32) -> Result<OwnedFd, (&'static CStr, Errno)> {
    let mut missing = Errno::ENOENT;
    for place in PLACES {
        match descriptor::open(place, flags | libc::O_NOFOLLOW | libc::O_NONBLOCK, 0o600) {
            Ok(file) => {
                check(file.as_fd()).map_err(|errno| (place, errno))?;
                return Ok(file);
            }
            // Not where it cannot be written: it may be there, and be locked.
            Err(errno @ (Errno::ENOENT | Errno::ENOTDIR)) => missing = errno,
            Err(errno) => return Err((place, errno)),
        }
    }
    let [place, ..] = PLACES;
    Err((place, missing))
}

fn check(file: BorrowedFd<'_>) -> Result<(), Errno> {
    let facts = facts::facts(file)?;
    let is_roots = facts.kind == Kind::Regular && facts.owner == 0 && facts.mode & 0o077 == 0;
    is_roots.then_some(()).ok_or(Errno::EPERM)
}

fn failed(place: &CStr, errno: Errno) -> Error {
    let hint = match errno {
        Errno::EPERM => Some(Cow::Borrowed(
            "it is to be a file of root's that no one else can open",
        )),
        Errno::EROFS | Errno::EACCES => Some(Cow::Owned(Field::ChosenIds.between(
            "locks on it say which ids are a container's; ",
            " needs it less",
        ))),
        _ => None,
    };
    Error::new(
        Field::UserNamespace.between("", ": open"),
        place.to_bytes(),
        errno,
    )
    .hint(hint)
}
