//! A root of the container's own: what / is, and what is mounted in it.
//!
//! A front end writes [`RootWishes`]; [`RootSpec::new`] refuses what cannot be had, as a [`RootConflict`] that the front
//! end tells in its own words: a mount carries what asked for it, and nothing here knows how it was written.

mod check;
mod conflict;
mod name_file;
mod paths;

pub use conflict::{MountConflict, RootConflict};
pub use name_file::NameFile;
pub use paths::{below, clean_target, name_in};

use super::UserNamespace;
use crate::sys::MountFlags;
use crate::sys::device::Device;
use std::borrow::Cow;
use std::ffi::{CStr, CString};

/// What a front end asks of a root.
#[derive(Debug, PartialEq, Eq)]
pub struct RootWishes {
    pub base: Base,
    pub read_only: bool,
    /// Whether the device nodes that the base brings along open.
    pub opens_devices: bool,
    /// In the order in which they are mounted.
    pub mounts: Vec<RootMount>,
    pub nodes: Vec<Node>,
    pub links: Vec<Link>,
    /// Absolute, as the container sees them, as are the next.
    pub masked: Vec<Cow<'static, CStr>>,
    pub read_only_paths: Vec<Cow<'static, CStr>>,
    pub name_files: Vec<NameFile>,
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
///
/// What a container has of /proc, /sys and /dev is in these lists as everything else is: nothing is mounted, made or hidden
/// that is not there.
#[derive(Debug, PartialEq, Eq)]
pub struct RootSpec {
    pub base: Base,
    pub read_only: bool,
    /// Whether the device nodes that the base brings along open.
    pub opens_devices: bool,
    /// In the order in which they are mounted.
    pub mounts: Vec<RootMount>,
    /// They lie in one tmpfs among the mounts, as the links do, see [`RootSpec::assembled`].
    pub nodes: Vec<Node>,
    pub links: Vec<Link>,
    /// What no one in the container sees, file or directory. What is not there is hidden already.
    pub masked: Vec<Cow<'static, CStr>>,
    /// What is read and not written, with all that is mounted below it.
    pub read_only_paths: Vec<Cow<'static, CStr>>,
    pub name_files: Vec<NameFile>,
    /// Whether its directories are opened outside and handed to the container, see [`Mounter::Handed`].
    pub is_premounted: bool,
    /// Whether places for the usual mounts may be made in DIR, which the runtime finds out.
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

/// A mount in the container.
#[derive(Debug, PartialEq, Eq)]
pub struct RootMount {
    /// What asked for it, as messages name it; a place for it that is missing is made for good. `None`: every container
    /// has it, and no place for it is to stay behind in the caller's directory.
    pub asked_by: Option<String>,
    /// Absolute, as the container sees it, without `.`, `..` and repeated slashes.
    pub target: CString,
    pub source: MountSource,
}

impl RootMount {
    /// What messages call it.
    pub fn label(&self) -> String {
        let target = || self.target.to_string_lossy().into_owned();
        self.asked_by.clone().unwrap_or_else(target)
    }

    fn refused(&self, conflict: MountConflict) -> RootConflict {
        RootConflict::Mount {
            asked_by: self.label(),
            conflict,
        }
    }

    /// Whether what is mounted in it appears on the host.
    pub fn reaches_host(&self) -> bool {
        matches!(&self.source, MountSource::Bind(bind) if bind.reaches_host())
    }

