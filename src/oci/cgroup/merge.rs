//! `update`: what a container may use, with what is asked of it anew.

use crate::json::Value;
use crate::oci::config::{BlockIo, Cpu, Memory, Resources, Throttled};

/// What becomes of limits when others are asked for.
#[derive(Debug, PartialEq, Eq)]
pub struct Merged {
    /// What is to be written to files: what is asked, with what has to be known of the others for it.
    pub written: Resources,
    /// All, for the next update.
    pub kept: Resources,
}

/// What is not asked stays.
pub fn merge(before: &Resources, asked: &Resources) -> Merged {
    let memory = memory(before.memory, asked.memory);
    let cpu = cpu(&before.cpu, &asked.cpu);
    let block_io = block_io(&before.block_io, &asked.block_io);
    let mut kept = Resources {
        memory,
        cpu,
        block_io,
        processes: asked.processes.or(before.processes),
        ..before.clone()
    };
    put_all(&mut kept.huge_pages, &asked.huge_pages);
    put_all(&mut kept.network.priorities, &asked.network.priorities);
    put_all(&mut kept.unified, &asked.unified);
    kept.network.class = asked.network.class.or(before.network.class);
    let mut written = Resources {
        memory: if asked.memory == Memory::default() {
            Memory::default()
        } else {
            Memory {
                swappiness: asked.memory.swappiness,
                disable_oom_killer: asked.memory.disable_oom_killer,
                ..memory
            }
        },
        cpu: asked.cpu.clone(),
        ..asked.clone()
    };
    // Each of the two is written with the other.
    let is_given = |number: Option<i64>| number.is_some_and(|number| number != 0);
    if is_given(asked.cpu.quota) || asked.cpu.period.is_some_and(|period| period != 0) {
        (written.cpu.quota, written.cpu.period) = (kept.cpu.quota, kept.cpu.period);
    }
    written.devices.clear();
    Merged { written, kept }
}

fn memory(before: Memory, asked: Memory) -> Memory {
    Memory {
        limit: asked.limit.or(before.limit),
        reservation: asked.reservation.or(before.reservation),
        // Who has no limit of memory any more has none of swap that would count from it.
        swap: match (asked.limit, asked.swap) {
            (Some(-1), None) => None,
            (_, swap) => swap.or(before.swap),
        },
        swappiness: asked.swappiness.or(before.swappiness),
        disable_oom_killer: asked.disable_oom_killer.or(before.disable_oom_killer),
        check_before_update: asked.check_before_update.or(before.check_before_update),
        ..before
    }
}

fn cpu(before: &Cpu, asked: &Cpu) -> Cpu {
    let list = |asked: &Option<String>, before: &Option<String>| {
        let asked = asked.clone().filter(|list| !list.is_empty());
        asked.or(before.clone())
    };
    let nonzero =
        |asked: Option<u64>, before: Option<u64>| asked.filter(|asked| *asked != 0).or(before);
    Cpu {
        // An idle cgroup has no weight.
        shares: match (asked.idle, asked.shares) {
            (Some(_), None) => None,
            (_, shares) => shares.or(before.shares),
        },
        quota: asked.quota.filter(|quota| *quota != 0).or(before.quota),
        burst: asked.burst.or(before.burst),
        period: nonzero(asked.period, before.period),
        realtime_runtime: asked.realtime_runtime.or(before.realtime_runtime),
        realtime_period: nonzero(asked.realtime_period, before.realtime_period),
        processors: list(&asked.processors, &before.processors),
        memory_nodes: list(&asked.memory_nodes, &before.memory_nodes),
        idle: asked.idle.or(before.idle),
    }
}

fn block_io(before: &BlockIo, asked: &BlockIo) -> BlockIo {
    let mut io = before.clone();
    io.weight = asked.weight.or(io.weight);
    io.leaf_weight = asked.leaf_weight.or(io.leaf_weight);
    for new in &asked.weights {
        match io.weights.iter_mut().rfind(|old| old.device == new.device) {
            Some(old) => {
                old.weight = new.weight.or(old.weight);
                old.leaf_weight = new.leaf_weight.or(old.leaf_weight);
            }
            None => io.weights.push(*new),
        }
    }
    for new in &asked.throttles {
        let mut old = io.throttles.iter_mut();
        match old.rfind(|old| (old.device, old.of) == (new.device, new.of)) {
            Some(old) => old.rate = new.rate,
            None => io.throttles.push(*new),
        }
    }
    io
}

