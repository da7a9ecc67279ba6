//! A container's cgroups, from before its first process until state.json has them.

use super::devices::Asked;
use super::hierarchies::{Place, Places, places};
use super::make::{Controllers, Made, make, unmake};
use super::open::{Member, Members};
use super::record::{Record, Records};
use super::resources;
use crate::cgroup::{BORN_WITH_CPUSET, Directory, Join, Version};
use crate::error::Error;
use crate::hint::{Doing, hint};
use crate::host::limits::CgroupEntry;
use crate::oci::config::Linux;
use crate::sys::{Errno, clone, identity, kernel, namespace};
use std::os::fd::AsFd;
use std::path::Path;

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

/// Whether who calls is taken for someone who may not make cgroups everywhere: `--rootless`, or else as it is.
pub fn is_rootless(asked: Option<bool>) -> bool {
    asked.unwrap_or_else(|| identity::effective_user() != 0 || !namespace::is_initial_user())
}

/// They are made and filled. Those that were not there before are removed when this is dropped, unless they are kept.
pub struct Placed {
    members: Members,
    /// What was made for each: what has been made above it too.
    made: Vec<(Place, usize)>,
}

impl Placed {
    /// `before` is told which there will be at most, before the first is made: whoever writes it down finds them again if we
    /// are killed.
    ///
    /// Errors: one cannot be made, or has processes already, or a limit cannot be set. What was made is removed again then.
    #[cold]
    #[inline(never)]
    pub fn make(
        wanted: &Wanted<'_>,
        before: impl FnOnce(Records) -> Result<(), Error>,
    ) -> Result<Self, Error> {
        let mut placed = Self {
            members: Members::default(),
            made: Vec::new(),
        };
        match wanted.manager {
            Manager::CgroupFiles => {}
            Manager::Systemd => return Err(no_systemd(wanted)),
            Manager::Disabled => return before(Records::default()).map(|()| placed),
        }
        let resources = &wanted.linux.resources;
        let path = wanted.linux.cgroups_path.as_deref();
        let places = match path.filter(|path| !path.is_empty()) {
            Some(path) => places(Some(path), wanted.id)?,
            None => own_places(wanted.id)?,
        };
        let has_v1 = |name: &str| {
            let mut v1 = places
                .all
                .iter()
                .filter(|place| place.version() == Version::V1);
            v1.any(|place| place.controllers.split(',').any(|one| one == name))
        };
        let is_pure = !places
            .all
            .iter()
            .any(|place| record(place).has_controllers_of_v1());
        if !is_pure && !resources.unified.is_empty() {
            return Err(resources::no_unified());
        }
        refuse_taken(&places)?;
        before(Records(places.all.iter().map(record).collect()))?;
        let controllers = match is_pure {
            true => Controllers::All,
            false => Controllers::These(resources::needed_of_v2(resources, has_v1)),
        };
        for place in &places.all {
            let is_helpful = match place.version() {
                // Nothing is limited there.
                Version::V1 => !record(place).has_controllers_of_v1(),
                Version::V2 => !is_pure,
            };
            match placed.add((place, places.top(place)), wanted, &controllers) {
                Err(_) if is_helpful => {}
                Err(error) => wanted.forgive(error, is_pure)?,
                Ok(()) => {}
            }
        }
        resources::set(&placed.members, resources)?;
        wanted.set_devices(&placed.members)?;
        Ok(placed)
    }

    fn add(
        &mut self,
        (place, top): (&Place, Option<&Directory>),
        wanted: &Wanted<'_>,
        controllers: &Controllers,
    ) -> Result<(), Error> {
        let Some(top) = top else {
            return Err(Error::new("open", place.top.to_bytes(), Errno::ENOENT));
        };
        let made = make((place, top), &wanted.linux.resources, controllers)?;
        let is_new = made.is_new(place);
        let Made {
            directory,
            first_new,
        } = made;
        let record = record(place);
        // Whoever goes there has to be allowed to leave where it was: cgroups(7), "Cgroup delegation containment".
        if wanted.is_rootless && place.version() == Version::V2 {
            let may = Directory::open(place.path(place.own), Version::V2)
                .and_then(|above| above.may_write(c"cgroup.procs"));
            if let Err(errno) = may {
                unmake(place, first_new);
                let path = place.path(place.own);
                return Err(Error::new("join a cgroup below", path.to_bytes(), errno));
            }
        }
        self.made.push((place.clone(), first_new));
        self.members.0.push(Member {
            record,
            directory,
            is_new,
        });
        Ok(())
    }

