//! What is refused with a root of one's own.

use super::*;

/// Files and links of a root that a command can be.
fn furnish(tree: &Tree) {
    let bin = tree.root().join("bin");
    for (name, content, mode) in [
        ("script", "#!/bin/sh\n", 0o755),
        ("lost", "#!/nowhere/sh\n", 0o755),
        ("dos", "#!/bin/sh\r\n", 0o755),
        ("text", "no program\n", 0o755),
        ("nothing", "", 0o755),
        ("data", "#!/bin/sh\n", 0o644),
        ("by-data", "#!/bin/data\n", 0o755),
        ("by-script", "#!/bin/script\n", 0o755),
    ] {
        write_program(bin.join(name), content, mode);
    }
    let own = std::fs::read("/proc/self/exe").unwrap();
    if common::tree::wants_loader(&own) {
        copy_program(Path::new("/proc/self/exe"), &bin.join("dynamic"));
    }
    symlink("/nowhere", bin.join("dangling")).unwrap();
    symlink("loop", bin.join("loop")).unwrap();
    symlink("../../../bin/busybox", tree.root().join("etc/cat")).unwrap();
    symlink("/bin", tree.root().join("other")).unwrap();
    let closed = tree.root().join("closed");
    std::fs::create_dir(&closed).unwrap();
    copy_program(&bin.join("busybox"), &closed.join("true"));
    tree.give(&tree.root());
    std::fs::set_permissions(&closed, PermissionsExt::from_mode(0o700)).unwrap();
}

