//! The host's /dev/null, as which 0, 1 and 2 often come to a command: the container's root, if that is who owns the host's,
//! could change its mode, for everyone. So it is lent by a mount of its own that is read-only, and that is nowhere: it reads
//! and writes as ever. (A first process gets the container's own; of a container that runs that may be missing.)

use crate::error::Error;
use crate::sys::facts::{self, Kind};
use crate::sys::{Errno, MountFlags, descriptor, identity, mount_tree};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// Puts it into the places of those that could be changed. Where such a mount cannot be had (before Linux 5.12, or without the
/// rights) they stay.
///
/// Errors: it can be had, and something else has failed.
pub fn lend() -> Result<(), Error> {
    let failed = |errno| Error::new("lend", "the host's /dev/null", errno);
    let mut lent = None;
    for number in 0..3 {
        if !may_be_changed(descriptor::standard(number)) {
            continue;
        }
        if lent.is_none() {
            lent = match open() {
                Err(errno) if cannot_be_had(errno) => return Ok(()),
                null => Some(null.map_err(failed)?),
            };
        }
        if let Some(null) = &lent {
            descriptor::replace_one_standard(null.as_fd(), number).map_err(failed)?;
        }
    }
    Ok(())
}

/// What a kernel without such mounts says, who has no rights to make one, or a filter that denies it; and what is so where the
/// host has no such node at this path.
fn cannot_be_had(errno: Errno) -> bool {
    matches!(
        errno,
        Errno::ENOSYS
            | Errno::EPERM
            | Errno::EACCES
            | Errno::EINVAL
            | Errno::ENOENT
            | Errno::ENOTDIR
            | Errno::ENODEV
    )
}

fn is_null(kind: Kind) -> bool {
    kind == Kind::Character(facts::NULL_DEVICE)
}

fn may_be_changed(file: BorrowedFd<'_>) -> bool {
    let is_ours =
        |facts: facts::Facts| is_null(facts.kind) && facts.owner == identity::effective_user();
    facts::facts(file).is_ok_and(is_ours)
}

fn open() -> Result<OwnedFd, Errno> {
    let mount = descriptor::own(mount_tree::copy(c"/dev/null", false)?);
    mount_tree::set_attributes(mount.as_fd(), MountFlags::READONLY, false)?;
    let name = descriptor::name_in_proc(mount.as_fd());
    let opened = descriptor::open(&name, libc::O_RDWR | libc::O_NOCTTY, 0)?;
    // What is mounted on /proc or /dev need not be what it should.
    match is_null(facts::facts(opened.as_fd())?.kind) {
        true => Ok(opened),
        false => Err(Errno::ENODEV),
    }
}
