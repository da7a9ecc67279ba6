//! A container's cgroups: one in each hierarchy that has something to limit or to count.

use super::assign::Part;
use super::directory::Directory;
use super::fill::{self, Found};
use super::parent::{self, Search};
use super::processor_time::ProcessorTime;
use super::settings::Setting;
use super::usage::{self, Usage};
use super::{Controller, Version};
use crate::error::Error;
use crate::field::Field;
use crate::locks::Locks;
use crate::spec::limits::CgroupPath;
use crate::sys::Errno;
use std::cell::RefCell;
use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

/// What a cgroup's name begins with; twelve hexadecimal digits follow.
pub const PREFIX: &str = "mydocker-";

/// The cgroups of a container that is about to start, or runs. They are removed when this is dropped, as far as that works.
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

/// What it takes to find a cgroup of a container's again, as plain data: another process can remove it when the
/// container's mydocker is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    pub version: Version,
    /// The path of the one that it is in.
    pub above: CString,
    pub name: CString,
}

/// How long to wait in all for a cgroup whose last process has just ended: the kernel takes it out of its
/// cgroups a little after its parent has heard.
const LONGEST_WAIT: Duration = Duration::from_secs(2);

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
        fill(&member.above, &member.directory, &part.settings)?;
        if is_v1 && part.controllers.contains(&Controller::Memory) {
            parent::count_what_is_below(asker, &member.directory)?;
        }
        for setting in &part.settings {
            self.swap_is_unlimited |= fill::set(setting, &member.directory)? == Found::Nothing;
        }
        Ok(())
    }

    /// What the clean-up of each needs.
    pub fn clean_up_record(&self) -> Vec<Record> {
        let members = self.members.iter().map(|member| Record {
            version: member.version,
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
        let mut pause = Duration::from_micros(500);
        for member in self.members.drain(first..) {
            let mut removed = member.above.remove(&self.name);
            while removed == Err(Errno::EBUSY) && pause < LONGEST_WAIT / 2 {
                std::thread::sleep(pause);
                pause *= 2;
                removed = member.above.remove(&self.name);
            }
            if let Err(errno) = removed {
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

/// The file names of [`PREFIX`] and digits.
pub fn is_ours(name: &CStr) -> bool {
    let digits = name.to_bytes().strip_prefix(PREFIX.as_bytes());
    digits.is_some_and(|digits| digits.len() == 12 && digits.iter().all(u8::is_ascii_hexdigit))
}

#[cfg(test)]
mod tests {
    use super::super::layout::Layout;
    use super::super::request::Wanted;
    use super::super::sweep;
    use crate::guard::Request;
    use crate::spec::limits::Limits;

    #[test]
    fn cgroups_are_removed_by_their_record() {
        let read = |file| std::fs::read(file).unwrap();
        let (mountinfo, own) = (read("/proc/self/mountinfo"), read("/proc/self/cgroup"));
        let layout = Layout::new(&mountinfo, &own);
        let limits = Limits {
            processes: Some(9),
            ..Limits::default()
        };
        let digits = format!("{:012x}", std::process::id());
        let wanted = Wanted::look(&layout, &limits, false, false, &digits);
        let group = match wanted.and_then(Wanted::acquire) {
            Ok(group) => group,
            Err(error) => return eprintln!("skipped: no cgroup can be made here: {error}"),
        };
        let records = group.clean_up_record();
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
