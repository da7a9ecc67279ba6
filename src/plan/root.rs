//! The steps that make a root of the container's own.
//!
//! They are done before the root is entered, while / is still the host's; so every path of the container
//! is resolved by [`crate::path_in_root`]; those of the host are without links and `..` by then. In between, mounts
//! are put together *on top of /*: a mount there covers the host's / in this namespace alone, only `/..`
//! leads to it, and there is no DIR and no kernel that has no such place. What is finished moves from
//! there to where it belongs.

mod placed;

pub use placed::*;

use super::OwnDevice;
use crate::spec::{Devices, Link, MOST_HANDED, Node};
use crate::sys::MountFlags;
use crate::sys::facts::Kind;
use crate::terminal_settings::TerminalSettings;
use std::borrow::Cow;
use std::ffi::{CStr, CString};

/// One thing that is done on the way to a root.
#[derive(Debug, PartialEq)]
pub enum RootStep {
    /// Keep a copy of a mount that is to propagate, while it still does.
    Copy(Copy),
    /// Go to the root of the mount namespace, if it is where we are.
    LeaveChroot,
    /// A directory of the host's, with all that is mounted below it, becomes what / will be.
    Directory {
        path: CString,
        /// What all of it is restricted to: read-only, nodev.
        flags: MountFlags,
        /// Whether it is the first of the mounts that were handed in.
        premounted: bool,
        /// Whether places for the usual mounts may be made in it.
        makes_places: bool,
    },
    /// A mount namespace without the host's mounts, in which a copy of such a directory, with all that is mounted below it,
    /// becomes what / will be.
    Alone {
        path: CString,
        flags: MountFlags,
        makes_places: bool,
    },
    /// An overlay becomes what / will be.
    Overlay(Layers),
    /// A file system on a directory of the container's.
    FileSystem(FileSystem),
    /// Begin what is put together aside: a tmpfs on top of /.
    Stage {
        flags: MountFlags,
        data: CString,
    },
    /// Device nodes of the stage.
    Devices(Vec<Node>),
    /// Put some of those into the places of 0, 1 and 2.
    StandardDevices([Option<OwnDevice>; 3]),
    /// What the container is kept from of file systems that are held.
    Restrict(Vec<Restriction>),
    /// What it is kept from elsewhere.
    RestrictPaths(RestrictedPaths),
    /// Links of the stage.
    Links(Vec<Link>),
    /// A file system on a new directory of the stage, which is called as its target's last part.
    Staged(FileSystem),
    /// A pseudo-terminal of the container's own devpts, and /dev/console; its master goes to the parent.
    Terminal(TerminalSettings),
    /// A pseudo-terminal of the devpts of a container that runs; its master goes to the parent.
    AnotherTerminal(TerminalSettings),
    /// The stage goes to its place in the container.
    PlaceStage(CString),
    /// The stage has served.
    DropStage,
    Bind(BindMount),
    /// A device of the host's.
    Device(DeviceNode),
    /// Keep in mind what is where these files will be, before mounts that were asked for may bring others along.
    LookAtNames(Vec<CString>),
    /// A file that only this container has, on one of /etc.
    NameFile(EtcFile),
    /// An overlay on a directory of the container's.
    OverlayMount(OverlayMount),
    /// `--workdir`, if it is not there.
    MakeWorkingDirectory {
        path: CString,
        /// The user and the group to whom it belongs then. `None`: ours.
        owner: Option<(u32, u32)>,
    },
    /// Nothing of / can be written any more.
    ReadOnly,
    /// The container's / is /, and the host's is gone.
    Enter,
    /// As [`Enter`](Self::Enter), in a mount namespace that shares mounts with others, or where pivot_root cannot be had.
    EnterAs(EnterHow),
    /// Which mounts pass between the one on a path and its peers.
    Propagate {
        path: CString,
        flags: MountFlags,
    },
    /// A mount of config.json.
    Place(PlacedMount),
    /// Devices at their places in the root.
    DeviceFiles(Vec<DeviceFile>),
    PlacedLinks(Vec<PlacedLink>),
    /// A pseudo-terminal of the devpts that is mounted in the root, and /dev/console; its master goes to the parent.
    Console(TerminalSettings),
    /// The container's /dev/null takes the places of those of 0, 1 and 2 that are the host's.
    OwnNull,
    /// Nothing of the mount on a path can be written any more.
    Freeze(CString),
    /// Everything that lies on / goes to the root's own path of the host's, where hooks look for it.
    OwnPath(CString),
    /// What the container is kept from, by its own /dev/null.
    RestrictFound(RestrictedPaths),
}

