//! Which limits the kernel would not take, or not keep, as far as the cgroup above and the machine tell.

use super::Version;
use super::directory::{Directory, joined};
use super::fill;
use super::parent::Site;
use super::settings::Setting;
use crate::error::Error;
use crate::spec::limits::{NumberSet, PERIOD};
use crate::sys::{Errno, facts, kernel};
use std::ffi::CStr;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

/// Errors: those of a group that is made at `site` and called `name`, if one is sure.
#[cold]
#[inline(never)]
pub fn refuse(
    settings: &[Setting],
    version: Version,
    site: &Site,
    name: &CStr,
) -> Result<(), Error> {
    let own = joined(site.path(), name);
    let above = &site.nearest;
    for setting in settings {
        let own = &own;
        let there = |way: &&(&'static CStr, String)| {
            let (file, value) = way;
            has_file(above, version, file) && !is_of_another_scheduler(file, value)
        };
        let Some((file, value)) = setting.ways.iter().find(there) else {
            fill::not_there(setting, own).map_or(Ok(()), Err)?;
            continue;
        };
        if let Some(errno) = written((above, version), file, value, settings) {
            return Err(fill::not_written(setting, (own, file), value, errno));
        }
        if let (Some(file), Version::V2) = (setting.shown_by, version) {
            let granted = above.read(file).ok();
            let granted = granted.and_then(|list| granted_of(value, &list));
            if let Some(shown) = granted.filter(|shown| shown != value) {
                return Err(fill::not_granted(setting, value, &shown));
            }
        }
    }
    Ok(())
}

/// Whether a cgroup in `above` would have this file. The top of a hierarchy has fewer than those below it. If that
/// cannot be seen: yes.
fn has_file(above: &Directory, version: Version, file: &CStr) -> bool {
    let has = |directory: &Directory, file: &CStr| {
        let looked = facts::facts_of(directory.file().as_fd(), file);
        !matches!(looked, Err(Errno::ENOENT))
    };
    if has(above, file) {
        return true;
    }
    let lists = |list: &CStr| {
        let bytes = file.to_bytes();
        let controller = bytes.split(|byte| *byte == b'.').next().unwrap_or(bytes);
        let listed = above.read(list).unwrap_or_default();
        let mut names = listed.split(' ');
        names.any(|name| name.as_bytes() == controller)
    };
    let (is_first, is_v2) = (above.is_first() != Ok(false), version == Version::V2);
    if !is_first {
        // Of v2 it has those of the controllers that it has been given.
        return is_v2 && !lists(c"cgroup.controllers");
    }
    // Files of the same parts of the kernel that the top has.
    match file.to_bytes() {
        b"io.weight" => return has(above, c"io.cost.qos"),
        b"blkio.bfq.weight" | b"blkio.bfq.weight_device" => {
            return has(above, c"blkio.bfq.io_service_bytes");
        }
        // cfq's.
        b"blkio.weight" | b"blkio.weight_device" => return kernel::version() < (5, 0),
        _ => {}
    }
    if is_v2 && !lists(c"cgroup.subtree_control") {
        return true;
    }
    let children = above.children();
    let mut children = children.iter().filter_map(|name| above.child(name).ok());
    children.next().is_none_or(|child| has(&child, file))
}

/// Whether this is a weight of bfq's for a disk that has another scheduler (EOPNOTSUPP).
fn is_of_another_scheduler(file: &CStr, value: &str) -> bool {
    let file = file.to_bytes();
    let Some(disk) = disk(value) else {
        return false;
    };
    let schedulers = std::fs::read_to_string(disk.join("queue/scheduler"));
    matches!(file, b"blkio.bfq.weight_device" | b"io.bfq.weight")
        && schedulers.is_ok_and(|names| !names.contains("[bfq]"))
}

/// What the kernel shows of the disk that a value begins with, by its numbers.
fn disk(value: &str) -> Option<PathBuf> {
    let numbers = value.split(' ').next().filter(|word| word.contains(':'))?;
    Some(Path::new(DISKS).join(numbers))
}

const DISKS: &str = "/sys/dev/block";

/// The errno of a write of `value`, if it is sure.
fn written(
    (above, version): (&Directory, Version),
    file: &CStr,
    value: &str,
    settings: &[Setting],
) -> Option<Errno> {
    /// The kernel's PID_MAX_LIMIT, of 64 bits.
    const MOST_PROCESSES: u64 = 4 << 20;
    let is_v1 = version == Version::V1;
    match file.to_bytes() {
        b"pids.max" => (value.parse::<u64>().ok()? > MOST_PROCESSES).then_some(Errno::EINVAL),
        b"cpuset.cpus" => {
            let possible = possible("cpu")?;
            let most = largest(&possible)? + 1;
            set((above, is_v1), file, value, (most, &possible))
        }
        b"cpuset.mems" => {
            let possible = possible("node").unwrap_or_default();
            set((above, is_v1), file, value, (nodes()?, &possible))
        }
        b"cpu.cfs_quota_us" if is_v1 => quota(above, value, settings),
        name if name.starts_with(b"blkio.") || name.starts_with(b"io.") => device(value),
        _ => None,
    }
}

