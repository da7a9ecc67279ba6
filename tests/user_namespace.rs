//! `--userns`: root in the container is not root outside.

mod common;
use common::tree::{Tree, each_of_root, snapshot};
use common::*;
use nix::unistd::{Gid, Uid, chown};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::Stdio;

/// The first id outside and how many, as the container is told.
fn map(said: &str) -> (u32, u32) {
    let numbers: Vec<u32> = said
        .split_whitespace()
        .map(|word| word.parse().unwrap())
        .collect();
    assert_eq!((numbers.len(), numbers[0]), (3, 0), "{said}");
    (numbers[1], numbers[2])
}

#[test]
fn auto_gives_each_container_ids_of_its_own() {
    each_of_root(|case, tree| {
        let first = &mut tree_command(
            case,
            tree,
            &["--userns=auto"],
            "cat /proc/self/uid_map; read line",
        );
        let mut first = first
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = String::new();
        let mut reader = std::io::BufReader::new(first.stdout.take().unwrap());
        std::io::BufRead::read_line(&mut reader, &mut said).unwrap();
        let (one, count) = map(&said);
        assert_eq!(count, 65_536, "{case}");
        assert!(one >= 65_536, "{case}: {one}");
        for _ in 0..5 {
            let said = tree.says(&["--userns=auto"], "cat /proc/self/gid_map");
            let (other, count) = map(&said);
            assert!(other.abs_diff(one) >= 65_536, "{case}: {one} {other}");
            assert_eq!(count, 65_536, "{case}");
        }
        drop(first.stdin.take());
        wait(&mut first).unwrap();
    });
}

fn tree_command(case: Case, tree: &Tree, options: &[&str], script: &str) -> std::process::Command {
    let name = tree.name();
    let options = [&["-i", "--rootfs", name.as_str()], options].concat();
    case.command(&options, &["/bin/sh", "-c", script])
}

#[test]
fn root_inside_is_no_one_outside() {
    each_of_root(|case, tree| {
        let data = tree.directory("data");
        std::fs::set_permissions(&data, PermissionsExt::from_mode(0o777)).unwrap();
        std::fs::write(format!("{data}/roots"), "root's\n").unwrap();
        std::fs::set_permissions(format!("{data}/roots"), PermissionsExt::from_mode(0o600))
            .unwrap();
        let volume = format!("{data}:/mnt");
        for more in [
            &[][..],
            &["--init"],
            &["--overlay"],
            &["--cap-add=NET_ADMIN"],
            &["--read-only"],
            &["-t"],
        ] {
            let _ = std::fs::remove_file(format!("{data}/made"));
            let options = [&["--userns=300000:1000", "-v", &volume], more].concat();
            let script = "id -u; id -G; touch /mnt/made; cat /mnt/roots 2>/dev/null || echo closed; \
                stat -c %u:%g /mnt/roots /mnt/made / /bin/busybox /etc/hosts; cat /proc/self/setgroups";
            let said = tree.says(&options, script).replace('\r', "");
            let expected = "0\n0\nclosed\n65534:65534\n0:0\n0:0\n0:0\n0:0\nallow\n";
            assert_eq!(said, expected, "{case} {more:?}");
            let made = std::fs::metadata(format!("{data}/made")).unwrap();
            assert_eq!(
                (made.uid(), made.gid()),
                (300_000, 300_000),
                "{case} {more:?}"
            );
        }
        let options = ["--userns=300000:2000", "-v", &volume, "-u", "smith"];
        let _ = std::fs::remove_file(format!("{data}/made"));
        assert_eq!(
            tree.says(&options, "id -u; id -G; touch /mnt/made"),
            "1234\n555\n",
            "{case}"
        );
    });
}

