//! The life of a container that an engine has: create, start, run, kill, delete.

#![cfg(feature = "oci")]

mod common;
#[path = "oci_life/notify.rs"]
mod notify;

use common::oci::Oci;
use common::{
    eventually, finish, has_ended, has_strace, is_brief, mark, mydocker, root_cases, wait,
};
use mydocker::sys::{descriptor, local_socket};
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A runtime for each launch mode, and the name of a container that no other test has.
fn each(test: impl Fn(&Oci, &str)) {
    for case in root_cases() {
        let id = format!("life-{}", mark());
        eprintln!("{case}: {id}");
        let oci = &Oci::new(case.launch);
        let id = id.as_str();
        test(oci, id);
        assert_eq!(cgroups(oci, id), Vec::<PathBuf>::new(), "{case}");
    }
}

/// Cgroups that are called as a container.
fn cgroups(oci: &Oci, id: &str) -> Vec<PathBuf> {
    let config = std::fs::read_to_string(oci.bundle().join("config.json")).unwrap();
    let config: Value = serde_json::from_str(&config).unwrap_or_default();
    let asked = config["linux"]["cgroupsPath"].as_str();
    let name = asked.map_or(id, |path| path.trim_start_matches('/'));
    let top = Path::new("/sys/fs/cgroup");
    let below = std::fs::read_dir(top).into_iter().flatten().flatten();
    let places = below.map(|entry| entry.path()).chain([top.to_owned()]);
    places
        .map(|place| place.join(name))
        .filter(|place| place.exists())
        .collect()
}

/// The names in the runtime's root directory.
fn names(oci: &Oci) -> Vec<String> {
    let entries = std::fs::read_dir(oci.root())
        .into_iter()
        .flatten()
        .flatten();
    entries
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect()
}

fn command(oci: &Oci, command: &[&str]) {
    oci.write(&oci.config(command));
}

fn shell(oci: &Oci, script: &str) {
    command(oci, &["sh", "-c", script]);
}

#[track_caller]
fn fails(oci: &Oci, words: &[&str], said: &str) {
    let outcome = oci.run(words);
    assert_eq!(outcome.code(), Some(1), "{words:?}: {outcome:?}");
    assert!(outcome.stderr.contains(said), "{words:?}: {outcome:?}");
    assert_eq!(outcome.stderr.lines().count(), 1, "{outcome:?}");
}

fn pid(oci: &Oci, id: &str) -> u32 {
    u32::try_from(oci.state(id)["pid"].as_u64().unwrap()).unwrap()
}

#[test]
fn a_container_waits_and_then_runs() {
    each(|oci, id| {
        shell(
            oci,
            "echo $$ > /out/pid; ls /proc/self/fd | wc -l > /out/open",
        );
        let file = oci.path().join("pid");
        oci.done(&["create", "--pid-file", file.to_str().unwrap(), id]);
        let waits: u32 = std::fs::read_to_string(file).unwrap().parse().unwrap();
        assert_eq!((oci.status(id).as_str(), pid(oci, id)), ("created", waits));
        assert!(!has_ended(waits) && !oci.out("pid").exists());
        fails(oci, &["create", id], "already exists");
        oci.done(&["start", id]);
        assert!(eventually(|| oci.status(id) == "stopped"));
        assert_eq!(
            (oci.told("pid"), oci.told("open")),
            ("1\n".into(), "4\n".into())
        );
        fails(
            oci,
            &["start", id],
            "cannot start a container that has stopped",
        );
        fails(oci, &["kill", id], "container not running");
        oci.done(&["delete", id]);
        assert_eq!(names(oci), Vec::<String>::new());
    });
}

#[test]
fn what_runs_is_not_deleted_but_by_force() {
    each(|oci, id| {
        command(oci, &["sleep", "1000"]);
        oci.done(&["create", id]);
        oci.done(&["start", id]);
        let first = pid(oci, id);
        fails(
            oci,
            &["start", id],
            "cannot start an already running container",
        );
        fails(oci, &["delete", id], "that is not stopped: running");
        oci.done(&["delete", "--force", id]);
        assert!(has_ended(first));
        oci.done(&["delete", "--force", id]);
        fails(oci, &["delete", id], "does not exist");
        // Who waits is ended without.
        oci.done(&["create", id]);
        let first = pid(oci, id);
        oci.done(&["delete", id]);
        assert!(has_ended(first));
        assert_eq!(names(oci), Vec::<String>::new());
    });
}

