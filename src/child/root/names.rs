//! The files that only this container has, on those of its /etc.
//!
//! They are put there when all else is mounted, on what the path leads to by then: /etc/resolv.conf is often a link to
//! what only a mount brings along. Each is made in a directory to which the container does not come, keeps its name
//! there, and is bound.

use super::{RootState, bind, find, find_or_make, last_name, stage};
use crate::child::Channel;
use crate::path_in_root::{Making, Missing};
use crate::plan::root::{EtcFile, Without};
use crate::report::{Failed, Lack, Part};
use crate::sys::descriptor::Undropped;
use crate::sys::facts::{self, Kind};
use crate::sys::{Errno, MountFlags, descriptor, directory};
use std::ffi::CStr;
use std::os::fd::BorrowedFd;

/// Before mounts that bring files along.
pub fn look(targets: &[impl AsRef<CStr>], state: &RootState) -> Result<(), Failed> {
    for (place, target) in state.looked_at.iter().zip(targets) {
        // What cannot be found is not there.
        if let Ok(found) = find(state, target.as_ref(), Missing::Refuse) {
            let looked = facts::facts(found.as_fd());
            descriptor::close(found);
            place.set(Some(looked?.identity));
        }
    }
    Ok(())
}

pub fn place(file: &EtcFile, state: &RootState, channel: Channel<'_>) -> Result<(), Failed> {
    let target = match find_place(file, state) {
        Ok(Some(target)) => target,
        Ok(None) => return Ok(()),
        Err(failed) => {
            // Whatever is in the way: no one has asked for what every container is given, and nothing is less protected
            // without it.
            return match &file.without {
                Without::Fine => Ok(()),
                Without::Told => {
                    channel.board.leave_lack(Lack::NameServers, failed.errno);
                    Ok(())
                }
                Without::Refused(_) => Err(failed),
            };
        }
    };
    let name = last_name(&file.target);
    directory::enter(state.hidden()?)?;
    let made = stage::make_file(name)?;
    let written = descriptor::write_all(made.as_fd(), &file.content);
    descriptor::close(made);
    written?;
    let restrictions = if file.read_only {
        MountFlags::READONLY
    } else {
        MountFlags::NONE
    };
    let placed = bind::place_hidden(name, restrictions, target.as_fd(), state);
    descriptor::close(target);
    placed.map_err(Failed::from)
}

/// What the file is to be mounted on; `None` if a mount has brought one along, and no one has asked for another.
fn find_place(file: &EtcFile, state: &RootState) -> Result<Option<Undropped>, Failed> {
    let found = match find(state, &file.target, Missing::Refuse) {
        // What is made may lie elsewhere, where a link leads to what is not there yet.
        Err(Failed {
            errno: Errno::ENOENT,
            ..
        }) => find_or_make(
            state,
            &file.target,
            &Making {
                may: &|directory| state.may_make_in(directory),
                ..Making::anywhere(Missing::MakeFile)
            },
        ),
        found => match found {
            Ok(there) if was_brought(file, there.as_fd(), state)? => {
                descriptor::close(there);
                return Ok(None);
            }
            found => found,
        },
    }?;
    if facts::facts(found.as_fd())?.kind == Kind::Directory {
        descriptor::close(found);
        return Err(Part::Target.failed(Errno::EISDIR));
    }
    Ok(Some(found))
}

fn was_brought(file: &EtcFile, there: BorrowedFd<'_>, state: &RootState) -> Result<bool, Errno> {
    let (Some(slot), None) = (file.looked_at, file.option()) else {
        return Ok(false);
    };
    let before = state
        .looked_at
        .get(usize::from(slot))
        .and_then(std::cell::Cell::get);
    Ok(before != Some(facts::facts(there)?.identity))
}
