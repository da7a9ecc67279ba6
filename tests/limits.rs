//! Limits: not that a file was written, but that they bite, and that nothing of them stays.
//!
//! On the cgroups that this machine has. Others (v2 alone, v1 alone, delegated, threaded) have
//! `tests/vm`.

mod common;

use common::cgroups::{Parent, limited_cases};
use common::*;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::Stdio;

const MEMORY: [&str; 3] = ["--memory=64m", "--memory-swap=64m", "--pids-limit=64"];

#[test]
fn memory_ends_who_wants_more() {
    for case in limited_cases() {
        for more in [&[][..], &["--init"], &["--pid=host"], &["-t"]] {
            let options = [&MEMORY[..], more].concat();
            let outcome = case.probe(&options, &["allocate", "33554432"]);
            assert!(
                outcome.output(case).contains("33554432"),
                "{case} {more:?}: {outcome:?}"
            );
            let outcome = case.probe(&options, &["allocate", "134217728"]);
            assert_eq!(outcome.code(), Some(137), "{case} {more:?}: {outcome:?}");
            assert_eq!(outcome.stdout.trim(), "ready", "{case} {more:?}");
            assert_eq!(
                outcome.stderr, "mydocker: killed by the kernel: out of memory at 64 MiB\n",
                "{case} {more:?}"
            );
        }
    }
}

#[test]
fn an_end_by_the_kernel_is_told_in_the_log_too_and_a_childs_as_one() {
    let probe = probe_name();
    for case in limited_cases() {
        let scratch = Scratch::new();
        let log = scratch.file("log");
        let options = [&MEMORY[..], &["--log", &log, "--log-format=json"]].concat();
        let script = format!("{probe} allocate 134217728; exit 7");
        let outcome = case.run(&options, &["sh", "-c", &script]);
        assert_eq!(outcome.code(), Some(7), "{case}: {outcome:?}");
        let message = "a process was killed by the kernel: out of memory at 64 MiB";
        let said = format!("mydocker: {message}\n");
        assert!(outcome.stderr.ends_with(&said), "{case}: {outcome:?}");
        let log = std::fs::read_to_string(&log).unwrap();
        assert!(
            log.contains(&format!("\"level\":\"error\",\"msg\":\"{message}\"")),
            "{case}: {log}"
        );
    }
}

#[test]
fn a_fork_bomb_stops_at_the_limit() {
    for case in limited_cases() {
        for (options, most) in [
            (&["--pids-limit=20"][..], "19\n"),
            (&["--pids-limit=20", "--init"], "18\n"),
            // The keeper is not among them.
            (&["--pids-limit=20", "--pid=host"], "19\n"),
        ] {
            let outcome = case.probe(options, &["processes"]);
            assert!(outcome.output(case).ends_with(most), "{case}: {outcome:?}");
        }
    }
}

#[test]
fn half_a_processor_is_half_a_processor() {
    for case in limited_cases() {
        let outcome = case.probe(&["--cpus", "0.5"], &["compute", "2"]);
        let milliseconds: u32 = outcome.output(case).trim().parse().unwrap();
        // Of 2000. On a machine that is busy it gets less.
        assert!(milliseconds < 1500, "{case}: {milliseconds}");
    }
}

#[test]
fn only_the_processors_that_were_asked_for() {
    for case in limited_cases() {
        let outcome = case.probe(&[], &["processors"]);
        let all: Vec<&str> = outcome.output(case).lines().collect();
        for one in [all.first().unwrap(), all.last().unwrap()] {
            let outcome = case.probe(&["--cpuset-cpus", one], &["processors"]);
            assert_eq!(outcome.output(case).trim(), *one, "{case}");
        }
        let both = format!("{},{}", all.last().unwrap(), all.first().unwrap());
        let outcome = case.probe(
            &["--cpuset-cpus", &both, "--cpuset-mems=0"],
            &["processors"],
        );
        let some = [all.first(), all.last()].map(|one| *one.unwrap());
        let mut expected = some.to_vec();
        expected.dedup();
        assert_eq!(
            outcome.output(case).lines().collect::<Vec<_>>(),
            expected,
            "{case}"
        );
    }
}

