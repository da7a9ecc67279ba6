//! The words in which mistakes are answered: each by one line that names the operation, the object, what the errno says
//! and the way on.

#[path = "../common/mod.rs"]
mod common;
mod one_line;
use common::tree::{Tree, each, wants_loader};
use common::*;
use std::ffi::OsString;

/// The longest line, without the paths that the caller chose.
const LONGEST: usize = 200;

/// `mydocker WORDS`, with `--launch` behind `run`, and ROOT and BESIDE for a tree's directories.
fn typed(case: Case, tree: &Tree, words: &[&str]) -> Outcome {
    let mut line: Vec<OsString> = vec![mydocker().into()];
    for (index, word) in words.iter().enumerate() {
        line.push(filled(tree, word).into());
        if index == 0 && *word == "run" {
            line.extend(["--launch", case.launch].map(OsString::from));
        }
    }
    finish(case.prepared(&line))
}

fn filled(tree: &Tree, text: &str) -> String {
    let beside = tree.beside("");
    text.replace("ROOT", &tree.name())
        .replace("BESIDE", beside.trim_end_matches('/'))
}

/// How long a line is that carries paths of the caller's: each counts as a name.
fn length(tree: &Tree, line: &str) -> usize {
    let beside = tree.beside("");
    let line = line.replace(beside.trim_end_matches('/'), "/DIR");
    let words = line.split(' ').map(|word| {
        let is_path = word.starts_with("/sys/fs/cgroup") || word.starts_with("/proc");
        if is_path {
            "/PATH".len()
        } else {
            word.chars().count()
        }
    });
    words.map(|length| length + 1).sum::<usize>() - 1
}

/// Files that people try to execute, in a root that has nothing but busybox.
fn write_files(tree: &Tree) {
    let write = |name: &str, content: &[u8], mode| {
        let path = tree.root().join(name);
        write_program(&path, content, mode);
        tree.give(&path);
    };
    write("bin/plain", b"#!/bin/sh\necho hi\n", 0o644);
    write("bin/dos", b"#!/bin/sh\r\necho hi\r\n", 0o755);
    write("bin/bash-script", b"#!/bin/bash\necho hi\n", 0o755);
    write("bin/text", b"echo hi\n", 0o755);
    let mut foreign = b"\x7fELF\x02\x01\x01".to_vec();
    foreign.resize(64, 0);
    foreign[18] = 0xf3;
    write("bin/riscv", &foreign, 0o755);
    std::fs::write(tree.beside("archive.tar"), "").unwrap();
}

