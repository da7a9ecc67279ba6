//! A root of the container's own: `--rootfs` and every option that needs it.

mod bind;
mod mount_option;
mod name_files;
mod storage;
mod tmpfs;

use crate::docker::{OverlayChoice, RunArgs};
pub use name_files::{NameFile, is_host_name};

use super::limits::size::bytes;
use super::{Caller, Identity, NamespaceChoice, c_string, repeated};
use crate::error::Error;
use crate::hint::host::ids_of_options;
use crate::sys::MountFlags;
use std::ffi::{CStr, CString, OsStr};
use std::os::unix::ffi::OsStrExt;

/// The container's root file system, and what is mounted in it.
#[derive(Debug, PartialEq, Eq)]
pub struct Root {
    pub base: Base,
    pub read_only: bool,
    /// What was asked for beside the usual /proc, /sys and /dev. A mount comes after the one that its
    /// target lies in.
    pub mounts: Vec<RootMount>,
    pub name_files: Vec<NameFile>,
    /// Bytes that /dev/shm holds; `None`: docker's 64 MiB.
    pub shared_memory: Option<u64>,
    /// Whether mydocker opens its directories and hands them to the container, whose root is an ordinary user
    /// outside (`--userns` of root), to whom the way there may be closed.
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

/// A mount that an option asked for.
#[derive(Debug, PartialEq, Eq)]
pub struct RootMount {
    /// The option as messages name it, `--volume /a:/b`.
    pub option: String,
    /// Absolute, as the container sees it, without `.`, `..` and repeated slashes.
    pub target: CString,
    pub source: MountSource,
}

impl RootMount {
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

impl Root {
    /// `None` without `--rootfs`.
    ///
    /// Errors: options that cannot be understood, or contradict each other.
    pub(super) fn new(
        arguments: &RunArgs,
        caller: &Caller<'_>,
        hostname: Option<&[u8]>,
        is_premounted: bool,
    ) -> Result<Option<Self>, Error> {
        if arguments.rootfs.is_empty() {
            return Ok(None);
        }
        Self::wished(arguments, caller, hostname, is_premounted).map(Some)
    }

