//! Other limits for a container that runs.

use super::{Opened, Version};
use crate::cgroup::Controller;
use crate::cgroup::directory::Directory;
use crate::cgroup::fill;
use crate::cgroup::settings::{Setting, TooMany, settings};
use crate::cgroup::usage::{named, number};
use crate::error::Error;
use crate::field::Field;
use crate::spec::limits::Limits;
use crate::sys::Errno;
use std::ffi::CStr;

/// A limit that is to be another one.
struct Change<'a> {
    setting: Setting,
    directory: &'a Directory,
}

/// What a file had in it.
struct Previous<'a> {
    directory: &'a Directory,
    file: &'static CStr,
    value: String,
}

impl Opened {
    /// Sets the limits that differ. (Those of devices are not changed.)
    ///
    /// Errors: one cannot be set; then all are as they were.
    #[cold]
    #[inline(never)]
    pub fn change(&self, before: &Limits, after: &Limits) -> Result<(), Error> {
        let mut changes = Vec::new();
        for controller in Controller::ALL {
            let found = self.with(controller);
            let version = found.map_or(Version::V2, |(_, version)| version);
            let changed = changed(before, after, controller, version)
                .map_err(|_too_many| fill::too_many_shares())?;
            let Some(first) = changed.first() else {
                continue;
            };
            let Some((directory, _)) = found else {
                return Err(none(first.field, controller));
            };
            if version == Version::V2 {
                changed
                    .iter()
                    .try_for_each(|setting| leave_what_is_used(setting, directory))?;
            }
            changes.extend(
                changed
                    .into_iter()
                    .map(|setting| Change { setting, directory }),
            );
        }
        set_all(changes)
    }
}

fn none(field: Field, controller: Controller) -> Error {
    Error::refused_for(
        field.spelled(),
        format!(
            "the container has no cgroup with the {} controller, so it cannot be changed while it runs",
            controller.v1_name()
        ),
    )
}

/// What is to be written for a controller.
fn changed(
    before: &Limits,
    after: &Limits,
    controller: Controller,
    version: Version,
) -> Result<Vec<Setting>, TooMany> {
    let before = settings(before, &[], controller, version)?;
    let after = settings(after, &[], controller, version)?;
    let is_in = |all: &[Setting], one: &Setting| all.iter().any(|other| other.ways == one.ways);
    let is_of = |one: &Setting, other: &Setting| {
        let first = |setting: &Setting| setting.ways.first().map(|(file, _)| *file);
        first(one) == first(other)
    };
    let lifted = before
        .iter()
        .filter(|old| !after.iter().any(|new| is_of(old, new)));
    let lifted: Vec<Setting> = lifted.filter_map(Setting::lifted).collect();
    let new = after.into_iter().filter(|new| !is_in(&before, new));
    Ok(new.chain(lifted).collect())
}

/// The kernel takes back what it can for a lower limit. v1 refuses where that is not enough; v2 kills.
fn leave_what_is_used(setting: &Setting, directory: &Directory) -> Result<(), Error> {
    let Some((file, value)) = setting
        .ways
        .first()
        .filter(|(file, _)| *file == c"memory.max")
    else {
        return Ok(());
    };
    let files = ["inactive_file", "active_file"].map(|name| named(directory, c"memory.stat", name));
    let files: u64 = files.into_iter().flatten().sum();
    let used = number(directory, c"memory.current")
        .unwrap_or(0)
        .saturating_sub(files);
    match value.parse::<u64>() {
        Ok(limit) if limit < used => {
            let place = (directory.path.as_c_str(), *file);
            Err(fill::not_written(setting, place, value, Errno::EBUSY))
        }
        _ => Ok(()),
    }
}

/// Some can be set only after others: memory may not be above memory and swap together.
fn set_all(changes: Vec<Change<'_>>) -> Result<(), Error> {
    let mut previous = Vec::new();
    let mut left = changes;
    while !left.is_empty() {
        let count = left.len();
        let mut failure = None;
        left.retain(|change| {
            previous.extend(change.previous());
            match fill::set(&change.setting, change.directory) {
                Ok(_) => false,
                Err(error) => {
                    failure.get_or_insert(error);
                    true
                }
            }
        });
        if let Some(error) = failure.filter(|_| left.len() == count) {
            put_back(&previous);
            return Err(error);
        }
    }
    Ok(())
}

impl<'a> Change<'a> {
    /// What is in the file that will be written.
    fn previous(&self) -> Option<Previous<'a>> {
        let mut ways = self.setting.ways.iter();
        ways.find_map(|(file, _)| {
            Some(Previous {
                directory: self.directory,
                file,
                value: self.directory.read(file).ok()?,
            })
        })
    }
}

fn put_back(previous: &[Previous<'_>]) {
    // The oldest last; twice, for here too some can be set only after others.
    for _ in 0..2 {
        for Previous {
            directory,
            file,
            value,
        } in previous.iter().rev()
        {
            let _ = directory.write(file, value.as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::limits::{Quota, Swap};

    fn written(before: &Limits, after: &Limits, version: Version) -> Vec<String> {
        let changed = Controller::ALL
            .into_iter()
            .flat_map(|controller| changed(before, after, controller, version).unwrap());
        let ways = changed.map(|setting| {
            let ways = setting.ways.iter();
            let ways = ways.map(|(file, value)| format!("{}={value}", file.to_str().unwrap()));
            ways.collect::<Vec<_>>().join(" or ")
        });
        ways.collect()
    }

    #[test]
    fn what_differs_is_written() {
        let none = Limits::default();
        let memory = Limits {
            memory: Some(100),
            ..none.clone()
        };
        let more = Limits {
            memory: Some(200),
            processes: Some(7),
            quota: Some(Quota {
                field: Field::Cpus,
                time: 5000,
            }),
            ..none.clone()
        };
        let swapping = Limits {
            swap: Swap::Unlimited,
            ..memory.clone()
        };
        for (before, after, v1, v2) in [
            (&none, &none, &[][..], &[][..]),
            (&memory, &memory, &[], &[]),
            (
                &none,
                &memory,
                &[
                    "memory.limit_in_bytes=100",
                    "memory.memsw.limit_in_bytes=200",
                ],
                &["memory.max=100", "memory.swap.max=100"],
            ),
            (
                &memory,
                &none,
                &["memory.limit_in_bytes=-1", "memory.memsw.limit_in_bytes=-1"],
                &["memory.max=max", "memory.swap.max=max"],
            ),
            (
                &memory,
                &swapping,
                &["memory.memsw.limit_in_bytes=-1"],
                &["memory.swap.max=max"],
            ),
            (
                &memory,
                &more,
                &[
                    "memory.limit_in_bytes=200",
                    "memory.memsw.limit_in_bytes=400",
                    "cpu.cfs_quota_us=5000",
                    "pids.max=7",
                ],
                &[
                    "memory.max=200",
                    "memory.swap.max=200",
                    "cpu.max=5000 100000",
                    "pids.max=7",
                ],
            ),
            (
                &more,
                &memory,
                &[
                    "memory.limit_in_bytes=100",
                    "memory.memsw.limit_in_bytes=200",
                    "cpu.cfs_quota_us=-1",
                    "pids.max=max",
                ],
                &[
                    "memory.max=100",
                    "memory.swap.max=100",
                    "cpu.max=max 100000",
                    "pids.max=max",
                ],
            ),
        ] {
            assert_eq!(written(before, after, Version::V1), v1);
            assert_eq!(written(before, after, Version::V2), v2);
        }
    }
}
