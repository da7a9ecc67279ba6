//! Whose run a box is for.

use super::*;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;

#[test]
fn options_and_callers_that_differ_have_containers_of_their_own() {
    for case in box_cases() {
        let pool = Boxes::new(case, 2, &[]);
        let told = pool.scratch.path().join("told-other");
        for options in [
            &["--cap-drop=ALL"][..],
            &["--hostname=other"],
            &["--init"],
            &["--network=host"],
            &["--pid=host"],
            &["--ulimit=nofile=9:9"],
        ] {
            for _ in 0..5 {
                let outcome = finish(pool.line(&told, options, &["echo", "own"]));
                assert_eq!(outcome.output(case), "own\n", "{case} {options:?}");
                assert!(!was_in_box(&told), "{case} {options:?}");
                std::fs::remove_file(&told).unwrap();
            }
        }
        // Rights that the pool has and this caller has not would be the command's.
        for wrapper in [
            &["setpriv", "--no-new-privs"][..],
            // What a child has by birth, and the pool has otherwise.
            &["chrt", "--batch", "0"],
            &["ionice", "-c3"],
            &[
                "sh",
                "-c",
                "echo 500 >/proc/self/oom_score_adj; exec \"$@\"",
                "-",
            ],
            &[
                "sh",
                "-c",
                "echo 0 >/proc/self/coredump_filter; exec \"$@\"",
                "-",
            ],
            // From here on root's alone.
            &["setpriv", "--bounding-set=-net_raw"],
            &["unshare", "--net"],
            &[
                "unshare",
                "--uts",
                "sh",
                "-c",
                "echo other >/proc/sys/kernel/domainname; exec \"$@\"",
                "-",
            ],
            &["unshare", "--cgroup"],
            &["unshare", "--time"],
        ] {
            let is_roots = wrapper[0] == "unshare" || wrapper[1].starts_with("--bounding");
            if case.caller == Caller::Ordinary && is_roots {
                continue;
            }
            for _ in 0..5 {
                let outcome = finish(wrapped(&pool, &told, wrapper));
                assert_eq!(outcome.output(case), "own\n", "{case} {wrapper:?}");
                assert!(!was_in_box(&told), "{case} {wrapper:?}");
                std::fs::remove_file(&told).unwrap();
            }
        }
    }
}

/// What the kernel does not tell of a process: a command in a box would be outside of its caller's domain.
#[test]
fn a_caller_in_a_landlock_domain_has_no_box_from_outside() {
    // One that is about TCP alone: in another no one may mount, and a container of its own cannot be made.
    let domain = "my $attributes = pack('QQ', 0, 1); my $rules = syscall(444, $attributes, 16, 0); \
                  $rules >= 0 && syscall(446, $rules, 0) == 0 or exit 99; exec @ARGV";
    let outside = ["setpriv", "--no-new-privs"];
    let inside = [&outside[..], &["perl", "-e", domain]].concat();
    for case in box_cases() {
        let trial: Vec<OsString> = inside.iter().chain(&["true"]).map(Into::into).collect();
        if finish(case.prepared(&trial)).code() != Some(0) {
            skip("the kernel has no Landlock for TCP (Linux 6.7)");
            return;
        }
        let pool = Boxes::wrapped(case, &outside, 2, &[]);
        let told = pool.scratch.path().join("told-other");
        let run = |wrapper: &[&str]| {
            let _ = std::fs::remove_file(&told);
            let outcome = finish(wrapped(&pool, &told, wrapper));
            assert_eq!(outcome.output(case), "own\n", "{case} {wrapper:?}");
            was_in_box(&told)
        };
        assert!(eventually(|| run(&outside)), "{case}");
        assert!(pool.is_refilled(2), "{case}");
        for _ in 0..5 {
            assert!(!run(&inside), "{case}");
        }
        let why = std::fs::read_to_string(&told).unwrap();
        assert!(why.contains("may not look into the pool"), "{case}: {why}");
    }
}

