//! What a process does to itself on its way to the command: what of that is surely refused.

use crate::hint::host::Host;
use crate::plan::Step;
use crate::spec::limits::ResourceLimit;
use crate::spec::{ContainerSpec, Namespace, Namespaces};
use crate::sys::capability::{self, NET_ADMIN, SETGID, SETPCAP, SETUID, SYS_RESOURCE};
use crate::sys::facts::{self, Kind};
use crate::sys::{Errno, descriptor, own_proc, process};
use std::ffi::CStr;
use std::os::fd::{AsFd, BorrowedFd};

/// Errors: the step will fail so.
pub fn look(step: &Step, spec: &ContainerSpec) -> Result<(), Errno> {
    let has = |number| spec.is_in_user_namespace() || capability::is_effective(number);
    let known = |is_user, id| match spec.identity.known_without(is_user, id) {
        None => Ok(()),
        Some(_) => Err(Errno::EINVAL),
    };
    match step {
        Step::LoopbackUp => may(has(NET_ADMIN)),
        Step::ResourceLimit(limit) => resource(limit, spec),
        Step::OomScoreAdjustment(number) => score(number),
        Step::Sysctl { path, .. }
            if spec.namespaces.is_new(Namespace::Network) && is_of_hosts_device(path) =>
        {
            Err(Errno::ENOENT)
        }
        Step::Sysctl { path, value } => setting(path, value),
        Step::Groups(groups) => {
            may(has(SETGID))?;
            groups.iter().try_for_each(|group| known(false, *group))
        }
        Step::Group(group) => may(has(SETGID)).and_then(|()| known(false, *group)),
        Step::User(user) => may(has(SETUID)).and_then(|()| known(true, *user)),
        Step::BoundingSet(kept) if !has(SETPCAP) => may(!capability::bounds_more_than(*kept)),
        Step::Capabilities { required, .. } if !spec.is_in_user_namespace() => {
            may(capability::permitted()?.common(*required) == *required)
        }
        _ => Ok(()),
    }
}

fn may(is_allowed: bool) -> Result<(), Errno> {
    is_allowed.then_some(()).ok_or(Errno::EPERM)
}

/// setrlimit(2): a hard limit is raised with CAP_SYS_RESOURCE in the first user namespace, that of descriptors never
/// above fs.nr_open.
fn resource(limit: &ResourceLimit, spec: &ContainerSpec) -> Result<(), Errno> {
    let may_raise = !spec.is_in_user_namespace() && capability::is_effective(SYS_RESOURCE);
    let [_, hard] = process::limits(limit.resource)?;
    may(limit.hard <= hard || may_raise)?;
    if limit.resource == process::DESCRIPTORS {
        let most = std::fs::read_to_string("/proc/sys/fs/nr_open");
        let most = most.ok().and_then(|text| text.trim().parse::<u64>().ok());
        may(most.is_none_or(|most| limit.hard <= most))?;
    }
    Ok(())
}

/// The kernel does not show how far a score may be lowered (oom_score_adj_min), so it is asked: the score is this
/// process's own, which lives no longer than this.
fn score(number: &[u8]) -> Result<(), Errno> {
    let file = descriptor::open(c"/proc/self/oom_score_adj", libc::O_WRONLY, 0)?;
    if !facts::file_system(file.as_fd())?.is_proc() {
        return Err(Errno::ENODEV);
    }
    descriptor::write(file.as_fd(), number).map(drop)
}

/// Whether a setting can be opened for writing, in the caller's namespaces. (A new network namespace has fewer.)
fn setting(path: &CStr, value: &[u8]) -> Result<(), Errno> {
    let file = own_proc::find_setting(path)?;
    let facts = facts::facts(file.as_fd())?;
    match facts.kind {
        Kind::Directory => Err(Errno::EISDIR),
        _ if facts.mode & 0o222 == 0 => Err(Errno::EACCES),
        _ if is_numeric(file.as_fd()) && !begins_with_number(value) => Err(Errno::EINVAL),
        _ => Ok(()),
    }
}

/// Whether it is a setting of a network device that a new namespace does not have. (It has a loopback, and one for each
/// kind of tunnel that the kernel has loaded.)
fn is_of_hosts_device(path: &CStr) -> bool {
    const FOUND: [&[u8]; 12] = [
        b"all",
        b"default",
        b"lo",
        b"tunl0",
        b"gre0",
        b"gretap0",
        b"erspan0",
        b"ip_vti0",
        b"ip6_vti0",
        b"sit0",
        b"ip6tnl0",
        b"ip6gre0",
    ];
    let names: Vec<&[u8]> = path.to_bytes().split(|byte| *byte == b'/').collect();
    matches!(
        names[..],
        [b"net", b"ipv4" | b"ipv6", b"conf" | b"neigh", device, _, ..] if !FOUND.contains(&device)
    )
}

/// Whether a setting holds numbers, as most do; those the kernel reads by proc_dointvec and its like.
fn is_numeric(setting: BorrowedFd<'_>) -> bool {
    let mut content = [0; 256];
    let read = own_proc::open_found(setting)
        .and_then(|file| descriptor::read_at(file.as_fd(), &mut content, 0));
    let content = content.get(..read.unwrap_or(0)).unwrap_or_default();
    let is_number =
        |byte: &u8| byte.is_ascii_digit() || matches!(byte, b'-' | b' ' | b'\t' | b'\n');
    !content.is_empty() && content.iter().all(is_number)
}

fn begins_with_number(value: &[u8]) -> bool {
    let value = value.trim_ascii_start();
    let value = value.strip_prefix(b"-").unwrap_or(value);
    value.first().is_none_or(u8::is_ascii_digit)
}

/// Whether the clone is surely refused: for want of CAP_SYS_ADMIN, or because no such namespace may be made.
pub fn clone(spec: &ContainerSpec, namespaces: Namespaces) -> Result<(), Errno> {
    let host = Host::here();
    if host.forbidden(&namespaces.kinds()).is_some() {
        return Err(Errno::ENOSPC);
    }
    let is_refused = match spec.is_in_user_namespace() {
        true => host.lets_only_root_make_user_namespaces(),
        false => !capability::is_effective(capability::SYS_ADMIN),
    };
    may(!is_refused)
}
