//! What a container may not see or change of /proc and /sys, though its own are new: much in them is the
//! host's, whatever the namespace.
//!
//! A mount hides what it lies on. What hides a file is the stage's /dev/null; what hides a directory is an
//! empty one. What is only to be read is bound onto itself from a copy of /proc that is read-only: every bind
//! of that is, so it takes one call for each instead of two.

use super::{Held, find, older};
use crate::inside::Missing;
use crate::plan::root::{COPY, Kernels, Restriction};
use crate::report::{Failed, Part};
use crate::sys::facts::{self, Kind};
use crate::sys::mount::{self, mount};
use crate::sys::node::{self, HERE};
use crate::sys::{Errno, MountFlags, descriptor, directory, process};
use std::ffi::CStr;

/// On the stage, as our root sees it: the topmost mount on /.
const NULL: &CStr = c"/../null";
const EMPTY: &CStr = c"/../mydocker.empty";

/// With what is mounted below: in a user namespace the kernel takes no mount apart.
const BIND_ALL: MountFlags = MountFlags::BIND.and(MountFlags::RECURSIVE);

/// The working directory is the stage, before and after.
pub fn restrict(step: &Restriction, held: &Held) -> Result<(), Failed> {
    if !enter(step, held)? {
        return Ok(());
    }
    hide_all(step)?;
    if !step.read_only.is_empty() {
        forbid_writes(step)?;
    }
    process::change_directory(c"/..").map_err(Failed::from)
}

/// Goes to the directory, if it is what it has to be.
fn enter(step: &Restriction, held: &Held) -> Result<bool, Failed> {
    let directory = match (find(held, &step.directory, Missing::Refuse), step.kernels) {
        (found, Kernels::Proc) => found?,
        (Ok(found), Kernels::Sysfs) => found,
        // The host has none, and so has the container.
        (Err(failed), Kernels::Sysfs) if failed.errno == Errno::ENOENT => return Ok(false),
        (Err(failed), Kernels::Sysfs) => return Err(failed),
    };
    let is_kernels = facts::file_system(directory).map(|found| match step.kernels {
        Kernels::Proc => found.is_proc(),
        Kernels::Sysfs => found.is_sysfs(),
    });
    let entered = match (is_kernels, step.kernels) {
        (Ok(true), _) => directory::enter(directory).map(|()| true),
        // Something else would be hidden, and what is to be hidden would not.
        (Ok(false), Kernels::Proc) => Err(Errno::ENODEV),
        // Whatever the host has at /sys: nothing that the kernel tells.
        (Ok(false), Kernels::Sysfs) => Ok(false),
        (Err(errno), _) => Err(errno),
    };
    descriptor::close(directory);
    entered.map_err(|errno| Part::Target.failed(errno))
}

fn hide_all(step: &Restriction) -> Result<(), Failed> {
    // Without it every path would look as if this kernel did not have it.
    let null = node::find(HERE, NULL)?;
    let looked = facts::facts(null);
    descriptor::close(null);
    if looked?.kind != Kind::Character(facts::NULL_DEVICE) {
        return Err(Errno::ENODEV.into());
    }
    node::make_directory(HERE, EMPTY, 0o555)?;
    mount(Some(EMPTY), EMPTY, None, MountFlags::BIND, None)?;
    // Or the container's root could fill it.
    older::remount(EMPTY, MountFlags::READONLY)?;
    for (index, path) in (0..).zip(&step.masked) {
        hide(path).map_err(|errno| Part::Item(index).failed(errno))?;
    }
    remove(EMPTY).map_err(Failed::from)
}

fn hide(path: &CStr) -> Result<(), Errno> {
    let hidden = match mount(Some(NULL), path, None, MountFlags::BIND, None) {
        // It is a directory, on which a file cannot be mounted.
        Err(Errno::ENOTDIR) => mount(Some(EMPTY), path, None, MountFlags::BIND, None),
        hidden => hidden,
    };
    match hidden {
        // This kernel does not have it.
        Err(Errno::ENOENT) => Ok(()),
        hidden => hidden,
    }
}

fn forbid_writes(step: &Restriction) -> Result<(), Failed> {
    node::make_directory(HERE, COPY, 0o555)?;
    mount(Some(c"."), COPY, None, BIND_ALL, None)?;
    older::remount(COPY, MountFlags::READONLY)?;
    let first = u8::try_from(step.masked.len()).unwrap_or(u8::MAX);
    for (index, path) in (first..).zip(&step.read_only) {
        match mount(Some(&path.in_copy), &path.name, None, BIND_ALL, None) {
            Ok(()) | Err(Errno::ENOENT) => {}
            Err(errno) => return Err(Part::Item(index).failed(errno)),
        }
    }
    remove(COPY).map_err(Failed::from)
}

/// What was bound from there holds on to it.
fn remove(place: &CStr) -> Result<(), Errno> {
    mount::detach(place)?;
    node::remove_directory(HERE, place)
}
