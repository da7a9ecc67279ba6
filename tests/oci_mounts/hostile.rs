//! Roots that someone else has made, to get at what is outside of them.

use crate::bundle::{Bundle, each, each_of_root};
use serde_json::json;
use std::os::unix::fs::symlink;

#[test]
fn links_stay_inside() {
    each(|mut bundle| {
        let outside = bundle.tree.directory("outside");
        let before = crate::common::tree::snapshot(outside.as_ref());
        let root = bundle.tree.root();
        symlink(&outside, root.join("absolute")).unwrap();
        symlink(format!("../../../..{outside}"), root.join("mnt/up")).unwrap();
        let source = bundle.tree.directory("source");
        bundle.mount(&format!("/absolute/new - {source} bind"));
        bundle.mount("/mnt/up/tmpfs tmpfs tmpfs");
        bundle.mount(&format!("/absolute/file2 - {source}/file bind"));
        bundle.config["linux"]["maskedPaths"] = json!(["/absolute/file2"]);
        let said = bundle.says("cat /absolute/new/file /absolute/file2; ls /mnt/up");
        assert_eq!(said, "of source\nfile2\nnew\ntmpfs\n", "{}", bundle.case);
        assert_eq!(crate::common::tree::snapshot(outside.as_ref()), before);
    });
}

/// CVE-2019-19921, CVE-2023-27561: what is hidden of /proc would be hidden elsewhere.
#[test]
fn proc_and_sys_are_mounted_on_directories_alone() {
    const REFUSAL: &str = "must be mounted on ordinary directory";
    each(|mut bundle| {
        let root = bundle.tree.root();
        bundle.mount("/sys sysfs sysfs ro");
        std::fs::rename(root.join("sys"), root.join("other")).unwrap();
        symlink("/other", root.join("sys")).unwrap();
        let refused = bundle.refusal("true");
        assert!(refused.contains(REFUSAL), "{refused}");
        std::fs::remove_file(root.join("sys")).unwrap();
        std::fs::write(root.join("sys"), "").unwrap();
        let refused = bundle.refusal("true");
        assert!(refused.contains(REFUSAL), "{refused}");
        std::fs::remove_file(root.join("sys")).unwrap();
        std::fs::remove_dir(root.join("proc")).unwrap();
        symlink("other", root.join("proc")).unwrap();
        let refused = bundle.refusal("true");
        assert!(refused.contains(REFUSAL), "{refused}");
        // Made where it is missing.
        std::fs::remove_file(root.join("proc")).unwrap();
        assert_eq!(bundle.says("test -d /sys/kernel && echo $$"), "1\n");
    });
}

#[test]
fn nothing_is_mounted_into_proc() {
    let refused = |change: &dyn Fn(&mut Bundle), expected: &str| {
        each(|mut bundle| {
            change(&mut bundle);
            let refused = bundle.refusal("true");
            assert!(refused.contains(expected), "{}: {refused}", bundle.case);
        });
    };
    let inside = "cannot be mounted because it is inside /proc";
    refused(
        &|bundle| bundle.mount("/proc/sys/kernel tmpfs tmpfs"),
        inside,
    );
    refused(&|bundle| bundle.mount("/x/../proc/1 - /etc bind"), inside);
    refused(
        &|bundle| {
            symlink("/proc/self/", bundle.tree.root().join("link")).unwrap();
            bundle.mount("/link/attr tmpfs tmpfs");
        },
        inside,
    );
    let of_type = "cannot be mounted because it is not of type proc";
    refused(&|bundle| bundle.mount("/proc tmpfs tmpfs"), of_type);
    refused(
        &|bundle| {
            let source = bundle.tree.directory("source");
            bundle.mount(&format!("/proc - {source} bind"));
        },
        of_type,
    );
    refused(
        &|bundle| {
            symlink("/", bundle.tree.root().join("link")).unwrap();
            bundle.mount("/link tmpfs tmpfs");
        },
        "(EBUSY)",
    );
    // But for what lxcfs has.
    each(|mut bundle| {
        let source = bundle.tree.directory("source");
        bundle.mount(&format!("/proc/meminfo - {source}/file bind,ro"));
        assert_eq!(bundle.says("cat /proc/meminfo"), "of source\n");
    });
}