#[test]
fn little_memory_is_enough_for_a_small_program_and_too_little_is_said() {
    let Some(busybox) = common::tree::busybox() else {
        return;
    };
    let busybox = busybox.to_str().unwrap();
    for case in limited_cases() {
        for options in [&["-m", "6m"][..], &["-m", "6m", "-t"], &["-m6m", "--init"]] {
            let outcome = case.run(options, &[busybox, "true"]);
            assert_eq!(outcome.code(), Some(0), "{case} {options:?}: {outcome:?}");
        }
        // A page. It is no reason for the kernel to end mydocker itself, which is not limited.
        let outcome = case.run(&["-m", "4k"], &[busybox, "true"]);
        assert_eq!(outcome.code(), Some(125), "{case}: {outcome:?}");
        assert!(
            outcome.stderr.contains("out of memory") && outcome.stderr.contains("--memory"),
            "{case}: {outcome:?}"
        );
    }
}

#[test]
fn the_container_sees_its_own_cgroups_as_the_tops() {
    let parent = Parent::new();
    let place = parent.option();
    for case in limited_cases() {
        let options = ["-m", "64m", "--cpus", "1", "--cpuset-cpus", "0", &place];
        let outcome = case.run(&options, &["cat", "/proc/self/cgroup"]);
        for line in outcome.output(case).lines() {
            assert!(line.ends_with(":/"), "{case}: {line}");
        }
        assert_eq!(parent.containers(), Vec::<PathBuf>::new(), "{case}");
    }
}

/// Born there by clone3, or joined where there is no clone3, and never by anyone's write of another's number.
#[test]
fn with_a_parent_it_is_there_in_every_hierarchy() {
    for case in limited_cases() {
        for wrapper in [&[][..], &["lacking", "clone3"]] {
            let parent = Parent::new();
            let place = parent.option();
            let options: [&str; 3] = [&place, "-i", "--pid=host"];
            let mut command = case.wrapped(wrapper, &options, &["sh", "-c", "echo $$; read x"]);
            let mut child = command
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
            let mut pid = String::new();
            BufReader::new(child.stdout.take().unwrap())
                .read_line(&mut pid)
                .unwrap();
            let groups = std::fs::read_to_string(format!("/proc/{}/cgroup", pid.trim())).unwrap();
            for name in ["memory", "cpu", "cpuset", "pids", "blkio", ""] {
                let line = groups.lines().filter(|line| {
                    line.split(':')
                        .nth(1)
                        .unwrap()
                        .split(',')
                        .any(|one| one == name)
                });
                for line in line {
                    let expected = format!(":/{}/mydocker-", parent.0);
                    assert!(line.contains(&expected), "{case} {wrapper:?}: {line}");
                }
            }
            drop(child.stdin.take());
            wait(&mut child);
            assert_eq!(parent.containers(), Vec::<PathBuf>::new(), "{case}");
        }
    }
}