/// A file system without a device.
#[derive(Debug, PartialEq)]
pub struct FileSystem {
    /// The option that asked for it, if one did.
    pub option: Option<CString>,
    pub target: CString,
    /// The file system's type; and its source, in mountinfo.
    pub kind: CString,
    pub flags: MountFlags,
    pub data: CString,
    /// Whether a kernel without it is forgiven.
    pub optional: bool,
}

/// What the kernel shows of itself, a file system each. The first one of each kind is held by the mount itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KernelFs {
    Proc,
    Sysfs,
}

/// How one of them comes to its place.
///
/// There is one step for it, with a root of the container's own and without, and two ways in which the child carries it out.
/// The caller's /proc is where it is: mount(2) covers it, one system call. In a root of the container's own the place is
/// looked up inside the root, which a path for mount(2) is not, so it is mounted on top of / and moved; and it is held,
/// for what is hidden of it is found from there.
#[derive(Debug, PartialEq)]
pub struct MountKernelFs {
    pub kernel_fs: KernelFs,
    /// Whether it is mounted in a root of the container's own; else on the caller's.
    pub in_root: bool,
    /// Whether a user namespace may be why it fails.
    pub user_namespace: bool,
    pub way: Way,
}

#[derive(Debug, PartialEq)]
pub enum Way {
    /// Mounted anew.
    Fresh(FileSystem),
    /// The host's once more.
    Bound(Box<BindMount>),
    /// Mounted anew, or the host's where that may not be.
    FreshOrBound(FileSystem, Box<BindMount>),
}

impl Way {
    pub fn fresh(&self) -> Option<&FileSystem> {
        match self {
            Self::Fresh(fresh) | Self::FreshOrBound(fresh, _) => Some(fresh),
            Self::Bound(_) => None,
        }
    }

    pub fn bound(&self) -> Option<&BindMount> {
        match self {
            Self::Bound(bind) | Self::FreshOrBound(_, bind) => Some(bind),
            Self::Fresh(_) => None,
        }
    }

    pub fn target(&self) -> &CStr {
        match self {
            Self::Fresh(fresh) | Self::FreshOrBound(fresh, _) => &fresh.target,
            Self::Bound(bind) => &bind.target,
        }
    }
}

/// What is hidden and what is only to be read, of one of them.
#[derive(Debug, PartialEq)]
pub struct Restriction {
    pub kernel_fs: KernelFs,
    /// Where it is mounted.
    pub directory: CString,
    /// Paths below it. Those that this kernel does not have are no error.
    pub masked: Vec<Cow<'static, CStr>>,
    pub read_only: Vec<Cow<'static, CStr>>,
}

/// What is hidden and what is only to be read, by absolute paths of the container's, which are looked up inside the root.
/// What is not there is no error.
#[derive(Debug, PartialEq)]
pub struct RestrictedPaths {
    pub masked: Vec<CString>,
    pub read_only: Vec<CString>,
}

/// What the kernel is told about an overlay.
#[derive(Debug, PartialEq)]
pub struct Layers {
    /// `lowerdir=…`, and `upperdir` and `workdir` if it has them.
    pub data: CString,
    /// `data`, and that directories of lower layers can be renamed, where the kernel allows it.
    pub redirected: Option<CString>,
    pub flags: MountFlags,
    /// If its upper directory is to be made, in memory: the lower directory that it is to look like.
    pub like: Option<CString>,
    /// The options of the tmpfs that it is made on.
    pub memory: CString,
    /// If its upper directory is the caller's: the directory beside it that overlayfs is given, as `.`.
    pub work: Option<WorkDirectory>,
    /// How many of its lower directories were handed in as mounts: all, or none. They are called [`HANDED`].
    pub premounted: u8,
}

