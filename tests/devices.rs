//! The host's devices, of which a container has those that it was given.

mod common;

use common::tree::*;
use common::*;
use nix::sys::stat::{Mode, SFlag, makedev, mknod};
use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

#[test]
fn nodes_of_disks_are_not_made() {
    each_of_root(|case, tree| {
        // loop0, the console, kmsg, mem.
        let script = "for where in /dev /tmp /; do cd $where; \
            mknod node b 7 0; mknod node c 5 1; mknod node c 1 11; mknod node c 1 1; done; ls -d /*/node /node";
        let outcome = tree.shell(&[], script);
        let refused = outcome.stderr.matches("node: Operation not permitted\n");
        assert_eq!(refused.count(), 12, "{case}: {outcome:?}");
        assert_eq!(outcome.stdout, "", "{case}");
        // It is the filter that keeps them away.
        let unconfined = ["--security-opt=seccomp=unconfined", "--overlay"];
        let script = "mknod /dev/node b 7 0 && stat -c %t:%T /dev/node";
        assert_eq!(tree.says(&unconfined, script), "7:0\n", "{case}");
        let lacking = [&unconfined[..], &["--cap-drop=MKNOD"]].concat();
        assert_eq!(tree.shell(&lacking, script).stdout, "", "{case}");
    });
}

#[test]
fn nodes_that_every_container_has_are_made() {
    each_of_root(|case, tree| {
        let script = "cd /dev; mknod pipe p; mknod deleted c 0 0; mknod nothing c 1 3; mknod zeroes c 1 5; \
            echo x > nothing; head -c 3 zeroes | wc -c; stat -c %F pipe deleted";
        let said = tree.says(&[], script);
        assert_eq!(said, "3\nfifo\ncharacter special file\n", "{case}");
    });
}

#[test]
fn nodes_of_an_image_do_not_open() {
    each_of_root(|case, tree| {
        for (name, minor) in [("null", 3), ("zero", 5)] {
            make_node(&tree.root().join("mnt").join(name), minor);
        }
        let script = "head -c 3 /mnt/zero; echo > /mnt/null; head -c 3 /dev/zero | wc -c";
        for options in [
            &[][..],
            &["--read-only"],
            &["--overlay"],
            &["--overlay", "--read-only"],
            &["-u=7"],
            &["--cap-add=ALL", "--security-opt=seccomp=unconfined"],
        ] {
            for calls in [&[][..], &BEFORE_5_12, &BEFORE_5_2] {
                let outcome = tree.run_without(calls, options, &["/bin/sh", "-c", script]);
                let denied = outcome.stderr.matches("ermission denied").count();
                assert_eq!(denied, 2, "{case} {options:?} {calls:?}: {outcome:?}");
                assert_eq!(outcome.stdout, "3\n", "{case} {options:?} {calls:?}");
            }
        }
        let script = "head -c 3 /mnt/zero | wc -c; echo > /mnt/null";
        for options in [&["--privileged"][..], &["--privileged", "--overlay"]] {
            assert_eq!(tree.says(options, script), "3\n", "{case} {options:?}");
        }
    });
}

/// One of the kernel's memory devices, for everyone.
fn make_node(path: &Path, minor: u64) {
    let mode = Mode::from_bits_truncate(0o666);
    mknod(path, SFlag::S_IFCHR, mode, makedev(1, minor)).unwrap();
    // The mask has taken some of it.
    std::fs::set_permissions(path, PermissionsExt::from_mode(0o666)).unwrap();
}

/// Every way of binding that a kernel may have.
const KERNELS: [&[&str]; 3] = [&[], &BEFORE_5_12, &BEFORE_5_2];

const READ: &str = "head -c 3 /mnt/zero | wc -c";