#[test]
fn the_roots_files_are_the_containers() {
    each_of_root(|case, tree| {
        let root = tree.root();
        std::fs::create_dir(root.join("closed")).unwrap();
        std::fs::set_permissions(root.join("closed"), PermissionsExt::from_mode(0o700)).unwrap();
        // As for a root in root's home: no one else comes there by its path.
        let above = root.parent().unwrap();
        std::fs::set_permissions(above, PermissionsExt::from_mode(0o700)).unwrap();
        let data = tree.directory("data");
        std::fs::set_permissions(&data, PermissionsExt::from_mode(0o755)).unwrap();
        let before = snapshot(&root);
        let volume = format!("{data}:/mnt:ro");
        let overlay = ["--userns=auto", "--overlay", "-v", &volume];
        let script =
            "touch /closed/made /bin/made && stat -c %u /closed/made /bin/busybox && cat /mnt/file";
        assert_eq!(tree.says(&overlay, script), "0\n0\nof data\n", "{case}");
        assert_eq!(snapshot(&root), before, "{case}");
        let options = ["--userns=auto", "-v", &volume];
        assert_eq!(tree.says(&options, script), "0\n0\nof data\n", "{case}");
        // On the disk it is as if the container's root were root.
        assert_eq!(
            std::fs::metadata(root.join("closed/made")).unwrap().uid(),
            0,
            "{case}"
        );
        // Whose files they are already, they stay.
        for entry in ["closed/made", "closed", "bin", "bin/busybox", "."] {
            let (user, group) = (Uid::from_raw(300_000), Gid::from_raw(300_000));
            chown(&root.join(entry), Some(user), Some(group)).unwrap();
        }
        let script = "touch /closed/more && stat -c %u /closed/more /bin/busybox /etc";
        assert_eq!(
            tree.says(&["--userns=300000:65536"], script),
            "0\n0\n65534\n",
            "{case}"
        );
        assert_eq!(
            std::fs::metadata(root.join("closed/more")).unwrap().uid(),
            300_000,
            "{case}"
        );
    });
}

#[test]
fn devices_of_the_root_are_none() {
    each_of_root(|case, tree| {
        let node = tree.root().join("node");
        let kind = nix::sys::stat::SFlag::S_IFCHR;
        let mode = nix::sys::stat::Mode::from_bits_truncate(0o666);
        nix::sys::stat::mknod(&node, kind, mode, nix::sys::stat::makedev(1, 3)).unwrap();
        let script = "cat /node && echo opened; cat /dev/null && echo null; true";
        for more in [
            &[][..],
            &["--overlay"],
            &["--cap-add=MKNOD"],
            &["--privileged", "--cap-drop=SYS_ADMIN"],
            &["--privileged", "--cap-drop=SYS_ADMIN", "--overlay"],
        ] {
            let options = [&["--userns=auto"], more].concat();
            assert_eq!(tree.says(&options, script), "null\n", "{case} {more:?}");
        }
        let said = tree.says(&["--privileged"], script);
        assert_eq!(said, "opened\nnull\n", "{case}");
    });
}

#[test]
fn without_a_root_too() {
    for case in root_cases() {
        let options = ["--userns", "400000:10"];
        let said = case.run(
            &options,
            &["sh", "-c", "id -u; test -r /etc/shadow || echo closed"],
        );
        assert_eq!(said.output(case), "0\nclosed\n", "{case}");
        let said = case.run(&["--userns", "host"], &["cat", "/proc/self/uid_map"]);
        let own = std::fs::read_to_string("/proc/self/uid_map").unwrap();
        assert_eq!(said.output(case), own, "{case}");
    }
}

/// Whether /etc/subuid lists ids for the caller, as it does for a login user, and newuidmap(1) is there to map them.
fn has_ids(case: Case) -> bool {
    let names = "id -u; id -un 2> /dev/null || true";
    let names = finish(case.prepared(&["sh", "-c", names].map(Into::into)));
    let listed = std::fs::read_to_string("/etc/subuid").unwrap_or_default();
    let owners: Vec<&str> = listed
        .lines()
        .filter_map(|line| line.split(':').next())
        .collect();
    let has_map = std::path::Path::new("/usr/bin/newuidmap").exists();
    has_map
        && names
            .output(case)
            .lines()
            .any(|name| owners.contains(&name))
}

