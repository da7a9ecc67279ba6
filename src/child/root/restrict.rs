//! What a container may not see or change of /proc and /sys, though its own are new: much in them is the
//! host's, whatever the namespace.
//!
//! A mount hides what it lies on. What hides a file is the stage's /dev/null; what hides a directory is an
//! empty one of the stage, read-only. What is only to be read is bound onto itself, read-only. (One read-only
//! copy of /proc to bind all of that from would take fewer calls; but to take the copy away again waits for
//! everyone who may be reading the list of mounts, which costs more than all the rest.)

use super::RootState;
use crate::plan::root::{KernelFs, Restriction};
use crate::report::{Failed, Part};
use crate::sys::facts::{self, Kind};
use crate::sys::mount::mount;
use crate::sys::node::{self, HERE};
use crate::sys::{Errno, MountFlags, descriptor, directory, process};
use std::ffi::CStr;

/// On the stage, as our root sees it: the topmost mount on /. The directory keeps its name, see
/// [`HIDDEN`](super::stage::HIDDEN).
const NULL: &CStr = c"/../null";
const EMPTY: &CStr = c"/../pts/mydocker.empty";

/// With what is mounted below: in a user namespace the kernel takes no mount apart.
const BIND_ALL: MountFlags = MountFlags::BIND.and(MountFlags::RECURSIVE);

/// Makes the mount on a path read-only, a bind having the flags of what it was bound from until then.
const REMOUNT: MountFlags = MountFlags::REMOUNT
    .and(MountFlags::BIND)
    .and(MountFlags::READONLY);

/// The working directory is the stage, before and after.
pub fn restrict(all: &[Restriction], state: &RootState) -> Result<(), Failed> {
    check_null()?;
    node::make_directory(HERE, EMPTY, 0o555)?;
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

fn count(restriction: &Restriction) -> u8 {
    let paths = restriction
        .masked
        .len()
        .saturating_add(restriction.read_only.len());
    u8::try_from(paths).unwrap_or(u8::MAX)
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
