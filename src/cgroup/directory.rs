//! A cgroup's directory: opened, made, locked, read, written and removed.

use super::Version;
use crate::locks::{Byte, Locks};
use crate::sys::facts::Kind;
use crate::sys::lock::Lock;
use crate::sys::{Errno, descriptor, directory, facts, identity, node};
use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

/// A cgroup of one hierarchy. It stays the same one whatever becomes of its name.
pub struct Directory {
    pub path: CString,
    opened: OwnedFd,
}

/// The number of a hierarchy's top: kernfs counts from there.
pub const FIRST_INODE: u64 = 1;

/// Whether what is open is in a hierarchy of this version.
pub fn is_in(opened: BorrowedFd<'_>, version: Version) -> Result<bool, Errno> {
    let found = facts::file_system(opened)?;
    Ok(match version {
        Version::V1 => found.is_cgroup_v1(),
        Version::V2 => found.is_cgroup_v2(),
    })
}

impl Directory {
    /// Errors: as open(2); ENODEV if no cgroup hierarchy of this version is there.
    pub fn open(path: CString, version: Version) -> Result<Self, Errno> {
        let opened = descriptor::open(&path, libc::O_RDONLY | libc::O_DIRECTORY, 0)?;
        // Something else may be mounted over it, and no file is to be made in the wrong place.
        match is_in(opened.as_fd(), version)? {
            true => Ok(Self { path, opened }),
            false => Err(Errno::ENODEV),
        }
    }

    /// Whether it is its hierarchy's top.
    pub fn is_first(&self) -> Result<bool, Errno> {
        Ok(facts::facts(self.opened.as_fd())?.identity.1 == FIRST_INODE)
    }

    /// A file in it, for who is to read it again and again.
    pub fn open_to_read(&self, file: &CStr) -> Result<OwnedFd, Errno> {
        node::open(self.opened.as_fd(), file, libc::O_RDONLY, 0).map(descriptor::own)
    }

    /// Itself, or the nearest cgroup above it that is so.
    #[cold]
    #[inline(never)]
    pub fn find_upwards(&self, is_so: impl Fn(&Self) -> bool) -> Option<Self> {
        let mut here = self.at(c".").ok()?;
        while !is_so(&here) {
            if here.is_first() != Ok(false) {
                return None;
            }
            here = here.at(c"..").ok()?;
        }
        Some(here)
    }

    /// The top of its hierarchy, if what is mounted shows it.
    pub fn top(&self) -> Option<Self> {
        self.find_upwards(|directory| directory.is_first() == Ok(true))
    }

    /// The cgroup of this path from here, as far as the same is mounted there.
    pub fn at(&self, name: &CStr) -> Result<Self, Errno> {
        let there = self.child(name)?;
        match facts::file_system(there.opened.as_fd())?.is_cgroup() {
            true => Ok(there),
            false => Err(Errno::ENODEV),
        }
    }

    /// A file in it, for who is to write to it later.
    pub fn open_to_write(&self, file: &CStr) -> Result<OwnedFd, Errno> {
        node::open(self.opened.as_fd(), file, libc::O_WRONLY, 0).map(descriptor::own)
    }

    pub fn into_file(self) -> OwnedFd {
        self.opened
    }

    pub fn file(&self) -> &OwnedFd {
        &self.opened
    }

    /// The path of a file in it.
    pub fn path_of(&self, file: &CStr) -> CString {
        joined(&self.path, file)
    }

    /// A cgroup in this one, that is there.
    pub fn child(&self, name: &CStr) -> Result<Self, Errno> {
        let flags = libc::O_RDONLY | libc::O_DIRECTORY;
        Ok(Self {
            path: joined(&self.path, name),
            opened: descriptor::own(node::open(self.opened.as_fd(), name, flags, 0)?),
        })
    }

    /// A new cgroup in this one. None is left behind if it cannot be opened.
    pub fn make(&self, name: &CStr) -> Result<Self, Errno> {
        node::make_directory(self.opened.as_fd(), name, 0o755)?;
        self.child(name).inspect_err(|_| {
            let _ = self.remove_empty(name);
        })
    }