    /// Where the first process is to be born, and what it has to join.
    ///
    /// Errors: one cannot be joined.
    pub fn entry(&self) -> Result<CgroupEntry<'_>, Error> {
        let mut entry = CgroupEntry::default();
        let is_pure = !self.members.has_any_of_v1();
        // Who is born in a cgroup has not always had its processors.
        let is_born =
            clone::can_be_born_in_cgroup() && (!is_pure || kernel::version() >= BORN_WITH_CPUSET);
        for Member {
            record, directory, ..
        } in &self.members.0
        {
            let file = match record.version() {
                Version::V1 => c"tasks",
                Version::V2 if is_born => {
                    entry.birthplace = Some(directory.file().as_fd());
                    continue;
                }
                Version::V2 => c"cgroup.procs",
            };
            let path = directory.path_of(file);
            let opened = directory.open_to_write(file).map_err(|errno| {
                Error::new("join the cgroup by", path.to_bytes(), errno)
                    .because(hint(Doing::JoinCgroup, errno))
            })?;
            entry.joins.push(Join { path, opened });
        }
        Ok(entry)
    }

    pub fn records(&self) -> Records {
        let records = self.members.0.iter();
        Records(records.map(|one| one.record.clone()).collect())
    }

    /// They stay: state.json has them.
    pub fn keep(mut self) {
        self.made.clear();
    }
}

impl Drop for Placed {
    fn drop(&mut self) {
        self.members.0.clear();
        for (place, first_new) in self.made.drain(..) {
            unmake(&place, first_new);
        }
    }
}

fn record(place: &Place) -> Record {
    Record {
        controllers: place.controllers.clone(),
        path: place.path(place.names.len()),
    }
}

impl Wanted<'_> {
    /// Whether the container goes without a cgroup that cannot be made.
    fn forgive(&self, error: Error, is_pure: bool) -> Result<(), Error> {
        let is_permission = matches!(
            error.errno(),
            Some(Errno::EACCES | Errno::EPERM | Errno::EROFS)
        );
        let is_named = self
            .linux
            .cgroups_path
            .as_deref()
            .is_some_and(|path| !path.is_empty());
        if !self.is_rootless || !is_permission || is_named {
            return Err(error.behind("unable to apply cgroup configuration"));
        }
        // What is asked of v1 fails when it is set, with its name.
        match is_pure && resources::is_any_asked(&self.linux.resources) {
            true => Err(error.behind(
                "unable to apply cgroup configuration: rootless needs no limits + no cgrouppath when no permission is \
                 granted for cgroups",
            )),
            false => Ok(()),
        }
    }

    /// A user who is root in a user namespace alone may not limit devices, and has none that others do not have.
    fn set_devices(&self, members: &Members) -> Result<(), Error> {
        if !namespace::is_initial_user() {
            return Ok(());
        }
        let asked = Asked {
            rules: &self.linux.resources.devices,
            nodes: &self.linux.devices,
        };
        match resources::set_devices(members, asked) {
            Err(_) if self.is_rootless => Ok(()),
            set => set,
        }
    }
}

/// Where nothing is said: by the id. The same id in another root directory has its cgroups there, perhaps, and whoever removes
/// or kills by them must not mean this container: then a number is put behind.
fn own_places(id: &str) -> Result<Places, Error> {
    const MOST: u32 = 1000;
    let is_there = |places: &Places| {
        telling(places, "devices").is_some_and(|place| there(places, place).is_ok())
    };
    let first = places(None, id)?;
    if !is_there(&first) {
        return Ok(first);
    }
    for number in 2..MOST {
        let places = places(None, &format!("{id}-{number}"))?;
        if !is_there(&places) {
            return Ok(places);
        }
    }
    Ok(first)
}

/// The place in the hierarchy of this controller, that of v1 if there is one.
fn telling<'a>(places: &'a Places, controller: &str) -> Option<&'a Place> {
    places.all.iter().find(|place| match place.version() {
        Version::V1 => record(place).has(controller),
        Version::V2 => true,
    })
}

/// The cgroup that is there already.
///
/// Errors: ENOENT if there is none.
fn there(places: &Places, place: &Place) -> Result<Directory, Errno> {
    let top = places.top(place).ok_or(Errno::ENODEV)?;
    top.at(&place.below_top(place.names.len()))
}

#[cold]
#[inline(never)]
fn no_systemd(wanted: &Wanted<'_>) -> Error {
    let path = wanted.linux.cgroups_path.as_deref().unwrap_or_default();
    if !path.is_empty() && path.split(':').count() != 3 {
        return Error::told(&format!(
            "expected cgroupsPath to be of format \"slice:prefix:name\" for systemd cgroups, got {path:?} instead"
        ));
    }
    // sd_booted(3)
    Error::told(match Path::new("/run/systemd/system").is_dir() {
        true => "this runtime does not ask systemd for cgroups: choose the manager cgroupfs",
        false => "systemd not running on this host, cannot use systemd cgroups manager",
    })
}

