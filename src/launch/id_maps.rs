//! Ids for the container's user namespace, mapped from outside while the child waits at its gate: by root itself,
//! by an ordinary user through newuidmap(1) and newgidmap(1), which are privileged and know what /etc/subuid allows.

use super::bounded;
use super::reports::time_is_up;
use crate::child::gate::GatePipe;
use crate::error::Error;
use crate::field::Field;
use crate::hint::host::Host;
use crate::lingering;
use crate::plan::Opener;
use crate::spec::{IdMap, Ids};
use crate::sys::clone::{self, Memory, NewNamespaces};
use crate::sys::in_child::InChild;
use crate::sys::node::{self, HERE};
use crate::sys::process::{self, Ended, Patience, StringArray};
use crate::sys::{Errno, Pid, allocation, descriptor, facts, identity};
use std::borrow::Cow;
use std::ffi::{CString, OsStr};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::time::Instant;

/// Maps `ids` into the user namespace of `child`, which has none yet.
#[cold]
#[inline(never)]
pub fn map(child: Pid, ids: &Ids, deadline: Option<Instant>) -> Result<(), Error> {
    let maps = [
        (
            "uid_map",
            c"newuidmap",
            &ids.users,
            identity::effective_user(),
        ),
        (
            "gid_map",
            c"newgidmap",
            &ids.groups,
            identity::effective_group(),
        ),
    ];
    for (file, helper, maps, own) in maps {
        if identity::effective_user() == 0 {
            write_map(child, file, maps)?;
        } else if maps_alone(maps, own) {
            if file == "gid_map" {
                write(child, "setgroups", "deny")?;
            }
            write_map(child, file, maps)?;
        } else {
            let name = helper.to_string_lossy();
            help(&name, child, maps, deadline)?;
        }
    }
    Ok(())
}

/// A user namespace that has these ids, for what only wants to know them. It has no process any more.
pub fn namespace_with(ids: &Ids) -> Result<OwnedFd, Error> {
    let failed = |errno| {
        Error::new(
            Field::UserNamespace.between("", ": make"),
            "a user namespace for the root's files",
            errno,
        )
    };
    let pipe = descriptor::pipe().map_err(failed)?;
    let gate = GatePipe::of(&pipe);
    let wait = |child: InChild, gate: &GatePipe<'_>| -> ! {
        let _ = gate.pass(Opener::Launcher, child);
        process::exit(0)
    };
    let spawn = || clone::spawn(NewNamespaces::USER, Memory::Copied, None, wait, &gate);
    let pid = lingering::outlast(spawn).map_err(failed)?;
    let namespace = map(pid, ids, None).and_then(|()| {
        let path = CString::new(format!("/proc/{pid}/ns/user")).unwrap_or_default();
        descriptor::open(&path, libc::O_RDONLY, 0).map_err(failed)
    });
    drop(pipe);
    process::wait(Some(pid), Patience::Wait).map_err(failed)?;
    namespace
}

/// Whether these ids are one, and that the ordinary caller's own: that one it may map by itself, if the namespace gives up
/// setgroups(2) (user_namespaces(7)).
pub fn maps_alone(maps: &[IdMap], own: u32) -> bool {
    matches!(maps, [map] if map.count == 1 && map.outside == own)
}

fn write_map(child: Pid, name: &str, maps: &[IdMap]) -> Result<(), Error> {
    let lines: String = maps.iter().map(|map| map.line()).collect();
    write(child, name, &lines)
}

