//! The command line as a person meets it: help, mistakes, exit codes of mydocker's own.

mod common;
use common::*;
use std::ffi::OsString;

/// `mydocker WORDS`, as root or whoever runs the tests.
fn called(words: &[&str]) -> Outcome {
    let mut command = std::process::Command::new(mydocker());
    command.args(words).env_remove("MYDOCKER_LOG");
    finish(command)
}

#[test]
fn help_is_on_stdout_and_succeeds() {
    for (words, text) in [
        (&["help"][..], "mydocker runs a command"),
        (&["--help"], "mydocker runs a command"),
        (&["-h"], "mydocker runs a command"),
        (&["help", "run"], "usage: mydocker run [OPTIONS] COMMAND"),
        (&["run", "--help"], "usage: mydocker run [OPTIONS] COMMAND"),
        (&["run", "-h"], "usage: mydocker run [OPTIONS] COMMAND"),
        (&["help", "init"], "not call it by hand"),
        (
            &["help", "exec"],
            "usage: mydocker exec [OPTIONS] CONTAINER",
        ),
        (&["ps", "--help"], "usage: mydocker ps [OPTIONS]\n"),
        (&["container", "ls", "-h"], "usage: mydocker ps [OPTIONS]\n"),
        (&["--state", "/x", "stop", "-h"], "usage: mydocker stop"),
        (&["container"], "mydocker runs a command"),
        (
            &["--version"],
            concat!("mydocker ", env!("CARGO_PKG_VERSION"), "\n"),
        ),
    ] {
        let outcome = called(words);
        assert_eq!(outcome.code(), Some(0), "{words:?}: {outcome:?}");
        assert!(outcome.stdout.contains(text), "{words:?}: {outcome:?}");
        assert_eq!(outcome.stderr, "", "{words:?}");
    }
}

#[test]
fn mistakes_are_named_on_stderr_with_the_way_to_the_help_and_125() {
    let missing =
        "missing container command: mydocker run [OPTIONS] COMMAND [ARG...] (mydocker help run)";
    for (words, message) in [
        (&["run"][..], missing),
        (&["run", "-ti"], missing),
        (
            &[],
            "missing command: mydocker run COMMAND runs one, mydocker help lists them (mydocker help)",
        ),
        (
            &["rnu", "sh"],
            "unknown command 'rnu', did you mean 'run'? (mydocker help)",
        ),
        (
            &["run", "--hostnmae=x", "sh"],
            "unknown option '--hostnmae', did you mean '--hostname'? (mydocker help run)",
        ),
        (
            &["run", "-x", "sh"],
            "unknown option '-x' (mydocker help run)",
        ),
        (
            &["run", "--network=other", "sh"],
            "option '--network' takes none, host or ns:PATH, not 'other' (mydocker help run)",
        ),
        (
            &["run", "--user"],
            "option '--user' needs a value (mydocker help run)",
        ),
        (
            &["pool", "--size", "0"],
            "option '--size' takes a number from 1 to 10000, not '0' (mydocker help pool)",
        ),
    ] {
        let outcome = called(words);
        assert_eq!(outcome.code(), Some(125), "{words:?}: {outcome:?}");
        assert_eq!(outcome.stderr, format!("mydocker: {message}\n"));
        assert_eq!(outcome.stdout, "", "{words:?}");
    }
}

/// Whatever the command, a line that cannot be understood is 125, and asks nothing of any store.
#[test]
fn mistakes_of_the_commands_are_named_before_anything_is_done() {
    for (line, message) in [
        (
            "rm",
            "missing container: mydocker rm [OPTIONS] CONTAINER [CONTAINER...] (mydocker help rm)",
        ),
        (
            "stop --tme 3 x",
            "unknown option '--tme', did you mean '--time'? (mydocker help stop)",
        ),
        (
            "stop --time soon x",
            "--time soon: it takes whole seconds, or -1 to wait for ever",
        ),
        (
            "kill -s NOPE x",
            "--signal NOPE: it takes the name of a signal, SIGTERM, INT or RTMIN+3, or a number from 1 to 64",
        ),
        (
            "attach --detach-keys escape x",
            "--detach-keys escape: it takes letters or ctrl- and one of a-z, @, [, \\, ], ^ and _, with commas between \
             them: ctrl-p,ctrl-q",
        ),
        (
            "logs a b",
            "unexpected word 'b': mydocker logs [OPTIONS] CONTAINER (mydocker help logs)",
        ),
        (
            "update x",
            "missing limit: update changes what its options name (mydocker help update)",
        ),
        (
            "create -d true",
            "-d: create starts nothing; run -d does, and start after create",
        ),
        (
            "strat x",
            "unknown command 'strat', did you mean 'start'? (mydocker help)",
        ),
    ] {
        let words: Vec<&str> = ["--state=/no/such/place"]
            .into_iter()
            .chain(line.split(' '))
            .collect();
        let outcome = called(&words);
        assert_eq!(outcome.code(), Some(125), "{line}: {outcome:?}");
        assert_eq!(outcome.stderr, format!("mydocker: {message}\n"));
        assert_eq!(outcome.stdout, "", "{line}");
    }
}

