//! A root of the container's own: what / is, and what is mounted in it.
//!
//! A front end writes [`RootWishes`]; [`RootSpec::new`] refuses what cannot be had, as a [`RootConflict`] that the front
//! end tells in its own words: a mount carries what asked for it, and nothing here knows how it was written.

mod conflict;
mod name_file;
mod security;

pub use conflict::{MountConflict, RootConflict};
pub use name_file::NameFile;
pub use security::{MASKED_IN_PROC, MASKED_IN_SYS, READ_ONLY_IN_PROC, RootSecurity};

use super::{Identity, UserNamespace, repeated};
use crate::hint::host::ids_of_options;
use crate::sys::MountFlags;
use std::ffi::{CStr, CString};

/// What a front end asks of a root.
#[derive(Debug, PartialEq, Eq)]
pub struct RootWishes {
    pub base: Base,
    pub read_only: bool,
    /// In the order in which they are mounted.
    pub mounts: Vec<RootMount>,
    pub name_files: Vec<NameFile>,
    /// Bytes that /dev/shm holds; `None`: 64 MiB.
    pub shared_memory: Option<u64>,
    pub security: RootSecurity,
}

/// By whose rights a container's mounts are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mounter {
    /// Root, as it is outside: a mount can be shared with the host.
    Root,
    /// An ordinary user, who is root in a user namespace of the container's.
    User,
    /// Root outside opens the directories and hands them to the container, whose root is an ordinary user outside, to
    /// whom the way there may be closed.
    Handed,
}

impl Mounter {
    /// For a caller of this id.
    pub fn new(user: u32, user_namespace: &UserNamespace) -> Self {
        match user_namespace {
            _ if user != 0 => Self::User,
            UserNamespace::Ranges(_) => Self::Handed,
            UserNamespace::Callers | UserNamespace::Single => Self::Root,
        }
    }
}

/// The container's root file system, and what is mounted in it.
#[derive(Debug, PartialEq, Eq)]
pub struct RootSpec {
    pub base: Base,
    pub read_only: bool,
    /// What was asked for beside the usual /proc, /sys and /dev, in the order in which it is mounted.
    pub mounts: Vec<RootMount>,
    pub name_files: Vec<NameFile>,
    /// Bytes that /dev/shm holds; `None`: 64 MiB.
    pub shared_memory: Option<u64>,
    pub security: RootSecurity,
    /// Whether its directories are opened outside and handed to the container, see [`Mounter::Handed`].
    pub is_premounted: bool,
    /// Whether places for /proc, /sys and /dev may be made in DIR, which the runtime finds out.
    pub makes_places: bool,
}

/// What / is. Directories are absolute paths of the caller's.
#[derive(Debug, PartialEq, Eq)]
pub enum Base {
    /// The directory itself: what is written goes there.
    Directory(CString),
    Overlay(Overlay),
}

/// Directories on top of each other.
#[derive(Debug, PartialEq, Eq)]
pub struct Overlay {
    /// At least one, the uppermost first.
    pub lower: Vec<CString>,
    pub writes: Writes,
}

/// Where an overlay's writes go.
#[derive(Debug, PartialEq, Eq)]
pub enum Writes {
    /// Nowhere: it is read-only.
    Refused,
    /// To memory, gone with the container.
    ThrownAway {
        /// How many bytes of it; `None`: as many as a tmpfs has by itself.
        size: Option<u64>,
    },
    /// To this directory.
    Kept(Upper),
}

/// A directory that keeps an overlay's writes.
#[derive(Debug, PartialEq, Eq)]
pub struct Upper {
    pub path: CString,
    /// Which directory overlayfs is given beside it, by file system and inode, when the runtime has made it.
    pub work: Option<(u64, u64)>,
}

/// A mount that was asked for.
#[derive(Debug, PartialEq, Eq)]
pub struct RootMount {
    /// What asked for it, as messages name it.
    pub asked_by: String,
    /// Absolute, as the container sees it, without `.`, `..` and repeated slashes.
    pub target: CString,
    pub source: MountSource,
}

impl RootMount {
    fn refused(&self, conflict: MountConflict) -> RootConflict {
        RootConflict::Mount {
            asked_by: self.asked_by.clone(),
            conflict,
        }
    }

    /// Whether what is mounted in it appears on the host.
    pub fn reaches_host(&self) -> bool {
        matches!(&self.source, MountSource::Bind(bind) if bind.reaches_host())
    }
}

