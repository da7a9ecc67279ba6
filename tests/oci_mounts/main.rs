//! What a container of config.json sees of files, from outside: mounts and their options, devices, what is hidden, and what
//! a hostile root can do about it.

#[path = "../common/mod.rs"]
mod common;

mod bundle;
mod devices;
mod hostile;
mod roots;

use bundle::{each, each_of_root, flags_of};
use common::tree::{BEFORE_5_2, BEFORE_5_12};
use common::*;
use serde_json::json;
use std::path::Path;

/// Options of a bind, and the flags that mountinfo shows then.
const BINDS: [(&str, &str); 11] = [
    ("bind", "rw,relatime"),
    ("rbind,ro", "ro,relatime"),
    ("bind,ro,rw", "rw,relatime"),
    (
        "bind,nosuid,nodev,noexec",
        "rw,nosuid,nodev,noexec,relatime",
    ),
    ("bind,noexec,exec,nosuid", "rw,nosuid,relatime"),
    ("bind,noatime", "rw,noatime"),
    ("bind,nodiratime", "rw,nodiratime,relatime"),
    ("bind,strictatime,nodiratime", "rw,nodiratime"),
    ("bind,relatime,defaults", "rw,relatime"),
    ("bind,unknown=1", "rw,relatime"),
    ("bind,remount,ro", "ro,relatime"),
];

/// On each kernel, as far as it is the calls that tell it apart.
#[test]
fn a_bind_has_the_flags_that_its_options_say() {
    for missing in [&[][..], &BEFORE_5_12, &BEFORE_5_2] {
        each(|mut bundle| {
            let source = bundle.tree.directory("source");
            let file = format!("{source}/file");
            let mut expected = String::new();
            for (number, (options, flags)) in BINDS.into_iter().enumerate() {
                if is_locked(&bundle, options) {
                    continue;
                }
                bundle.mount(&format!("/mnt/new/{number} - {source} {options}"));
                bundle.mount(&format!("mnt/file{number} - {file} {options}"));
                expected += &format!("/mnt/new/{number} {flags}\n/mnt/file{number} {flags}\n");
            }
            let wrapper = [&["lacking"], missing, &["--"]].concat();
            let probe = probe_name();
            let before = match missing {
                [] => Vec::new(),
                _ => [&[probe.as_str()][..], &wrapper].concat(),
            };
            let script = flags_of("/mnt/") + "; cat /mnt/new/0/file /mnt/file1 >&2";
            let outcome = bundle.run_with(&before, &[], &script);
            let case = bundle.case;
            assert_eq!(outcome.stdout, expected, "{case} {missing:?}: {outcome:?}");
            assert_eq!(outcome.stderr, "of source\n".repeat(2), "{case}");
        });
    }
}

#[test]
fn a_remount_gives_other_flags_to_what_is_there() {
    each(|mut bundle| {
        let source = bundle.tree.directory("source");
        bundle.mount("/mnt/one tmpfs none nosuid");
        bundle.mount("/mnt/two tmpfs none nosuid");
        bundle.mount(&format!("/mnt/one/ - {source} bind,remount,ro"));
        bundle.mount("/mnt/two bind none remount,noexec");
        let script = flags_of("/mnt/") + "; ls /mnt/one; cp /bin/true /mnt/two; /mnt/two/true";
        let outcome = bundle.run(&script);
        // One mount each, of which the second has none of the source's files.
        let expected = "/mnt/one ro,relatime\n/mnt/two rw,noexec,relatime\n";
        assert_eq!(outcome.stdout, expected, "{}: {outcome:?}", bundle.case);
        assert_eq!(outcome.code(), Some(126), "{}: {outcome:?}", bundle.case);
    });
}

/// In a user namespace the kernel keeps how times are kept.
fn is_locked(bundle: &bundle::Bundle, options: &str) -> bool {
    bundle.case.caller == Caller::Ordinary
        && options.contains("atime")
        && !options.contains("relatime")
        || bundle.case.caller == Caller::Ordinary && options.contains("diratime")
}