#[test]
fn signals_have_names_and_numbers() {
    each(|oci, id| {
        shell(
            oci,
            "trap 'echo got >> /out/got' TERM; trap 'exit 3' USR1; touch /out/ready; while :; do sleep 0.1; done",
        );
        oci.done(&["create", id]);
        // Before it is started nothing handles a signal: it ends.
        oci.done(&["kill", id]);
        assert!(eventually(|| oci.status(id) == "stopped"));
        oci.done(&["delete", id]);
        oci.done(&["create", id]);
        oci.done(&["start", id]);
        assert!(eventually(|| oci.out("ready").exists()));
        for (count, signal) in ["TERM", "SIGTERM", "15", "term"].iter().enumerate() {
            oci.done(&["kill", id, signal]);
            assert!(eventually(|| oci.told("got").lines().count() == count + 1));
        }
        oci.done(&["kill", id, "0"]);
        fails(oci, &["kill", id, "NOPE"], "unknown signal");
        oci.done(&["kill", "--all", id, "KILL"]);
        assert!(eventually(|| oci.status(id) == "stopped"));
        oci.done(&["delete", id]);
    });
}

#[test]
fn without_pids_of_its_own_all_are_killed() {
    each(|oci, id| {
        let mut config = oci.config(&["sh", "-c", "sleep 1000 & echo $! > /out/other; wait"]);
        let namespaces = config["linux"]["namespaces"].as_array_mut().unwrap();
        namespaces.retain(|one| one["type"] != "pid");
        oci.write(&config);
        oci.done(&["create", id]);
        oci.done(&["start", id]);
        assert!(eventually(|| oci.told("other").ends_with('\n')));
        let other: u32 = oci.told("other").trim().parse().unwrap();
        assert!(!has_ended(other));
        oci.done(&["kill", id, "KILL"]);
        assert!(eventually(|| has_ended(other)));
        assert!(eventually(|| oci.status(id) == "stopped"));
        oci.done(&["delete", id]);
    });
}

#[test]
fn a_create_that_fails_leaves_nothing() {
    each(|oci, id| {
        let socket = oci.path().join("nope");
        let missing = oci.path().join("no/pid");
        let missing = missing.to_str().unwrap();
        let hook = json!({"createRuntime": [{"path": "/bin/false"}]});
        let mut hooked = oci.config(&["true"]);
        hooked["hooks"] = hook;
        let mut rootless = oci.config(&["true"]);
        rootless["root"]["path"] = json!("nope");
        let mut terminal = oci.config(&["true"]);
        terminal["process"]["terminal"] = json!(true);
        let sockets = ["create", "--console-socket", socket.to_str().unwrap(), id];
        for (config, words, said) in [
            (
                oci.config(&["nope"]),
                &["create", id][..],
                "executable file not found in $PATH",
            ),
            (
                oci.config(&["/nope"]),
                &["create", id],
                "no such file or directory",
            ),
            (oci.config(&["/out"]), &["create", id], "permission denied"),
            (
                oci.config(&["true"]),
                &["create", "--pid-file", missing, id],
                "no such file",
            ),
            (hooked, &["create", id], "createRuntime hook"),
            (rootless, &["create", id], "no such file or directory"),
            (
                terminal.clone(),
                &["create", id],
                "without setting console socket",
            ),
            (terminal, &sockets, "no such file or directory"),
            (oci.config(&["true"]), &sockets, "cannot use console socket"),
            (
                oci.config(&["true"]),
                &["create", "--preserve-fds", "90", id],
                "preserve-fds",
            ),
            (
                json!({"ociVersion": "1.0.0", "root": {"path": "rootfs"}}),
                &["create", id],
                "process",
            ),
        ] {
            oci.write(&config);
            fails(oci, words, said);
            assert_eq!(names(oci), Vec::<String>::new(), "{words:?}");
            assert_eq!(cgroups(oci, id), Vec::<PathBuf>::new(), "{words:?}");
        }
        command(oci, &["true"]);
        oci.done(&["run", id]);
    });
}

