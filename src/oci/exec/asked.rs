//! Which process is asked for: that of a file, or the container's own with what was typed in the place of what it has.

use crate::error::Error;
use crate::oci::bundle;
use crate::oci::command_line::{ExecProcess, TypedProcess};
use crate::oci::config::{self, CapabilitySets, Config, Process};
use crate::sys::Errno;
use crate::sys::capability::{self, CapabilitySet};
use std::ffi::{CString, OsStr};
use std::os::unix::ffi::OsStrExt;

/// Errors: the file cannot be read, or is none of a process; what was typed cannot be had.
#[cold]
#[inline(never)]
pub fn process(asked: &ExecProcess, config: &Config) -> Result<Process, Error> {
    match asked {
        ExecProcess::File(path) => config::read_process(&bundle::read_beside(path)?),
        ExecProcess::Typed(typed) => with(typed, config.process.as_ref()),
    }
}

fn with(typed: &TypedProcess, containers: Option<&Process>) -> Result<Process, Error> {
    let mut process = containers.cloned().ok_or_else(|| {
        Error::told(
            "the container has no process of its own to go by: give one with --process FILE",
        )
    })?;
    // That was told when it was made.
    process.unknown_capabilities.clear();
    process.arguments = strings(&typed.command, "the command")?;
    process
        .environment
        .extend(strings(&typed.environment, "--env")?);
    // What the container's own has is no word about this one.
    process.terminal = typed.terminal;
    if let Some(directory) = &typed.working_directory {
        process.working_directory = absolute(directory)?;
    }
    if let Some(user) = typed.user {
        process.user.id = user.id;
        process.user.group = user.group.unwrap_or(process.user.group);
    }
    let groups = typed.additional_groups.iter();
    process.user.additional_groups.extend(groups);
    if let Some(wanted) = typed.no_new_privileges {
        process.no_new_privileges = wanted;
    }
    if let Some(profile) = &typed.apparmor_profile {
        process.apparmor_profile = Some(string(profile, "--apparmor")?);
    }
    if let Some(label) = &typed.process_label {
        process.selinux_label = Some(string(label, "--process-label")?);
    }
    if !typed.capabilities.is_empty() {
        let added = capabilities(&typed.capabilities)?;
        process.capabilities = Some(with_more(process.capabilities, added));
    }
    Ok(process)
}

/// As the container's process has it, the kernel would refuse a relative one.
fn absolute(directory: &OsStr) -> Result<CString, Error> {
    match directory.as_bytes().starts_with(b"/") {
        true => string(directory, "--cwd"),
        false => {
            let object = [b"--cwd ", directory.as_bytes()].concat();
            Err(Error::refused(object, "Cwd must be an absolute path"))
        }
    }
}

/// What is added can be used; it is handed down as far as the container's own process hands it down.
fn with_more(sets: Option<CapabilitySets>, added: CapabilitySet) -> CapabilitySets {
    let mut sets = sets.unwrap_or(CapabilitySets {
        bounding: CapabilitySet::NONE,
        effective: CapabilitySet::NONE,
        permitted: CapabilitySet::NONE,
        inheritable: CapabilitySet::NONE,
        ambient: CapabilitySet::NONE,
    });
    for set in [&mut sets.bounding, &mut sets.effective, &mut sets.permitted] {
        *set = set.and(added);
    }
    sets.ambient = sets.ambient.and(added.common(sets.inheritable));
    sets
}

fn capabilities(names: &[impl AsRef<OsStr>]) -> Result<CapabilitySet, Error> {
    let mut set = CapabilitySet::NONE;
    for name in names {
        let typed = name.as_ref().as_bytes();
        let upper = typed.to_ascii_uppercase();
        let bare = upper.strip_prefix(b"CAP_").unwrap_or(&upper);
        let number = capability::number(bare).ok_or_else(|| {
            Error::refused([b"--cap ", typed].concat(), "there is no such capability")
        })?;
        set = set.with(number);
    }
    Ok(set)
}

fn strings(words: &[impl AsRef<OsStr>], of: &str) -> Result<Vec<CString>, Error> {
    words.iter().map(|word| string(word.as_ref(), of)).collect()
}

/// The kernel gives none that has a NUL in it.
fn string(word: &OsStr, of: &str) -> Result<CString, Error> {
    CString::new(word.as_bytes()).map_err(|_| Error::new("take", of, Errno::EINVAL))
}
