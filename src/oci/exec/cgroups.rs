//! In which cgroups the process is to be: the container's, or some below them, `--cgroup [CONTROLLER[,CONTROLLER]:]PATH`.

use crate::cgroup::{Entry, Layout, Version};
use crate::error::{Error, ExitCode};
use crate::oci::cgroup::{Record, Records};
use crate::sys::{Errno, Pid};
use std::ffi::{CString, OsString};
use std::os::unix::ffi::OsStrExt;

/// Of these hierarchies, or of all that there are.
struct Below<'a> {
    controllers: Option<Vec<&'a [u8]>>,
    path: &'a [u8],
}

/// The container's cgroups with what was asked for below them.
///
/// Errors: words that cannot be understood, controllers that the container has not, and paths that lead out of its cgroups.
#[cold]
#[inline(never)]
pub fn below(records: &Records, asked: &[OsString]) -> Result<Records, Error> {
    let mut lower = records.clone();
    let mut seen: Vec<&[u8]> = Vec::new();
    for word in asked {
        let below = parse(word.as_bytes(), asked.len())?;
        let Some(controllers) = below.controllers else {
            for record in &mut lower.0 {
                record.path = joined(record, below.path)?;
            }
            continue;
        };
        for controller in controllers {
            if seen.contains(&controller) {
                let told = "invalid --cgroup argument(s): controller";
                return Err(Error::refused_for(
                    told,
                    format!(
                        "{} specified multiple times",
                        String::from_utf8_lossy(controller)
                    ),
                ));
            }
            seen.push(controller);
            let name = String::from_utf8_lossy(controller);
            let mut pairs = lower.0.iter_mut().zip(&records.0);
            let (record, own) = pairs.find(|(_, own)| own.has(&name)).ok_or_else(|| {
                Error::told(&format!(
                    "unknown controller {name} in --cgroup: the container has no cgroup of it"
                ))
            })?;
            // Of two that share a hierarchy the last one has it.
            record.path = joined(own, below.path)?;
        }
    }
    Ok(lower)
}

/// The way into them.
///
/// Errors: one is not there, or cannot be joined.
pub fn entry(records: &Records) -> Result<Entry, Error> {
    let entry = records.entry();
    entry.map_err(|error| error.behind("error adding pid to cgroups"))
}

/// Whether a start may have failed because no process can be in the container's cgroup of v2: others have been made below
/// it and given its controllers, or its processes have left it, and it is gone.
pub fn may_be_closed(error: &Error) -> bool {
    const WHY: [Errno; 4] = [
        Errno::EBUSY,
        Errno::ENOENT,
        Errno::ENODEV,
        Errno::EOPNOTSUPP,
    ];
    let is_one = |errno| WHY.contains(&errno);
    error.exit() == ExitCode::OWN_FAILURE && error.errno().is_some_and(is_one)
}

/// The cgroups with the one of v2 that the first process is in. `None`: it is where it was put.
#[cold]
#[inline(never)]
pub fn of_first(records: &Records, first: Pid) -> Option<Records> {
    let mountinfo = std::fs::read("/proc/self/mountinfo").ok()?;
    let cgroup = std::fs::read(format!("/proc/{first}/cgroup")).ok()?;
    let layout = Layout::of(&mountinfo, &cgroup, |_| false);
    let mut mounts = layout.mounts(layout.v2.as_ref()?);
    let path = mounts.find_map(|mount| {
        let path = [mount.point.to_bytes(), mount.own?.to_bytes()].concat();
        CString::new(path).ok()
    })?;
    let mut moved = records.clone();
    let record = moved
        .0
        .iter_mut()
        .find(|one| one.version() == Version::V2)?;
    if record.path == path {
        return None;
    }
    record.path = path;
    Some(moved)
}

fn parse(word: &[u8], count: usize) -> Result<Below<'_>, Error> {
    let refused = |why| {
        let object = [b"invalid --cgroup argument: ", word].concat();
        Err(Error::refused(object, why))
    };
    let Some(colon) = word.iter().position(|byte| *byte == b':') else {
        return match count {
            1 => Ok(Below {
                controllers: None,
                path: word,
            }),
            _ => refused("missing <controller>: prefix"),
        };
    };
    let (controllers, path) = word.split_at(colon);
    let controllers: Vec<&[u8]> = controllers.split(|byte| *byte == b',').collect();
    match controllers.iter().any(|name| name.is_empty()) {
        true => refused("empty <controller> prefix"),
        false => Ok(Below {
            controllers: Some(controllers),
            path: path.get(1..).unwrap_or_default(),
        }),
    }
}

/// There are no links in a hierarchy: what the words say is where they lead.
fn joined(record: &Record, below: &[u8]) -> Result<CString, Error> {
    let bad = || {
        let object = [b"bad sub cgroup path: ", below].concat();
        Error::refused(object, "it leads out of the container's cgroup")
    };
    let mut names: Vec<&[u8]> = Vec::new();
    for name in below.split(|byte| *byte == b'/') {
        match name {
            b"" | b"." => {}
            b".." => drop(names.pop().ok_or_else(bad)?),
            name => names.push(name),
        }
    }
    let mut path = record.path.to_bytes().to_vec();
    for name in names {
        path.push(b'/');
        path.extend_from_slice(name);
    }
    CString::new(path).map_err(|_| bad())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records() -> Records {
        let record = |controllers: &str, path| Record {
            controllers: controllers.to_owned(),
            path: CString::new(path).unwrap(),
        };
        Records(vec![
            record("cpu,cpuacct", "/sys/cpu/x"),
            record("memory", "/sys/memory/x"),
            record("", "/sys/unified/x"),
        ])
    }

    fn paths(asked: &[&str]) -> Result<Vec<String>, String> {
        let asked: Vec<OsString> = asked.iter().map(Into::into).collect();
        let found = below(&records(), &asked).map_err(|error| error.to_string())?;
        let paths = found.0.into_iter();
        Ok(paths.map(|one| one.path.into_string().unwrap()).collect())
    }

    #[test]
    fn one_path_is_for_all_hierarchies() {
        let own = ["/sys/cpu/x", "/sys/memory/x", "/sys/unified/x"];
        for word in ["/", "", ".", "a/..", "//"] {
            assert_eq!(paths(&[word]).unwrap(), own, "{word}");
        }
        assert_eq!(paths(&[]).unwrap(), own);
        let lower = ["/sys/cpu/x/a/b", "/sys/memory/x/a/b", "/sys/unified/x/a/b"];
        assert_eq!(paths(&["/a//b/"]).unwrap(), lower);
    }

    #[test]
    fn controllers_have_paths_of_their_own() {
        let found = paths(&["memory:m", "cpu:c"]).unwrap();
        let expected = ["/sys/cpu/x/c", "/sys/memory/x/m", "/sys/unified/x"];
        assert_eq!(found, expected);
        assert_eq!(paths(&["cpu,cpuacct:c", "memory:m"]).unwrap(), expected);
    }

    #[test]
    fn what_leads_out_is_refused() {
        for (asked, text) in [
            (&[".."][..], "bad sub cgroup path"),
            (&["a/../.."], "bad sub cgroup path"),
            (&["memory:../y"], "bad sub cgroup path"),
            (&["whaaat:/"], "unknown controller whaaat"),
            (&["a", "b"], "missing <controller>: prefix"),
            (&[":a"], "empty <controller> prefix"),
            (&["cpu,:a"], "empty <controller> prefix"),
            (&["memory:a", "memory:b"], "specified multiple times"),
        ] {
            let error = paths(asked).unwrap_err();
            assert!(error.contains(text), "{asked:?}: {error}");
        }
    }
}