/// By it the kernel's audit tells who has done what a command does.
#[test]
fn a_caller_who_is_someone_else_for_the_audit_has_no_box() {
    let wrapper = [
        "sh",
        "-c",
        "echo 77 >/proc/self/loginuid && exec \"$@\"",
        "-",
    ];
    for case in box_cases() {
        let told_by = ["cat", "/proc/self/loginuid"];
        let trial: Vec<OsString> = wrapper.iter().chain(&told_by).map(Into::into).collect();
        if finish(case.prepared(&trial)).stdout != "77" {
            skip("/proc/self/loginuid cannot be set here");
            continue;
        }
        let pool = Boxes::new(case, 2, &[]);
        let told = pool.scratch.path().join("told-other");
        for _ in 0..5 {
            let outcome = finish(wrapped(&pool, &told, &wrapper));
            assert_eq!(outcome.output(case), "own\n", "{case}");
            assert!(!was_in_box(&told), "{case}");
            std::fs::remove_file(&told).unwrap();
        }
    }
}

/// What counts is what they mean.
#[test]
fn options_that_are_written_otherwise_are_the_same() {
    for case in box_cases() {
        let pool = Boxes::new(
            case,
            2,
            &[
                "--cap-drop=NET_RAW",
                "--cap-drop=KILL",
                "--ulimit=nofile=64",
                "--ulimit=core=0",
            ],
        );
        for options in [
            &[
                "--ulimit=core=0:0",
                "--ulimit=nofile=64:64",
                "--cap-drop=cap_kill,CAP_NET_RAW",
            ][..],
            &[
                "--cap-drop",
                "kill",
                "--ulimit=core=0",
                "--cap-drop",
                "net_raw",
                "--ulimit=nofile=9",
                "--ulimit=nofile=64",
            ],
        ] {
            let outcome = pool.run(
                options,
                &["sh", "-c", "ulimit -n; grep CapBnd /proc/self/status"],
            );
            let own = case.run(
                options,
                &["sh", "-c", "ulimit -n; grep CapBnd /proc/self/status"],
            );
            assert_eq!(outcome.stdout, own.stdout, "{case} {options:?}");
            assert!(
                own.stdout.starts_with("64\n"),
                "{case} {options:?}: {own:?}"
            );
        }
        let told = pool.scratch.path().join("told-other");
        let others = [
            "--cap-drop=NET_RAW",
            "--ulimit=nofile=64",
            "--ulimit=core=0",
        ];
        finish(pool.line(&told, &others, &["true"]));
        assert!(!was_in_box(&told), "{case}");
    }
}

/// `wrapper mydocker run --pool … echo own`
fn wrapped(pool: &Boxes, told: &Path, wrapper: &[&str]) -> Command {
    let line = pool.line(told, &[], &["echo", "own"]);
    let words = [line.get_program()].into_iter().chain(line.get_args());
    let wrapper = wrapper.iter().map(Into::into);
    let words: Vec<_> = wrapper.chain(words.map(Into::into)).collect();
    pool.case.prepared(&words)
}

/// New namespaces of these kinds have nothing of those that their maker is in.
#[test]
fn callers_that_differ_in_what_no_container_has_of_them_share_boxes() {
    for case in box_cases() {
        if case.caller != Caller::Root {
            continue;
        }
        let pool = Boxes::new(case, 2, &[]);
        for wrapper in [["unshare", "--ipc"], ["unshare", "--uts"]] {
            let told = pool.scratch.path().join("told-other");
            assert!(
                eventually(|| {
                    let _ = std::fs::remove_file(&told);
                    let outcome = finish(wrapped(&pool, &told, &wrapper));
                    assert_eq!(outcome.output(case), "own\n", "{case} {wrapper:?}");
                    was_in_box(&told)
                }),
                "{case} {wrapper:?}"
            );
        }
    }
}

#[test]
fn a_root_that_is_another_by_now_is_not_the_boxs() {
    let Some(tree) = tree() else { return };
    for case in box_cases() {
        let root = tree.file("root");
        let pool = Boxes::new(case, 2, &["--rootfs", &root]);
        assert_eq!(
            pool.run(&["--rootfs", &root], &["echo", "in"]).stdout,
            "in\n"
        );
        // (Whole before it has the name: the pool makes boxes of what has it.)
        let (moved, other) = (tree.file("moved"), tree.file("other"));
        let mut copy = Command::new("cp");
        assert!(copy.args(["-a", &root, &other]).status().unwrap().success());
        std::fs::write(format!("{other}/new"), "").unwrap();
        std::fs::rename(&root, &moved).unwrap();
        std::fs::rename(&other, &root).unwrap();
        let told = pool.scratch.path().join("told-other");
        let outcome = finish(pool.line(&told, &["--rootfs", &root], &["ls", "/new"]));
        // In a box only if that was made of the other one.
        assert_eq!(outcome.output(case), "/new\n", "{case}");
        std::fs::remove_file(&told).unwrap();
        std::fs::remove_dir_all(&moved).unwrap();
    }
}

