//! What an engine's containers meet when something else goes wrong: a call fails, someone is killed, two come at once.

#![cfg(feature = "oci")]

mod common;

use common::oci::Oci;
use common::{eventually, finish, has_strace, is_brief, mark, root_cases, wait};
use nix::fcntl::{Flock, FlockArg};
use nix::sys::signal::{Signal, kill};
use serde_json::{Value, json};
use std::path::Path;
use std::process::{Command, Stdio};

/// A runtime for each launch mode, and the name of a container that no other test has. Nothing is left at the end.
fn each(test: impl Fn(&Oci, &str)) {
    for case in root_cases() {
        let id = format!("faults-{}", mark());
        eprintln!("{case}: {id}");
        let oci = &Oci::new(case.launch);
        test(oci, &id);
        assert_eq!(left(oci), Vec::<String>::new(), "{case}");
    }
}

/// The containers in the store, and the cgroups that are called as the bundle's.
fn left(oci: &Oci) -> Vec<String> {
    let config = std::fs::read_to_string(oci.bundle().join("config.json")).unwrap();
    let config: Value = serde_json::from_str(&config).unwrap();
    let cgroup = config["linux"]["cgroupsPath"].as_str().unwrap_or("/none");
    let names = |path: &Path| {
        let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
        entries.map(|entry| entry.path())
    };
    let top = Path::new("/sys/fs/cgroup");
    let places = names(top).chain([top.to_owned()]);
    let cgroups = places.map(|place| place.join(cgroup.trim_start_matches('/')));
    let found = names(&oci.root()).chain(cgroups.filter(|path| path.exists()));
    found.map(|path| path.display().to_string()).collect()
}

/// Whether a process of a container's command lives.
fn lives(sleeps: &str) -> bool {
    let mut pgrep = Command::new("pgrep");
    pgrep.args(["-f", &format!("^sleep {sleeps}$")]);
    !finish(pgrep).stdout.is_empty()
}

/// Runs `words` under strace, with a fault in the runtime itself.
fn faulty(oci: &Oci, fault: &str, words: &[&str]) -> (Option<i32>, String) {
    let runtime = oci.command(words);
    let said = oci.path().join("said");
    let file = std::fs::File::create(&said).unwrap();
    let mut strace = Command::new("strace");
    strace
        .args(["-qq", "-o", "/dev/null", "-e", fault, "--"])
        .arg(runtime.get_program())
        .args(runtime.get_args())
        .current_dir(oci.bundle())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(file);
    let code = strace.status().unwrap().code();
    (code, std::fs::read_to_string(said).unwrap())
}

/// How often the runtime itself makes a call for `words`.
fn calls(oci: &Oci, name: &str, words: &[&str]) -> usize {
    let trace = oci.path().join("trace");
    let runtime = oci.command(words);
    let mut strace = Command::new("strace");
    strace
        .args(["-qq", "-e", &format!("trace={name}"), "-o"])
        .arg(&trace)
        .arg("--")
        .arg(runtime.get_program())
        .args(runtime.get_args())
        .current_dir(oci.bundle())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    assert!(strace.status().unwrap().success(), "{words:?}");
    std::fs::read_to_string(trace).unwrap().lines().count()
}

#[test]
fn a_call_that_fails_is_told_and_nothing_is_lost() {
    if !has_strace() {
        return;
    }
    let offset = &std::cell::Cell::new(0);
    each(|oci, id| {
        let sleeps = &format!("{}", 30_000 + std::process::id());
        oci.write(&oci.config(&["sleep", sleeps]));
        let mut failures = 0;
        let earlier = [&["create", id][..], &["start", id], &["pause", id]];
        for (words, before) in [
            (&["create", id][..], 0),
            (&["start", id], 1),
            (&["pause", id], 2),
            (&["resume", id], 3),
            (&["kill", id, "KILL"], 2),
            (&["delete", "--force", id], 2),
        ] {
            let prepare = || {
                let earlier = earlier.iter().take(before);
                earlier.for_each(|words| drop(oci.done(words)));
            };
            for (name, errno, step) in [
                ("openat", "EMFILE", 4),
                ("openat", "EIO", 11),
                ("flock", "ENOLCK", 1),
            ] {
                prepare();
                let count = calls(oci, name, words);
                oci.done(&["delete", "--force", id]);
                let step = if is_brief() { 3 * step } else { step };
                for at in (1..=count).skip(offset.get() % step).step_by(step) {
                    prepare();
                    let fault = format!("inject={name}:error={errno}:when={at}");
                    let (code, said) = faulty(oci, &fault, words);
                    let place = format!("{words:?} {fault}: {code:?} {said}");
                    if code != Some(0) {
                        failures += 1;
                        assert_eq!(said.lines().count(), 1, "{place}");
                        let is_told = [errno, "shared libraries"]
                            .iter()
                            .any(|word| said.contains(word));
                        assert!(is_told, "{place}");
                    }
                    let is_there = match words[0] {
                        "create" => code == Some(0),
                        "delete" => code != Some(0),
                        _ => true,
                    };
                    assert_eq!(!left(oci).is_empty(), is_there, "{place}");
                    assert!(is_there || !lives(sleeps), "{place}");
                    oci.done(&["delete", "--force", id]);
                    assert_eq!(left(oci), Vec::<String>::new(), "{place}");
                    assert!(!lives(sleeps), "{place}");
                }
            }
        }
        offset.set(offset.get() + 1);
        let least = if is_brief() { 8 } else { 20 };
        assert!(failures > least, "{failures}");
    });
}

