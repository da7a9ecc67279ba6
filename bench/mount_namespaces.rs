//! Mount namespaces of the benchmark's own.

use nix::sched::CloneFlags;
use std::os::fd::OwnedFd;

/// Calls `change` in a mount namespace of its own, returns that namespace, and comes back.
pub fn mount_namespace(change: impl FnOnce() -> Result<(), String>) -> Result<OwnedFd, String> {
    use nix::mount::{MsFlags, mount};
    let said = |what: &str| {
        let what = what.to_owned();
        move |errno| format!("{what}: {errno}")
    };
    let home = here()?;
    nix::sched::unshare(CloneFlags::CLONE_NEWNS).map_err(said("unshare"))?;
    let private = MsFlags::MS_PRIVATE | MsFlags::MS_REC;
    let changed = mount(None::<&str>, "/", None::<&str>, private, None::<&str>)
        .map_err(said("make mounts private"))
        .and_then(|()| change());
    let there = here();
    enter(&home)?;
    changed.and(there)
}

/// The namespace that we are in, to come back to.
pub fn here() -> Result<OwnedFd, String> {
    std::fs::File::open("/proc/self/ns/mnt")
        .map(OwnedFd::from)
        .map_err(|error| format!("/proc/self/ns/mnt: {error}"))
}

/// Enters a mount namespace, and the directory in it that we were in.
pub fn enter(namespace: &OwnedFd) -> Result<(), String> {
    let directory = std::env::current_dir().map_err(|error| error.to_string())?;
    nix::sched::setns(namespace, CloneFlags::CLONE_NEWNS).map_err(|errno| errno.to_string())?;
    std::env::set_current_dir(directory).map_err(|error| error.to_string())
}
