//! What is mounted in a root of the container's own: volumes, tmpfs, devices, overlays.

mod common;

use common::tree::*;
use common::*;
use std::os::unix::net::UnixListener;
use std::path::Path;

/// The ways that a kernel may have of binding.
const KERNELS: [&[&str]; 3] = [&[], &BEFORE_5_2, &BEFORE_5_12];

#[test]
fn volumes_of_every_kind() {
    each(|case, tree| {
        let data = tree.directory("data");
        let socket = format!("{data}/socket");
        let _listener = UnixListener::bind(&socket).unwrap();
        let directory = format!("{data}:/volume/d");
        let file = format!("{data}/file:/volume/f");
        let socket = format!("{socket}:/volume/s");
        let options = [
            "--overlay",
            "-v",
            &directory,
            "-v",
            &file,
            "--volume",
            &socket,
            "-v",
            "/dev/zero:/volume/z",
        ];
        for calls in KERNELS {
            let script = "cat /volume/d/file /volume/f; stat -c %F /volume/s /volume/z; \
                          head -c 1 /volume/z | od -An -c; echo $$ > /volume/d/written";
            let expected = "of data\nof data\nsocket\ncharacter special file\n  \\0\n";
            assert_eq!(
                tree.says_without(calls, &options, script),
                expected,
                "{case} {calls:?}"
            );
            assert_eq!(
                std::fs::read_to_string(format!("{data}/written")).unwrap(),
                "1\n"
            );
            std::fs::remove_file(format!("{data}/written")).unwrap();
        }
    });
}

#[test]
fn flags_of_a_volume() {
    each(|case, tree| {
        let data = tree.directory("data");
        let file = Path::new(&data).join("file");
        write_program(&file, "#!/bin/sh\necho ran\n", 0o755);
        for calls in KERNELS {
            for (flags, expected) in [
                ("", "ran\nwritten\n"),
                (":rw", "ran\nwritten\n"),
                (":ro", "ran\n"),
                (":noexec", "written\n"),
                (":ro,noexec,nosuid,nodev", ""),
            ] {
                let volume = format!("{data}:/mnt{flags}");
                let script = "/mnt/file; touch /mnt/x && echo written; true";
                let said = tree.says_without(calls, &["-v", &volume], script);
                assert_eq!(said, expected, "{case} {flags} {calls:?}");
                let script = "grep ' /mnt ' /proc/self/mountinfo | cut -d' ' -f6";
                let said = tree.says_without(calls, &["-v", &volume], script);
                for flag in flags.trim_start_matches(':').split(',') {
                    assert!(said.contains(flag), "{case} {flags} {calls:?}: {said}");
                }
            }
            let volume = format!("{data}/file:/etc/one:ro");
            let script = "echo x >> /etc/one || cat /etc/one";
            let said = tree.says_without(calls, &["--overlay", "-v", &volume], script);
            assert_eq!(said, "#!/bin/sh\necho ran\n", "{case} {calls:?}");
        }
    });
}

