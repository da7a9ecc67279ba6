//! A specification needs no command line: the example `by_hand` writes one, builds the plan of it and runs that.

mod common;

use common::tree::each;
use common::{cases, example, finish, write_program};
use std::ffi::OsString;

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
