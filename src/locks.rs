//! Which directories of the host's a run of mydocker uses: the root that it makes places in, the upper directory that
//! it writes to, the cgroups that are its own.
//!
//! A lock on the directory itself, flock(2), could be taken by everyone who may read it, and held for ever. So the locks
//! are on the bytes of an empty file that only its owner can open: the directory's device and inode say which byte. The
//! kernel ends a lock with the process that holds it, however that ends; nothing is written, and nothing piles up.
//!
//! Root's file is [`OF_ROOT`], beside that of the ids (`host/id_claim.rs`). An ordinary user's is in the directory
//! that systemd makes for a user's sessions, and, as that one goes with the last session, in one of the user's own in
//! /tmp as well, which is removed by the last run that uses it. A root that may not write to root's places is that of a
//! user namespace, and as much an ordinary user as whoever made that.
//!
//! Two users' locks do not know of each other. So what belongs to another user is left alone (see `host/root`); and so
//! it is by who sees another /run and /tmp, as in a container. Two directories may, one time in 2^62, have the same byte:
//! then one of them seems to be in use while only the other is, which is an error at the most.

use crate::error::Error;
use crate::sys::facts::{self, Facts, Kind};
use crate::sys::lock::{self, Lock, TO_THE_END};
use crate::sys::node;
use crate::sys::{Errno, descriptor, identity};
use crate::writable;
use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

/// The first whose directory there is. The last one is there on a host that has an init and nothing else.
pub const OF_ROOT: [&CStr; 3] = [
    c"/run/mydocker.locks",
    c"/var/run/mydocker.locks",
    c"/dev/mydocker.locks",
];

/// Where the directory of an ordinary user's is.
const IN_TMP: &[u8] = b"/tmp/";

/// The file in the directory of an ordinary user's in /tmp.
const NAME: &CStr = c"locks";

/// How often someone may be faster in removing what was just opened.
const TRIES: u32 = 16;

/// The files, open for as long as the locks are held.
pub struct Locks {
    files: Vec<OwnedFd>,
    temporary: Option<Temporary>,
}

/// The directory of an ordinary user's in /tmp.
struct Temporary {
    /// /tmp.
    above: OwnedFd,
    name: CString,
    directory: OwnedFd,
    file: OwnedFd,
}

/// The byte that stands for a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Byte(u64);

impl Byte {
    pub fn of(facts: &Facts) -> Self {
        Self::of_identity(facts.identity)
    }

    /// `device` and `inode` are the directory's.
    pub fn of_identity((device, inode): (u64, u64)) -> Self {
        // Of a file offset, which has a sign.
        Self(mixed(mixed(device) ^ inode) >> 2)
    }
}

