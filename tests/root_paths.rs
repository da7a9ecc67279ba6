//! What a container with a root of its own is kept from in /proc and /sys, and what it is not led to.

mod common;
use common::tree::each;
use common::*;
use std::os::unix::fs::symlink;
use std::path::Path;

/// Docker's lists.
const MASKED: [&str; 12] = [
    "/proc/asound",
    "/proc/acpi",
    "/proc/interrupts",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/sys/firmware",
    "/sys/devices/virtual/powercap",
];
const READ_ONLY: [&str; 5] = [
    "/proc/bus",
    "/proc/fs",
    "/proc/irq",
    "/proc/sys",
    "/proc/sysrq-trigger",
];

/// Says of each path whether it can be seen into and whether it can be written to, as the mounts have it.
const SCRIPT: &str = r#"
for path in "$@"; do
    if [ -d "$path" ]; then seen=$(ls -A "$path" | head -n 1)
    elif [ -e "$path" ]; then seen=$(head -c 1 "$path" | od -An -c)
    else echo "$path missing"; continue; fi
    grep -q "^[^ ]* [^ ]* [^ ]* [^ ]* $path ro[, ]" /proc/self/mountinfo && writes=read-only || writes=writable
    echo "$path ${seen:+seen} $writes"
done"#;

fn kernel_has(path: &&&str) -> bool {
    Path::new(path).exists()
}

#[test]
fn what_is_the_hosts_is_hidden_or_read_only() {
    each(|case, tree| {
        for options in [
            &[][..],
            &["--init"],
            &["--overlay"],
            &["--read-only"],
            &["--cap-add=ALL"],
            &["-v=/tmp:/dev"],
        ] {
            let run = |paths: &[&str]| {
                let command = [&["/bin/sh", "-c", SCRIPT, "sh"], paths].concat();
                let outcome = tree.run(options, &command);
                assert_eq!(outcome.code(), Some(0), "{case} {options:?}: {outcome:?}");
                outcome.stdout
            };
            for line in run(&MASKED).lines() {
                assert!(!line.contains(" seen"), "{case} {options:?}: {line}");
            }
            let here: Vec<&str> = READ_ONLY.iter().filter(kernel_has).copied().collect();
            for line in run(&here).lines() {
                assert!(line.ends_with(" read-only"), "{case} {options:?}: {line}");
            }
        }
        // What can be is seen without that, so that something was tested.
        for options in [
            &["--security-opt=systempaths=unconfined"][..],
            &["--privileged"],
        ] {
            let script = format!("{SCRIPT}; touch /sys/x 2>&1; true");
            let command = [&["/bin/sh", "-c", &script, "sh"], &MASKED[..], &READ_ONLY].concat();
            let outcome = tree.run(options, &command);
            assert!(
                !outcome.stdout.contains(" read-only"),
                "{case}: {outcome:?}"
            );
            if Path::new("/proc/keys").exists() {
                assert!(
                    outcome.stdout.contains("/proc/keys seen writable"),
                    "{case}: {outcome:?}"
                );
            }
            let sys_is_read_only = outcome.stdout.contains("Read-only file system");
            assert_eq!(
                sys_is_read_only,
                options[0] != "--privileged",
                "{case}: {outcome:?}"
            );
        }
    });
}

#[test]
fn nothing_can_be_put_in_what_hides() {
    each(|case, tree| {
        // The directory is one for all, and lies in no one's sight.
        let script = "for d in /proc/acpi /proc/scsi /sys/firmware; do touch $d/x && echo made; done 2>/dev/null; \
            ls -A /dev | grep mydocker; true";
        assert_eq!(tree.says(&["--cap-add=ALL"], script), "", "{case}");
    });
}

