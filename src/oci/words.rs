//! The words that engines look for in what a runtime says (containerd's shim, podman, docker). They are to stay as they are.

use super::id::ContainerId;
use crate::error::Error;

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

/// Of a command that is in no directory of PATH: engines give 127 for it.
#[cold]
#[inline(never)]
pub fn not_found_in_path(command: &[u8]) -> Error {
    let object = [b"exec: ", command].concat();
    Error::refused(object, "executable file not found in $PATH")
}
