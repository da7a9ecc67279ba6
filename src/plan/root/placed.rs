//! Mounts as config.json has them: each is one step, which finds or makes its place, mounts, and sets everything that its
//! options ask for before anyone can come to it.

use crate::sys::device::Device;
use crate::sys::{Errno, MountFlags};
use std::ffi::{CStr, CString};

/// What lxcfs shows in place of the kernel's, and a few settings: nothing else in /proc may be covered, as with runc.
pub const MAY_BE_COVERED: [&CStr; 10] = [
    c"/proc/cpuinfo",
    c"/proc/diskstats",
    c"/proc/meminfo",
    c"/proc/stat",
    c"/proc/swaps",
    c"/proc/uptime",
    c"/proc/loadavg",
    c"/proc/slabinfo",
    c"/proc/sys/kernel/ns_last_pid",
    c"/proc/sys/crypto/fips_enabled",
];

/// What the child answers for a place below a proc where nothing may be mounted.
pub const INSIDE_PROC: Errno = Errno::EXDEV;

/// One mount.
#[derive(Debug, PartialEq)]
pub struct PlacedMount {
    /// Absolute, without `.` and `..`; of the container's.
    pub target: CString,
    pub content: Content,
    /// For the mount and what is mounted below it.
    pub below: FlagChange,
    /// One after the other: slave and then shared is both.
    pub propagation: Vec<MountFlags>,
}

#[derive(Debug, PartialEq)]
pub enum Content {
    Fresh(FreshMount),
    Bound(BoundMount),
    /// What is mounted there already gets other flags and options.
    Remounted(FreshMount),
}

/// A file system that is mounted anew.
#[derive(Debug, PartialEq)]
pub struct FreshMount {
    pub kind: CString,
    pub source: CString,
    pub data: CString,
    pub flags: MountFlags,
    /// Whether its root has the mode of the directory that it covers.
    pub keeps_mode: bool,
    /// Whether it begins as a copy of what it covers.
    pub copies: bool,
    /// What is bound where this user namespace may not mount it.
    pub instead: Option<Box<BoundMount>>,
}

/// A part of the host's tree of files.
#[derive(Debug, PartialEq)]
pub struct BoundMount {
    /// The host's.
    pub path: CString,
    pub recursive: bool,
    pub taken: Taken,
    /// If there is any change, then those that are not set are cleared, as by `mount -o bind,…`.
    pub flags: FlagChange,
    /// Whether it must be a proc.
    pub is_proc: bool,
}

/// How a bind comes to what it binds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// By its path.
    Now,
    /// By its path, which is one of the container's: what an earlier mount has brought there, and the host does not see.
    Inside,
    /// The parent has handed it in, in this slot.
    Handed(u8),
    /// A copy has been kept since before the root was bound.
    Kept(u8),
}

/// Flags of mount(2) that are set, and those that are taken away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FlagChange {
    pub set: MountFlags,
    pub clear: MountFlags,
}

impl FlagChange {
    pub fn is_none(self) -> bool {
        self == Self::default()
    }
}

/// A device or a pipe that is to be in the container.
#[derive(Debug, PartialEq)]
pub struct DeviceFile {
    /// Of the container's.
    pub directory: CString,
    pub name: CString,
    /// The whole path, by which the host's is bound where none may be made.
    pub path: CString,
    pub kind: FileKind,
    pub mode: u32,
    /// The user and the group, if they are not ours.
    pub owner: Option<(u32, u32)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    Character(Device),
    Block(Device),
    Pipe,
}

/// A link that is to be in the container.
#[derive(Debug, PartialEq)]
pub struct PlacedLink {
    /// Of the container's.
    pub directory: CString,
    pub name: CString,
    pub content: CString,
    /// Whether it takes the place of a file that is there.
    pub replaces: bool,
}

/// How the root is entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EnterHow {
    /// By pivot_root(2), when the host's mounts are cut off from their peers first: what is taken away here would be taken
    /// away there.
    Pivot,
    /// By chroot(2) of the mount that covers the host's / (`--no-pivot`, where / is an initramfs). The host's proc and
    /// sysfs are taken away before.
    Chroot,
}
