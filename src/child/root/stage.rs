//! What is put together aside, on a tmpfs on top of /: the container's /dev, and what is bound from there.
//!
//! No one else can reach it there, so plain names will do: no link and no other file gets in between.

use super::{RootState, find, older, place_for};
use crate::plan::OwnDevice;
use crate::plan::root::FileSystem;
use crate::report::{Failed, Part};
use crate::sys::descriptor::Undropped;
use crate::sys::facts::{self, Kind};
use crate::sys::in_child::InChild;
use crate::sys::mount::{self, mount};
use crate::sys::node::{self, HERE};
use crate::sys::{Errno, MountFlags, descriptor, directory, process};
use std::ffi::CStr;

/// As docker has it: room for nodes and links, and for no one's data.
const DATA: &CStr = c"mode=0755,size=65536k";

/// The directory that devpts will cover, or, without a /dev of the container's own, no one comes to: what is bound from
/// it keeps its name there, for the kernel lets nothing be mounted on what has no name any more, and a container in this
/// one might want to.
pub const HIDDEN: &CStr = c"pts";

/// The owner of what belongs to no one in this user namespace, unless proc_sys_kernel(5), overflowuid, says another.
const OVERFLOW: u32 = 65_534;

const LINKS: [(&CStr, &CStr); 5] = [
    (c"fd", c"/proc/self/fd"),
    (c"stdin", c"/proc/self/fd/0"),
    (c"stdout", c"/proc/self/fd/1"),
    (c"stderr", c"/proc/self/fd/2"),
    // The devpts of the container's own, where the host's /dev/ptmx would make terminals of the host's.
    (c"ptmx", c"pts/ptmx"),
];

pub fn begin(state: &RootState) -> Result<(), Errno> {
    let kind = Some(c"tmpfs");
    // A device node is what /dev is for; a set-user-ID program is not. Times as they are: a terminal's
    // access time is how long its user has been idle.
    let flags = MountFlags::NOSUID.and(MountFlags::STRICTATIME);
    mount(kind, c"/", kind, flags, Some(DATA))?;
    process::change_directory(c"/..")?;
    node::make_directory(HERE, HIDDEN, 0o755)?;
    let hidden = node::find(HERE, HIDDEN)?;
    state
        .stage
        .set(Some(facts::facts(hidden.as_fd())?.identity.0));
    state.hidden.set(Some(hidden.keep()));
    Ok(())
}

pub fn discard() -> Result<(), Errno> {
    mount::detach(c"/..")
}

/// Nodes can be made by the host's root alone, not by that of a user namespace, nor where a sandbox denies it, all of
/// them or some (a device cgroup): those are bound.
pub fn devices() -> Result<(), Failed> {
    let mut makes = true;
    for own in OwnDevice::ALL {
        if makes {
            match node::make_device(HERE, own.name(), 0o666, own.device()) {
                Ok(()) => continue,
                // If the first one may not be made it is a matter of rights, which all of them take.
                Err(Errno::EPERM) => makes = own != OwnDevice::Null,
                Err(errno) => return Err(errno.into()),
            }
        }
        bind_device(own)?;
    }
    Ok(())
}

fn bind_device(own: OwnDevice) -> Result<(), Failed> {
    let name = own.name();
    descriptor::close(make_file(name)?);
    mount(Some(own.path()), name, None, MountFlags::BIND, None)
        .map_err(|errno| Part::Source.failed(errno))?;
    let bound = node::find(HERE, name)?;
    let looked = facts::facts(bound.as_fd());
    descriptor::close(bound);
    let looked = looked?;
    // The host's /dev is not always what it should be: in a container of someone else's, say.
    if looked.kind != Kind::Character(own.device()) {
        return Err(Part::Source.failed(Errno::ENODEV));
    }
    if looked.owner == OVERFLOW {
        // Its owner is no one here, and then the kernel lets no one change what it is.
        return Ok(());
    }
    // It reads and writes all the same, but its mode and its owner stay.
    older::remount(name, MountFlags::READONLY).map_err(|errno| Part::Restrict.failed(errno))
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

pub fn links() -> Result<(), Errno> {
    for (name, content) in LINKS {
        node::make_link(content, HERE, name)?;
    }
    Ok(())
}

pub fn file_system(step: &FileSystem) -> Result<(), Failed> {
    match node::make_directory(HERE, &step.target, 0o755) {
        // [`HIDDEN`] is one of them.
        Ok(()) | Err(Errno::EEXIST) => {}
        Err(errno) => return Err(errno.into()),
    }
    let kind = Some(step.kind.as_c_str());
    match mount(kind, &step.target, kind, step.flags, Some(&step.data)) {
        // The kernel was built without it, or it shows what this user namespace does not own.
        Err(Errno::ENODEV | Errno::EPERM) if step.optional => Ok(()),
        done => done.map_err(Failed::from),
    }
}

/// Moves the stage, the topmost mount on /, to the container's /dev.
pub fn place_dev(state: &RootState) -> Result<(), Failed> {
    let target = find(state, c"/dev", place_for(state, false))?;
    directory::enter(target.as_fd())?;
    descriptor::close(target);
    mount(Some(c"/.."), c".", None, MountFlags::MOVE, None).map_err(Failed::from)
}
