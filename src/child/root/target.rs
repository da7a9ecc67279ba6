//! Where a bind goes.

use super::{RootState, find, place_for};
use crate::path_in_root::Missing;
use crate::plan::root::BindMount;
use crate::report::{Failed, Part};
use crate::sys::Errno;
use crate::sys::descriptor::Undropped;
use crate::sys::facts::{self, Facts, Kind};

/// The place for what is bound, of the same type: a directory, or none.
pub fn find_target(
    step: &BindMount,
    source: &Facts,
    state: &RootState,
) -> Result<Undropped, Failed> {
    let is_directory = source.kind == Kind::Directory;
    let is_device = matches!(source.kind, Kind::Character(_) | Kind::Block(_));
    if step.is_device && !is_device {
        return Err(Part::Source.failed(Errno::ENODEV));
    }
    let missing = if is_directory {
        place_for(state, step.option.is_some())
    } else {
        Missing::MakeFile
    };
    let target = find(state, &step.target, missing)?;
    let there = facts::facts(target.as_fd()).map_err(|errno| Part::Target.failed(errno))?;
    match (is_directory, there.kind == Kind::Directory) {
        (true, false) => Err(Part::Target.failed(Errno::ENOTDIR)),
        (false, true) => Err(Part::Target.failed(Errno::EISDIR)),
        _ => Ok(target),
    }
}