#[test]
fn what_cannot_be_limited_does_not_run() {
    let scratch = Scratch::new();
    let trace = scratch.file("it ran");
    for case in limited_cases() {
        let parent = Parent::new();
        let place = parent.option();
        for (options, message) in [
            (&["--cpuset-cpus", "60000"][..], "--cpuset-cpus: "),
            (&["--cpuset-mems", "60000"], "--cpuset-mems: "),
            (
                &["--pids-limit", "99999999999"],
                "pids.max: invalid argument (EINVAL)",
            ),
            (
                &["--device-read-bps", "/dev/null:1m"],
                "--device-read-bps: /dev/null: block device required (ENOTBLK)",
            ),
            (
                &["-m", "4k"],
                "is too little for the container's own set-up",
            ),
            (&["-m", "64m", "-w", "/nowhere"], "/nowhere"),
        ] {
            let options = [options, &["-m64m", "--cpus=1", &place]].concat();
            let options: Vec<&str> = match options[0] {
                // What is given last counts.
                "-m" => [&options[2..], &options[..2]].concat(),
                _ => options,
            };
            let outcome = case.run(&options, &["touch", &trace]);
            assert_eq!(outcome.code(), Some(125), "{case}: {outcome:?}");
            assert!(outcome.stderr.contains(message), "{case}: {outcome:?}");
            assert_eq!(outcome.stderr.lines().count(), 1, "{case}: {outcome:?}");
            assert!(!Path::new(&trace).exists(), "{case} {options:?}");
            assert_eq!(parent.containers(), Vec::<PathBuf>::new(), "{case}");
        }
    }
}

#[test]
fn cgroups_that_are_not_to_be_seen_are_not_passed_over() {
    for case in cases() {
        let Some(tree) = common::tree::Tree::new(case) else {
            return;
        };
        let none = "for point in $(grep -E ' - cgroup2? ' /proc/self/mountinfo | cut -d' ' -f5); do \
            umount \"$point\"; done; \"$@\"";
        for (script, options, message) in [
            (
                none,
                &["--cgroup-parent=/x"][..],
                "--cgroup-parent: no hierarchy of cgroups is mounted",
            ),
            (none, &["-m64m"], "--memory: the memory controller: "),
            (none, &[], ""),
        ] {
            let Some(outcome) = tree.among_mounts(script, options, &["/bin/true"]) else {
                return;
            };
            let code = if message.is_empty() { 0 } else { 125 };
            assert_eq!(
                outcome.code(),
                Some(code),
                "{case} {options:?}: {outcome:?}"
            );
            assert!(
                outcome.stderr.contains(message) && outcome.stderr.is_empty() == message.is_empty(),
                "{case} {options:?}: {outcome:?}"
            );
        }
    }
    // Something else in the place of a hierarchy, which is not to be written to.
    for case in limited_cases() {
        let Some(tree) = common::tree::Tree::new(case) else {
            return;
        };
        let script = "point=$(grep -E ' - cgroup2? .*\\<pids\\>' /proc/self/mountinfo | cut -d' ' -f5 | head -1); \
            [ -n \"$point\" ] || exit 9; mount -t tmpfs tmpfs \"$point\"; \"$@\" || ls -A \"$point\"";
        let run = ["/bin/true"];
        let Some(outcome) = tree.among_mounts(script, &["--pids-limit=9"], &run) else {
            return;
        };
        if outcome.code() == Some(9) {
            return skip("no hierarchy of v1 has pids");
        }
        assert_eq!(outcome.stdout, "", "{case}");
        assert!(
            outcome.stderr.contains("(ENODEV): something else"),
            "{case}: {outcome:?}"
        );
    }
}

/// Where nothing is delegated, which is so wherever controllers are v1's.
#[test]
fn an_ordinary_user_is_told_how_to_get_limits() {
    for case in ordinary_cases() {
        let outcome = case.run(&["-m", "64m"], &["true"]);
        if outcome.code() == Some(0) {
            continue;
        }
        assert_eq!(outcome.code(), Some(125), "{case}: {outcome:?}");
        assert!(
            outcome.stderr.starts_with("mydocker: --memory: ")
                && outcome.stderr.ends_with("(mydocker help limits)\n"),
            "{case}: {outcome:?}"
        );
    }
}

