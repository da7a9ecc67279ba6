//! A specification needs no command line: the example `by_hand` writes one, builds the plan of it and runs that.

mod common;

use common::tree::each;
use common::{
    Caller, Case, PATIENCE, Signal, cases, eventually, example, finish, kill, mark, marked,
    root_cases, skip, write_program,
};
use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

#[test]
fn a_container_without_a_command_line() {
    let script = "echo $$ $(id -u) $(id -g) $(uname -n) $WRITTEN $HOME-$TERM; grep -E 'NoNewPrivs|Seccomp:|CapBnd' \
                  /proc/self/status; ls /proc/self/fd | wc -l; exit 33";
    for case in cases() {
        let line = [
            example("by_hand").into_os_string(),
            case.launch.into(),
            "/bin/sh".into(),
            "-c".into(),
            script.into(),
        ];
        let mut command = case.prepared(&line.map(OsString::from));
        command.env("HOME", "/caller").env("TERM", "callers");
        let outcome = finish(command);
        assert_eq!(outcome.code(), Some(33), "{case}: {outcome:?}");
        let lines: Vec<&str> = outcome.stdout.lines().collect();
        // 0, 1, 2 and the directory itself, for `ls` opens it.
        assert_eq!(
            lines,
            [
                "1 7 8 byhand by hand -",
                "CapBnd:\t00000000a80425fb",
                "NoNewPrivs:\t1",
                "Seccomp:\t2",
                "4",
            ],
            "{case}: {outcome:?}"
        );
    }
}

#[test]
fn what_fails_is_told() {
    for case in cases() {
        let line = [
            example("by_hand").into_os_string(),
            case.launch.into(),
            "/no/such/command".into(),
        ];
        let outcome = finish(case.prepared(&line));
        assert_eq!(outcome.code(), Some(1), "{case}: {outcome:?}");
        let message = "exec /no/such/command: no such file or directory (ENOENT): no such file in the \
                       container\n";
        assert_eq!(outcome.stderr, message, "{case}");
    }
}

/// Mounts in an order, of types and in places that docker's command line never asks for; and files of the image that are
/// hidden and read-only.
#[test]
fn a_root_without_a_command_line() {
    let script =
        "cut -d ' ' -f 5 /proc/self/mountinfo | grep -v '^/proc/\\|^/sys/\\|null' | tr '\\n' ' '; echo
        grep -c . /etc/secret; ls /etc/secrets /sys/kernel | grep -vc :
        head -c 1 /proc/keys | wc -c; head -c 1 /old/proc/self/stat | wc -c
        readlink /devices/link; echo x > /devices/link && echo null
        for file in /etc/fixed /tmp/fixed/file /again/open /etc/secret; do
            echo x > $file || echo closed
        done 2>&1 | grep -c ^closed
        echo x > /scratch/deep/file && echo x > /etc/open && cat /scratch/deep/file /etc/open
        echo $$ $(id -u)";
    each(|case, tree| {
        let write = |name: &str, content: &str| {
            let path = tree.root().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            write_program(&path, content, 0o666);
            tree.give(path.parent().unwrap());
        };
        for name in [
            "etc/secret",
            "etc/secrets/one",
            "etc/fixed",
            "etc/open",
            "tmp/fixed/file",
        ] {
            write(name, "of the image\n");
        }
        let line = [
            example("by_hand").into_os_string(),
            case.launch.into(),
            "in".into(),
            tree.name().into(),
            "/bin/sh".into(),
            "-c".into(),
            script.into(),
        ];
        let outcome = finish(case.prepared(&line));
        let lines: Vec<&str> = outcome.stdout.lines().collect();
        assert_eq!(
            lines,
            [
                // What is put together aside is mounted first, and comes to its place in its turn. Then what is hidden.
                // (A node that an ordinary user may not make is a mount, and left out.)
                "/ /devices /devices/queues /scratch/deep /proc /old/proc /sys /again /etc/secret /etc/secrets /etc/fixed \
                 /tmp/fixed ",
                "0",
                // A blank line between two empty directories.
                "1",
                "0",
                "1",
                "null",
                "null",
                // (What hides a file is /dev/null, which takes whatever is written.)
                "3",
                "x",
                "x",
                "1 7"
            ],
            "{case}: {outcome:?}"
        );
    });
}

/// A process in namespaces of its own; its user namespace has 100 ids.
struct Holder {
    child: Child,
    pid: u32,
}

