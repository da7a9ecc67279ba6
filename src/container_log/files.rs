//! The files of a log, which may be rotated while they are looked at: then each becomes one older. They are told apart by
//! what they are, not by their names.

use super::{age, name};
use crate::sys::facts::{facts, facts_of};
use crate::sys::{Errno, descriptor, directory, node};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// What tells a file from all others, as long as it is open.
type Identity = (u64, u64);

/// One of the files.
pub struct File {
    file: OwnedFd,
    identity: Identity,
}

/// Where a line begins.
pub struct Place {
    pub file: File,
    pub offset: u64,
}

/// Where to go from a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Toward {
    Older,
    Newer,
}

/// How often it is looked again while files are rotated.
const TRIES: u32 = 100;

impl File {
    /// The oldest of all, if that is where one comes to by going `Older`; else the newest.
    pub fn last(directory: BorrowedFd<'_>, toward: Toward) -> Result<Option<Self>, Errno> {
        choose(directory, |files| match toward {
            Toward::Older => files.last().copied(),
            Toward::Newer => files.first().copied(),
        })
    }

    /// The one next to this. If this one is gone, all that are there are newer.
    pub fn next(&self, directory: BorrowedFd<'_>, toward: Toward) -> Result<Option<Self>, Errno> {
        if toward == Toward::Newer && self.is_the_newest(directory) {
            return Ok(None);
        }
        choose(directory, |files| {
            let here = files.iter().position(|(_, other)| *other == self.identity);
            let next = match (here, toward) {
                (Some(here), Toward::Newer) => here.checked_sub(1)?,
                (Some(here), Toward::Older) => here + 1,
                (None, Toward::Newer) => files.len().checked_sub(1)?,
                (None, Toward::Older) => return None,
            };
            files.get(next).copied()
        })
    }

    fn is_the_newest(&self, directory: BorrowedFd<'_>) -> bool {
        facts_of(directory, &name(0)).is_ok_and(|facts| facts.identity == self.identity)
    }

    /// Reads as much as there is room for, or is there.
    pub fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize, Errno> {
        let start = usize::try_from(offset).map_err(|_| Errno::EFBIG)?;
        let mut filled = 0;
        while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match descriptor::read_at(self.file.as_fd(), rest, start + filled) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(Errno::EINTR) => {}
                Err(errno) => return Err(errno),
            }
        }
        Ok(filled)
    }

    pub fn size(&self) -> Result<u64, Errno> {
        facts(self.file.as_fd()).map(|facts| facts.size)
    }
}

/// Opens the file that is chosen of those that are there, the newest first.
fn choose(
    directory: BorrowedFd<'_>,
    choice: impl Fn(&[(u32, Identity)]) -> Option<(u32, Identity)>,
) -> Result<Option<File>, Errno> {
    let mut before = list(directory)?;
    let mut tries = TRIES;
    loop {
        let chosen = choice(&before);
        let opened = chosen.map(|(age, _)| {
            let flags = libc::O_RDONLY | libc::O_NOFOLLOW | libc::O_NONBLOCK;
            let file = descriptor::own(node::open(directory, &name(age), flags, 0)?);
            let identity = facts(file.as_fd())?.identity;
            Ok(File { file, identity })
        });
        let opened = match opened.transpose() {
            Err(Errno::ENOENT) => None,
            opened => opened?,
        };
        // A file never becomes newer. If all are where they were, they were there in between.
        let after = list(directory)?;
        let is_chosen =
            opened.as_ref().map(|file| file.identity) == chosen.map(|(_, chosen)| chosen);
        tries -= 1;
        if tries == 0 || is_chosen && after == before {
            return Ok(opened);
        }
        before = after;
    }
}

fn list(directory: BorrowedFd<'_>) -> Result<Vec<(u32, Identity)>, Errno> {
    let mut files = Vec::new();
    let names = match directory::names(directory) {
        // The directory was removed.
        Err(Errno::ENOENT) => Vec::new(),
        names => names?,
    };
    for entry in names {
        let Some(age) = age(entry.to_bytes()) else {
            continue;
        };
        match facts_of(directory, &entry) {
            Ok(facts) => files.push((age, facts.identity)),
            Err(Errno::ENOENT) => {}
            Err(errno) => return Err(errno),
        }
    }
    files.sort_unstable();
    Ok(files)
}
