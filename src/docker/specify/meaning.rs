//! What those options mean that can be written in more than one way, to tell whether two command lines ask for the same.

use super::{capabilities, limits, size, ulimit};
use crate::docker::RunArgs;
use crate::spec::Capabilities;
use crate::spec::limits::{Limits, ResourceLimit};
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// What they mean, however they were written: `64m` or `65536k`, `NET_RAW` or `cap_net_raw`. What was not given is not looked at: a
/// run that is to start in a box does this first.
#[derive(Hash)]
pub struct Meaning {
    limits: Option<Limits>,
    /// Of a user other than 0: what is held tells then whether all were added.
    capabilities: Option<Capabilities>,
    resources: Vec<ResourceLimit>,
    shared_memory: Option<u64>,
}

impl Meaning {
    /// Takes these options out of `arguments`, in which what can only be written in one way is left. `None`, and nothing is taken: one of
    /// them cannot be understood, which a start says.
    pub fn take(arguments: &mut RunArgs) -> Option<Self> {
        let shared_memory = match &arguments.shared_memory {
            Some(typed) => Some(size::bytes(typed.as_bytes())?),
            None => None,
        };
        let changes = [
            &arguments.added_capabilities,
            &arguments.dropped_capabilities,
        ];
        let meaning = Self {
            limits: match arguments.limits.is_empty() {
                true => None,
                false => Some(limits::asked(arguments).ok()?),
            },
            capabilities: match changes.iter().all(|names| names.is_empty()) {
                true => None,
                false => Some(capabilities::asked(arguments, 1).ok()?),
            },
            resources: match arguments.resources.is_empty() {
                true => Vec::new(),
                false => resources(&arguments.resources)?,
            },
            shared_memory,
        };
        arguments.limits.clear();
        arguments.added_capabilities.clear();
        arguments.dropped_capabilities.clear();
        arguments.resources.clear();
        arguments.shared_memory = None;
        arguments.rootfs.iter_mut().for_each(without_end);
        Some(meaning)
    }
}

/// In one order.
fn resources(typed: &[OsString]) -> Option<Vec<ResourceLimit>> {
    let mut limits = ulimit::all(typed).ok()?;
    limits.sort_unstable_by_key(|limit| limit.resource);
    Some(limits)
}

/// A directory without the slashes behind it, and without what leads nowhere.
fn without_end(path: &mut OsString) {
    *path = Path::new(path).components().as_path().into();
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::hash::{DefaultHasher, Hash, Hasher};

    fn words(words: &[&str]) -> Vec<OsString> {
        words.iter().map(OsString::from).collect()
    }

    fn hash(change: &dyn Fn(&mut RunArgs)) -> u64 {
        let mut arguments = RunArgs::default();
        change(&mut arguments);
        let mut hasher = DefaultHasher::new();
        Meaning::take(&mut arguments).hash(&mut hasher);
        arguments.hash(&mut hasher);
        hasher.finish()
    }

    fn added(names: &[&str]) -> u64 {
        hash(&|arguments| arguments.added_capabilities = words(names))
    }

    fn dropped(names: &[&str]) -> u64 {
        hash(&|arguments| arguments.dropped_capabilities = words(names))
    }

    fn limited(limits: &[(&'static str, &str)]) -> u64 {
        hash(&|arguments| {
            let limits = limits.iter().map(|(name, value)| (*name, (*value).into()));
            arguments.limits = limits.collect();
        })
    }

    fn resources(limits: &[&str]) -> u64 {
        hash(&|arguments| arguments.resources = words(limits))
    }

    fn root(path: &str) -> u64 {
        hash(&|arguments| arguments.rootfs = words(&[path]))
    }

    #[test]
    fn another_spelling_is_the_same() {
        assert_eq!(dropped(&["NET_RAW"]), dropped(&["cap_net_raw"]));
        let both = added(&["SYS_TIME", "BPF"]);
        assert_eq!(both, added(&["bpf,CAP_SYS_TIME"]));
        assert_eq!(
            limited(&[("memory", "64m")]),
            limited(&[("memory", "65536k")])
        );
        assert_eq!(
            limited(&[("memory", "64m"), ("pids-limit", "9")]),
            limited(&[("pids-limit", "9"), ("memory", "1g"), ("memory", "64MiB")])
        );
        assert_eq!(
            limited(&[("cpuset-cpus", "0-2")]),
            limited(&[("cpuset-cpus", "2,0,1")])
        );
        assert_eq!(
            resources(&["nofile=9", "core=0"]),
            resources(&["core=0:0", "nofile=9:9"])
        );
        assert_eq!(root("/root/"), root("/root/."));
        assert_eq!(
            hash(&|arguments| arguments.shared_memory = Some("1m".into())),
            hash(&|arguments| arguments.shared_memory = Some("1024k".into()))
        );
    }

    #[test]
    fn another_meaning_is_not() {
        let plain = hash(&|_| {});
        let all = [
            plain,
            added(&["ALL"]),
            added(&["CHOWN"]),
            added(&["BPF"]),
            dropped(&["ALL"]),
            dropped(&["CHOWN"]),
            dropped(&["CHOWN", "KILL"]),
            hash(&|arguments| {
                arguments.added_capabilities = words(&["ALL"]);
                arguments.dropped_capabilities = words(&["CHOWN"]);
            }),
            hash(&|arguments| {
                arguments.added_capabilities = words(&["CHOWN"]);
                arguments.dropped_capabilities = words(&["ALL"]);
            }),
            limited(&[("memory", "64m")]),
            limited(&[("memory", "65m")]),
            limited(&[("memory", "-1")]),
            limited(&[("memory-reservation", "64m")]),
            resources(&["nofile=9"]),
            resources(&["nofile=9:10"]),
            resources(&["core=9"]),
            root("/root"),
            root("/root/../root"),
            root("root"),
            // What cannot be understood is as it was written.
            added(&["NONE_SUCH"]),
            limited(&[("memory", "64x")]),
            limited(&[("memory", "64y")]),
        ];
        for (place, one) in all.iter().enumerate() {
            let other = all.iter().position(|other| other == one);
            assert_eq!(other, Some(place));
        }
    }
}
