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
            if command[0] == "busybox" && crate::common::tree::busybox().is_none() {
                return;
            }
            let (count, outcome) = warned(case, options, command);
            assert_eq!(count, expected, "{case} {options:?} {command:?}");
            assert_eq!(outcome.code(), Some(0), "{case}: {outcome:?}");
            assert_eq!(outcome.stderr.lines().count(), count, "{case}: {outcome:?}");
        }
    }
}

/// One line in all, by whoever and wherever: a root that is given does not hold the image either.
#[test]
fn an_image_is_not_found_and_the_way_to_roots_is_told() {
    crate::common::tree::each(|case, tree| {
        for image in [
            "alpine",
            "alpine:3.20",
            "docker.io/library/alpine",
            "a/b:tag",
            "a/b",
            "localhost:5000/thing@sha256:0123456789abcdef",
        ] {
            let told = format!(
                "mydocker: exec {image}: no such file or directory (ENOENT): there are no images: umoci, skopeo or \
                 docker export makes a directory for --rootfs DIR (mydocker help roots)\n"
            );
            for options in [&[][..], &["--rm"], &["--rm", "-it"], &["--init"]] {
                for outcome in [
                    case.run(options, &[image, "sh"]),
                    tree.run(options, &[image, "sh"]),
                ] {
                    let label = format!("{case} {options:?}");
                    assert_eq!(outcome.stderr, told, "{label}");
                    assert_eq!(outcome.code(), Some(127), "{label}");
                }
            }
        }
        let outcome = tree.run(&["--overlay"], &["alpine", "sh"]);
        assert!(
            outcome.stderr.contains("there are no images: "),
            "{case}: {outcome:?}"
        );
        let outcome = case.run(&["--rm"], &["no-such-command"]);
        assert_eq!(outcome.stderr.lines().count(), 1, "{case}: {outcome:?}");
    });
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