#[test]
fn who_ends_behind_the_gate_was_not_started() {
    // So that what has ended stays until it is looked at: no one waits for it.
    mydocker::sys::process::adopt_orphans().unwrap();
    each(|oci, id| {
        // By another, who shares its processes; and by its filter.
        let mut killed = oci.config(&["true"]);
        let namespaces = killed["linux"]["namespaces"].as_array_mut().unwrap();
        namespaces.retain(|one| one["type"] != "pid");
        killed["hooks"]["startContainer"] =
            json!([{"path": "/bin/sh", "args": ["sh", "-c", "kill -9 $PPID; sleep 9"]}]);
        let mut filtered = oci.config(&["true"]);
        let rule = json!({"names": ["execve"], "action": "SCMP_ACT_KILL_PROCESS"});
        filtered["linux"]["seccomp"] =
            json!({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [rule]});
        for config in [killed, filtered] {
            oci.write(&config);
            oci.done(&["create", id]);
            let outcome = oci.run(&["start", id]);
            assert_eq!(outcome.code(), Some(1), "{outcome:?}");
            let said = format!("container {id} has ended before it was started");
            assert!(outcome.stderr.contains(&said), "{outcome:?}");
            assert_eq!(oci.status(id), "stopped");
            oci.done(&["delete", id]);
        }
        // One that has executed its command, and ended at once, was.
        oci.write(&oci.config(&["true"]));
        for _ in 0..10 {
            oci.done(&["create", id]);
            oci.done(&["start", id]);
            assert!(eventually(|| oci.status(id) == "stopped"));
            oci.done(&["delete", id]);
        }
    });
}

#[test]
fn of_two_that_come_at_once_one_has_its_way() {
    each(|oci, id| {
        let sleeps = &format!("{}", 40_000 + std::process::id());
        oci.write(&oci.config(&["sleep", sleeps]));
        let at_once = |all: &[&[&str]]| -> Vec<Option<i32>> {
            std::thread::scope(|scope| {
                let run = |words: &[&str]| oci.run(words).code();
                let threads = all.iter().map(|words| scope.spawn(move || run(words)));
                let threads: Vec<_> = threads.collect();
                threads
                    .into_iter()
                    .map(|thread| thread.join().unwrap())
                    .collect()
            })
        };
        let one = |codes: &[Option<i32>]| codes.iter().filter(|code| **code == Some(0)).count();
        for _ in 0..if is_brief() { 2 } else { 8 } {
            let create = &["create", id][..];
            assert_eq!(one(&at_once(&[create, create, create])), 1);
            let start = &["start", id][..];
            assert_eq!(one(&at_once(&[start, start, start])), 1);
            assert_eq!(oci.status(id), "running");
            let force = &["delete", "--force", id][..];
            assert_eq!(one(&at_once(&[force, force, force])), 3);
            for meanwhile in [
                &["create", id][..],
                &["kill", id, "KILL"],
                &["exec", id, "true"],
                &["pause", id],
                &["update", "--pids-limit", "30", id],
            ] {
                if meanwhile[0] != "create" {
                    oci.done(&["create", id]);
                    oci.done(&["start", id]);
                }
                let codes = at_once(&[meanwhile, force, meanwhile]);
                assert_eq!(codes[1], Some(0), "{meanwhile:?}");
                oci.done(force);
                assert_eq!(left(oci), Vec::<String>::new(), "{meanwhile:?}");
                assert!(!lives(sleeps), "{meanwhile:?}");
            }
        }
    });
}

