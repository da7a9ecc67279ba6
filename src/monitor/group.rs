//! The process group of the command, as it is called outside.

use super::disposition::number_in_proc;
use crate::launch::{Container, Role};
use crate::sys::{Pid, directory};

/// The group that the command leads, whose number is its own: it began a session. `None`: nothing tells.
pub fn of_command(container: Container) -> Option<Pid> {
    if container.role != Role::Reaper {
        return Some(container.pid);
    }
    let reaper = container.pid;
    if number_in_proc(reaper)? != reaper {
        // /proc is that of an outer PID namespace, whose numbers are not ours.
        return None;
    }
    // The first of the reaper's children is the oldest, and the reaper ends with it. Orphans come behind. (A kernel
    // without CONFIG_PROC_CHILDREN has no such file.)
    let path = format!("/proc/{reaper}/task/{reaper}/children");
    let children = std::fs::read(path).ok()?;
    let first = children.split(|byte| *byte == b' ').next()?;
    directory::number(first)
}
