//! Cgroups of OCI containers, from outside: where they are, what they limit, how they are frozen, counted and changed.

#[path = "../common/mod.rs"]
mod common;

mod bundle;
mod refusals;

use bundle::{Bundle, PURE, each_of_root};
use common::*;
use serde_json::{Value, json};
use std::ffi::OsString;

#[test]
fn a_container_is_exactly_where_it_is_to_be_and_limited_there() {
    each_of_root(|bundle| {
        let resources = json!({
            "memory": {"limit": 64 << 20, "reservation": 32 << 20},
            "cpu": {"shares": 512, "quota": 50000, "period": 200_000, "cpus": "0", "mems": "0"},
            "pids": {"limit": 50},
        });
        bundle.configure(
            "sleep 1000",
            &json!({"cgroupsPath": bundle.path, "resources": resources}),
        );
        bundle.run();
        for line in bundle.cgroups().lines() {
            // Of others than runc knows, it is where the caller is.
            let names = line.split(':').nth(1).unwrap();
            if !names.contains("name=") || names == "name=systemd" {
                assert!(line.ends_with(&format!(":{}", bundle.path)), "{line}");
            }
        }
        for (controller, v1, v2) in [
            (
                "memory",
                ("memory.limit_in_bytes", "67108864"),
                ("memory.max", "67108864"),
            ),
            (
                "memory",
                ("memory.soft_limit_in_bytes", "33554432"),
                ("memory.low", "33554432"),
            ),
            ("cpu", ("cpu.shares", "512"), ("cpu.weight", "59")),
            (
                "cpu",
                ("cpu.cfs_quota_us", "50000"),
                ("cpu.max", "50000 200000"),
            ),
            (
                "cpu",
                ("cpu.cfs_period_us", "200000"),
                ("cpu.max", "50000 200000"),
            ),
            ("cpuset", ("cpuset.cpus", "0"), ("cpuset.cpus", "0")),
            ("pids", ("pids.max", "50"), ("pids.max", "50")),
        ] {
            bundle.has(controller, v1, v2);
        }
        bundle.does(&["delete", "--force", "x"]);
        assert!(bundle.all().is_empty(), "{:?}", bundle.all());
    });
}

#[test]
fn it_has_no_devices_but_those_that_are_allowed() {
    each_of_root(|bundle| {
        let resources = json!({"devices": [
            {"allow": false, "access": "rwm"},
            {"allow": true, "type": "c", "major": 1, "minor": 1, "access": "r"},
        ]});
        // mem (1:1) may be read, kmsg (1:11) may not; any node may be made.
        let script = "cd /dev; for n in 1 5 11; do busybox mknod t$n c 1 $n; dd if=t$n of=null$n bs=1 count=0 2>/dev/null; \
                      echo $n $?; done; dd if=null1 of=t1 count=0 2>/dev/null; echo write $?";
        bundle.configure(
            script,
            &json!({"cgroupsPath": bundle.path, "resources": resources}),
        );
        bundle.run();
        assert!(eventually(|| bundle.status() == "stopped"));
        let output = std::fs::read_to_string(bundle.tree.beside("output")).unwrap();
        // Without CAP_SYS_RAWIO no one opens mem: what is asked first is the cgroup, and both say EPERM.
        let told: Vec<&str> = output
            .lines()
            .filter(|line| !line.starts_with("1 "))
            .collect();
        assert_eq!(
            told,
            ["5 0", "11 1", "write 1"],
            "{}: {output}",
            bundle.case
        );
        bundle.does(&["delete", "x"]);
    });
}

