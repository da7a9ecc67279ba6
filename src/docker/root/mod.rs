//! `--rootfs` and every option that needs it, as docker writes them: what was typed becomes a [`RootSpec`].

mod bind;
mod device;
mod mount_option;
mod name_files;
mod overlay;
mod refusal;
mod storage;
mod tmpfs;
mod usual_mounts;
mod volume;

pub use mount_option::names as names_of_mount;
pub use refusal::refusal;
pub use usual_mounts::{MASKED_IN_PROC, MASKED_IN_SYS, READ_ONLY_IN_PROC};

use super::{Caller, RunArgs};
use crate::docker::specify::protections::Protections;
use crate::docker::specify::size::bytes;
use crate::error::Error;
use crate::spec::{Mounter, NamespaceChoice, RootMount, RootSpec, RootWishes, clean_target};
use crate::sys::Errno;
use std::ffi::{CString, OsStr};
use std::os::unix::ffi::OsStrExt;
use usual_mounts::{Choices, Usual};

/// `None` without `--rootfs`.
///
/// Errors: options that cannot be understood, or contradict each other.
pub fn specify(
    arguments: &RunArgs,
    caller: &Caller<'_>,
    hostname: Option<&[u8]>,
    mounter: Mounter,
    protections: &Protections,
) -> Result<Option<RootSpec>, Error> {
    if arguments.rootfs.is_empty() {
        return Ok(None);
    }
    let wishes = wishes(arguments, caller, hostname, protections)?;
    RootSpec::new(wishes, mounter).map(Some).map_err(refusal)
}

#[cold]
#[inline(never)]
fn wishes(
    arguments: &RunArgs,
    caller: &Caller<'_>,
    hostname: Option<&[u8]>,
    protections: &Protections,
) -> Result<RootWishes, Error> {
    let mut asked = mounts(arguments, caller)?;
    let base = overlay::base(arguments, caller)?;
    let name_files = name_files::all(arguments, caller, hostname)?;
    let choices = Choices {
        protections,
        privileged: arguments.privileged,
        shares_ipc: shares_ipc(arguments),
        shared_memory: shared_memory(arguments)?,
    };
    let Usual {
        mut mounts,
        nodes,
        links,
        masked,
        read_only_paths,
    } = usual_mounts::beside(&asked, &choices);
    mounts.append(&mut asked);
    Ok(RootWishes {
        base,
        read_only: arguments.read_only,
        opens_devices: arguments.privileged,
        mounts,
        nodes,
        links,
        masked,
        read_only_paths,
        name_files,
    })
}

/// The mounts that were asked for, in their order.
pub fn mounts(arguments: &RunArgs, caller: &Caller<'_>) -> Result<Vec<RootMount>, Error> {
    let mut mounts = Vec::new();
    for typed in &arguments.volumes {
        mounts.push(volume::parse(typed, caller)?);
    }
    for typed in &arguments.mounts {
        mounts.push(mount_option::parse(typed, caller)?);
    }
    for typed in &arguments.tmpfs {
        mounts.push(tmpfs::parse(typed)?);
    }
    for typed in &arguments.devices {
        mounts.push(device::parse(typed, caller)?);
    }
    // docker's order: what lies in another mount's target comes after that one, or would be covered
    // by it. Last what is shared with the host: none of our own mounts is to appear there.
    mounts.sort_by_key(|mount| {
        let slashes = mount.target.to_bytes().iter().filter(|byte| **byte == b'/');
        (mount.reaches_host(), slashes.count())
    });
    Ok(mounts)
}

/// Whether the container's IPC objects are the caller's.
fn shares_ipc(arguments: &RunArgs) -> bool {
    arguments.ipc != NamespaceChoice::New
}

/// `--shm-size`, docker's 0 for its default.
fn shared_memory(arguments: &RunArgs) -> Result<Option<u64>, Error> {
    let Some(typed) = &arguments.shared_memory else {
        return Ok(None);
    };
    if shares_ipc(arguments) {
        return Err(Error::refused(
            "--shm-size",
            "with --ipc host /dev/shm is the caller's, as large as it is",
        ));
    }
    let size = bytes(typed.as_bytes()).ok_or_else(|| {
        let option = [b"--shm-size ", typed.as_bytes()].concat();
        Error::refused(option, "it takes a size, 64m or 1.5g")
    })?;
    Ok((size != 0).then_some(size))
}

/// A path of the caller's that does not depend on the working directory.
fn absolute(option: &str, path: &OsStr, caller: &Caller<'_>) -> Result<CString, Error> {
    if path.is_empty() {
        return Err(Error::refused(option, "the path is empty"));
    }
    let path = if path.as_bytes().starts_with(b"/") {
        path.as_bytes().to_vec()
    } else {
        let directory = (caller.directory)()?;
        let directory = directory.as_bytes();
        let separator: &[u8] = if directory.ends_with(b"/") { b"" } else { b"/" };
        [directory, separator, path.as_bytes()].concat()
    };
    c_string(option, &path)
}

/// A path of the container's, as docker cleans it.
fn target(option: &str, path: &[u8]) -> Result<CString, Error> {
    let clean = clean_target(path).ok_or_else(|| {
        Error::refused(
            option,
            "its target must be an absolute path, as the container sees it",
        )
    })?;
    c_string(option, &clean)
}

/// An option and its value, for messages.
fn named(option: &str, typed: &OsStr) -> String {
    format!("{option} {}", typed.to_string_lossy())
}

/// Arguments come as C strings, so a NUL in one can only be a mistake of ours; it is still refused
/// rather than cut.
fn c_string(what: &str, bytes: &[u8]) -> Result<CString, Error> {
    CString::new(bytes).map_err(|_| Error::new(what, bytes, Errno::EINVAL))
}

#[cfg(test)]
mod tests;