/// Each instead of the one of its name.
fn put_all<T: Clone>(all: &mut Vec<(String, T)>, new: &[(String, T)]) {
    for (name, value) in new {
        match all.iter_mut().find(|(old, _)| old == name) {
            Some((_, old)) => old.clone_from(value),
            None => all.push((name.clone(), value.clone())),
        }
    }
}

fn object<const N: usize>(members: [(&str, Option<Value>); N]) -> Value {
    let given = members.into_iter();
    let given = given.filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Value::Object(given.collect())
}

fn number(number: Option<impl Into<i128>>) -> Option<Value> {
    number.map(|number| Value::Number(number.into()))
}

fn list<T>(items: &[T], item: impl Fn(&T) -> Value) -> Option<Value> {
    (!items.is_empty()).then(|| Value::List(items.iter().map(item).collect()))
}

/// All but the devices, as config.json has it.
#[cold]
#[inline(never)]
pub fn to_json(resources: &Resources) -> Value {
    let Resources {
        memory,
        cpu,
        block_io,
        ..
    } = resources;
    let text = |text: &Option<String>| text.clone().map(Value::Text);
    let memory = object([
        ("limit", number(memory.limit)),
        ("reservation", number(memory.reservation)),
        ("swap", number(memory.swap)),
        ("swappiness", number(memory.swappiness)),
        (
            "disableOOMKiller",
            memory.disable_oom_killer.map(Value::Boolean),
        ),
        (
            "checkBeforeUpdate",
            memory.check_before_update.map(Value::Boolean),
        ),
    ]);
    let cpu = object([
        ("shares", number(cpu.shares)),
        ("quota", number(cpu.quota)),
        ("burst", number(cpu.burst)),
        ("period", number(cpu.period)),
        ("realtimeRuntime", number(cpu.realtime_runtime)),
        ("realtimePeriod", number(cpu.realtime_period)),
        ("cpus", text(&cpu.processors)),
        ("mems", text(&cpu.memory_nodes)),
        ("idle", number(cpu.idle)),
    ]);
    let pages = list(&resources.huge_pages, |(size, limit)| {
        object([
            ("pageSize", Some(Value::Text(size.clone()))),
            ("limit", number(Some(*limit))),
        ])
    });
    let priorities = list(&resources.network.priorities, |(name, priority)| {
        object([
            ("name", Some(Value::Text(name.clone()))),
            ("priority", number(Some(*priority))),
        ])
    });
    let unified = resources.unified.iter();
    let unified = unified.map(|(name, value)| (name.clone(), Value::Text(value.clone())));
    object([
        ("memory", Some(memory)),
        ("cpu", Some(cpu)),
        (
            "pids",
            resources
                .processes
                .map(|limit| object([("limit", number(Some(limit)))])),
        ),
        ("blockIO", Some(block_io_to_json(block_io))),
        ("hugepageLimits", pages),
        (
            "network",
            Some(object([
                ("classID", number(resources.network.class)),
                ("priorities", priorities),
            ])),
        ),
        ("unified", Some(Value::Object(unified.collect()))),
    ])
}