#[track_caller]
fn opens(case: Case, tree: &Tree, calls: &[&str], options: &[&str], expected: bool) {
    let outcome = tree.run_without(calls, options, &["/bin/sh", "-c", READ]);
    let denied = outcome.stderr.contains("ermission denied");
    let read = if expected { "3\n" } else { "0\n" };
    assert!(
        outcome.stdout == read && denied != expected,
        "{case} {options:?} {calls:?}: {outcome:?}"
    );
}

#[test]
fn nodes_of_a_volume_open_if_that_is_said() {
    each_of_root(|case, tree| {
        let data = tree.directory("data");
        make_node(&Path::new(&data).join("zero"), 5);
        let volume = |words: &str| format!("-v={data}:/mnt{words}");
        let mount = |words: &str| format!("--mount=type=bind,source={data},target=/mnt{words}");
        for calls in KERNELS {
            for words in ["", ":ro", ":noexec", ":nodev", ":rprivate"] {
                opens(case, tree, calls, &[&volume(words)], false);
                let all = ["--cap-add=ALL", "--security-opt=seccomp=unconfined"];
                opens(case, tree, calls, &[&volume(words), all[0], all[1]], false);
            }
            for words in [
                "",
                ",readonly,bind-recursive=writable",
                ",bind-recursive=disabled",
            ] {
                opens(case, tree, calls, &[&mount(words)], false);
            }
            opens(case, tree, calls, &[&volume(":ro,dev")], true);
            opens(case, tree, calls, &[&mount(",dev")], true);
            for (words, expected) in [("", true), (":ro", true), (":nodev", false)] {
                opens(
                    case,
                    tree,
                    calls,
                    &["--privileged", &volume(words)],
                    expected,
                );
            }
            let layers = format!("--mount=type=overlay,source={data},target=/mnt");
            opens(case, tree, calls, &[&layers], false);
            opens(case, tree, calls, &["--privileged", &layers], true);
            if calls != BEFORE_5_2 {
                for propagation in ["rslave", "rshared", "rslave,ro"] {
                    let words = format!(":{propagation}");
                    opens(case, tree, calls, &[&volume(&words)], false);
                    let words = format!(":{propagation},dev");
                    opens(case, tree, calls, &[&volume(&words)], true);
                }
            }
        }
        // --privileged gives a root that is no one outside no devices either.
        let privileged = ["--userns=auto", "--privileged", "--cap-drop=SYS_ADMIN"];
        for (words, expected) in [("", false), (":rslave", false), (":dev", true)] {
            for options in [&privileged[..1], &privileged] {
                let volume = volume(words);
                let options = [options, &[volume.as_str()]].concat();
                opens(case, tree, &[], &options, expected);
            }
        }
    });
}

#[test]
fn a_device_as_a_volume_opens() {
    each(|case, tree| {
        for calls in KERNELS {
            for (option, expected) in [
                ("-v=/dev/zero:/mnt/zero", true),
                ("-v=/dev/zero:/mnt/zero:ro,noexec", true),
                ("-v=/dev/zero:/mnt/zero:dev", true),
                ("-v=/dev/zero:/mnt/zero:nodev", false),
                ("--mount=type=bind,source=/dev/zero,target=/mnt/zero", true),
                ("--device=/dev/zero:/mnt/zero", true),
                // The host's own nodes, as an ordinary user may ask for them too.
                ("-v=/dev:/mnt", false),
                ("-v=/dev:/mnt:dev", true),
            ] {
                opens(case, tree, calls, &[option], expected);
            }
        }
    });
}