#[test]
fn read_only_is_recursive_and_what_the_host_locked_stays() {
    // The source has mounts below it, one with a name that mountinfo escapes; the host made them nosuid,
    // which a user namespace may not take away.
    let before = "mkdir -p data/a data/'b c'; mount -t tmpfs -o nosuid,nodev tmpfs data; \
                  mkdir data/a data/'b c'; mount -t tmpfs -o nosuid,mode=777 tmpfs data/a; \
                  mount -t tmpfs -o noexec,mode=777 tmpfs data/'b c'; ";
    each(|case, tree| {
        for calls in KERNELS {
            let denied = lacking(calls);
            let script = format!("{before} {denied} \"$@\"");
            let data = tree.beside("data");
            let volume = format!("{data}:/mnt:ro");
            let command = "grep ' /mnt' /proc/self/mountinfo | cut -d' ' -f5,6; \
                           touch /mnt/x /mnt/a/x '/mnt/b c/x'; ls /mnt/*";
            let run = ["/bin/sh", "-c", command];
            let Some(outcome) = tree.among_mounts(&script, &["-v", &volume], &run) else {
                return;
            };
            let expected = "/mnt ro,nosuid,nodev,relatime\n/mnt/a ro,nosuid,nodev,relatime\n\
                /mnt/b\\040c ro,nodev,noexec,relatime\n/mnt/a:\n\n/mnt/b c:\n";
            assert_eq!(outcome.stdout, expected, "{case} {calls:?}: {outcome:?}");
            // Only the uppermost, if that is what was said.
            let mount = format!("type=bind,source={data},target=/mnt,ro,bind-recursive=writable");
            let Some(outcome) = tree.among_mounts(&script, &["--mount", &mount], &run) else {
                return;
            };
            assert!(
                outcome.stdout.contains("/mnt/a rw,nosuid,nodev"),
                "{case} {calls:?}: {outcome:?}"
            );
            assert!(
                outcome.stdout.contains("/mnt ro,"),
                "{case} {calls:?}: {outcome:?}"
            );
        }
    });
}

#[test]
fn a_read_only_root_is_read_only_below_too() {
    let script = "mount -t tmpfs -o mode=777 tmpfs root/mnt; \"$@\"";
    each(|case, tree| {
        let run = [
            "/bin/sh",
            "-c",
            "touch /x /mnt/x; ls /mnt; touch /tmp/x && echo tmp",
        ];
        let options = ["--read-only", "--tmpfs", "/tmp"];
        if let Some(outcome) = tree.among_mounts(script, &options, &run) {
            assert_eq!(outcome.stdout, "tmp\n", "{case}: {outcome:?}");
        }
    });
}

#[test]
fn the_callers_whole_tree_as_a_volume() {
    each(|case, tree| {
        let data = tree.directory("data");
        let file = format!("/host{data}/file");
        for volume in ["/:/host", "/:/host:ro", "/proc/self/root:/host"] {
            let outcome = tree.run(
                &["--overlay", "-v", volume],
                &["/bin/cat", &file, "/host/proc/1/comm"],
            );
            let output = outcome.output(case);
            assert!(
                output.starts_with("of data\n") && output.lines().count() == 2,
                "{case}: {output}"
            );
        }
    });
}

#[test]
fn propagation() {
    each(|case, tree| {
        std::fs::create_dir_all(tree.beside("data/inner")).unwrap();
        tree.give(tree.beside("data").as_ref());
        let data = tree.beside("data");
        // The container waits until the host has mounted something there, and says whether it sees it;
        // then it mounts something itself.
        let command = "echo ready > /mnt/ready; until [ -e /mnt/mounted ]; do sleep 0.01; done; \
            ls /mnt/inner; mount -t tmpfs tmpfs /mnt/inner 2>/dev/null && touch /mnt/inner/ours; \
            touch /mnt/done; until [ -e /mnt/end ]; do sleep 0.01; done";
        let script = "DENIED \"$@\" & run=$!; until [ -e data/ready ]; do sleep 0.01; done; \
            mount -t tmpfs -o mode=777 tmpfs data/inner; touch data/inner/theirs data/mounted; chmod 666 data/mounted; \
            until [ -e data/done ]; do sleep 0.01; done; ls data/inner; touch data/end; wait $run; \
            ! grep -q root/proc /proc/self/mountinfo";
        for (option, expected) in [
            ("", "theirs\n"),
            (":rprivate", "theirs\n"),
            (":rslave", "theirs\ntheirs\n"),
            (":rshared", "theirs\nours\n"),
        ] {
            if case.caller == Caller::Ordinary && option == ":rshared" {
                let volume = format!("{data}:/mnt:rshared");
                let outcome = tree.shell(&["-v", &volume], "true");
                assert!(
                    outcome.stderr.contains("cannot reach the host"),
                    "{case}: {outcome:?}"
                );
                continue;
            }
            let volume = format!("{data}:/mnt{option}");
            let run = ["/bin/sh", "-c", command];
            for calls in [&[][..], &BEFORE_5_12] {
                let script = script.replace("DENIED", &lacking(calls));
                let options = ["--cap-add=SYS_ADMIN", "-v", &volume];
                let Some(outcome) = tree.among_mounts(&script, &options, &run) else {
                    return;
                };
                assert_eq!(outcome.output(case), expected, "{case} {option} {calls:?}");
                for name in ["ready", "mounted", "done", "end"] {
                    std::fs::remove_file(format!("{data}/{name}")).unwrap();
                }
            }
        }
    });
}