/// The last steps of SplitMix64: every bit of the number has its part in every bit of what comes out.
fn mixed(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

/// Why there can be no locks.
pub struct NoLocks {
    place: Vec<u8>,
    errno: Errno,
}

impl NoLocks {
    /// `operation` wants one.
    #[cold]
    #[inline(never)]
    pub fn error(self, operation: impl Into<String>) -> Error {
        let hint = match self.errno {
            Errno::EPERM => "it is to be the user's own, and closed to all others",
            _ => "a lock on a file that no one else can open says which directories are in use",
        };
        Error::new(operation, self.place, self.errno).hint(Some(hint))
    }
}

/// The files of a user's that there are, or could be.
enum Found<F, T> {
    OfRoot(F),
    /// At least one.
    OfUser {
        of_sessions: Option<F>,
        temporary: Option<T>,
    },
}

/// Finds where the locks are: `file` opens a file, or looks whether it could be opened; `temporary` does so with the
/// directory of this name in /tmp.
fn find<F, T>(
    file: &dyn Fn(&CStr) -> Result<F, Errno>,
    temporary: &dyn Fn(CString) -> Result<T, Errno>,
) -> Result<Found<F, T>, NoLocks> {
    if identity::effective_user() == 0 {
        match first_of_root(file) {
            Ok(file) => return Ok(Found::OfRoot(file)),
            // Not the host's root.
            Err((_, Errno::EACCES | Errno::EROFS | Errno::EPERM | Errno::ENOENT)) => {}
            Err((place, errno)) => return Err(no_locks(place.to_bytes(), errno)),
        }
    }
    let user = outside_user();
    let of_sessions = format!("/run/user/{user}/mydocker.locks");
    let of_sessions = file(&CString::new(of_sessions).unwrap_or_default()).ok();
    let name = CString::new(format!("mydocker-{user}")).unwrap_or_default();
    let temporary = match temporary(name.clone()) {
        Ok(temporary) => Some(temporary),
        Err(_) if of_sessions.is_some() => None,
        Err(errno) => return Err(no_locks(&[IN_TMP, name.to_bytes()].concat(), errno)),
    };
    Ok(Found::OfUser {
        of_sessions,
        temporary,
    })
}

impl Locks {
    /// Opens the files.
    #[cold]
    #[inline(never)]
    pub fn open() -> Result<Self, NoLocks> {
        let (file, temporary) = match find(&open_file, &Temporary::open)? {
            Found::OfRoot(file) => (Some(file), None),
            Found::OfUser {
                of_sessions,
                temporary,
            } => (of_sessions, temporary),
        };
        Ok(Self {
            files: file.into_iter().collect(),
            temporary,
        })
    }

    /// Whether [`open`](Self::open) would find a place for one, as far as a look tells.
    #[cold]
    #[inline(never)]
    pub fn look() -> Result<(), NoLocks> {
        find(&writable::existing_or_new, &Temporary::look).map(drop)
    }

    /// Errors: EAGAIN if another run has the byte in a way that does not go together with this.
    pub fn lock(&mut self, byte: Byte, lock: Lock) -> Result<(), Errno> {
        for _ in 0..TRIES {
            self.try_lock(byte, lock)?;
            // A file that has been removed between our opening and our locking no one else will find.
            match &self.temporary {
                Some(temporary) if facts::facts(temporary.file.as_fd())?.links == 0 => {
                    let name = temporary.name.clone();
                    self.temporary = Some(Temporary::open(name)?);
                }
                _ => return Ok(()),
            }
        }
        Err(Errno::EAGAIN)
    }

    fn try_lock(&self, byte: Byte, lock: Lock) -> Result<(), Errno> {
        let mut held = Vec::new();
        for file in self.all() {
            match lock::lock(file, lock, byte.0, 1) {
                Ok(()) => held.push(file),
                Err(errno) => {
                    for file in held {
                        lock::unlock(file, byte.0, 1);
                    }
                    return Err(errno);
                }
            }
        }
        Ok(())
    }

    /// [`Self::lock`], with some patience for someone who has the byte for a moment: who removes what was made, say.
    pub fn lock_soon(&mut self, byte: Byte, lock: Lock) -> Result<(), Errno> {
        const PAUSES: u32 = 20;
        let mut locked = self.lock(byte, lock);
        for _ in 0..PAUSES {
            if locked != Err(Errno::EAGAIN) {
                break;
            }
            std::thread::sleep(Duration::from_millis(1));
            locked = self.lock(byte, lock);
        }
        locked
    }

    pub fn unlock(&self, byte: Byte) {
        for file in self.all() {
            lock::unlock(file, byte.0, 1);
        }
    }

    fn all(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        let temporary = self.temporary.as_ref().map(|temporary| &temporary.file);
        self.files.iter().chain(temporary).map(AsFd::as_fd)
    }
}

fn no_locks(place: &[u8], errno: Errno) -> NoLocks {
    NoLocks {
        place: place.to_vec(),
        errno,
    }
}

fn first_of_root<F>(file: &dyn Fn(&CStr) -> Result<F, Errno>) -> Result<F, (&'static CStr, Errno)> {
    let [mut missing, ..] = OF_ROOT;
    for place in OF_ROOT {
        match file(place) {
            // Not where it cannot be written: it may be there, and be locked.
            Err(Errno::ENOENT | Errno::ENOTDIR) => missing = place,
            found => return found.map_err(|errno| (place, errno)),
        }
    }
    Err((missing, Errno::ENOENT))
}

const OPENING: i32 = libc::O_RDWR | libc::O_CREAT | libc::O_NOFOLLOW | libc::O_NONBLOCK;

fn open_file(path: &CStr) -> Result<OwnedFd, Errno> {
    let file = descriptor::open(path, OPENING, 0o600)?;
    check(file.as_fd(), Kind::Regular)?;
    Ok(file)
}

/// Errors: EPERM if it is not ours alone.
fn check(file: BorrowedFd<'_>, kind: Kind) -> Result<(), Errno> {
    let facts = facts::facts(file)?;
    let is_ours =
        facts.kind == kind && facts.owner == identity::effective_user() && facts.mode & 0o077 == 0;
    is_ours.then_some(()).ok_or(Errno::EPERM)
}

/// Who the user is outside of the user namespace that it may be in: another one there may have the same number here.
pub fn outside_user() -> u32 {
    let user = identity::effective_user();
    let maps = std::fs::read("/proc/self/uid_map").unwrap_or_default();
    let mapped = identity::mapped(&maps);
    let outside = mapped.iter().find_map(|mapped| mapped.outside(user));
    outside.unwrap_or(user)
}

impl Temporary {
    /// Whether it could be opened, as far as a look tells.
    fn look(name: CString) -> Result<(), Errno> {
        let directory = [IN_TMP, name.to_bytes()].concat();
        let directory = CString::new(directory).unwrap_or_default();
        match descriptor::open(&directory, libc::O_PATH, 0) {
            Ok(_) => Ok(()),
            Err(Errno::ENOENT) => writable::new(&directory),
            Err(errno) => Err(errno),
        }
    }

    fn open(name: CString) -> Result<Self, Errno> {
        let above = descriptor::open(c"/tmp", libc::O_PATH | libc::O_DIRECTORY, 0)?;
        for _ in 0..TRIES {
            match node::make_directory(above.as_fd(), &name, 0o700) {
                Ok(()) | Err(Errno::EEXIST) => {}
                Err(errno) => return Err(errno),
            }
            // Whatever someone else has put there: a link is not followed.
            let flags = libc::O_RDONLY | libc::O_DIRECTORY | libc::O_NOFOLLOW;
            let directory = match node::open(above.as_fd(), &name, flags, 0) {
                Ok(directory) => descriptor::own(directory),
                Err(Errno::ENOENT) => continue,
                Err(Errno::ENOTDIR | Errno::ELOOP | Errno::EACCES) => return Err(Errno::EPERM),
                Err(errno) => return Err(errno),
            };
            check(directory.as_fd(), Kind::Directory)?;
            let file = match node::open(directory.as_fd(), NAME, OPENING, 0o600) {
                Ok(file) => descriptor::own(file),
                // Another run has removed the directory.
                Err(Errno::ENOENT) => continue,
                Err(errno) => return Err(errno),
            };
            check(file.as_fd(), Kind::Regular)?;
            return Ok(Self {
                above,
                name,
                directory,
                file,
            });
        }
        Err(Errno::EAGAIN)
    }
}

impl Drop for Temporary {
    /// Removes them, unless another run has a lock there. One that opens them meanwhile notices when it has its lock.
    fn drop(&mut self) {
        if lock::lock(self.file.as_fd(), Lock::Alone, 0, TO_THE_END).is_ok()
            && facts::facts(self.file.as_fd()).is_ok_and(|facts| facts.links > 0)
        {
            let _ = node::remove_file(self.directory.as_fd(), NAME);
            let _ = node::remove_directory(self.above.as_fd(), &self.name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_apart() {
        let mut bytes: Vec<u64> = (0..64)
            .flat_map(|device| (0..64).map(move |inode| mixed(mixed(device) ^ inode) >> 2))
            .collect();
        bytes.sort_unstable();
        bytes.dedup();
        assert_eq!(bytes.len(), 64 * 64);
        assert!(bytes.iter().all(|byte| i64::try_from(*byte).is_ok()));
    }

    #[test]
    fn a_byte_is_someones() {
        let open = || Locks::open().map_err(|none| none.error("test").to_string());
        let (mut one, mut other) = match (open(), open()) {
            (Ok(one), Ok(other)) => (one, other),
            (Err(error), _) | (_, Err(error)) => panic!("{error}"),
        };
        let number = u64::from(std::process::id());
        let byte = Byte((1 << 61) + number);
        one.lock(byte, Lock::Shared).unwrap();
        assert_eq!(other.lock(byte, Lock::Alone), Err(Errno::EAGAIN));
        assert_eq!(other.lock(byte, Lock::Shared), Ok(()));
        assert_eq!(one.lock(byte, Lock::Alone), Err(Errno::EAGAIN));
        drop(other);
        assert_eq!(one.lock(byte, Lock::Alone), Ok(()));
        one.unlock(byte);
        assert_eq!(open().unwrap().lock(byte, Lock::Alone), Ok(()));
    }
}