impl Holder {
    /// `None`, and said so, where they cannot be made.
    fn new(options: &[&str]) -> Option<Self> {
        let mut child = Command::new("unshare")
            .args(options)
            .args(["sh", "-c", "echo ready; read -r line; sleep 1000"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("unshare");
        let mut line = String::new();
        let output = child.stdout.as_mut().expect("a pipe");
        BufReader::new(output).read_line(&mut line).expect("read");
        let parent = child.id();
        // With --fork the namespaces are its child's.
        let children = format!("/proc/{parent}/task/{parent}/children");
        let children = std::fs::read_to_string(children).unwrap_or_default();
        let forked = children.split_whitespace().next();
        let pid = match options.contains(&"--fork") {
            true => forked.and_then(|pid| pid.parse().ok()).unwrap_or(parent),
            false => parent,
        };
        let holder = Self { child, pid };
        if line != "ready\n" {
            skip("namespaces cannot be made here");
            return None;
        }
        Some(holder)
    }

    fn file(&self, kind: &str) -> String {
        format!("/proc/{}/ns/{kind}", self.pid)
    }

    fn name(&self, kind: &str) -> String {
        let name = std::fs::read_link(self.file(kind)).expect("a namespace");
        name.to_str().expect("letters").to_owned()
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `by_hand` with these of the holder's namespaces, and the caller's for the rest of `others`.
fn joining(case: Case, holder: &Holder, kinds: &[&str], others: &[&str], script: &str) -> Command {
    let mut line: Vec<OsString> = vec![example("by_hand").into(), case.launch.into()];
    for kind in kinds {
        line.push(format!("{kind}={}", holder.file(kind)).into());
    }
    for kind in others {
        line.push(format!("{kind}=host").into());
    }
    line.extend(["/bin/sh", "-c", script].map(OsString::from));
    case.prepared(&line)
}

/// How they are called, as the container sees them.
fn names(kinds: &[&str]) -> String {
    let files: Vec<String> = kinds
        .iter()
        .map(|kind| format!("/proc/self/ns/{kind}"))
        .collect();
    format!("for file in {}; do readlink $file; done", files.join(" "))
}

#[test]
fn namespaces_that_are_there_are_joined() {
    let every = ["--net", "--uts", "--ipc", "--cgroup", "--mount"];
    for case in root_cases() {
        assert_eq!(case.caller, Caller::Root);
        for (options, kinds, others) in [
            (&every[..], &["net", "uts", "ipc", "cgroup"][..], &[][..]),
            (&every, &["mnt"], &[]),
            (&every, &["mnt", "net", "uts", "ipc", "cgroup"], &["pid"]),
            (
                &["--user", "--net", "--uts", "--ipc", "--cgroup", "--mount"],
                &["user", "mnt", "net", "uts", "ipc", "cgroup"],
                &["pid"],
            ),
        ] {
            let Some(holder) = Holder::new(options) else {
                continue;
            };
            if kinds.contains(&"user") {
                for file in ["uid_map", "gid_map"] {
                    let map = format!("/proc/{}/{file}", holder.pid);
                    std::fs::write(map, "0 0 100").expect("a map");
                }
            }
            let script = names(kinds) + "; id -u";
            let outcome = finish(joining(case, &holder, kinds, others, &script));
            let own: Vec<String> = kinds.iter().map(|kind| holder.name(kind)).collect();
            let expected = own.join("\n") + "\n7\n";
            assert_eq!(
                outcome.output(case),
                expected,
                "{case} {kinds:?}: {outcome:?}"
            );
        }
    }
}

#[test]
fn with_a_user_namespace_that_is_joined_none_is_new() {
    for case in root_cases() {
        let Some(holder) = Holder::new(&["--user", "--map-root-user", "--net"]) else {
            continue;
        };
        let outcome = finish(joining(case, &holder, &["user", "net"], &[], "true"));
        assert_eq!(outcome.code(), Some(1), "{case}: {outcome:?}");
        assert!(
            outcome.stderr.contains("no other can be new: mount"),
            "{case}: {outcome:?}"
        );
    }
}

/// Nothing ends with the command there, so a keeper ends what is left; and what mydocker starts later is its own again.
#[test]
fn in_a_pid_namespace_that_is_joined_nothing_stays() {
    for case in root_cases() {
        let Some(holder) = Holder::new(&["--pid", "--fork", "--kill-child"]) else {
            continue;
        };
        // What the command leaves behind has its environment, by which it is found.
        let mark = mark();
        let left = format!("export MARK={mark}; sleep 1000 & ");
        let script = left.clone() + &names(&["pid"]) + "; exit 5";
        let outcome = finish(joining(case, &holder, &["pid"], &[], &script));
        assert_eq!(outcome.code(), Some(5), "{case}: {outcome:?}");
        assert_eq!(outcome.stdout, holder.name("pid") + "\n", "{case}");
        assert!(
            eventually(|| marked(&mark).is_empty()),
            "{case}: something is left"
        );

        for signal in [Signal::SIGTERM, Signal::SIGKILL] {
            let script = left.clone() + "exec sleep 1000";
            let mut command = joining(case, &holder, &["pid"], &[], &script);
            let mut child = command.spawn().expect("by_hand");
            assert!(
                eventually(|| marked(&mark).len() == 2),
                "{case} {signal}: it runs"
            );
            kill(child.id(), signal);
            child.wait().expect("its end");
            let ended = eventually(|| marked(&mark).is_empty());
            assert!(
                ended,
                "{case} {signal}: something is left after {PATIENCE:?}"
            );
        }
    }
}
