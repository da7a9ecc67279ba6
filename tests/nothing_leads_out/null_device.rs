//! Standard descriptors that are device nodes of the host's: the container's root could change their mode and owner for
//! everyone, by /proc/self/fd.

use crate::common::tree::*;
use crate::common::*;
use nix::sys::stat::{Mode, SFlag, makedev, mknod};
use std::fs::File;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

/// A node of the test's own, so that the host's is not at stake; the caller's, who may change it.
fn node(tree: &Tree, name: &str, minor: u64) -> Option<(String, File)> {
    let path = tree.beside(name);
    let all = Mode::from_bits_truncate(0o666);
    if mknod(path.as_str(), SFlag::S_IFCHR, all, makedev(1, minor)).is_err() {
        skip_root_only("device nodes are made by root");
        return None;
    }
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o666)).unwrap();
    tree.give(path.as_ref());
    match File::options().read(true).write(true).open(&path) {
        Ok(file) => Some((path, file)),
        Err(_) => {
            skip("the temporary directory lies on a file system that is mounted nodev");
            None
        }
    }
}

const ATTACK: &str = "
    for number in 0 1 2; do
        test $(readlink /proc/$$/fd/$number) = /dev/$1 || exit 3
        busybox chmod 1600 /proc/self/fd/$number
        busybox chown 7 /proc/self/fd/$number
        busybox touch -d @1 /proc/self/fd/$number
    done
    exit 0";

#[test]
fn a_device_as_a_standard_descriptor_is_the_containers_own() {
    each(|case, tree| {
        for (name, minor) in [("null", 3), ("zero", 5), ("full", 7), ("urandom", 9)] {
            let Some((path, file)) = node(tree, name, minor) else {
                return;
            };
            let before = std::fs::metadata(&path).unwrap();
            for options in [&["-i"][..], &["-i", "--init"], &["-i", "--pid=host"]] {
                let root = tree.name();
                let options = [&["--rootfs", root.as_str()], options].concat();
                let mut command = case.command(&options, &["sh", "-c", ATTACK, "sh", name]);
                command.stdin(file.try_clone().unwrap());
                command.stdout(file.try_clone().unwrap());
                command.stderr(file.try_clone().unwrap());
                let code = wait(&mut command.spawn().unwrap()).unwrap().code();
                assert_eq!(code, Some(0), "{case} {options:?} {name}");
                let after = std::fs::metadata(&path).unwrap();
                assert_eq!(after.mode(), before.mode(), "{case} {options:?} {name}");
                assert_eq!(after.uid(), before.uid(), "{case} {options:?} {name}");
                assert_eq!(after.mtime(), before.mtime(), "{case} {options:?} {name}");
            }
        }
    });
}

/// Which mydocker would open itself.
#[test]
fn the_null_device_of_a_container_without_input_is_its_own() {
    each(|case, tree| {
        let options = ["--rootfs", &tree.name()];
        let script =
            "test $(stat -Lc %d:%i /proc/$$/fd/0) = $(stat -Lc %d:%i /dev/null) || echo other
                      read line; echo $?";
        let mut command = case.command(&options, &["sh", "-c", script]);
        // Something else than the null device.
        command.stdin(File::open("/proc/self/status").unwrap());
        assert_eq!(finish(command).output(case), "1\n", "{case}");
    });
}

/// A container that sees the host's nodes anyway keeps what it was given.
#[test]
fn where_dev_is_the_hosts_the_descriptor_stays() {
    each_of_root(|case, tree| {
        let options = ["--rootfs", &tree.name(), "-v", "/dev:/dev:dev", "-i"];
        let script = "stat -Lc %d:%i /proc/$$/fd/0 /dev/null | busybox uniq | wc -l";
        let outcome = case.run(&options, &["sh", "-c", script]);
        assert_eq!(outcome.output(case).trim(), "1", "{case}");
    });
}