fn write(child: Pid, name: &str, lines: &str) -> Result<(), Error> {
    let path = format!("/proc/{child}/{name}");
    let write = || -> Result<(), Errno> {
        let path = CString::new(path.as_str()).map_err(|_| Errno::EINVAL)?;
        let file = descriptor::open(&path, libc::O_WRONLY, 0)?;
        // What is mounted on /proc need not be one.
        if !facts::file_system(file.as_fd())?.is_proc() {
            return Err(Errno::ENODEV);
        }
        // At once, as the kernel wants it.
        match descriptor::write(file.as_fd(), lines.as_bytes())? {
            whole if whole == lines.len() => Ok(()),
            _ => Err(Errno::EIO),
        }
    };
    write().map_err(|errno| {
        let hint = match errno {
            Errno::EPERM | Errno::EINVAL => Some(Cow::Borrowed(
                "this root may not map them: are all of them ids of the user namespace that it is in \
                 (/proc/self/uid_map)?",
            )),
            Errno::ENOENT => Some(Cow::Owned(
                Field::UserNamespace.between("", " needs a proc mounted on /proc"),
            )),
            _ => None,
        };
        Error::new(Field::UserNamespace.between("", ": write"), path.as_bytes(), errno).hint(hint)
    })
}

/// Runs `newuidmap PID INSIDE OUTSIDE COUNT ...`.
fn help(helper: &str, child: Pid, maps: &[IdMap], deadline: Option<Instant>) -> Result<(), Error> {
    let mut words = vec![helper.to_owned(), child.to_string()];
    for map in maps {
        words.extend([map.inside, map.outside, map.count].map(|number| number.to_string()));
    }
    let c_strings =
        |words: Vec<String>| words.into_iter().filter_map(|word| CString::new(word).ok());
    let path = std::env::var_os("PATH").unwrap_or_else(|| OsStr::new("/usr/bin:/bin").into());
    let candidates = path
        .as_bytes()
        .split(|byte| *byte == b':')
        .filter_map(|directory| {
            // Not the working directory, which is anyone's.
            let absolute = directory.starts_with(b"/");
            absolute.then(|| CString::new([directory, b"/", helper.as_bytes()].concat()).ok())?
        });
    let helper = Helper {
        candidates: candidates.collect(),
        arguments: StringArray::new(c_strings(words).collect()),
        environment: StringArray::new(Vec::new()),
    };
    let name = || helper.arguments.strings()[0].to_bytes().to_vec();
    let failed = |errno| Error::new(Field::UserNamespace.between("", ": run"), name(), errno);
    let memory = match deadline {
        None => Memory::Shared,
        // We have to be awake.
        Some(_) => Memory::Copied,
    };
    let pid = clone::spawn(NewNamespaces::NONE, memory, None, Helper::execute, &helper);
    // It shared our memory until now.
    allocation::allow();
    let pid = pid.map_err(failed)?;
    match bounded::wait(pid, deadline).map_err(failed)? {
        None => {
            // If it may not be killed it has nothing left to map: the child goes.
            let _ = bounded::end(pid, deadline);
            Err(time_is_up())
        }
        Some(Ended::Exited(0)) => Ok(()),
        Some(Ended::Exited(MISSING)) => Err(failed(Errno::ENOENT).hint(Some(
            "it maps the ids of /etc/subuid; install Debian's package uidmap, or shadow",
        ))),
        // It has said why; but not what took its rights away.
        _ => Err(Error::refused(
            [Field::UserNamespace.spelled().as_bytes(), b": ", &name()].concat(),
            "it has not mapped the ids that /etc/subuid and /etc/subgid list",
        )
        .because(helper.powerless())),
    }
}

/// What a helper that is nowhere leaves with, as a shell's.
const MISSING: u8 = 127;

/// A program to be executed, prepared for the child rule.
struct Helper {
    candidates: Vec<CString>,
    arguments: StringArray,
    environment: StringArray,
}

impl Helper {
    /// Why the program has no more rights than we, if that can be seen.
    fn powerless(&self) -> Option<&'static str> {
        let mut candidates = self.candidates.iter();
        let executed = candidates.find(|file| node::may_execute(HERE, file).is_ok())?;
        Host::here().is_powerless(executed)
    }

    fn execute(_: InChild, helper: &Self) -> ! {
        allocation::forbid();
        for file in &helper.candidates {
            let _ = process::execve(file, &helper.arguments, &helper.environment);
        }
        process::exit(i32::from(MISSING))
    }
}
