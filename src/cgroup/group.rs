//! A container's cgroups: one in each hierarchy that has something to limit or to count.

use super::assign::{self, Part, Presence};
use super::directory::{Directory, joined};
use super::layout::{Hierarchy, Layout};
use super::parent::{self, Asked, Wanted};
use super::processor_time::ProcessorTime;
use super::settings::Setting;
use super::usage::{self, Usage};
use super::{Controller, Version};
use crate::error::Error;
use crate::field::Field;
use crate::locks::Locks;
use crate::spec::limits::Limits;
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
    /// The path of `--cgroup-parent`.
    pub(super) parent: Option<CString>,
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

/// How long to wait in all for a cgroup whose last process has just ended: the kernel takes it out of its
/// cgroups a little after its parent has heard.
const LONGEST_WAIT: Duration = Duration::from_secs(2);

impl Group {
    /// Makes the cgroups for `limits`, called after `digits`; with those that count, if `counted`.
    ///
    /// Errors: a limit that cannot be set, with what is missing.
    #[cold]
    #[inline(never)]
    pub fn make(
        layout: &Layout<'_>,
        limits: &Limits,
        counted: bool,
        digits: &str,
    ) -> Result<Self, Error> {
        let devices = assign::devices(limits)?;
        let presence = Presence::new(limits, counted);
        let mut group = Self {
            name: CString::new([PREFIX, digits].concat()).unwrap_or_default(),
            members: Vec::new(),
            parent: limits.parent.clone(),
            born: false,
            swap_is_unlimited: false,
            locks: RefCell::new(Locks::open().ok()),
        };
        let ask = |controller, version| assign::ask(limits, &devices, controller, version);
        for hierarchy in &layout.v1 {
            group.add_v1((layout, hierarchy), presence, &ask)?;
        }
        group.add_v2(layout, (limits, presence), &ask)?;
        if assign::is_needed(limits) && group.members.is_empty() {
            return Err(assign::no_hierarchy(limits));
        }
        Ok(group)
    }

    #[cold]
    #[inline(never)]
    fn add_v1(
        &mut self,
        hierarchy: (&Layout<'_>, &Hierarchy<'_>),
        presence: Presence,
        ask: &impl Fn(Controller, Version) -> Result<Vec<Setting>, Error>,
    ) -> Result<(), Error> {
        let Some(Part {
            asked,
            settings,
            only_counts,
        }) = assign::in_v1(hierarchy, presence, ask)?
        else {
            return Ok(());
        };
        let before = self.members.len();
        match self.make_v1(asked, hierarchy, &settings) {
            // What it would have counted is not reported: nothing is limited by it.
            Err(_) if only_counts => self.remove_from(before),
            done => done,
        }
    }

    #[cold]
    #[inline(never)]
    fn make_v1(
        &mut self,
        asked: Asked,
        hierarchy: (&Layout<'_>, &Hierarchy<'_>),
        settings: &[Setting],
    ) -> Result<(), Error> {
        let has_cpuset = hierarchy.1.has(Controller::Cpuset);
        let prepare = |above: &Directory, below: &Directory| match has_cpuset {
            true => fill_cpuset(asked, above, below, &[]),
            false => Ok(()),
        };
        let directory = parent::in_v1(asked, hierarchy, self.parent.as_deref(), prepare)?;
        let own = directory
            .make_locked(&self.name, &mut self.locks.borrow_mut())
            .map_err(|errno| asked.failed("mkdir", &directory.path_of(&self.name), errno))?;
        // Before it is filled, so that it is removed if that fails.
        self.members.push(Member {
            version: Version::V1,
            controllers: hierarchy.1.controllers().collect(),
            above: directory,
            directory: own,
        });
        let Some(member) = self.members.last() else {
            return Ok(());
        };
        if has_cpuset {
            fill_cpuset(asked, &member.above, &member.directory, settings)?;
        }
        if hierarchy.1.has(Controller::Memory) {
            parent::count_what_is_below(asked, &member.directory)?;
        }
        for setting in settings {
            self.swap_is_unlimited |= set(setting, &member.directory)? == Found::Nothing;
        }
        Ok(())
    }

    #[cold]
    #[inline(never)]
    fn add_v2(
        &mut self,
        layout: &Layout<'_>,
        (limits, presence): (&Limits, Presence),
        ask: &impl Fn(Controller, Version) -> Result<Vec<Setting>, Error>,
    ) -> Result<(), Error> {
        let Some((part, needed)) = assign::in_v2(layout, presence, ask)? else {
            return Ok(());
        };
        let asked = part.asked;
        let hierarchy = assign::hierarchy_of_v2(layout, asked)?;
        let wished = self.parent.as_deref();
        let controllers = Wanted::new(&needed, presence.is_counted());
        let make = |above: &Directory| above.make_locked(&self.name, &mut self.locks.borrow_mut());
        let (directory, own) =
            parent::in_v2(asked, (layout, hierarchy), wished, controllers, make)?;
        self.born = assign::is_born(layout, limits);
        self.members.push(Member {
            version: Version::V2,
            // What belongs to v1 is counted there.
            controllers: assign::free(layout).collect(),
            above: directory,
            directory: own,
        });
        let Some(member) = self.members.last() else {
            return Ok(());
        };
        for setting in &part.settings {
            self.swap_is_unlimited |= set(setting, &member.directory)? == Found::Nothing;
        }
        Ok(())
    }