    /// The file system that it is, without a source, of this type.
    pub fn file_system(&self, kind: &CStr) -> Option<&FileSystem> {
        match &self.source {
            MountSource::FileSystem(found) if *found.kind == *kind => Some(found),
            _ => None,
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
pub enum MountSource {
    Bind(Bind),
    FileSystem(FileSystem),
    Overlay(Overlay),
}

/// A file system without a device.
#[derive(Debug, PartialEq, Eq)]
pub struct FileSystem {
    /// The file system's type, as mount(2) knows it; and its source, in mountinfo.
    pub kind: CString,
    pub flags: MountFlags,
    pub data: CString,
    /// Whether a kernel without it is forgiven.
    pub optional: bool,
    /// What is bound where the container may not mount a new one, for it shows what is not the container's.
    pub instead: Option<Bind>,
}

/// The node of a character device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// As the container sees it.
    pub path: CString,
    /// What the host calls it, which is bound where no node may be made.
    pub hosts: CString,
    pub device: Device,
    pub mode: u32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// As the container sees it.
    pub path: CString,
    pub content: CString,
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
    /// The binds that are copied before anything else is done, or handed in: each has its slot, in this order.
    pub fn early(&self) -> impl Iterator<Item = (&RootMount, &Bind)> {
        self.mounts.iter().filter_map(|mount| match &mount.source {
            // What every container has is everyone's, and the way there is open.
            MountSource::Bind(bind)
                if (self.is_premounted && mount.asked_by.is_some()) || bind.is_copied_early() =>
            {
                Some((mount, bind))
            }
            _ => None,
        })
    }

    /// The tmpfs in which the nodes and the links lie, by its number among the mounts: it is put together aside, before
    /// anyone can come to it.
    pub fn assembled(&self) -> Option<usize> {
        let nodes = self.nodes.iter().map(|node| &node.path);
        let first = nodes
            .chain(self.links.iter().map(|link| &link.path))
            .next()?;
        let holds = |mount: &RootMount| {
            mount.file_system(c"tmpfs").is_some() && name_in(&mount.target, first).is_some()
        };
        self.mounts.iter().position(holds)
    }

    /// The mounts that are put together with the tmpfs of this number: file systems on directories of it that come
    /// directly after it.
    pub fn assembled_with(&self, number: usize) -> usize {
        let Some((tmpfs, after)) = self.mounts.get(number..).and_then(<[_]>::split_first) else {
            return 0;
        };
        let belongs = |mount: &&RootMount| {
            let is_plain = matches!(
                &mount.source,
                MountSource::FileSystem(found) if found.instead.is_none() && !is_kernels(found)
            );
            mount.asked_by.is_none() && is_plain && name_in(&tmpfs.target, &mount.target).is_some()
        };
        after.iter().take_while(belongs).count()
    }

    /// Whether its /dev is one of its own, with nodes of its own and a devpts.
    pub fn has_own_dev(&self) -> bool {
        self.assembled().is_some_and(|number| {
            let end = number.saturating_add(self.assembled_with(number));
            let mut assembled = self.mounts.get(number..=end).unwrap_or_default().iter();
            assembled.next().is_some_and(|dev| *dev.target == *c"/dev")
                && assembled.any(|mount| {
                    *mount.target == *c"/dev/pts" && mount.file_system(c"devpts").is_some()
                })
        })
    }

    /// Whether a proc is mounted with options of its own.
    pub fn has_proc_options(&self) -> bool {
        let mut procs = self
            .mounts
            .iter()
            .filter_map(|mount| mount.file_system(c"proc"));
        procs.any(|proc| !proc.data.is_empty())
    }

    /// How many slots come before those: the directories that / is made of, if they are handed in.
    pub fn handed_directories(&self) -> u8 {
        match &self.base {
            _ if !self.is_premounted => 0,
            Base::Directory(_) => 1,
            Base::Overlay(overlay) => u8::try_from(overlay.lower.len()).unwrap_or(u8::MAX),
        }
    }

    /// Whether one of the mounts brings a file of /etc along. (A tmpfs on /etc brings none.)
    pub fn covers(&self, file: &NameFile) -> bool {
        let path = format!("/etc/{}", file.name);
        self.mounts.iter().any(|mount| {
            let target = mount.target.to_bytes();
            let is_empty = mount.file_system(c"tmpfs").is_some();
            target == path.as_bytes() || (target == b"/etc" && !is_empty)
        })
    }

    /// Whether every container has a mount on this target.
    pub fn has_usual(&self, target: &str) -> bool {
        self.mounts
            .iter()
            .any(|mount| mount.asked_by.is_none() && mount.target.to_bytes() == target.as_bytes())
    }

    /// Whether someone asked for a mount on this target.
    pub fn asks_for(&self, target: &str) -> bool {
        self.mounts
            .iter()
            .any(|mount| mount.asked_by.is_some() && mount.target.to_bytes() == target.as_bytes())
    }
}

/// Whether it shows what the kernel knows: proc or sysfs.
fn is_kernels(found: &FileSystem) -> bool {
    matches!(found.kind.to_bytes(), b"proc" | b"sysfs")
}

#[cfg(test)]
pub(crate) mod tests;