    /// A new cgroup in this one, which is ours by `locks`, if there are any.
    pub fn make_locked(&self, name: &CStr, locks: &mut Option<Locks>) -> Result<Self, Errno> {
        let Some(locks) = locks else {
            return self.make(name);
        };
        // Who sweeps has this lock alone while it removes one, so ours is locked before it looks.
        let above = self.byte()?;
        // Without one the worst is that a sweep removes ours before it is used, which is an error then.
        let quiet = locks.lock_soon(above, Lock::Shared);
        let made = self.make(name).inspect(|child| {
            if let Ok(byte) = child.byte() {
                let _ = locks.lock_soon(byte, Lock::Alone);
            }
        });
        if quiet.is_ok() {
            locks.unlock(above);
        }
        made
    }

    /// What stands for it among the locks.
    pub fn byte(&self) -> Result<Byte, Errno> {
        facts::facts(self.opened.as_fd()).map(|facts| Byte::of(&facts))
    }

    /// Whether a mydocker of this user has made it.
    pub fn is_ours(&self) -> bool {
        let facts = facts::facts(self.opened.as_fd());
        facts.is_ok_and(|facts| facts.owner == identity::effective_user())
    }

    /// How many cgroups are in it: kernfs counts them in its links, as directories of old did.
    pub fn count(&self) -> Result<u64, Errno> {
        facts::facts(self.opened.as_fd()).map(|facts| facts.links.saturating_sub(2))
    }

    /// Writes a file of it at once. No file is ever made.
    pub fn write(&self, file: &CStr, content: &[u8]) -> Result<(), Errno> {
        let opened = self.open_to_write(file)?;
        descriptor::write(opened.as_fd(), content).map(drop)
    }

    /// A file of it, without the line's end.
    pub fn read(&self, file: &CStr) -> Result<String, Errno> {
        let opened = descriptor::own(node::open(self.opened.as_fd(), file, libc::O_RDONLY, 0)?);
        let mut content = Vec::new();
        let mut buffer = [0; 1024];
        loop {
            match descriptor::read(opened.as_fd(), &mut buffer)? {
                0 => break,
                count => content.extend(buffer.iter().take(count)),
            }
        }
        content.truncate(content.trim_ascii_end().len());
        String::from_utf8(content).map_err(|_| Errno::EINVAL)
    }

    /// Whether a file of it may be written; with `.`, whether a cgroup may be made in it.
    pub fn may_write(&self, file: &CStr) -> Result<(), Errno> {
        node::may_write(self.opened.as_fd(), file)
    }

    /// The names of the cgroups in it.
    #[cold]
    #[inline(never)]
    pub fn children(&self) -> Vec<CString> {
        let mut names = directory::names(self.opened.as_fd()).unwrap_or_default();
        names.retain(|name| {
            let facts = facts::facts_of(self.opened.as_fd(), name);
            facts.is_ok_and(|facts| facts.kind == Kind::Directory)
        });
        names
    }

    /// Does `what` with it, and with all cgroups in it. One of them is open at a time, however deep they lie.
    #[cold]
    #[inline(never)]
    pub fn each_inner(&self, what: &mut dyn FnMut(&Self)) {
        what(self);
        let Ok(mut here) = self.child(c".") else {
            return;
        };
        // The names that are left of each on the way.
        let mut way = vec![here.children()];
        while let Some(left) = way.last_mut() {
            // What goes meanwhile is passed over. (From one that has gone `..` still leads back.)
            let next = match left.pop() {
                Some(name) => here.child(&name).inspect(|child| {
                    what(child);
                    way.push(child.children());
                }),
                None => {
                    way.pop();
                    here.child(c"..")
                }
            };
            match next {
                Ok(next) => here = next,
                Err(Errno::ENOENT | Errno::ENODEV) => {}
                Err(_) => return,
            }
        }
    }

    /// Removes a cgroup of it that has neither processes nor cgroups in it.
    pub fn remove_empty(&self, name: &CStr) -> Result<(), Errno> {
        node::remove_directory(self.opened.as_fd(), name)
    }