    /// The first process is to be a keeper, which stays outside: no one is born in the cgroups, and the command joins.
    pub fn is_for_keeper(&mut self) {
        self.born = false;
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

/// A cpuset of v1 begins without processors and memory nodes, and no process can be in it then. What it lacks
/// and is not asked for is as in the cgroup above.
#[cold]
#[inline(never)]
fn fill_cpuset(
    asked: Asked,
    above: &Directory,
    below: &Directory,
    settings: &[Setting],
) -> Result<(), Error> {
    for file in [c"cpuset.cpus", c"cpuset.mems"] {
        let is_asked = |setting: &Setting| setting.ways.iter().any(|(name, _)| *name == file);
        if settings.iter().any(is_asked) {
            continue;
        }
        let read = |directory: &Directory| {
            let failed = |errno| asked.failed("read", &directory.path_of(file), errno);
            directory.read(file).map_err(failed)
        };
        if !read(below)?.is_empty() {
            continue;
        }
        let list = read(above)?;
        let failed = |errno| asked.failed("write to", &below.path_of(file), errno);
        below.write(file, list.as_bytes()).map_err(failed)?;
    }
    Ok(())
}

/// Whether a limit's file was there.
#[derive(PartialEq, Eq)]
enum Found {
    File,
    /// None, and that is no error.
    Nothing,
}

/// Sets a limit, or says why it does not hold.
#[cold]
#[inline(never)]
fn set(setting: &Setting, directory: &Directory) -> Result<Found, Error> {
    for (file, value) in &setting.ways {
        match directory.write(file, value.as_bytes()) {
            Ok(()) => return check(setting, directory, value).map(|()| Found::File),
            // Not this way: the kernel is of another age, or built without it.
            Err(Errno::ENOENT | Errno::EOPNOTSUPP) => {}
            Err(errno) => return Err(not_written(setting, (&directory.path, file), value, errno)),
        }
    }
    not_there(setting, &directory.path).map_or(Ok(Found::Nothing), Err)
}

/// The kernel does not take a limit of this cgroup.
pub fn not_written(
    setting: &Setting,
    (cgroup, file): (&CStr, &CStr),
    value: &str,
    errno: Errno,
) -> Error {
    let operation = format!("{}: write {value} to", setting.field);
    let error = Error::new(operation, joined(cgroup, file).to_bytes(), errno);
    error.hint(hint(setting.field, errno))
}

/// This cgroup has no file for a limit, if that is an error.
pub fn not_there(setting: &Setting, cgroup: &CStr) -> Option<Error> {
    let (file, _) = setting.ways.first().filter(|_| !setting.if_there)?;
    let operation = format!("{}: open", setting.field);
    let error = Error::new(operation, joined(cgroup, file).to_bytes(), Errno::ENOENT);
    Some(error.hint(Some(match setting.field {
        Field::BlockWeight | Field::DeviceWeight => {
            "this kernel's controller has no weights, or none for this disk, whose scheduler has to be bfq"
        }
        _ => "this kernel's controller has no such limit",
    })))
}

/// The kernel has taken a limit, and does not keep to it.
pub fn not_granted(setting: &Setting, value: &str, shown: &str) -> Error {
    Error::refused(
        format!("{} {value}: the kernel grants {shown}", setting.field),
        "the cgroup above, or the machine, does not have them all",
    )
}

fn check(setting: &Setting, directory: &Directory, value: &str) -> Result<(), Error> {
    let Some(file) = setting.shown_by else {
        return Ok(());
    };
    let field = setting.field;
    let failed = |errno| {
        let path = directory.path_of(file);
        Error::new(format!("{field}: read"), path.to_bytes(), errno)
    };
    match directory.read(file) {
        Ok(shown) if shown == value => Ok(()),
        // v1 before Linux 3.17, which refuses what it does not grant.
        Err(Errno::ENOENT) => Ok(()),
        Err(errno) => Err(failed(errno)),
        Ok(shown) => Err(not_granted(setting, value, &shown)),
    }
}

fn hint(field: Field, errno: Errno) -> Option<&'static str> {
    match (field, errno) {
        (Field::Processors | Field::MemoryNodes, Errno::EINVAL | Errno::EACCES | Errno::ERANGE) => {
            Some("the cgroup above, or the machine, does not have them all")
        }
        (Field::Cpus, Errno::EINVAL) => {
            Some("the cgroup above has less, or it is more than the kernel takes")
        }
        (Field::Processes, Errno::EINVAL) => Some("the kernel's largest is 4194304"),
        (_, Errno::ENODEV) => Some("a whole disk can be limited, and no partition of one"),
        _ => None,
    }
}

/// The file names of [`PREFIX`] and digits.
pub fn is_ours(name: &CStr) -> bool {
    let digits = name.to_bytes().strip_prefix(PREFIX.as_bytes());
    digits.is_some_and(|digits| digits.len() == 12 && digits.iter().all(u8::is_ascii_hexdigit))
}