/// Of a cpuset. The kernel reads as many bits as it has room for (ERANGE), and takes those of its topmost cpuset
/// (EINVAL): of v2, what is `possible`. v1 wants those of the cgroup above besides (EACCES).
fn set(
    (above, is_v1): (&Directory, bool),
    file: &CStr,
    value: &str,
    (most, possible): (u32, &str),
) -> Option<Errno> {
    if largest(value)? >= most {
        return Some(Errno::ERANGE);
    }
    if !is_v1 {
        return (!lies_in(value, possible)?).then_some(Errno::EINVAL);
    }
    let top = above.top()?.read(file).ok()?;
    if !lies_in(value, &top)? {
        return Some(Errno::EINVAL);
    }
    let held = above.read(file).ok()?;
    (!lies_in(value, &held)?).then_some(Errno::EACCES)
}

/// The processors or memory nodes that the machine can ever have, as a list.
fn possible(kind: &str) -> Option<String> {
    let list = std::fs::read_to_string(format!("/sys/devices/system/{kind}/possible"));
    list.ok().map(|list| list.trim_ascii_end().to_owned())
}

/// What v2 grants of `asked`, below a cgroup that has `held`: what both have, or all of that.
fn granted_of(asked: &str, held: &str) -> Option<String> {
    let (asked, had) = (numbers(asked)?, numbers(held)?);
    let common = asked.common(&had).unwrap_or(had);
    Some(common.to_string())
}

fn numbers(list: &str) -> Option<NumberSet> {
    NumberSet::new(list.as_bytes())
}

fn lies_in(list: &str, held: &str) -> Option<bool> {
    let (list, held) = (numbers(list)?, numbers(held)?);
    Some(list.common(&held).is_some_and(|common| common == list))
}

fn largest(list: &str) -> Option<u32> {
    let ends = list.split([',', '-']);
    ends.filter_map(|end| end.parse().ok()).max()
}

/// How many memory nodes the kernel has room for, by the digits that it shows of the set.
fn nodes() -> Option<u32> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let mut lines = status.lines();
    let mask = lines.find_map(|line| line.strip_prefix("Mems_allowed:"))?;
    let digits = mask.bytes().filter(u8::is_ascii_hexdigit).count();
    u32::try_from(digits * 4).ok()
}

/// v1: no cgroup has a larger part of a processor's time than the nearest one above it that is limited.
fn quota(above: &Directory, value: &str, settings: &[Setting]) -> Option<Errno> {
    let period = |settings: &[Setting]| {
        let mut ways = settings.iter().flat_map(|setting| &setting.ways);
        ways.find_map(|(file, value)| {
            (*file == c"cpu.cfs_period_us").then(|| value.parse::<u128>().ok())?
        })
    };
    let asked = value.parse::<u128>().ok()?;
    let asked_period = period(settings).unwrap_or(u128::from(PERIOD));
    let number = |directory: &Directory, file| directory.read(file).ok()?.parse::<i128>().ok();
    let limited =
        above.find_upwards(|directory| number(directory, c"cpu.cfs_quota_us") > Some(0))?;
    let most = u128::try_from(number(&limited, c"cpu.cfs_quota_us")?).ok()?;
    let its_period = u128::try_from(number(&limited, c"cpu.cfs_period_us")?).ok()?;
    // As the kernel counts, with 20 bits behind the point (to_ratio).
    let ratio = |quota: u128, period: u128| (quota << 20).checked_div(period);
    (ratio(asked, asked_period)? > ratio(most, its_period)?).then_some(Errno::EINVAL)
}

/// Of a disk, which begins with its numbers: there is none behind them, or it is a part of one.
fn device(value: &str) -> Option<Errno> {
    let disk = disk(value)?;
    let is_none = Path::new(DISKS).exists() && !disk.exists();
    (is_none || disk.join("partition").exists()).then_some(Errno::ENODEV)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_v2_grants() {
        for (asked, held, granted) in [
            ("0-99", "0-1", "0-1"),
            ("1", "0-3", "1"),
            ("2-5,9", "0-3,8-9", "2-3,9"),
            ("7", "0-3", "0-3"),
        ] {
            assert_eq!(granted_of(asked, held).as_deref(), Some(granted));
        }
        assert_eq!(lies_in("1-2", "0-3"), Some(true));
        assert_eq!(lies_in("1-4", "0-3"), Some(false));
        assert_eq!(largest("0-3,17,5"), Some(17));
    }
}
