//! A command that cannot be executed: one errno has several causes, and the file tells which it was.

use crate::common::*;
use crate::tree::{Tree, each};

/// Starts `command`, which fails with `code` and names this cause, once.
#[track_caller]
fn fails(case: Case, tree: &Tree, options: &[&str], command: &str, code: i32, cause: &str) {
    for more in [&[][..], &["--init"]] {
        let outcome = tree.run(&[options, more].concat(), &[command]);
        let label = format!("{case} {options:?} {command}: {outcome:?}");
        assert_eq!(outcome.code(), Some(code), "{label}");
        assert!(outcome.stderr.ends_with(&format!("{cause}\n")), "{label}");
        assert_eq!(outcome.stderr.lines().count(), 1, "{label}");
    }
}

#[test]
fn the_file_tells_why() {
    each(|case, tree| {
        let write = |name: &str, content: &str, mode| {
            let path = tree.root().join(name);
            write_program(&path, content, mode);
            tree.give(&path);
        };
        write("bin/dos", "#!/bin/sh\r\necho hi\r\n", 0o755);
        write("bin/dos-with-argument", "#! /bin/sh\r -e\necho hi\n", 0o755);
        write("bin/lost", "#!/bin/nothing\n", 0o755);
        write("bin/closed-interpreter", "#!/bin/plain\n", 0o755);
        write("bin/plain", "#!/bin/sh\n", 0o644);
        for (command, code, cause) in [
            (
                "dos",
                127,
                "/bin/dos: no such file or directory (ENOENT): its #! line ends in a carriage return, as lines do \
                 on DOS, which is taken for a part of the interpreter's name",
            ),
            (
                "/bin/dos-with-argument",
                127,
                "a part of the interpreter's name",
            ),
            (
                "lost",
                127,
                "/bin/lost: no such file or directory (ENOENT): the interpreter that its #! line names is missing",
            ),
            (
                "/bin/lost",
                127,
                "the interpreter that its #! line names is missing",
            ),
            ("/bin/none", 127, "(ENOENT): no such file in the container"),
            (
                "none",
                127,
                "not found in the container's PATH (there are no images: COMMAND comes first)",
            ),
            (
                "plain",
                126,
                "/bin/plain: permission denied (EACCES): it is no executable file (chmod +x makes it one)",
            ),
            (
                "/bin",
                126,
                "exec /bin: permission denied (EACCES): it is a directory",
            ),
            (
                "closed-interpreter",
                126,
                "the interpreter that its #! line names cannot be executed (its mode, or a mount that is noexec)",
            ),
        ] {
            fails(case, tree, &[], command, code, cause);
        }
    });
}

const NOEXEC: &str = "it lies on a mount that is noexec, from which nothing can be executed";

#[test]
fn a_volume_that_is_noexec() {
    each(|case, tree| {
        let data = tree.directory("data");
        copy_program(
            &tree.root().join("bin/busybox"),
            format!("{data}/true").as_ref(),
        );
        std::fs::write(format!("{data}/plain"), "").unwrap();
        let volume = format!("{data}:/mnt:noexec");
        let message = format!("exec /mnt/true: permission denied (EACCES): {NOEXEC}");
        fails(case, tree, &["-v", &volume], "/mnt/true", 126, &message);
        // By way of a link of the container's.
        let link = tree.root().join("bin/link");
        std::os::unix::fs::symlink("../mnt/true", link).unwrap();
        fails(case, tree, &["-v", &volume], "link", 126, NOEXEC);
        let volume = format!("{data}:/mnt");
        let outcome = tree.run(&["-v", &volume], &["/mnt/true"]);
        assert_eq!(outcome.code(), Some(0), "{case}: {outcome:?}");
        fails(
            case,
            tree,
            &["-v", &volume],
            "/mnt/plain",
            126,
            "(chmod +x makes it one)",
        );
    });
}

#[test]
fn a_root_that_is_noexec() {
    each(|case, tree| {
        let script = r#"mount --bind root root; mount -o remount,bind,noexec root; exec "$@""#;
        let Some(outcome) = tree.among_mounts(script, &[], &["true"]) else {
            return;
        };
        assert_eq!(outcome.code(), Some(126), "{case}: {outcome:?}");
        assert!(
            outcome.stderr.ends_with(&format!(
                "exec /bin/true: permission denied (EACCES): {NOEXEC}\n"
            )),
            "{case}: {outcome:?}"
        );
    });
}

/// A filter that ends who looks: the failure itself has been said before.
#[test]
fn a_filter_that_allows_no_look() {
    each(|case, tree| {
        let profile = tree.beside("profile.json");
        let content = r#"{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
            {"names": ["open", "openat", "openat2"], "action": "SCMP_ACT_KILL_PROCESS"}]}"#;
        std::fs::write(&profile, content).unwrap();
        let option = format!("seccomp={profile}");
        let outcome = tree.run(&["--security-opt", &option], &["/bin"]);
        assert_eq!(outcome.code(), Some(126), "{case}: {outcome:?}");
        assert!(
            outcome
                .stderr
                .contains("exec /bin: permission denied (EACCES)"),
            "{case}: {outcome:?}"
        );
    });
}