#[test]
fn recursive_options_are_for_what_is_mounted_below_too() {
    each_of_root(|mut bundle| {
        for (name, options) in [
            ("top", "rbind,ro"),
            ("all", "rbind,rro"),
            ("many", "rbind,rnosuid,rnodev,rnoexec,rnoatime"),
            ("last", "rbind,rro,rrw,rnosymfollow,rsymfollow"),
        ] {
            bundle.mount(&format!("/mnt/{name} - /dev {options}"));
        }
        let said = bundle.says(&flags_of("/mnt/"));
        let below = |name: &str| {
            let place = format!("/mnt/{name}/");
            let lines = said.lines().filter(|line| line.starts_with(&place));
            let flags: Vec<&str> = lines.map(|line| line.split(' ').nth(1).unwrap()).collect();
            assert!(!flags.is_empty(), "/dev has mounts below it: {said}");
            flags
        };
        assert!(
            below("top").iter().all(|flags| flags.starts_with("rw")),
            "{said}"
        );
        assert!(
            below("all").iter().all(|flags| flags.starts_with("ro")),
            "{said}"
        );
        assert!(
            below("last").iter().all(|flags| flags.starts_with("rw")),
            "{said}"
        );
        let many = "rw,nosuid,nodev,noexec,noatime";
        assert!(below("many").iter().all(|flags| *flags == many), "{said}");
    });
}

#[test]
fn where_the_kernel_has_no_recursive_flags_they_are_refused() {
    each(|mut bundle| {
        let source = bundle.tree.directory("source");
        bundle.mount(&format!("/mnt - {source} rbind,rro"));
        let probe = probe_name();
        let before = [probe.as_str(), "lacking", "mount_setattr", "--"];
        let outcome = bundle.run_with(&before, &[], "true");
        assert_ne!(outcome.code(), Some(0), "{outcome:?}");
        assert!(outcome.stderr.contains("(ENOSYS)"), "{outcome:?}");
    });
}

#[test]
fn file_systems_are_mounted_as_they_are_listed() {
    each(|mut bundle| {
        for words in [
            "/dev/shm tmpfs shm nosuid,noexec,nodev,mode=1777,size=65536k",
            "/dev/mqueue mqueue mqueue nosuid,noexec,nodev",
            "/sys sysfs sysfs nosuid,noexec,nodev,ro",
            "/etc tmpfs - size=64k",
            "/mnt/a tmpfs - ro,size=64k",
            // On top of the one before.
            "/mnt/a/b tmpfs - mode=711",
        ] {
            bundle.mount(words);
        }
        let root = bundle.tree.root();
        std::fs::set_permissions(root.join("etc"), mode(0o2750)).unwrap();
        let script = "for m in /dev /dev/pts /dev/shm /dev/mqueue /sys /etc /mnt/a /mnt/a/b; do
            grep \" $m \" /proc/self/mountinfo | cut -d' ' -f5,6; done
            grep -c ' /etc tmpfs .*mode=2750' /proc/self/mounts
            stat -c '%a' /dev/shm /etc /mnt/a/b; touch /mnt/a/x 2>&1";
        let outcome = bundle.run(script);
        assert_eq!(
            outcome.stdout,
            "/dev rw,nosuid\n/dev/pts rw,nosuid,noexec,relatime\n\
             /dev/shm rw,nosuid,nodev,noexec,relatime\n/dev/mqueue rw,nosuid,nodev,noexec,relatime\n\
             /sys ro,nosuid,nodev,noexec,relatime\n/etc rw,relatime\n/mnt/a ro,relatime\n\
             /mnt/a/b rw,relatime\n1\n1777\n2750\n711\n\
             touch: /mnt/a/x: Read-only file system\n",
            "{}: {outcome:?}",
            bundle.case
        );
    });
}

fn mode(mode: u32) -> std::fs::Permissions {
    std::os::unix::fs::PermissionsExt::from_mode(mode)
}

