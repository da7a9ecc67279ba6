//! A command that cannot be executed: one errno has several causes, and the file tells which it was.

use crate::common::tree::{Tree, each};
use crate::common::*;

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

const NESTED: &str = "the interpreter that its #! line names is a script, whose own one is missing or cannot be executed";
const NAMES_NOTHING: &str = "its #! line names no interpreter; a shell's is written #!/bin/sh";
const LATE: &str = "its #! has to come first, and a byte order mark or white space, which is not seen, stands before it";

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
        let long = format!("#!/{}\n", "x".repeat(300));
        let long_argument = format!("#!/bin/sh {}\n", "x".repeat(300));
        let mut foreign = String::from("\x7fELF\x02\x01\x01");
        foreign.extend(std::iter::repeat_n('\0', 57));
        for (name, content) in [
            ("bin/nested", "#!/bin/lost\n"),
            ("bin/nested-dos", "#!/bin/dos\n"),
            ("bin/nested-closed", "#!/bin/closed-interpreter\n"),
            ("bin/circle", "#!/bin/circle\n"),
            ("bin/of-text", "#!/bin/text\n"),
            ("bin/empty-line", "#!\necho\n"),
            ("bin/blank-line", "#! \t \necho\n"),
            ("bin/long", &long),
            ("bin/mark", "\u{feff}#!/bin/sh\n"),
            ("bin/blank-before", "\n #!/bin/sh\n"),
            ("bin/text", "echo hi\n"),
            ("bin/empty", ""),
            ("bin/foreign", &foreign),
        ] {
            write(name, content, 0o755);
        }
        // The kernel cuts an argument.
        write("bin/long-argument", &long_argument, 0o755);
        let outcome = tree.run(&[], &["long-argument"]);
        assert!(!outcome.stderr.contains("mydocker:"), "{case}: {outcome:?}");
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
            ("nested", 127, NESTED),
            ("/bin/nested", 127, NESTED),
            ("nested-dos", 127, NESTED),
            ("nested-closed", 126, NESTED),
            (
                "circle",
                126,
                "(ELOOP): the interpreter that its #! line names is a script, so is that one's, and so on: too many",
            ),
            (
                "of-text",
                126,
                "the interpreter that its #! line names is neither a script with a #! line nor a program for this \
                 machine",
            ),
            ("empty-line", 126, NAMES_NOTHING),
            ("blank-line", 126, NAMES_NOTHING),
            (
                "long",
                126,
                "exec /bin/long: exec format error (ENOEXEC): its #! line is too long: the kernel reads no more than \
                 256 bytes of it (128 before Linux 5.1)",
            ),
            ("mark", 126, LATE),
            ("blank-before", 126, LATE),
            (
                "text",
                126,
                "it is a text without a #! line; a shell's script begins with #!/bin/sh",
            ),
            ("empty", 126, "exec format error (ENOEXEC): it is empty"),
            (
                "foreign",
                126,
                "it is a program for another kind of machine than this one (uname -m), and no emulator is registered",
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
