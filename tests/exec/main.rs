//! `exec`: one more process in a container that runs.

#[path = "../common/mod.rs"]
mod common;

mod ends;
mod faults;
mod hostile;
mod terminals;

use common::stay::{NAME, Stay};
use common::tree;
use common::*;
use std::path::Path;

/// What a process is in, and what it may, as far as /proc tells, in the eyes of another one of the same container.
const FACTS: &str = "for kind in cgroup ipc mnt net pid user uts; do readlink /proc/$P/ns/$kind; done; \
    grep -E '^(Uid|Gid|Cap|NoNew|Seccomp:|Umask)' /proc/$P/status; cat /proc/$P/oom_score_adj /proc/$P/cgroup; \
    grep -E 'open files|processes' /proc/$P/limits";

/// Ways of running a container, each of which makes one that is entered in another way.
const WAYS: [&[&str]; 7] = [
    &[],
    &["--init"],
    &["--pid=host"],
    &["--network=host", "--ipc=host", "--uts=host"],
    &["--ulimit=nofile=400:500", "--oom-score-adj=300"],
    &["--cap-drop=ALL", "--cap-add=KILL"],
    &["--privileged"],
];

#[test]
fn it_is_as_the_containers_own_process() {
    for case in cases() {
        for way in WAYS {
            let mark = mark();
            let variable = format!("MARK={mark}");
            let container = Stay::idle(case, &[way, &["-e", &variable]].concat());
            // Of sleep, whoever is its parent; and of one that is no shell either.
            let own = format!(
                "for P in $(pgrep -x sleep); do grep -qz {variable} /proc/$P/environ 2>/dev/null && break; done; {FACTS}"
            );
            let another = format!("sleep 1000 & P=$!; {FACTS}; kill $P");
            // (What a root may not do to itself it may not do to others, so it may look.)
            let own = container.shell_says(&["--privileged"], &own);
            let another = container.shell_says(&[], &another);
            assert_eq!(another, own, "{case} {way:?}");
            assert!(own.lines().count() > 15, "{case} {way:?}: {own}");
        }
    }
}

#[test]
fn it_has_the_containers_root_and_nothing_else() {
    tree::each(|case, tree| {
        for way in [&[][..], &["--init"], &["--overlay"], &["--read-only"]] {
            let root = tree.name();
            let container = Stay::idle(case, &[&["--rootfs", &root], way].concat());
            let said = container.shell_says(
                &[],
                "id -u; pwd; ls /; ls -l /proc/self/fd | wc -l; echo $HOME",
            );
            let expected = "0\n/\nbin\ndev\netc\nmnt\nproc\nsys\ntmp\n5\n/home-of-root\n";
            assert_eq!(said, expected, "{case} {way:?}");
            let said = container.shell_says(&["-w", "/tmp"], "pwd");
            assert_eq!(said, "/tmp\n", "{case} {way:?}");
        }
    });
}

/// Who has one id in the container has it in all that is run there.
fn users_of(case: Case, container: &Stay) {
    let smith = container.exec(&["-u", "smith"], &["sh", "-c", "id -u; id -g; echo $HOME"]);
    match case.caller {
        Caller::Root => assert_eq!(smith.output(case), "1234\n555\n/home/smith\n"),
        Caller::Ordinary => {
            assert_eq!(smith.code(), Some(125), "{case}");
            let message = "--user smith: the container's user namespace has no uid 1234";
            assert!(smith.stderr.contains(message), "{case}: {smith:?}");
        }
    }
    let unknown = container.exec(&["-u", "jones"], &["true"]);
    let message = "mydocker: --user jones: no such user in the container's /etc/passwd\n";
    assert_eq!((unknown.code(), &*unknown.stderr), (Some(125), message));
}

#[test]
fn users_are_those_of_the_containers_files() {
    tree::each(|case, tree| {
        let root = tree.name();
        let container = Stay::idle(case, &["--rootfs", &root]);
        users_of(case, &container);
        // A link leads nowhere but into the root.
        let passwd = tree.root().join("etc/passwd");
        let elsewhere = tree.root().join("accounts");
        std::fs::rename(&passwd, &elsewhere).unwrap();
        std::os::unix::fs::symlink("/../../accounts", &passwd).unwrap();
        users_of(case, &container);
        std::fs::remove_file(&passwd).unwrap();
        let outside = tree.beside("outside");
        std::fs::copy(&elsewhere, &outside).unwrap();
        std::os::unix::fs::symlink(&outside, &passwd).unwrap();
        let lost = container.exec(&["-u", "smith"], &["true"]);
        assert_eq!(lost.code(), Some(125), "{case}: {lost:?}");
        assert!(lost.stderr.contains("no such user"), "{case}: {lost:?}");
    });
}

#[test]
fn variables_are_the_containers_and_those_that_are_given() {
    for case in cases() {
        let container = Stay::idle(case, &["-e", "KEPT=1", "-e", "GONE=1", "-e", "LENT=old"]);
        let file = container.file("variables");
        std::fs::write(&file, "FROM=file\nLENT\n# no\n").unwrap();
        let options = ["--env-file", &file, "-e", "GIVEN=2", "-e", "GONE"];
        let mut command = container.exec_command(&options, &["env"]);
        command.env("LENT", "new").env("SECRET", "x");
        let said = finish(command);
        let said = said.output(case);
        for line in ["KEPT=1", "GIVEN=2", "FROM=file", "LENT=new", "HOME=/"] {
            assert!(
                said.lines().any(|said| said.starts_with(line)),
                "{case} {line}: {said}"
            );
        }
        for name in ["GONE", "SECRET", "TERM"] {
            assert!(!said.contains(name), "{case}: {said}");
        }
    }
}