/// A run whose box is not kept has a container of its own; the pool follows when it makes a box the next time.
#[test]
fn what_an_option_names_is_what_it_is_now() {
    let Some(tree) = tree() else { return };
    let (root, link) = (tree.file("root"), tree.file("link"));
    // An ordinary user could not make it there.
    std::fs::create_dir_all(format!("{root}/mnt")).unwrap();
    for name in ["a", "b"] {
        std::fs::create_dir(tree.file(name)).unwrap();
        std::fs::write(tree.file(&format!("{name}/is")), name).unwrap();
    }
    let lead = |name: &str| {
        let _ = std::fs::remove_file(&link);
        std::os::unix::fs::symlink(name, &link).unwrap();
    };
    let denies = |calls: &str| {
        let rule = format!("{{\"names\":[{calls}],\"action\":\"SCMP_ACT_ERRNO\"}}");
        let profile = format!("{{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{rule}]}}");
        std::fs::write(tree.file("profile"), profile).unwrap();
    };
    let profile = format!("--security-opt=seccomp={}", tree.file("profile"));
    let volume = format!("{link}:/mnt");
    let options = [
        "--rootfs",
        &root,
        "-v",
        &volume,
        &profile,
        "--security-opt=no-new-privileges",
        "--tmpfs=/tmp",
    ];
    for case in box_cases() {
        lead("a");
        denies("\"mkdir\",\"mkdirat\"");
        let look = ["sh", "-c", "cat /mnt/is; mkdir /tmp/made"];
        let pool = Boxes::new(case, 1, &options);
        let outcome = pool.run(&options, &look);
        assert!(
            outcome.stdout == "a" && outcome.code() == Some(1),
            "{case}: {outcome:?}"
        );
        let changes = [
            (&(|| lead("b")) as &dyn Fn(), Some(1)),
            (&|| denies("\"uname\""), Some(0)),
        ];
        for (change, code) in changes {
            assert!(pool.is_refilled(1), "{case}");
            change();
            let told = pool.scratch.path().join("told-other");
            // (In a box, if the pool was about to make one.)
            let own = finish(pool.line(&told, &options, &look));
            assert_eq!((own.stdout.as_str(), own.code()), ("b", code), "{case}");
            std::fs::remove_file(&told).unwrap();
            if let Some(waiting) = pool.all().first() {
                kill(*waiting, Signal::SIGKILL);
            }
            let again = pool.run(&options, &look);
            assert_eq!(
                (again.code(), again.stdout),
                (own.code(), own.stdout),
                "{case}"
            );
        }
    }
}

#[test]
fn a_working_directory_is_that_of_a_container_of_its_own() {
    let Some(tree) = tree() else { return };
    let root = tree.file("root");
    for case in box_cases() {
        let options = ["--rootfs", &root, "--tmpfs", "/tmp"];
        let pool = Boxes::new(case, 2, &options);
        for (directory, in_box) in [
            ("/bin", true),
            ("/tmp/made", false),
            ("/bin/busybox", false),
            ("/proc/self/fd/0", false),
        ] {
            let options = [&options[..], &["-w", directory]].concat();
            let own = finish(case.command(&options, &["pwd"]));
            for number in 0..3 {
                let told = pool.scratch.path().join(format!("told-other-{number}"));
                let outcome = match in_box {
                    true => pool.run(&options, &["pwd"]),
                    false => finish(pool.line(&told, &options, &["pwd"])),
                };
                assert!(in_box || !was_in_box(&told), "{case} {directory}");
                let told = |outcome: &Outcome| (outcome.code(), outcome.stdout.clone());
                assert_eq!(
                    told(&outcome),
                    told(&own),
                    "{case} {directory}: {outcome:?}"
                );
            }
        }
    }
    // One that only its caller may enter, by birth.
    let case = box_cases()
        .into_iter()
        .find(|case| case.caller == Caller::Root);
    let Some(case) = case else { return };
    let closed = tree.file("closed");
    std::fs::create_dir(&closed).unwrap();
    std::os::unix::fs::chown(&closed, Some(1000), Some(1000)).unwrap();
    std::fs::set_permissions(&closed, std::fs::Permissions::from_mode(0o700)).unwrap();
    let options = ["--cap-drop=ALL"];
    let pool = Boxes::new(case, 2, &options);
    let told = pool.scratch.path().join("told-other");
    let mut line = pool.line(&told, &options, &["/bin/echo", "there"]);
    assert_eq!(finish_in(&mut line, &closed), "there\n", "{case}");
}