#[test]
fn proc_has_options() {
    each(|case, tree| {
        let script = "grep ' / /proc ' /proc/self/mountinfo | grep -c -e hidepid=invisible -e hidepid=2; ls -d /proc/meminfo";
        let option = "--security-opt=proc-opts=hidepid=2,gid=0";
        assert_eq!(tree.says(&[option], script), "1\n/proc/meminfo\n", "{case}");
        let option = "--security-opt=proc-opts=subset=pid";
        let script = "test -e /proc/meminfo || echo none";
        assert_eq!(tree.says(&[option], script), "none\n", "{case}");
        for (options, message) in [
            (
                &["--security-opt=proc-opts=hidepid=3"][..],
                "mydocker: --security-opt proc-opts=hidepid=3: proc takes hidepid=0, 1, 2 or 4, gid=N and \
                 subset=pid, see proc(5)\n",
            ),
            (
                &["--security-opt=proc-opts=hidepid=2", "--pid=host"],
                "mydocker: --security-opt proc-opts: it cannot be given with --pid host: on some kernels the \
                 host's /proc would change with it\n",
            ),
        ] {
            let outcome = tree.run(options, &["/bin/true"]);
            assert_eq!(outcome.stderr, message, "{case}");
            assert_eq!(outcome.code(), Some(125), "{case}");
        }
    });
}

/// CVE-2024-21626: a working directory by way of what mydocker has open.
#[test]
fn the_working_directory_is_in_the_root() {
    each(|case, tree| {
        for number in 0..7 {
            let link = format!("cwd{number}");
            symlink(format!("/proc/self/fd/{number}"), tree.root().join(&link)).unwrap();
            for directory in [
                format!("/proc/self/fd/{number}"),
                format!("/{link}"),
                format!("/{link}/../.."),
            ] {
                // Where the kernel resolves the path inside the root, and where mydocker does, who knows nothing of
                // what such a link is.
                for (calls, overlay) in [
                    (&[][..], &[][..]),
                    (&[], &["--overlay"]),
                    (&["openat2"], &[]),
                    (&["openat2"], &["--overlay"]),
                ] {
                    let options = [overlay, &["-w", &directory]].concat();
                    let command = ["/bin/stat", "-c", "%d:%i", "/proc/self/cwd/", "/"];
                    let outcome = tree.run_without(calls, &options, &command);
                    let what = format!("{case} {directory} {options:?} {calls:?}: {outcome:?}");
                    if outcome.code() == Some(0) {
                        // What it had open was the container's own root.
                        let (one, other) = outcome.stdout.trim_end().split_once('\n').unwrap();
                        assert_eq!(one, other, "{what}");
                        continue;
                    }
                    assert_eq!(outcome.code(), Some(125), "{what}");
                    assert_eq!(outcome.stdout, "", "{what}");
                    assert!(outcome.stderr.starts_with("mydocker: --workdir"), "{what}");
                }
            }
        }
        // And what it has open is closed, but for the three.
        let script = "ls /proc/self/fd | wc -l";
        assert_eq!(tree.says(&[], script).trim(), "4", "{case}");
    });
}

#[test]
fn no_directory_of_the_hosts_is_handed_in() {
    each(|case, tree| {
        let directory = || std::fs::File::open("/").unwrap();
        for (options, name) in [(&["-i"][..], "stdin"), (&["-i", "--init"], "stdin")] {
            let mut command = case.command(
                &[&["--rootfs", &tree.name()], options].concat(),
                &["/bin/true"],
            );
            command.stdin(directory());
            let outcome = finish(command);
            let message = format!(
                "mydocker: {name}: it is a directory, by which the container could leave its root\n"
            );
            assert_eq!(outcome.stderr, message, "{case}");
            assert_eq!(outcome.code(), Some(125), "{case}");
        }
        // Which does not get it.
        let mut command = case.command(&["--rootfs", &tree.name()], &["/bin/true"]);
        command.stdin(directory());
        assert_eq!(finish(command).code(), Some(0), "{case}");
        let mut command = case.command(&["--rootfs", &tree.name()], &["/bin/true"]);
        command.stdout(directory());
        assert_eq!(command.status().unwrap().code(), Some(125), "{case}");
    });
}