#[test]
fn init_by_hand_says_so() {
    for words in [&["init"][..], &["init", "--help"], &["init", "sh"]] {
        let outcome = called(words);
        assert_eq!(outcome.code(), Some(125), "{outcome:?}");
        let message = "mydocker: init: it is the entry for mydocker's own child; do not call it by \
                       hand\n";
        assert_eq!(outcome.stderr, message);
    }
    // With some other file where the plan would be, too.
    let script = format!("exec {} init 3< /etc/passwd 4>&1", mydocker().display());
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", &script]);
    let outcome = finish(shell);
    assert_eq!(outcome.code(), Some(125), "{outcome:?}");
    assert_eq!(outcome.stdout, "");
}

#[test]
fn a_command_that_cannot_be_run_is_127_or_126() {
    let scratch = Scratch::new();
    let file = |name: &str, content: &str, mode: u32| {
        let path = scratch.file(name);
        write_program(&path, content, mode);
        path
    };
    let plain = file("plain", "", 0o644);
    let garbage = file("garbage", "no program\n", 0o755);
    let lost = file("lost", "#!/no/such/interpreter\n", 0o755);
    let directory = scratch.path().to_str().unwrap().to_owned();
    let below_a_file = format!("{plain}/x");
    for case in cases() {
        for options in [&[][..], &["--init"], &["-t"]] {
            for (command, code, text) in [
                (
                    "no-such-command",
                    127,
                    "exec no-such-command: no such file or directory (ENOENT): not found in the \
                     container's PATH (there are no images: COMMAND comes first)",
                ),
                ("", 127, "no such file or directory (ENOENT)"),
                (
                    "/no/such/file",
                    127,
                    "(ENOENT): no such file in the container",
                ),
                (
                    &lost,
                    127,
                    "(ENOENT): the interpreter that its #! line names is missing",
                ),
                (&below_a_file, 127, "not a directory (ENOTDIR)"),
                (
                    &plain,
                    126,
                    "permission denied (EACCES): it is no executable file",
                ),
                (
                    &directory,
                    126,
                    "permission denied (EACCES): it is a directory",
                ),
                (
                    &garbage,
                    126,
                    "exec format error (ENOEXEC): it is a text without a #! line",
                ),
            ] {
                let outcome = case.run(options, &[command]);
                let label = format!("{case} {options:?} {command}: {outcome:?}");
                assert_eq!(outcome.code(), Some(code), "{label}");
                assert!(outcome.stderr.contains(text), "{label}");
                assert_eq!(outcome.stderr.lines().count(), 1, "{label}");
                assert_eq!(outcome.stdout, "", "{label}");
            }
        }
    }
}

#[test]
fn options_end_at_the_command() {
    for case in cases() {
        let outcome = case.run(&["-i"], &["echo", "-t", "a  b", ""]);
        assert_eq!(outcome.output(case), "-t a  b \n", "{case}");
        let outcome = case.run(&["--rm", "--"], &["echo", "--", "-i"]);
        assert_eq!(outcome.output(case), "-- -i\n", "{case}");
    }
}

#[test]
fn a_full_or_closed_stdout_is_the_commands_affair() {
    for case in cases() {
        let line: Vec<OsString> = [
            "sh",
            "-c",
            "\"$0\" run --launch $1 sh -c 'echo x; exit 5' > /dev/full",
            mydocker().to_str().unwrap(),
            case.launch,
        ]
        .map(Into::into)
        .to_vec();
        let outcome = finish(case.prepared(&line));
        assert_eq!(outcome.code(), Some(5), "{case}: {outcome:?}");
    }
}