#[test]
fn what_an_older_kernel_has_not_is_done_another_way() {
    if !has_strace() {
        return;
    }
    each(|oci, id| {
        oci.write(&oci.config(&["sh", "-c", "cat /proc/mounts > /out/mounts; exit 3"]));
        for names in [
            // Before Linux 5.12, 5.2, 5.6, 5.3.
            "mount_setattr",
            "mount_setattr,open_tree,move_mount,fsopen",
            "openat2",
            "clone3,pidfd_open,pidfd_send_signal",
        ] {
            let runtime = oci.command(&["run", id]);
            let mut strace = Command::new("strace");
            strace
                .args(["-f", "-qq", "-o", "/dev/null", "-e"])
                .arg(format!("inject={names}:error=ENOSYS"))
                .arg("--")
                .arg(runtime.get_program())
                .args(runtime.get_args())
                .current_dir(oci.bundle());
            let outcome = finish(strace);
            assert_eq!(outcome.code(), Some(3), "{names}: {outcome:?}");
            let told = oci.told("mounts");
            let mut lines = told.lines().map(|line| line.split(' ').collect::<Vec<_>>());
            let sysctls = lines.rfind(|words| words[1] == "/proc/sys").expect(names);
            assert!(
                sysctls[3].split(',').any(|word| word == "ro"),
                "{names}: {told}"
            );
        }
    });
}

#[test]
fn a_run_deletes_its_own_container_alone() {
    each(|oci, id| {
        let sleeps = &format!("{}", 50_000 + std::process::id());
        oci.write(&oci.config(&["sleep", sleeps]));
        for next in [&["create", id][..], &["run", "--detach", id]] {
            let mut run = oci.command(&["run", id]).spawn().unwrap();
            let exists = || oci.run(&["state", id]).code() == Some(0);
            assert!(eventually(|| exists() && oci.status(id) == "running"));
            // Until it has made the container, and left it to others.
            let directory = std::fs::File::open(oci.root().join(id)).unwrap();
            drop(Flock::lock(directory, FlockArg::LockExclusive).unwrap());
            // So that it ends when its name is another's.
            let runtime = nix::unistd::Pid::from_raw(run.id().try_into().unwrap());
            kill(runtime, Signal::SIGSTOP).unwrap();
            oci.done(&["delete", "--force", id]);
            oci.done(next);
            let state = oci.state(id);
            kill(runtime, Signal::SIGCONT).unwrap();
            let status = wait(&mut run).expect("it ends");
            assert_eq!(status.code(), Some(137), "{next:?}");
            assert_eq!(oci.state(id), state, "{next:?}");
            oci.done(&["delete", "--force", id]);
            assert!(!lives(sleeps), "{next:?}");
        }
    });
}

#[test]
fn what_a_broken_record_tells_of_is_not_forgotten() {
    each(|oci, id| {
        let sleeps = &format!("{}", 60_000 + std::process::id());
        oci.write(&oci.config(&["sleep", sleeps]));
        oci.done(&["run", "--detach", id]);
        let file = oci.root().join(id).join("state.json");
        let whole = std::fs::read(&file).unwrap();
        for broken in [&b""[..], b"{\"id\":", &whole[..whole.len() - 1]] {
            std::fs::write(&file, broken).unwrap();
            let outcome = oci.run(&["delete", "--force", id]);
            assert_eq!(outcome.code(), Some(1), "{outcome:?}");
            let name = file.to_str().unwrap();
            assert!(outcome.stderr.contains(name), "{outcome:?}");
            assert_eq!(outcome.stderr.lines().count(), 1, "{outcome:?}");
            assert!(lives(sleeps), "{outcome:?}");
        }
        std::fs::write(&file, whole).unwrap();
        oci.done(&["delete", "--force", id]);
        assert!(!lives(sleeps));
    });
}

#[test]
fn nothing_runs_if_its_pid_cannot_be_told() {
    each(|oci, id| {
        oci.write(&oci.config(&["touch", "/out/ran"]));
        let directory = oci.out("");
        let file = oci.out("file");
        std::fs::write(&file, "").unwrap();
        for (path, said) in [
            (directory.clone(), "EISDIR"),
            (directory.join("none/pid"), "ENOENT"),
            (file.join("pid"), "ENOTDIR"),
        ] {
            for more in [&["run"][..], &["run", "--detach"]] {
                let words = [more, &["--pid-file", path.to_str().unwrap(), id]].concat();
                let outcome = oci.run(&words);
                assert_eq!(outcome.code(), Some(1), "{words:?}: {outcome:?}");
                assert!(outcome.stderr.contains(said), "{words:?}: {outcome:?}");
                assert!(!oci.out("ran").exists(), "{words:?}");
                assert_eq!(left(oci), Vec::<String>::new(), "{words:?}");
            }
        }
        // A name alone is that of a file where the runtime is called.
        oci.done(&["run", "--pid-file", "pid", id]);
        assert!(oci.bundle().join("pid").exists() && oci.out("ran").exists());
        std::fs::remove_file(oci.out("ran")).unwrap();
    });
}
