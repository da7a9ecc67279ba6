//! A container's cgroups, open.

use super::record::{Record, Records};
use crate::cgroup::{Directory, Version};
use crate::error::Error;

pub struct Member {
    pub record: Record,
    pub directory: Directory,
    /// Whether its directory was not there before.
    pub is_new: bool,
}

#[derive(Default)]
pub struct Members(pub Vec<Member>);

impl Members {
    /// Opens the cgroups of these records.
    ///
    /// Errors: one is gone.
    #[cold]
    #[inline(never)]
    pub fn open(records: &Records) -> Result<Self, Error> {
        let members = records.0.iter().map(|record| {
            let failed = |errno| Error::new("open the cgroup", record.path.to_bytes(), errno);
            Ok(Member {
                record: record.clone(),
                directory: Directory::open(record.path.clone(), record.version())
                    .map_err(failed)?,
                is_new: false,
            })
        });
        members.collect::<Result<_, _>>().map(Self)
    }

    /// The one of the hierarchy of v1 that has this controller.
    pub fn of_v1(&self, controller: &str) -> Option<&Directory> {
        self.v1(controller).map(|one| &one.directory)
    }

    pub fn v1(&self, controller: &str) -> Option<&Member> {
        let mut all = self.0.iter();
        all.find(|one| one.record.version() == Version::V1 && one.record.has(controller))
    }

    pub fn v2(&self) -> Option<&Member> {
        let mut all = self.0.iter();
        all.find(|one| one.record.version() == Version::V2)
    }

    pub fn of_v2(&self) -> Option<&Directory> {
        self.v2().map(|one| &one.directory)
    }

    /// Whether v1 has controllers. (systemd's hierarchy has none.)
    pub fn has_any_of_v1(&self) -> bool {
        self.0.iter().any(|one| one.record.has_controllers_of_v1())
    }
}
