//! What state.json keeps of a container's cgroups, and what other commands do with them by it.

use crate::cgroup::{Controller, Opened, Patience, Version, entry, looks_frozen, remove_soon};
use crate::error::Error;
use crate::json::{Fault, StrictReader, Value};
use crate::sys::{Errno, Pid, process};
use std::ffi::{CStr, CString};

/// A container's cgroup in one hierarchy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// What is bound to the hierarchy, as /proc/self/cgroup has it: `cpu,cpuacct`, `name=systemd`; of v2 nothing.
    pub controllers: String,
    /// Its directory, absolute.
    pub path: CString,
}

/// A container's cgroups; none, if it goes without.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Records(pub Vec<Record>);

/// As v1 calls it.
const FREEZER: &str = "freezer";

impl Record {
    pub fn version(&self) -> Version {
        match self.controllers.is_empty() {
            true => Version::V2,
            false => Version::V1,
        }
    }

    /// Whether this controller of v1 is bound to its hierarchy.
    pub fn has(&self, controller: &str) -> bool {
        self.controllers.split(',').any(|one| one == controller)
    }

    /// Whether its hierarchy is one of v1 with a controller. (systemd's has none.)
    pub fn has_controllers_of_v1(&self) -> bool {
        self.version() == Version::V1 && !self.controllers.starts_with("name=")
    }

    /// As the rest of the program knows it.
    fn plain(&self) -> Option<crate::cgroup::Record> {
        let (above, name) = parts(&self.path)?;
        let known = Controller::ALL.into_iter();
        let known = known.filter(|one| match self.version() {
            Version::V1 => self.has(one.v1_name()),
            Version::V2 => one.v2_name().is_some(),
        });
        Some(crate::cgroup::Record {
            version: self.version(),
            controllers: known.collect(),
            above,
            name,
        })
    }
}

/// The directory above, and the last name.
fn parts(path: &CStr) -> Option<(CString, CString)> {
    let bytes = path.to_bytes();
    let slash = bytes.iter().rposition(|byte| *byte == b'/')?;
    let (above, name) = (bytes.get(..slash)?, bytes.get(slash + 1..)?);
    let is_whole = !above.is_empty() && !name.is_empty();
    is_whole.then_some((CString::new(above).ok()?, CString::new(name).ok()?))
}

impl Records {
    /// Paths by their controllers, as runc's state has them.
    #[cold]
    #[inline(never)]
    pub fn to_json(&self) -> Value {
        let members = self.0.iter().map(|record| {
            let path = Value::string(record.path.to_bytes().to_vec());
            (record.controllers.clone(), path)
        });
        Value::Object(members.collect())
    }

    /// Errors: these are no paths of cgroups.
    pub fn read(reader: &mut StrictReader<'_>) -> Result<Self, Fault> {
        Self::read_those(reader, |_| true)
    }

    /// [`read`](Self::read), of those that tell whether the container is frozen.
    ///
    /// Errors: as of `read`.
    pub fn read_freezer(reader: &mut StrictReader<'_>) -> Result<Self, Fault> {
        Self::read_those(reader, |controllers| {
            let mut names = controllers.split(',');
            names.any(|name| name.is_empty() || name == FREEZER)
        })
    }

    fn read_those(reader: &mut StrictReader<'_>, is_one: fn(&str) -> bool) -> Result<Self, Fault> {
        let mut records = Vec::new();
        reader.object(&mut |reader, controllers| {
            if !is_one(controllers) {
                return reader.skip();
            }
            let path = CString::new(reader.bytes()?).unwrap_or_default();
            if !path.to_bytes().starts_with(b"/") || parts(&path).is_none() {
                return Err(Fault::new("it is no path of a cgroup"));
            }
            records.push(Record {
                controllers: controllers.to_owned(),
                path,
            });
            Ok(())
        })?;
        Ok(Self(records))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The cgroup of the hierarchy of v1 that has this controller.
    pub fn of_v1(&self, controller: &str) -> Option<&Record> {
        let mut records = self.0.iter();
        records.find(|record| record.version() == Version::V1 && record.has(controller))
    }

    pub fn of_v2(&self) -> Option<&Record> {
        self.0.iter().find(|record| record.version() == Version::V2)
    }

    fn plain<'a>(records: impl IntoIterator<Item = &'a Record>) -> Vec<crate::cgroup::Record> {
        records.into_iter().filter_map(Record::plain).collect()
    }

    /// The cgroups that are still there.
    pub fn open(&self) -> Opened {
        Opened::what_is_left(&Self::plain(&self.0))
    }

    /// The freezer: v1's where there is one, as runc has it, for who looks there; else v2.
    ///
    /// Errors: there is none, or it is gone.
    pub fn freezer(&self) -> Result<Opened, Error> {
        let record = self.with_freezer().ok_or_else(|| {
            Error::told("cannot toggle freezer: cgroups not configured for container")
        })?;
        Opened::by(&Self::plain([record]))
    }

