//! What is put together aside, on a tmpfs on top of /: the container's /dev, and the files for its /etc.
//!
//! No one else can reach it there, so plain names will do: no link and no other file gets in between.

use super::{Held, bind, find, older, place_for};
use crate::inside::Missing;
use crate::plan::OwnDevice;
use crate::plan::root::{EtcFile, FileSystem};
use crate::report::{Failed, Part};
use crate::sys::facts::{self, Kind};
use crate::sys::mount::{self, mount};
use crate::sys::node::{self, HERE};
use crate::sys::{Errno, MountFlags, descriptor, directory, mount_tree, process};
use std::ffi::CStr;
use std::os::fd::BorrowedFd;

/// As docker has it: room for nodes and links, and for no one's data.
const DATA: &CStr = c"mode=0755,size=65536k";

/// A file of the stage, for as long as it takes to bind it; and as our root sees it.
const FILE: &CStr = c"mydocker.file";
const FILE_FROM_ROOT: &CStr = c"/../mydocker.file";

const LINKS: [(&CStr, &CStr); 5] = [
    (c"fd", c"/proc/self/fd"),
    (c"stdin", c"/proc/self/fd/0"),
    (c"stdout", c"/proc/self/fd/1"),
    (c"stderr", c"/proc/self/fd/2"),
    // The devpts of the container's own, where the host's /dev/ptmx would make terminals of the host's.
    (c"ptmx", c"pts/ptmx"),
];

pub fn begin() -> Result<(), Errno> {
    let kind = Some(c"tmpfs");
    // A device node is what /dev is for; a set-user-ID program is not. Times as they are: a terminal's
    // access time is how long its user has been idle.
    let flags = MountFlags::NOSUID.and(MountFlags::STRICTATIME);
    mount(kind, c"/", kind, flags, Some(DATA))?;
    process::change_directory(c"/..")
}

pub fn discard() -> Result<(), Errno> {
    mount::detach(c"/..")
}

pub fn devices() -> Result<(), Failed> {
    for own in OwnDevice::ALL {
        match node::make_device(HERE, own.name(), 0o666, own.device()) {
            // Nodes can be made by the host's root alone, not by that of a user namespace.
            Err(Errno::EPERM) => return bound_devices(),
            made => made?,
        }
    }
    Ok(())
}

fn bound_devices() -> Result<(), Failed> {
    for own in OwnDevice::ALL {
        let name = own.name();
        descriptor::close(make_file(name)?);
        mount(Some(own.path()), name, None, MountFlags::BIND, None)
            .map_err(|errno| Part::Source.failed(errno))?;
        // The host's /dev is not always what it should be: in a container of someone else's, say.
        let bound = node::find(HERE, name)?;
        let looked = facts::facts(bound);
        descriptor::close(bound);
        if looked?.kind != Kind::Character(own.device()) {
            return Err(Part::Source.failed(Errno::ENODEV));
        }
    }
    Ok(())
}

/// Puts nodes that were just made into the places of 0, 1 and 2. Open for both, whichever the caller's was open for:
/// what these devices take and give is no one's.
pub fn standard_devices(own: &[Option<OwnDevice>; 3]) -> Result<(), Errno> {
    for (number, wanted) in (0..).zip(own) {
        let Some(device) = wanted else { continue };
        let same = (0..number).zip(own).find(|(_, other)| *other == wanted);
        if let Some((earlier, _)) = same {
            descriptor::duplicate_to(descriptor::borrowed(earlier), number)?;
            continue;
        }
        let opened = node::open(HERE, device.name(), libc::O_RDWR | libc::O_NOCTTY, 0)?;
        let placed = descriptor::duplicate_to(opened, number);
        descriptor::close(opened);
        placed?;
    }
    Ok(())
}

/// A new file of the stage.
pub fn make_file(name: &CStr) -> Result<BorrowedFd<'static>, Errno> {
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
    node::make_directory(HERE, &step.target, 0o755)?;
    let kind = Some(step.kind.as_c_str());
    match mount(kind, &step.target, kind, step.flags, Some(&step.data)) {
        // The kernel was built without it, or it shows what this user namespace does not own.
        Err(Errno::ENODEV | Errno::EPERM) if step.optional => Ok(()),
        done => done.map_err(Failed::from),
    }
}

pub fn name_file(file: &EtcFile, held: &Held) -> Result<(), Failed> {
    let missing = if file.make {
        Missing::MakeFile
    } else {
        Missing::Refuse
    };
    // What is made may lie elsewhere: /etc/resolv.conf is often a link to what is not there yet. But a root
    // without an /etc is given none.
    let etc = find(held, c"/etc", Missing::Refuse).map(descriptor::close);
    let target = match etc.and_then(|()| find(held, &file.target, missing)) {
        // EACCES: an overlay of an ordinary user's, above an /etc that is someone else's.
        Err(Failed {
            errno: Errno::ENOENT | Errno::ENOTDIR | Errno::ELOOP | Errno::EACCES,
            ..
        }) if file.asked_by.is_none() => return Ok(()),
        target => target?,
    };
    if facts::facts(target)?.kind == Kind::Directory {
        descriptor::close(target);
        return match file.asked_by {
            None => Ok(()),
            Some(_) => Err(Part::Target.failed(Errno::EISDIR)),
        };
    }
    let made = make_file(FILE)?;
    let written = descriptor::write_all(made, &file.content);
    descriptor::close(made);
    written?;
    let placed = place_file(file, target);
    descriptor::close(target);
    placed?;
    // The bind keeps the file; its name on the stage is no one's business.
    node::remove_file(HERE, FILE).map_err(Failed::from)
}

fn place_file(file: &EtcFile, target: BorrowedFd<'_>) -> Result<(), Errno> {
    let restrictions = if file.read_only {
        MountFlags::READONLY
    } else {
        MountFlags::NONE
    };
    let placed = bind::place(FILE, restrictions, target);
    match placed {
        Err(errno) if mount_tree::is_unavailable(errno) => {}
        placed => return placed,
    }
    let stage = node::find(HERE, c".")?;
    mount(Some(FILE), FILE, None, MountFlags::BIND, None)?;
    if file.read_only {
        older::remount(FILE, restrictions)?;
    }
    let moved = older::move_to_file(FILE_FROM_ROOT, target);
    let back = directory::enter(stage);
    descriptor::close(stage);
    moved.and(back)
}

/// Moves the stage, the topmost mount on /, to the container's /dev.
pub fn place_dev(held: &Held) -> Result<(), Failed> {
    let target = find(held, c"/dev", place_for(held, false))?;
    directory::enter(target)?;
    descriptor::close(target);
    mount(Some(c"/.."), c".", None, MountFlags::MOVE, None).map_err(Failed::from)
}
