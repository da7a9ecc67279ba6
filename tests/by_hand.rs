//! A specification needs no command line: the example `by_hand` writes one, builds the plan of it and runs that.

mod common;

use common::{cases, example, finish};
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
