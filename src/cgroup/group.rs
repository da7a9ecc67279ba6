//! A container's cgroups: one in each hierarchy that has something to limit or to count.

use super::directory::Directory;
use super::figures::Figures;
use super::layout::{Hierarchy, Layout};
use super::parent::{self, Asked, Wanted};
use super::settings::{Setting, settings};
use super::{Controller, Version};
use crate::error::Error;
use crate::spec::limits::Limits;
use crate::sys::{Errno, clone, descriptor, facts};
use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

/// What a cgroup's name begins with; twelve hexadecimal digits follow.
pub const PREFIX: &str = "mydocker-";

/// Those of a container that is about to start, or runs. Removed when it is dropped, as far as that works.
pub struct Group {
    pub(super) name: CString,
    pub(super) members: Vec<Member>,
    /// The path of `--cgroup-parent`.
    pub(super) parent: Option<CString>,
    born: bool,
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
        let devices = devices(limits)?;
        let mut group = Self {
            name: CString::new([PREFIX, digits].concat()).unwrap_or_default(),
            members: Vec::new(),
            parent: limits.parent.clone(),
            born: false,
        };
        let ask = |controller, version| ask(limits, &devices, controller, version);
        for hierarchy in &layout.v1 {
            group.add_v1((layout, hierarchy), counted, &ask)?;
        }
        group.add_v2(layout, counted, &ask)?;
        if group.parent.is_some() && group.members.is_empty() {
            return Err(Error::refused(
                "--cgroup-parent",
                "no hierarchy of cgroups is mounted; see cgroups(7) (mount -t cgroup2 none /sys/fs/cgroup)",
            ));
        }
        Ok(group)
    }

    #[cold]
    #[inline(never)]
    fn add_v1(
        &mut self,
        hierarchy: (&Layout<'_>, &Hierarchy<'_>),
        counted: bool,
        ask: &impl Fn(Controller, Version) -> Result<Vec<Setting>, Error>,
    ) -> Result<(), Error> {
        let mut all = Vec::new();
        let mut asked = None;
        let (layout, found) = hierarchy;
        for controller in found.controllers() {
            let settings = ask(controller, Version::V1)?;
            if let Some(setting) = settings.first() {
                asked.get_or_insert(Asked {
                    option: setting.option,
                    controller: controller.v1_name(),
                });
            }
            all.extend(settings);
        }
        let Some(first) = found.controllers().next() else {
            return Ok(());
        };
        let all_of_them = Asked {
            option: "--cgroup-parent",
            controller: first.v1_name(),
        };
        match asked {
            Some(asked) => self.make_v1(asked, hierarchy, &all),
            // Who names a cgroup wants the container there, in every hierarchy that is to be seen.
            None if self.parent.is_some() && layout.mounts(found).next().is_some() => {
                self.make_v1(all_of_them, hierarchy, &all)
            }
            None if counted && found.controllers().any(Controller::counts) => {
                let before = self.members.len();
                if self.make_v1(all_of_them, hierarchy, &all).is_err() {
                    // What it would have counted is not reported: nothing is limited by it.
                    self.remove_from(before)?;
                }
                Ok(())
            }
            None => Ok(()),
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
            .make_locked(&self.name)
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
        settings
            .iter()
            .try_for_each(|setting| set(setting, &member.directory))
    }

    #[cold]
    #[inline(never)]
    fn add_v2(
        &mut self,
        layout: &Layout<'_>,
        counted: bool,
        ask: &impl Fn(Controller, Version) -> Result<Vec<Setting>, Error>,
    ) -> Result<(), Error> {
        let mut all = Vec::new();
        let mut needed = Vec::new();
        let mut asked = None;
        let free = |controller: &Controller| layout.v1_of(*controller).is_none();
        for controller in Controller::ALL.into_iter().filter(free) {
            let Some(name) = controller.v2_name() else {
                continue;
            };
            let settings = ask(controller, Version::V2)?;
            if let Some(setting) = settings.first() {
                needed.push(name);
                asked.get_or_insert(Asked {
                    option: setting.option,
                    controller: name,
                });
            }
            all.extend(settings);
        }
        let asked = match (asked, &self.parent) {
            (Some(asked), _) => asked,
            (None, Some(_))
                if layout
                    .v2
                    .as_ref()
                    .is_some_and(|v2| layout.mounts(v2).next().is_some()) =>
            {
                Asked {
                    option: "--cgroup-parent",
                    controller: "cgroup v2",
                }
            }
            _ => return Ok(()),
        };
        let Some(hierarchy) = &layout.v2 else {
            return Err(asked.refused(
                "no hierarchy of cgroups is mounted that has it; see cgroups(7) (mount -t cgroup2 none \
                 /sys/fs/cgroup)",
            ));
        };
        let wished = self.parent.as_deref();
        let controllers = Wanted {
            needed: &needed,
            counting: if counted { &["memory", "pids"] } else { &[] },
        };
        let make = |above: &Directory| above.make_locked(&self.name);
        let (directory, own) =
            parent::in_v2(asked, (layout, hierarchy), wished, controllers, make)?;
        self.born = clone::can_be_born_in_cgroup();
        self.members.push(Member {
            version: Version::V2,
            // What belongs to v1 is counted there.
            controllers: Controller::ALL.into_iter().filter(free).collect(),
            above: directory,
            directory: own,
        });
        let Some(member) = self.members.last() else {
            return Ok(());
        };
        all.iter()
            .try_for_each(|setting| set(setting, &member.directory))
    }

    /// The files by which the container's first process joins what it is not born in.
    pub fn joins(&self) -> Vec<CString> {
        let joined = self.members.iter().filter_map(|member| {
            let file = match member.version {
                Version::V1 => c"tasks",
                Version::V2 if self.born => return None,
                Version::V2 => c"cgroup.procs",
            };
            Some(member.directory.path_of(file))
        });
        joined.collect()
    }

    /// The directory that it is born in, if it is born in one.
    pub fn birthplace(&self) -> Option<BorrowedFd<'_>> {
        let mut members = self.members.iter();
        let member = members.find(|member| member.version == Version::V2)?;
        self.born.then(|| member.directory.file().as_fd())
    }

    /// What has been counted so far.
    pub fn figures(&self) -> Figures {
        let mut figures = Figures::default();
        for member in &self.members {
            figures.add(&member.directory, member.version, &member.controllers);
        }
        figures
    }

    /// Of that, whether memory was short.
    pub fn oom_figures(&self) -> Figures {
        let mut figures = Figures::default();
        for member in &self.members {
            if member.controllers.contains(&Controller::Memory) {
                figures.add_oom(&member.directory, member.version);
            }
        }
        figures
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

impl Controller {
    /// Whether its figures are reported.
    fn counts(self) -> bool {
        matches!(self, Self::Memory | Self::CpuAccounting | Self::Pids)
    }
}

fn ask(
    limits: &Limits,
    devices: &[String],
    controller: Controller,
    version: Version,
) -> Result<Vec<Setting>, Error> {
    settings(limits, devices, controller, version).map_err(|_too_many| {
        let reason = "cgroup v2 has weights up to 10000, which is 102400 shares";
        Error::refused("--cpu-shares", reason)
    })
}

/// The numbers of the limited devices, as the kernel prints them.
fn devices(limits: &Limits) -> Result<Vec<String>, Error> {
    let numbers = limits.devices.iter().map(|limit| {
        let option = format!("{}:", limit.option);
        let failed = |errno| Error::new(option.as_str(), limit.path.to_bytes(), errno);
        let opened = descriptor::open(&limit.path, libc::O_PATH, 0).map_err(failed)?;
        match facts::facts(opened.as_fd()).map_err(failed)?.kind {
            facts::Kind::Block(device) => Ok(format!("{}:{}", device.major, device.minor)),
            _ => Err(failed(Errno::ENOTBLK)),
        }
    });
    numbers.collect()
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

/// Sets a limit, or says why it does not hold.
#[cold]
#[inline(never)]
fn set(setting: &Setting, directory: &Directory) -> Result<(), Error> {
    for (file, value) in &setting.ways {
        match directory.write(file, value.as_bytes()) {
            Ok(()) => return check(setting, directory, value),
            // Not this way: the kernel is of another age, or built without it.
            Err(Errno::ENOENT | Errno::EOPNOTSUPP) => {}
            Err(errno) => {
                let operation = format!("{}: write {value} to", setting.option);
                let path = directory.path_of(file);
                let error = Error::new(operation, path.to_bytes(), errno);
                return Err(error.hint(hint(setting.option, errno)));
            }
        }
    }
    let Some((file, _)) = setting.ways.first().filter(|_| !setting.if_there) else {
        return Ok(());
    };
    let operation = format!("{}: open", setting.option);
    let error = Error::new(operation, directory.path_of(file).to_bytes(), Errno::ENOENT);
    Err(error.hint(Some(match setting.option {
        "--blkio-weight" | "--blkio-weight-device" => {
            "this kernel's controller has no weights, or none for this disk, whose scheduler has to be bfq"
        }
        _ => "this kernel's controller has no such limit",
    })))
}

fn check(setting: &Setting, directory: &Directory, value: &str) -> Result<(), Error> {
    let Some(file) = setting.shown_by else {
        return Ok(());
    };
    let option = setting.option;
    let failed = |errno| {
        let path = directory.path_of(file);
        Error::new(format!("{option}: read"), path.to_bytes(), errno)
    };
    match directory.read(file).map_err(failed)? {
        shown if shown == value => Ok(()),
        shown => Err(Error::refused(
            format!("{option} {value}: the kernel grants {shown}"),
            "the cgroup above, or the machine, does not have them all",
        )),
    }
}

fn hint(option: &'static str, errno: Errno) -> Option<&'static str> {
    match (option, errno) {
        ("--cpuset-cpus" | "--cpuset-mems", Errno::EINVAL | Errno::EACCES | Errno::ERANGE) => {
            Some("the cgroup above, or the machine, does not have them all")
        }
        ("--cpus", Errno::EINVAL) => {
            Some("the cgroup above has less, or it is more than the kernel takes")
        }
        ("--pids-limit", Errno::EINVAL) => Some("the kernel's largest is 4194304"),
        (_, Errno::ENODEV) => Some("a whole disk can be limited, and no partition of one"),
        _ => None,
    }
}

/// The file names of [`PREFIX`] and digits.
pub fn is_ours(name: &CStr) -> bool {
    let digits = name.to_bytes().strip_prefix(PREFIX.as_bytes());
    digits.is_some_and(|digits| digits.len() == 12 && digits.iter().all(u8::is_ascii_hexdigit))
}
