//! What `--userns` of root takes: the directories of the container's root, opened here because the container's root is
//! no one outside, and shifted to its ids.

use crate::error::Error;
use crate::field::Field;
use crate::guard::Request;
use crate::launch::id_maps;
use crate::lingering;
use crate::spec::{Base, ContainerSpec, Identity, Ids, RootSpec};
use crate::sys::capability::{self, SYS_ADMIN};
use crate::sys::{Errno, MountFlags, descriptor, facts, mount_tree};
use std::borrow::Cow;
use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// The ids of the container, if it has many.
pub fn ids(spec: &ContainerSpec) -> Option<&Ids> {
    match &spec.identity {
        Identity::Ranged { ids, .. } => Some(ids),
        Identity::Set { .. } | Identity::Mapped { .. } => None,
    }
}

/// The mounts that the plan wants handed in.
pub struct Wanted<'a> {
    root: &'a RootSpec,
    ids: &'a Ids,
}

impl<'a> Wanted<'a> {
    /// `None` if it wants none.
    pub fn of(spec: &'a ContainerSpec) -> Option<Self> {
        let root = spec.root.as_ref().filter(|root| root.is_premounted)?;
        let ids = ids(spec)?;
        Some(Self { root, ids })
    }
}

impl Request for Wanted<'_> {
    /// By slot.
    type Guard = Vec<OwnedFd>;
    type Preview = ();

    #[cold]
    #[inline(never)]
    fn acquire(self) -> Result<Vec<OwnedFd>, Error> {
        let mut premounted = Vec::new();
        let mut namespace = None;
        for path in directories(self.root) {
            let tree = copy(Field::Root.spelled(), path, true, MountFlags::PRIVATE)?;
            shift(tree.as_fd(), path, self.ids, &mut namespace)?;
            premounted.push(tree);
        }
        for (mount, bind) in self.root.early() {
            let propagation = if bind.flags.contains(MountFlags::SLAVE) {
                MountFlags::SLAVE
            } else {
                MountFlags::PRIVATE
            };
            let asked_by = mount.label();
            premounted.push(copy(&asked_by, &bind.path, bind.recursive, propagation)?);
        }
        Ok(premounted)
    }

    /// Whether any can be had at all.
    #[cold]
    #[inline(never)]
    fn preview(self) -> Result<(), Error> {
        match directories(self.root).first() {
            Some(path) if !capability::is_effective(SYS_ADMIN) => {
                Err(not_copied(Field::Root.spelled(), path, Errno::EPERM))
            }
            _ => Ok(()),
        }
    }
}

fn directories(root: &RootSpec) -> &[CString] {
    match &root.base {
        Base::Directory(path) => std::slice::from_ref(path),
        Base::Overlay(overlay) => overlay.lower.as_slice(),
    }
}

fn not_copied(asked_by: &str, path: &CStr, errno: Errno) -> Error {
    let hint = match errno {
        Errno::ENOSYS => Some(Cow::Owned(
            Field::UserNamespace.between("", " of root takes Linux 5.12"),
        )),
        Errno::EPERM => Some(Cow::Borrowed(
            "it takes CAP_SYS_ADMIN over this mount namespace; the root of a user namespace has it in one of its \
             own (unshare --mount)",
        )),
        _ => None,
    };
    Error::new(format!("{asked_by}:"), path.to_bytes(), errno).hint(hint)
}

/// A copy of a mount, which is no longer one with the host's.
fn copy(
    asked_by: &str,
    path: &CStr,
    recursive: bool,
    propagation: MountFlags,
) -> Result<OwnedFd, Error> {
    let failed = |errno| not_copied(asked_by, path, errno);
    let tree =
        descriptor::own(lingering::outlast(|| mount_tree::copy(path, recursive)).map_err(failed)?);
    mount_tree::set_attributes(tree.as_fd(), propagation, true).map_err(failed)?;
    Ok(tree)
}

/// Makes the files of a directory the container's: 0 on the disk is root inside, and so on. Not if they are the
/// container's already.
fn shift(
    tree: BorrowedFd<'_>,
    path: &CStr,
    ids: &Ids,
    namespace: &mut Option<OwnedFd>,
) -> Result<(), Error> {
    let failed = |operation: &str, errno| {
        let operation = Field::UserNamespace.between("", operation);
        Error::new(operation, path.to_bytes(), errno)
    };
    let facts = facts::facts(tree).map_err(|errno| failed(": look at", errno))?;
    if ids.has(facts.owner) {
        return Ok(());
    }
    let namespace = match namespace {
        Some(namespace) => namespace,
        none => none.insert(id_maps::namespace_with(ids)?),
    };
    mount_tree::map_ids(tree, namespace.as_fd(), true).map_err(|errno| {
        let hint = Field::ChosenIds.between(
            "its file system knows no idmapped mounts (Linux 5.12, tmpfs 6.3): chown the files to what ",
            " fixes",
        );
        failed(": map the ids of", errno).hint(Some(hint))
    })
}
