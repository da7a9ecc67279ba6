//! One errno, several causes: the hint names the one that the host shows, and none that it does not.

use crate::common::tree::{Tree, each};
use crate::common::*;
use std::ffi::OsString;
use std::path::Path;

/// `mydocker run OPTIONS true` by root behind a wrapper.
fn wrapped(case: Case, wrapper: &[&str], options: &[&str]) -> Outcome {
    let command = case.command(options, &["true"]);
    let mut line: Vec<OsString> = wrapper.iter().map(Into::into).collect();
    line.push(command.get_program().into());
    line.extend(command.get_args().map(Into::into));
    finish(case.prepared(&line))
}

#[test]
fn a_root_without_capabilities() {
    for case in root_cases() {
        for (capability, options, message) in [
            (
                "net_admin",
                &[][..],
                "set up network interface lo: operation not permitted (EPERM): it takes CAP_NET_ADMIN, which \
                 mydocker does not have here; --network host does without",
            ),
            (
                "sys_admin",
                &[],
                "clone into new namespaces: operation not permitted (EPERM): new namespaces take CAP_SYS_ADMIN, \
                 which an ordinary user does not have, and not every root (in a container?); a user namespace \
                 gives it",
            ),
            (
                "setpcap",
                &[],
                "take capabilities out of the bounding set: operation not permitted (EPERM): it takes CAP_SETPCAP, \
                 which mydocker does not have here",
            ),
        ] {
            if capability == "net_admin" && case.is_pooled() {
                // The pool's loopback is up.
                continue;
            }
            let without = format!("-{capability}");
            // Out of the bounding set with its right to take more out: the last.
            let wrapper = [
                "setpriv",
                "--inh-caps",
                &without,
                "--bounding-set",
                &without,
            ];
            let outcome = wrapped(case, &wrapper, options);
            assert_eq!(
                outcome.code(),
                Some(125),
                "{case} {capability}: {outcome:?}"
            );
            assert_eq!(outcome.stderr, format!("mydocker: {message}\n"), "{case}");
        }
        let wrapper = [
            "setpriv",
            "--inh-caps=-net_admin",
            "--bounding-set=-net_admin",
        ];
        let outcome = wrapped(case, &wrapper, &["--network", "host"]);
        assert_eq!(outcome.code(), Some(0), "{case}: {outcome:?}");
    }
}

/// Runs a script among mounts of the test's own, in which `/sys` of `/proc` is fabricated with one sysctl, and a
/// filter makes a call fail.
fn restricted(case: Case, sysctl: &str, denied: &[&str], options: &[&str]) -> Outcome {
    let (name, value) = sysctl.split_once('=').unwrap();
    let script = format!(
        "mount -t tmpfs -o mode=755 tmpfs /proc/sys/kernel; echo {value} > /proc/sys/kernel/{name}; exec \"$@\""
    );
    let mut line: Vec<OsString> = ["unshare", "--mount", "sh", "-ec", &script, "sh"]
        .map(Into::into)
        .into();
    if case.caller == Caller::Ordinary {
        let (user, group) = (ORDINARY.to_string(), ORDINARY_GROUP.to_string());
        let setpriv = [
            "setpriv",
            "--reuid",
            &user,
            "--regid",
            &group,
            "--clear-groups",
        ];
        line.extend(setpriv.map(Into::into));
    }
    line.extend([probe().into(), "deny".into()]);
    line.extend(denied.iter().map(Into::into));
    line.extend([
        "--".into(),
        mydocker().into(),
        "run".into(),
        "--launch".into(),
    ]);
    line.push(case.launch.into());
    line.extend(options.iter().map(Into::into));
    line.push("true".into());
    let case = Case {
        caller: Caller::Root,
        ..case
    };
    finish(case.prepared(&line))
}

/// EPERM and EACCES.
const REFUSALS: [&str; 2] = ["1", "13"];

