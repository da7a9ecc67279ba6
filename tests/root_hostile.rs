//! Roots that lead elsewhere, and volumes that change while they are mounted.

mod common;

use common::tree::*;
use common::*;
use nix::fcntl::{AT_FDCWD, RenameFlags, renameat2};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// A piece of host beside the root, which no container is to touch.
fn outside(tree: &Tree) -> String {
    let outside = tree.directory("outside");
    for name in ["dev", "etc", "mnt", "proc", "sys"] {
        std::fs::create_dir(format!("{outside}/{name}")).unwrap();
    }
    for name in ["hostname", "hosts", "resolv.conf", "passwd"] {
        std::fs::write(format!("{outside}/etc/{name}"), "the host's\n").unwrap();
    }
    tree.give(outside.as_ref());
    outside
}

#[test]
fn links_of_the_root_lead_nowhere_else() {
    for case in cases() {
        for calls in [&[][..], &BEFORE_5_2] {
            let Some(tree) = Tree::new(case) else { return };
            let outside = outside(&tree);
            let data = tree.directory("data");
            let up = "../".repeat(20);
            for (name, target) in [
                ("dev", format!("{outside}/dev")),
                ("proc", format!("{up}{outside}/proc")),
                ("sys", "mnt/../../outside/sys".into()),
                ("etc", format!("/..{outside}/etc")),
                ("mnt", outside.clone()),
            ] {
                let _ = std::fs::remove_dir_all(tree.root().join(name));
                symlink(target, tree.root().join(name)).unwrap();
            }
            let before = snapshot(outside.as_ref());
            let volumes = [
                format!("{data}:/mnt/volume"),
                format!("{data}/file:/etc/hosts2"),
            ];
            let options = [
                "--overlay",
                "-v",
                &volumes[0],
                "-v",
                &volumes[1],
                "--tmpfs",
                "/mnt/t",
                "-w",
                "/mnt/work",
                "--device",
                "/dev/zero:/dev/nought",
                "--hostname",
                "box",
            ];
            // What is made for the links' sake is made inside.
            let script = "ls -d /dev/null /proc/1 /mnt/volume/file /etc/hosts2 /mnt/t; cat /etc/hosts2; ls -d /mnt/work; \
                          ls /dev/nought; touch /mnt/touched /etc/touched";
            let said = tree.says_without(calls, &options, script);
            let expected = "/dev/null\n/etc/hosts2\n/mnt/t\n/mnt/volume/file\n/proc/1\nof data\n/mnt/work\n\
                /dev/nought\n";
            assert_eq!(said, expected, "{case} {calls:?}");
            assert_eq!(snapshot(outside.as_ref()), before, "{case} {calls:?}");

            // The same where what is written stays: in the root, and nowhere else.
            let said = tree.says_without(calls, &options[1..], script);
            assert_eq!(said, expected, "{case} {calls:?}");
            assert_eq!(snapshot(outside.as_ref()), before, "{case} {calls:?}");
        }
    }
}

#[test]
fn places_that_are_no_directories() {
    for case in cases() {
        let Some(tree) = Tree::new(case) else { return };
        for (name, shown) in [("proc", "/proc"), ("dev", "/dev"), ("sys", "/sys")] {
            let place = tree.root().join(name);
            std::fs::remove_dir(&place).unwrap();
            for kind in ["file", "loop"] {
                match kind {
                    "file" => std::fs::write(&place, "").unwrap(),
                    _ => symlink(name, &place).unwrap(),
                }
                let outcome = tree.shell(&[], "true");
                assert_eq!(
                    outcome.code(),
                    Some(125),
                    "{case} {name} {kind}: {outcome:?}"
                );
                let errno = if kind == "file" { "ENOTDIR" } else { "ELOOP" };
                assert!(
                    outcome.stderr.contains(shown) && outcome.stderr.contains(errno),
                    "{case} {name} {kind}: {outcome:?}"
                );
                std::fs::remove_file(&place).unwrap();
            }
            std::fs::create_dir(&place).unwrap();
            tree.give(&place);
        }
    }
}

