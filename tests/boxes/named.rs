//! What the options name, and what a container has of its caller's files, is what it is when the command runs.

use super::*;

/// Runs in a container of its own, or in a box that has been made since. Later ones are in boxes again: a run that none is for
/// has the pool look whether its options still name what they named.
#[track_caller]
fn runs_anew(pool: &Boxes, options: &[&str], command: &[&str], expected: &str) {
    let told = pool.scratch.path().join("told-other");
    let outcome = finish(pool.line(&told, options, command));
    assert_eq!(outcome.output(pool.case), expected, "{options:?}");
    std::fs::remove_file(&told).unwrap();
    let boxed = pool.run(options, command);
    assert_eq!(boxed.output(pool.case), expected, "{options:?}");
}

#[test]
fn a_source_is_looked_at_however_it_is_written() {
    let Some(tree) = tree() else { return };
    let root = tree.file("root");
    for name in ["a,b", "a=b", "a:b", "c,d"] {
        std::fs::create_dir(tree.file(name)).unwrap();
        std::fs::write(tree.file(&format!("{name}/is")), "old").unwrap();
    }
    let places = ["/tmp/0", "/tmp/1", "/tmp/2", "/tmp/3"];
    for place in places {
        std::fs::create_dir(format!("{root}{place}")).unwrap();
    }
    // (Callers are in /.)
    let volumes = [
        format!("{}:/tmp/0", tree.file("a,b")),
        format!(".{}:/tmp/1", tree.file("a=b")),
    ];
    let mounts = [
        format!("type=bind,source={},target=/tmp/2", tree.file("a:b")),
        format!("type=bind,\"source={}\",target=/tmp/3", tree.file("c,d")),
    ];
    let options = [
        "--rootfs",
        &root,
        "-v",
        &volumes[0],
        "-v",
        &volumes[1],
        "--mount",
        &mounts[0],
        "--mount",
        &mounts[1],
    ];
    for case in box_cases() {
        let pool = Boxes::new(case, 1, &options);
        for (place, name) in places.into_iter().zip(["a,b", "a=b", "a:b", "c,d"]) {
            let file = format!("{place}/is");
            let look = ["cat", &file];
            assert_eq!(pool.run(&options, &look).stdout, "old", "{case} {name}");
            assert!(pool.is_refilled(1), "{case}");
            let (is, was) = (tree.file(name), tree.file("was"));
            std::fs::rename(&is, &was).unwrap();
            std::fs::create_dir(&is).unwrap();
            std::fs::write(format!("{is}/is"), "new").unwrap();
            runs_anew(&pool, &options, &look, "new");
            std::fs::remove_dir_all(&is).unwrap();
            std::fs::rename(&was, &is).unwrap();
        }
    }
}

#[test]
fn users_are_those_of_now_wherever_their_file_lies() {
    let Some(tree) = tree() else { return };
    let root = tree.file("root");
    std::os::unix::fs::symlink("/tmp/passwd", format!("{root}/etc/passwd")).unwrap();
    let linked = format!("{root}/tmp/passwd");
    let mounted = tree.file("passwd");
    let volume = format!("{mounted}:/etc/passwd");
    let number = |file: &str, number: u32| {
        std::fs::write(file, format!("bob:x:{number}:5::/:/bin/sh\n")).unwrap();
    };
    let by_link = ["--rootfs", &root, "-u", "bob"];
    let by_volume = [&by_link[..], &["-v", &volume]].concat();
    for case in box_cases() {
        if case.caller != Caller::Root {
            continue;
        }
        for (file, options) in [(&linked, &by_link[..]), (&mounted, &by_volume)] {
            number(&linked, 1000);
            number(file, 1000);
            let pool = Boxes::new(case, 1, options);
            let look = ["id", "-u"];
            assert_eq!(pool.run(options, &look).stdout, "1000\n", "{case}");
            assert!(pool.is_refilled(1), "{case}");
            number(file, 1234);
            runs_anew(&pool, options, &look, "1234\n");
        }
    }
}

