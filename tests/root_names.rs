//! What a container with a root of its own is called, and whom it knows: the files of /etc that are its own, and
//! its users.

mod common;

use common::tree::*;
use std::os::unix::fs::symlink;

#[test]
fn names_are_those_of_the_container() {
    each(|case, tree| {
        let before = tree.snapshot();
        let script = "cat /etc/hostname /etc/resolv.conf; grep box /etc/hosts; hostname";
        let said = tree.says(&["--hostname", "box"], script);
        assert_eq!(said, "box\n127.0.1.1\tbox\nbox\n", "{case}");
        let options = [
            "--dns",
            "9.9.9.9",
            "--dns=::1",
            "--add-host",
            "db:10.0.0.7",
            "--add-host=v6=fe80::7",
        ];
        let said = tree.says(&options, "cat /etc/resolv.conf; tail -n 2 /etc/hosts");
        assert_eq!(
            said, "nameserver 9.9.9.9\nnameserver ::1\n10.0.0.7\tdb\nfe80::7\tv6\n",
            "{case}"
        );
        let theirs = std::fs::read_to_string("/etc/resolv.conf").unwrap_or_default();
        assert_eq!(
            tree.says(&["--network=host"], "cat /etc/resolv.conf"),
            theirs,
            "{case}"
        );
        // On the host's UTS namespace the name is the host's.
        let script = "[ $(hostname) = $(cat /etc/hostname) ] && grep -c \"$(hostname)\" /etc/hosts";
        assert_eq!(tree.says(&["--uts=host"], script), "1\n", "{case}");
        // So they are where something of the host's is mounted that nobody has asked for by a mount: /dev/shm.
        let options = ["--ipc=host", "--hostname=box"];
        let said = tree.says(&options, "cat /etc/hostname");
        assert_eq!(said, "box\n", "{case}");
        // They can be written to, as docker's can, and no one else sees it.
        tree.says(&[], "echo 1.2.3.4 x >> /etc/hosts");
        assert_eq!(tree.snapshot(), before, "{case}");
    });
}

#[test]
fn a_root_without_the_files_of_names() {
    each(|case, tree| {
        for name in ["hostname", "hosts", "resolv.conf"] {
            std::fs::remove_file(tree.root().join("etc").join(name)).unwrap();
        }
        // Left by an installation, for someone who is not there.
        symlink(
            "/run/systemd/resolve/stub-resolv.conf",
            tree.root().join("etc/resolv.conf"),
        )
        .unwrap();
        let before = tree.snapshot();
        assert_eq!(
            tree.says(&[], "ls /etc"),
            "group\npasswd\nresolv.conf\n",
            "{case}"
        );
        let outcome = tree.shell(&["--dns", "1.1.1.1"], "true");
        assert!(
            outcome.stderr.starts_with(
                "mydocker: --dns 1.1.1.1: find /etc/resolv.conf in the container: no such file or directory"
            ),
            "{case}: {outcome:?}"
        );
        assert_eq!(outcome.code(), Some(125));
        let said = tree.says(
            &["--overlay", "--hostname=box"],
            "cat /etc/hostname; wc -l < /etc/hosts",
        );
        assert_eq!(said, "box\n5\n", "{case}");
        assert_eq!(tree.snapshot(), before, "{case}");
        // Nothing is made in DIR; an overlay has what docker's containers have.
        std::fs::remove_dir_all(tree.root().join("etc")).unwrap();
        assert!(!tree.says(&[], "ls /").contains("etc"), "{case}");
        let said = tree.says(
            &["--overlay", "--dns=1.1.1.1"],
            "ls /etc; cat /etc/resolv.conf",
        );
        assert_eq!(
            said, "hostname\nhosts\nresolv.conf\nnameserver 1.1.1.1\n",
            "{case}"
        );
        assert!(!tree.root().join("etc").exists(), "{case}");
    });
}

#[test]
fn users_are_those_of_the_container() {
    each(|case, tree| {
        let said = tree.says(&["-u", "smith"], "id -u; id -g; echo $HOME");
        assert_eq!(said, "1234\n555\n/home/smith\n", "{case}");
        let outcome = tree.shell(&["-u", "daemon"], "id");
        assert_eq!(
            outcome.stderr,
            "mydocker: --user daemon: no such user in the container's /etc/passwd\n",
            "{case}"
        );
        // The upper layer's, and a volume's, come before the lower one's.
        let upper = tree.beside("upper");
        std::fs::create_dir_all(format!("{upper}/etc")).unwrap();
        std::fs::write(format!("{upper}/etc/passwd"), "other:x:77:0::/o:\n").unwrap();
        tree.give(upper.as_ref());
        let overlay = format!("--overlay={upper}");
        assert_eq!(
            tree.says(&[&overlay, "-u", "other"], "id -u"),
            "77\n",
            "{case}"
        );
        let volume = format!("{upper}/etc/passwd:/etc/passwd");
        assert_eq!(
            tree.says(&["-v", &volume, "-u", "other"], "id -u"),
            "77\n",
            "{case}"
        );
        let volume = format!("{upper}/etc:/etc");
        assert_eq!(
            tree.says(&["-v", &volume, "-u", "other"], "id -u"),
            "77\n",
            "{case}"
        );
        // What is no list of users is not waited for.
        std::fs::remove_file(tree.root().join("etc/passwd")).unwrap();
        let fifo = tree.root().join("etc/passwd");
        nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
        let outcome = tree.shell(&["-u", "smith"], "id");
        assert!(
            outcome.stderr.contains("no such user in the container's"),
            "{case}: {outcome:?}"
        );
        // A link leads to the container's own files, if to any.
        std::fs::remove_file(&fifo).unwrap();
        symlink("/etc/group", &fifo).unwrap();
        let outcome = tree.shell(&["-u", "daemon"], "id");
        assert_eq!(outcome.code(), Some(125), "{case}: {outcome:?}");
        std::fs::remove_file(&fifo).unwrap();
        symlink("../../../../../../../../etc/passwd", &fifo).unwrap();
        let outcome = tree.shell(&["-u", "daemon"], "id");
        assert!(outcome.stderr.contains("ELOOP"), "{case}: {outcome:?}");
    });
}