/// By what people ask in the trackers of docker, podman and runc.
#[test]
fn the_commonest_mistakes_have_these_words() {
    const NO_IMAGES: &str = "there are no images: umoci, skopeo or docker export makes a directory for --rootfs DIR \
                             (mydocker help roots)";
    each(|case, tree| {
        write_files(tree);
        for (words, code, message) in [
            // What is to be run.
            (
                &["run", "alpine", "sh"][..],
                127,
                &*format!("exec alpine: no such file or directory (ENOENT): {NO_IMAGES}"),
            ),
            (
                &["run", "--rm", "-it", "docker.io/library/alpine:3.20", "sh"],
                127,
                &format!(
                    "exec docker.io/library/alpine:3.20: no such file or directory (ENOENT): {NO_IMAGES}"
                ),
            ),
            (
                &["run", "--rootfs", "ROOT", "bash"],
                127,
                "exec bash: no such file or directory (ENOENT): not found in the container's PATH (there are no \
                 images: COMMAND comes first)",
            ),
            (
                &["run", "--rootfs", "ROOT", "ls -l"],
                127,
                "exec ls -l: no such file or directory (ENOENT): it is one word with blanks in it; a command and its \
                 arguments are words of their own, without quotes",
            ),
            (
                &["run", "--rootfs", "ROOT", "/entrypoint.sh"],
                127,
                "exec /entrypoint.sh: no such file or directory (ENOENT): no such file in the container",
            ),
            (
                &["run", "--rootfs", "ROOT", "plain"],
                126,
                "exec /bin/plain: permission denied (EACCES): it is no executable file (chmod +x makes it one)",
            ),
            (
                &["run", "--rootfs", "ROOT", "dos"],
                127,
                "exec /bin/dos: no such file or directory (ENOENT): its #! line ends in a carriage return, as lines \
                 do on DOS, which is taken for a part of the interpreter's name",
            ),
            (
                &["run", "--rootfs", "ROOT", "bash-script"],
                127,
                "exec /bin/bash-script: no such file or directory (ENOENT): the interpreter that its #! line names \
                 is missing",
            ),
            (
                &["run", "--rootfs", "ROOT", "text"],
                126,
                "exec /bin/text: exec format error (ENOEXEC): it is a text without a #! line; a shell's script \
                 begins with #!/bin/sh",
            ),
            (
                &["run", "--rootfs", "ROOT", "riscv"],
                126,
                "exec /bin/riscv: exec format error (ENOEXEC): it is a program for another kind of machine than this \
                 one (uname -m), and no emulator is registered",
            ),
            // Its root, its files.
            (
                &["run", "--rootfs", "BESIDE/none", "sh"],
                125,
                "--rootfs BESIDE/none: no such file or directory (ENOENT): a root is a directory of yours, and has to \
                 be there (mydocker help roots)",
            ),
            (
                &["run", "--rootfs", "BESIDE/archive.tar", "sh"],
                125,
                "--rootfs BESIDE/archive.tar: not a directory (ENOTDIR): a root is a directory; what is an archive or \
                 an image is unpacked first (mydocker help roots)",
            ),
            (
                &["run", "--rootfs", "ROOT", "-v", "/no/data:/mnt", "sh"],
                125,
                "--volume /no/data:/mnt: /no/data: no such file or directory (ENOENT): it has to be there before: \
                 mydocker makes no directories on the host (mkdir)",
            ),
            (
                &["run", "--rootfs", "ROOT", "-v", "/mnt", "sh"],
                125,
                "--volume /mnt: it takes SRC:DST; there are no anonymous volumes",
            ),
            (
                &["run", "--rootfs", "ROOT", "-v", "data:/mnt", "sh"],
                125,
                "--volume data:/mnt: there are no named volumes; a directory here is written ./NAME",
            ),
            (
                &["run", "-v", "/tmp:/mnt", "sh"],
                125,
                "--volume: it needs --rootfs DIR (--rootfs / is the caller's own tree)",
            ),
            (
                &["run", "-w", "/no/directory", "sh"],
                125,
                "--workdir: change directory to /no/directory: no such file or directory (ENOENT): it has to be there: \
                 mydocker makes it only in a root of the container's own (--rootfs)",
            ),
            // Who, and how much.
            (
                &["run", "--rootfs", "ROOT", "-u", "nginx", "sh"],
                125,
                "--user nginx: no such user in the container's /etc/passwd",
            ),
            (
                &["run", "-m", "64", "sh"],
                125,
                "--memory 64: 64 bytes, did you mean 64m?",
            ),
            (
                &["run", "--timeout", "0", "sh"],
                125,
                "--timeout 0: it takes a number of seconds above 0, 2 or 0.5; behind a colon how long its end may \
                 take, 5:2",
            ),
            // What is told of it.
            (
                &["run", "--report", "fd:99", "sh"],
                125,
                "open for --report fd:99: bad file number (EBADF): the caller has left no such descriptor open for \
                 writing",
            ),
            (
                &["run", "--report", "fd:x", "sh"],
                125,
                "--report fd:x: what follows fd: is the number of a descriptor that is open for writing",
            ),
            // The command line.
            (
                &["run", "--memroy", "64m", "sh"],
                125,
                "unknown option '--memroy', did you mean '--memory'? (mydocker help run)",
            ),
            (
                &["-it", "sh"],
                125,
                "unknown option '-i', did you mean 'mydocker run -it sh'? (mydocker help)",
            ),
            (
                &["run", "-it"],
                125,
                "missing container command: mydocker run [OPTIONS] COMMAND [ARG...] (mydocker help run)",
            ),
            (
                &["run", "-p", "8080:80", "sh"],
                125,
                "-p: ports are not forwarded; --network host gives the container your network",
            ),
            (
                &["ps", "-f", "ancestor=alpine"],
                1,
                "filter ancestor=alpine: the keys are id, name, label, status, exited, before and since",
            ),
            (
                &["run", "--network", "bridge", "sh"],
                125,
                "--network bridge: there is no bridge: a container has a loopback (none), your network (host) or one that is there \
                 (ns:PATH, ip netns); a device is moved in by ip link set NAME netns PID",
            ),
        ] {
            let outcome = typed(case, tree, words);
            let expected = filled(tree, &format!("mydocker: {message}\n"));
            assert_eq!(outcome.stderr, expected, "{case} {words:?}");
            assert_eq!(outcome.code(), Some(code), "{case} {words:?}: {outcome:?}");
            assert_eq!(outcome.stdout, "", "{case} {words:?}");
            assert!(length(tree, expected.trim_end()) <= LONGEST, "{message}");
        }
    });
}

