//! A container's cgroups, from before its first process until state.json has them.

use super::record::{Record, Records};
use crate::cgroup::{Directory, Patience};
use crate::error::Error;
use crate::host::limits::CgroupEntry;
use crate::oci::config::Linux;
use crate::sys::Errno;

/// Who makes cgroups: `--cgroup-manager`, and `--systemd-cgroup`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Manager {
    /// The runtime itself, by the files of the hierarchies.
    #[default]
    CgroupFiles,
    Systemd,
    /// No one: there are none.
    Disabled,
}

/// The cgroups that a container is to have.
pub struct Wanted<'a> {
    pub id: &'a str,
    pub linux: &'a Linux,
    pub manager: Manager,
    /// `--rootless`: where no cgroup can be made, and none is asked for, the container goes without.
    pub is_rootless: bool,
}

/// They are made and filled. Those that were not there before are removed when this is dropped, unless they are kept.
pub struct Placed {
    members: Vec<Member>,
}

struct Member {
    record: Record,
}

impl Placed {
    /// Errors: one cannot be made, or has processes already, or a limit cannot be set. What was made is removed again then.
    #[cold]
    #[inline(never)]
    pub fn make(wanted: &Wanted<'_>) -> Result<Self, Error> {
        let _ = wanted;
        Err(Error::told("cgroups of OCI containers are not built yet"))
    }

    /// Where the first process is to be born, and what it has to join.
    pub fn entry(&self) -> Result<CgroupEntry<'_>, Error> {
        Ok(CgroupEntry::default())
    }

    pub fn records(&self) -> Records {
        Records(self.members.iter().map(|one| one.record.clone()).collect())
    }

    /// They stay: state.json has them.
    pub fn keep(mut self) {
        self.members.clear();
    }
}

/// Removes cgroups, each with those in it.
pub(super) fn remove<'a>(records: impl Iterator<Item = &'a Record>) -> Result<(), Error> {
    let mut patience = Patience::default();
    let mut result = Ok(());
    for record in records {
        let Some((above, name)) = super::record::parts(&record.path) else {
            continue;
        };
        let removed = match Directory::open(above, record.version()) {
            Ok(above) => patience.remove(&above, &name),
            Err(Errno::ENOENT) => Ok(()),
            Err(errno) => Err(errno),
        };
        if let Err(errno) = removed {
            result = Err(Error::new(
                "remove the cgroup",
                record.path.to_bytes(),
                errno,
            ));
        }
    }
    result
}