#[test]
fn standard_streams_are_the_callers() {
    tree::each(|case, tree| {
        let root = tree.name();
        for options in [&[][..], &["--rootfs", &root]] {
            let container = Stay::idle(case, options);
            // Nothing to read without -i, and its own device.
            let said = container.shell_says(
                &[],
                "cat; stat -L -c %t:%T /dev/stdin; echo out; echo err >&2",
            );
            assert_eq!(said, "1:3\nout\n", "{case} {options:?}");
            let mut command = container.exec_command(&["-i"], &["cat"]);
            let input = container.file("input");
            std::fs::write(&input, b"\xff\0typed").unwrap();
            command.stdin(std::fs::File::open(&input).unwrap());
            let output = command.output().unwrap();
            assert_eq!(output.stdout, b"\xff\0typed", "{case} {options:?}");
        }
    });
}

#[test]
fn nothing_of_the_hosts_is_open() {
    for case in cases() {
        let container = Stay::idle(case, &[]);
        let probe = probe_name();
        let words = ["exec", NAME, probe.as_str(), "descriptors"];
        let outside = container.behind(&["inherit", "20", "/etc"], &words);
        let seen = finish(outside);
        let numbers: Vec<&str> = seen.output(case).lines().map(|line| &line[..2]).collect();
        assert_eq!(numbers, ["0 ", "1 ", "2 "], "{case}: {seen:?}");
    }
}

#[test]
fn what_is_limited_is_limited_together() {
    for case in common::cgroups::limited_cases() {
        let container = Stay::idle(case, &["-m", "64m", "--pids-limit", "20"]);
        let first = container.first();
        let cgroups = |pid: u32| std::fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap();
        let mark = mark();
        let variable = format!("MARK={mark}");
        let outcome = container.exec(&["-d", "-e", &variable], &["sleep", "1000"]);
        assert_eq!(outcome.code(), Some(0), "{case}: {outcome:?}");
        let mut own = marked(&mark);
        own.retain(|pid| *pid != first);
        assert_eq!(own.len(), 1, "{case}");
        assert_eq!(cgroups(own[0]), cgroups(first), "{case}");
        let probe = probe_name();
        let bytes = (256 << 20).to_string();
        let outcome = container.exec(&[], &[&probe, "allocate", &bytes]);
        assert_eq!(outcome.code(), Some(137), "{case}: {outcome:?}");
    }
}

#[test]
fn many_at_a_time() {
    for case in cases() {
        let container = Stay::idle(case, &[]);
        let mut running: Vec<_> = (0..16)
            .map(|number| {
                let code = number.to_string();
                let script = format!("sleep 0.1; exit {code}");
                let mut command = container.exec_command(&[], &["sh", "-c", &script]);
                command.spawn().unwrap()
            })
            .collect();
        for (number, child) in running.iter_mut().enumerate() {
            let status = wait(child).expect("it ends");
            assert_eq!(status.code(), Some(number as i32), "{case}");
        }
    }
}

#[test]
fn a_store_is_left_as_it_was() {
    for case in cases() {
        let container = Stay::idle(case, &[]);
        let before = container.recorded(&container.id());
        let outcome = container.exec(&[], &["true"]);
        assert_eq!(outcome.code(), Some(0), "{case}: {outcome:?}");
        assert_eq!(container.recorded(&container.id()), before, "{case}");
        assert!(Path::new("/dev/null").exists());
    }
}

/// Ids of its own: who is root there is no one outside.
#[test]
fn a_user_namespace_with_many_ids() {
    for case in root_cases() {
        let container = Stay::idle(case, &["--userns=200000:5000", "--init"]);
        let script = "cat /proc/self/uid_map; id -u; id -G";
        let said = container.shell_says(&[], script);
        let words: Vec<&str> = said.split_whitespace().collect();
        assert_eq!(words, ["0", "200000", "5000", "0", "0"], "{case}");
        let said = container.shell_says(&["-u", "7:8"], "id -u; id -G; echo >/dev/stderr");
        assert_eq!(said, "7\n8\n", "{case}");
        let unknown = container.exec(&["-u", "6000"], &["true"]);
        assert_eq!(unknown.code(), Some(125), "{case}: {unknown:?}");
    }
}

/// A container in the foreground that has a name is in the store as well.
#[test]
fn a_container_in_the_foreground() {
    for case in cases() {
        let scratch = Scratch::new();
        let store = scratch.file("store");
        let options = ["--state", &store, "--name", "front", "-i"];
        let mut command = case.command(&options, &["sh", "-c", "echo ready; read word"]);
        let mut running = command
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let exec = || {
            let line = [
                mydocker().into_os_string(),
                "exec".into(),
                "--state".into(),
                (&store).into(),
                "front".into(),
                "hostname".into(),
            ];
            finish(case.prepared(&line))
        };
        assert!(
            eventually(|| exec().code() == Some(0)),
            "{case}: {:?}",
            exec()
        );
        drop(running.stdin.take());
        wait(&mut running).expect("it ends");
        assert_eq!(exec().code(), Some(1), "{case}");
    }
}