    fn with_freezer(&self) -> Option<&Record> {
        self.of_v1(FREEZER).or(self.of_v2())
    }

    /// Whether everything in the container is frozen.
    ///
    /// Errors: it cannot be told.
    pub fn is_frozen(&self) -> Result<bool, Error> {
        let Some(record) = self.with_freezer() else {
            return Ok(false);
        };
        looks_frozen(&record.path, record.version())
            .map_err(|errno| Error::new("read", "the state of the container's freezer", errno))
    }

    /// Has the container go on, by whichever freezer it is held; before it is killed, for who is frozen by v1 does not die.
    pub fn thaw(&self) {
        // What is gone holds no one.
        let _ = self.open().thaw();
    }

    /// All processes in them, and in those that the container has made, as they are called here.
    pub fn processes(&self) -> Result<Vec<Pid>, Error> {
        self.open().processes()
    }

    /// Sends a signal to all processes in them. By SIGKILL none is left, frozen or not, when this returns.
    ///
    /// Errors: some live on.
    #[cold]
    #[inline(never)]
    pub fn kill(&self, signal: i32) -> Result<(), Error> {
        let opened = self.open();
        if signal == libc::SIGKILL {
            return opened.kill();
        }
        // While they are frozen none is born, and no pid is another's by the time that it gets the signal.
        let held = (!opened.is_frozen()).then(|| self.freezer()?.freeze());
        let sent = opened.processes().and_then(|processes| {
            processes
                .into_iter()
                .try_for_each(|pid| match process::kill(pid, signal) {
                    Ok(()) | Err(Errno::ESRCH) => Ok(()),
                    Err(errno) => Err(Error::new("kill", pid.to_string(), errno)),
                })
        });
        if held.is_some() {
            self.thaw();
        }
        sent
    }

    /// How another process comes into all of them: for `exec`.
    ///
    /// Errors: one is gone, or cannot be joined.
    pub fn entry(&self) -> Result<crate::cgroup::Entry, Error> {
        entry(&Self::plain(&self.0))
            .map_err(|(path, errno)| Error::new("join the cgroup by", path.to_bytes(), errno))
    }

    /// Removes them, with those that the container has made in them.
    ///
    /// Errors: one that is still there, though its processes have had time to go.
    #[cold]
    #[inline(never)]
    pub fn remove(&self) -> Result<(), Error> {
        let mut patience = Patience::default();
        let mut result = Ok(());
        for record in &self.0 {
            let Some((above, name)) = parts(&record.path) else {
                continue;
            };
            let removed = remove_soon((above, &name), record.version(), &mut patience);
            if let Err(errno) = removed {
                let path = record.path.to_bytes();
                result = Err(Error::new("remove the cgroup", path, errno));
            }
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(controllers: &str, path: &CStr) -> Record {
        Record {
            controllers: controllers.to_owned(),
            path: path.into(),
        }
    }

    #[test]
    fn what_is_written_down_is_read_again() {
        for records in [
            Records::default(),
            Records(vec![
                record("cpu,cpuacct", c"/sys/fs/cgroup/cpu,cpuacct/a \xff\"b"),
                record("name=systemd", c"/sys/fs/cgroup/systemd/a"),
                record("", c"/sys/fs/cgroup/unified/a"),
            ]),
        ] {
            let text = records.to_json().compact();
            let mut reader = StrictReader::of_own(text.as_bytes()).unwrap();
            assert_eq!(Records::read(&mut reader), Ok(records), "{text}");
        }
    }

    #[test]
    fn what_is_no_path_is_not_read() {
        for text in [
            r#"{"cpu":"a/b"}"#,
            r#"{"cpu":"/"}"#,
            r#"{"cpu":"/a/"}"#,
            r#"{"cpu":1}"#,
            "[]",
        ] {
            let mut reader = StrictReader::of_own(text.as_bytes()).unwrap();
            assert!(Records::read(&mut reader).is_err(), "{text}");
        }
    }

    #[test]
    fn hierarchies_are_found_by_a_controller() {
        let records = Records(vec![
            record("cpu,cpuacct", c"/a/b"),
            record("name=systemd", c"/c/d"),
            record("", c"/e/f"),
        ]);
        assert_eq!(records.of_v1("cpuacct").unwrap().path.as_c_str(), c"/a/b");
        assert_eq!(records.of_v1("acct"), None);
        assert_eq!(records.of_v1(""), None);
        assert_eq!(records.of_v2().unwrap().path.as_c_str(), c"/e/f");
        let plain = records.0[0].plain().unwrap();
        assert_eq!(
            plain.controllers,
            [Controller::Cpu, Controller::CpuAccounting]
        );
        assert_eq!(
            (plain.above.as_c_str(), plain.name.as_c_str()),
            (c"/a", c"b")
        );
    }
}
