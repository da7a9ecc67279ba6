//! Memory, and its large pages.

use super::{named, number, of_name, pressure, put, put_if_any, text};
use crate::cgroup::Directory;
use crate::json::Object;
use crate::oci::cgroup::open::Members;

/// A kind of memory: bytes, and how often the limit was reached.
#[derive(Default)]
struct Counted {
    limit: u64,
    usage: u64,
    peak: u64,
    failures: u64,
}

impl Counted {
    fn object(self) -> Object {
        let mut object = Object::new();
        put(&mut object, "limit", self.limit);
        put_if_any(&mut object, "usage", Some(self.usage));
        put_if_any(&mut object, "max", Some(self.peak));
        put(&mut object, "failcnt", self.failures);
        object
    }

    /// `memory`, or `memory.memsw` and so on.
    fn of_v1(directory: &Directory, name: &str) -> Self {
        let read = |what: &str| number(directory, &format!("{name}.{what}")).unwrap_or(0);
        Self {
            limit: read("limit_in_bytes"),
            usage: read("usage_in_bytes"),
            peak: read("max_usage_in_bytes"),
            failures: read("failcnt"),
        }
    }

    /// `memory`, or `memory.swap`.
    fn of_v2(directory: &Directory, name: &str) -> Self {
        let read = |what: &str| number(directory, &format!("{name}.{what}")).unwrap_or(0);
        Self {
            limit: read("max"),
            usage: read("current"),
            peak: read("peak"),
            failures: 0,
        }
    }
}

pub fn memory(members: &Members) -> Object {
    let mut object = Object::new();
    let (directory, is_v1) = match (members.of_v1("memory"), members.of_v2()) {
        (Some(v1), _) => (v1, true),
        (None, Some(v2)) => (v2, false),
        (None, None) => return object,
    };
    let stat = text(directory, "memory.stat").unwrap_or_default();
    let [usage, swap, kernel, sockets] = if is_v1 {
        ["memory", "memory.memsw", "memory.kmem", "memory.kmem.tcp"]
            .map(|name| Counted::of_v1(directory, name))
    } else {
        let memory = Counted::of_v2(directory, "memory");
        let mut swap = Counted::of_v2(directory, "memory.swap");
        // v1 counts both together.
        swap.usage = swap.usage.saturating_add(memory.usage);
        swap.limit = swap.limit.saturating_add(memory.limit);
        swap.peak = 0;
        [memory, swap, Counted::default(), Counted::default()]
    };
    let cache = of_name(&stat, if is_v1 { "cache" } else { "file" });
    put_if_any(&mut object, "cache", cache);
    for (name, counted) in [
        ("usage", usage),
        ("swap", swap),
        ("kernel", kernel),
        ("kernelTCP", sockets),
    ] {
        object.object(name, counted.object());
    }
    let mut raw = Object::new();
    named(&stat).for_each(|(name, number)| put(&mut raw, name, number));
    object.object("raw", raw);
    pressure(&mut object, members, "memory.pressure");
    object
}

/// Each size of large pages that this kernel has.
pub fn hugetlb(members: &Members) -> Object {
    let mut object = Object::new();
    let (directory, is_v1) = match (members.of_v1("hugetlb"), members.of_v2()) {
        (Some(v1), _) => (v1, true),
        (None, Some(v2)) => (v2, false),
        (None, None) => return object,
    };
    for size in sizes() {
        // Those that are reserved too, where the kernel counts them (5.7).
        let read = |what: &str| {
            let reserved = number(directory, &format!("hugetlb.{size}.rsvd.{what}"));
            reserved.or_else(|| number(directory, &format!("hugetlb.{size}.{what}")))
        };
        let usage = read(if is_v1 { "usage_in_bytes" } else { "current" });
        let Some(usage) = usage else { continue };
        let events = || text(directory, &format!("hugetlb.{size}.events"));
        let failures = match is_v1 {
            true => read("failcnt"),
            false => events().and_then(|events| of_name(&events, "max")),
        };
        let mut one = Object::new();
        put_if_any(&mut one, "usage", Some(usage));
        let peak = if is_v1 {
            read("max_usage_in_bytes")
        } else {
            None
        };
        put_if_any(&mut one, "max", peak);
        put(&mut one, "failcnt", failures.unwrap_or(0));
        object.object(&size, one);
    }
    object
}

/// As the kernel names its files: `2MB`.
fn sizes() -> Vec<String> {
    let Ok(entries) = std::fs::read_dir("/sys/kernel/mm/hugepages") else {
        return Vec::new();
    };
    let mut sizes: Vec<u64> = entries
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name();
            let size = name
                .to_str()?
                .strip_prefix("hugepages-")?
                .strip_suffix("kB")?;
            size.parse().ok()
        })
        .collect();
    sizes.sort_unstable();
    sizes.into_iter().map(size).collect()
}

fn size(kilobytes: u64) -> String {
    match kilobytes {
        0..1024 => format!("{kilobytes}KB"),
        1024..1_048_576 => format!("{}MB", kilobytes >> 10),
        _ => format!("{}GB", kilobytes >> 20),
    }
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn sizes_are_named_as_the_kernel_names_them() {
        for (kilobytes, name) in [
            (64, "64KB"),
            (2048, "2MB"),
            (32_768, "32MB"),
            (1 << 20, "1GB"),
        ] {
            assert_eq!(size(kilobytes), name);
        }
    }
}