/// Swaps two names, again and again, until told to stop; how often is counted.
fn flip(one: &Path, other: &Path, stop: &AtomicBool, count: &AtomicUsize) {
    while !stop.load(Ordering::Relaxed) {
        renameat2(AT_FDCWD, one, AT_FDCWD, other, RenameFlags::RENAME_EXCHANGE).unwrap();
        count.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn a_target_that_flips_between_a_directory_and_a_link() {
    // As many as find a race, unless another run of these tests does.
    let containers = if is_brief() { 100 } else { 800 };
    let all = cases();
    let each = usize::div_ceil(containers, all.len() * 2);
    let mut started = 0;
    for case in all {
        for calls in [&[][..], &BEFORE_5_2] {
            let Some(tree) = Tree::new(case) else { return };
            let outside = outside(&tree);
            let data = tree.directory("data");
            // Someone who shares a volume with the containers changes what their targets are: in the
            // volume, and in the root, which they may write as well.
            let shared = tree.beside("shared");
            for directory in [&shared, &tree.beside("root/x")] {
                std::fs::create_dir(directory).unwrap();
                std::fs::create_dir(format!("{directory}/place")).unwrap();
                symlink(&outside, format!("{directory}/link")).unwrap();
                tree.give(directory.as_ref());
            }
            let before = snapshot(outside.as_ref());
            let (stop, count) = (AtomicBool::new(false), AtomicUsize::new(0));
            let pairs = [shared.clone(), tree.beside("root/x")];
            let volumes = [
                format!("{shared}:/s"),
                format!("{data}:/s/place/made:ro"),
                format!("{data}/file:/x/place/file"),
            ];
            let options = [
                "-v",
                &volumes[0],
                "-v",
                &volumes[1],
                "-v",
                &volumes[2],
                "--tmpfs",
                "/x/place/t",
                "-w",
                "/s/place/work",
            ];
            std::thread::scope(|scope| {
                for pair in &pairs {
                    let (stop, count) = (&stop, &count);
                    scope.spawn(move || {
                        let path = Path::new(pair);
                        flip(&path.join("place"), &path.join("link"), stop, count);
                    });
                }
                for _ in 0..each {
                    // It may start or fail, as the race goes; where things land is what matters.
                    let outcome = tree.run_without(calls, &options, &["/bin/true"]);
                    assert!(
                        matches!(outcome.code(), Some(0 | 125 | 127)),
                        "{case} {calls:?}: {outcome:?}"
                    );
                    started += 1;
                }
                stop.store(true, Ordering::Relaxed);
            });
            assert!(
                count.load(Ordering::Relaxed) > each,
                "it has flipped all the while"
            );
            assert_eq!(snapshot(outside.as_ref()), before, "{case} {calls:?}");
            assert!(!Path::new(&format!("{data}/made")).exists());
        }
    }
    assert!(started >= containers);
}

#[test]
fn two_hundred_runs_leave_everything_as_it_was() {
    let mounts = || {
        let list = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
        // What other tests mount meanwhile is theirs; they do so in mount namespaces of their own.
        list.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let all = cases();
    let runs = 200usize.div_ceil(all.len());
    for case in all {
        let Some(tree) = Tree::new(case) else { return };
        let data = tree.directory("data");
        let volume = format!("{data}:/mnt:ro");
        let before = (mounts(), tree.snapshot(), snapshot(data.as_ref()));
        for run in 0..runs {
            let options: &[&str] = match run % 4 {
                0 => &[],
                1 => &["--read-only", "--dns", "1.1.1.1", "-t"],
                2 => &["--overlay", "-w", "/x", "--tmpfs", "/y"],
                _ => &["-v", &volume, "--init", "--device", "/dev/zero:/dev/x"],
            };
            assert_eq!(tree.says(options, "echo ran").trim_end(), "ran", "{case}");
        }
        assert_eq!(
            (mounts(), tree.snapshot(), snapshot(data.as_ref())),
            before,
            "{case}"
        );
    }
}

#[test]
fn a_proc_that_is_none_is_not_trusted() {
    // Without a call that mounts by descriptor, a file is mounted by its name in a proc: one of mydocker's own.
    // (Re-exec needs the caller's itself, and so does a program that wants a loader, to run from a copy.)
    let needs_callers = wants_loader(&std::fs::read(mydocker()).unwrap());
    for case in root_cases()
        .into_iter()
        .filter(|case| case.launch == "in-process")
    {
        let Some(tree) = Tree::new(case) else { return };
        let data = tree.directory("data");
        std::fs::create_dir_all(tree.beside("fake/self/fd")).unwrap();
        let denied = lacking(&BEFORE_5_2);
        let volume = format!("{data}/file:/mnt/file");
        let script = format!("mount --bind fake /proc; {denied} \"$@\"");
        let Some(outcome) =
            tree.among_mounts(&script, &["-v", &volume], &["/bin/cat", "/mnt/file"])
        else {
            return;
        };
        if needs_callers {
            assert_eq!(outcome.code(), Some(125), "{case}: {outcome:?}");
            assert!(outcome.stderr.contains("ENODEV"), "{case}: {outcome:?}");
        } else {
            assert_eq!(outcome.output(case), "of data\n", "{case}");
        }
    }
}

#[test]
fn a_null_that_is_none_is_not_bound() {
    // What an ordinary user's container has in its /dev is the host's.
    for case in cases() {
        if case.caller == Caller::Root {
            continue;
        }
        let Some(tree) = Tree::new(case) else { return };
        let script = "echo untouched > fake; chmod 666 fake; mount --bind fake /dev/null; \
            \"$@\" < /dev/zero || :; cat fake";
        let run = ["/bin/sh", "-c", "echo written > /dev/null"];
        let Some(outcome) = tree.among_mounts(script, &["-i"], &run) else {
            return;
        };
        assert_eq!(outcome.stdout, "untouched\n", "{case}: {outcome:?}");
        assert!(
            outcome
                .stderr
                .contains("(ENODEV): one of its null, zero, full"),
            "{case}: {outcome:?}"
        );
    }
}

#[test]
fn a_source_is_the_hosts_however_it_climbs() {
    // Looked up when the root lies on / already, a `..` above / would lead into that root, and a link there
    // to wherever it says.
    for case in cases() {
        let Some(tree) = Tree::new(case) else { return };
        let asked = tree.directory("asked");
        let secret = tree.directory("secret");
        let first = Path::new(&asked).components().nth(1).unwrap();
        let hostile = tree.root().join(first.as_os_str());
        let _ = std::fs::remove_dir_all(&hostile);
        symlink(&secret, &hostile).unwrap();
        let climbing = format!("{}{asked}", "/..".repeat(20));
        symlink(
            format!("{}{asked}", "../".repeat(40)),
            tree.beside("climbing"),
        )
        .unwrap();
        for source in [climbing, tree.beside("climbing")] {
            let volume = format!("{source}:/mnt");
            for calls in [&[][..], &BEFORE_5_2] {
                let said = tree.says_without(calls, &["--overlay", "-v", &volume], "cat /mnt/file");
                assert_eq!(said, "of asked\n", "{case} {source} {calls:?}");
            }
            let mount = format!("type=overlay,source={source},target=/mnt");
            let said = tree.says(&["--overlay", "--mount", &mount], "cat /mnt/file");
            assert_eq!(said, "of asked\n", "{case} {source}");
        }
        let climbing = format!("{}{}", "../".repeat(40), tree.name());
        let outcome = case.run(&["--rootfs", &climbing, "--overlay"], &["/bin/true"]);
        assert_eq!(outcome.code(), Some(0), "{case}: {outcome:?}");
    }
}

#[test]
fn no_mount_of_a_container_reaches_the_host() {
    // Where / is shared, as systemd leaves it.
    for case in cases() {
        let Some(tree) = Tree::new(case) else { return };
        let data = tree.directory("data");
        std::fs::create_dir(format!("{data}/inner")).unwrap();
        std::fs::create_dir(tree.root().join("mnt/inner")).unwrap();
        let inside = format!("/host{data}/inner");
        let whole = ["-v", "/:/host", "--tmpfs", &inside];
        let shared = format!("{data}:/mnt:rshared");
        let beside = ["-v", &shared, "--tmpfs", "/tmp"];
        let script = "before=$(wc -l < /proc/self/mountinfo); \"$@\"; \
            [ $(wc -l < /proc/self/mountinfo) = $before ] || cat /proc/self/mountinfo";
        for options in [&whole[..], &["-v", "/:/host:ro", "--read-only"], &beside] {
            if case.caller == Caller::Ordinary && options == beside {
                continue;
            }
            // What a process of the container mounts there does not get out either, unless it is shared.
            let command = format!("mount -t tmpfs tmpfs /host{data}; true");
            let run = ["/bin/sh", "-c", &command];
            let options = [&["--overlay"], options].concat();
            let Some(outcome) = tree.among_mounts(script, &options, &run) else {
                return;
            };
            assert_eq!(outcome.output(case), "", "{case} {options:?}");
        }
    }
}

#[test]
fn a_chroot_is_refused() {
    for case in root_cases() {
        let Some(tree) = Tree::new(case) else { return };
        // Wherever this checkout and the temporary directory are.
        let [program, probe] = [mydocker(), probe()].map(|file| file.parent().unwrap().to_owned());
        // On a mount of its own, private or not, pivot_root would not see it.
        for propagation in ["private", "shared"] {
            let script = format!(
                "mount --make-r{propagation} /; mkdir -p jail; mount -t tmpfs tmpfs jail; \
                 for name in bin usr lib lib64; do \
                   [ -L /$name ] && cp -P /$name jail/ && continue; \
                   [ -d /$name ] && mkdir jail/$name && mount --rbind /$name jail/$name; done; \
                 for place in /proc /dev '{}' '{}' '{}'; do \
                   mkdir -p \"jail$place\"; mount --rbind \"$place\" \"jail$place\"; done; \
                 exec chroot jail \"$@\"",
                std::env::temp_dir().display(),
                program.display(),
                probe.display()
            );
            let Some(outcome) = tree.among_mounts(&script, &[], &["/bin/true"]) else {
                return;
            };
            assert_eq!(
                outcome.code(),
                Some(125),
                "{case} {propagation}: {outcome:?}"
            );
            assert!(
                outcome.stderr.contains("this is a chroot"),
                "{case} {propagation}: {outcome:?}"
            );
        }
    }
}

/// That / is the mount namespace's root shows without setns(2) where it is, and only there: the same directory by another
/// mount is a chroot, which is left.
#[test]
fn the_namespaces_root_is_entered_where_it_is_another_one() {
    for case in root_cases() {
        let Some(tree) = Tree::new(case) else { return };
        let jail = "mount --make-rprivate /; mkdir -p jail; mount --rbind / jail; \
                    set -- chroot jail sh -c 'cd \"$0\" && exec \"$@\"' \"$PWD\" \"$@\";";
        for (place, missing, code) in [
            ("", "setns", 0),
            ("", "statx", 0),
            ("", "chroot", 0),
            (jail, "statx", 0),
            (jail, "setns", 125),
        ] {
            // The filter is loaded inside: chroot(1) needs what is missing for mydocker.
            let script = format!("set -- {} \"$@\"; {place} exec \"$@\"", lacking(&[missing]));
            let options = ["--network", "host"];
            let outcome = tree.among_mounts(&script, &options, &["/bin/true"]);
            let Some(outcome) = outcome else { return };
            assert_eq!(
                outcome.code(),
                Some(code),
                "{case} {missing} {place:?}: {outcome:?}"
            );
        }
    }
}

#[test]
fn layers_that_the_kernel_would_cut() {
    for case in cases() {
        let Some(tree) = Tree::new(case) else { return };
        let mut options = vec!["--overlay".to_owned()];
        for index in 0..30 {
            let name = format!("{:0>200}", index);
            options.push(format!("--rootfs={}", tree.directory(&name)));
        }
        let options: Vec<&str> = options.iter().map(String::as_str).collect();
        let outcome = tree.shell(&options, "true");
        assert!(outcome.stderr.contains("4095 bytes"), "{case}: {outcome:?}");
        assert_eq!(outcome.code(), Some(125));
    }
}
