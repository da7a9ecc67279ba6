//! What a container's cgroups count: `events --stats`, with the names that runc gives it. A number that is 0 is left out in
//! most places, as runc leaves it out.

mod blocks;
mod memory;
mod processors;

use super::open::Members;
use super::record::Records;
use crate::cgroup::Directory;
use crate::error::Error;
use crate::json::{Object, Value};
use std::ffi::CString;

impl Records {
    /// Errors: a cgroup is gone.
    #[cold]
    #[inline(never)]
    pub fn stats(&self) -> Result<Object, Error> {
        let members = Members::open(self)?;
        let mut stats = Object::new();
        stats.object("cpu", processors::cpu(&members));
        stats.object("cpuset", processors::cpuset(&members));
        stats.object("memory", memory::memory(&members));
        stats.object("pids", pids(&members));
        stats.object("blkio", blocks::blkio(&members));
        stats.object("hugetlb", memory::hugetlb(&members));
        stats.object("intel_rdt", Object::new());
        stats.null("network_interfaces");
        Ok(stats)
    }
}

/// The text of a file; nothing, if there is none.
fn text(directory: &Directory, file: &str) -> Option<String> {
    directory.read(&CString::new(file).ok()?).ok()
}

/// The number in a file. `max` is as large as can be, as runc has it.
fn number(directory: &Directory, file: &str) -> Option<u64> {
    match text(directory, file)?.as_str() {
        "max" => Some(u64::MAX),
        number => number.parse().ok(),
    }
}

/// The lines `name number` of a file.
fn named(text: &str) -> impl Iterator<Item = (&str, u64)> {
    let pairs = text.lines().filter_map(|line| line.split_once(' '));
    pairs.filter_map(|(name, number)| Some((name, number.trim().parse().ok()?)))
}

fn of_name(text: &str, name: &str) -> Option<u64> {
    named(text)
        .find(|(other, _)| *other == name)
        .map(|(_, number)| number)
}

fn put(object: &mut Object, name: &str, number: u64) {
    object.value(name, &Value::Number(number.into()));
}

/// A number that is left out if it is 0.
fn put_if_any(object: &mut Object, name: &str, number: Option<u64>) {
    if let Some(number) = number.filter(|number| *number != 0) {
        put(object, name, number);
    }
}

fn put_list(object: &mut Object, name: &str, numbers: &[u64]) {
    if !numbers.is_empty() {
        let numbers = numbers.iter().map(|number| Value::Number((*number).into()));
        object.value(name, &Value::List(numbers.collect()));
    }
}

fn pids(members: &Members) -> Object {
    let mut object = Object::new();
    let Some(directory) = members.of_v1("pids").or(members.of_v2()) else {
        return object;
    };
    let counted = number(directory, "pids.current");
    // Without the controller of v2.
    let listed = || Some(text(directory, "cgroup.procs")?.lines().count() as u64);
    put_if_any(&mut object, "current", counted.or_else(listed));
    let limit = number(directory, "pids.max");
    put_if_any(
        &mut object,
        "limit",
        limit.filter(|limit| *limit != u64::MAX),
    );
    object
}

/// How long processes have waited for something (Documentation/accounting/psi.rst), of v2.
fn pressure(object: &mut Object, members: &Members, file: &str) {
    let lines = members.of_v2().filter(|_| !members.has_any_of_v1());
    let Some(lines) = lines.and_then(|directory| text(directory, file)) else {
        return;
    };
    let mut psi = Object::new();
    for line in lines.lines() {
        // some avg10=0.00 avg60=0.00 avg300=0.00 total=0
        let mut words = line.split(' ');
        let Some(kind) = words.next() else { continue };
        let mut one = Object::new();
        for (name, value) in words.filter_map(|word| word.split_once('=')) {
            one.decimal(name, value);
        }
        psi.object(kind, one);
    }
    object.object("psi", psi);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_names_and_numbers() {
        let text = "cache 5\nrss 0\nhierarchical_memory_limit 9223372036854771712\nbad x\n";
        assert_eq!(of_name(text, "cache"), Some(5));
        assert_eq!(of_name(text, "rss"), Some(0));
        assert_eq!(of_name(text, "bad"), None);
        assert_eq!(named(text).count(), 3);
    }

    #[test]
    fn the_numbers_of_none_are_left_out() {
        let mut object = Object::new();
        put_if_any(&mut object, "a", Some(0));
        put_if_any(&mut object, "b", None);
        put_if_any(&mut object, "c", Some(u64::MAX));
        put(&mut object, "d", 0);
        put_list(&mut object, "e", &[]);
        put_list(&mut object, "f", &[1, 2]);
        let text = r#"{"c":18446744073709551615,"d":0,"f":[1,2]}"#;
        assert_eq!(object.finish(), text);
    }
}
