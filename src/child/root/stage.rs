//! What is put together aside, on a tmpfs on top of /: the container's /dev, and what is bound from there.
//!
//! No one else can reach it there, so plain names will do: no link and no other file gets in between.

use super::{RootState, find, last_name, older, place_for};
use crate::plan::OwnDevice;
use crate::plan::root::FileSystem;
use crate::report::{Failed, Part};
use crate::spec::{Link, Node};
use crate::sys::descriptor::{ChildDescriptor, Undropped};
use crate::sys::facts::{self, Kind};
use crate::sys::in_child::InChild;
use crate::sys::mount::{self, mount};
use crate::sys::node::{self, HERE};
use crate::sys::{Errno, MountFlags, descriptor, directory, mount_tree, process};
use std::ffi::CStr;
use std::os::fd::BorrowedFd;

/// The directory that devpts will cover, or, without a /dev of the container's own, no one comes to: what is bound from
/// it keeps its name there, for the kernel lets nothing be mounted on what has no name any more, and a container in this
/// one might want to.
pub const HIDDEN: &CStr = c"pts";

pub fn begin(flags: MountFlags, data: &CStr, state: &RootState) -> Result<(), Errno> {
    let kind = Some(c"tmpfs");
    mount(kind, c"/", kind, flags, Some(data))?;
    process::change_directory(c"/..")?;
    node::make_directory(HERE, HIDDEN, 0o755)?;
    let hidden = node::find(HERE, HIDDEN)?;
    state
        .stage
        .set(Some(facts::facts(hidden.as_fd())?.identity.0));
    if let Some(earlier) = state.hidden.replace(Some(hidden.keep())) {
        earlier.close(state.child);
    }
    Ok(())
}

pub fn discard() -> Result<(), Errno> {
    mount::detach(c"/..")
}

/// Nodes can be made by the host's root alone, not by that of a user namespace, nor where a sandbox denies it, all of
/// them or some (a device cgroup): those are bound.
pub fn devices(nodes: &[Node], state: &RootState) -> Result<(), Failed> {
    let mut makes = true;
    let mut is_first = true;
    let mut hosts = None;
    for wanted in nodes {
        if makes {
            match node::make_device(HERE, last_name(&wanted.path), wanted.mode, wanted.device) {
                Ok(()) => {
                    is_first = false;
                    continue;
                }
                // If the first one may not be made it is a matter of rights, which all of them take.
                Err(Errno::EPERM) => makes = !is_first,
                Err(errno) => return Err(errno.into()),
            }
        }
        is_first = false;
        if let Some(devices) = state.hosts_devices.take() {
            hosts = Some(show(devices).map_err(|errno| Part::Source.failed(errno))?);
        }
        bind_device(wanted, hosts)?;
    }
    if let Some(devices) = hosts {
        devices.close(state.child);
        mount::detach(HIDDEN)?;
    }
    Ok(())
}

/// Mounts the host's /dev, which is nowhere: the kernel copies no mount that was taken along from another namespace.
#[cold]
#[inline(never)]
fn show(devices: ChildDescriptor<'static>) -> Result<ChildDescriptor<'static>, Errno> {
    mount_tree::set_attributes(devices.as_fd(), MountFlags::PRIVATE, false)?;
    let place = node::find(HERE, HIDDEN)?;
    let attached = mount_tree::attach(devices.as_fd(), place.as_fd());
    descriptor::close(place);
    attached.map(|()| devices)
}

fn bind_device(wanted: &Node, hosts: Option<ChildDescriptor<'_>>) -> Result<(), Failed> {
    let name = last_name(&wanted.path);
    descriptor::close(make_file(name)?);
    let put = match hosts {
        Some(devices) => put_device(devices.as_fd(), last_name(&wanted.hosts), name),
        None => mount(Some(&wanted.hosts), name, None, MountFlags::BIND, None),
    };
    put.map_err(|errno| Part::Source.failed(errno))?;
    let bound = node::find(HERE, name)?;
    let looked = facts::facts(bound.as_fd());
    descriptor::close(bound);
    let looked = looked?;
    // The host's /dev is not always what it should be: in a container of someone else's, say.
    if looked.kind != Kind::Character(wanted.device) {
        return Err(Part::Source.failed(Errno::ENODEV));
    }
    if looked.owner == facts::OVERFLOW {
        // Its owner is no one here, and then the kernel lets no one change what it is.
        return Ok(());
    }
    // It reads and writes all the same, but its mode and its owner stay.
    older::remount(name, MountFlags::READONLY).map_err(|errno| Part::Restrict.failed(errno))
}

/// One of the host's, by its /dev.
#[cold]
#[inline(never)]
fn put_device(devices: BorrowedFd<'_>, hosts: &CStr, name: &CStr) -> Result<(), Errno> {
    let found = node::find(devices, hosts)?;
    let copied = mount_tree::copy_found(found.as_fd(), false);
    descriptor::close(found);
    let (copied, place) = (copied?, node::find(HERE, name)?);
    let attached = mount_tree::attach(copied.as_fd(), place.as_fd());
    descriptor::close(copied);
    descriptor::close(place);
    attached
}

/// Puts nodes that were just made into the places of 0, 1 and 2. Open for both, whichever the caller's was open for:
/// what these devices take and give is no one's.
pub fn standard_devices(own: &[Option<OwnDevice>; 3], child: InChild) -> Result<(), Errno> {
    for (number, wanted) in (0..).zip(own) {
        let Some(device) = wanted else { continue };
        let same = (0..number).zip(own).find(|(_, other)| *other == wanted);
        if let Some((earlier, _)) = same {
            descriptor::duplicate_to(descriptor::standard(earlier), number, child)?;
            continue;
        }
        let opened = node::open(HERE, device.name(), libc::O_RDWR | libc::O_NOCTTY, 0)?;
        let placed = descriptor::duplicate_to(opened.as_fd(), number, child);
        descriptor::close(opened);
        placed?;
    }
    Ok(())
}

/// A new file of the stage.
pub fn make_file(name: &CStr) -> Result<Undropped, Errno> {
    let flags = libc::O_CREAT | libc::O_EXCL | libc::O_WRONLY | libc::O_NOFOLLOW;
    node::open(HERE, name, flags, 0o644)
}

pub fn links(links: &[Link]) -> Result<(), Errno> {
    for link in links {
        node::make_link(&link.content, HERE, last_name(&link.path))?;
    }
    Ok(())
}

pub fn file_system(step: &FileSystem) -> Result<(), Failed> {
    let name = last_name(&step.target);
    match node::make_directory(HERE, name, 0o755) {
        // [`HIDDEN`] is one of them.
        Ok(()) | Err(Errno::EEXIST) => {}
        Err(errno) => return Err(errno.into()),
    }
    let kind = Some(step.kind.as_c_str());
    match mount(kind, name, kind, step.flags, Some(&step.data)) {
        // The kernel was built without it, or it shows what this user namespace does not own.
        Err(Errno::ENODEV | Errno::EPERM) if step.optional => Ok(()),
        done => done.map_err(Failed::from),
    }
}

/// Moves the stage, the topmost mount on /, to its place in the container.
pub fn place(target: &CStr, state: &RootState) -> Result<(), Failed> {
    let target = find(state, target, place_for(state, false))?;
    directory::enter(target.as_fd())?;
    descriptor::close(target);
    mount(Some(c"/.."), c".", None, MountFlags::MOVE, None).map_err(Failed::from)
}
