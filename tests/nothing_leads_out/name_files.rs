//! /etc/hostname, /etc/hosts and /etc/resolv.conf: what was asked for is in force in the finished tree, or an error, and
//! each of them is a file that something can be mounted on.

use crate::common::tree::*;
use crate::common::*;
use std::os::unix::fs::symlink;

const FILES: [&str; 3] = ["hostname", "hosts", "resolv.conf"];

#[test]
fn something_can_be_mounted_on_them() {
    each(|case, tree| {
        for calls in [&[][..], &BEFORE_5_12, &BEFORE_5_2] {
            let script = "for f in hostname hosts resolv.conf; do mount --bind /etc/passwd /etc/$f && grep -c smith /etc/$f; done";
            let said = tree.says_without(calls, &["--privileged"], script);
            assert_eq!(said, "1\n1\n1\n", "{case} {calls:?}");
        }
        // Nor are directories without a name what others are hidden by.
        if std::path::Path::new("/sys/firmware").exists() {
            let options = ["--cap-add=SYS_ADMIN", "--security-opt=seccomp=unconfined"];
            let script = "mount --bind /bin /sys/firmware && ls /sys/firmware/sh";
            assert_eq!(tree.says(&options, script), "/sys/firmware/sh\n", "{case}");
        }
    });
}

#[test]
fn mydocker_runs_in_mydocker() {
    for case in root_cases() {
        let program = mydocker();
        let program = program.to_str().expect("a name");
        for launch in ["in-process", "re-exec"] {
            let inner = [
                program,
                "run",
                "--launch",
                launch,
                "--rootfs",
                "/",
                "--hostname=inner",
            ];
            let command = [&inner[..], &["sh", "-c", "cat /etc/hostname"]].concat();
            let outcome = case.run(&["--privileged", "--rootfs", "/"], &command);
            assert_eq!(outcome.output(case), "inner\n", "{case} {launch}");
        }
    }
}

/// A root as an installation with systemd leaves it.
fn link_resolv_conf(tree: &Tree) {
    let path = tree.root().join("etc/resolv.conf");
    std::fs::remove_file(&path).expect("a file");
    symlink("../run/systemd/resolve/stub-resolv.conf", path).expect("a link");
    std::fs::create_dir(tree.root().join("run")).expect("a directory");
    tree.give(&tree.root());
}

#[test]
fn name_servers_are_in_force_or_it_is_said() {
    let servers = std::fs::read_to_string("/etc/resolv.conf").unwrap_or_default();
    each(|case, tree| {
        link_resolv_conf(tree);
        let before = tree.snapshot();
        for calls in [&[][..], &BEFORE_5_12, &BEFORE_5_2] {
            for options in [
                &["--tmpfs=/run"][..],
                &["--overlay"],
                &["--overlay", "--tmpfs=/run"],
                &["--overlay", "--read-only", "--tmpfs=/run"],
            ] {
                let asked = [&["--dns=9.9.9.9"], options].concat();
                let said = tree.says_without(calls, &asked, "cat /etc/resolv.conf");
                assert_eq!(said, "nameserver 9.9.9.9\n", "{case} {options:?} {calls:?}");
                let by_default = [&["--network=host"], options].concat();
                let said = tree.says_without(calls, &by_default, "cat /etc/resolv.conf");
                assert_eq!(said, servers, "{case} {options:?} {calls:?}");
            }
        }
        let script = "cat /etc/resolv.conf 2>&1";
        let outcome = tree.shell(&["--network=host"], script);
        assert!(
            outcome.stdout.contains("No such file"),
            "{case}: {outcome:?}"
        );
        let warnings = outcome.stderr.matches("no name servers").count();
        let expected = usize::from(!servers.is_empty());
        assert_eq!(warnings, expected, "{case}: {outcome:?}");
        assert_eq!(
            outcome.stderr.lines().count(),
            expected,
            "{case}: {outcome:?}"
        );
        // Without a network nothing is missed.
        let outcome = tree.shell(&[], script);
        assert_eq!(outcome.stderr, "", "{case}");
        let outcome = tree.shell(&["--dns=9.9.9.9"], "echo ran");
        assert_eq!(outcome.code(), Some(125), "{case}: {outcome:?}");
        assert_eq!(outcome.stderr.lines().count(), 1, "{case}: {outcome:?}");
        assert_eq!(tree.snapshot(), before, "{case}");
    });
}

#[test]
fn they_are_put_on_what_mounts_bring_along() {
    each(|case, tree| {
        let hosts = "--add-host=db:1.2.3.4";
        let said = tree.says(&["--tmpfs=/etc", hosts], "tail -n 1 /etc/hosts; ls /etc");
        assert_eq!(
            said,
            format!("1.2.3.4\tdb\n{}\n", FILES.join("\n")),
            "{case}"
        );
        // A file of the caller's, by its own name and by a link's.
        link_resolv_conf(tree);
        let data = tree.directory("data");
        std::fs::create_dir_all(tree.root().join("run/systemd/resolve")).expect("a directory");
        std::fs::write(tree.root().join("run/systemd/resolve/stub-resolv.conf"), "")
            .expect("a file");
        tree.give(&tree.root());
        let before = tree.snapshot();
        for target in ["/etc/resolv.conf", "/run/systemd/resolve/stub-resolv.conf"] {
            let volume = format!("-v={data}/file:{target}");
            for options in [&[&volume[..]][..], &["--network=host", &volume]] {
                let said = tree.says(options, "cat /etc/resolv.conf");
                assert_eq!(said, "of data\n", "{case} {options:?}");
            }
        }
        // In a volume nothing is made, and nothing is changed.
        let volume = format!("-v={data}:/run/systemd/resolve");
        let outcome = tree.shell(&[&volume, "--dns=9.9.9.9"], "echo ran");
        assert_eq!(outcome.code(), Some(125), "{case}: {outcome:?}");
        let inside = std::path::Path::new(&data).join("stub-resolv.conf");
        assert!(!inside.exists(), "{case}");
        std::fs::write(&inside, "theirs\n").expect("a file");
        tree.give(&inside);
        let said = tree.says(&[&volume, "--dns=9.9.9.9"], "cat /etc/resolv.conf");
        assert_eq!(said, "nameserver 9.9.9.9\n", "{case}");
        assert_eq!(
            tree.says(&[&volume], "cat /etc/resolv.conf"),
            "theirs\n",
            "{case}"
        );
        assert_eq!(
            std::fs::read(&inside).expect("a file"),
            b"theirs\n",
            "{case}"
        );
        assert_eq!(tree.snapshot(), before, "{case}");
    });
}

/// What every container is given and no one has asked for: a root where it cannot be put is no reason not to start.
#[test]
fn a_link_that_leads_nowhere_useful_is_no_refusal() {
    each(|case, tree| {
        for target in [
            "/proc/self/fd/1",
            "/proc/self/exe",
            &"x".repeat(300),
            "hosts",
        ] {
            let hosts = tree.root().join("etc/hosts");
            let _ = std::fs::remove_file(&hosts);
            if std::os::unix::fs::symlink(target, &hosts).is_err() {
                continue;
            }
            assert_eq!(
                tree.says(&[], "echo started"),
                "started\n",
                "{case} {target}"
            );
            let outcome = tree.shell(&["--add-host=a:192.0.2.1"], "true");
            assert_eq!(outcome.code(), Some(125), "{case} {target}: {outcome:?}");
        }
    });
}
