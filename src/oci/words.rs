//! The words that engines look for in what a runtime says (containerd's shim, podman, docker). They are to stay as they are.

use super::id::ContainerId;
use crate::error::{Error, ExitCode};
use crate::plan::ExecPlan;
use crate::plan::not_in_engines_path;
use crate::sys::Errno;

/// An engine takes a container for gone that this is said of.
#[cold]
#[inline(never)]
pub fn does_not_exist(id: &ContainerId) -> Error {
    Error::told(&format!("container {id} does not exist"))
}

#[cold]
#[inline(never)]
pub fn exists(id: &ContainerId) -> Error {
    Error::told(&format!("container with given ID already exists: {id}"))
}

/// Of a container that has ended, or has not begun.
#[cold]
#[inline(never)]
pub fn not_running(id: &ContainerId) -> Error {
    Error::told(&format!("container not running: {id}"))
}

/// Of a process that has ended when it was to have a signal.
#[cold]
#[inline(never)]
pub fn process_finished(id: &ContainerId) -> Error {
    Error::told(&format!("container {id}: process already finished"))
}

/// Of a command whose execve has failed: engines give 127 for "no such file or directory", and 126 for "permission denied".
#[cold]
#[inline(never)]
pub fn not_executed(command: &ExecPlan, candidate: u32, errno: Errno) -> Error {
    let is_missing = matches!(errno, Errno::ENOENT | Errno::ENOTDIR);
    let mut arguments = command.arguments.strings().iter();
    let typed = arguments.next().map_or(&b""[..], |name| name.to_bytes());
    if is_missing && command.searched {
        return not_in_engines_path(typed);
    }
    let candidate = usize::try_from(candidate).unwrap_or(usize::MAX);
    let file = command.candidates.get(candidate);
    let file = file.map_or(typed, |file| file.to_bytes());
    Error::new("exec", file, errno).exit_with(match is_missing {
        true => ExitCode::NOT_FOUND,
        false => ExitCode::NOT_EXECUTABLE,
    })
}