    /// Removes a cgroup of it, with those in it: a container may have made some, and one in another as often as it
    /// could.
    ///
    /// Errors: as rmdir(2); EBUSY for as long as a process is in it.
    #[cold]
    #[inline(never)]
    pub fn remove(&self, name: &CStr) -> Result<(), Errno> {
        match self.remove_empty(name) {
            Err(Errno::EBUSY | Errno::ENOTEMPTY) => {}
            // Someone else was faster, which is as well.
            Err(Errno::ENOENT) => return Ok(()),
            done => return done,
        }
        let top = self.child(name)?;
        top.remove_inner()?;
        self.remove_empty(name)
    }

    /// Removes the cgroups in it, those of each before itself. One is open at a time, however deep they lie: no cgroup
    /// can be moved to another place, so `..` leads back.
    fn remove_inner(self) -> Result<(), Errno> {
        let mut here = self;
        let mut way: Vec<CString> = Vec::new();
        loop {
            // Of one that lives, what it has made stays too.
            if here.read(c"cgroup.procs").is_ok_and(|who| !who.is_empty()) {
                return Err(Errno::EBUSY);
            }
            let mut inner = None;
            for name in here.children() {
                match here.remove_empty(&name) {
                    Ok(()) | Err(Errno::ENOENT) => {}
                    Err(Errno::EBUSY | Errno::ENOTEMPTY) => inner = Some(name),
                    Err(errno) => return Err(errno),
                }
            }
            match inner {
                Some(name) => {
                    here = here.child(&name)?;
                    way.push(name);
                }
                None => match way.pop() {
                    Some(name) => {
                        here = here.child(c"..")?;
                        here.remove_empty(&name)?;
                    }
                    None => return Ok(()),
                },
            }
        }
    }
}

/// Removes the cgroup of this path, which a record has: it is one of a hierarchy. One that has neither processes nor cgroups
/// in it goes by one call.
///
/// Errors: as [`Directory::remove`].
pub fn remove_soon(
    (above, name): (CString, &CStr),
    version: Version,
    patience: &mut Patience,
) -> Result<(), Errno> {
    match node::remove_directory(node::HERE, &joined(&above, name)) {
        Err(Errno::EBUSY | Errno::ENOTEMPTY) => {}
        Err(Errno::ENOENT) => return Ok(()),
        done => return done,
    }
    match Directory::open(above, version) {
        Ok(above) => patience.remove(&above, name),
        Err(Errno::ENOENT) => Ok(()),
        Err(errno) => Err(errno),
    }
}

/// How long to wait for cgroups whose last process has just ended: the kernel takes it out of its cgroups a little after
/// its parent has heard.
pub struct Patience {
    /// The next pause, twice as long as the last.
    pause: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            pause: Self::SHORTEST,
        }
    }
}

impl Patience {
    const SHORTEST: Duration = Duration::from_micros(500);
    /// With all before it, two seconds.
    const LONGEST: Duration = Duration::from_secs(1);

    /// Removes a cgroup of `above`, as [`Directory::remove`] does.
    pub fn remove(&mut self, above: &Directory, name: &CStr) -> Result<(), Errno> {
        let mut removed = above.remove(name);
        while removed == Err(Errno::EBUSY) && self.pause < Self::LONGEST {
            std::thread::sleep(self.pause);
            self.pause *= 2;
            removed = above.remove(name);
        }
        removed
    }
}

/// The names of a path, without its slashes.
pub fn names(path: &CStr) -> Vec<CString> {
    let names = path.to_bytes().split(|byte| *byte == b'/');
    names
        .filter(|name| !name.is_empty())
        .filter_map(|name| CString::new(name).ok())
        .collect()
}

/// The directory's path with the rest behind it.
pub fn joined(directory: &CStr, rest: &CStr) -> CString {
    let slash: &[u8] = match rest.to_bytes().first() {
        None | Some(b'/') => b"",
        Some(_) => b"/",
    };
    let whole = [directory.to_bytes(), slash, rest.to_bytes()].concat();
    // Parts of C strings have no NUL.
    CString::new(whole).unwrap_or_default()
}
