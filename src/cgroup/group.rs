//! A container's cgroups: one in each hierarchy that has something to limit or to count.

use super::assign::Part;
use super::directory::{Directory, Patience};
use super::fill::{self, Found};
use super::parent::{self, Search};
use super::processor_time::ProcessorTime;
use super::record::Record;
use super::settings::Setting;
use super::usage::{self, Usage};
use super::{Controller, Version};
use crate::error::Error;
use crate::field::Field;
use crate::locks::Locks;
use crate::spec::limits::CgroupPath;
use crate::sys::Errno;
use std::cell::RefCell;
use std::ffi::CString;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// The cgroups of a container that is about to start, or runs. They are removed when this is dropped, as far as that works.
#[derive(Default)]
pub struct Group {
    pub(super) name: CString,
    pub(super) members: Vec<Member>,
    /// Where it is to be, if someone has said.
    pub(super) parent: Option<CgroupPath>,
    born: bool,
    /// What was not asked for by name, and is not in force: docker's default limit of swap.
    swap_is_unlimited: bool,
    /// What tells other runs that they are ours. Without one they are not swept by us either.
    pub(super) locks: RefCell<Option<Locks>>,
}

/// The way into one of them: opened here, because the path leads nowhere in the container's root; and because who writes may
/// be someone else by then, and the kernel asks who has opened it (since 5.16).
pub struct Join {
    pub path: CString,
    pub opened: OwnedFd,
}

/// The one in one hierarchy.
pub struct Member {
    pub(super) version: Version,
    pub(super) controllers: Vec<Controller>,
    pub(super) above: Directory,
    directory: Directory,
}

impl Group {
    /// One without any cgroup yet. They will be called `name`; `parent` is where they are to be, if someone has said.
    pub fn new(name: CString, parent: Option<CgroupPath>) -> Self {
        Self {
            name,
            members: Vec::new(),
            parent,
            born: false,
            swap_is_unlimited: false,
            locks: RefCell::new(Locks::open().ok()),
        }
    }

    /// Makes the one that has `part` to do, where `search` finds a site for it. The container is to be born in it if
    /// `is_born` says so.
    ///
    /// Errors: a limit that cannot be set, with what is missing. What was made is removed again then.
    #[cold]
    #[inline(never)]
    pub fn add(
        &mut self,
        part: &Part<'_, '_>,
        search: &Search<'_>,
        is_born: impl Fn() -> bool,
    ) -> Result<(), Error> {
        let before = self.members.len();
        self.make(part, search, is_born).inspect_err(|_| {
            let _ = self.remove_from(before);
        })
    }

    fn make(
        &mut self,
        part: &Part<'_, '_>,
        search: &Search<'_>,
        is_born: impl Fn() -> bool,
    ) -> Result<(), Error> {
        let (asker, is_v1) = (part.asker, part.version == Version::V1);
        let has_cpuset = is_v1 && part.controllers.contains(&Controller::Cpuset);
        let fill = |above: &Directory, below: &Directory, settings: &[Setting]| match has_cpuset {
            true => fill::fill_cpuset(asker, above, below, settings),
            false => Ok(()),
        };
        let make = |above: &Directory| above.make_locked(&self.name, &mut self.locks.borrow_mut());
        let (site, directory) = search
            .find(|site| site.make(&self.name, |above, below| fill(above, below, &[]), make))?;
        self.born |= !is_v1 && is_born();
        // Before it is filled, so that it is removed if that fails.
        self.members.push(Member {
            version: part.version,
            controllers: part.controllers.clone(),
            above: site.nearest,
            directory,
        });
        let Some(member) = self.members.last() else {
            return Ok(());
        };
        if part.is_optional && !is_v1 {
            // Whoever is born there, or moves there, has to be allowed to leave where it was: cgroups(7), "Cgroup
            // delegation containment".
            let file = c"cgroup.procs";
            let closed = |errno| asker.failed("write to", &member.above.path_of(file), errno);
            member.above.may_write(file).map_err(closed)?;
        }
        fill(&member.above, &member.directory, &part.settings)?;
        if is_v1 && part.controllers.contains(&Controller::Memory) {
            parent::count_what_is_below(asker, &member.directory)?;
        }
        for setting in &part.settings {
            self.swap_is_unlimited |= fill::set(setting, &member.directory)? == Found::Nothing;
        }
        Ok(())
    }

    /// What it takes to find each again.
    pub fn records(&self) -> Vec<Record> {
        let members = self.members.iter().map(|member| Record {
            version: member.version,
            controllers: member.controllers.clone(),
            above: member.above.path.clone(),
            name: self.name.clone(),
        });
        members.collect()
    }

    /// The files by which a process joins what it is not born in.
    ///
    /// Errors: as opening one, with its path.
    pub fn joins(&self) -> Result<Vec<Join>, (CString, Errno)> {
        let joined = self.members.iter().filter_map(|member| {
            let file = match member.version {
                Version::V1 => c"tasks",
                Version::V2 if self.born => return None,
                Version::V2 => c"cgroup.procs",
            };
            let path = member.directory.path_of(file);
            Some(match member.directory.open_to_write(file) {
                Ok(opened) => Ok(Join { path, opened }),
                Err(errno) => Err((path, errno)),
            })
        });
        joined.collect()
    }

