//! Which devices a container may use: `linux.resources.devices`, by devices.allow and devices.deny of v1, or by a program
//! that is attached to the cgroup of v2.

mod program;
mod rules;

pub use rules::Rules;

use rules::Change;

use crate::cgroup::Directory;
use crate::error::Error;
use crate::oci::config::{DeviceNode, DeviceRule};
use crate::sys::{Errno, bpf, descriptor, process};
use std::os::fd::{AsFd, OwnedFd};

/// What a container asks for.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    pub rules: &'a [DeviceRule],
    pub nodes: &'a [DeviceNode],
}

impl Asked<'_> {
    fn rules(self) -> Result<Rules, Error> {
        Rules::new(self.rules, self.nodes)
    }

    /// Has a cgroup of v1 keep to them.
    #[cold]
    #[inline(never)]
    pub fn set_v1(self, directory: &Directory, is_new: bool) -> Result<(), Error> {
        let read = || {
            let path = directory.path_of(c"devices.list");
            let failed = |errno| Error::new("read", path.to_bytes(), errno);
            let list = directory.read(c"devices.list").map_err(failed)?;
            Rules::read(&list).ok_or_else(|| failed(Errno::EINVAL))
        };
        let wanted = self.rules()?;
        let changes = match is_new {
            // No one is in it yet: whatever the one above has begins anew.
            true => wanted.changes_anew(),
            false => read()?.changes(&wanted),
        };
        write_all(directory, &changes)?;
        // The kernel passes some over. Of one that allows all, it does not tell the exceptions.
        let found = read()?;
        let is_so = match wanted.allows {
            true => found.allows,
            false => found == wanted,
        };
        is_so.then_some(()).ok_or_else(|| {
            let path = directory.path_of(c"devices.list");
            Error::refused(
                path.to_bytes(),
                "resulting devices cgroup doesn't precisely match target",
            )
        })
    }

    /// Has a cgroup of v2 keep to them; instead of to what it has, unless it is a new one.
    #[cold]
    #[inline(never)]
    pub fn set_v2(self, directory: &Directory, is_new: bool) -> Result<(), Error> {
        let failed = |doing| move |errno| Error::new(doing, directory.path.to_bytes(), errno);
        let cgroup = directory.file().as_fd();
        let rules = self.rules()?;
        let before = match is_new {
            true => Vec::new(),
            false => bpf::device_programs(cgroup)
                .map_err(failed("look for programs (BPF_PROG_QUERY) of"))?,
        };
        if rules.forbids_nothing() && before.is_empty() {
            return Ok(());
        }
        let program = load(&program::program(&rules))
            .map_err(failed("load a program (BPF_PROG_LOAD) for the devices of"))?;
        attach(directory, &program, &before).map_err(failed(
            "attach a program (BPF_PROG_ATTACH) for the devices to",
        ))
    }
}

/// Each file is opened once, and takes a change by each write.
fn write_all(directory: &Directory, changes: &[Change]) -> Result<(), Error> {
    let mut opened: [Option<OwnedFd>; 2] = [None, None];
    for change in changes {
        let file = match change.allow {
            true => c"devices.allow",
            false => c"devices.deny",
        };
        let mut write = || {
            let opened = opened.get_mut(usize::from(change.allow));
            let opened = opened.ok_or(Errno::EINVAL)?;
            let opened = match opened {
                Some(opened) => opened,
                None => opened.insert(directory.open_to_write(file)?),
            };
            descriptor::write(opened.as_fd(), change.text.as_bytes()).map(drop)
        };
        write().map_err(|errno| {
            let operation = format!("write {} to", change.text);
            let hint = (errno == Errno::EPERM).then_some("the cgroup above does not allow it");
            Error::new(operation, directory.path_of(file).to_bytes(), errno).hint(hint)
        })?;
    }
    Ok(())
}

/// Before Linux 5.11 a program is counted as locked memory.
fn load(program: &[bpf::Instruction]) -> Result<OwnedFd, Errno> {
    match bpf::load_device_program(program) {
        Err(Errno::EPERM) => {}
        loaded => return loaded,
    }
    let [soft, hard] = process::limits(process::LOCKED_MEMORY)?;
    process::limit(process::LOCKED_MEMORY, u64::MAX, u64::MAX).map_err(|_| Errno::EPERM)?;
    let loaded = bpf::load_device_program(program);
    // The container would have it too.
    process::limit(process::LOCKED_MEMORY, soft, hard)?;
    loaded
}

fn attach(directory: &Directory, program: &OwnedFd, before: &[OwnedFd]) -> Result<(), Errno> {
    let (cgroup, program) = (directory.file().as_fd(), program.as_fd());
    if let [one] = before {
        match bpf::attach_device_program(cgroup, program, Some(one.as_fd())) {
            // Before Linux 5.6 none is replaced at once.
            Err(Errno::EINVAL) => {}
            done => return done,
        }
    }
    bpf::attach_device_program(cgroup, program, None)?;
    before
        .iter()
        .try_for_each(|old| bpf::detach_device_program(cgroup, old.as_fd()))
}
