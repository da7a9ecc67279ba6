//! Which ids are a container's: a file says it, in which byte N stands for id N, and a lock on it for a container
//! (`--userns` of root).
//!
//! A lock needs no cleaning up: the kernel ends it with the process that holds it, however that ends. It is the same
//! for all of the host, whatever namespaces mydocker was called in, as long as they see the same directory. And as
//! only root can open the file, no other user can hold ids back. (A name in the abstract namespace of sockets
//! has none of the last two.)

use crate::error::Error;
use crate::spec::{BLOCK, IdsWanted, Range};
use crate::sys::facts::{self, Kind};
use crate::sys::lock::{self, Lock};
use crate::sys::{Errno, descriptor, random};
use std::ffi::CStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// The first that can be had: what is gone with the host's next start, and root's directory. The last one is there
/// on a host that has an init and nothing else.
const PLACES: [&CStr; 3] = [
    c"/run/mydocker.ids",
    c"/var/run/mydocker.ids",
    c"/dev/mydocker.ids",
];

/// Makes ids the container's, until the end of this process: the first of them.
///
/// Errors: all are taken, or the file cannot be had.
#[cold]
#[inline(never)]
pub fn claim(wanted: IdsWanted<'_>) -> Result<u32, Error> {
    let file = open(libc::O_CREAT)?.map_err(|(place, errno)| failed("make", place, errno))?;
    let claimed = find(wanted, |kind, first, length| {
        match lock::lock(file.as_fd(), kind, first, length) {
            Ok(()) => Ok(true),
            Err(Errno::EAGAIN) => Ok(false),
            Err(errno) => Err(errno),
        }
    });
    // It is open for as long as we are.
    std::mem::forget(file);
    claimed
}

/// The ids that [`claim`] might take now.
pub fn look(wanted: IdsWanted<'_>) -> Result<u32, Error> {
    // If there is none, no one has claimed anything.
    let file = open(0)?.ok();
    find(wanted, |kind, first, length| match &file {
        Some(file) => lock::is_free(file.as_fd(), kind, first, length),
        None => Ok(true),
    })
}

fn find(
    wanted: IdsWanted<'_>,
    mut is_ours: impl FnMut(Lock, u32, u32) -> Result<bool, Errno>,
) -> Result<u32, Error> {
    let mut is_ours = |kind, first, length| {
        is_ours(kind, first, length).map_err(|errno| Error::new("--userns: lock", "ids", errno))
    };
    let ranges = match wanted {
        IdsWanted::Block(ranges) => ranges,
        IdsWanted::These(Range { first, count }) => {
            return if is_ours(Lock::Shared, first, count)? {
                Ok(first)
            } else {
                Err(Error::refused(
                    format!("--userns {first}:{count}"),
                    "some of these ids are those of a container with --userns auto",
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
        "--userns auto",
        "every 65536 ids that could be the container's are another one's",
    ))
}

/// The file, or why it is in none of its places.
fn open(flags: i32) -> Result<Result<OwnedFd, (&'static CStr, Errno)>, Error> {
    let mut missing = (c"", Errno::ENOENT);
    for place in PLACES {
        let flags = flags | libc::O_RDWR | libc::O_NOFOLLOW | libc::O_NONBLOCK;
        match descriptor::open(place, flags, 0o600) {
            Ok(file) => {
                check(file.as_fd(), place)?;
                return Ok(Ok(file));
            }
            // No such directory, or one where nothing can be made (or that is someone else's, for root of a
            // user namespace).
            Err(errno @ (Errno::ENOENT | Errno::ENOTDIR | Errno::EROFS | Errno::EACCES)) => {
                missing = (place, errno);
            }
            Err(errno) => return Err(failed("open", place, errno)),
        }
    }
    Ok(Err(missing))
}

/// That no one but root can hold its locks.
fn check(file: BorrowedFd<'_>, place: &CStr) -> Result<(), Error> {
    let facts = facts::facts(file).map_err(|errno| failed("look at", place, errno))?;
    if facts.kind == Kind::Regular && facts.owner == 0 && facts.mode & 0o077 == 0 {
        Ok(())
    } else {
        let hint = "it is to be a file of root's that no one else can open";
        Err(failed("claim ids in", place, Errno::EPERM).hint(Some(hint)))
    }
}

fn failed(operation: &str, place: &CStr, errno: Errno) -> Error {
    Error::new(format!("--userns: {operation}"), place.to_bytes(), errno)
}
