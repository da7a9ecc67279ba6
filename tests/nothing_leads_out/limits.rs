//! Limits that are said to be in force and are not, and cgroups that stay.
//!
//! What this machine's kernel does right is wrong on others: see `tests/vm`.

use crate::common::cgroups::{Parent, limited_cases};
use crate::common::*;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

const LIMITS: [&str; 3] = ["-m64m", "--cpus=1", "--pids-limit=64"];

/// The command's process has joined nothing, and was told that it had.
#[test]
fn processors_that_the_kernel_does_not_apply_are_noticed() {
    if !has_strace() {
        return;
    }
    for case in limited_cases() {
        let all = case.probe(&[], &["processors"]);
        let all: Vec<&str> = all.output(case).lines().collect();
        if all.len() < 2 {
            return skip("there is one processor");
        }
        let plain = case.command(&["--cpuset-cpus", all[0]], &["true"]);
        let mut line = vec![plain.get_program().to_owned()];
        line.extend(plain.get_args().map(ToOwned::to_owned));
        let strace = [
            "strace",
            "-f",
            "-o/dev/null",
            "-etrace=write",
            // The first of each process's: the child's is the one that joins.
            "-einject=write:retval=1:when=1",
        ];
        line.splice(0..0, strace.map(Into::into));
        let outcome = finish(case.prepared(&line));
        assert_eq!(outcome.code(), Some(125), "{case}: {outcome:?}");
        let expected = format!(
            "mydocker: confirm --cpuset-cpus {}: the kernel does not keep the container to it, though its cgroup \
             says so\n",
            all[0]
        );
        assert_eq!(outcome.stderr, expected, "{case}");
    }
}

/// taskset(1) around mydocker is no way out of `--cpuset-cpus`, and holds on within it.
#[test]
fn the_callers_affinity_is_no_way_out() {
    for case in limited_cases() {
        let all = case.probe(&[], &["processors"]);
        let all: Vec<&str> = all.output(case).lines().collect();
        let (first, last) = (all[0], all[all.len() - 1]);
        let plain = case.command(&["--cpuset-cpus", last], &[&probe_name(), "processors"]);
        let mut line = vec!["taskset".into(), "-c".into(), first.into()];
        line.push(plain.get_program().to_owned());
        line.extend(plain.get_args().map(ToOwned::to_owned));
        let outcome = finish(case.prepared(&line));
        assert_eq!(outcome.output(case).trim(), last, "{case}");
    }
}

/// cgroup v1 does not hand the limits of disks down, so a container below would be free of the caller's.
#[test]
fn a_limit_of_the_callers_that_is_not_handed_down_is_not_left_behind() {
    let top = Path::new("/sys/fs/cgroup/blkio");
    let limits = "blkio.throttle.read_bps_device";
    let Some((disk, number)) = disk().filter(|_| top.join(limits).exists()) else {
        // Nothing of v1, or no disk: tests/vm has both.
        return;
    };
    for case in limited_cases() {
        let own = top.join(format!("caller-{}", mark()));
        std::fs::create_dir(&own).unwrap();
        std::fs::write(own.join(limits), format!("{number} 1000000000000")).unwrap();
        let rate = format!("{disk}:1t");
        let plain = case.command(&["--device-write-bps", &rate], &["true"]);
        let mut line = ["sh", "-c", "echo $$ > \"$0\"/tasks && exec \"$@\""]
            .map(Into::into)
            .to_vec();
        line.push(own.clone().into());
        line.push(plain.get_program().to_owned());
        line.extend(plain.get_args().map(ToOwned::to_owned));
        let outcome = finish(case.prepared(&line));
        line.splice(6..6, ["--explain".into()]);
        let explained = finish(case.prepared(&line));
        assert!(eventually(|| std::fs::remove_dir(&own).is_ok()), "{case}");
        assert_eq!(outcome.code(), Some(125), "{case}: {outcome:?}");
        let expected = format!("{limits}: cgroup v1 does not hand");
        assert!(outcome.stderr.contains(&expected), "{case}: {outcome:?}");
        assert_eq!(explained.stderr, outcome.stderr, "{case}");
    }
}

/// A whole disk, and its number.
fn disk() -> Option<(String, String)> {
    let disks = std::fs::read_dir("/sys/block").ok()?.flatten();
    let mut disks = disks.filter_map(|disk| {
        let read = |name| std::fs::read_to_string(disk.path().join(name)).ok();
        let path = format!("/dev/{}", disk.file_name().to_str()?);
        let has_size = read("size")?.trim() != "0";
        (has_size && Path::new(&path).exists()).then_some((path, read("dev")?.trim().to_owned()))
    });
    disks.next()
}

