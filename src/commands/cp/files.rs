//! A container's files: while it runs, those that its first process sees; else those of its directory, if it has one.

use super::owner::Ids;
use super::place::Container;
use crate::commands::of_config;
use crate::docker::RunArgs;
use crate::error::Error;
use crate::host::running::{FirstProcess, Refused, Running};
use crate::runtime::stored;
use crate::spec::{Base, ContainerSpec, Namespace, RootSpec, Writes, below};
use crate::store::{Entry, Process, Status};
use crate::sys::clone::NewNamespaces;
use crate::sys::identity::{self, Mapped};
use crate::sys::{descriptor, namespace};
use std::os::fd::AsFd;

/// What is to be done with a path of a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    Read,
    Write,
}

/// A container's files, and its ids.
pub fn find(entry: &Entry, path: &[u8], access: Access) -> Result<(Container, Ids), Error> {
    let look = entry.look()?;
    let arguments = stored::arguments(&entry.config)?;
    if let (Status::Running | Status::Paused, Some(first)) = (look.status, look.state.first) {
        match of_running(entry, &arguments, first) {
            Err(Refused::Ended) => {}
            Err(Refused::Failed(error)) => return Err(error),
            Ok(found) => return Ok(found),
        }
    }
    of_stopped(entry, &arguments, path, access)
}

fn of_running(
    entry: &Entry,
    arguments: &RunArgs,
    first: Process,
) -> Result<(Container, Ids), Refused> {
    let first = FirstProcess {
        pid: first.pid,
        start_time: first.start_time,
        is_reaper: arguments.first_is_reaper(),
    };
    let running = Running::look(first, &[])?;
    let [users, groups] = running.ids()?;
    let mut ids = Ids { users, groups };
    let others_ids = running.namespaces.contains(&Namespace::User);
    if others_ids && identity::effective_user() != 0 {
        // Only there the ids are ours to give: this process may do to files what the container's root may, and no more than
        // it may already where they are ours alone.
        let joined = namespace::join(running.pidfd.as_fd(), NewNamespaces::USER);
        joined.map_err(|errno| Error::new("join the user namespace of", entry.word(), errno))?;
        ids = ids.seen_inside();
    }
    let container = Container {
        root: running.root,
        word: entry.word(),
    };
    Ok((container, ids))
}

fn of_stopped(
    entry: &Entry,
    arguments: &RunArgs,
    path: &[u8],
    access: Access,
) -> Result<(Container, Ids), Error> {
    let refused = |reason| {
        let container = format!("container {}", entry.word());
        Error::refused_for(container, format!("it does not run, {reason}"))
    };
    let spec = of_config::specification(&entry.config, arguments)?;
    let Some(root) = root(&spec) else {
        return Err(refused("and its files are the host's own: copy those"));
    };
    let directory = match &root.base {
        Base::Directory(directory) => directory,
        Base::Overlay(overlay) => {
            return Err(refused(match overlay.writes {
                Writes::ThrownAway { .. } => "and its overlay in memory is gone",
                Writes::Kept(_) => {
                    "and its files are those of several directories together: start it, or copy from those"
                }
                Writes::Refused => {
                    "and its files are those of several directories together: copy from those"
                }
            }));
        }
    };
    if has_mount_at(root, path) {
        return Err(refused("and what is mounted there is there while it runs"));
    }
    if access == Access::Write && root.read_only {
        return Err(refused("and its root file system is read-only"));
    }
    let user = identity::effective_user();
    if user == 0
        && arguments
            .user_namespace
            .as_ref()
            .is_some_and(|ids| ids != "host")
    {
        return Err(refused(
            "and it has user ids of its own while it runs: start it first",
        ));
    }
    let flags = libc::O_PATH | libc::O_DIRECTORY;
    let root = descriptor::open(directory, flags, 0);
    let root = root.map_err(|errno| Error::new("open", directory.to_bytes(), errno))?;
    let ids = match user {
        0 => Ids::ours(),
        // The container's root is this user, and no one else is in it that we could give anything to.
        _ => Ids {
            users: vec![alone(user)],
            groups: vec![alone(identity::effective_group())],
        },
    };
    let word = entry.word();
    Ok((Container { root, word }, ids))
}

fn root(spec: &ContainerSpec) -> Option<&RootSpec> {
    spec.root.as_ref()
}

/// Whether a path is of a mount that was asked for. (By its words: where its links lead is known while it runs alone.)
fn has_mount_at(root: &RootSpec, path: &[u8]) -> bool {
    let mut parts: Vec<&[u8]> = Vec::new();
    for part in path.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    let path = [&b"/"[..], &parts.join(&b'/')].concat();
    let asked = root.mounts.iter().filter(|mount| mount.asked_by.is_some());
    asked.into_iter().any(|mount| {
        let target = mount.target.to_bytes();
        target == path || below(target, &path).is_some()
    })
}

fn alone(id: u32) -> Mapped {
    Mapped {
        inside: 0,
        outside: id,
        count: 1,
    }
}
