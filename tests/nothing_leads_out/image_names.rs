//! Words of docker's that mean something else here: `run --rm busybox rm -rf x` runs the host's busybox on the host's
//! files.

use crate::common::*;

const WARNING: &str = "the container sees the host's files, and may change all of them";

/// How often root is warned about it, and what else is said.
fn warned(case: Case, options: &[&str], command: &[&str]) -> (usize, Outcome) {
    let outcome = case.run(options, command);
    let lines = outcome.stderr.lines().filter(|line| line.contains(WARNING));
    let lines: Vec<&str> = lines.collect();
    assert!(
        lines.iter().all(|line| line.contains("--rootfs DIR")),
        "{outcome:?}"
    );
    (lines.len(), outcome)
}

#[test]
fn root_is_warned_once() {
    let text = ["--log-format", "text"];
    for case in cases() {
        let expected = usize::from(case.caller == Caller::Root);
        for (options, command) in [
            (&["--rm"][..], &["true"][..]),
            (&["--rm", "-i"], &["sh", "-c", "exit 0"]),
            (&[], &["busybox", "true"]),
            (&["--rm"], &["busybox", "true"]),
            (&text, &["busybox", "true"]),
        ] {
            if command[0] == "busybox" && crate::tree::busybox().is_none() {
                return;
            }
            let (count, outcome) = warned(case, options, command);
            assert_eq!(count, expected, "{case} {options:?} {command:?}");
            assert_eq!(outcome.code(), Some(0), "{case}: {outcome:?}");
            assert_eq!(outcome.stderr.lines().count(), count, "{case}: {outcome:?}");
        }
        for image in ["alpine:3.20", "docker.io/library/ubuntu"] {
            let (count, outcome) = warned(case, &[], &[image, "true"]);
            assert_eq!(
                (count, outcome.code()),
                (expected, Some(127)),
                "{case} {image}"
            );
        }
    }
}

#[test]
fn other_commands_are_not() {
    for case in cases() {
        for (options, command) in [
            (&[][..], &["sh", "-c", "exit 0"][..]),
            (&[], &["true"]),
            (&["--rm", "--rootfs", "/"], &["true"]),
            (&["--rootfs", "/"], &["busybox", "true"]),
        ] {
            let (count, _) = warned(case, options, command);
            assert_eq!(count, 0, "{case} {options:?} {command:?}");
        }
    }
}

#[test]
fn a_name_after_h_is_no_cry_for_help() {
    for case in cases() {
        let outcome = case.run(&["-h", "box"], &["sh", "-c", "exit 0"]);
        assert_eq!(outcome.code(), Some(125), "{case}: {outcome:?}");
        assert!(outcome.stderr.contains("--hostname NAME"), "{outcome:?}");
        assert_eq!(outcome.stdout, "", "{case}");
        let outcome = case.run::<&str>(&["-h"], &[]);
        assert_eq!(outcome.code(), Some(0), "{case}: {outcome:?}");
        assert!(outcome.stdout.starts_with("usage:"), "{outcome:?}");
    }
}