#[derive(Debug, PartialEq, Eq)]
pub enum MountSource {
    Bind(Bind),
    Tmpfs { flags: MountFlags, data: CString },
    Overlay(Overlay),
}

/// Something of the caller's, seen at another place.
#[derive(Debug, PartialEq, Eq)]
pub struct Bind {
    /// Absolute.
    pub path: CString,
    /// With the mounts below it.
    pub recursive: bool,
    /// The flags that restrict, without nodev, and at most one propagation.
    pub flags: MountFlags,
    /// Whether `flags` are for the mounts below it too.
    pub recursive_flags: bool,
    pub devices: Devices,
    /// Whether it has to be a device.
    pub is_device: bool,
    /// Whether it is the caller's /, as far as the runtime has seen.
    pub is_root: bool,
    /// Whether it may be missing.
    pub optional: bool,
}

/// Which device nodes of a bind open. What is mounted below it is as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Devices {
    All,
    /// The bind's source, if it is one: access to it is what was asked for. None that lies in it.
    Source,
    None,
}

impl Bind {
    /// Whether mounts are to pass between it and the original.
    pub fn propagates(&self) -> bool {
        self.flags.contains(MountFlags::SLAVE) || self.reaches_host()
    }

    /// Whether what is mounted in it appears at the original.
    fn reaches_host(&self) -> bool {
        self.flags.contains(MountFlags::SHARED)
    }

    /// Whether it is copied before anything else is done: what is made private propagates no more, and on
    /// / the container is put together.
    pub fn is_copied_early(&self) -> bool {
        self.propagates() || self.is_root
    }
}

/// How many of those there can be: the child keeps a descriptor of each.
pub const MOST_COPIES: usize = 32;

/// How many directories can be handed in for an overlay.
pub const MOST_HANDED: usize = 10;

impl RootSpec {
    /// `shares_ipc`: whether the container's IPC objects are the caller's.
    ///
    /// Errors: wishes that contradict each other, or that such a mounter cannot grant.
    #[cold]
    #[inline(never)]
    pub fn new(
        wishes: RootWishes,
        mounter: Mounter,
        shares_ipc: bool,
    ) -> Result<Self, RootConflict> {
        check(&wishes.mounts, mounter)?;
        if shares_ipc && wishes.shared_memory.is_some() {
            return Err(RootConflict::SharedMemoryOfCaller);
        }
        let is_premounted = mounter == Mounter::Handed;
        if let Base::Overlay(overlay) = &wishes.base {
            match overlay.writes {
                _ if overlay.lower.is_empty() => return Err(RootConflict::NoLayer),
                Writes::Kept(_) if is_premounted => return Err(RootConflict::WritesKeptByHanded),
                _ => {}
            }
        }
        let root = Self {
            base: wishes.base,
            read_only: wishes.read_only,
            mounts: wishes.mounts,
            name_files: wishes.name_files,
            shared_memory: wishes.shared_memory,
            security: wishes.security,
            is_premounted,
            makes_places: false,
        };
        for file in &root.name_files {
            if let Some(asked_by) = file.asked_by.as_ref().filter(|_| root.covers(file)) {
                return Err(RootConflict::CoveredFile {
                    asked_by: asked_by.clone(),
                });
            }
        }
        Ok(root)
    }

    /// The binds that are copied before anything else is done, or handed in: each has its slot, in this order.
    pub fn early(&self) -> impl Iterator<Item = (&RootMount, &Bind)> {
        self.mounts.iter().filter_map(|mount| match &mount.source {
            MountSource::Bind(bind) if self.is_premounted || bind.is_copied_early() => {
                Some((mount, bind))
            }
            _ => None,
        })
    }

    /// Errors: a tmpfs is to belong to someone whom the container's user namespace does not know.
    pub fn check_ids(&self, identity: &Identity) -> Result<(), RootConflict> {
        for mount in &self.mounts {
            let MountSource::Tmpfs { data, .. } = &mount.source else {
                continue;
            };
            for (name, id) in ids_of_options(data) {
                if let Some(known) = identity.known_without(name == "uid", id) {
                    return Err(RootConflict::UnknownId {
                        asked_by: mount.asked_by.clone(),
                        reason: format!(
                            "the container's user namespace has no {name} {id}, it has {known}"
                        ),
                    });
                }
            }
        }
        Ok(())
    }

