//! A root of the container's own: what is in it, and what is not.

mod common;

use common::tree::*;
use common::*;
use std::os::unix::fs::symlink;

#[test]
fn the_directory_is_the_root() {
    each(|case, tree| {
        std::fs::write(tree.root().join("marker"), "").unwrap();
        let expected = "bin\ndev\netc\nmarker\nmnt\nproc\nsys\ntmp\n/\n/home-of-root\n";
        let script = "ls /; pwd; echo $HOME";
        assert_eq!(tree.says(&[], script), expected, "{case}");
        // However it is named.
        let name = tree.name();
        symlink("root", tree.beside("link")).unwrap();
        for way in [
            format!("{name}/"),
            format!("{name}/bin/.."),
            tree.beside("link"),
        ] {
            let outcome = case.run(&["--rootfs", &way], &["/bin/sh", "-c", script]);
            assert_eq!(outcome.output(case), expected, "{case} {way}");
        }
        let mut command = case.command(&["--rootfs", "root"], &["/bin/sh", "-c", script]);
        command.current_dir(tree.beside(""));
        assert_eq!(finish(command).output(case), expected, "{case} relative");
    });
}

#[test]
fn the_callers_own_tree_can_be_the_root() {
    each(|case, tree| {
        let file = tree.directory("data") + "/file";
        let outcome = case.run(&["--rootfs", "/"], &["cat", &file, "/etc/hostname"]);
        let output = outcome.output(case);
        assert!(output.starts_with("of data\n"), "{case}: {output}");
        let listed = case.run(&["--rootfs", "/"], &["ls", "/dev"]);
        let devices = listed.output(case);
        assert!(
            devices.contains("null\n") && !devices.contains("loop-control"),
            "{case}: {devices}"
        );
    });
}

#[test]
fn any_mount_will_do() {
    // On a file system of its own, on a mount point, below a shared mount (as everything is there).
    each(|case, tree| {
        let script = "mount -t tmpfs tmpfs root; cp -a before/. root/; before=$(cat /proc/self/mountinfo); \
                      \"$@\"; [ \"$(cat /proc/self/mountinfo)\" = \"$before\" ]";
        std::fs::rename(tree.root(), tree.beside("before")).unwrap();
        std::fs::create_dir(tree.root()).unwrap();
        let command = ["/bin/sh", "-c", "ls / | tr '\\n' ' '"];
        if let Some(outcome) = tree.among_mounts(script, &[], &command) {
            assert_eq!(
                outcome.output(case),
                "bin dev etc mnt proc sys tmp ",
                "{case}"
            );
        }
    });
}

#[test]
fn a_read_only_directory_works() {
    each(|case, tree| {
        let script = "mount --bind root root; mount -o remount,bind,ro root; \"$@\"";
        let command = [
            "/bin/sh",
            "-c",
            "touch /x; touch /dev/shm/x && ls /dev/shm /proc/1/comm",
        ];
        if let Some(outcome) = tree.among_mounts(script, &[], &command) {
            assert_eq!(
                outcome.output(case),
                "/proc/1/comm\n\n/dev/shm:\nx\n",
                "{case}"
            );
            assert!(
                outcome.stderr.contains("Read-only file system"),
                "{case}: {outcome:?}"
            );
        }
    });
}

