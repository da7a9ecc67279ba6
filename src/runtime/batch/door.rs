//! The socket on which callers bring jobs, for as long as there is a batch.

use crate::error::Error;
use crate::sys::node::Replace;
use crate::sys::{Errno, descriptor, facts, identity, local_socket, node, process};
use std::ffi::{CStr, CString, OsStr};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::time::Duration;

/// Only the owner may call: connect(2) wants the right to write.
const MODE: u32 = 0o600;

/// What an address has room for, with the zero behind it that some callers want (unix(7)).
const LONGEST_PATH: usize = 107;

/// The most callers at a time; others wait.
const CALLERS: usize = 256;

/// Entries for poll(2) that are neither a caller's nor a worker's, and descriptors that are needed for a moment.
const OTHERS: usize = 8;

/// How many callers there may be at a time beside so many workers: poll(2) takes no more entries than there may be open
/// files (EINVAL), and each caller has two, one for what it sends and one for what it is sent.
pub fn room(workers: usize) -> usize {
    let files = process::limits(process::DESCRIPTORS).map_or(0, |[most, _]| most);
    let files = usize::try_from(files).unwrap_or(usize::MAX);
    (files.saturating_sub(workers.saturating_add(OTHERS)) / 2).clamp(1, CALLERS)
}

pub struct Door {
    socket: OwnedFd,
    path: CString,
    /// Which file it is.
    identity: (u64, u64),
}

impl Door {
    /// Errors: another listens there, or what is there is something else.
    pub fn open(path: &OsStr) -> Result<Self, Error> {
        let failed = |errno| Error::new("listen at", path.as_bytes(), errno);
        let path = CString::new(path.as_bytes()).map_err(|_| failed(Errno::EINVAL))?;
        if path.as_bytes().len() > LONGEST_PATH {
            // It would have this name, and no one could call it by that.
            return Err(failed(Errno::ENAMETOOLONG).hint(Some(
                "the path of a socket has at most 107 bytes: a relative one may be shorter",
            )));
        }
        // Under another name first: whoever finds it there can call.
        let (made, _directory) = made_beside(&path).map_err(failed)?;
        if is_left_over(&path) {
            remove_left_over(&path, &made).map_err(failed)?;
        }
        let socket = local_socket::listen_for_streams(&made, MODE).map_err(failed)?;
        let door = Self {
            identity: facts::facts_of(node::HERE, &made).map_err(failed)?.identity,
            socket,
            path: made,
        };
        match node::rename(node::HERE, &door.path, &path, Replace::No) {
            Ok(()) => Ok(Self { path, ..door }),
            Err(errno) => {
                door.close();
                let taken = (errno == Errno::EEXIST).then_some(
                    "another listens there, or it is something else than a socket of yours",
                );
                Err(failed(errno).hint(taken))
            }
        }
    }

    pub fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    /// The next caller, if one waits: another user is sent away, and `Err` tells who.
    pub fn accept(&self) -> Result<Option<Result<OwnedFd, u32>>, Errno> {
        let Some(caller) = local_socket::accept(self.socket.as_fd())? else {
            return Ok(None);
        };
        let user = local_socket::peer_user(caller.as_fd())?;
        Ok(Some(match user == identity::effective_user() {
            true => Ok(caller),
            false => Err(user),
        }))
    }

    /// Takes the file away, if it is the same one still.
    pub fn close(self) {
        let found = facts::facts_of(node::HERE, &self.path);
        if found.is_ok_and(|found| found.identity == self.identity) {
            let _ = node::remove_file(node::HERE, &self.path);
        }
    }
}

/// A name of no one else's, in the same directory. That may be longer than the path, and than what an address has room for: then it
/// goes by way of a descriptor of the directory, and is valid for as long as that.
fn made_beside(path: &CString) -> Result<(CString, Option<OwnedFd>), Errno> {
    let bytes = path.to_bytes();
    let directory = bytes.iter().rposition(|byte| *byte == b'/');
    let directory = bytes.get(..directory.map_or(0, |at| at + 1));
    let directory = directory.unwrap_or_default();
    let name = format!(".{:x}", process::id());
    let own = |bytes: Vec<u8>| CString::new(bytes).map_err(|_| Errno::EINVAL);
    let made = own([directory, name.as_bytes()].concat())?;
    if made.count_bytes() <= LONGEST_PATH {
        return Ok((made, None));
    }
    let flags = libc::O_PATH | libc::O_DIRECTORY;
    let opened = descriptor::open(&own(directory.to_vec())?, flags, 0)?;
    let made = format!("/proc/self/fd/{}/{name}", opened.as_raw_fd());
    Ok((own(made.into_bytes())?, Some(opened)))
}

/// Whether a batch that was killed has left a socket there: ours, and no one listens.
fn is_left_over(path: &CStr) -> bool {
    let found = facts::facts_of(node::HERE, path);
    let is_ours = found.is_ok_and(|found| {
        found.kind == facts::Kind::Socket && found.owner == identity::effective_user()
    });
    let called = || local_socket::connect_stream(path, Duration::from_secs(1));
    is_ours && matches!(called(), Err(Errno::ECONNREFUSED))
}

/// Another batch may do the same, and its own socket be there by now: what is taken from there is looked at once more.
#[cold]
#[inline(never)]
fn remove_left_over(path: &CStr, aside: &CStr) -> Result<(), Errno> {
    match node::rename(node::HERE, path, aside, Replace::No) {
        Ok(()) if is_left_over(aside) => node::remove_file(node::HERE, aside),
        Ok(()) => node::rename(node::HERE, aside, path, Replace::No),
        // The other has taken it away.
        Err(Errno::ENOENT) => Ok(()),
        Err(errno) => Err(errno),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_owner_calls_and_nothing_is_left() {
        let path = std::env::temp_dir().join(format!("mydocker-door-{}", std::process::id()));
        let door = Door::open(path.as_os_str()).unwrap();
        let facts = facts::facts_of(node::HERE, &door.path).unwrap();
        assert_eq!(facts.mode & 0o777, MODE);
        assert!(Door::open(path.as_os_str()).is_err(), "it is taken");
        // Killed, it leaves the file.
        let Door { socket, .. } = door;
        drop(socket);
        let door = Door::open(path.as_os_str()).unwrap();
        let caller = local_socket::connect_stream(&door.path, Duration::from_secs(1)).unwrap();
        assert!(matches!(door.accept(), Ok(Some(Ok(_)))));
        assert!(matches!(door.accept(), Ok(None)));
        drop(caller);
        door.close();
        assert!(!path.exists());
        std::fs::write(&path, "").unwrap();
        assert!(Door::open(path.as_os_str()).is_err(), "a file is no socket");
        std::fs::remove_file(&path).unwrap();
    }

    /// Two that find what a third has left: the slower one may find the socket of the quicker one there.
    #[test]
    fn what_someone_listens_at_is_not_removed() {
        let path = std::env::temp_dir().join(format!("mydocker-door-2-{}", std::process::id()));
        let door = Door::open(path.as_os_str()).unwrap();
        let (aside, _) = made_beside(&door.path).unwrap();
        remove_left_over(&door.path, &aside).unwrap();
        local_socket::connect_stream(&door.path, Duration::from_secs(1)).unwrap();
        assert!(matches!(door.accept(), Ok(Some(Ok(_)))));
        let Door { socket, path, .. } = door;
        drop(socket);
        remove_left_over(&path, &aside).unwrap();
        remove_left_over(&path, &aside).unwrap();
        assert!(facts::facts_of(node::HERE, &path).is_err());
        assert!(facts::facts_of(node::HERE, &aside).is_err());
    }
}