#[test]
fn what_is_listed_is_hidden_and_read_only() {
    each(|mut bundle| {
        let root = bundle.tree.root();
        for name in ["secret", "readable", "d/in"] {
            let path = root.join("etc").join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "content\n").unwrap();
        }
        symlink("../etc/secret", root.join("mnt/link")).unwrap();
        symlink("/../../etc/d", root.join("mnt/up")).unwrap();
        bundle.tree.give(&root);
        bundle.config["linux"]["maskedPaths"] = json!([
            "/mnt/link",
            "/mnt/up",
            "/proc/keys",
            "/proc/nothing",
            "/etc/passwd/below",
            "/proc/keys"
        ]);
        bundle.config["linux"]["readonlyPaths"] =
            json!(["/etc/readable", "/proc/sys", "/mnt", "/nothing"]);
        let script = "cat /etc/secret /etc/readable /proc/keys; ls /etc/d; stat -c %t:%T /etc/secret
            for f in /etc/readable /proc/sys/kernel/domainname /mnt/x /etc/d/x; do (echo > $f) 2>&1; done | grep -c 'Read-only'";
        assert_eq!(bundle.says(script), "content\n1:3\n4\n", "{}", bundle.case);
    });
}

/// CVE-2025-31133: another file would be there instead, to be read and written.
#[test]
fn what_hides_files_is_the_null_device() {
    each(|mut bundle| {
        bundle
            .mounts()
            .retain(|mount| mount["destination"] == "/proc");
        let source = bundle.tree.directory("devices");
        std::fs::write(format!("{source}/null"), "").unwrap();
        bundle.mount(&format!("/dev - {source} rbind"));
        bundle.config["linux"]["maskedPaths"] = json!(["/etc/passwd"]);
        let refused = bundle.refusal("true");
        assert!(
            refused.contains("/dev/null, which would hide files, is not that device"),
            "{refused}"
        );
    });
}

#[test]
fn each_error_says_which_mount_it_is() {
    each_of_root(|mut bundle| {
        let count = bundle.mounts().len();
        for (words, message) in [
            (
                "/ tmpfs tmpfs".to_owned(),
                format!("mounts[{count}]: /: nothing can be mounted on the top"),
            ),
            (
                "/mnt bind -".to_owned(),
                format!("mounts[{count}]: /mnt: a bind needs a source"),
            ),
            (
                "/mnt - /nowhere/at-all bind".to_owned(),
                "/nowhere/at-all: no such file or directory (ENOENT)".to_owned(),
            ),
            (
                "/etc/passwd - /etc bind".to_owned(),
                "find /etc/passwd in the container: not a directory (ENOTDIR)".to_owned(),
            ),
            (
                "/etc - /etc/passwd bind".to_owned(),
                "find /etc in the container: is a directory (EISDIR)".to_owned(),
            ),
            (
                "/mnt nosuchfs none".to_owned(),
                "mount nosuchfs on /mnt: no such device (ENODEV)".to_owned(),
            ),
            (
                "/mnt tmpfs none nosuchoption".to_owned(),
                "mount tmpfs on /mnt: invalid argument (EINVAL)".to_owned(),
            ),
            (
                format!("/mnt tmpfs none {}", "x".repeat(5000)),
                "4095 bytes".to_owned(),
            ),
            (
                "/mnt - /etc bind,idmap".to_owned(),
                "to map ids takes uidMappings and gidMappings".to_owned(),
            ),
        ] {
            bundle.mounts().truncate(count);
            bundle.mount(&words);
            let refused = bundle.refusal("true");
            assert!(refused.contains(&message), "{words}: {refused}");
            assert_eq!(refused.lines().count(), 1, "{refused}");
        }
    });
}
