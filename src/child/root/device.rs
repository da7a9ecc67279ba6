//! `--device`, and all of them with `--privileged`: a node of the container's own.
//!
//! With the host's node in its place, root of the container could change the mode and the owner that it has for
//! everyone on the host. So the container gets another one with the same numbers, wherever we may make it. Where we may
//! not (in a user namespace; where a sandbox denies mknod(2)), and for a pseudo-terminal, which opens on its devpts
//! alone, the host's node is bound, read-only: what is opened by it is written to all the same, but the node itself
//! cannot be changed.

use super::{RootState, bind, find, last_name};
use crate::path_in_root::Missing;
use crate::plan::root::DeviceNode;
use crate::report::{Failed, Part};
use crate::sys::facts::{self, Facts, Kind};
use crate::sys::node::{self, HERE};
use crate::sys::{Errno, MountFlags, descriptor};
use std::ffi::CStr;
use std::os::fd::BorrowedFd;

/// The slaves of pseudo-terminals, as the kernel's list of devices has them (devices.txt).
const SLAVES: std::ops::RangeInclusive<u32> = 136..=143;

pub fn make(step: &DeviceNode, state: &RootState) -> Result<(), Failed> {
    let source = match node::open(HERE, &step.bind.path, libc::O_PATH, 0) {
        // It has been pulled out meanwhile.
        Err(Errno::ENOENT) if step.bind.optional => return Ok(()),
        source => source.map_err(|errno| Part::Source.failed(errno))?,
    };
    let looked = facts::facts(source.as_fd());
    descriptor::close(source);
    let looked = looked.map_err(|errno| Part::Source.failed(errno))?;
    match looked.kind {
        Kind::Character(device) if SLAVES.contains(&device.major) => bind::bind(&step.bind, state),
        Kind::Character(_) | Kind::Block(_) => match make_node(step, &looked, state) {
            Err(Failed {
                part: Part::Whole,
                errno: Errno::EPERM,
            }) => bind::bind(&step.bind, state),
            done => done,
        },
        _ => Err(Part::Source.failed(Errno::ENODEV)),
    }
}

fn make_node(step: &DeviceNode, original: &Facts, state: &RootState) -> Result<(), Failed> {
    let directory = find(state, &step.directory, Missing::MakeDirectory)?;
    let is_on_stage = facts::facts(directory.as_fd())
        .is_ok_and(|facts| Some(facts.identity.0) == state.stage.get());
    let made = if is_on_stage {
        // The container's /dev, to which no one else comes yet.
        make_like(directory.as_fd(), last_name(&step.bind.target), original)
    } else {
        Err(Errno::EEXIST)
    };
    descriptor::close(directory);
    match made {
        // Elsewhere no device opens; and what is there stays, covered.
        Err(Errno::EEXIST) => bind_own(step, original, state),
        made => made.map_err(Failed::from),
    }
}

/// Makes it where the container does not come to, and binds it.
fn bind_own(step: &DeviceNode, original: &Facts, state: &RootState) -> Result<(), Failed> {
    let number = state.devices.get();
    state.devices.set(number.saturating_add(1));
    let mut buffer = [0; 12];
    let name = descriptor::decimal_of(number, &mut buffer).ok_or(Errno::EBADF)?;
    make_like(state.hidden()?, name, original)?;
    let target = super::target::find_target(&step.bind, original, state)?;
    let placed = bind::place_hidden(name, MountFlags::NONE, target.as_fd(), state);
    descriptor::close(target);
    // Not EPERM of the whole, which is mknod's.
    placed.map_err(|errno| Part::Restrict.failed(errno))
}

fn make_like(directory: BorrowedFd<'_>, name: &CStr, original: &Facts) -> Result<(), Errno> {
    match original.kind {
        Kind::Block(device) => node::make_block_device(directory, name, 0, device)?,
        Kind::Character(device) => node::make_device(directory, name, 0, device)?,
        _ => return Err(Errno::ENODEV),
    }
    let Facts {
        mode, owner, group, ..
    } = *original;
    node::change_owner(directory, name, owner, group)?;
    node::change_mode(directory, name, mode)
}
