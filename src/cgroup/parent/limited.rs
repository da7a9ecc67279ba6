//! Limits that a container would be left out of: those of a cgroup that it cannot be below, and those that the kernel
//! does not hand down. Who set them counts on them, so there is no container then.

use super::super::Controller;
use super::super::directory::Directory;
use super::super::layout::Hierarchy;
use super::Asker;
use crate::error::Error;
use crate::field::Field;
use crate::sys::kernel;
use std::ffi::CStr;

/// A cgroup of the caller's that the container would be beside. (A number of processes is no reason: systemd gives
/// every scope one.)
pub fn refuse_in_v2(asker: Asker, directory: &Directory) -> Result<(), Error> {
    for file in [
        c"memory.max",
        c"memory.high",
        c"memory.swap.max",
        c"cpu.max",
        c"cpuset.cpus",
        c"cpuset.mems",
        c"io.max",
    ] {
        let value = directory.read(file).unwrap_or_default();
        if !value.is_empty() && !value.starts_with("max") {
            let reason = "it limits the caller, and cgroup v2 wants processes in leaves: put mydocker into a cgroup below \
                          this one, or name one";
            return Err(refused(asker, directory, file, reason));
        }
    }
    Ok(())
}

/// The first kernel whose v1 has cgroups count for those above them in any case.
const ALWAYS_HIERARCHICAL: (u32, u32) = (5, 11);

/// The cgroup that the container's would be made in, where a limit of it would not be one of what is below it.
#[cold]
#[inline(never)]
pub fn refuse_in_v1(
    asker: Asker,
    hierarchy: &Hierarchy<'_>,
    directory: &Directory,
) -> Result<(), Error> {
    if hierarchy.has(Controller::Memory) && !counts_what_is_below(directory) {
        for file in [c"memory.limit_in_bytes", c"memory.memsw.limit_in_bytes"] {
            let limit = directory.read(file).ok();
            let limit: Option<u64> = limit.and_then(|limit| limit.parse().ok());
            // None is a number too, almost as large as can be.
            if limit.is_some_and(|limit| limit < 1 << 62) {
                let reason = "it would not limit the container: write 1 to its memory.use_hierarchy, or name another \
                              cgroup";
                return Err(refused(asker, directory, file, reason));
            }
        }
    }
    if hierarchy.has(Controller::Io) {
        // By the kernel's text on blkio they are of each cgroup alone.
        for file in [
            c"blkio.throttle.read_bps_device",
            c"blkio.throttle.write_bps_device",
            c"blkio.throttle.read_iops_device",
            c"blkio.throttle.write_iops_device",
        ] {
            if directory.read(file).is_ok_and(|limits| !limits.is_empty()) {
                let reason =
                    "cgroup v1 does not hand the limits of disks down: name a cgroup without any";
                return Err(refused(asker, directory, file, reason));
            }
        }
    }
    Ok(())
}

fn counts_what_is_below(directory: &Directory) -> bool {
    kernel::version() >= ALWAYS_HIERARCHICAL
        || directory.read(c"memory.use_hierarchy").as_deref() != Ok("0")
}

/// Has what is made in a new cgroup of v1 count as its own, so that its limit is one of all that is in it.
pub fn count_what_is_below(asker: Asker, directory: &Directory) -> Result<(), Error> {
    if counts_what_is_below(directory) {
        return Ok(());
    }
    let file = c"memory.use_hierarchy";
    let failed = |errno| asker.failed("write to", &directory.path_of(file), errno);
    directory.write(file, b"1").map_err(failed)
}

/// For a reason that ends in the advice to name another cgroup.
fn refused(asker: Asker, directory: &Directory, file: &CStr, reason: &'static str) -> Error {
    let file = directory.path_of(file);
    Error::refused_for(
        [asker.field.spelled().as_bytes(), b": ", file.to_bytes()].concat(),
        reason.to_owned() + &Field::CgroupParent.aside(" with ", ""),
    )
}