#[test]
fn the_mounts_are_those_that_are_meant() {
    each(|case, tree| {
        let script = "cut -d' ' -f5,6 /proc/self/mountinfo";
        for (calls, options) in [
            (&[][..], &[][..]),
            (&BEFORE_5_2, &[]),
            (&[], &["--overlay"]),
            (&[], &["--overlay", "--read-only"]),
            (&[], &["--read-only"]),
            (&BEFORE_5_2, &["--read-only"]),
        ] {
            let listed = tree.says_without(calls, options, script);
            let mut lines: Vec<&str> = listed.lines().collect();
            lines.retain(|line| {
                // An ordinary user's device nodes are binds.
                let path = line.split(' ').next().unwrap();
                !["null", "zero", "full", "random", "urandom", "tty"]
                    .iter()
                    .any(|node| path == format!("/dev/{node}"))
            });
            // What hides and what is read-only of /proc and /sys depends on the kernel (tests/root_paths.rs).
            lines.retain(|line| !line.starts_with("/proc/") && !line.starts_with("/sys/"));
            let access = if options.contains(&"--read-only") {
                "ro"
            } else {
                "rw"
            };
            let expected = [
                format!("/ {access},nodev,relatime"),
                "/proc rw,nosuid,nodev,noexec,relatime".into(),
                "/sys ro,nosuid,nodev,noexec,relatime".into(),
                "/dev rw,nosuid".into(),
                "/dev/pts rw,nosuid,noexec,relatime".into(),
                "/dev/shm rw,nosuid,nodev,noexec,relatime".into(),
                "/dev/mqueue rw,nosuid,nodev,noexec,relatime".into(),
                format!("/etc/hostname {access},nosuid"),
                format!("/etc/hosts {access},nosuid"),
                format!("/etc/resolv.conf {access},nosuid"),
            ];
            assert_eq!(lines, expected, "{case} {options:?} without {calls:?}");
        }
    });
}

#[test]
fn the_devices_work() {
    each(|case, tree| {
        let script = "cd /dev; stat -c '%n %F %t:%T %a' null zero full random urandom tty; \
            for link in fd stdin stdout stderr ptmx; do readlink $link; done; \
            echo x > null; head -c 2 zero | od -An -c; head -c 9 urandom | wc -c; \
            echo x > full || echo out of space; ls pts; stat -c %a pts/ptmx shm mqueue; ls fd/0";
        let expected = "null character special file 1:3 666\nzero character special file 1:5 666\n\
            full character special file 1:7 666\nrandom character special file 1:8 666\n\
            urandom character special file 1:9 666\ntty character special file 5:0 666\n\
            /proc/self/fd\n/proc/self/fd/0\n/proc/self/fd/1\n/proc/self/fd/2\npts/ptmx\n\
            \x20 \\0  \\0\n9\nout of space\nptmx\n666\n1777\n1777\nfd/0\n";
        assert_eq!(tree.says(&[], script), expected, "{case}");
        // Whatever the caller's mask.
        let words = tree.words(
            &[],
            &["/bin/stat", "-c", "%a", "/dev/null", "/dev", "/dev/shm"],
        );
        let shell = ["sh", "-c", "umask 077; exec \"$@\"", "sh"].map(Into::into);
        let outcome = finish(case.prepared(&[&shell[..], &words].concat()));
        assert_eq!(outcome.output(case), "666\n755\n1777\n", "{case}");
    });
}

#[test]
fn sys_shows_the_containers_own_network() {
    each(|case, tree| {
        assert_eq!(tree.says(&[], "ls /sys/class/net"), "lo\n", "{case}");
        let listed = tree.says(&["--network", "host"], "ls /sys/class/net");
        let mut theirs: Vec<_> = std::fs::read_dir("/sys/class/net")
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        theirs.sort();
        assert_eq!(listed.lines().collect::<Vec<_>>(), theirs, "{case}");
    });
}

#[test]
fn the_terminal_has_a_name_in_the_container() {
    each(|case, tree| {
        for options in [&["-t"][..], &["-t", "--init"], &["-t", "-u", "smith"]] {
            let script = "tty; ls /dev/pts | tr '\\n' ' '; stat -c %t:%T /dev/console; \
                          echo to the console > /dev/console; echo x > /dev/stderr";
            let said = tree.says(options, script);
            assert_eq!(
                said, "/dev/pts/0\r\n0 ptmx 88:0\r\nto the console\r\nx\r\n",
                "{case} {options:?}"
            );
        }
        // With someone else's /dev it is the caller's devpts that has it.
        let said = tree.says(&["-t", "-v", "/dev:/dev"], "tty");
        assert!(said.starts_with("/dev/pts/"), "{case}: {said}");
    });
}

