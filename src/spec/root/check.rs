//! What a root is refused for.

use super::paths::{below, is_clean, name_in};
use super::{
    Base, FileSystem, MOST_COPIES, MOST_HANDED, MountConflict, MountSource, Mounter, RootConflict,
    RootMount, RootSpec, RootWishes, Writes,
};
use crate::hint::host::ids_of_options;
use crate::spec::{Identity, repeated};
use std::borrow::Cow;
use std::ffi::{CStr, CString};

impl RootSpec {
    /// Errors: wishes that contradict each other, or that such a mounter cannot grant.
    #[cold]
    #[inline(never)]
    pub fn new(wishes: RootWishes, mounter: Mounter) -> Result<Self, RootConflict> {
        check(&wishes.mounts, mounter)?;
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
            opens_devices: wishes.opens_devices,
            mounts: wishes.mounts,
            nodes: wishes.nodes,
            links: wishes.links,
            masked: wishes.masked,
            read_only_paths: wishes.read_only_paths,
            name_files: wishes.name_files,
            is_premounted,
            makes_places: false,
        };
        root.check_assembled()?;
        root.check_restricted()?;
        for file in &root.name_files {
            if let Some(asked_by) = file.asked_by.as_ref().filter(|_| root.covers(file)) {
                return Err(RootConflict::CoveredFile {
                    asked_by: asked_by.clone(),
                });
            }
        }
        Ok(root)
    }

    /// Errors: a tmpfs is to belong to someone whom the container's user namespace does not know.
    pub fn check_ids(&self, identity: &Identity) -> Result<(), RootConflict> {
        for mount in &self.mounts {
            let Some(FileSystem { data, .. }) = mount.file_system(c"tmpfs") else {
                continue;
            };
            for (name, id) in ids_of_options(data) {
                if let Some(known) = identity.known_without(name == "uid", id) {
                    return Err(RootConflict::UnknownId {
                        asked_by: mount.label(),
                        reason: format!(
                            "the container's user namespace has no {name} {id}, it has {known}"
                        ),
                    });
                }
            }
        }
        Ok(())
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

    /// Nodes and links are made in one place, where plain names will do.
    fn check_assembled(&self) -> Result<(), RootConflict> {
        let nodes = self.nodes.iter().map(|node| &node.path);
        let mut paths = nodes.chain(self.links.iter().map(|link| &link.path));
        let tmpfs = self.assembled().and_then(|number| self.mounts.get(number));
        let is_outside =
            |path: &&CString| tmpfs.is_none_or(|tmpfs| name_in(&tmpfs.target, path).is_none());
        match paths.find(is_outside) {
            Some(path) => Err(RootConflict::MadeNowhere(path.clone())),
            None => Ok(()),
        }
    }

    /// What is mounted on a path to hide it would appear on the host.
    fn check_restricted(&self) -> Result<(), RootConflict> {
        let is_refused = |path: &&Cow<'static, CStr>| {
            let bytes = path.to_bytes();
            let mut shared = self.mounts.iter().filter(|mount| mount.reaches_host());
            !is_clean(bytes)
                || bytes == b"/"
                || shared.any(|mount| {
                    let target = mount.target.to_bytes();
                    target == bytes || below(target, bytes).is_some()
                })
        };
        match self
            .masked
            .iter()
            .chain(&self.read_only_paths)
            .find(is_refused)
        {
            Some(path) => Err(RootConflict::Restricted(path.clone().into_owned())),
            None => Ok(()),
        }
    }
}

/// Refuses what no order of mounting makes right.
fn check(mounts: &[RootMount], mounter: Mounter) -> Result<(), RootConflict> {
    let unclean = |mount: &&RootMount| {
        let target = mount.target.to_bytes();
        mount.asked_by.is_none() && (!is_clean(target) || target == b"/")
    };
    if let Some(mount) = mounts.iter().find(unclean) {
        return Err(mount.refused(MountConflict::TargetIsNoPath));
    }
    // What every container has may be covered by what it has besides.
    let asked = mounts.iter().filter(|mount| mount.asked_by.is_some());
    let asked: Vec<&RootMount> = asked.collect();
    let targets: Vec<&CStr> = asked.iter().map(|mount| &*mount.target).collect();
    let first = repeated::first_of_each(&targets);
    // With more than so many it is refused anyway.
    let shared = mounts.iter().filter(|mount| mount.reaches_host());
    let shared: Vec<&RootMount> = shared.take(MOST_COPIES + 1).collect();
    for (mount, is_first) in asked.into_iter().zip(first) {
        let target = mount.target.to_bytes();
        let lies_in = |other: &&RootMount| below(other.target.to_bytes(), target).is_some();
        let conflict = if !is_clean(target) {
            MountConflict::TargetIsNoPath
        } else if target == b"/" {
            MountConflict::TargetIsRoot
        } else if (target == b"/proc" && mount.file_system(c"proc").is_none())
            || target.starts_with(b"/proc/")
        {
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
    let mut after = mounts.iter().skip_while(|mount| !mount.reaches_host());
    if let Some(mount) = after.find(|mount| !mount.reaches_host()) {
        // It could come to lie in one that is, by a link of the root, and appear on the host.
        return Err(mount.refused(MountConflict::AfterShared));
    }
    Ok(())
}