#[test]
fn a_copy_is_what_tmpcopyup_begins_with() {
    each(|mut bundle| {
        let deep = bundle.tree.root().join("etc/deep/er");
        std::fs::create_dir_all(&deep).unwrap();
        std::fs::write(deep.join("file"), "x".repeat(100_000)).unwrap();
        std::fs::set_permissions(deep.join("file"), mode(0o4710)).unwrap();
        std::os::unix::fs::symlink("file", deep.join("link")).unwrap();
        bundle.tree.give(&bundle.tree.root());
        std::fs::set_permissions(deep.join("file"), mode(0o4710)).unwrap();
        bundle.mount("/etc tmpfs tmpfs tmpcopyup");
        let script = "cd /etc/deep/er; wc -c < link; stat -c '%a' file; readlink link; \
            touch /etc/new; rm file; ls";
        assert_eq!(
            bundle.says(script),
            "100000\n4710\nfile\nlink\n",
            "{}",
            bundle.case
        );
        assert!(deep.join("file").exists() && !bundle.tree.root().join("etc/new").exists());
    });
}

#[test]
fn a_mount_has_the_propagation_that_it_asks_for() {
    each_of_root(|mut bundle| {
        let source = bundle.tree.directory("source");
        for (name, options) in [
            ("a", "bind,rprivate"),
            ("b", "bind,shared"),
            ("c", "bind,unbindable"),
            ("d", "bind,shared,slave,shared"),
        ] {
            bundle.mount(&format!("/mnt/{name} - {source} {options}"));
        }
        bundle.mount("/mnt/e tmpfs tmpfs rshared");
        let said = bundle.says("grep ' /mnt' /proc/self/mountinfo | cut -d' ' -f7-8 | tr -d '0-9'");
        let kinds: Vec<&str> = said
            .lines()
            .map(|line| line.split(' ').next().unwrap())
            .collect();
        assert_eq!(
            kinds,
            ["-", "shared:", "unbindable", "shared:", "shared:"],
            "{said}"
        );
    });
}

/// Ids on the disk are others in the container.
#[test]
fn ids_are_mapped() {
    each_of_root(|mut bundle| {
        let source = bundle.tree.directory("source");
        nix::unistd::chown(
            Path::new(&format!("{source}/file")),
            Some(5.into()),
            Some(6.into()),
        )
        .unwrap();
        bundle.mount(&format!("/mnt - {source} bind,idmap"));
        let map = json!([{"containerID": 0, "hostID": 1000, "size": 10}]);
        let mount = bundle.mounts().last_mut().unwrap();
        mount["uidMappings"] = map.clone();
        mount["gidMappings"] = map;
        let outcome = bundle.run("stat -c %u:%g /mnt/file");
        if outcome.stderr.contains("idmapped mounts") {
            return skip("the file system of the scratch directory knows no idmapped mounts");
        }
        assert_eq!(outcome.stdout, "1005:1006\n", "{outcome:?}");
    });
}

/// Its root is no one outside, and the directories on the way to the sources are closed to it.
#[test]
fn binds_of_a_user_namespace_are_opened_by_root() {
    each_of_root(|mut bundle| {
        bundle.user_namespace((100_000, 100_000), 65_536);
        let closed = bundle.tree.directory("closed");
        std::fs::create_dir(format!("{closed}/in")).unwrap();
        std::fs::write(format!("{closed}/in/file"), "inner").unwrap();
        std::fs::set_permissions(&closed, mode(0o700)).unwrap();
        chown_all(&bundle.tree.root(), 100_000);
        bundle.mount(&format!("/mnt/in - {closed}/in rbind,ro"));
        bundle.mount("/mnt/dev - /dev/null bind");
        let script =
            "cat /mnt/in/file; echo x > /mnt/dev; stat -c ' %u %t:%T' / /dev/zero; touch /mnt/in/x";
        let outcome = bundle.run(script);
        assert_eq!(outcome.stdout, "inner 0 0:0\n 65534 1:5\n", "{outcome:?}");
        assert!(
            outcome.stderr.contains("Read-only file system"),
            "{outcome:?}"
        );
    });
}