/// The names of a host's network, and its own, are copied into a root of its own.
#[test]
fn names_that_are_copied_are_those_of_now() {
    let Some(tree) = tree() else { return };
    let root = tree.file("root");
    for name in ["hosts", "hostname", "resolv.conf"] {
        std::fs::write(format!("{root}/etc/{name}"), "").unwrap();
    }
    let servers = tree.file("servers");
    std::fs::write(&servers, "nameserver 192.0.2.1\n").unwrap();
    let options = ["--rootfs", &root, "--network=host", "--uts=host"];
    let look = ["sh", "-c", "cat /etc/hostname; tail -n 1 /etc/resolv.conf"];
    for case in box_cases() {
        if case.caller != Caller::Root {
            continue;
        }
        // A host of its own, as far as that matters.
        let pool = Boxes::wrapped(case, &["unshare", "--mount", "--uts"], 1, &options);
        let pid = pool.child.id().to_string();
        let inside = ["nsenter", "--target", &pid, "--mount", "--uts"];
        let wrap = |line: &Command| {
            let words = [line.get_program()].into_iter().chain(line.get_args());
            let all = inside.iter().map(Into::into).chain(words.map(Into::into));
            case.prepared(&all.collect::<Vec<_>>())
        };
        let change = |command: &[&str]| {
            let words = [&inside[..], command].concat();
            let mut command = Command::new(words[0]);
            assert!(command.args(&words[1..]).status().unwrap().success());
        };
        change(&["hostname", "before"]);
        change(&["mount", "--bind", &servers, "/etc/resolv.conf"]);
        let told = pool.scratch.path().join("told-other");
        for (command, expected) in [
            (&["true"][..], "before\nnameserver 192.0.2.1\n"),
            (&["hostname", "after"], "after\nnameserver 192.0.2.1\n"),
            (
                &["sh", "-c", &format!("echo nameserver 192.0.2.2 >{servers}")],
                "after\nnameserver 192.0.2.2\n",
            ),
        ] {
            assert!(pool.is_refilled(1), "{case}");
            change(command);
            let line = wrap(&pool.line(&told, &options, &look));
            assert_eq!(finish(line).output(case), expected, "{case}");
            // The next boxes are so, too.
            if let Some(waiting) = pool.all().first() {
                kill(*waiting, Signal::SIGKILL);
            }
            let again = pool.run_with(&options, &look, |line| *line = wrap(line));
            assert_eq!(again.output(case), expected, "{case}");
        }
        std::fs::write(&servers, "nameserver 192.0.2.1\n").unwrap();
    }
}

#[cfg(target_arch = "x86_64")]
#[test]
fn a_keyring_that_is_kept_is_the_callers() {
    // KEYCTL_GET_KEYRING_ID of KEY_SPEC_SESSION_KEYRING, after KEYCTL_JOIN_SESSION_KEYRING.
    let caller = "syscall(250, 1, 0); print syscall(250, 0, -3, 0), \"\\n\"; $| = 1; exec @ARGV";
    let look = ["perl", "-e", "print syscall(250, 0, -3, 0)"];
    let options = ["--no-new-keyring", "--security-opt=seccomp=unconfined"];
    for case in box_cases() {
        let pool = Boxes::new(case, 2, &options);
        let told = pool.scratch.path().join("told-other");
        for _ in 0..5 {
            let line = pool.line(&told, &options, &look);
            let words = [line.get_program()].into_iter().chain(line.get_args());
            let wrapper = ["perl", "-e", caller].map(Into::into).into_iter();
            let words: Vec<_> = wrapper.chain(words.map(Into::into)).collect();
            let outcome = finish(case.prepared(&words));
            let (outside, inside) = outcome.output(case).split_once('\n').unwrap();
            assert_eq!(outside, inside, "{case}");
            std::fs::remove_file(&told).unwrap();
        }
    }
}