#[test]
fn v2_alone_has_it_and_keeps_it_from_devices() {
    each_of_root(|bundle| {
        let Some(mut pure) = Bundle::new(bundle.case) else {
            return;
        };
        let see = ["--mount", "sh", "-c", PURE, "sh", "true"].map(OsString::from);
        let line = [&["unshare".into()], &see[..]].concat();
        if finish(bundle.case.prepared(&line)).code() != Some(0) {
            skip("cgroup v2 cannot be mounted here");
            return;
        }
        pure.is_pure = true;
        let resources = json!({"devices": [
            {"allow": false, "access": "rwm"},
            {"allow": true, "type": "c", "major": 1, "minor": 5, "access": "r"},
        ], "unified": {"cgroup.max.depth": "5"}});
        let script = "cd /dev; for n in 3 5 11; do busybox mknod t$n c 1 $n; dd if=t$n of=x count=0 2>/dev/null; \
                      echo $n $?; done; exec sleep 1000";
        pure.configure(
            script,
            &json!({"cgroupsPath": pure.path, "resources": resources}),
        );
        pure.run();
        let v2 = format!("0::{}", pure.path);
        assert!(
            pure.cgroups().lines().any(|line| line == v2),
            "{}",
            pure.cgroups()
        );
        let told = || std::fs::read_to_string(pure.tree.beside("output")).unwrap();
        // Null may always be used, zero is allowed, kmsg is neither.
        assert!(eventually(|| told() == "3 0\n5 0\n11 1\n"), "{}", told());
        let depth = pure.all()[0].join("cgroup.max.depth");
        assert_eq!(std::fs::read_to_string(depth).unwrap(), "5\n");
        pure.does(&["pause", "x"]);
        assert_eq!(pure.status(), "paused");
        let frozen = pure.all()[0].join("cgroup.freeze");
        assert_eq!(std::fs::read_to_string(frozen).unwrap(), "1\n");
        assert!(
            pure.does(&["events", "--stats", "x"])
                .contains(r#""pids":{"current":1"#)
        );
        pure.does(&["kill", "x", "KILL"]);
        assert!(eventually(|| pure.status() == "stopped"));
        pure.does(&["delete", "x"]);
        assert!(pure.all().is_empty(), "{:?}", pure.all());
        let unknown = json!({"unified": {"nothing.max": "1"}});
        pure.configure(
            "true",
            &json!({"cgroupsPath": pure.path, "resources": unknown}),
        );
        let (code, said) = pure.run_with(&[]);
        assert_eq!(code, Some(1), "{said}");
        assert!(
            said.contains(r#"controller "nothing" not available"#),
            "{said}"
        );
        assert!(pure.all().is_empty(), "{:?}", pure.all());
    });
}

#[test]
fn it_is_paused_and_resumed() {
    each_of_root(|bundle| {
        bundle.configure("sleep 1000", &json!({"cgroupsPath": bundle.path}));
        bundle.run();
        assert!(
            bundle
                .refuses(&["resume", "x"])
                .contains("container not paused")
        );
        bundle.does(&["pause", "x"]);
        assert_eq!(bundle.status(), "paused");
        assert!(
            bundle
                .refuses(&["pause", "x"])
                .contains("container not running")
        );
        bundle.does(&["resume", "x"]);
        assert_eq!(bundle.status(), "running");
        bundle.does(&["pause", "x"]);
        bundle.does(&["kill", "x", "KILL"]);
        assert!(eventually(|| bundle.status() == "stopped"));
        assert!(
            bundle
                .refuses(&["pause", "x"])
                .contains("container not running")
        );
        bundle.does(&["delete", "x"]);
        assert!(bundle.refuses(&["pause", "x"]).contains("does not exist"));
    });
}

#[test]
fn limits_are_changed_while_it_runs() {
    each_of_root(|bundle| {
        let resources = json!({
            "memory": {"limit": 64 << 20, "swap": 128 << 20},
            "cpu": {"period": 200_000},
        });
        bundle.configure(
            "sleep 1000",
            &json!({"cgroupsPath": bundle.path, "resources": resources}),
        );
        bundle.run();
        bundle.does(&["update", "--pids-limit", "7", "--cpu-quota", "30000", "x"]);
        bundle.has("pids", ("pids.max", "7"), ("pids.max", "7"));
        bundle.has(
            "cpu",
            ("cpu.cfs_period_us", "200000"),
            ("cpu.max", "30000 200000"),
        );
        bundle.has(
            "memory",
            ("memory.limit_in_bytes", "67108864"),
            ("memory.max", "67108864"),
        );
        // Both are raised, above what swap was; and lowered again.
        for (limit, swap, bytes) in [("200m", "300m", 200 << 20), ("32m", "64m", 32 << 20)] {
            bundle.does(&["update", "--memory", limit, "--memory-swap", swap, "x"]);
            let bytes = bytes.to_string();
            bundle.has(
                "memory",
                ("memory.limit_in_bytes", &bytes),
                ("memory.max", &bytes),
            );
        }
        // What an update has said is known to the next.
        bundle.does(&["update", "--cpu-period", "100000", "x"]);
        bundle.has(
            "cpu",
            ("cpu.cfs_quota_us", "30000"),
            ("cpu.max", "30000 100000"),
        );
        let file = bundle.tree.beside("resources.json");
        std::fs::write(&file, r#"{"pids": {"limit": -1}, "cpu": {"shares": 2048}}"#).unwrap();
        bundle.does(&["update", "-r", &file, "x"]);
        bundle.has("pids", ("pids.max", "max"), ("pids.max", "max"));
        bundle.has("cpu", ("cpu.shares", "2048"), ("cpu.weight", "174"));
        // One that cannot be, after one that can: all are as they were.
        let said = bundle.refuses(&["update", "--cpuset-cpus", "4000", "--pids-limit", "3", "x"]);
        assert!(said.contains("cpuset.cpus"), "{said}");
        bundle.has("pids", ("pids.max", "max"), ("pids.max", "max"));
        std::fs::write(&file, r#"{"pids": {"limit": "many"}}"#).unwrap();
        assert!(
            bundle
                .refuses(&["update", "-r", &file, "x"])
                .contains("pids")
        );
        bundle.does(&["delete", "--force", "x"]);
        assert!(
            bundle
                .refuses(&["update", "--memory", "1g", "x"])
                .contains("does not exist")
        );
    });
}

#[test]
fn what_it_uses_is_told() {
    each_of_root(|bundle| {
        let resources = json!({"memory": {"limit": 64 << 20}, "pids": {"limit": 50}});
        bundle.configure(
            "sleep 1000",
            &json!({"cgroupsPath": bundle.path, "resources": resources}),
        );
        bundle.run();
        let told = bundle.does(&["events", "--stats", "x"]);
        let event: Value = serde_json::from_str(&told).unwrap();
        assert_eq!(
            (&event["type"], &event["id"]),
            (&json!("stats"), &json!("x"))
        );
        let data = &event["data"];
        assert_eq!(data["pids"], json!({"current": 1, "limit": 50}));
        assert_eq!(data["memory"]["usage"]["limit"], 64 << 20);
        assert!(
            data["memory"]["usage"]["usage"].as_u64() > Some(0),
            "{told}"
        );
        assert!(data["cpu"]["usage"]["total"].as_u64() > Some(0), "{told}");
        assert!(
            data["memory"]["raw"].as_object().unwrap().len() > 5,
            "{told}"
        );
        assert!(
            data["blkio"].is_object() && data["hugetlb"].is_object(),
            "{told}"
        );
        bundle.does(&["kill", "x", "KILL"]);
        assert!(eventually(|| bundle.status() == "stopped"));
        let said = bundle.refuses(&["events", "x"]);
        assert!(
            said.contains("container with id x is not running"),
            "{said}"
        );
        bundle.does(&["delete", "x"]);
    });
}

#[test]
fn want_of_memory_is_told() {
    each_of_root(|bundle| {
        let resources = json!({"memory": {"limit": 16 << 20, "swap": 16 << 20}});
        // When it is told to go on: then it is listened to.
        let script = "busybox mknod /dev/zero c 1 5; while ! [ -e /tmp/go ]; do sleep 0.1; done; \
                      dd if=/dev/zero of=/dev/big bs=1M count=64; sleep 1000";
        bundle.configure(
            script,
            &json!({"cgroupsPath": bundle.path, "resources": resources}),
        );
        bundle.run();
        let output = bundle.tree.beside("events");
        let file = std::fs::File::create(&output).unwrap();
        let words = bundle.words(&["events", "--interval", "100ms", "x"]);
        let mut events = bundle.case.prepared(&words).stdout(file).spawn().unwrap();
        let told = || std::fs::read_to_string(&output).unwrap();
        assert!(eventually(|| told().contains(r#""type":"stats""#)));
        std::fs::write(bundle.tree.root().join("tmp/go"), "").unwrap();
        assert!(
            eventually(|| told().contains(r#"{"type":"oom","id":"x"}"#)),
            "{}",
            told()
        );
        bundle.does(&["delete", "--force", "x"]);
        assert_eq!(
            wait(&mut events)
                .expect("it ends with the container")
                .code(),
            Some(0)
        );
        std::fs::remove_file(bundle.tree.root().join("tmp/go")).unwrap();
    });
}

#[test]
fn all_of_its_processes_get_a_signal() {
    each_of_root(|bundle| {
        let namespaces = json!([{"type": "mount"}]);
        let script = "sleep 1000 & sleep 1000 & sleep 1000";
        bundle.configure(
            script,
            &json!({"cgroupsPath": bundle.path, "namespaces": namespaces}),
        );
        bundle.run();
        let processes = || {
            let mut all = bundle.all().into_iter();
            let list = all
                .next()
                .map(|one| std::fs::read_to_string(one.join("cgroup.procs")).unwrap());
            list.unwrap_or_default().lines().count()
        };
        assert!(eventually(|| processes() >= 3), "{}", processes());
        bundle.does(&["kill", "--all", "x", "KILL"]);
        assert!(eventually(
            || processes() == 0 && bundle.status() == "stopped"
        ));
        bundle.does(&["delete", "x"]);
    });
}

#[test]
fn every_limit_of_v1_is_in_its_file() {
    each_of_root(|bundle| {
        let resources = json!({
            "memory": {
                "limit": 64 << 20, "reservation": 32 << 20, "swap": 128 << 20, "swappiness": 30,
                "disableOOMKiller": true, "useHierarchy": true, "checkBeforeUpdate": true,
            },
            "cpu": {"shares": 512, "quota": 50_000, "period": 100_000, "burst": 20_000, "cpus": "0", "mems": "0"},
            "pids": {"limit": 77},
            "hugepageLimits": [], "network": {}, "unified": {}, "rdma": {},
        });
        bundle.configure(
            "sleep 1000",
            &json!({"cgroupsPath": bundle.path, "resources": resources}),
        );
        bundle.run();
        for (controller, file, expected) in [
            ("memory", "memory.limit_in_bytes", "67108864"),
            ("memory", "memory.soft_limit_in_bytes", "33554432"),
            ("memory", "memory.memsw.limit_in_bytes", "134217728"),
            ("memory", "memory.swappiness", "30"),
            ("memory", "memory.oom_control", "oom_kill_disable 1"),
            ("cpu", "cpu.shares", "512"),
            ("cpu", "cpu.cfs_quota_us", "50000"),
            ("cpu", "cpu.cfs_burst_us", "20000"),
            ("cpuset", "cpuset.cpus", "0"),
            ("cpuset", "cpuset.mems", "0"),
            ("pids", "pids.max", "77"),
        ] {
            // Kernels do without some, and v2 has others.
            let path = bundle.directory(controller).join(file);
            if let Ok(found) = std::fs::read_to_string(&path) {
                let first = found.lines().next().unwrap_or_default();
                assert_eq!(first, expected, "{} {file}", bundle.case);
            }
        }
    });
}

/// In another root directory there may be a container of the same name, whose cgroup has that name.
#[test]
fn two_of_one_name_have_a_cgroup_each() {
    each_of_root(|bundle| {
        let Some(other) = Bundle::new(bundle.case) else {
            return;
        };
        let id = format!("two-{}", mark());
        let id = id.as_str();
        for bundle in [bundle, &other] {
            bundle.configure("exit 0", &json!({}));
            let path = bundle.tree.beside("");
            bundle.does(&["run", "--keep", "--bundle", &path, id]);
        }
        let written = |bundle: &Bundle| {
            let path = bundle.tree.beside(&format!("store/{id}/state.json"));
            std::fs::read_to_string(path).unwrap()
        };
        let (first, second) = (written(bundle), written(&other));
        assert!(first.contains(&format!("/{id}\"")), "{first}");
        assert!(!second.contains(&format!("/{id}\"")), "{second}");
        assert!(second.contains(&format!("/{id}-2\"")), "{second}");
        // What removes the one removes nothing of the other.
        bundle.does(&["delete", id]);
        other.does(&["delete", id]);
    });
}

#[test]
fn limits_of_kernel_memory_are_told_to_be_none() {
    each_of_root(|bundle| {
        let resources = json!({"memory": {"kernel": 16 << 20, "kernelTCP": 16 << 20}});
        let linux = json!({"cgroupsPath": bundle.path, "resources": resources});
        bundle.configure("exit 0", &linux);
        let (code, said) = bundle.run_with(&[]);
        assert_eq!(code, Some(0), "{said}");
        assert!(said.contains("level=warning"), "{said}");
        assert!(
            said.contains("Kernel memory settings are ignored"),
            "{said}"
        );
    });
}
