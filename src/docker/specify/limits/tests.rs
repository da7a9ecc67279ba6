//! Limits as they are typed.

use crate::docker::{Caller, RunArgs, specify::specify};
use crate::field::Field;
use crate::spec::Timeout;
use crate::spec::limits::{CgroupPath, DeviceLimit, Limits, NumberSet, Quota, Swap, Traffic};
use std::time::Duration;

fn limits(words: &[(&'static str, &str)]) -> Result<Option<Limits>, String> {
    let limits = words.iter().map(|(name, value)| (*name, value.into()));
    let arguments = RunArgs {
        limits: limits.collect(),
        command: vec!["true".into()],
        ..RunArgs::default()
    };
    specify(&arguments, &Caller::bare(0))
        .map(|spec| spec.limits)
        .map_err(|error| error.to_string())
}

#[test]
fn what_asks_for_nothing_needs_no_cgroup() {
    for words in [
        &[][..],
        &[("memory", "-1")],
        &[("memory", "0"), ("memory-swap", "-1")],
        &[("pids-limit", "-1")],
        &[("pids-limit", "0"), ("cpus", "0"), ("cpu-shares", "0")],
        &[("memory", "64m"), ("memory", "-1")],
    ] {
        assert_eq!(limits(words), Ok(None), "{words:?}");
    }
}

#[test]
fn values() {
    let found = limits(&[
        ("memory", "64m"),
        ("memory-swap", "-1"),
        ("memory-reservation", "32m"),
        ("cpus", "0.5"),
        ("cpu-shares", "512"),
        ("cpuset-cpus", "1,0"),
        ("cpuset-mems", "0"),
        ("pids-limit", "100"),
        ("blkio-weight", "500"),
        ("device-read-bps", "/dev/sda:1mb"),
        ("device-write-iops", "/dev/a:b:7"),
        ("cpu-time", "1.5"),
        ("cgroup-parent", "/a/b/"),
    ]);
    let expected = Limits {
        memory: Some(64 << 20),
        swap: Swap::Unlimited,
        reservation: Some(32 << 20),
        quota: Some(Quota {
            field: Field::Cpus,
            time: 50_000,
        }),
        period: None,
        shares: Some(512),
        processors: NumberSet::new(b"0-1"),
        nodes: NumberSet::new(b"0"),
        processes: Some(100),
        weight: Some(500),
        devices: vec![
            DeviceLimit {
                traffic: Traffic::ReadBytes,
                path: c"/dev/sda".into(),
                rate: 1 << 20,
            },
            DeviceLimit {
                traffic: Traffic::WriteOperations,
                path: c"/dev/a:b".into(),
                rate: 7,
            },
        ],
        cpu_time: Some(Duration::from_millis(1500)),
        is_counted: false,
        is_kept: false,
        parent: CgroupPath::new(b"a/b"),
    };
    assert_eq!(found, Ok(Some(expected)));
}

#[test]
fn quotas_and_periods() {
    let found = limits(&[("cpu-quota", "25000"), ("cpu-period", "50000")]);
    let expected = Limits {
        quota: Some(Quota {
            field: Field::CpuQuota,
            time: 25_000,
        }),
        period: Some(50_000),
        ..Limits::default()
    };
    assert_eq!(found, Ok(Some(expected)));
    assert_eq!(
        limits(&[("cpu-quota", "-1"), ("cpu-period", "0")]),
        Ok(None)
    );
}

#[test]
fn mistakes_are_named() {
    for (words, message) in [
        (
            &[("memory", "64x")][..],
            "--memory 64x: it takes a size, 64m or 1.5g, or -1 for no limit",
        ),
        (&[("memory", "-2")], "--memory -2: it takes a size"),
        (
            &[("memory-swap", "64m")],
            "--memory-swap: it needs --memory",
        ),
        (
            &[("memory", "64m"), ("memory-swap", "32m")],
            "--memory-swap: it is memory and swap together",
        ),
        (
            &[("memory", "64m"), ("memory-reservation", "65m")],
            "--memory-reservation: it has to be at most",
        ),
        (&[("cpus", "half")], "--cpus half: it takes a number"),
        (
            &[("cpus", "0.001")],
            "--cpus 0.001: the kernel's smallest is 0.01",
        ),
        (
            &[("memory", "64")],
            "--memory 64: 64 bytes, did you mean 64m?",
        ),
        (&[("memory-swap", "4095")], "did you mean 4095m?"),
        (
            &[("memory-reservation", "64b")],
            "64 bytes are less than the kernel counts in",
        ),
        (&[("cpus", "-1")], "--cpus -1: it takes a number"),
        (
            &[("cpu-quota", "999")],
            "it takes microseconds, 1000 or more",
        ),
        (&[("cpu-period", "1000001")], "1000 to 1000000"),
        (
            &[("cpus", "1"), ("cpu-period", "1000")],
            "--cpus: it cannot be given together",
        ),
        (&[("cpu-shares", "1")], "it takes a number from 2 to 262144"),
        (&[("cpuset-cpus", "x")], "it takes a list of numbers"),
        (&[("pids-limit", "-2")], "it takes a number, or -1"),
        (&[("blkio-weight", "1001")], "from 10 to 1000"),
        (&[("device-read-bps", "/dev/sda")], "it takes DEVICE:RATE"),
        (
            &[("device-read-iops", "/dev/sda:1k")],
            "it takes DEVICE:RATE",
        ),
        (&[("device-read-bps", ":1")], "it takes DEVICE:RATE"),
        (&[("blkio-weight-device", "/dev/sda:9")], "a weight from 10"),
        (&[("cgroup-parent", "")], "it takes a path from the top"),
        (
            &[("cgroup-parent", "a/../b")],
            "it takes a path from the top",
        ),
        (&[("cgroup-parent", "//a")], "it takes a path from the top"),
    ] {
        let error = limits(words).unwrap_err();
        assert!(error.contains(message), "{error}");
    }
}

#[test]
fn times() {
    let time = |text: &str| super::timeout(Some(&text.into())).ok().flatten();
    let timeout = |after, grace| Some(Timeout { after, grace });
    assert_eq!(time("2"), timeout(Duration::from_secs(2), None));
    assert_eq!(time("0.25"), timeout(Duration::from_millis(250), None));
    let (five, two) = (Duration::from_secs(5), Duration::from_secs(2));
    assert_eq!(time("5:2"), timeout(five, Some(two)));
    for wrong in ["0", "-1", "1s", "", "99999999999999999999"] {
        assert_eq!(time(wrong), None, "{wrong}");
    }
}