    #[cold]
    #[inline(never)]
    fn wished(
        arguments: &RunArgs,
        caller: &Caller<'_>,
        hostname: Option<&[u8]>,
        is_premounted: bool,
    ) -> Result<Self, Error> {
        let mut mounts = Vec::new();
        for typed in &arguments.volumes {
            mounts.push(bind::volume(typed, caller)?);
        }
        for typed in &arguments.mounts {
            mounts.push(mount_option::parse(typed, caller)?);
        }
        for typed in &arguments.tmpfs {
            mounts.push(tmpfs::parse(typed)?);
        }
        for typed in &arguments.devices {
            mounts.push(bind::device(typed, caller)?);
        }
        check(&mounts, caller, is_premounted)?;
        // docker's order: what lies in another mount's target comes after that one, or would be covered
        // by it. Last what is shared with the host: none of our own mounts is to appear there.
        mounts.sort_by_key(|mount| {
            let slashes = mount.target.to_bytes().iter().filter(|byte| **byte == b'/');
            (mount.reaches_host(), slashes.count())
        });
        let root = Self {
            base: base(arguments, caller)?,
            read_only: arguments.read_only,
            mounts,
            name_files: name_files::all(arguments, caller, hostname)?,
            shared_memory: shared_memory(arguments)?,
            is_premounted,
            makes_places: false,
        };
        let kept = |base: &Base| matches!(base, Base::Overlay(overlay) if matches!(overlay.writes, Writes::Kept(_)));
        if is_premounted && kept(&root.base) {
            return Err(Error::refused(
                "--overlay",
                "with --userns its writes can go to memory only",
            ));
        }
        for file in &root.name_files {
            if let Some(option) = file.asked_by.as_ref().filter(|_| root.covers(file)) {
                return Err(Error::refused(
                    option,
                    "a mount of yours covers the file that it is for",
                ));
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
    pub fn check_ids(&self, identity: &Identity) -> Result<(), Error> {
        for mount in &self.mounts {
            let MountSource::Tmpfs { data, .. } = &mount.source else {
                continue;
            };
            for (name, id) in ids_of_options(data) {
                if let Some(known) = identity.known_without(name == "uid", id) {
                    let reason = format!(
                        "the container's user namespace has no {name} {id}, it has {known}"
                    );
                    return Err(Error::refused_for(&mount.option, reason));
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
    pub fn check_copies(&self) -> Result<(), Error> {
        let premounted = usize::from(self.handed_directories());
        if premounted > MOST_HANDED {
            return Err(Error::refused(
                "--rootfs",
                "with --userns there can be ten at the most",
            ));
        }
        let free = MOST_COPIES - premounted;
        match self.early().nth(free) {
            None => Ok(()),
            Some((mount, _)) => Err(Error::refused(
                &mount.option,
                "at most 32 mounts can be slave, shared or of the whole /; with --userns 32 in all",
            )),
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

/// `--shm-size`, docker's 0 for its default.
fn shared_memory(arguments: &RunArgs) -> Result<Option<u64>, Error> {
    let Some(typed) = &arguments.shared_memory else {
        return Ok(None);
    };
    if arguments.ipc == NamespaceChoice::Host {
        return Err(Error::refused(
            "--shm-size",
            "with --ipc host /dev/shm is the caller's, as large as it is",
        ));
    }
    let size = bytes(typed.as_bytes()).ok_or_else(|| {
        let option = [b"--shm-size ", typed.as_bytes()].concat();
        Error::refused(option, "it takes a size, 64m or 1.5g")
    })?;
    Ok((size != 0).then_some(size))
}

fn base(arguments: &RunArgs, caller: &Caller<'_>) -> Result<Base, Error> {
    let mut lower = Vec::with_capacity(arguments.rootfs.len());
    // Typed from the bottom up.
    for directory in arguments.rootfs.iter().rev() {
        lower.push(absolute("--rootfs", directory, caller)?);
    }
    let size = storage::size(arguments)?;
    let writes = match &arguments.overlay {
        OverlayChoice::ThrownAway => Writes::ThrownAway { size },
        OverlayChoice::Kept(upper) => kept("--overlay", upper, caller)?,
        OverlayChoice::None if lower.len() > 1 && arguments.read_only => Writes::Refused,
        OverlayChoice::None => {
            return match <[CString; 1]>::try_from(lower) {
                Ok([directory]) => Ok(Base::Directory(directory)),
                Err(_) => Err(Error::refused(
                    "--rootfs",
                    "it is given more than once: say with --overlay where writes go, or --read-only",
                )),
            };
        }
    };
    Ok(Base::Overlay(Overlay { lower, writes }))
}

/// Writes go to `upper`.
fn kept(option: &str, upper: &OsStr, caller: &Caller<'_>) -> Result<Writes, Error> {
    let path = absolute(option, upper, caller)?;
    Ok(Writes::Kept(Upper { path, work: None }))
}

/// The directory of overlayfs' own that belongs to an upper one: beside it, since it has to be on the same
/// file system and not in it. `None` for /, which nothing is beside.
pub fn work_directory(upper: &CStr) -> Option<CString> {
    let mut path = upper.to_bytes();
    while let Some(shorter) = path.strip_suffix(b"/") {
        path = shorter;
    }
    let name = path.rsplit(|byte| *byte == b'/').next()?;
    if name.is_empty() {
        return None;
    }
    let beside = &path[..path.len() - name.len()];
    CString::new([beside, b".", name, b".mydocker-work"].concat()).ok()
}

/// Refuses what no order of mounting makes right.
fn check(mounts: &[RootMount], caller: &Caller<'_>, is_premounted: bool) -> Result<(), Error> {
    let targets: Vec<&CStr> = mounts.iter().map(|mount| &*mount.target).collect();
    let first = repeated::first_of_each(&targets);
    // With more than so many it is refused anyway.
    let shared = mounts.iter().filter(|mount| mount.reaches_host());
    let shared: Vec<&RootMount> = shared.take(MOST_COPIES + 1).collect();
    for (mount, is_first) in mounts.iter().zip(first) {
        let refuse = |reason| Err(Error::refused(&mount.option, reason));
        let target = mount.target.to_bytes();
        if target == b"/" {
            return refuse("its target is /, which --rootfs decides");
        }
        if target == b"/proc" || target.starts_with(b"/proc/") {
            return refuse("/proc is the container's own, and nothing can be mounted in it");
        }
        if !is_first {
            return refuse("another mount has the same target");
        }
        let lies_in = |other: &&RootMount| {
            let rest = target.strip_prefix(other.target.to_bytes());
            rest.is_some_and(|rest| rest.starts_with(b"/"))
        };
        if shared.iter().any(lies_in) {
            return refuse("its target lies in a shared mount, and it would appear on the host");
        }
        if let (MountSource::Overlay(_), true) = (&mount.source, is_premounted) {
            return refuse("with --userns it cannot be had");
        }
        if let MountSource::Bind(bind) = &mount.source {
            if is_premounted && bind.reaches_host() {
                return refuse("with --userns the container's mounts cannot reach the host");
            }
            if caller.user != 0 && bind.flags.contains(MountFlags::SHARED) {
                return refuse("the mounts of an ordinary user's container cannot reach the host");
            }
        }
    }
    Ok(())
}

/// A path of the caller's that does not depend on the working directory.
fn absolute(option: &str, path: &OsStr, caller: &Caller<'_>) -> Result<CString, Error> {
    if path.is_empty() {
        return Err(Error::refused(option, "the path is empty"));
    }
    let path = if path.as_bytes().starts_with(b"/") {
        path.as_bytes().to_vec()
    } else {
        let directory = (caller.directory)()?;
        let directory = directory.as_bytes();
        let separator: &[u8] = if directory.ends_with(b"/") { b"" } else { b"/" };
        [directory, separator, path.as_bytes()].concat()
    };
    c_string(option, &path)
}

/// A path of the container's, its `.`, `..` and repeated slashes taken out as docker does it, without a
/// look at the files.
fn target(option: &str, path: &[u8]) -> Result<CString, Error> {
    if !path.starts_with(b"/") {
        return Err(Error::refused(
            option,
            "its target must be an absolute path, as the container sees it",
        ));
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
    c_string(option, &clean)
}

/// An option and its value, for messages.
fn named(option: &str, typed: &OsStr) -> String {
    format!("{option} {}", typed.to_string_lossy())
}

#[cfg(test)]
mod tests;
