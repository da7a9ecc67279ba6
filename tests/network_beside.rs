//! The network namespace that a process of mydocker's makes while the root is built: it is the container's own however that
//! goes. (That nothing is left of it, orphans.rs shows.)
//!
//! It is made there if a processor is idle, as /proc/loadavg tells; so that is another file here.

mod common;

use common::tree::*;
use common::*;
use std::path::Path;

/// How many tasks run, as mydocker sees it.
const IDLE: &str = "0.00 0.00 0.00 1/100 4711";
const BUSY: &str = "9.00 9.00 9.00 999/1000 4711";

/// Runs `script` in a mount namespace whose /proc/loadavg is `load`; `"$@"` in it is `mydocker run --rootfs … COMMAND`.
fn run(tree: &Tree, load: &str, script: &str, options: &[&str], command: &[&str]) -> Outcome {
    let file = tree.beside("loadavg");
    std::fs::write(&file, format!("{load}\n")).expect("a file");
    let script = format!("mount --bind {file} /proc/loadavg\n{script}");
    let outcome = tree.among_mounts(&script, options, command);
    outcome.expect("root")
}

/// The name of its network namespace, the devices that its sysfs shows, and the flags of the loopback.
const SHOW: [&str; 3] = [
    "/bin/sh",
    "-c",
    "readlink /proc/self/ns/net; ls /sys/class/net; cat /sys/class/net/lo/flags",
];

#[track_caller]
fn assert_is_own(outcome: &Outcome, what: &str) {
    let name = std::fs::read_link("/proc/self/ns/net").expect("a namespace");
    let lines: Vec<&str> = outcome.stdout.lines().collect();
    assert_eq!(outcome.code(), Some(0), "{what}: {outcome:?}");
    // IFF_UP and IFF_LOOPBACK
    assert_eq!(lines[1..], ["lo", "0x9"], "{what}: {outcome:?}");
    assert!(lines[0].starts_with("net:["), "{what}: {outcome:?}");
    assert_ne!(Path::new(lines[0]), name, "{what}");
}

fn denied(call: &str) -> String {
    format!("exec {} deny {call} -- \"$@\"", probe().display())
}

/// Each case of root's, with its tree, where no pool has the network.
fn each_without_pool(test: impl Fn(Case, &Tree)) {
    each_of_root(|case, tree| {
        if !case.is_pooled() {
            test(case, tree);
        }
    });
}

#[test]
fn it_is_the_containers_own_and_its_loopback_is_up() {
    each_without_pool(|case, tree| {
        for load in [IDLE, BUSY, "", "0 0 0 x/y z"] {
            for options in [&[][..], &["--init"], &["-u", "1000"], &["--timeout", "60"]] {
                let outcome = run(tree, load, "\"$@\"", options, &SHOW);
                assert_is_own(&outcome, &format!("{case} {load} {options:?}"));
                assert_eq!(outcome.stderr, "", "{case} {load} {options:?}");
            }
        }
    });
}

/// Whatever the maker cannot do, the container's first process does it.
#[test]
fn without_a_maker_it_is_its_own_all_the_same() {
    each_without_pool(|case, tree| {
        for call in [
            // The clone of the maker: CLONE_VM, CLONE_PIDFD, CLONE_CHILD_CLEARTID
            "clone 1 0=2101504",
            // No seat near the maker: CLONE_NEWNET
            "setns 1 1=1073741824",
            "futex 1",
        ] {
            let outcome = run(tree, IDLE, &denied(call), &[], &SHOW);
            assert_is_own(&outcome, &format!("{case} {call}"));
        }
    });
}

/// A container without a network namespace of its own does not start.
#[test]
fn where_none_can_be_made_the_start_fails() {
    let refused = [
        (
            "unshare 1 0=1073741824",
            "clone into new namespaces: operation not permitted (EPERM)",
        ),
        (
            "unshare 12 0=1073741824",
            "clone into new namespaces: out of memory (ENOMEM)",
        ),
        (
            "socket 97 0=1 1=524290",
            "set up network interface lo: address family not supported by protocol (EAFNOSUPPORT)",
        ),
        (
            "ioctl 1 1=35092",
            "set up network interface lo: operation not permitted (EPERM)",
        ),
    ];
    each_without_pool(|case, tree| {
        for (call, message) in refused {
            // (On busy processors the clone makes it.)
            let loads = if call.starts_with("unshare") {
                &[IDLE][..]
            } else {
                &[IDLE, BUSY]
            };
            for load in loads {
                let trace = format!("{}/tmp/ran", tree.name());
                let outcome = run(tree, load, &denied(call), &[], &["/bin/touch", "/tmp/ran"]);
                let what = format!("{case} {load} {call}: {outcome:?}");
                assert_eq!(outcome.code(), Some(125), "{what}");
                let said = format!("mydocker: {message}");
                assert!(outcome.stderr.starts_with(&said), "{what}");
                assert_eq!(outcome.stderr.lines().count(), 1, "{what}");
                assert!(!Path::new(&trace).exists(), "{what}");
            }
        }
    });
}

/// On one processor nobody could make it meanwhile: the clone does.
#[test]
fn on_one_processor_and_on_busy_ones_the_clone_makes_it() {
    each_without_pool(|case, tree| {
        for (load, wrapper) in [(IDLE, "exec taskset -c 0"), (BUSY, "exec"), ("", "exec")] {
            let call = denied("unshare 1 0=1073741824").replace("exec", wrapper);
            let outcome = run(tree, load, &call, &[], &SHOW);
            assert_is_own(&outcome, &format!("{case} {load} {wrapper}"));
        }
    });
}

#[test]
fn the_hosts_is_the_hosts_if_that_was_asked_for() {
    each_of_root(|case, tree| {
        let name = std::fs::read_link("/proc/self/ns/net").expect("a namespace");
        let options = ["--network", "host"];
        let outcome = run(
            tree,
            IDLE,
            "\"$@\"",
            &options,
            &["/bin/readlink", "/proc/self/ns/net"],
        );
        assert_eq!(Path::new(outcome.output(case).trim_end()), name, "{case}");
    });
}