/// A cgroup may be there before, as an engine has made it, but no process in it: what ends this container would end that too.
fn refuse_taken(places: &Places) -> Result<(), Error> {
    let records = |name| {
        let is_none = |place: &&Place| there(places, place).err() == Some(Errno::ENOENT);
        let place = telling(places, name).filter(|place| !is_none(place));
        place.map(|place| Records(vec![record(place)]))
    };
    let processes = match records("devices") {
        Some(records) => records.processes()?.len(),
        None => 0,
    };
    if processes > 0 {
        return Err(Error::told(&format!(
            "container's cgroup is not empty: {processes} process(es) found"
        )));
    }
    match records("freezer") {
        Some(records) if records.is_frozen()? => {
            Err(Error::told("container's cgroup unexpectedly frozen"))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oci::config::{Cpu, Memory, Resources};

    fn linux(path: &str, resources: Resources) -> Linux {
        Linux {
            cgroups_path: Some(path.to_owned()),
            resources,
            ..Linux::default()
        }
    }

    fn make(linux: &Linux) -> Result<Placed, Error> {
        Placed::make(
            &Wanted {
                id: "id",
                linux,
                manager: Manager::CgroupFiles,
                is_rootless: false,
            },
            |_| Ok(()),
        )
    }

    /// `None`: none can be made here.
    fn made(path: &str, resources: Resources) -> Option<Placed> {
        let made = make(&linux(path, resources));
        let made = made.inspect_err(|error| eprintln!("skipped: no cgroup here: {error}"));
        made.ok()
    }

    fn path(name: &str) -> String {
        format!("/mydocker-oci-test-{}-{name}/inner", std::process::id())
    }

    fn there(records: &Records) -> usize {
        let is_there = |record: &&Record| Path::new(record.path.to_str().unwrap()).exists();
        records.0.iter().filter(is_there).count()
    }

    #[test]
    fn it_is_exactly_there_in_every_hierarchy_until_it_is_dropped() {
        let path = path("a");
        let Some(placed) = made(&path, Resources::default()) else {
            return;
        };
        let records = placed.records();
        assert!(records.0.iter().all(|record| {
            let found = record.path.to_str().unwrap();
            found.starts_with("/sys/fs/cgroup") && found.ends_with(&path)
        }));
        assert_eq!(there(&records), records.0.len());
        let entry = placed.entry().unwrap();
        assert_eq!(
            entry.joins.len() + usize::from(entry.birthplace.is_some()),
            records.0.len()
        );
        drop(entry);
        drop(placed);
        assert_eq!(there(&records), 0);
        let above = records
            .0
            .iter()
            .map(|record| Path::new(record.path.to_str().unwrap()).parent().unwrap());
        assert_eq!(above.filter(|above| above.exists()).count(), 0);
    }

    #[test]
    fn what_was_there_before_stays_unless_it_is_removed_by_its_record() {
        let path = path("b");
        let Some(first) = made(&path, Resources::default()) else {
            return;
        };
        let records = first.records();
        first.keep();
        drop(make(&linux(&path, Resources::default())).unwrap());
        assert_eq!(there(&records), records.0.len());
        records.remove().unwrap();
        assert_eq!(there(&records), 0);
        for record in &records.0 {
            std::fs::remove_dir(Path::new(record.path.to_str().unwrap()).parent().unwrap())
                .unwrap();
        }
    }

    #[test]
    fn limits_are_set_and_nothing_is_left_where_one_cannot_be() {
        let path = path("c");
        let memory = Memory {
            limit: Some(64 << 20),
            ..Memory::default()
        };
        let resources = Resources {
            memory,
            processes: Some(20),
            ..Resources::default()
        };
        let Some(placed) = made(&path, resources.clone()) else {
            return;
        };
        let pids = placed
            .members
            .of_v1("pids")
            .or(placed.members.of_v2())
            .unwrap();
        assert_eq!(pids.read(c"pids.max").unwrap(), "20");
        drop(placed);
        let wrong = Resources {
            cpu: Cpu {
                processors: Some("4096-5000".to_owned()),
                ..Cpu::default()
            },
            ..resources
        };
        let error = make(&linux(&path, wrong)).map(drop).unwrap_err();
        assert!(error.to_string().contains("cpuset.cpus"), "{error}");
        for place in places(Some(&path), "id").unwrap().all {
            assert!(Directory::open(place.path(1), place.version()).is_err());
        }
    }

    #[test]
    fn who_has_processes_or_is_systemds_is_refused() {
        let own = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        let mut lines = own.lines();
        let devices =
            lines.find_map(|line| line.split_once(":devices:").or(line.split_once("0::")));
        if let Some((_, path)) = devices.filter(|(_, path)| *path != "/") {
            let error = make(&linux(path, Resources::default()))
                .map(drop)
                .unwrap_err();
            assert!(error.to_string().contains("is not empty"), "{error}");
        }
        let linux = linux("a.slice:b", Resources::default());
        let wanted = Wanted {
            id: "id",
            linux: &linux,
            manager: Manager::Systemd,
            is_rootless: false,
        };
        let error = Placed::make(&wanted, |_| Ok(())).map(drop).unwrap_err();
        assert!(error.to_string().contains("slice:prefix:name"), "{error}");
        let none = Placed::make(
            &Wanted {
                manager: Manager::Disabled,
                ..wanted
            },
            |_| Ok(()),
        );
        assert!(none.unwrap().records().is_empty());
    }
}
