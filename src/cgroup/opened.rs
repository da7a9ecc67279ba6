//! The cgroups of a container that runs, opened by what was written down of them: by its monitor, and by any other process
//! of its owner's.

mod change;
mod freezer;
mod kill;
mod load;

pub use freezer::{looks_frozen, thaw_all};
pub use load::{Load, MemoryLoad};

use super::directory::Directory;
use super::record::Record;
use super::{Controller, Version};
use crate::error::Error;
use crate::sys::{Errno, Pid};

/// Directories, held open: each stays the same one whatever becomes of its name.
pub struct Opened {
    members: Vec<Member>,
}

struct Member {
    version: Version,
    controllers: Vec<Controller>,
    directory: Directory,
}

impl Member {
    fn by(record: &Record) -> Result<Self, Errno> {
        // There are no links in a hierarchy, and above it only root's.
        let above = Directory::open(record.above.clone(), record.version)?;
        Ok(Self {
            version: record.version,
            controllers: record.controllers.clone(),
            directory: above.child(&record.name)?,
        })
    }
}

impl Opened {
    /// Errors: there are none, or one is gone.
    #[cold]
    #[inline(never)]
    pub fn by(records: &[Record]) -> Result<Self, Error> {
        if records.is_empty() {
            return Err(Error::told(NONE));
        }
        let members = records.iter().map(|record| {
            Member::by(record).map_err(|errno| {
                let hint = (errno == Errno::ENOENT).then_some("the container's cgroup is gone");
                Error::new("open", record.path().to_bytes(), errno).hint(hint)
            })
        });
        Ok(Self {
            members: members.collect::<Result<_, Error>>()?,
        })
    }

    /// The cgroups that are still there of a container whose mydocker was killed.
    #[cold]
    #[inline(never)]
    pub fn what_is_left(records: &[Record]) -> Self {
        let members = records.iter().filter_map(|record| Member::by(record).ok());
        Self {
            members: members.collect(),
        }
    }

    fn of_v2(&self) -> Option<&Directory> {
        let mut members = self.members.iter();
        let member = members.find(|member| member.version == Version::V2)?;
        Some(&member.directory)
    }

    fn of_v1(&self, controller: Controller) -> Option<&Directory> {
        let mut members = self.members.iter();
        let member = members.find(|member| {
            member.version == Version::V1 && member.controllers.contains(&controller)
        })?;
        Some(&member.directory)
    }

    /// The one that has this controller, if it was given to it.
    fn with(&self, controller: Controller) -> Option<(&Directory, Version)> {
        if let Some(directory) = self.of_v1(controller) {
            return Some((directory, Version::V1));
        }
        let directory = self.of_v2()?;
        let given = directory.read(c"cgroup.controllers").ok()?;
        let name = controller.v2_name()?;
        given
            .split(' ')
            .any(|given| given == name)
            .then_some((directory, Version::V2))
    }

    /// All processes in it, and in the cgroups that the container has made, as they are called here.
    ///
    /// Errors: as reading one; what has gone meanwhile has no processes.
    #[cold]
    #[inline(never)]
    pub fn processes(&self) -> Result<Vec<Pid>, Error> {
        let Some(all) = self
            .of_v2()
            .or(self.members.first().map(|one| &one.directory))
        else {
            return Ok(Vec::new());
        };
        let mut processes = Vec::new();
        let mut failure = None;
        all.each_inner(&mut |directory| match directory.read(c"cgroup.procs") {
            Ok(list) => processes.extend(list.lines().filter_map(|pid| pid.parse::<Pid>().ok())),
            // Gone; or of threads alone, whose processes the one above it has.
            Err(Errno::ENOENT | Errno::ENODEV | Errno::EOPNOTSUPP) => {}
            Err(errno) => {
                let path = directory.path_of(c"cgroup.procs");
                failure = Some(Error::new("read", path.to_bytes(), errno));
            }
        });
        // Of other PID namespaces.
        processes.retain(|pid| *pid > 0);
        processes.sort_unstable();
        processes.dedup();
        failure.map_or(Ok(processes), Err)
    }
}

const NONE: &str = "the container has no cgroup of its own: none can be made here, as by an ordinary user to whom no \
                    cgroup v2 was delegated (mydocker help limits)";

#[cfg(test)]
mod tests;
