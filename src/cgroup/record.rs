//! What is written down of a container's cgroups, for another process to find them by.

use super::directory::joined;
use super::{Controller, Version};
use crate::json::Value;
use std::ffi::{CStr, CString};

/// What a cgroup's name begins with; twelve hexadecimal digits follow.
pub const PREFIX: &str = "mydocker-";

/// What it takes to find a cgroup of a container's again, as plain data: another process can freeze it, count what is in it,
/// limit it, and remove it when the container's mydocker is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    pub version: Version,
    /// Those of v1 that are bound to its hierarchy. Of v2: those that v1 does not have, whichever of them it was given.
    pub controllers: Vec<Controller>,
    /// The path of the one that it is in.
    pub above: CString,
    pub name: CString,
}

impl Record {
    pub fn path(&self) -> CString {
        joined(&self.above, &self.name)
    }

    #[cold]
    #[inline(never)]
    pub fn to_json(&self) -> Value {
        let controllers = self.controllers.iter();
        let controllers = controllers.map(|one| Value::Text(one.v1_name().to_owned()));
        let members = [
            ("version", Value::Number(self.version.number())),
            ("controllers", Value::List(controllers.collect())),
            ("above", Value::string(self.above.to_bytes().to_vec())),
            ("name", Value::string(self.name.to_bytes().to_vec())),
        ];
        let members = members.map(|(name, value)| (name.to_owned(), value));
        Value::Object(members.into())
    }

    /// `None`: it is no record of a cgroup that is one of ours.
    #[cold]
    #[inline(never)]
    pub fn of_json(value: &Value) -> Option<Self> {
        let path = |name| CString::new(value.get(name)?.bytes()?).ok();
        let number = value.get("version")?.number()?;
        let mut versions = [Version::V1, Version::V2].into_iter();
        let controllers = value.get("controllers")?.list()?.iter().map(|name| {
            let mut all = Controller::ALL.into_iter();
            all.find(|one| Some(one.v1_name()) == name.text())
        });
        let record = Self {
            version: versions.find(|version| version.number() == number)?,
            controllers: controllers.collect::<Option<_>>()?,
            above: path("above")?,
            name: path("name")?,
        };
        let is_whole = record.above.to_bytes().starts_with(b"/") && is_ours(&record.name);
        is_whole.then_some(record)
    }
}

impl Version {
    fn number(self) -> i128 {
        match self {
            Self::V1 => 1,
            Self::V2 => 2,
        }
    }
}

/// The file names of [`PREFIX`] and digits.
pub fn is_ours(name: &CStr) -> bool {
    let digits = name.to_bytes().strip_prefix(PREFIX.as_bytes());
    digits.is_some_and(|digits| digits.len() == 12 && digits.iter().all(u8::is_ascii_hexdigit))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;

    #[test]
    fn what_is_written_down_is_read_again() {
        for (version, controllers, above) in [
            (
                Version::V1,
                vec![Controller::Cpu, Controller::CpuAccounting],
                c"/sys/fs/cgroup/cpu,cpuacct/a \xff\"b",
            ),
            (Version::V1, vec![Controller::Freezer], c"/"),
            (Version::V2, Controller::ALL.to_vec(), c"/sys/fs/cgroup"),
            (Version::V2, vec![], c"/sys/fs/cgroup"),
        ] {
            let record = Record {
                version,
                controllers,
                above: above.into(),
                name: c"mydocker-0123456789ab".into(),
            };
            let text = record.to_json().compact();
            let read = Record::of_json(&json::parse(&text).unwrap());
            assert_eq!(read, Some(record), "{text}");
        }
    }

    #[test]
    fn no_others_cgroup_is_read() {
        let text = |version: u32, controller: &str, above: &str, name: &str| {
            format!(
                r#"{{"version":{version},"controllers":["{controller}"],"above":"{above}","name":"{name}"}}"#
            )
        };
        let name = "mydocker-0123456789ab";
        let read = |text: &str| Record::of_json(&json::parse(text).unwrap());
        assert!(read(&text(1, "pids", "/a", name)).is_some());
        for wrong in [
            text(3, "pids", "/a", name),
            text(1, "pid", "/a", name),
            text(1, "pids", "a", name),
            text(1, "pids", "/a", "user.slice"),
            text(1, "pids", "/a", "../mydocker-0123456789ab"),
            text(1, "pids", "/a\\u0000", name),
            "[]".to_owned(),
        ] {
            assert_eq!(read(&wrong), None, "{wrong}");
        }
    }
}