    /// How many slots come before those: the directories that / is made of, if they are handed in.
    pub fn handed_directories(&self) -> u8 {
        match &self.base {
            _ if !self.is_premounted => 0,
            Base::Directory(_) => 1,
            Base::Overlay(overlay) => u8::try_from(overlay.lower.len()).unwrap_or(u8::MAX),
        }
    }

    /// Errors: too many slots.
    pub fn check_copies(&self) -> Result<(), RootConflict> {
        let premounted = usize::from(self.handed_directories());
        if premounted > MOST_HANDED {
            return Err(RootConflict::TooManyLayers);
        }
        let free = MOST_COPIES - premounted;
        match self.early().nth(free) {
            None => Ok(()),
            Some((mount, _)) => Err(mount.refused(MountConflict::TooManyCopies)),
        }
    }

    /// Whether one of the mounts asked for brings a file of /etc along. (A tmpfs on /etc brings none.)
    pub fn covers(&self, file: &NameFile) -> bool {
        let path = format!("/etc/{}", file.name);
        self.mounts.iter().any(|mount| {
            let target = mount.target.to_bytes();
            let is_empty = matches!(mount.source, MountSource::Tmpfs { .. });
            target == path.as_bytes() || (target == b"/etc" && !is_empty)
        })
    }

    /// Whether one of the mounts asked for is on this target.
    pub fn mounts_on(&self, target: &str) -> bool {
        self.mounts
            .iter()
            .any(|mount| mount.target.to_bytes() == target.as_bytes())
    }
}

/// Refuses what no order of mounting makes right.
fn check(mounts: &[RootMount], mounter: Mounter) -> Result<(), RootConflict> {
    let targets: Vec<&CStr> = mounts.iter().map(|mount| &*mount.target).collect();
    let first = repeated::first_of_each(&targets);
    // With more than so many it is refused anyway.
    let shared = mounts.iter().filter(|mount| mount.reaches_host());
    let shared: Vec<&RootMount> = shared.take(MOST_COPIES + 1).collect();
    for (mount, is_first) in mounts.iter().zip(first) {
        let target = mount.target.to_bytes();
        let lies_in = |other: &&RootMount| {
            let rest = target.strip_prefix(other.target.to_bytes());
            rest.is_some_and(|rest| rest.starts_with(b"/"))
        };
        let conflict = if !is_clean(target) {
            MountConflict::TargetIsNoPath
        } else if target == b"/" {
            MountConflict::TargetIsRoot
        } else if target == b"/proc" || target.starts_with(b"/proc/") {
            MountConflict::TargetInProc
        } else if !is_first {
            MountConflict::TargetRepeated
        } else if shared.iter().any(lies_in) {
            MountConflict::TargetInShared
        } else {
            match &mount.source {
                MountSource::Overlay(_) if mounter == Mounter::Handed => {
                    MountConflict::OverlayOfHanded
                }
                MountSource::Bind(bind) if bind.reaches_host() && mounter == Mounter::Handed => {
                    MountConflict::SharedByHanded
                }
                MountSource::Bind(bind) if bind.reaches_host() && mounter == Mounter::User => {
                    MountConflict::SharedByUser
                }
                _ => continue,
            }
        };
        return Err(mount.refused(conflict));
    }
    Ok(())
}

/// Whether it is a path such as [`clean_target`] gives.
fn is_clean(target: &[u8]) -> bool {
    let is_name = |name: &[u8]| !matches!(name, b"" | b"." | b"..");
    match target.strip_prefix(b"/") {
        Some(b"") => true,
        Some(names) => names.split(|byte| *byte == b'/').all(is_name),
        None => false,
    }
}

/// A path of the container's, its `.`, `..` and repeated slashes taken out, without a look at the files. `None`: it is
/// not absolute.
pub fn clean_target(path: &[u8]) -> Option<Vec<u8>> {
    if !path.starts_with(b"/") {
        return None;
    }
    let mut names: Vec<&[u8]> = Vec::new();
    for name in path.split(|byte| *byte == b'/') {
        match name {
            b"" | b"." => {}
            b".." => drop(names.pop()),
            name => names.push(name),
        }
    }
    let mut clean = Vec::with_capacity(path.len());
    for name in &names {
        clean.push(b'/');
        clean.extend(*name);
    }
    if clean.is_empty() {
        clean.push(b'/');
    }
    Some(clean)
}

#[cfg(test)]
mod tests;
