//! The host's devices, of which a container has those that it was given.

mod common;
#[path = "common/tree.rs"]
mod tree;

use common::*;
use nix::sys::stat::{Mode, SFlag, makedev, mknod};
use std::ffi::OsString;
use tree::*;

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
        let mode = Mode::from_bits_truncate(0o666);
        for (name, minor) in [("null", 3), ("zero", 5)] {
            let node = tree.root().join("mnt").join(name);
            mknod(&node, SFlag::S_IFCHR, mode, makedev(1, minor)).unwrap();
            // (The mask has taken some of it.)
            nix::sys::stat::fchmodat(
                nix::fcntl::AT_FDCWD,
                &node,
                mode,
                nix::sys::stat::FchmodatFlags::FollowSymlink,
            )
            .unwrap();
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
        // What someone asks for is theirs.
        let volume = format!("{}/mnt:/mnt", tree.name());
        let device = format!("{}/mnt/zero:/mnt/zero", tree.name());
        assert_eq!(tree.says(&["-v", &volume], script), "3\n", "{case}");
        let script = "head -c 3 /mnt/zero | wc -c";
        assert_eq!(tree.says(&["--device", &device], script), "3\n", "{case}");
    });
}

#[test]
fn the_callers_own_tree_has_none_before_5_12() {
    // Where / cannot be copied, it is restricted as it is.
    each_of_root(|case, _| {
        let script = "exec <&-; grep ' / / ' /proc/self/mountinfo | cut -d' ' -f6";
        let mut line: Vec<OsString> = vec![probe().into()];
        line.extend(["lacking", "mount_setattr", "--"].map(Into::into));
        line.push(mydocker().into());
        line.extend(["run", "--launch", case.launch, "--rootfs", "/"].map(Into::into));
        line.extend(["/bin/sh", "-c", script].map(Into::into));
        let outcome = finish(case.prepared(&line));
        assert!(
            outcome.output(case).contains("nodev"),
            "{case}: {outcome:?}"
        );
    });
}
