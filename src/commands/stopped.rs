//! Processes of ours that are stopped, by ^Z say, and hold a container's end up, are woken.
//!
//! Docker's client may be stopped as long as one likes: a container is the daemon's. Here a monitor in the foreground is the
//! typed process. And the kernel ends a PID namespace when each of its processes has been waited for
//! (`zap_pid_ns_processes`): that which `exec` has brought there is waited for by `exec` alone.

use super::top::process::{self, Process};
use crate::control;
use crate::error::Error;
use crate::store;
use crate::sys::Pid;
use std::collections::BTreeMap;
use std::os::fd::BorrowedFd;

/// How long a container's end may take before someone is looked for who holds it up, in milliseconds.
pub const PATIENCE: i32 = 250;

/// Waits for the end of the connection, which comes when the container has ended, whoever holds that up.
pub fn until_closed(socket: BorrowedFd<'_>) -> Result<(), Error> {
    while !is_closed_soon(socket)? {}
    Ok(())
}

/// Whether the connection has ended after a short time. Who holds it up is woken.
pub fn is_closed_soon(socket: BorrowedFd<'_>) -> Result<bool, Error> {
    let is_closed = control::is_closed_in(socket, PATIENCE)?;
    if !is_closed {
        let all = process::all();
        who_has_not_waited(&all).for_each(|process| wake(process.pid));
    }
    Ok(is_closed)
}

/// Lets a monitor answer that is stopped.
pub fn wake_monitor(monitor: store::Process) {
    let found = Process::of(monitor.pid);
    let is_meant = |process: &Process| process.started == monitor.start_time;
    if found.is_some_and(|process| is_meant(&process) && is_stopped(&process)) {
        wake(monitor.pid);
    }
}

/// Those of this program's that are stopped and have a child that has ended in a PID namespace below theirs: there is nothing
/// left for them to do but to wait for it.
fn who_has_not_waited(all: &BTreeMap<Pid, Process>) -> impl Iterator<Item = &Process> {
    let name = all.get(&(std::process::id() as Pid));
    let name = name.map(|own| own.name.as_str());
    let ended = all.values().filter(|child| child.state.starts_with('Z'));
    let parents = ended.filter_map(move |child| {
        let parent = all.get(&child.parent)?;
        (parent.depth < child.depth).then_some(parent)
    });
    parents.filter(move |parent| is_stopped(parent) && Some(parent.name.as_str()) == name)
}

fn is_stopped(process: &Process) -> bool {
    process.state.starts_with('T')
}

/// What cannot be woken is another user's, or gone.
fn wake(pid: Pid) {
    let _ = crate::sys::process::kill(pid, libc::SIGCONT);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_has_nothing_left_to_do_is_woken() {
        let own = std::process::id() as Pid;
        let process = |pid, parent, name: &str, state: &str, depth| {
            let process = Process {
                pid,
                parent,
                name: name.to_owned(),
                state: state.to_owned(),
                depth,
                ..Process::default()
            };
            (pid, process)
        };
        let found = |parent_name: &str, parent_state: &str, state: &str, depth| {
            let all = BTreeMap::from([
                process(own, 1, "mydocker", "S", 1),
                process(-1, 1, parent_name, parent_state, 1),
                process(-2, -1, "sleep", state, depth),
            ]);
            who_has_not_waited(&all).count()
        };
        assert_eq!(found("mydocker", "T", "Z", 2), 1);
        assert_eq!(found("mydocker", "Ts+", "Zs", 2), 1);
        assert_eq!(found("mydocker", "S", "Z", 2), 0);
        assert_eq!(found("mydocker", "t", "Z", 2), 0);
        assert_eq!(found("mydocker", "T", "S", 2), 0);
        assert_eq!(found("mydocker", "T", "Z", 1), 0);
        assert_eq!(found("unshare", "T", "Z", 2), 0);
    }
}