#[test]
fn a_hundred_runs_leave_nothing() {
    let parent = Parent::new();
    let place = parent.option();
    let runs = [
        (0, &[][..], "true"),
        (0, &["--init"], "true"),
        (127, &[], "nowhere-at-all"),
        (0, &["-t"], "true"),
        (0, &["--pid=host"], "true"),
        (125, &["-w", "/nowhere"], "true"),
        (1, &["--cpuset-cpus=0"], "false"),
    ];
    let cases = limited_cases();
    if cases.is_empty() {
        return;
    }
    for round in 0..100 {
        let (code, options, command) = runs[round % runs.len()];
        let case = cases[round / runs.len() % cases.len()];
        let options = [&["-m64m", "--cpus=2", "--pids-limit=64", &place], options].concat();
        let outcome = case.run(&options, &[command]);
        assert_eq!(
            outcome.code(),
            Some(code),
            "{case} {options:?}: {outcome:?}"
        );
        assert_eq!(
            parent.containers(),
            Vec::<PathBuf>::new(),
            "{case} {options:?}"
        );
    }
}

#[test]
fn what_a_killed_one_left_the_next_one_removes() {
    for case in limited_cases() {
        for options in [&[][..], &["--init"], &["--pid=host"]] {
            let parent = Parent::new();
            let place = parent.option();
            let with = |more: &[&'static str]| -> Vec<String> {
                let all = [options, more, &["-m64m", "--pids-limit=64"]].concat();
                let mut all: Vec<String> = all.into_iter().map(str::to_owned).collect();
                all.push(place.clone());
                all
            };
            // A living one, which is not to be touched.
            let words = with(&["-i"]);
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            let mut living = case.command(&words, &["cat"]);
            let mut living = living
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
            let mut output = BufReader::new(living.stdout.take().unwrap());
            let mut echo = |living: &mut std::process::Child| {
                let mut line = String::new();
                living.stdin.as_mut().unwrap().write_all(b"echo\n").unwrap();
                output.read_line(&mut line).unwrap();
                assert_eq!(line, "echo\n");
            };
            echo(&mut living);
            let lives = parent.containers();
            let mut killed = case.command(&words, &["cat"]);
            let mut killed = killed
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
            let mut line = String::new();
            killed
                .stdin
                .as_mut()
                .unwrap()
                .write_all(b"ready\n")
                .unwrap();
            let mut ready = BufReader::new(killed.stdout.take().unwrap());
            ready.read_line(&mut line).unwrap();
            kill(killed.id(), Signal::SIGKILL);
            killed.wait().unwrap();
            // Its output ends when its last process has.
            ready.read_to_string(&mut line).unwrap();
            assert!(
                parent.containers().len() > lives.len(),
                "{case} {options:?}"
            );
            let emptied = eventually(|| {
                case.run(&words, &["true"]);
                parent.containers().len() == lives.len()
            });
            assert!(emptied, "{case} {options:?}: {:?}", parent.containers());
            assert_eq!(parent.containers(), lives, "{case} {options:?}");
            echo(&mut living);
            drop(living.stdin.take());
            assert_eq!(wait(&mut living).unwrap().code(), Some(0));
            assert_eq!(parent.containers(), Vec::<PathBuf>::new(), "{case}");
        }
    }
}

#[test]
fn timing_tells_what_the_cgroups_have_counted() {
    for case in limited_cases() {
        let scratch = Scratch::new();
        let file = scratch.file("timing");
        let outcome = case.probe(&["--cpus=1", "--timing", &file], &["allocate", "33554432"]);
        assert_eq!(outcome.code(), Some(0), "{case}: {outcome:?}");
        let lines = std::fs::read_to_string(&file).unwrap();
        let last: serde_json::Value = serde_json::from_str(lines.lines().last().unwrap()).unwrap();
        let figure = |name: &str| last["cgroup"][name].as_u64();
        assert!(
            figure("memory_peak_bytes") >= Some(32 << 20),
            "{case}: {last}"
        );
        assert!(figure("cpu_us") > Some(0), "{case}: {last}");
        assert_eq!(figure("oom_kills"), Some(0), "{case}: {last}");
        // Kernels before 6.1 do not count it.
        assert!(
            figure("pids_peak").is_none_or(|peak| peak > 0),
            "{case}: {last}"
        );
    }
}