fn chown_all(path: &Path, id: u32) {
    nix::unistd::fchownat(
        nix::fcntl::AT_FDCWD,
        path,
        Some(id.into()),
        Some(id.into()),
        nix::fcntl::AtFlags::AT_SYMLINK_NOFOLLOW,
    )
    .unwrap();
    if path.symlink_metadata().unwrap().is_dir() {
        for entry in std::fs::read_dir(path).unwrap() {
            chown_all(&entry.unwrap().path(), id);
        }
    }
}

#[test]
fn the_whole_of_the_hosts_root_is_without_the_containers() {
    each(|mut bundle| {
        bundle.mount("/mnt - / rbind,ro");
        let own = bundle.tree.beside("");
        let script = format!("test -f /mnt{own}/config.json && echo hosts");
        assert_eq!(bundle.says(&script), "hosts\n", "{}", bundle.case);
    });
}

/// What an earlier mount has brought into the root is where the root is, though the host does not see it there.
#[test]
fn a_source_may_be_in_the_root() {
    each(|mut bundle| {
        let source = bundle.tree.directory("source");
        bundle.mount(&format!("/mnt/a - {source} bind,ro"));
        let root = bundle.tree.name();
        bundle.mount(&format!("/mnt/b - {root}/mnt/a/file bind"));
        bundle.mount("/mnt/c - root/mnt rbind");
        // And as in runc, a place may be named as the host would, too.
        bundle.mount(&format!("{root}/mnt/d - {source} bind,ro"));
        let said = bundle.says("cat /mnt/b; ls /mnt/c; cat /mnt/d/file");
        assert_eq!(
            said, "of source\na\nb\nc\nd\nof source\n",
            "{}",
            bundle.case
        );
        assert!(
            !bundle
                .tree
                .root()
                .join(root.trim_start_matches('/'))
                .exists()
        );
    });
}

/// v1: a directory for each hierarchy, and links where one has more controllers.
#[test]
fn cgroups_are_seen_at_their_own_place() {
    each_of_root(|mut bundle| {
        if Path::new("/sys/fs/cgroup/cgroup.controllers").exists() {
            // v2 alone: the next test.
            return;
        }
        bundle.mount("/mnt cgroup cgroup ro,nosuid,noexec,nodev");
        let said = bundle.says(
            "cut -d: -f2 /proc/self/cgroup | grep . | while IFS= read -r names; do
                names=${names#name=}; test -f /mnt/$names/tasks || echo $names; 
                for one in $(echo $names | tr , ' '); do test -f /mnt/$one/tasks || echo $one; done
             done; touch /mnt/x 2>&1; grep -c ' /mnt/' /proc/self/mountinfo",
        );
        let (refused, count) = said.split_once('\n').unwrap();
        assert_eq!(refused, "touch: /mnt/x: Read-only file system", "{said}");
        assert!(count.trim().parse::<u32>().unwrap() > 0, "{said}");
    });
}

#[test]
fn version_2_is_mounted_anew() {
    each_of_root(|mut bundle| {
        if !std::fs::read_to_string("/proc/filesystems")
            .unwrap()
            .contains("cgroup2")
        {
            return skip("the kernel has no cgroup2");
        }
        let namespaces = bundle.config["linux"]["namespaces"].as_array_mut().unwrap();
        namespaces.push(json!({"type": "cgroup"}));
        bundle.mount("/mnt cgroup2 cgroup ro,nosuid,noexec,nodev");
        let said = bundle.says("cat /mnt/cgroup.procs | grep -c .; grep ' /mnt ' /proc/self/mountinfo | cut -d' ' -f4,6");
        assert!(
            said.ends_with("/ ro,nosuid,nodev,noexec,relatime\n"),
            "{said}"
        );
    });
}
