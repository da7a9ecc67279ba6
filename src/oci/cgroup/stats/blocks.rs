//! What was read from disks and written to them.

use super::{pressure, put_if_any, text};
use crate::json::{Array, Object};
use crate::oci::cgroup::open::Members;

/// What runc calls a count, and the file of it; more of them are there where the kernel was built to look closely.
type Count = (&'static str, &'static str);

/// By scheduler: the first of which the first file is there.
const FILES: [&[Count]; 5] = [
    &[
        ("sectorsRecursive", "blkio.bfq.sectors_recursive"),
        (
            "ioServiceTimeRecursive",
            "blkio.bfq.io_service_time_recursive",
        ),
        ("ioWaitTimeRecursive", "blkio.bfq.io_wait_time_recursive"),
        ("ioMergedRecursive", "blkio.bfq.io_merged_recursive"),
        ("ioQueueRecursive", "blkio.bfq.io_queued_recursive"),
        ("ioTimeRecursive", "blkio.bfq.time_recursive"),
        ("ioServicedRecursive", "blkio.bfq.io_serviced_recursive"),
        (
            "ioServiceBytesRecursive",
            "blkio.bfq.io_service_bytes_recursive",
        ),
    ],
    &[
        ("ioServicedRecursive", "blkio.bfq.io_serviced_recursive"),
        (
            "ioServiceBytesRecursive",
            "blkio.bfq.io_service_bytes_recursive",
        ),
    ],
    &[
        ("sectorsRecursive", "blkio.sectors_recursive"),
        ("ioServiceTimeRecursive", "blkio.io_service_time_recursive"),
        ("ioWaitTimeRecursive", "blkio.io_wait_time_recursive"),
        ("ioMergedRecursive", "blkio.io_merged_recursive"),
        ("ioQueueRecursive", "blkio.io_queued_recursive"),
        ("ioTimeRecursive", "blkio.time_recursive"),
        ("ioServicedRecursive", "blkio.io_serviced_recursive"),
        (
            "ioServiceBytesRecursive",
            "blkio.io_service_bytes_recursive",
        ),
    ],
    &[
        (
            "ioServicedRecursive",
            "blkio.throttle.io_serviced_recursive",
        ),
        (
            "ioServiceBytesRecursive",
            "blkio.throttle.io_service_bytes_recursive",
        ),
    ],
    &[
        ("ioServicedRecursive", "blkio.throttle.io_serviced"),
        ("ioServiceBytesRecursive", "blkio.throttle.io_service_bytes"),
    ],
];

pub fn blkio(members: &Members) -> Object {
    let mut object = Object::new();
    match (members.of_v1("blkio"), members.of_v2()) {
        (Some(v1), _) => {
            // One that has nothing to tell is as none: another scheduler has done the work.
            for files in FILES {
                let read = files.iter();
                let read = read.map(|(name, file)| (*name, text(v1, file).unwrap_or_default()));
                let found: Vec<_> = read.collect();
                let is_it = |(_, text): &(&str, String)| !entries_of_v1(text).is_empty();
                if found.first().is_some_and(is_it) {
                    for (name, text) in &found {
                        put(&mut object, name, entries_of_v1(text));
                    }
                    break;
                }
            }
        }
        (None, Some(v2)) => {
            let stat = text(v2, "io.stat").unwrap_or_default();
            for (name, keys) in [
                (
                    "ioServiceBytesRecursive",
                    [("rbytes", "Read"), ("wbytes", "Write")],
                ),
                ("ioServicedRecursive", [("rios", "Read"), ("wios", "Write")]),
            ] {
                put(&mut object, name, entries_of_v2(&stat, keys));
            }
        }
        (None, None) => {}
    }
    pressure(&mut object, members, "io.pressure");
    object
}

#[derive(Debug, PartialEq, Eq)]
struct Entry<'a> {
    major: u64,
    minor: u64,
    what: &'a str,
    value: u64,
}

/// `8:0 Read 4096`, or `8:0 4096`; a sum of all disks has no numbers.
fn entries_of_v1(text: &str) -> Vec<Entry<'_>> {
    let entries = text.lines().filter_map(|line| {
        let (device, rest) = line.split_once(' ')?;
        let (major, minor) = device.split_once(':')?;
        let (what, value) = rest.split_once(' ').unwrap_or(("", rest));
        Some(Entry {
            major: major.parse().ok()?,
            minor: minor.parse().ok()?,
            what,
            value: value.parse().ok()?,
        })
    });
    entries.collect()
}

/// `8:0 rbytes=4096 wbytes=0 …`
fn entries_of_v2<'a>(stat: &str, keys: [(&str, &'a str); 2]) -> Vec<Entry<'a>> {
    let entries = stat.lines().flat_map(|line| {
        let mut words = line.split(' ');
        let device = words.next().and_then(|device| {
            let (major, minor) = device.split_once(':')?;
            Some((major.parse().ok()?, minor.parse().ok()?))
        });
        let words = words.filter_map(move |word| {
            let (key, value) = word.split_once('=')?;
            let (_, what) = keys.iter().find(|(name, _)| *name == key)?;
            let (major, minor) = device?;
            Some(Entry {
                major,
                minor,
                what,
                value: value.parse().ok()?,
            })
        });
        words.collect::<Vec<_>>()
    });
    entries.collect()
}

fn put(object: &mut Object, name: &str, entries: Vec<Entry<'_>>) {
    if entries.is_empty() {
        return;
    }
    let mut array = Array::default();
    for entry in entries {
        let mut one = Object::new();
        put_if_any(&mut one, "major", Some(entry.major));
        put_if_any(&mut one, "minor", Some(entry.minor));
        if !entry.what.is_empty() {
            one.text("op", entry.what.as_bytes());
        }
        put_if_any(&mut one, "value", Some(entry.value));
        array.push(one);
    }
    object.array(name, array);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_entries() {
        let text = "8:0 Read 4096\n8:16 5\nTotal 4096\n";
        let entry = |minor, what, value| Entry {
            major: 8,
            minor,
            what,
            value,
        };
        assert_eq!(
            entries_of_v1(text),
            [entry(0, "Read", 4096), entry(16, "", 5)]
        );
        let stat = "8:0 rbytes=4096 wbytes=1 rios=2 wios=3 dbytes=0 dios=0\n8:16 rbytes=7";
        assert_eq!(
            entries_of_v2(stat, [("rbytes", "Read"), ("wbytes", "Write")]),
            [
                entry(0, "Read", 4096),
                entry(0, "Write", 1),
                entry(16, "Read", 7)
            ]
        );
        let mut object = Object::new();
        put(&mut object, "a", entries_of_v1("8:0 Read 0"));
        put(&mut object, "b", Vec::new());
        assert_eq!(object.finish(), r#"{"a":[{"major":8,"op":"Read"}]}"#);
    }
}
