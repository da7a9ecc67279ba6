//! The host's device nodes: what a container does to those that it was given is not done to the host's.

use crate::common::tree::*;
use crate::common::*;
use nix::sys::stat::{Mode, SFlag, makedev, mknod};
use nix::unistd::{Gid, Uid, chown};
use std::io::Read;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::Path;

/// A node of the host's that is like /dev/full, with this owner.
fn node(tree: &Tree, user: u32, group: u32) -> String {
    let path = tree.beside("node");
    let _ = std::fs::remove_file(&path);
    mknod(
        Path::new(&path),
        SFlag::S_IFCHR,
        Mode::empty(),
        makedev(1, 7),
    )
    .expect("a node");
    let (user, group) = (Uid::from_raw(user), Gid::from_raw(group));
    chown(Path::new(&path), Some(user), Some(group)).expect("its owner");
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o640)).expect("its mode");
    path
}

fn told(path: &str) -> String {
    let facts = std::fs::symlink_metadata(path).expect("it is there");
    format!(
        "{:o} {} {}",
        facts.mode() & 0o7777,
        facts.uid(),
        facts.gid()
    )
}

const KERNELS: [&[&str]; 3] = [&[], &BEFORE_5_12, &BEFORE_5_2];

#[test]
fn a_device_is_a_node_of_the_containers_own() {
    each_of_root(|case, tree| {
        let path = node(tree, 12, 34);
        for target in [
            "/dev/f",
            "/dev/made/f",
            "/dev/zero",
            "/mnt/f",
            "/mnt/made/f",
        ] {
            let option = format!("--device={path}:{target}");
            for calls in KERNELS {
                let script = format!(
                    "cd /; stat -c '%a %u %g %t:%T' {target}; chmod 606 {target}; chown 5:6 {target}; \
                     stat -c '%a %u %g' {target}; echo x > {target}"
                );
                let command = ["/bin/sh", "-c", &script];
                let outcome = tree.run_without(calls, &[&option, "--overlay"], &command);
                assert_eq!(
                    outcome.stdout, "640 12 34 1:7\n606 5 6\n",
                    "{case} {target} {calls:?}: {outcome:?}"
                );
                assert!(
                    outcome.stderr.contains("No space left"),
                    "{case} {target} {calls:?}: {outcome:?}"
                );
                assert_eq!(told(&path), "640 12 34", "{case} {target} {calls:?}");
            }
        }
        // A block device is one.
        let script = "stat -c '%F %t:%T' /dev/f";
        let block = tree.beside("block");
        let _ = std::fs::remove_file(&block);
        let (kind, mode) = (SFlag::S_IFBLK, Mode::S_IRUSR);
        mknod(Path::new(&block), kind, mode, makedev(7, 7)).expect("a node");
        let said = tree.says(&[&format!("--device={block}:/dev/f")], script);
        assert_eq!(said, "block special file 7:7\n", "{case}");
    });
}

#[test]
fn where_no_node_can_be_made_the_hosts_cannot_be_changed() {
    each(|case, tree| {
        if !Uid::effective().is_root() {
            return skip_root_only("it takes root to make a node for the test");
        }
        let owner = match case.caller {
            Caller::Root => (0, 0),
            Caller::Ordinary => (ORDINARY, ORDINARY_GROUP),
        };
        let path = node(tree, owner.0, owner.1);
        let before = told(&path);
        let devices = [
            format!("--device={path}:/dev/f"),
            format!("--device={path}:/mnt/f"),
        ];
        let script =
            "for f in /dev/f /mnt/f; do chmod 666 $f; chown 0:0 $f; touch $f; echo x > $f; done";
        let mut options: Vec<&str> = devices.iter().map(String::as_str).collect();
        let root = tree.name();
        options.extend(["--overlay", "--rootfs", &root]);
        let wrapper: &[&str] = match case.caller {
            Caller::Root => &["deny", "mknodat", "1"],
            Caller::Ordinary => &[],
        };
        let command = ["/bin/sh", "-c", script];
        let outcome = finish(case.wrapped(wrapper, &options, &command));
        let refused = outcome.stderr.matches("Read-only file system").count();
        assert_eq!(refused, 6, "{case}: {outcome:?}");
        let opened = outcome.stderr.matches("No space left").count();
        assert_eq!(opened, 2, "{case}: {outcome:?}");
        assert_eq!(told(&path), before, "{case}");
    });
}