#[test]
fn missing_targets_are_made_in_the_root_alone() {
    each(|case, tree| {
        let data = tree.directory("data");
        let volume = format!("{data}/file:/new/of/file");
        let tmpfs = ["--tmpfs", "/other/one"];
        let before = tree.snapshot();
        let options = ["--overlay", "-v", &volume, tmpfs[0], tmpfs[1]];
        assert_eq!(
            tree.says(&options, "cat /new/of/file"),
            "of data\n",
            "{case}"
        );
        assert_eq!(tree.snapshot(), before, "{case}");
        assert_eq!(
            tree.says(&options[1..], "cat /new/of/file"),
            "of data\n",
            "{case}"
        );
        assert!(tree.root().join("new/of/file").is_file(), "{case}");
        let read_only = format!("{data}:/nowhere");
        let outcome = tree.shell(&["--read-only", "-v", &read_only], "true");
        assert!(
            outcome.stderr.starts_with(&format!(
                "mydocker: --volume {read_only}: make /nowhere in the container: read-only file system (EROFS)"
            )),
            "{case}: {outcome:?}"
        );
        // A directory on a file, and a file on a directory.
        for (source, target, errno) in [
            ("data", "/etc/passwd", "ENOTDIR"),
            ("data/file", "/mnt", "EISDIR"),
        ] {
            let volume = format!("{}:{target}", tree.beside(source));
            let outcome = tree.shell(&["-v", &volume], "true");
            let message = format!("--volume {volume}: find {target} in the container: ");
            assert!(
                outcome.stderr.contains(&message) && outcome.stderr.contains(errno),
                "{case}: {outcome:?}"
            );
        }
    });
}

#[test]
fn a_root_that_the_caller_may_not_write() {
    for case in ordinary_cases() {
        let Some(tree) = Tree::new(case) else { return };
        if !nix::unistd::Uid::effective().is_root() {
            return skip_root_only("it takes root to make a root that is someone else's");
        }
        nix::unistd::chown(&tree.root(), Some(0.into()), Some(0.into())).unwrap();
        assert_eq!(
            tree.says(&[], "echo > /dev/null; echo ran"),
            "ran\n",
            "{case}"
        );
        let data = tree.directory("data");
        let volume = format!("{data}:/nowhere");
        let outcome = tree.shell(&["-v", &volume], "true");
        let message = format!(
            "--volume {volume}: make /nowhere in the container: permission denied (EACCES)"
        );
        assert!(outcome.stderr.contains(&message), "{case}: {outcome:?}");
        assert_eq!(
            tree.says(&["--overlay", "-v", &volume], "cat /nowhere/file"),
            "of data\n"
        );
    }
}

