//! What a new cgroup is filled with: its limits, and what a cpuset cannot be without.

use super::asker::Asker;
use super::directory::{Directory, joined};
use super::settings::Setting;
use crate::error::Error;
use crate::field::Field;
use crate::sys::Errno;
use std::ffi::CStr;

/// A cpuset of v1 begins without processors and memory nodes, and no process can be in it then. What it lacks
/// and is not asked for is as in the cgroup above.
#[cold]
#[inline(never)]
pub fn fill_cpuset(
    asker: Asker,
    above: &Directory,
    below: &Directory,
    settings: &[Setting],
) -> Result<(), Error> {
    for file in [c"cpuset.cpus", c"cpuset.mems"] {
        let is_asked = |setting: &Setting| setting.ways.iter().any(|(name, _)| *name == file);
        if settings.iter().any(is_asked) {
            continue;
        }
        let read = |directory: &Directory| {
            let failed = |errno| asker.failed("read", &directory.path_of(file), errno);
            directory.read(file).map_err(failed)
        };
        if !read(below)?.is_empty() {
            continue;
        }
        let list = read(above)?;
        let failed = |errno| asker.failed("write to", &below.path_of(file), errno);
        below.write(file, list.as_bytes()).map_err(failed)?;
    }
    Ok(())
}

/// Whether a limit's file was there.
#[derive(PartialEq, Eq)]
pub enum Found {
    File,
    /// None, and that is no error.
    Nothing,
}

/// Sets a limit, or says why it does not hold.
#[cold]
#[inline(never)]
pub fn set(setting: &Setting, directory: &Directory) -> Result<Found, Error> {
    for (file, value) in &setting.ways {
        match directory.write(file, value.as_bytes()) {
            Ok(()) => return check(setting, directory, value).map(|()| Found::File),
            // Not this way: the kernel is of another age, or built without it.
            Err(Errno::ENOENT | Errno::EOPNOTSUPP) => {}
            Err(errno) => return Err(not_written(setting, (&directory.path, file), value, errno)),
        }
    }
    not_there(setting, &directory.path).map_or(Ok(Found::Nothing), Err)
}

/// The kernel does not take a limit of this cgroup.
pub fn not_written(
    setting: &Setting,
    (cgroup, file): (&CStr, &CStr),
    value: &str,
    errno: Errno,
) -> Error {
    let operation = format!("{}: write {value} to", setting.field);
    let error = Error::new(operation, joined(cgroup, file).to_bytes(), errno);
    error.hint(hint(setting.field, errno))
}

/// More shares than v2 can tell from each other.
#[cold]
#[inline(never)]
pub fn too_many_shares() -> Error {
    let reason = "cgroup v2 has weights up to 10000, which is 102400 shares";
    Error::refused(Field::CpuShares.spelled(), reason)
}

/// This cgroup has no file for a limit, if that is an error.
pub fn not_there(setting: &Setting, cgroup: &CStr) -> Option<Error> {
    let (file, _) = setting.ways.first().filter(|_| !setting.if_there)?;
    let operation = format!("{}: open", setting.field);
    let error = Error::new(operation, joined(cgroup, file).to_bytes(), Errno::ENOENT);
    Some(error.hint(Some(match setting.field {
        Field::BlockWeight | Field::DeviceWeight => {
            "this kernel's controller has no weights, or none for this disk, whose scheduler has to be bfq"
        }
        _ => "this kernel's controller has no such limit",
    })))
}

/// The kernel has taken a limit, and does not keep to it.
pub fn not_granted(setting: &Setting, value: &str, shown: &str) -> Error {
    Error::refused(
        format!("{} {value}: the kernel grants {shown}", setting.field),
        "the cgroup above, or the machine, does not have them all",
    )
}

fn check(setting: &Setting, directory: &Directory, value: &str) -> Result<(), Error> {
    let Some(file) = setting.shown_by else {
        return Ok(());
    };
    let field = setting.field;
    let failed = |errno| {
        let path = directory.path_of(file);
        Error::new(format!("{field}: read"), path.to_bytes(), errno)
    };
    match directory.read(file) {
        Ok(shown) if shown == value => Ok(()),
        // v1 before Linux 3.17, which refuses what it does not grant.
        Err(Errno::ENOENT) => Ok(()),
        Err(errno) => Err(failed(errno)),
        Ok(shown) => Err(not_granted(setting, value, &shown)),
    }
}

fn hint(field: Field, errno: Errno) -> Option<&'static str> {
    match (field, errno) {
        (Field::Processors | Field::MemoryNodes, Errno::EINVAL | Errno::EACCES | Errno::ERANGE) => {
            Some("the cgroup above, or the machine, does not have them all")
        }
        (Field::Cpus, Errno::EINVAL) => {
            Some("the cgroup above has less, or it is more than the kernel takes")
        }
        (Field::Memory | Field::MemoryAndSwap, Errno::EBUSY) => {
            Some("the container uses more, and that cannot be taken away")
        }
        (Field::Processes, Errno::EINVAL) => Some("the kernel's largest is 4194304"),
        (_, Errno::ENODEV) => Some("a whole disk can be limited, and no partition of one"),
        _ => None,
    }
}