#[test]
fn user_namespaces_that_are_restricted() {
    if root_cases().is_empty() {
        return;
    }
    let newuser = "0=268435456/268435456";
    let apparmor = "AppArmor forbids it (kernel.apparmor_restrict_unprivileged_userns is 1)";
    for case in ordinary_cases() {
        for (sysctl, call, arguments, operation, cause) in [
            (
                "unprivileged_userns_clone=0",
                "clone",
                newuser,
                "clone into new namespaces",
                "kernel.unprivileged_userns_clone is 0",
            ),
            (
                "apparmor_restrict_unprivileged_userns=1",
                "clone",
                newuser,
                "clone into new namespaces",
                apparmor,
            ),
            // What is written to setgroups, four bytes; the map of the users, 12.
            (
                "apparmor_restrict_unprivileged_userns=1",
                "write",
                "2=4",
                "write deny to /proc/self/setgroups",
                apparmor,
            ),
            (
                "apparmor_restrict_unprivileged_userns=1",
                "write",
                "2=10",
                "write uid_map",
                apparmor,
            ),
            // MS_REC and MS_PRIVATE.
            (
                "apparmor_restrict_unprivileged_userns=1",
                "mount",
                "3=278528",
                "make mounts private below /",
                apparmor,
            ),
            // SIOCSIFFLAGS
            (
                "apparmor_restrict_unprivileged_userns=1",
                "ioctl",
                "1=35092",
                "set up network interface lo",
                apparmor,
            ),
        ] {
            // A new proc may not be mounted where a part of it is covered, as the test does it.
            let options = ["--pid", "host"];
            for errno in REFUSALS {
                let outcome = restricted(case, sysctl, &[call, errno, arguments], &options);
                let label = format!("{case} {sysctl} {call}: {outcome:?}");
                assert_eq!(outcome.code(), Some(125), "{label}");
                assert!(
                    outcome
                        .stderr
                        .starts_with(&format!("mydocker: {operation}")),
                    "{label}"
                );
                assert!(outcome.stderr.contains(cause), "{label}");
                assert_eq!(outcome.stderr.lines().count(), 1, "{label}");
            }
            // Without the restriction nothing of it is said.
            let (name, value) = sysctl.split_once('=').unwrap();
            let other = format!("{name}={}", 1 - value.parse::<u32>().unwrap());
            let outcome = restricted(case, &other, &[call, "1", arguments], &options);
            assert!(
                !outcome.stderr.contains(cause),
                "{case} {call}: {outcome:?}"
            );
        }
    }
}

#[test]
fn a_newuidmap_without_its_rights() {
    if !Path::new("/usr/bin/newuidmap").exists() {
        skip("there is no /usr/bin/newuidmap (Debian's package uidmap)");
        return;
    }
    for case in ordinary_cases() {
        let Some(tree) = Tree::new(case) else { return };
        let user = format!("ann:x:{ORDINARY}:{ORDINARY_GROUP}::/:/bin/sh\n");
        std::fs::write(tree.beside("passwd"), user).unwrap();
        std::fs::write(tree.beside("sub"), "ann:200000:65536\n").unwrap();
        std::fs::create_dir(tree.beside("plain")).unwrap();
        copy_program(
            Path::new("/usr/bin/newuidmap"),
            tree.beside("plain/newuidmap").as_ref(),
        );
        let etc = "mkdir -p etc; cp passwd etc/passwd; cp /etc/ld.so.cache etc/; cp sub etc/subuid; \
            cp sub etc/subgid; mount --bind etc /etc";
        let path = "/usr/sbin:/usr/bin:/sbin:/bin";
        for (prepare, cause) in [
            (
                "exec setpriv --no-new-privs \"$@\"".to_owned(),
                "it cannot gain the rights that it needs, for mydocker runs under no_new_privs",
            ),
            (
                format!("export PATH=\"$PWD/plain:{path}\"; exec \"$@\""),
                "it has neither its set-user-ID bit nor file capabilities",
            ),
            (
                "mount --bind /usr/bin /usr/bin; mount -o remount,bind,nosuid /usr/bin; exec \"$@\"".into(),
                "it lies on a mount that is nosuid",
            ),
        ] {
            let script = format!("{etc}; {prepare}");
            let Some(outcome) = tree.among_mounts(&script, &["--userns=auto"], &["true"]) else {
                return;
            };
            let label = format!("{case} {cause}: {outcome:?}");
            assert_eq!(outcome.code(), Some(125), "{label}");
            assert!(outcome.stderr.contains("mydocker: --userns: newuidmap: "), "{label}");
            assert!(outcome.stderr.contains(cause), "{label}");
        }
    }
}

