//! Who is who in a user namespace that is joined. Engines write its mappings into config.json, too, and runc takes those that
//! are true.

use super::config::{IdMapping, Linux};
use crate::error::Error;
use crate::sys::clone::{self, Memory, NewNamespaces};
use crate::sys::descriptor::{self, ChildDescriptor};
use crate::sys::identity::{self, Mapped};
use crate::sys::in_child::InChild;
use crate::sys::process::{self, Ended, Patience};
use crate::sys::{Errno, namespace};
use std::os::fd::{AsFd, BorrowedFd};

/// `None`: it is the one that mydocker is in.
///
/// Errors: mappings are given, and they are not those of the namespace.
#[cold]
#[inline(never)]
pub fn check(linux: &Linux, namespace: Option<BorrowedFd<'_>>) -> Result<(), Error> {
    let asked = [&linux.user_mappings, &linux.group_mappings];
    if asked.iter().all(|maps| maps.is_empty()) {
        return Ok(());
    }
    let ids = match namespace {
        Some(namespace) => ids_of(namespace)?,
        None => told("self"),
    };
    match asked.into_iter().zip(&ids).all(is_same) {
        true => Ok(()),
        false => Err(Error::told(
            "user namespaces enabled, but both namespace path and non-matching mapping specified -- you may only provide one",
        )),
    }
}

fn is_same((asked, ids): (&Vec<IdMapping>, &Vec<Mapped>)) -> bool {
    let asked = asked.iter();
    let mut asked: Vec<_> = asked
        .map(|map| (map.container, map.host, map.count))
        .collect();
    let ids = ids.iter();
    let mut ids: Vec<_> = ids
        .map(|map| (map.inside, map.outside, map.count))
        .collect();
    asked.sort_unstable();
    ids.sort_unstable();
    asked == ids
}

/// The users and the groups of a process.
fn told(process: &str) -> [Vec<Mapped>; 2] {
    let read = |name: &str| std::fs::read(format!("/proc/{process}/{name}")).unwrap_or_default();
    ["uid_map", "gid_map"].map(|name| identity::mapped(&read(name)))
}

/// The users and the groups of a user namespace that is there, and who they are here: asked of a process that has joined it,
/// whichever path the namespace has.
#[cold]
#[inline(never)]
fn ids_of(namespace: BorrowedFd<'_>) -> Result<[Vec<Mapped>; 2], Error> {
    let failed = |errno| Error::new("look at", "the ids of a user namespace", errno);
    let (reader, writer) = descriptor::pipe().map_err(failed)?;
    let join = |_: InChild, file: &ChildDescriptor<'_>| -> ! {
        let joined = namespace::join(file.as_fd(), NewNamespaces::USER);
        process::exit(joined.map_or_else(Errno::into_raw, |()| 0))
    };
    let file = ChildDescriptor::of(namespace);
    let spawned = clone::spawn(NewNamespaces::NONE, Memory::Copied, None, join, &file);
    let pid = spawned.map_err(failed)?;
    drop(writer);
    // It has ended when no one has the other end. As long as no one has waited for it /proc tells who is who to it.
    let _ = descriptor::read(reader.as_fd(), &mut [0]);
    let ids = told(&pid.to_string());
    match process::wait(Some(pid), Patience::Wait).map_err(failed)? {
        Some((_, Ended::Exited(0))) => Ok(ids),
        Some((_, Ended::Exited(errno))) => Err(failed(Errno::new(errno.into()))),
        _ => Err(failed(Errno::ECHILD)),
    }
}