#[test]
fn what_is_mounted_below_a_volume_has_none_either() {
    // nosuid: the host has locked it for an ordinary user.
    let before = "mkdir -p data; mount -t tmpfs tmpfs data; mkdir data/below; \
        mount -t tmpfs -o mode=777,nosuid tmpfs data/below; mknod -m 666 data/below/zero c 1 5; ";
    each(|case, tree| {
        std::fs::create_dir_all(tree.beside("data")).unwrap();
        let volume = format!("{}:/mnt", tree.beside("data"));
        let writable = format!(
            "type=bind,source={},target=/mnt,readonly,bind-recursive=writable",
            tree.beside("data")
        );
        for calls in KERNELS {
            for (option, expected) in [
                (["-v", &volume], "0\nrw,nosuid,nodev,relatime\n"),
                (
                    ["-v", &format!("{volume}:ro")],
                    "0\nro,nosuid,nodev,relatime\n",
                ),
                (["--mount", &writable], "0\nrw,nosuid,nodev,relatime\n"),
                (
                    ["-v", &format!("{volume}:dev,noexec")],
                    "3\nrw,nosuid,noexec,relatime\n",
                ),
                (
                    ["-v", &format!("{volume}:rslave")],
                    "0\nrw,nosuid,nodev,relatime\n",
                ),
            ] {
                if calls == BEFORE_5_2 && option[1].ends_with("rslave") {
                    continue;
                }
                let script = format!("{before} {} \"$@\"", lacking(calls));
                let command = "head -c 3 /mnt/below/zero | wc -c; \
                    grep ' /mnt/below ' /proc/self/mountinfo | cut -d' ' -f6";
                let run = ["/bin/sh", "-c", command];
                let Some(outcome) = tree.among_mounts(&script, &option, &run) else {
                    return;
                };
                assert_eq!(
                    outcome.stdout, expected,
                    "{case} {option:?} {calls:?}: {outcome:?}"
                );
            }
        }
    });
}

#[test]
fn mounts_that_no_path_leads_to_are_no_error() {
    // Below DIR, and below a volume: on each other, below what covers them, or dead.
    let lower = "mount -t tmpfs lower DIR/mnt; mkdir DIR/mnt/sub";
    let upper = "mount -t tmpfs upper DIR/mnt";
    let zero = "mknod -m 666 DIR/mnt/zero c 1 5";
    let fuse = "mount -i -t fuse -o fd=5,rootmode=40000,user_id=0,group_id=0 none DIR/mnt/sub";
    let covered = format!("{lower}; mount -t tmpfs sub DIR/mnt/sub; {upper}; {zero}");
    let mut kinds = vec![
        format!("{lower}; {upper}; {zero}"),
        format!("{covered}; mkdir DIR/mnt/sub"),
        format!("{covered}; touch DIR/mnt/sub"),
        covered,
    ];
    if Path::new("/dev/fuse").exists() {
        kinds.push(format!(
            "{lower}; {zero}; exec 5<>/dev/fuse; {fuse}; exec 5>&-"
        ));
    } else {
        skip("no file system can be dead here");
    }
    each(|case, tree| {
        let data = tree.directory("data");
        std::fs::create_dir_all(format!("{data}/mnt")).unwrap();
        tree.give(data.as_ref());
        let volume = format!("{data}:/tmp");
        let read_only = format!("{data}:/tmp:ro");
        for mounts in &kinds {
            for calls in KERNELS {
                let script = |directory| {
                    let mounts = mounts.replace("DIR", directory);
                    format!("{mounts}; {} \"$@\"", lacking(calls))
                };
                let run = |directory, options: &[&str], path| {
                    let command = format!("head -c 3 {path}/zero; echo ran");
                    let run = ["/bin/sh", "-c", &command];
                    tree.among_mounts(&script(directory), options, &run)
                };
                for (directory, options, path) in [
                    ("root", &[][..], "/mnt"),
                    ("data", &["-v", &volume], "/tmp/mnt"),
                ] {
                    let Some(outcome) = run(directory, options, path) else {
                        return;
                    };
                    assert!(
                        outcome.stdout == "ran\n" && outcome.stderr.contains("ermission denied"),
                        "{case} {mounts} {options:?} {calls:?}: {outcome:?}"
                    );
                }
                // But nothing is called read-only that may be written to.
                for (directory, options) in [
                    ("root", &["--read-only"][..]),
                    ("data", &["-v", &read_only]),
                ] {
                    let outcome = run(directory, options, "/tmp").unwrap();
                    // (Another user's FUSE is not asked, and can be restricted.)
                    let reached = mounts.contains("fuse") && case.caller == Caller::Ordinary;
                    let can = calls.is_empty() || reached;
                    let expected = if can { "ran\n" } else { "" };
                    assert_eq!(
                        outcome.stdout, expected,
                        "{case} {mounts} {options:?} {calls:?}: {outcome:?}"
                    );
                }
            }
        }
    });
}