#[test]
fn tmpfs_and_dockers_long_form() {
    each(|case, tree| {
        let data = tree.directory("data");
        let bind = format!("type=bind,source={data},target=/mnt/bind,readonly");
        let options = [
            "--tmpfs",
            "/tmp",
            "--tmpfs",
            "/mnt:size=1m,mode=750,exec",
            "--mount",
            &bind,
            "--mount",
            "type=tmpfs,dst=/mnt/t,tmpfs-size=1.5mb,tmpfs-mode=1700",
            "--tmpfs=/dev/shm:size=3m",
        ];
        let script = "stat -c '%n %a' /tmp /mnt /mnt/t; cat /mnt/bind/file; touch /mnt/bind/x; \
            grep -E ' /(tmp|mnt|mnt/t|dev/shm) ' /proc/self/mountinfo | sed 's/,uid.*//' | cut -d' ' -f5,6,10";
        let outcome = tree.shell(&options, &script.replace("sed", "/bin/busybox sed"));
        let expected = "/tmp 1777\n/mnt 750\n/mnt/t 1700\nof data\n\
            /tmp rw,nosuid,nodev,noexec,relatime rw\n\
            /mnt rw,nosuid,nodev,relatime rw,size=1024k,mode=750\n\
            /mnt/t rw,nosuid,nodev,noexec,relatime rw,size=1536k,mode=1700\n\
            /dev/shm rw,nosuid,nodev,noexec,relatime rw,size=3072k\n";
        let mut lines: Vec<&str> = outcome.stdout.lines().collect();
        lines.sort_unstable();
        let mut wanted: Vec<&str> = expected.lines().collect();
        wanted.sort_unstable();
        assert_eq!(lines, wanted, "{case}: {outcome:?}");
        assert!(outcome.stderr.contains("Read-only"), "{case}: {outcome:?}");
    });
}

#[test]
fn devices_of_the_callers() {
    each(|case, tree| {
        let options = [
            "--overlay",
            "--device",
            "/dev/zero:/dev/nought",
            "--device=/dev/null:/x/null:rwm",
        ];
        let script =
            "stat -c %t:%T /dev/nought /x/null; head -c 1 /dev/nought | od -An -c; echo > /x/null";
        assert_eq!(tree.says(&options, script), "1:5\n1:3\n  \\0\n", "{case}");
    });
}

#[test]
fn overlays() {
    each(|case, tree| {
        let before = tree.snapshot();
        let script = "echo changed > /etc/passwd; rm /etc/group; touch /new; mkdir /mnt/d; cat /etc/passwd; ls -d /etc/group /new";
        let outcome = tree.shell(&["--overlay"], script);
        assert_eq!(outcome.stdout, "changed\n/new\n", "{case}: {outcome:?}");
        assert_eq!(tree.snapshot(), before, "{case}");
        assert_eq!(
            tree.says(&["--overlay"], "cat /etc/group; ls -d /tmp"),
            "root:x:0:\nsmiths:x:555:\n/tmp\n"
        );

        // Kept, under a name that has everything in it that overlayfs takes for its own.
        let name = "up,per:a\\b c";
        let upper = tree.beside(name);
        std::fs::create_dir(&upper).unwrap();
        tree.give(upper.as_ref());
        let scratch = tree.beside("");
        nix::unistd::chown(
            scratch.as_str(),
            Some(nix::unistd::Uid::from_raw(
                std::os::unix::fs::MetadataExt::uid(&std::fs::metadata(&upper).unwrap()),
            )),
            None,
        )
        .unwrap();
        for option in [
            &[format!("--overlay={upper}")][..],
            &["--overlay".into(), upper.clone()],
        ] {
            let options: Vec<&str> = option.iter().map(String::as_str).collect();
            let outcome = tree.shell(&options, script);
            assert_eq!(outcome.stdout, "changed\n/new\n", "{case}: {outcome:?}");
            let said = tree.says(&options, "cat /etc/passwd; ls /mnt; rm -r /mnt/d");
            assert_eq!(said, "changed\nd\n", "{case}");
        }
        assert_eq!(
            std::fs::read_to_string(format!("{upper}/etc/passwd")).unwrap(),
            "changed\n"
        );
        assert_eq!(tree.snapshot(), before, "{case}");
        let left: Vec<_> = std::fs::read_dir(&scratch)
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .filter(|file| file != "root" && file != name)
            .collect();
        assert!(left.is_empty(), "{case}: {left:?}");

        // One container at a time.
        let option = format!("--overlay={upper}");
        let mut first = case.command(
            &["--rootfs", &tree.name(), &option, "-i"],
            &["/bin/sh", "-c", "echo ready; read x"],
        );
        first
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped());
        let mut first = first.spawn().unwrap();
        let mut ready = [0; 6];
        std::io::Read::read_exact(first.stdout.as_mut().unwrap(), &mut ready).unwrap();
        let outcome = tree.shell(&[&option], "true");
        assert!(
            outcome.stderr.contains("another container writes to it"),
            "{case}: {outcome:?}"
        );
        drop(first.stdin.take());
        wait(&mut first).unwrap();
    });
}