#[test]
fn start_tells_what_has_become_of_the_execve() {
    each(|oci, id| {
        let program = oci.bundle().join("rootfs/program");
        common::oci::script(&program, "true");
        command(oci, &["/program"]);
        oci.done(&["create", id]);
        std::fs::remove_file(&program).unwrap();
        fails(oci, &["start", id], "no such file or directory");
        assert_eq!(oci.status(id), "stopped");
        oci.done(&["delete", id]);
    });
}

#[test]
fn what_was_read_at_create_counts() {
    each(|oci, id| {
        shell(oci, "echo old > /out/told");
        oci.done(&["create", id]);
        std::fs::write(oci.bundle().join("config.json"), "{").unwrap();
        oci.done(&["start", id]);
        assert!(eventually(|| oci.told("told") == "old\n"));
        assert!(eventually(|| oci.status(id) == "stopped"));
        oci.done(&["delete", id]);
    });
}

#[test]
fn a_run_ends_as_its_command() {
    each(|oci, id| {
        for (script, code) in [
            ("exit 42", 42),
            ("kill -9 $$; sleep 9", 0),
            ("exec true", 0),
        ] {
            // As the first process of its PID namespace it cannot kill itself.
            let script = script.replace("kill -9 $$; sleep 9", "kill -9 $$");
            shell(oci, &script);
            let outcome = oci.run(&["run", id]);
            assert_eq!(outcome.code(), Some(code), "{script}: {outcome:?}");
            assert_eq!(names(oci), Vec::<String>::new());
        }
        oci.done(&["run", "--keep", id]);
        assert_eq!(oci.status(id), "stopped");
        oci.done(&["delete", id]);
    });
}

#[test]
fn signals_for_a_run_are_its_commands() {
    each(|oci, id| {
        shell(
            oci,
            "trap 'exit 7' TERM; touch /out/ready; while :; do sleep 0.1; done",
        );
        let mut run = oci.command(&["run", id]).spawn().unwrap();
        assert!(eventually(|| oci.out("ready").exists()));
        common::kill(run.id(), Signal::SIGTERM);
        assert_eq!(wait(&mut run).and_then(|status| status.code()), Some(7));
        assert_eq!(names(oci), Vec::<String>::new());
    });
}

#[test]
fn a_detached_one_lives_on_by_itself() {
    each(|oci, id| {
        let sleeps = format!("{}", 10_000 + std::process::id());
        command(oci, &["sleep", &sleeps]);
        oci.done(&["run", "--detach", id]);
        let first = pid(oci, id);
        assert_eq!(oci.status(id), "running");
        let line = std::fs::read(format!("/proc/{first}/cmdline")).unwrap();
        assert_eq!(line, format!("sleep\0{sleeps}\0").as_bytes());
        let open = std::fs::read_dir(format!("/proc/{first}/fd")).unwrap();
        assert_eq!(open.count(), 3);
        oci.done(&["delete", "--force", id]);
        assert!(has_ended(first));
    });
}

#[test]
fn descriptors_are_handed_on_as_asked() {
    each(|oci, id| {
        shell(
            oci,
            "ls /proc/self/fd | wc -l; cat <&3; echo $LISTEN_FDS $LISTEN_PID",
        );
        let file = oci.path().join("handed");
        std::fs::write(&file, "handed\n").unwrap();
        let file = file.to_str().unwrap();
        let run = |options: &str, before: &str| {
            let runtime = oci.command(&["run"]);
            let words: Vec<_> = runtime
                .get_args()
                .map(|word| word.to_str().unwrap())
                .collect();
            let line = format!(
                "exec 3<{file} 4</dev/null; {before} exec {} {} {options} {id}",
                mydocker().display(),
                words.join(" "),
            );
            let mut shell = Command::new("bash");
            shell.args(["-c", &line]).current_dir(oci.bundle());
            finish(shell)
        };
        // ls has one for the directory.
        let outcome = run("--preserve-fds 1", "");
        assert_eq!(outcome.stdout, "5\nhanded\n\n", "{outcome:?}");
        let outcome = run("", "export LISTEN_FDS=1 LISTEN_PID=$$;");
        assert_eq!(outcome.stdout, "5\nhanded\n1 1\n", "{outcome:?}");
        shell(oci, "ls /proc/self/fd | wc -l");
        assert_eq!(run("", "").stdout, "4\n");
    });
}