#[test]
fn the_callers_own_tree_has_none_before_5_12() {
    // Where / cannot be copied, it is restricted as it is, with all that is mounted below it.
    each(|case, tree| {
        if !nix::unistd::Uid::effective().is_root() {
            return skip_root_only("it takes root to mount something for the test");
        }
        let root = tree.name();
        for calls in [&BEFORE_5_12[..], &BEFORE_5_2] {
            // What is mounted twice is restricted at its top.
            let before = format!(
                "mount --make-rprivate /; mount -t tmpfs tmpfs {root}/mnt; mount -t tmpfs tmpfs {root}/mnt; \
                 mknod -m 666 {root}/mnt/zero c 1 5; {} \"$@\"",
                lacking(calls)
            );
            let script = format!(
                "grep ' / / ' /proc/self/mountinfo | cut -d' ' -f6; head -c 3 {root}/mnt/zero"
            );
            let mut line: Vec<OsString> = vec!["unshare".into()];
            line.extend(["--mount", "sh", "-ec", &before, "sh"].map(Into::into));
            if case.caller == Caller::Ordinary {
                let (user, group) = (ORDINARY.to_string(), ORDINARY_GROUP.to_string());
                line.extend(["setpriv", "--reuid", &user].map(Into::into));
                line.extend(["--regid", &group, "--clear-groups"].map(Into::into));
            }
            line.push(mydocker().into());
            line.extend(["run", "--launch", case.launch, "--rootfs", "/"].map(Into::into));
            line.extend(["/bin/sh", "-c", &script].map(Into::into));
            let mut command = std::process::Command::new(&line[0]);
            command.args(&line[1..]).stdin(std::process::Stdio::null());
            let outcome = finish(command);
            assert!(
                outcome.stdout.contains("nodev")
                    && outcome.stdout.lines().count() == 1
                    && outcome.stderr.contains("ermission denied"),
                "{case} {calls:?}: {outcome:?}"
            );
        }
    });
}

#[test]
fn no_proc_of_the_hosts_is_needed_before_5_12() {
    // (A program that wants a loader runs from a copy, which is made by way of the host's. CI has static ones too.)
    if wants_loader(&std::fs::read(mydocker()).unwrap()) {
        println!("left to the static binaries");
        return;
    }
    each_of_root(|case, tree| {
        if case.launch == "re-exec" {
            // By /proc/self/exe.
            return;
        }
        let script = format!(
            "mkdir -p none; mount --bind none /proc; exec {} \"$@\"",
            lacking(&BEFORE_5_12)
        );
        let volume = format!("{}:/mnt:ro", tree.directory("data"));
        let shell = "while read line; do case $line in *' / '[rn]*|*' /mnt '*) echo $line; esac; done \
            < /proc/self/mountinfo | cut -d' ' -f6";
        for (options, expected) in [
            (&[][..], "rw,nodev,relatime\n"),
            (&["--read-only"], "ro,nodev,relatime\n"),
            (&["-v", &volume], "rw,nodev,relatime\nro,nodev,relatime\n"),
        ] {
            let command = ["/bin/sh", "-c", shell];
            let Some(outcome) = tree.among_mounts(&script, options, &command) else {
                return;
            };
            assert_eq!(outcome.output(case), expected, "{case} {options:?}");
        }
    });
}
