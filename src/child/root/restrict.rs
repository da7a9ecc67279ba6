//! What a container may not see or change of /proc and /sys, though its own are new: much in them is the
//! host's, whatever the namespace.
//!
//! A mount hides what it lies on. What hides a file is the stage's /dev/null; what hides a directory is an
//! empty one of the stage, read-only. What is only to be read is bound onto itself, read-only. (One read-only
//! copy of /proc to bind all of that from would take fewer calls; but to take the copy away again waits for
//! everyone who may be reading the list of mounts, which costs more than all the rest.)

use super::{RootState, bind, find};
use crate::path_in_root::Missing;
use crate::plan::root::{KernelFs, RestrictedPaths, Restriction};
use crate::report::{Failed, Part};
use crate::sys::descriptor::Undropped;
use crate::sys::facts::{self, Kind};
use crate::sys::mount::mount;
use crate::sys::node::{self, HERE};
use crate::sys::{Errno, MountFlags, descriptor, directory, mount_tree, process};
use std::ffi::CStr;

/// On the stage, as our root sees it: the topmost mount on /. The directory keeps its name, see
/// [`HIDDEN`](super::stage::HIDDEN).
const NULL: &CStr = c"/../null";
const EMPTY: &CStr = c"/../pts/mydocker.empty";
const EMPTY_NAME: &CStr = c"mydocker.empty";

/// With what is mounted below: in a user namespace the kernel takes no mount apart.
const BIND_ALL: MountFlags = MountFlags::BIND.and(MountFlags::RECURSIVE);

/// Makes the mount on a path read-only, a bind having the flags of what it was bound from until then.
const REMOUNT: MountFlags = MountFlags::REMOUNT
    .and(MountFlags::BIND)
    .and(MountFlags::READONLY);

/// The working directory is the stage, before and after.
pub fn restrict(all: &[Restriction], state: &RootState) -> Result<(), Failed> {
    check_null()?;
    make_empty()?;
    let mut item = 0u8;
    for restriction in all {
        let directory = match (
            state.kernel_fs(restriction.kernel_fs).take(),
            restriction.kernel_fs,
        ) {
            (Some(directory), _) => directory,
            // There is always one.
            (None, KernelFs::Proc) => return Err(Errno::ENODEV.into()),
            // The host has none.
            (None, KernelFs::Sysfs) => {
                item = item.saturating_add(count(restriction));
                continue;
            }
        };
        let flags = facts::file_system(directory.as_fd())?.flags;
        directory::enter(directory.as_fd())?;
        directory.close(state.child);
        for path in &restriction.masked {
            hide(path).map_err(|errno| Part::Item(item).failed(errno))?;
            item = item.saturating_add(1);
        }
        for path in &restriction.read_only {
            forbid_writes(path, flags).map_err(|errno| Part::Item(item).failed(errno))?;
            item = item.saturating_add(1);
        }
    }
    process::change_directory(c"/..").map_err(Failed::from)
}

/// By paths of the container's, which are looked up inside the root.
pub fn restrict_paths(step: &RestrictedPaths, state: &RootState) -> Result<(), Failed> {
    check_null()?;
    make_empty()?;
    let mut item = 0u8;
    for path in &step.masked {
        hide_in_root(path, state).map_err(|errno| Part::Item(item).failed(errno))?;
        item = item.saturating_add(1);
    }
    for path in &step.read_only {
        forbid_writes_in_root(path, state).map_err(|errno| Part::Item(item).failed(errno))?;
        item = item.saturating_add(1);
    }
    process::change_directory(c"/..").map_err(Failed::from)
}

/// What the container has at a path, if it has something.
pub fn find_there(path: &CStr, state: &RootState) -> Result<Option<Undropped>, Errno> {
    match find(state, path, Missing::Refuse) {
        Ok(found) => Ok(Some(found)),
        Err(failed) if matches!(failed.errno, Errno::ENOENT | Errno::ENOTDIR) => Ok(None),
        Err(failed) => Err(failed.errno),
    }
}

fn hide_in_root(path: &CStr, state: &RootState) -> Result<(), Errno> {
    let Some(target) = find_there(path, state)? else {
        return Ok(());
    };
    // From the directory of the stage that has the empty one.
    let (name, flags) = match facts::facts(target.as_fd())?.kind {
        Kind::Directory => (EMPTY_NAME, MountFlags::READONLY.and(MountFlags::NOSUID)),
        _ => (c"../null", MountFlags::NONE),
    };
    let placed = bind::place_hidden(name, flags, target.as_fd(), state);
    descriptor::close(target);
    placed
}

/// As a copy of the mount, which takes Linux 5.2, and 5.12 for its flags: a file has no path that is sure to be its own.
pub fn forbid_writes_in_root(path: &CStr, state: &RootState) -> Result<(), Errno> {
    let Some(target) = find_there(path, state)? else {
        return Ok(());
    };
    let tree = mount_tree::copy_of(target.as_fd())?;
    let placed = mount_tree::set_attributes(tree.as_fd(), MountFlags::READONLY, true)
        .and_then(|()| mount_tree::attach(tree.as_fd(), target.as_fd()));
    descriptor::close(tree);
    descriptor::close(target);
    placed
}

fn count(restriction: &Restriction) -> u8 {
    let paths = restriction
        .masked
        .len()
        .saturating_add(restriction.read_only.len());
    u8::try_from(paths).unwrap_or(u8::MAX)
}

/// A stage that is used twice has it.
fn make_empty() -> Result<(), Errno> {
    match node::make_directory(HERE, EMPTY, 0o555) {
        Err(Errno::EEXIST) => Ok(()),
        made => made,
    }
}

/// Without it every path would look as if this kernel did not have it.
fn check_null() -> Result<(), Errno> {
    let null = node::find(HERE, NULL)?;
    let looked = facts::facts(null.as_fd());
    descriptor::close(null);
    match looked?.kind {
        Kind::Character(facts::NULL_DEVICE) => Ok(()),
        _ => Err(Errno::ENODEV),
    }
}

/// A path that this kernel does not have is hidden already. (What there is is looked at first: a mount that fails
/// because one of the two is a directory costs the kernel five times as much as one that does not.)
fn hide(path: &CStr) -> Result<(), Errno> {
    let found = match node::find(HERE, path) {
        Err(Errno::ENOENT) => return Ok(()),
        found => found?,
    };
    let looked = facts::facts(found.as_fd());
    descriptor::close(found);
    if looked?.kind != Kind::Directory {
        return mount(Some(NULL), path, None, MountFlags::BIND, None);
    }
    mount(Some(EMPTY), path, None, MountFlags::BIND, None)?;
    // Or the container's root could fill it.
    mount(None, path, None, REMOUNT.and(MountFlags::NOSUID), None)
}

fn forbid_writes(path: &CStr, flags: MountFlags) -> Result<(), Errno> {
    match mount(Some(path), path, None, BIND_ALL, None) {
        Err(Errno::ENOENT) => return Ok(()),
        bound => bound?,
    }
    // Without those that it has the kernel would take them away, or, in a user namespace, refuse.
    mount(None, path, None, REMOUNT.and(flags), None)
}