/// As docker has it.
#[test]
fn a_privileged_container_has_the_hosts_devices() {
    each(|case, tree| {
        let script = "ls -l /dev | grep -c '^[bc]'; test -e /dev/kmsg && echo kmsg; tty";
        let count = |options: &[&str]| -> (u32, bool) {
            let outcome = tree.shell(options, script);
            let (devices, rest) = outcome.stdout.split_once('\n').unwrap();
            (devices.trim().parse().unwrap(), rest.contains("kmsg"))
        };
        assert_eq!(count(&[]), (6, false), "{case}");
        let here = std::fs::read_dir("/dev").unwrap().flatten();
        let here = here.filter(|entry| {
            use std::os::unix::fs::FileTypeExt;
            let kind = entry.file_type().unwrap();
            let own = ["console", "ptmx"].contains(&entry.file_name().to_str().unwrap());
            !own && (kind.is_char_device() || kind.is_block_device())
        });
        let (devices, kmsg) = count(&["--privileged"]);
        // One may have come or gone.
        assert!(
            devices.abs_diff(here.count() as u32) <= 2,
            "{case}: {devices}"
        );
        assert_eq!(kmsg, Path::new("/dev/kmsg").exists(), "{case}");
        // A mount of one's own is what is there.
        let data = tree.directory("data");
        let said = tree.says(&["--privileged", "-v", &format!("{data}:/dev")], "ls /dev");
        assert_eq!(said, "file\n", "{case}");
        let said = tree.says(
            &["--privileged", "--device=/dev/zero:/dev/kmsg"],
            "head -c 1 /dev/kmsg | od -An -c",
        );
        assert_eq!(said.trim(), "\\0", "{case}");
    });
}

/// What /proc or /sys is a link to may be another place when something is mounted there: the mount is what counts.
#[test]
fn links_hide_nothing_from_what_hides() {
    each(|case, tree| {
        let root = tree.root();
        for directory in ["d/thread-self", "d/1", "s/sub"] {
            std::fs::create_dir_all(root.join(directory)).unwrap();
        }
        for (proc, sys) in [
            // proc's own thread-self is a link to a directory two levels down.
            ("/d/thread-self/..", "/s/sub/.."),
            ("/d/1/..", "/s/sub/../../s"),
            ("/d", "/s"),
        ] {
            for (name, target) in [("proc", proc), ("sys", sys)] {
                let link = root.join(name);
                let _ = std::fs::remove_dir(&link);
                let _ = std::fs::remove_file(&link);
                symlink(target, &link).unwrap();
            }
            tree.give(&root);
            let script = "cat /d/keys /d/kcore; ls /s/firmware; \
                cat /d/sys/kernel/core_pattern > /tmp/c; cat /tmp/c > /d/sys/kernel/core_pattern && echo written; \
                grep -c ' /d/sys ro' /proc/self/mountinfo /d/self/mountinfo 2>/dev/null | cut -d: -f2 | head -n 1";
            let outcome = tree.shell(&["--cap-drop=ALL"], script);
            assert_eq!(outcome.code(), Some(0), "{case} {proc}: {outcome:?}");
            assert_eq!(
                outcome.stdout.trim().lines().last(),
                Some("1"),
                "{case} {proc}: {outcome:?}"
            );
            assert_eq!(
                outcome.stdout.trim().lines().count(),
                1,
                "{case} {proc}: {outcome:?}"
            );
            // And a keeper of the host's processes is not led to a place where none is listed.
            if case.caller == Caller::Root {
                let mark = mark();
                let variable = format!("MARK={mark}");
                let outcome = tree.shell(
                    &["--pid=host", "-e", &variable],
                    "setsid sleep 100 & exit 0",
                );
                assert!(
                    matches!(outcome.code(), Some(0 | 125)),
                    "{case} {proc}: {outcome:?}"
                );
                assert!(eventually(|| marked(&mark).is_empty()), "{case} {proc}");
            }
        }
    });
}