#[test]
fn the_smallest_limits_hold() {
    for case in limited_cases() {
        for (options, script, code) in [
            (&["--pids-limit=1"][..], ":", 0),
            (&["--pids-limit=1", "-t"], ":", 0),
            (&["--pids-limit=1"], "exec 2> /dev/null; (:)", 2),
            (&["--pids-limit=2", "--init"], ":", 0),
            (&["--cpus=0.01"], ":", 0),
        ] {
            let outcome = case.run(options, &["sh", "-c", script]);
            assert_eq!(
                outcome.code(),
                Some(code),
                "{case} {options:?}: {outcome:?}"
            );
            assert_eq!(outcome.stderr, "", "{case} {options:?}");
        }
        let outcome = case.run(&["--pids-limit=1", "--init"], &["true"]);
        assert_eq!(outcome.code(), Some(125), "{case}: {outcome:?}");
        let hint = "--pids-limit is too little for --init and a command\n";
        assert!(outcome.stderr.ends_with(hint), "{case}: {outcome:?}");
        // Whatever little there is, it is enough or it is said.
        for memory in ["4097", "16k", "40k", "52k", "100k", "200k", "400k", "1m"] {
            for more in [&[][..], &["--init"], &["-t"], &["--pid=host"]] {
                let options = [more, &["-m", memory, "--memory-swap", memory]].concat();
                let outcome = case.run(&options, &["true"]);
                let said = outcome.stderr.lines().count();
                match outcome.code() {
                    Some(0) => {}
                    Some(125..=126 | 137) => {
                        let is_named = outcome.stderr.contains("memory");
                        assert!(is_named && said == 1, "{case} {options:?}: {outcome:?}");
                    }
                    _ => panic!("{case} {options:?}: {outcome:?}"),
                }
            }
        }
    }
}

#[test]
fn a_fork_bomb_ends_with_its_time() {
    let bomb = "b() { b | b & b; }; (b) 2> /dev/null & exec sleep 1000";
    for case in limited_cases() {
        for more in [&[][..], &["--init"], &["--pid=host"], &["-t"]] {
            let parent = Parent::new();
            let mark = mark();
            let (variable, place) = (format!("MARK={mark}"), parent.option());
            let limits = ["--pids-limit=40", "--timeout=0.5", "-e", &variable, &place];
            let outcome = case.run(&[more, &limits].concat(), &["sh", "-c", bomb]);
            assert_eq!(outcome.code(), Some(124), "{case} {more:?}: {outcome:?}");
            assert_eq!(
                outcome.stderr, "mydocker: ended: its time was up (--timeout 0.5)\n",
                "{case} {more:?}"
            );
            assert_eq!(marked(&mark), Vec::<u32>::new(), "{case} {more:?}");
            assert_eq!(
                parent.containers(),
                Vec::<PathBuf>::new(),
                "{case} {more:?}"
            );
        }
    }
}

#[test]
fn two_hundred_eight_at_a_time_leave_nothing() {
    for case in limited_cases() {
        let parent = Parent::new();
        let place = parent.option();
        std::thread::scope(|scope| {
            for number in 0..8 {
                let place = place.as_str();
                scope.spawn(move || {
                    for round in 0..13 {
                        let more = [&[][..], &["--init"], &["--cpuset-cpus=0"], &["--pid=host"]];
                        let more = more[(number + round) % 4];
                        let options = [&LIMITS[..], more, &[place]].concat();
                        let outcome = case.run(&options, &["true"]);
                        assert_eq!(outcome.code(), Some(0), "{case} {more:?}: {outcome:?}");
                        assert_eq!(outcome.stderr, "", "{case} {more:?}");
                    }
                });
            }
        });
        assert_eq!(parent.containers(), Vec::<PathBuf>::new(), "{case}");
    }
}

/// At any moment of its start, from before the first cgroup to after the command's first instruction.
#[test]
fn what_one_left_that_was_killed_while_it_started_the_next_one_removes() {
    const MOMENTS: u32 = 40;
    for case in limited_cases() {
        let parent = Parent::new();
        let mark = mark();
        let (variable, place) = (format!("MARK={mark}"), parent.option());
        for more in [&[][..], &["--init"], &["--pid=host"]] {
            let options = [&LIMITS[..], more, &["-e", &variable, &place]].concat();
            let start = Instant::now();
            assert_eq!(
                case.run(&options, &["true"]).code(),
                Some(0),
                "{case} {more:?}"
            );
            let longest = start.elapsed().min(Duration::from_millis(50));
            for moment in 0..MOMENTS {
                let mut command = case.command(&options, &["sleep", "1000"]);
                let mut killed = command.stderr(Stdio::null()).spawn().unwrap();
                std::thread::sleep(longest * moment / MOMENTS);
                kill(killed.id(), Signal::SIGKILL);
                killed.wait().unwrap();
            }
            let all_gone = || {
                let outcome = case.run(&options, &["true"]);
                assert_eq!(outcome.code(), Some(0), "{case} {more:?}: {outcome:?}");
                parent.containers().is_empty()
            };
            assert!(
                eventually(all_gone),
                "{case} {more:?}: {:?}",
                parent.containers()
            );
            assert_eq!(marked(&mark), Vec::<u32>::new(), "{case} {more:?}");
        }
    }
}