#[test]
fn where_some_nodes_are_denied_the_others_are_made() {
    each_of_root(|case, tree| {
        let root = tree.name();
        // All of them, or /dev/zero and /dev/random alone, as a device cgroup may.
        for denied in [
            &["deny", "mknodat", "1"][..],
            &["deny", "mknodat", "1", "3=261"],
            &["deny", "mknodat", "1", "3=264"],
        ] {
            // (The mode that it has: nothing is lost if it is not refused.)
            let script = "chmod 666 /dev/zero; chmod 666 /dev/random; echo x > /dev/null && head -c 3 /dev/zero | wc -c; \
                head -c 3 /dev/random | wc -c; stat -c %t:%T /dev/null /dev/full /dev/tty";
            let command = ["/bin/sh", "-c", script];
            let outcome = finish(case.wrapped(denied, &["--rootfs", &root], &command));
            assert_eq!(
                outcome.stdout, "3\n3\n1:3\n1:7\n5:0\n",
                "{case} {denied:?}: {outcome:?}"
            );
            let refused = outcome.stderr.matches("Read-only file system").count();
            let bound = if denied.len() == 3 { 2 } else { 1 };
            assert_eq!(refused, bound, "{case} {denied:?}: {outcome:?}");
        }
    });
}

#[test]
fn all_devices_are_nodes_of_the_containers_own() {
    each_of_root(|case, tree| {
        let known = [
            "null", "zero", "full", "random", "urandom", "tty", "ptmx", "console",
        ];
        let is_other = |entry: &std::fs::DirEntry| {
            let kind = entry.file_type().expect("a type");
            (kind.is_char_device() || kind.is_block_device())
                && !known.iter().any(|name| entry.file_name() == *name)
        };
        let entries = std::fs::read_dir("/dev").expect("/dev").flatten();
        let Some(device) = entries.into_iter().find(is_other) else {
            return skip("/dev has no devices");
        };
        let name = device.path();
        let name = name.to_str().expect("a name");
        let number = std::fs::metadata(name).expect("a device").dev();
        // As `stat` tells it: which file system the node lies on.
        let script = format!(
            "stat -c '%d' {name}; stat -c '%a %u %g' {name}; grep -c ' {name} ' /proc/self/mountinfo"
        );
        let said = tree.shell(&["--privileged"], &script).stdout;
        let lines: Vec<&str> = said.lines().collect();
        assert_eq!(lines.len(), 3, "{case}: {said}");
        assert_ne!(
            lines[0],
            number.to_string(),
            "{case} {name}: the host's node"
        );
        assert_eq!(lines[1], told(name), "{case} {name}");
        assert_eq!(lines[2], "0", "{case} {name}");
    });
}

#[test]
fn a_terminal_stays_the_hosts_and_as_it_is() {
    each_of_root(|case, tree| {
        let pty = nix::pty::openpty(None, None).expect("a terminal");
        let slave = format!("/proc/self/fd/{}", pty.slave.as_raw_fd());
        let slave = std::fs::read_link(slave).expect("its name");
        let slave = slave.to_str().expect("a name");
        let before = told(slave);
        let option = format!("--device={slave}:/dev/other");
        let script = "stat -c %t /dev/other; chmod 666 /dev/other; echo hello > /dev/other";
        let outcome = tree.shell(&[&option], script);
        assert_eq!(outcome.output(case), "88\n", "{case}");
        assert!(outcome.stderr.contains("Read-only"), "{case}: {outcome:?}");
        let mut bytes = [0; 5];
        let mut master = std::fs::File::from(pty.master);
        master.read_exact(&mut bytes).expect("what was written");
        assert_eq!(&bytes, b"hello", "{case}");
        assert_eq!(told(slave), before, "{case}");
    });
}