#[test]
fn nothing_leads_to_the_host() {
    each(|case, tree| {
        std::fs::write(tree.beside("outside"), "").unwrap();
        // By .., by the links of /proc, and by a descriptor kept open across a second chroot.
        let script = "ls -d /../bin /../../outside /proc/1/root/outside /proc/1/cwd/../outside 2>/dev/null
            grep -c \" $1\" /proc/self/mountinfo
            mkdir -p /x/bin /x/proc; cp /bin/busybox /x/bin/; ln -s busybox /x/bin/sh
            mount -t proc proc /x/proc
            exec 5< /
            chroot /x /bin/sh -c 'cd -P /proc/self/fd/5 && cd -P ../../../.. && /bin/busybox ls | /bin/busybox tr \"\\n\" \" \"'";
        for options in [&[][..], &["--init"]] {
            // With as much as can be given to a container that is one.
            let options = [&["--overlay", "--cap-add=ALL"], options].concat();
            let parent = tree.beside("");
            let command = ["/bin/sh", "-c", script, "sh", &parent];
            let outcome = tree.run(&options, &command);
            assert_eq!(
                outcome.stdout, "/../bin\n0\nbin dev etc mnt proc sys tmp x ",
                "{case}: {outcome:?}"
            );
        }
    });
}

#[test]
fn a_missing_working_directory_is_made_in_the_container() {
    each(|case, tree| {
        let before = tree.snapshot();
        let said = tree.says(&["--overlay", "-w", "/work/shop"], "pwd; ls /work");
        assert_eq!(said, "/work/shop\nshop\n", "{case}");
        assert_eq!(
            tree.says(&["--overlay", "-w", "/tmp/../mnt"], "pwd -P"),
            "/mnt\n",
            "{case}"
        );
        assert_eq!(tree.snapshot(), before, "{case}");
        tree.says(&["-w", "/new/place", "-u", "smith"], "pwd");
        assert!(tree.root().join("new/place").is_dir(), "{case}");
        let outcome = tree.shell(&["--read-only", "-w", "/other"], "pwd");
        let message =
            "mydocker: --workdir /other: make /other in the container: read-only file system";
        assert!(outcome.stderr.starts_with(message), "{case}: {outcome:?}");
        assert_eq!(outcome.code(), Some(125));
        // What is wrong is said of a working directory, not of a mount.
        for (directory, message) in [
            (
                "/etc/passwd/x",
                "find /etc/passwd/x in the container: not a directory (ENOTDIR)\n",
            ),
            (
                "/proc/x",
                "make /proc/x in the container: no such file or directory (ENOENT)\n",
            ),
        ] {
            let outcome = tree.shell(&["-w", directory], "pwd");
            let message = format!("mydocker: --workdir {directory}: {message}");
            assert_eq!(outcome.stderr, message, "{case}");
        }
        let outcome = tree.shell(&["-w", "/etc/passwd"], "pwd");
        let message = "mydocker: --workdir: change directory to /etc/passwd: not a directory";
        assert!(outcome.stderr.starts_with(message), "{case}: {outcome:?}");
    });
}