#[test]
fn an_upper_directory_that_is_taken_for_the_command() {
    each(|case, tree| {
        for word in ["./not-there", "not-there"] {
            let outcome = tree.run(&["--overlay", word], &["/bin/sh"]);
            assert_eq!(outcome.code(), Some(127), "{case}: {outcome:?}");
            assert!(
                outcome.stderr.contains("--overlay=UPPER"),
                "{case}: {outcome:?}"
            );
        }
        // Where it cannot have been meant, it is not spoken of.
        let outcome = tree.run(&["--overlay", "-w", "/"], &["not-there"]);
        assert!(!outcome.stderr.contains("UPPER"), "{case}: {outcome:?}");
        // Around a layer.
        let option = format!("--overlay={}", tree.beside(""));
        let outcome = tree.run(&[&option], &["/bin/true"]);
        assert!(
            outcome.stderr.starts_with("mydocker: --overlay"),
            "{case}: {outcome:?}"
        );
    });
}

#[test]
fn stacked_layers() {
    each(|case, tree| {
        let above = tree.directory("a,b:c");
        std::fs::create_dir(format!("{above}/etc")).unwrap();
        std::fs::write(format!("{above}/etc/passwd"), "above:x:3:0::/a:\n").unwrap();
        tree.give(above.as_ref());
        let options = ["--rootfs", &above, "--overlay", "-u", "above"];
        let script = "cat /file /etc/passwd; id -u; ls -d /bin/sh";
        let expected = "of a,b:c\nabove:x:3:0::/a:\n3\n/bin/sh\n";
        assert_eq!(tree.says(&options, script), expected, "{case}");
        let options = ["--rootfs", &above, "--read-only"];
        let outcome = tree.shell(&options, "cat /file; touch /x /tmp/x");
        assert_eq!(outcome.stdout, "of a,b:c\n", "{case}: {outcome:?}");
        assert_eq!(
            outcome.stderr.matches("Read-only").count(),
            2,
            "{case}: {outcome:?}"
        );
        let outcome = tree.shell(&["--rootfs", &above], "true");
        assert!(
            outcome.stderr.contains("it is given more than once"),
            "{case}: {outcome:?}"
        );
    });
}

#[test]
fn an_overlay_somewhere_in_the_root() {
    each(|case, tree| {
        let low = tree.directory("low");
        let high = tree.directory("high");
        let upper = tree.beside("kept");
        std::fs::create_dir(&upper).unwrap();
        tree.give(upper.as_ref());
        let thrown = format!("type=overlay,source={low},source={high},target=/mnt/o");
        let said = tree.says(
            &["--mount", &thrown],
            "cat /mnt/o/file; echo x > /mnt/o/file; cat /mnt/o/file",
        );
        assert_eq!(said, "of high\nx\n", "{case}");
        assert_eq!(
            std::fs::read_to_string(format!("{high}/file")).unwrap(),
            "of high\n"
        );
        if case.caller == Caller::Root {
            let kept = format!("type=overlay,source={low},upper={upper},target=/mnt/o");
            tree.says(&["--mount", &kept], "echo x > /mnt/o/file");
            assert_eq!(
                std::fs::read_to_string(format!("{upper}/file")).unwrap(),
                "x\n"
            );
        }
        let read_only = format!("type=overlay,source={low},source={high},target=/mnt/o,ro");
        let outcome = tree.shell(&["--mount", &read_only], "cat /mnt/o/file; touch /mnt/o/x");
        assert_eq!(outcome.stdout, "of high\n", "{case}: {outcome:?}");
        assert!(outcome.stderr.contains("Read-only"), "{case}: {outcome:?}");
    });
}
