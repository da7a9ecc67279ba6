//! Devices, links and the console.

use crate::bundle::{each, each_of_root};
use crate::common::pty::Session;
use crate::common::*;
use serde_json::json;
use std::os::unix::fs::MetadataExt;

/// Which file system a file is of.
const OWN: &str = "stat -L -c %D /dev/null /proc/self/fd/0";

#[test]
fn every_container_has_the_devices_of_the_specification() {
    each(|mut bundle| {
        let script = "cd /dev; stat -c '%n %t:%T' null zero full random urandom tty
            for l in fd stdin stdout stderr ptmx; do readlink $l; done; echo x > null; head -c 3 zero | od -An -tx1; echo x > full";
        let outcome = bundle.run(script);
        assert_eq!(
            outcome.stdout,
            "null 1:3\nzero 1:5\nfull 1:7\nrandom 1:8\nurandom 1:9\ntty 5:0\n\
             /proc/self/fd\n/proc/self/fd/0\n/proc/self/fd/1\n/proc/self/fd/2\npts/ptmx\n 00 00 00\n",
            "{}: {outcome:?}",
            bundle.case
        );
        assert!(
            outcome.stderr.contains("No space left on device"),
            "{outcome:?}"
        );
    });
}

/// Whatever the caller's umask is.
#[test]
fn nodes_are_as_they_are_listed() {
    each_of_root(|mut bundle| {
        bundle.config["linux"]["devices"] = json!([
            {"type": "c", "path": "/dev/own", "major": 1, "minor": 3, "fileMode": 0o606, "uid": 5, "gid": 6},
            {"type": "b", "path": "/dev/sub/block", "major": 7, "minor": 99, "fileMode": 0o640, "uid": 0, "gid": 6},
            {"type": "p", "path": "/dev/pipe", "fileMode": 0o622},
            {"type": "u", "path": "/dev/unbuffered", "major": 1, "minor": 5},
            {"type": "c", "path": "/dev/null", "major": 1, "minor": 3, "fileMode": 0o666, "uid": 0, "gid": 7},
            {"type": "c", "path": "/dev/ptmx", "major": 5, "minor": 2},
        ]);
        let script = "cd /dev; stat -c '%n %F %t:%T %a %u:%g' own sub/block pipe unbuffered null sub; readlink ptmx";
        let outcome = bundle.run_with(&["sh", "-c", "umask 077; exec \"$@\"", "sh"], &[], script);
        assert_eq!(
            outcome.stdout,
            "own character special file 1:3 606 5:6\nsub/block block special file 7:63 640 0:6\n\
             pipe fifo 0:0 622 0:0\nunbuffered character special file 1:5 666 0:0\n\
             null character special file 1:3 666 0:7\nsub directory 0:0 755 0:0\npts/ptmx\n",
            "{outcome:?}"
        );
    });
}

/// A file of that name is no device: it is covered, and a link is refused.
#[test]
fn what_has_a_devices_name_is_looked_at() {
    each_of_root(|mut bundle| {
        bundle
            .mounts()
            .retain(|mount| mount["destination"] == "/proc");
        let dev = bundle.tree.root().join("dev");
        std::fs::write(dev.join("null"), "content").unwrap();
        assert_eq!(
            bundle.says("stat -c %t:%T /dev/null; cat /dev/null"),
            "1:3\n"
        );
        assert_eq!(std::fs::read(dev.join("null")).unwrap(), b"content");
        std::fs::remove_file(dev.join("null")).unwrap();
        std::os::unix::fs::symlink("/etc/passwd", dev.join("null")).unwrap();
        let refused = bundle.refusal("true");
        assert!(
            refused.contains("make /dev/null: file exists (EEXIST)"),
            "{refused}"
        );
        // Nothing was made through it, and those that are made stay where they are.
        std::fs::remove_file(dev.join("null")).unwrap();
        assert_eq!(bundle.says("stat -c %t:%T /dev/zero"), "1:5\n");
    });
}

#[test]
fn a_dev_of_the_hosts_is_left_alone() {
    each(|mut bundle| {
        bundle
            .mounts()
            .retain(|mount| mount["destination"] == "/proc");
        let source = bundle.tree.directory("devices");
        bundle.mount(&format!("/dev - {source} rbind,ro"));
        assert_eq!(bundle.says("ls /dev"), "file\n", "{}", bundle.case);
    });
}

/// Root of the container could change the mode of the host's for everyone.
#[test]
fn the_hosts_null_is_not_handed_on() {
    each_of_root(|mut bundle| {
        let said = bundle.says(OWN);
        let (null, stdin) = said.trim().split_once('\n').unwrap();
        assert_eq!(null, stdin, "{said}");
        let hosts = std::fs::metadata("/dev/null").unwrap().dev();
        assert_ne!(format!("{hosts:x}"), stdin, "{said}");
    });
}

#[test]
fn the_console_is_the_containers_terminal() {
    each(|mut bundle| {
        bundle.config["process"]["terminal"] = json!(true);
        bundle.config["process"]["consoleSize"] = json!({"height": 33, "width": 77});
        bundle.write(
            "tty; stat -c '%t:%T' /dev/console; grep ' /dev/console ' /proc/self/mountinfo | cut -d' ' -f4; \
             echo to-console > /dev/console; read line; echo got-$line",
        );
        let mut session = Session::new(bundle.case, mark(), &bundle.line(&[], &[]));
        session.expect("/dev/pts/0\r\n88:0\r\n/0\r\nto-console");
        session.type_line("it");
        session.expect("got-it");
        session.wait();
    });
}

/// The slave would be bound on what a link leads to, or a file of the root's be taken for a terminal.
#[test]
fn no_link_is_taken_for_the_console() {
    each_of_root(|mut bundle| {
        bundle.config["process"]["terminal"] = json!(true);
        let root = bundle.tree.root();
        bundle
            .mounts()
            .retain(|mount| mount["destination"] != "/dev");
        std::os::unix::fs::symlink("../etc/passwd", root.join("dev/console")).unwrap();
        bundle.write("true");
        let mut session = Session::new(bundle.case, mark(), &bundle.line(&[], &[]));
        session.expect("(ELOOP)");
        session.wait();
        // A directory that someone else has made is no devpts.
        std::fs::remove_file(root.join("dev/console")).unwrap();
        bundle
            .mounts()
            .retain(|mount| mount["destination"] != "/dev/pts");
        std::fs::create_dir_all(root.join("dev/pts")).unwrap();
        std::fs::write(root.join("dev/pts/ptmx"), "").unwrap();
        bundle.write("true");
        let mut session = Session::new(bundle.case, mark(), &bundle.line(&[], &[]));
        session.expect("(ENODEV)");
        session.wait();
    });
}