    /// The directory that it is born in, if it is born in one.
    pub fn birthplace(&self) -> Option<BorrowedFd<'_>> {
        let mut members = self.members.iter();
        let member = members.find(|member| member.version == Version::V2)?;
        self.born.then(|| member.directory.file().as_fd())
    }

    /// What counts its processor time.
    ///
    /// Errors: nothing does.
    pub fn processor_time(&self) -> Result<ProcessorTime, Error> {
        // Where v1 has the controller, v2 has not what is asked for.
        let mut counting = self
            .members
            .iter()
            .filter(|member| member.controllers.contains(&Controller::CpuAccounting));
        match counting.next() {
            Some(member) => ProcessorTime::open(&member.directory, member.version),
            None => Err(Error::refused(
                Field::CpuTime.spelled(),
                "no hierarchy of cgroups counts processor time here",
            )),
        }
    }

    /// What has been counted so far.
    pub fn usage(&self) -> Usage {
        let mut usage = Usage::default();
        for member in &self.members {
            usage.add(&member.directory, member.version, &member.controllers);
        }
        usage
    }

    /// Whether memory was short, of all that was counted.
    pub fn oom_usage(&self) -> Usage {
        let mut usage = Usage::default();
        for member in &self.members {
            if member.controllers.contains(&Controller::Memory) {
                usage.add_oom(&member.directory, member.version);
            }
        }
        usage
    }

    /// Whether `--memory` leaves the container all of the host's swap: this kernel counts none.
    pub fn swap_is_unlimited(&self) -> bool {
        self.swap_is_unlimited
    }

    /// Whether the container has come to its own limit of memory.
    pub fn memory_was_short(&self) -> bool {
        let mut members = self.members.iter();
        members.any(|member| {
            member.controllers.contains(&Controller::Memory)
                && usage::is_at_its_limit(&member.directory, member.version)
        })
    }

    /// Removes them, after the wait.
    ///
    /// Errors: one that is still there, though its processes have had time to go.
    pub fn remove(&mut self) -> Result<(), Error> {
        self.remove_from(0)
    }

    fn remove_from(&mut self, first: usize) -> Result<(), Error> {
        let mut result = Ok(());
        let mut patience = Patience::default();
        for member in self.members.drain(first..) {
            if let Err(errno) = patience.remove(&member.above, &self.name) {
                result = Err(Error::new(
                    "remove the cgroup",
                    member.directory.path.to_bytes(),
                    errno,
                ));
            }
        }
        result
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // A start that failed has something more important to say, and the next run sweeps.
        let _ = self.remove();
    }
}

#[cfg(test)]
mod tests {
    use super::super::layout::Layout;
    use super::super::request::Wanted;
    use super::super::sweep;
    use super::{Controller, Group};
    use crate::guard::Request;
    use crate::spec::limits::Limits;

    fn group(limits: &Limits, number: u32) -> Option<Group> {
        let read = |file| std::fs::read(file).unwrap();
        let (mountinfo, own) = (read("/proc/self/mountinfo"), read("/proc/self/cgroup"));
        let layout = Layout::new(&mountinfo, &own);
        let digits = format!("{number:04x}{:08x}", std::process::id());
        let wanted = Wanted::look(&layout, limits, false, false, &digits);
        let made = wanted.and_then(Wanted::acquire);
        let made = made.inspect_err(|error| eprintln!("skipped: no cgroup here: {error}"));
        made.ok()
    }

    #[test]
    fn what_stays_is_in_cgroups_wherever_it_can_be() {
        let limits = |is_kept| Limits {
            processes: Some(9),
            is_kept,
            ..Limits::default()
        };
        let (Some(few), Some(all)) = (group(&limits(false), 1), group(&limits(true), 2)) else {
            return;
        };
        assert_eq!(few.members.len(), 1);
        let has = |one| {
            all.records()
                .iter()
                .any(|record| record.controllers.contains(&one))
        };
        assert!(has(Controller::Pids) && has(Controller::Memory) && has(Controller::Freezer));
        let alone = Limits {
            is_kept: true,
            ..Limits::default()
        };
        assert!(alone.can_do_without() && !limits(true).can_do_without());
        assert_eq!(group(&alone, 3).unwrap().members.len(), all.members.len());
    }

    #[test]
    fn cgroups_are_removed_by_their_record() {
        let limits = Limits {
            processes: Some(9),
            ..Limits::default()
        };
        let Some(group) = group(&limits, 0) else {
            return;
        };
        let records = group.records();
        let is_there = || {
            let there = records.iter().filter(|record| {
                let path = [record.above.to_bytes(), b"/", record.name.to_bytes()].concat();
                std::path::Path::new(std::str::from_utf8(&path).unwrap()).exists()
            });
            there.count() == records.len()
        };
        assert!(!records.is_empty() && is_there());
        // Its mydocker lives.
        sweep::clean_up(&records).unwrap();
        assert!(is_there());
        // As if it had been killed: the kernel has ended its locks, and no destructor has run.
        drop(group.locks.borrow_mut().take());
        std::mem::forget(group);
        assert!(is_there());
        sweep::clean_up(&records).unwrap();
        assert!(!is_there());
    }
}