#[test]
fn commands_of_a_root() {
    common::tree::each(|case, tree| {
        furnish(tree);
        let root = tree.name();
        let volume = tree.directory("volume");
        copy_program(
            &tree.root().join("bin/busybox"),
            &Path::new(&volume).join("true"),
        );
        let bind = |target: &str| format!("{volume}:{target}");
        let (on_bin, on_mnt) = (bind("/bin"), bind("/mnt"));
        let no_exec = bind("/mnt:noexec");
        let file_on_true = format!("{volume}/file:/bin/true");
        let rows: &[Row<'_>] = &[
            (&[], &["true"], Ran),
            (&[], &["no-such-command"], Refused(127)),
            (&["-ti"], &["no-such-command"], Refused(127)),
            (&["--overlay"], &["no-such-command"], Refused(127)),
            (&["--overlay"], &["true"], Ran),
            (&[], &["script"], Ran),
            (&[], &["by-script"], Ran),
            (&[], &["lost"], Refused(127)),
            (&[], &["dos"], Refused(127)),
            (&[], &["text"], Either),
            (&[], &["nothing"], Either),
            (&[], &["data"], Refused(126)),
            (&[], &["by-data"], Refused(126)),
            (&[], &["dangling"], Refused(127)),
            (&[], &["loop"], Refused(127)),
            (&[], &["/etc/cat"], Ran),
            (&[], &["/other/true"], Ran),
            (&[], &["/other/nothing-there"], Refused(127)),
            (&[], &["/closed/true"], Ran),
            (&[], &["/bin"], Refused(126)),
            (&[], &["/dev/null"], Refused(126)),
            (&[], &["/proc/no-such-file"], Refused(127)),
            (&["-e", "PATH=/closed:/other"], &["cat"], Ran),
            (&["-w", "/other"], &["./cat"], Ran),
            (&["-w", "/etc"], &["./true"], Refused(127)),
            (&[], &["./bin/true"], Ran),
            (&[], &["etc/cat"], Ran),
            (&[], &["./true"], Refused(127)),
            (&["-v", &on_bin], &["cat"], Refused(127)),
            (&["-v", &on_mnt], &["/mnt/true"], Ran),
            (&["-v", &on_mnt], &["/mnt/file"], Refused(126)),
            (&["-v", &no_exec], &["/mnt/true"], Refused(126)),
            (&["-v", &file_on_true], &["true"], Refused(126)),
            (&["--tmpfs", "/bin"], &["true"], Refused(127)),
        ];
        compare(case, &["--rootfs", &root], rows, &tree.root());
        if tree.root().join("bin/dynamic").exists() {
            let rows: &[Row<'_>] = &[(&[], &["dynamic"], Refused(127))];
            compare(case, &["--rootfs", &root], rows, &tree.root());
        }
        if case.caller == Caller::Root {
            let rows: &[Row<'_>] = &[
                (&["-u", "1000"], &["/closed/true"], Refused(126)),
                (&["--userns=auto"], &["/closed/true"], Ran),
                (
                    &["--userns=auto", "-u", "7"],
                    &["/closed/true"],
                    Refused(126),
                ),
                (&["-u", "1000", "-w", "/closed"], &["true"], Refused(125)),
            ];
            compare(case, &["--rootfs", &root], rows, &tree.root());
        }
    });
}

#[test]
fn mounts_of_a_root() {
    common::tree::each(|case, tree| {
        furnish(tree);
        let root = tree.name();
        let volume = tree.directory("volume");
        let upper = tree.directory("upper");
        let bind = |target: &str| format!("{volume}:{target}");
        let (on_file, on_loop, beneath) =
            (bind("/bin/true"), bind("/bin/loop"), bind("/etc/hosts/x"));
        let on_new = bind("/new");
        let read_only = bind("/mnt:ro");
        let file_on_directory = format!("{volume}/file:/bin");
        let file_in_volume = format!("{volume}/file:/mnt/new");
        let layer = format!("type=overlay,source={volume},target=/bin/true");
        let kept = format!("--overlay={upper}");
        let rows: &[Row<'_>] = &[
            (&["-w", "/bin/busybox"], &["true"], Refused(125)),
            (&["-w", "/bin/busybox/x"], &["true"], Refused(125)),
            (&["-w", "/bin/loop"], &["true"], Refused(125)),
            (&["-w", "/proc/nowhere"], &["true"], Refused(125)),
            (&["-w", "/sys/nowhere"], &["true"], Refused(125)),
            (&["--read-only", "-w", "/nowhere"], &["true"], Refused(125)),
            (&["--read-only"], &["true"], Ran),
            (&["--overlay", "--read-only", "-w", "/made"], &["true"], Ran),
            (&["-v", "/nowhere:/x"], &["true"], Refused(125)),
            (&["-v", &on_file], &["true"], Refused(125)),
            (&["-v", &on_loop], &["true"], Refused(125)),
            (&["-v", &beneath], &["true"], Refused(125)),
            (&["-v", &file_on_directory], &["true"], Refused(125)),
            (
                &["-v", &read_only, "-v", &file_in_volume],
                &["true"],
                Refused(125),
            ),
            (
                &["-v", &read_only, "-w", "/mnt/new"],
                &["true"],
                Refused(125),
            ),
            (&["--read-only", "-v", &on_new], &["true"], Refused(125)),
            (&["--mount", &layer], &["true"], Refused(125)),
            (&["--tmpfs", "/bin/true"], &["true"], Refused(125)),
            (
                &["--tmpfs", "/tmp:ro", "-w", "/tmp/x"],
                &["true"],
                Refused(125),
            ),
            (&["--tmpfs", "/tmp", "-w", "/tmp/x"], &["true"], Ran),
            (&["--tmpfs", "/etc", "--dns=1.2.3.4"], &["true"], Ran),
            (&["--device=/dev/nowhere"], &["true"], Refused(125)),
            (&["--device=/dev/null:/etc"], &["true"], Refused(125)),
            (&["--device=/dev/null:/dev/another"], &["true"], Ran),
            (&["--dns=1.2.3.4"], &["true"], Ran),
            (&["--overlay=/nowhere"], &["true"], Refused(125)),
            (&[&kept, "--storage-opt=size=1m"], &["true"], Refused(125)),
            (&["--sysctl=net.no.such=1"], &["true"], Refused(125)),
            // Last, for these leave something in DIR for good.
            (&["-w", "/made"], &["true"], Ran),
            (&["-v", &on_new], &["true"], Ran),
        ];
        compare(case, &["--rootfs", &root], rows, &tree.root());

        // A root that lacks everything.
        let bare = Path::new(&tree.directory("bare")).to_owned();
        copy_program(&tree.root().join("bin/busybox"), &bare.join("true"));
        let (bare_name, rows): (_, &[Row<'_>]) = (
            bare.to_str().unwrap(),
            &[
                (&[], &["/true"], Ran),
                (&["--read-only"], &["/true"], Refused(125)),
                (&["--dns=1.2.3.4"], &["/true"], Refused(125)),
                (&["--add-host=a:1.2.3.4"], &["/true"], Refused(125)),
                (&["--overlay", "--dns=1.2.3.4"], &["/true"], Ran),
                (&["--overlay", "--read-only"], &["/true"], Ran),
            ],
        );
        compare(case, &["--rootfs", bare_name], rows, &bare);
        // What goes without is told in the same way.
        let options = ["--rootfs", bare_name, "--network=host"];
        let told = |options: &[&str]| {
            let outcome = case.run(options, &["/nothing"]);
            let words = outcome
                .stderr
                .lines()
                .map(|line| line.split("\"time\"").next());
            let words: Vec<String> = words.map(|line| line.unwrap().to_owned()).collect();
            (outcome.code(), words)
        };
        let explained = told(&[&["--explain"], &options[..]].concat());
        assert_eq!(explained, told(&options), "{case}");
        if case.caller == Caller::Ordinary && nix::unistd::Uid::effective().is_root() {
            // Of someone else's.
            nix::unistd::chown(&bare, Some(0.into()), Some(0.into())).unwrap();
            let rows: &[Row<'_>] = &[
                (&[], &["/true"], Refused(125)),
                (&["--overlay"], &["/true"], Ran),
                (&["--overlay"], &["/nothing"], Refused(127)),
            ];
            compare(case, &["--rootfs", bare_name], rows, &bare);
        }
    });
}

/// Root of a container, say, which lacks what root usually has.
#[test]
fn a_root_without_capabilities() {
    if root_cases().is_empty() {
        return;
    }
    for lost in ["sys_admin", "setpcap", "setuid", "setgid", "net_admin"] {
        for options in [&[][..], &["-u", "1000:7", "--group-add=9"]] {
            let outcome = |explains: bool| {
                let mut line: Vec<std::ffi::OsString> = Vec::new();
                line.extend(["setpriv", "--bounding-set", &format!("-{lost}")].map(Into::into));
                line.extend([mydocker().into(), "run".into()]);
                line.extend(explains.then(|| "--explain".into()));
                line.extend(options.iter().chain(&["true"]).map(Into::into));
                let [case, ..] = root_cases()[..] else {
                    panic!("root")
                };
                finish(case.prepared(&line))
            };
            let (explained, really) = (outcome(true), outcome(false));
            assert_eq!(
                (explained.code(), &explained.stderr),
                (really.code(), &really.stderr),
                "{lost} {options:?}"
            );
        }
    }
}