/// A program that is linked dynamically, in a root without libraries.
#[test]
fn a_dynamic_program_in_a_tiny_root() {
    let program = std::path::Path::new("/bin/true");
    if !std::fs::read(program).is_ok_and(|elf| wants_loader(&elf)) {
        return skip("/bin/true needs no loader");
    }
    each(|case, tree| {
        copy_program(program, &tree.root().join("bin/dynamic"));
        let outcome = tree.run(&[], &["dynamic"]);
        let message = "mydocker: exec /bin/dynamic: no such file or directory (ENOENT): the loader that it names is \
                       missing: it is linked dynamically\n";
        assert_eq!(outcome.stderr, message, "{case}");
        assert_eq!(outcome.code(), Some(127), "{case}");
    });
}

/// Unless a cgroup was delegated to who runs the tests.
#[test]
fn an_ordinary_users_limits() {
    const V1: &str =
        "limits of cgroup v1 are root's to give; an ordinary user's take v2 (mydocker help limits)";
    const V2: &str = "an ordinary user needs a cgroup v2 of their own: systemd-run --user --scope -p Delegate=yes \
                      mydocker run ... (mydocker help limits)";
    for case in ordinary_cases() {
        let outcome = case.run(&["-m", "64m"], &["true"]);
        if outcome.code() == Some(0) {
            continue;
        }
        assert_eq!(outcome.code(), Some(125), "{case}: {outcome:?}");
        let line = outcome.stderr.strip_suffix('\n').unwrap();
        let (what, hint) = line.split_once("): ").unwrap();
        assert!(what.starts_with("mydocker: --memory: "), "{case}: {line}");
        assert!(hint == V1 || hint == V2, "{case}: {line}");
    }
}

/// What is closed to who calls, which root is not.
#[test]
fn what_is_closed_to_an_ordinary_user() {
    const CLOSED: &str =
        "permission denied (EACCES): it, or a directory on the way to it, is closed to";
    for case in ordinary_cases() {
        let Some(tree) = Tree::new(case) else { return };
        let closed = tree.directory("closed");
        let inner = format!("{closed}/inner");
        std::fs::create_dir(&inner).unwrap();
        let close = |mode: u32| {
            let mode = std::os::unix::fs::PermissionsExt::from_mode(mode);
            std::fs::set_permissions(&closed, mode).unwrap();
        };
        // As /root is: another's, and shut.
        close(0o000);
        for (words, message) in [
            (
                &["run", "--rootfs", "BESIDE/closed", "sh"][..],
                "--rootfs BESIDE/closed",
            ),
            (
                &["run", "--rootfs", "BESIDE/closed/inner", "sh"],
                "--rootfs BESIDE/closed/inner",
            ),
            (
                &[
                    "run",
                    "--rootfs",
                    "ROOT",
                    "-v",
                    "BESIDE/closed/inner:/mnt",
                    "sh",
                ],
                "--volume BESIDE/closed/inner:/mnt: BESIDE/closed/inner",
            ),
        ] {
            let outcome = typed(case, &tree, words);
            let expected = filled(&tree, &format!("mydocker: {message}: {CLOSED} this user\n"));
            assert_eq!(outcome.stderr, expected, "{case}");
            assert_eq!(outcome.code(), Some(125), "{case}");
        }
        if !nix::unistd::Uid::effective().is_root() {
            // The root of a user namespace may enter what is its own.
            close(0o755);
            return skip_root_only("it needs a directory of another user's");
        }
        std::os::unix::fs::chown(&closed, Some(0), Some(0)).unwrap();
        let outcome = typed(case, &tree, &["run", "-w", "BESIDE/closed", "sh"]);
        let message = format!(
            "mydocker: --workdir: change directory to BESIDE/closed: {CLOSED} the command's user\n"
        );
        assert_eq!(outcome.stderr, filled(&tree, &message), "{case}");
        close(0o755);
    }
}

/// An error that comes more than once is told once.
#[test]
fn a_file_that_takes_nothing_is_told_of_once() {
    for case in cases() {
        for option in ["--timing", "--report", "--log"] {
            let more: &[&str] = match option {
                "--log" => &["--log-level", "debug"],
                _ => &[],
            };
            let outcome = case.run(&[&[option, "/dev/full"], more].concat(), &["true"]);
            assert_eq!(outcome.code(), Some(0), "{case}: {outcome:?}");
            let lines = outcome
                .stderr
                .lines()
                .filter(|line| line.contains("ENOSPC"));
            assert_eq!(lines.count(), 1, "{case}: {outcome:?}");
            assert_eq!(outcome.stderr.lines().count(), 1, "{case}: {outcome:?}");
        }
    }
}
