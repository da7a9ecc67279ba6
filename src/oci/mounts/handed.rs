//! Trees of mounts that the parent opens and hands in.
//!
//! In a user namespace that root has made for it the container's root is no one outside, to whom the directories on the way
//! may be closed, and it may map no ids of files. So the parent, while it is root, copies the mounts (open_tree(2)), and the
//! child attaches the copies. An ordinary user's parent could do no more than the child, and hands in nothing.

use super::clean;
use crate::error::Error;
use crate::launch::id_maps;
use crate::lingering;
use crate::oci::config::{Config, IdMapping, Mount, NamespaceKind};
use crate::plan::root::Taken;
use crate::spec::{IdMap, Ids};
use crate::sys::capability::{self, SYS_ADMIN};
use crate::sys::{Errno, MountFlags, descriptor, mount_tree};
use std::ffi::CStr;
use std::os::fd::{AsFd, OwnedFd};

/// What is handed in, by slot.
pub struct Handed<'c> {
    config: &'c Config,
    /// Whether binds are.
    all: bool,
    /// What becomes of the propagation of copies. `None`: it stays.
    propagation: Option<MountFlags>,
    trees: Vec<OwnedFd>,
    /// User namespaces that stand for mappings.
    namespaces: Vec<(Ids, OwnedFd)>,
    /// How many copies of / the child keeps itself.
    kept: u8,
}

impl<'c> Handed<'c> {
    pub fn new(config: &'c Config, propagation: Option<MountFlags>) -> Self {
        let all = super::has(config, NamespaceKind::User) && capability::is_effective(SYS_ADMIN);
        Self {
            config,
            all,
            propagation,
            trees: Vec::new(),
            namespaces: Vec::new(),
            kept: 0,
        }
    }

    pub fn into_trees(self) -> Vec<OwnedFd> {
        self.trees
    }

    /// Whether the root is; then its slot is the first.
    pub fn root(&mut self, path: &CStr) -> Result<bool, Error> {
        if self.all {
            let tree = self.copy("root.path", path, true)?;
            self.trees.push(tree);
        }
        Ok(self.all)
    }

    /// Whether the child keeps a copy of this bind's source, the whole /.
    pub fn is_kept(&self, mount: &Mount) -> bool {
        let is_root = mount
            .source
            .as_deref()
            .is_some_and(|source| source.to_bytes().starts_with(b"/") && is_root(source));
        is_root && !self.all && !self.maps(mount)
    }

    fn maps(&self, mount: &Mount) -> bool {
        !mount.user_mappings.is_empty()
            || !mount.group_mappings.is_empty()
            || super::options::Options::of(&mount.options)
                .maps_ids
                .is_some()
    }

    /// How a bind comes to its source; `maps_ids`: whether the ids are mapped of what is mounted below it, too, if an option
    /// says so.
    pub fn taken(
        &mut self,
        mount: &Mount,
        path: &CStr,
        recursive: bool,
        maps_ids: Option<bool>,
    ) -> Result<Taken, Error> {
        let maps = self.maps(mount);
        if !self.all && !maps {
            if !self.is_kept(mount) {
                return Ok(Taken::Now);
            }
            let slot = self.kept;
            self.kept += 1;
            return Ok(Taken::Kept(slot));
        }
        let ids = match maps {
            true => Some(self.namespace(mount)?),
            false => None,
        };
        let tree = self.copy("bind", path, recursive)?;
        if let Some(namespace) = ids {
            map_ids(&tree, &namespace, path, maps_ids == Some(true))?;
        }
        let slot = u8::try_from(self.trees.len()).ok();
        let slot = slot.filter(|slot| *slot < u8::MAX).ok_or_else(|| {
            Error::refused("mounts", "no more than 254 can be made in a user namespace")
        })?;
        self.trees.push(tree);
        Ok(Taken::Handed(slot))
    }

    fn copy(&self, operation: &str, path: &CStr, recursive: bool) -> Result<OwnedFd, Error> {
        let failed = |errno| {
            let hint = match errno {
                Errno::ENOSYS => Some("in a user namespace it takes Linux 5.12"),
                _ => None,
            };
            Error::new(operation, path.to_bytes(), errno).hint(hint)
        };
        let tree = lingering::outlast(|| mount_tree::copy(path, recursive)).map_err(failed)?;
        let tree = descriptor::own(tree);
        if let Some(propagation) = self.propagation {
            mount_tree::propagate(tree.as_fd(), propagation).map_err(failed)?;
        }
        Ok(tree)
    }

    /// The user namespace whose ids are meant: the mount's own mappings, or those of the container.
    fn namespace(&mut self, mount: &Mount) -> Result<OwnedFd, Error> {
        let linux = &self.config.linux;
        let has_own = !mount.user_mappings.is_empty() || !mount.group_mappings.is_empty();
        let container = linux.namespaces.iter();
        let mut container = container.filter(|one| one.kind == NamespaceKind::User);
        let container = container.next();
        let of_container = (&linux.user_mappings, &linux.group_mappings);
        let (users, groups) = match (has_own, container) {
            (true, _) => (&mount.user_mappings, &mount.group_mappings),
            (false, Some(one)) => match &one.path {
                Some(path) => {
                    return descriptor::open(path, libc::O_RDONLY, 0)
                        .map_err(|errno| Error::new("open", path.to_bytes(), errno));
                }
                None => of_container,
            },
            (false, None) => {
                return Err(Error::refused(
                    clean(&mount.destination).to_bytes(),
                    "to map ids takes uidMappings and gidMappings, of the mount or of a user namespace",
                ));
            }
        };
        let ids = Ids {
            users: maps(users),
            groups: maps(groups),
        };
        let known = self.namespaces.iter().find(|(known, _)| *known == ids);
        let duplicate = |namespace: &OwnedFd| {
            namespace
                .try_clone()
                .map_err(|_| Error::new("duplicate", "a user namespace", Errno::EMFILE))
        };
        if let Some((_, namespace)) = known {
            return duplicate(namespace);
        }
        let namespace = id_maps::namespace_with(&ids)?;
        let copy = duplicate(&namespace);
        self.namespaces.push((ids, namespace));
        copy
    }
}

pub fn is_root(path: &CStr) -> bool {
    clean(path).as_c_str() == c"/"
}

fn maps(mappings: &[IdMapping]) -> Vec<IdMap> {
    let maps = mappings.iter().map(|mapping| IdMap {
        inside: mapping.container,
        outside: mapping.host,
        count: mapping.count,
    });
    maps.collect()
}

fn map_ids(tree: &OwnedFd, namespace: &OwnedFd, path: &CStr, recursive: bool) -> Result<(), Error> {
    mount_tree::map_ids(tree.as_fd(), namespace.as_fd(), recursive).map_err(|errno| {
        let hint = match errno {
            Errno::EINVAL => Some("its file system knows no idmapped mounts"),
            Errno::EPERM => Some("it takes the rights of the file system's own root"),
            Errno::ENOSYS => Some("idmapped mounts take Linux 5.12"),
            _ => None,
        };
        Error::new("map the ids of", path.to_bytes(), errno).hint(hint)
    })
}