/// A directory of overlayfs' own.
#[derive(Debug, PartialEq)]
pub struct WorkDirectory {
    pub path: CString,
    /// Which one it is, by file system and inode: the path may come to mean another one.
    pub identity: (u64, u64),
}

/// What the directories of the stage are called on which the mounts are put that were handed in for an overlay.
pub const HANDED: [&CStr; MOST_HANDED] =
    [c"0", c"1", c"2", c"3", c"4", c"5", c"6", c"7", c"8", c"9"];

#[derive(Debug, PartialEq)]
pub struct OverlayMount {
    pub option: CString,
    pub target: CString,
    pub layers: Layers,
}

#[derive(Debug, PartialEq)]
pub struct Copy {
    pub option: CString,
    pub path: CString,
    pub recursive: bool,
    /// Which of the copies.
    pub slot: u8,
}

/// Something of the host's at a place in the container.
#[derive(Debug, PartialEq)]
pub struct BindMount {
    /// The option that asked for it, if one did.
    pub option: Option<CString>,
    /// Of the host's.
    pub path: CString,
    /// The copy that was kept, if one was.
    pub slot: Option<u8>,
    pub target: CString,
    pub recursive: bool,
    /// Without nodev.
    pub flags: MountFlags,
    pub recursive_flags: bool,
    pub devices: Devices,
    /// Whether it has to be a device.
    pub is_device: bool,
    /// Whether a host that has no such thing is forgiven.
    pub optional: bool,
}

/// What a mount is restricted to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Restrictions {
    /// Itself alone.
    pub top: MountFlags,
    /// The flags of it and of what is mounted below it.
    pub all: MountFlags,
}

impl BindMount {
    /// For a source of this kind.
    pub fn restrictions(&self, source: Kind) -> Restrictions {
        let opens = match self.devices {
            Devices::All => true,
            // What is neither a directory nor a device has no device in it.
            Devices::Source => source != Kind::Directory,
            Devices::None => false,
        };
        // Below it too, whatever `recursive_flags` says: that is about who may write.
        let nodev = if opens {
            MountFlags::NONE
        } else {
            MountFlags::NODEV
        };
        if self.recursive_flags {
            Restrictions {
                top: MountFlags::NONE,
                all: self.flags.and(nodev),
            }
        } else {
            Restrictions {
                top: self.flags,
                all: nodev,
            }
        }
    }
}

/// A device at a place in the container: a node of its own there, or the host's.
#[derive(Debug, PartialEq)]
pub struct DeviceNode {
    /// What the node's place lies in.
    pub directory: CString,
    /// How it is bound instead, where no node can be made.
    pub bind: BindMount,
}

/// How many files of names there are.
pub const NAME_FILES: usize = 3;

/// A file on one of /etc.
#[derive(Debug, PartialEq)]
pub struct EtcFile {
    pub target: CString,
    pub content: Vec<u8>,
    pub without: Without,
    /// Which of those that were looked at, if they were: what a mount has brought along since then stays, unless an
    /// option asks for this file.
    pub looked_at: Option<u8>,
    pub read_only: bool,
}

/// What it means that a root does not have a file, and may not be given it.
#[derive(Debug, PartialEq)]
pub enum Without {
    /// The container goes without.
    Fine,
    /// The container goes without, and its caller is told.
    Told,
    /// This option is not obeyed: an error.
    Refused(CString),
}

impl EtcFile {
    /// The option that asked for it, if one did.
    pub fn option(&self) -> Option<&CStr> {
        match &self.without {
            Without::Refused(option) => Some(option),
            Without::Fine | Without::Told => None,
        }
    }
}