fn finish_in(line: &mut Command, directory: &str) -> String {
    let output = line
        .current_dir(directory)
        .stderr(Stdio::inherit())
        .output();
    String::from_utf8(output.unwrap().stdout).unwrap()
}

#[test]
fn options_of_a_job_are_not_a_pools() {
    for (words, said) in [
        (&["-i"][..], "-i: it is for each run by itself"),
        (&["-e", "A=1"], "-e: it is for each run by itself"),
        (
            &["--workdir=/tmp"],
            "--workdir: it is for each run by itself",
        ),
        (&["--timeout=2"], "mydocker run --pool DIR takes it"),
        (&["--report=-"], "mydocker run --pool DIR takes it"),
        (&["--rm"], "mydocker run --pool DIR takes it"),
        (&["--name=x"], "each has a container of its own"),
        (&["--pid=host"], "its processes are not apart"),
        (
            &[
                "--rootfs=/nowhere",
                "--mount=type=overlay,source=/a,upper=/b,target=/c",
            ],
            "what it writes is kept in a directory",
        ),
        (&["--pool-max-age=0"], "a number of seconds from 1"),
    ] {
        let output = Command::new(mydocker())
            .arg("pool")
            .args(words)
            .arg("/nowhere/x")
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(told.contains(said), "{words:?}: {told}");
        assert_eq!(output.status.code(), Some(125), "{words:?}");
    }
}

/// By the help, the man page and the completions of both shells, which are made from one table.
#[test]
fn what_is_refused_is_not_offered() {
    let told = |words: &[&str]| {
        let output = Command::new(mydocker()).args(words).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let refused = ["--interactive", "--tty", "--env", "--env-file", "--workdir"];
    for words in [&["pool", "-h"][..], &["pool", "--help"], &["help", "pool"]] {
        let told = told(words);
        assert!(told.contains("--cap-drop"), "{words:?}: {told}");
        for option in refused {
            let is_listed =
                |line: &str| line.trim_start().starts_with('-') && line.contains(option);
            assert!(!told.lines().any(is_listed), "{words:?}: {option}");
        }
    }
    let run = told(&["run", "-h"]);
    for option in refused {
        assert!(run.contains(option), "{option}");
    }
}

/// As a run says it.
#[test]
fn a_pool_of_what_is_missing_says_what_that_is() {
    for case in box_cases() {
        let scratch = Scratch::new();
        open_to_all(scratch.path());
        let (directory, missing) = (scratch.file("pool"), scratch.file("none"));
        for options in [
            ["--rootfs".to_owned(), missing.clone()],
            ["--security-opt".to_owned(), format!("seccomp={missing}")],
        ] {
            let [name, value] = &options;
            let run = case.run(&[name, value], &["true"]);
            let words = ["pool", name, value, &directory].map(OsString::from);
            let line = [&[mydocker().into()], &words[..]].concat();
            let pool = finish(case.prepared(&line));
            assert!(pool.stderr.contains(&missing), "{case}: {pool:?}");
            assert_eq!(
                (pool.code(), pool.stderr),
                (run.code(), run.stderr),
                "{case}"
            );
        }
    }
}

#[test]
fn a_pool_that_cannot_be_called_is_told_by_its_name() {
    for case in box_cases() {
        let scratch = Scratch::new();
        open_to_all(scratch.path());
        let closed = scratch.file("closed");
        std::fs::create_dir(&closed).unwrap();
        // To its owner as well, who may be the caller.
        let mode = |mode| std::fs::set_permissions(&closed, Permissions::from_mode(mode)).unwrap();
        mode(0);
        let expected = match case.caller {
            Caller::Root => "no pool is kept there",
            Caller::Ordinary => "cannot be called",
        };
        let outcome = case.run(&["--pool", &closed], &["echo", "ran"]);
        mode(0o700);
        assert_eq!(outcome.output(case), "ran\n");
        assert!(outcome.stderr.contains(expected), "{case}: {outcome:?}");
        assert!(outcome.stderr.contains(&closed), "{case}: {outcome:?}");
    }
}