#[test]
fn the_terminal_goes_to_the_console_socket() {
    use std::io::Read;
    use std::os::unix::net::UnixListener;
    each(|oci, id| {
        let mut config = oci.config(&["sh", "-c", "tty; test -t 0 && test -t 1 && stty size"]);
        config["process"]["terminal"] = json!(true);
        config["process"]["consoleSize"] = json!({"height": 33, "width": 77});
        oci.write(&config);
        let path = oci.path().join("socket");
        let socket = UnixListener::bind(&path).unwrap();
        oci.done(&["create", "--console-socket", path.to_str().unwrap(), id]);
        let (stream, _) = socket.accept().unwrap();
        let record = local_socket::receive(stream.as_fd()).unwrap().unwrap();
        let master = descriptor::own(record.file.expect("a descriptor"));
        let mut master = std::fs::File::from(master);
        oci.done(&["start", id]);
        let mut text = String::new();
        let _ = master.read_to_string(&mut text);
        assert!(
            text.contains("/dev/pts/0") && text.contains("33 77"),
            "{text:?}"
        );
        assert!(eventually(|| oci.status(id) == "stopped"));
        oci.done(&["delete", id]);
    });
}

#[test]
fn many_at_once_leave_nothing() {
    each(|oci, id| {
        let mut config = oci.config(&["true"]);
        config["linux"]
            .as_object_mut()
            .unwrap()
            .remove("cgroupsPath");
        oci.write(&config);
        std::thread::scope(|scope| {
            for thread in 0..8 {
                scope.spawn(move || {
                    for count in 0..if is_brief() { 4 } else { 25 } {
                        let id = format!("{id}-{thread}-{count}");
                        oci.done(&["create", &id]);
                        if count % 2 == 0 {
                            oci.done(&["start", &id]);
                        }
                        oci.done(&["delete", "--force", &id]);
                        assert_eq!(cgroups(oci, &id), Vec::<PathBuf>::new());
                    }
                });
            }
        });
        assert_eq!(names(oci), Vec::<String>::new());
    });
}

/// Runs `words` under strace, which kills the runtime itself at this call of `name`. Whether it came so far.
fn killed_at(oci: &Oci, words: &[&str], name: &str, at: usize) -> bool {
    let runtime = oci.command(words);
    let mut strace = Command::new("strace");
    strace
        .args(["-o", "/dev/null", "-e"])
        .arg(format!("inject=?{name}:signal=KILL:when={at}"))
        .arg("--")
        .arg(runtime.get_program())
        .args(runtime.get_args())
        .current_dir(oci.bundle())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    !strace.status().unwrap().success()
}

/// What changes something, or waits for someone.
const CALLS: [&str; 20] = [
    "openat",
    "mkdirat",
    "mknodat",
    "renameat2",
    "unlinkat",
    "write",
    "read",
    "close",
    "clone",
    "clone3",
    "poll",
    "ppoll",
    "pwrite64",
    "flock",
    "memfd_create",
    "pipe2",
    "wait4",
    "pidfd_open",
    "pidfd_send_signal",
    "exit_group",
];

#[test]
fn who_is_killed_anywhere_leaves_what_can_be_deleted() {
    if !has_strace() {
        return;
    }
    each(|oci, id| {
        let sleeps = format!("{}", 20_000 + std::process::id());
        command(oci, &["sleep", &sleeps]);
        let lives = || {
            let mut pgrep = Command::new("pgrep");
            pgrep.args(["-f", &format!("^sleep {sleeps}$|oci .*create {id}$")]);
            !finish(pgrep).stdout.is_empty()
        };
        let mut count = 0;
        for words in [["create", id], ["start", id], ["delete", id]] {
            for name in CALLS {
                // Each of the first, and then fewer and fewer.
                let mut at = 1;
                loop {
                    if words[0] != "create" {
                        oci.done(&["create", id]);
                    }
                    let was_killed = killed_at(oci, &words, name, at);
                    oci.done(&["delete", "--force", id]);
                    let place = format!("{words:?} {name} {at}");
                    assert_eq!(names(oci), Vec::<String>::new(), "{place}");
                    assert_eq!(cgroups(oci, id), Vec::<PathBuf>::new(), "{place}");
                    assert!(eventually(|| !lives()), "{place}");
                    if !was_killed {
                        break;
                    }
                    count += 1;
                    at += 1 + at / 2;
                }
            }
        }
        assert!(count > 40, "strace kills: {count}");
    });
}
