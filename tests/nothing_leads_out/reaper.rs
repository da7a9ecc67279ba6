//! The reaper and the keeper stay where the container may look at them. Nothing of the host is seen there.

use crate::common::tree::*;
use crate::common::*;
use std::ffi::OsString;
use std::path::Path;

/// What must not be seen: a value from the command line, one of mydocker's environment, a place.
const SECRET: &str = "typed-on-the-host";
const INHERITED: &str = "exported-on-the-host";

/// All that proc shows of the command's parent, its memory included.
const LOOK: &str = r#"
    cd /proc/$PPID
    for link in exe cwd root; do echo "$link $(readlink $link)"; done
    for link in fd/*; do echo "$link $(readlink "$link")"; done
    for link in map_files/*; do echo "map_files $(readlink "$link")"; done
    for file in cmdline environ comm; do echo "$file $(tr '\0' '|' < $file)"; done
    while IFS=' -' read -r start end rest; do
        case $rest in *vsyscall*|*vvar*) continue ;; esac
        dd if=mem bs=4096 skip=$((0x$start / 4096)) count=$(((0x$end - 0x$start) / 4096)) 2> /dev/null
    done < maps | tr '\0' '\n'
"#;

const MAY_LOOK: &[&str] = &["--cap-add=SYS_PTRACE,CHECKPOINT_RESTORE,DAC_OVERRIDE"];

/// The command line with SECRET on it, called in a directory of the host's.
fn look(case: Case, tree: Option<&Tree>, options: &[&str]) -> String {
    let secret = format!("--env=SECRET={SECRET}");
    let options = [MAY_LOOK, options, &[&secret]].concat();
    let script = ["sh", "-c", LOOK];
    let mut command = match tree {
        Some(tree) => case.prepared(&tree.words(&options, &script)),
        None => case.command(&options, &script),
    };
    command.env("INHERITED", INHERITED);
    command.current_dir(std::env::temp_dir());
    finish(command).output(case).to_owned()
}

#[test]
fn nothing_of_the_host_is_seen_of_a_reaper() {
    each(|case, tree| {
        for tree in [None, Some(tree)] {
            for (options, descriptors) in [
                (&["--init"][..], &["fd/* "][..]),
                (&["--init", "-t"], &["fd/* "]),
                (&["--init", "-i"], &["fd/* "]),
                (&["--init", "-u=7"], &["fd/* "]),
                (&["--pid=host"], &["fd/0 /proc"]),
                (&["--pid=host", "-t"], &["fd/0 /proc"]),
            ] {
                let what = format!("{case} {} {options:?}", tree.is_some());
                let seen = look(case, tree, options).replace('\r', "");
                let seen_of = |name: &str| -> Vec<&str> {
                    seen.lines().filter(|line| line.starts_with(name)).collect()
                };
                assert_eq!(seen_of("exe "), ["exe /memfd:mydocker (deleted)"], "{what}");
                assert_eq!(seen_of("cwd "), ["cwd /"], "{what}");
                assert_eq!(seen_of("root "), ["root /"], "{what}");
                assert_eq!(seen_of("fd/"), descriptors, "{what}");
                assert_eq!(seen_of("cmdline "), ["cmdline mydocker|"], "{what}");
                assert_eq!(seen_of("environ "), ["environ "], "{what}");
                assert_eq!(seen_of("comm "), ["comm mydocker"], "{what}");
                let file = "map_files /memfd:mydocker (deleted)";
                for mapped in seen_of("map_files ") {
                    // Empty: not shown.
                    assert!([file, "map_files "].contains(&mapped), "{what}: {mapped}");
                }
                // Its memory was read: there is the list that a keeper reads. (In a namespace without a root the file is
                // no one's.)
                let is_readable = case.caller == Caller::Root || !options.contains(&"-u=7");
                let is_read = seen.contains("thread-self/children");
                assert!(is_read || !is_readable, "{what}: {seen}");
                for secret in [SECRET, INHERITED, "mydocker-scratch", "/target/"] {
                    assert!(!seen.contains(secret), "{what}: {secret} in {seen}");
                }
            }
        }
    });
}

/// Until the reaper is another program the command does not run; and without it, never.
#[test]
fn the_command_waits_for_the_reapers_execve() {
    if !has_strace() {
        return;
    }
    for case in cases() {
        if case.is_pooled() {
            continue;
        }
        let scratch = Scratch::new();
        let (trace, witness) = (scratch.file("trace"), scratch.file("witness"));
        for option in ["--init", "--pid=host"] {
            let run = |inject: &str| {
                let mut line: Vec<OsString> =
                    ["strace", "-f", "-o", &trace, "-e"].map(Into::into).into();
                line.push(format!("inject=execveat:{inject}").into());
                line.push(mydocker().into());
                line.extend(["run", "--launch", case.launch, option].map(Into::into));
                let script = format!("echo > {witness}; tr '\\0' '|' < /proc/$PPID/cmdline");
                line.extend(["sh", "-c", &script].map(Into::into));
                finish(case.prepared(&line))
            };
            for inject in ["error=EACCES", "error=ENOMEM", "signal=KILL"] {
                let outcome = run(inject);
                let what = format!("{case} {option} {inject}: {outcome:?}");
                assert!(!Path::new(&witness).exists(), "{what}");
                assert_eq!(outcome.code(), Some(125), "{what}");
                let said: &[&str] = match inject {
                    "error=EACCES" => &[
                        "mydocker: exec the reaper: permission denied (EACCES): a reaper is executed from a memory \
                         file, which vm.memfd_noexec or a security module forbids\n",
                    ],
                    "error=ENOMEM" => &[
                        "mydocker: exec the reaper: out of memory (ENOMEM): the limit of memory (-m, or the caller's) \
                         leaves no room for it\n",
                    ],
                    // Whoever says it first.
                    _ => &[
                        "mydocker: init: ended by signal 9: it did not get as far as the command (was it killed, or \
                         out of memory?)\n",
                        "mydocker: wait for the reaper to execute its own program: operation Canceled (ECANCELED)\n",
                    ],
                };
                assert!(said.contains(&&*outcome.stderr), "{what}");
            }
            let outcome = run("delay_enter=300ms");
            assert_eq!(outcome.output(case), "mydocker|", "{case} {option}");
            std::fs::remove_file(&witness).unwrap();
        }
    }
}

/// A signal that comes before the reaper has been executed is not lost.
#[test]
fn the_reaper_is_in_no_ones_way() {
    for case in cases() {
        for option in ["--init", "--pid=host"] {
            let outcome = case.run(&[option], &["sh", "-c", "kill -s TERM $PPID; sleep 60"]);
            assert_eq!(outcome.code(), Some(143), "{case} {option}: {outcome:?}");
            // All of them are handed on, the highest too.
            let script = "trap 'exit 3' RTMAX; kill -s RTMAX $PPID; sleep 60 & wait; wait";
            let outcome = case.run(&[option], &["bash", "-c", script]);
            assert_eq!(outcome.code(), Some(3), "{case} {option}: {outcome:?}");
        }
    }
}