fn block_io_to_json(io: &BlockIo) -> Value {
    let throttles = |of: Throttled| {
        let those = io.throttles.iter().filter(|one| one.of == of);
        let those: Vec<_> = those.collect();
        list(&those, |one| {
            object([
                ("major", number(Some(one.device.major))),
                ("minor", number(Some(one.device.minor))),
                ("rate", number(Some(one.rate))),
            ])
        })
    };
    object([
        ("weight", number(io.weight)),
        ("leafWeight", number(io.leaf_weight)),
        (
            "weightDevice",
            list(&io.weights, |one| {
                object([
                    ("major", number(Some(one.device.major))),
                    ("minor", number(Some(one.device.minor))),
                    ("weight", number(one.weight)),
                    ("leafWeight", number(one.leaf_weight)),
                ])
            }),
        ),
        ("throttleReadBpsDevice", throttles(Throttled::ReadBytes)),
        ("throttleWriteBpsDevice", throttles(Throttled::WriteBytes)),
        (
            "throttleReadIOPSDevice",
            throttles(Throttled::ReadOperations),
        ),
        (
            "throttleWriteIOPSDevice",
            throttles(Throttled::WriteOperations),
        ),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oci::config::read_resources;

    fn read(text: &str) -> Resources {
        read_resources(text.as_bytes()).unwrap()
    }

    #[test]
    fn what_is_not_asked_stays_and_is_not_written() {
        let before = read(
            r#"{"memory":{"limit":100,"swap":200,"reservation":50},"cpu":{"shares":512,"quota":1000,"period":5000,
                "cpus":"0"},"pids":{"limit":7},"unified":{"a.b":"1","c.d":"2"}}"#,
        );
        for (asked, written, kept) in [
            ("{}", "{}", ""),
            (
                r#"{"pids":{"limit":9}}"#,
                r#"{"pids":{"limit":9}}"#,
                r#""pids":{"limit":9}"#,
            ),
            (
                r#"{"memory":{"limit":150}}"#,
                r#"{"memory":{"limit":150,"swap":200,"reservation":50}}"#,
                r#""memory":{"limit":150,"reservation":50,"swap":200}"#,
            ),
            (
                r#"{"memory":{"limit":-1}}"#,
                r#"{"memory":{"limit":-1,"reservation":50}}"#,
                r#""memory":{"limit":-1,"reservation":50}"#,
            ),
            (
                r#"{"cpu":{"quota":2000}}"#,
                r#"{"cpu":{"quota":2000,"period":5000}}"#,
                r#""quota":2000,"period":5000"#,
            ),
            (
                r#"{"cpu":{"idle":1}}"#,
                r#"{"cpu":{"idle":1}}"#,
                r#""cpu":{"quota":1000,"#,
            ),
            (
                r#"{"cpu":{"cpus":"1"}}"#,
                r#"{"cpu":{"cpus":"1"}}"#,
                r#""cpus":"1""#,
            ),
            (
                r#"{"unified":{"c.d":"3"}}"#,
                r#"{"unified":{"c.d":"3"}}"#,
                r#""unified":{"a.b":"1","c.d":"3"}"#,
            ),
        ] {
            let merged = merge(&before, &read(asked));
            assert_eq!(merged.written, read(written), "{asked}");
            let text = to_json(&merged.kept).compact();
            assert!(text.contains(kept), "{asked}: {text}");
        }
    }

    #[test]
    fn disks_are_put_instead_of_themselves() {
        let before = read(
            r#"{"blockIO":{"weight":10,"weightDevice":[{"major":8,"minor":0,"weight":20,"leafWeight":30}],
                "throttleReadBpsDevice":[{"major":8,"minor":0,"rate":1}]}}"#,
        );
        let asked = read(
            r#"{"blockIO":{"weightDevice":[{"major":8,"minor":0,"weight":50},{"major":8,"minor":1,"weight":60}],
                "throttleReadBpsDevice":[{"major":8,"minor":0,"rate":2}],
                "throttleWriteIOPSDevice":[{"major":8,"minor":0,"rate":3}]}}"#,
        );
        let kept = to_json(&merge(&before, &asked).kept).compact();
        for part in [
            r#""weight":10"#,
            r#"{"major":8,"minor":0,"weight":50,"leafWeight":30},{"major":8,"minor":1,"weight":60}"#,
            r#""throttleReadBpsDevice":[{"major":8,"minor":0,"rate":2}]"#,
            r#""throttleWriteIOPSDevice":[{"major":8,"minor":0,"rate":3}]"#,
        ] {
            assert!(kept.contains(part), "{kept}");
        }
    }

    #[test]
    fn what_is_kept_is_read_again() {
        let all = read(
            r#"{"memory":{"limit":1,"reservation":2,"swap":3,"swappiness":4,"disableOOMKiller":true,
                "checkBeforeUpdate":true},"cpu":{"shares":1024,"quota":-1,"burst":3,"period":4,"realtimeRuntime":5,
                "realtimePeriod":6,"cpus":"0-1","mems":"0","idle":1},"pids":{"limit":7},"blockIO":{"weight":10,
                "leafWeight":11,"weightDevice":[{"major":8,"minor":0,"weight":20,"leafWeight":30}],
                "throttleWriteBpsDevice":[{"major":8,"minor":0,"rate":1}]},"hugepageLimits":[{"pageSize":"2MB",
                "limit":9}],"network":{"classID":5,"priorities":[{"name":"lo","priority":6}]},"unified":{"a.b":"c"}}"#,
        );
        assert_eq!(read(&to_json(&all).compact()), all);
    }
}