/// One that fails has nothing to do with how the child was cloned, and is not run once more.
#[test]
fn a_newuidmap_that_fails_is_run_once() {
    for case in ordinary_cases() {
        let case = Case {
            launch: "auto",
            ..case
        };
        let Some(tree) = Tree::new(case) else { return };
        let user = format!("ann:x:{ORDINARY}:{ORDINARY_GROUP}::/:/bin/sh\n");
        std::fs::write(tree.beside("passwd"), user).unwrap();
        std::fs::write(tree.beside("sub"), "ann:200000:65536\n").unwrap();
        std::fs::create_dir(tree.beside("fake")).unwrap();
        let called = tree.beside("called");
        let fake = format!("#!/bin/sh\necho called >> {called}\nexit 3\n");
        write_program(tree.beside("fake/newuidmap"), fake, 0o755);
        let script = "mkdir -p etc; cp passwd etc/passwd; cp /etc/ld.so.cache etc/; cp sub etc/subuid; \
            cp sub etc/subgid; mount --bind etc /etc; export PATH=\"$PWD/fake:$PATH\"; exec \"$@\"";
        let Some(outcome) = tree.among_mounts(script, &["--userns=auto"], &["true"]) else {
            return;
        };
        assert_eq!(outcome.code(), Some(125), "{case}: {outcome:?}");
        assert!(!outcome.stderr.contains("clone"), "{case}: {outcome:?}");
        assert_eq!(
            std::fs::read_to_string(&called).unwrap(),
            "called\n",
            "{case}"
        );
    }
}

#[test]
fn ids_and_directories_that_are_missing() {
    each(|case, tree| {
        let upper = tree.beside("missing");
        let option = format!("--overlay={upper}");
        for explain in [&[][..], &["--explain"]] {
            let outcome = tree.run(&[&[option.as_str()], explain].concat(), &["true"]);
            assert_eq!(outcome.code(), Some(125), "{case}: {outcome:?}");
            let message = format!(
                "mydocker: --overlay {upper}: no such file or directory (ENOENT): the directory for what is written \
                 has to be there: make it (mkdir)\n"
            );
            assert_eq!(outcome.stderr, message, "{case}");
        }
        for option in ["/mnt:uid=1000", "/mnt:size=1m,gid=5,mode=700"] {
            let outcome = tree.run(&["--tmpfs", option], &["true"]);
            if case.caller == Caller::Root {
                assert_eq!(outcome.code(), Some(0), "{case}: {outcome:?}");
                continue;
            }
            let id = if option.contains("uid") {
                "uid 1000"
            } else {
                "gid 5"
            };
            assert_eq!(outcome.code(), Some(125), "{case}: {outcome:?}");
            let message = format!(
                "mydocker: --tmpfs {option}: the container's user namespace has no {id}, it has 0 alone (--userns \
                 auto may give more)\n"
            );
            assert_eq!(outcome.stderr, message, "{case}");
        }
        let outcome = tree.run(&["--tmpfs", "/mnt:uid=0,gid=0"], &["true"]);
        assert_eq!(outcome.code(), Some(0), "{case}: {outcome:?}");
    });
}

/// No server answers: whom it is not for, the kernel itself refuses.
#[test]
fn a_fuse_that_is_someone_elses() {
    if root_cases().is_empty() {
        return;
    }
    if std::fs::File::open("/dev/fuse").is_err() {
        skip("there is no FUSE");
        return;
    }
    for case in root_cases() {
        let Some(tree) = Tree::new(case) else { return };
        let fuse = tree.directory("fuse");
        let script = format!(
            "exec 7<> /dev/fuse; mount -i -t fuse -o fd=7,rootmode=40755,user_id={ORDINARY},group_id=1 none fuse; \
             exec \"$@\""
        );
        for volume in [format!("{fuse}:/mnt"), format!("{fuse}/file:/mnt")] {
            let outcome = tree
                .among_mounts(&script, &["-v", &volume], &["true"])
                .unwrap();
            assert_eq!(outcome.code(), Some(125), "{case}: {outcome:?}");
            assert!(
                outcome.stderr.contains(
                    "(EACCES): it lies on a FUSE file system, which only the user who mounted it"
                ),
                "{case}: {outcome:?}"
            );
            assert_eq!(outcome.stderr.lines().count(), 1, "{case}: {outcome:?}");
        }
    }
}
