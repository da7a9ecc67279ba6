//! Processor time, and the processors.

use super::{number, of_name, pressure, put, put_if_any, put_list, text};
use crate::cgroup::Directory;
use crate::json::{Object, Value};
use crate::oci::cgroup::open::Members;

pub fn cpu(members: &Members) -> Object {
    let mut usage = Object::new();
    let mut throttling = Object::new();
    match (members.of_v1("cpuacct"), members.of_v2()) {
        (Some(v1), _) => usage_of_v1(&mut usage, v1),
        (None, Some(v2)) => usage_of_v2(&mut usage, v2),
        (None, None) => {}
    }
    let (stat, time) = match (members.of_v1("cpu"), members.of_v2()) {
        (Some(v1), _) => (text(v1, "cpu.stat"), ("throttled_time", 1)),
        (None, v2) => (
            v2.and_then(|v2| text(v2, "cpu.stat")),
            ("throttled_usec", 1000),
        ),
    };
    let stat = stat.unwrap_or_default();
    put_if_any(&mut throttling, "periods", of_name(&stat, "nr_periods"));
    put_if_any(
        &mut throttling,
        "throttledPeriods",
        of_name(&stat, "nr_throttled"),
    );
    let throttled = of_name(&stat, time.0).map(|number| number.saturating_mul(time.1));
    put_if_any(&mut throttling, "throttledTime", throttled);
    let mut cpu = Object::new();
    cpu.object("usage", usage);
    cpu.object("throttling", throttling);
    pressure(&mut cpu, members, "cpu.pressure");
    cpu
}

/// Of a second; the kernel tells v1 nothing finer (USER_HZ).
const TICK: u64 = 10_000_000;

fn usage_of_v1(usage: &mut Object, directory: &Directory) {
    put_if_any(usage, "total", number(directory, "cpuacct.usage"));
    let each = text(directory, "cpuacct.usage_percpu").unwrap_or_default();
    let each: Vec<u64> = each.split(' ').filter_map(|one| one.parse().ok()).collect();
    put_list(usage, "percpu", &each);
    // cpu user system
    let all = text(directory, "cpuacct.usage_all").unwrap_or_default();
    let column = |column| {
        let lines = all.lines().skip(1);
        let words = lines.filter_map(|line| line.split(' ').nth(column)?.parse().ok());
        words.collect::<Vec<u64>>()
    };
    put_list(usage, "percpu_kernel", &column(2));
    put_list(usage, "percpu_user", &column(1));
    let stat = text(directory, "cpuacct.stat").unwrap_or_default();
    let ticks = |name| of_name(&stat, name).unwrap_or(0).saturating_mul(TICK);
    put(usage, "kernel", ticks("system"));
    put(usage, "user", ticks("user"));
}

fn usage_of_v2(usage: &mut Object, directory: &Directory) {
    let stat = text(directory, "cpu.stat").unwrap_or_default();
    let time = |name| of_name(&stat, name).map(|number| number.saturating_mul(1000));
    put_if_any(usage, "total", time("usage_usec"));
    put(usage, "kernel", time("system_usec").unwrap_or(0));
    put(usage, "user", time("user_usec").unwrap_or(0));
}

/// Of v1 alone, as runc tells it.
pub fn cpuset(members: &Members) -> Object {
    let mut object = Object::new();
    let directory = members.of_v1("cpuset");
    let text =
        |name: &str| directory.and_then(|directory| text(directory, &format!("cpuset.{name}")));
    let flag = |object: &mut Object, name: &str| {
        let number = text(name).and_then(|text| text.parse().ok());
        put(object, name, number.unwrap_or(0));
    };
    put_list(
        &mut object,
        "cpus",
        &numbers(&text("cpus").unwrap_or_default()),
    );
    flag(&mut object, "cpu_exclusive");
    put_list(
        &mut object,
        "mems",
        &numbers(&text("mems").unwrap_or_default()),
    );
    for name in [
        "mem_hardwall",
        "mem_exclusive",
        "memory_migrate",
        "memory_spread_page",
        "memory_spread_slab",
        "memory_pressure",
        "sched_load_balance",
    ] {
        flag(&mut object, name);
    }
    let level = text("sched_relax_domain_level").and_then(|text| text.parse::<i64>().ok());
    object.value(
        "sched_relax_domain_level",
        &Value::Number(level.unwrap_or(0).into()),
    );
    object
}

/// The numbers of a list, as `0-2,5`.
fn numbers(list: &str) -> Vec<u64> {
    let mut numbers = Vec::new();
    for part in list.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        if let (Ok(first), Ok(last)) = (first.parse::<u16>(), last.parse::<u16>()) {
            numbers.extend((first..=last).map(u64::from));
        }
    }
    numbers
}

#[cfg(test)]
mod tests {
    use super::numbers;

    #[test]
    fn lists_are_numbers() {
        for (list, expected) in [
            ("", &[][..]),
            ("0", &[0]),
            ("0-2,5", &[0, 1, 2, 5]),
            ("7,9-10", &[7, 9, 10]),
        ] {
            assert_eq!(numbers(list), expected, "{list}");
        }
    }
}
