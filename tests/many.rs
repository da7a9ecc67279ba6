//! Many containers that stay, several at a time: each is started, entered, read and ended, and nothing is left.

mod common;

use common::stay::{Stay, each_stay};
use common::*;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How many at a time.
const WORKERS: usize = 8;

#[test]
fn many_are_started_entered_and_stopped() {
    let count = if is_brief() { 16 } else { 50 };
    each_stay(|stay| {
        let next = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..WORKERS {
                scope.spawn(|| {
                    loop {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        if number >= count {
                            break;
                        }
                        one(stay, number);
                    }
                });
            }
        });
        assert_eq!(stay.says(&["ps", "-aq"]), "", "{}", stay.case);
        let store = std::fs::read_dir(format!("{}/containers", stay.state()));
        assert_eq!(store.unwrap().count(), 0, "{}", stay.case);
        let names = std::fs::read_dir(format!("{}/names", stay.state()));
        assert_eq!(names.unwrap().count(), 0, "{}", stay.case);
    });
}

/// The life of one.
fn one(stay: &Stay, number: usize) {
    let name = &format!("many-{number}");
    let script = "trap 'exit 3' TERM; echo started; while :; do /bin/busybox sleep 0.1; done";
    let id = stay.says(&[
        "run",
        "-d",
        "--name",
        name,
        "/bin/busybox",
        "sh",
        "-c",
        script,
    ]);
    let seen = stay.says(&["exec", name, "/bin/busybox", "cat", "/proc/1/comm"]);
    assert!(!seen.is_empty(), "{} {name}", stay.case);
    let is_logged = || stay.says(&["logs", name]) == "started";
    assert!(eventually(is_logged), "{} {name}", stay.case);
    assert!(
        stay.says(&["ps", "-q", "--no-trunc"]).contains(&id),
        "{name}"
    );
    // Some of them are ended in another way.
    match number % 4 {
        0 => assert_eq!(stay.says(&["rm", "-f", name]), *name),
        1 => {
            assert_eq!(stay.says(&["kill", name]), *name);
            assert_eq!(stay.says(&["wait", name]), "137", "{} {name}", stay.case);
            stay.says(&["rm", name]);
        }
        _ => {
            assert_eq!(stay.says(&["stop", name]), *name);
            assert_eq!(stay.says(&["wait", name]), "3", "{} {name}", stay.case);
            stay.says(&["rm", &id]);
        }
    }
}