#[test]
fn a_root_without_places_for_the_usual_mounts() {
    each(|case, tree| {
        for name in ["proc", "sys", "dev"] {
            std::fs::remove_dir(tree.root().join(name)).unwrap();
        }
        let names = |tree: &Tree| {
            let mut names: Vec<_> = std::fs::read_dir(tree.root())
                .unwrap()
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .collect();
            names.sort();
            names
        };
        let before = names(tree);
        let said = tree.says(&[], "ls -d /proc/1 /sys/kernel /dev/null");
        assert_eq!(said, "/dev/null\n/proc/1\n/sys/kernel\n", "{case}");
        assert_eq!(names(tree), before, "{case}: what was made does not stay");
        // Not while another container uses them.
        let mut command = case.command(
            &["--rootfs", &tree.name(), "-i"],
            &["/bin/sh", "-c", "read x; ls /proc/1/comm"],
        );
        command
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped());
        let mut other = command.spawn().unwrap();
        assert!(eventually(|| tree.root().join("proc").exists()), "{case}");
        assert_eq!(
            tree.says(&[], "ls -d /proc/1 /sys/kernel /dev/null"),
            said,
            "{case}"
        );
        // Nor while one uses them that has made none, and makes none.
        let read_only = tree.says(&["--read-only"], "ls -d /proc/1 /sys/kernel /dev/null");
        assert_eq!(read_only, said, "{case}");
        drop(other.stdin.take());
        let mut listed = String::new();
        std::io::Read::read_to_string(&mut other.stdout.take().unwrap(), &mut listed).unwrap();
        assert_eq!(listed, "/proc/1/comm\n", "{case}");
        assert!(wait(&mut other).unwrap().success(), "{case}");
        assert_eq!(names(tree), before, "{case}");
        // The last one takes them away, whoever made them.
        let start = |script: &str| {
            let mut command = case.command(
                &["--rootfs", &tree.name(), "-i"],
                &["/bin/sh", "-c", script],
            );
            command
                .stdin(std::process::Stdio::piped())
                .stdout(std::process::Stdio::piped());
            let mut run = command.spawn().unwrap();
            let mut ready = [0; 6];
            std::io::Read::read_exact(run.stdout.as_mut().unwrap(), &mut ready).unwrap();
            run
        };
        let mut first = start("echo ready; read x; true");
        let mut second = start("echo ready; read x; ls -d /dev/null");
        drop(first.stdin.take());
        assert!(wait(&mut first).unwrap().success(), "{case}");
        assert!(tree.root().join("dev").exists(), "{case}");
        drop(second.stdin.take());
        assert!(wait(&mut second).unwrap().success(), "{case}");
        assert_eq!(names(tree), before, "{case}");
        let outcome = tree.shell(&["--read-only"], "true");
        assert!(
            outcome
                .stderr
                .contains("make /proc in the container: read-only file system (EROFS)"),
            "{case}: {outcome:?}"
        );
    });
}

#[test]
fn what_makes_no_sense_is_refused_before_anything_is_made() {
    each(|case, tree| {
        let before = tree.snapshot();
        let name = tree.name();
        let data = tree.directory("data");
        let file = format!("{name}/bin/busybox");
        let missing = tree.beside("missing");
        let two = format!("{data}:/two");
        let slash = format!("{data}:/tmp/..");
        let no_source = format!("{missing}:/a");
        let device = format!("{data}/file");
        let inside = format!("--overlay={name}/etc");
        for (options, message) in [
            (
                &["--rootfs", &file][..],
                format!("--rootfs {file}: not a directory (ENOTDIR)"),
            ),
            (
                &["--rootfs", &missing],
                format!("--rootfs {missing}: no such file or directory (ENOENT)"),
            ),
            (&["--overlay"], "--overlay: it needs --rootfs DIR".into()),
            (
                &["--read-only"],
                "--read-only: it needs --rootfs DIR".into(),
            ),
            (
                &["--rootfs", &name, "-v", &two, "--tmpfs", "/two"],
                "--tmpfs /two: another mount has the same target".into(),
            ),
            (
                &["--rootfs", &name, "-v", &slash],
                format!("--volume {slash}: its target is /"),
            ),
            (
                &["--rootfs", &name, "--tmpfs", "/new:size=much"],
                "--tmpfs /new:size=much: a value in it is no number".into(),
            ),
            (
                &["--rootfs", &name, "-v", &no_source],
                format!("--volume {no_source}: {missing}: no such file or directory (ENOENT)"),
            ),
            (
                &["--rootfs", &name, "--device", &device],
                format!("--device {device}: {device}: no such device (ENODEV): it is no device"),
            ),
            (
                &["--rootfs", &name, "--device", &data],
                format!("--device {data}: {data}: no such device (ENODEV): it is no device"),
            ),
            (
                &["--rootfs", &name, &inside],
                format!("--overlay {name}/etc: it lies in a layer that is to stay as it is"),
            ),
            (
                &["--rootfs", &name, "--overlay=missing"],
                "--overlay /missing: no such file or directory (ENOENT)".into(),
            ),
        ] {
            let outcome = case.run(options, &["/bin/true"]);
            assert_eq!(outcome.code(), Some(125), "{case} {options:?}: {outcome:?}");
            assert!(
                outcome.stderr.starts_with(&format!("mydocker: {message}")),
                "{case} {options:?}: {outcome:?}"
            );
            assert_eq!(outcome.stderr.lines().count(), 1, "{case}: {outcome:?}");
        }
        assert_eq!(tree.snapshot(), before, "{case}");
    });
}