#[test]
fn what_cannot_be_is_refused() {
    for case in cases() {
        let Some(tree) = Tree::new(case) else { return };
        let data = tree.directory("data");
        let upper = format!("--overlay={data}");
        let shared = format!("{data}:/mnt:rshared");
        for (who, options, message) in [
            (
                Caller::Root,
                &["--userns=0:5"][..],
                "--userns 0:5: the container's root would be the host's",
            ),
            (
                Caller::Root,
                &["--userns=keep-id"],
                "--userns keep-id: it takes auto, host or UID:COUNT",
            ),
            (
                Caller::Ordinary,
                &["--userns=host"],
                "--userns host: an ordinary user has no namespaces",
            ),
            (
                Caller::Ordinary,
                &["--userns=auto"],
                "--userns auto: /etc/subuid and /etc/subgid list no ids",
            ),
            (
                Caller::Ordinary,
                &["--userns=9:9"],
                "--userns 9:9: /etc/subuid and /etc/subgid do not list",
            ),
            (
                Caller::Root,
                &["--userns=auto", &upper],
                "--overlay: with --userns its writes can go to memory only",
            ),
            // Mounts from outside are not locked.
            (
                Caller::Root,
                &["--userns=auto", "--privileged"],
                "--userns: with --rootfs it cannot be given together with CAP_SYS_ADMIN",
            ),
            (
                Caller::Root,
                &["--userns=auto", "--cap-add=SYS_ADMIN"],
                "--userns: with --rootfs it cannot be given together with CAP_SYS_ADMIN",
            ),
            (
                Caller::Root,
                &["--userns=auto", "-v", &shared],
                "with --userns the container's mounts cannot reach the host",
            ),
        ] {
            if who != case.caller {
                continue;
            }
            let outcome = tree.run(options, &["/bin/true"]);
            if who == Caller::Ordinary && options == ["--userns=auto"] && has_ids(case) {
                assert_eq!(outcome.code(), Some(0), "{case}: {outcome:?}");
                continue;
            }
            assert_eq!(outcome.code(), Some(125), "{case} {options:?}: {outcome:?}");
            assert!(
                outcome.stderr.contains(message),
                "{case} {options:?}: {outcome:?}"
            );
        }
    }
}

#[test]
fn an_unmapped_user_is_refused() {
    each_of_root(|case, tree| {
        let outcome = tree.run(&["--userns=300000:10", "-u", "11"], &["/bin/true"]);
        let message =
            "mydocker: --user 11: the container's user namespace has no uid 11, it has 0 to 9\n";
        assert_eq!(outcome.stderr, message, "{case}");
    });
}

/// An ordinary user with subordinate ids, in a mount namespace whose /etc lists them.
#[test]
fn an_ordinary_user_has_those_of_subuid() {
    if !Path::new("/usr/bin/newuidmap").exists() {
        skip("there is no /usr/bin/newuidmap (Debian's package uidmap)");
        return;
    }
    for case in ordinary_cases() {
        let Some(tree) = Tree::new(case) else { return };
        let user = format!("ann:x:{ORDINARY}:{ORDINARY_GROUP}::/:/bin/sh\n");
        std::fs::write(tree.beside("passwd"), user).unwrap();
        std::fs::write(tree.beside("sub"), "ann:200000:65536\n").unwrap();
        // An /etc with the least that programs need, so that the host's stays as it is.
        let etc = "mkdir -p etc; cp passwd etc/passwd; cp /etc/ld.so.cache etc/";
        let mounts = format!(
            "{etc}; cp sub etc/subuid; cp sub etc/subgid; mount --bind etc /etc; exec \"$@\""
        );
        for (options, script, expected) in [
            (
                &["--userns=auto"][..],
                "id -u; id -G; tr -s ' ' < /proc/self/uid_map; touch /tmp/a; chown 5 /tmp/a; stat -c %u /tmp/a /bin",
                format!("0\n0\n 0 {ORDINARY} 1\n 1 200000 65536\n5\n0\n"),
            ),
            (
                &["--userns=auto", "--init", "-u", "7:8"],
                "id -u; id -G; cut -d: -f1 /proc/self/setgroups",
                "7\n8\nallow\n".into(),
            ),
            (
                // On the host's devpts, where the caller may give nothing away.
                &["--userns=auto", "-t", "-u", "7:8", "-v", "/dev:/dev:dev"],
                "id -u; echo x > /dev/tty",
                "7\r\nx\r\n".into(),
            ),
            (
                &["--userns=auto", "--overlay"],
                "id -u; touch /x; stat -c %u /x /bin",
                "0\n0\n0\n".into(),
            ),
            (
                &["--userns=200001:9"],
                "tr -s ' ' < /proc/self/uid_map; stat -c %u /bin",
                " 0 200001 9\n65534\n".into(),
            ),
        ] {
            let outcome = tree.among_mounts(&mounts, options, &["/bin/sh", "-c", script]);
            let Some(outcome) = outcome else { return };
            assert_eq!(
                outcome.output(case),
                expected,
                "{case} {options:?}: {outcome:?}"
            );
        }
        let mounts = format!(
            "{etc}; rm -f etc/subgid; cp sub etc/subuid; mount --bind etc /etc; exec \"$@\""
        );
        let outcome = tree.among_mounts(&mounts, &["--userns=auto"], &["/bin/true"]);
        let outcome = outcome.unwrap();
        assert!(
            outcome
                .stderr
                .contains("--userns auto: /etc/subuid and /etc/subgid list no ids"),
            "{outcome:?}"
        );
    }
}
