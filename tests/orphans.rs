//! What is left of a container when it has ended, or when mydocker has been killed: nothing.
//!
//! This program adopts what loses its parent (PR_SET_CHILD_SUBREAPER), so every process that its
//! mydockers have started is its child or below one. That wait(2) knows no child any more is the
//! proof that none is left: also of those that cannot be found by their environment, because they
//! are between clone and execve or are the reaper. Only one test at a time, then.

mod common;
use common::tree::Tree;
use common::*;
use nix::errno::Errno;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// In the host's PID namespace nothing ends with PID 1: there it is the keeper's work.
const OPTIONS: [&[&str]; 8] = [
    &[],
    &["--init"],
    &["-u", "1000"],
    &["-u", "1000", "--init"],
    &["-t"],
    &["--pid=host"],
    &["--pid=host", "-u", "1000"],
    &["--pid=host", "-t"],
];

/// The only test that runs.
struct Alone {
    _turn: MutexGuard<'static, ()>,
}

impl Alone {
    fn new() -> Self {
        static TURN: Mutex<()> = Mutex::new(());
        // One that failed has cleaned up all the same.
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        nix::sys::prctl::set_child_subreaper(true).unwrap();
        // Finds out who can call, which takes a process.
        cases();
        Self { _turn: turn }
    }
}

impl Drop for Alone {
    fn drop(&mut self) {
        // Nothing, but after a failed assertion.
        while !no_child() {
            for pid in children() {
                // Not waited for, so it is still itself.
                let _ = nix::sys::signal::kill(pid, Signal::SIGKILL);
            }
        }
    }
}

/// Whether this process has no child, living or dead, own or adopted; the dead are waited for.
fn no_child() -> bool {
    loop {
        match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::StillAlive) => return false,
            Ok(_) => {}
            Err(errno) => {
                assert_eq!(errno, Errno::ECHILD);
                return true;
            }
        }
    }
}

/// The children of this process.
fn children() -> Vec<Pid> {
    let own = format!("PPid:\t{}\n", std::process::id());
    std::fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .filter(|entry| {
            std::fs::read_to_string(entry.path().join("status"))
                .is_ok_and(|status| status.contains(&own))
        })
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .map(Pid::from_raw)
        .collect()
}

/// What `children` are, for a message.
fn described(children: &[Pid]) -> Vec<String> {
    let describe = |pid: &Pid| {
        let read = |name| std::fs::read(format!("/proc/{pid}/{name}")).unwrap_or_default();
        let line = read("cmdline").escape_ascii().to_string();
        let status = String::from_utf8_lossy(&read("status")).into_owned();
        let state = status.lines().find(|line| line.starts_with("State:"));
        format!("{pid} {line} {state:?}")
    };
    children.iter().map(describe).collect()
}

/// Nothing is left by now: of a container that has ended, for PID 1's end is that of all, and the
/// keeper goes last.
#[track_caller]
fn assert_nothing_is_left(what: &str) {
    let left = waitpid(None, Some(WaitPidFlag::WNOHANG));
    let found = described(&children());
    assert_eq!(left, Err(Errno::ECHILD), "{what}: {found:?}");
}

/// Nothing will be left: of a container whose mydocker was killed.
#[track_caller]
fn assert_nothing_stays(what: &str) {
    assert!(eventually(no_child), "{what}: {:?}", described(&children()));
}

/// The first line that a command prints, which is to be waited for.
#[track_caller]
fn first_line(child: &mut Child) -> String {
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let (sender, line) = std::sync::mpsc::channel();
    // By a thread, so that a line which never comes is a failure and not a test that hangs.
    std::thread::spawn(move || {
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let _ = sender.send(line);
        // Who writes more is not to be ended by SIGPIPE.
        let _ = std::io::copy(&mut stdout, &mut std::io::sink());
    });
    let line = line.recv_timeout(PATIENCE).expect("a line");
    line.trim_end().to_owned()
}

fn spawned(mut command: Command) -> Child {
    let command = command.stdout(Stdio::piped()).stderr(Stdio::null());
    command.spawn().unwrap()
}

#[track_caller]
fn kill_and_wait(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_killed_mydocker_takes_a_running_container_with_it() {
    let _alone = Alone::new();
    let probe = probe_name();
    for case in cases() {
        for options in OPTIONS {
            for _ in 0..5 {
                let mut child = spawned(case.command(options, &[&probe, "orphans", "3"]));
                assert_eq!(first_line(&mut child), "ready", "{case} {options:?}");
                kill_and_wait(child);
                assert_nothing_stays(&format!("{case} {options:?}"));
            }
        }
    }
}

/// Many images of databases begin as root and go on as a user of their own (gosu, setpriv). The
/// kernel forgets the death signal of whoever does that, so a PID 1 that does it can outlive a killed
/// mydocker; the reaper does not do it, and keeps its own.
#[test]
fn a_killed_mydocker_takes_a_command_under_a_reaper_that_has_changed_its_user_with_it() {
    let _alone = Alone::new();
    let probe = probe_name();
    let user = ["setpriv", "--reuid=1000", "--regid=1000", "--clear-groups"];
    let command = [&user[..], &[&probe, "orphans", "1"]].concat();
    // An ordinary user's container has no other user.
    for case in root_cases() {
        for options in [&["--init"][..], &["--init", "-t"], &["--pid=host"]] {
            let mut child = spawned(case.command(options, &command));
            assert_eq!(first_line(&mut child), "ready", "{case} {options:?}");
            kill_and_wait(child);
            assert_nothing_stays(&format!("{case} {options:?}"));
        }
    }
}

/// Killed after the clone and before the child has asked for its death signal: there is no one to send
/// it then, so the child has to notice by itself.
#[test]
fn a_mydocker_that_dies_before_the_death_signal_is_asked_for_is_noticed() {
    // Before the question for strace, which is a child: another test would wait for it.
    let _alone = Alone::new();
    if !has_strace() {
        return;
    }
    // A kernel that says it is an old one is not relied on to tell, see sys/parent_watch.rs.
    let old = ["setarch", std::env::consts::ARCH, "--uname-2.6"];
    let ways = [
        (&[][..], &[][..]),
        (&[], &["--init"]),
        (&[], &["--pid=host"]),
        (&old, &[]),
    ];
    for case in cases() {
        for (kernel, options) in ways {
            let scratch = Scratch::new();
            let (trace, witness) = (scratch.file("trace"), scratch.file("witness"));
            // It is the child's first prctl(2). The process waits there for two seconds.
            let mut line: Vec<std::ffi::OsString> = vec!["strace".into()];
            line.extend(["-f", "-o", &trace, "-e", "trace=prctl"].map(Into::into));
            line.extend(["-e", "inject=prctl:delay_enter=2s:when=1", "--"].map(Into::into));
            line.extend(kernel.iter().map(Into::into));
            line.push(mydocker().into());
            line.extend(["run", "--launch", case.launch].map(Into::into));
            line.extend(options.iter().map(Into::into));
            line.extend(["touch", &witness].map(Into::into));
            let mut strace = spawned(case.prepared(&line));
            // strace's only child is mydocker, and that one's is the container.
            let child_of = |pid: u32| {
                let path = format!("/proc/{pid}/task/{pid}/children");
                let children = std::fs::read_to_string(path).unwrap_or_default();
                children.split_whitespace().next()?.parse::<u32>().ok()
            };
            let mut found = None;
            assert!(eventually(|| {
                let mydocker = child_of(strace.id());
                found = mydocker.filter(|mydocker| child_of(*mydocker).is_some());
                found.is_some()
            }));
            kill(found.unwrap(), Signal::SIGKILL);
            strace.wait().unwrap();
            assert!(
                !Path::new(&witness).exists(),
                "{case} {kernel:?} {options:?}: it ran"
            );
            assert_nothing_stays(&format!("{case} {options:?}"));
        }
    }
}

/// A sweep over the start: how far it gets in the time does not matter, so no time is asserted. The
/// steps are finest at the beginning, and the last ones longer than a start takes.
#[test]
fn a_mydocker_killed_at_any_moment_of_the_start_leaves_nothing() {
    let _alone = Alone::new();
    for case in cases() {
        for options in OPTIONS {
            for round in 0..60 {
                let child = spawned(case.command(options, &["sleep", "1000"]));
                let start = Instant::now();
                let delay = Duration::from_micros(3 * round * round);
                while start.elapsed() < delay {
                    std::hint::spin_loop();
                }
                kill_and_wait(child);
                assert_nothing_stays(&format!("{case} {options:?} after {delay:?}"));
            }
        }
    }
}

/// A start with a process that makes the network namespace meanwhile, where a processor is idle: here one always is.
fn with_idle_processor(case: Case, tree: &Tree, command: &[&str]) -> Command {
    let load = tree.beside("loadavg");
    std::fs::write(&load, "0.00 0.00 0.00 1/100 4711\n").unwrap();
    let script = r#"mount --bind "$0" /proc/loadavg; exec "$@""#;
    let mut line: Vec<std::ffi::OsString> = ["unshare", "--mount", "sh", "-ec", script, &load]
        .map(Into::into)
        .into();
    line.extend(tree.words(&[], command));
    case.prepared(&line)
}

#[test]
fn who_makes_the_network_meanwhile_ends_with_the_start() {
    let _alone = Alone::new();
    for case in root_cases() {
        let Some(tree) = Tree::new(case) else { return };
        let script = "echo ready; exec sleep 1000";
        let mut child = spawned(with_idle_processor(case, &tree, &["/bin/sh", "-c", script]));
        assert_eq!(first_line(&mut child), "ready", "{case}");
        let path = format!("/proc/{0}/task/{0}/children", child.id());
        // It is killed when the command is executed, which writes sooner at times.
        let only = || {
            let children = std::fs::read_to_string(&path).unwrap();
            children.split_whitespace().count() == 1
        };
        assert!(eventually(only), "{case}");
        kill_and_wait(child);
        assert_nothing_stays(&format!("{case}"));
        for command in [&["/bin/true"][..], &["/bin/not-there"]] {
            finish(with_idle_processor(case, &tree, command));
            assert_nothing_is_left(&format!("{case} {command:?}"));
        }
    }
}

#[test]
fn a_mydocker_killed_at_any_moment_of_a_start_with_a_root_leaves_nothing() {
    let _alone = Alone::new();
    for case in root_cases() {
        let Some(tree) = Tree::new(case) else { return };
        for round in 0..100 {
            let child = spawned(with_idle_processor(case, &tree, &["/bin/sleep", "1000"]));
            let start = Instant::now();
            // unshare and sh go before it.
            let delay = Duration::from_micros(1000 + 2 * round * round);
            while start.elapsed() < delay {
                std::hint::spin_loop();
            }
            kill_and_wait(child);
            assert_nothing_stays(&format!("{case} after {delay:?}"));
        }
    }
}

#[test]
fn a_command_that_ends_takes_its_children_with_it() {
    let _alone = Alone::new();
    // Children, an orphan, one in a session of its own, and one that has a child itself. They hold
    // no output, or the test would wait for them instead of finding them.
    let script = "exec > /dev/null 2>&1; sleep 1000 & (sleep 1000 &); setsid sleep 1000 &
        (sh -c 'sleep 1000; :' &); exit 5";
    for case in cases() {
        for options in OPTIONS {
            let outcome = case.run(options, &["sh", "-c", script]);
            assert_eq!(outcome.code(), Some(5), "{case} {options:?}: {outcome:?}");
            assert_nothing_is_left(&format!("{case} {options:?}"));
        }
    }
}

/// What many runs could leave behind, but processes.
#[derive(Debug, PartialEq)]
struct Traces {
    mounts: String,
    descriptors: Vec<PathBuf>,
    files: usize,
}

impl Traces {
    fn look(directory: &Path) -> Self {
        let mut descriptors: Vec<PathBuf> = std::fs::read_dir("/proc/self/fd")
            .unwrap()
            .flatten()
            .filter_map(|entry| std::fs::read_link(entry.path()).ok())
            // The one that reads this.
            .filter(|target| !target.ends_with("fd"))
            .collect();
        descriptors.sort();
        Self {
            mounts: std::fs::read_to_string("/proc/thread-self/mountinfo").unwrap(),
            descriptors,
            files: std::fs::read_dir(directory).unwrap().count(),
        }
    }
}

/// Every directory below /sys/fs/cgroup.
fn cgroups() -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    let mut unread = vec![PathBuf::from("/sys/fs/cgroup")];
    while let Some(directory) = unread.pop() {
        // Another's may be gone by now.
        for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                unread.push(entry.path());
                found.insert(entry.path());
            }
        }
    }
    found
}

/// A mount namespace for this thread, where / is shared, as systemd has it: what a container
/// mounted outside would appear here, and what others mount meanwhile does not.
fn mounts_of_its_own() {
    if nix::unistd::Uid::effective().is_root() {
        nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWNS).unwrap();
        for option in ["--make-rprivate", "--make-rshared"] {
            let status = Command::new("mount").args([option, "/"]).status().unwrap();
            assert!(status.success());
        }
    }
}

#[test]
fn many_runs_leave_everything_as_it_was() {
    let _alone = Alone::new();
    let scratch = Scratch::new();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            mounts_of_its_own();
            many_runs(scratch.path());
        });
    });
}

fn many_runs(directory: &Path) {
    let traces = Traces::look(directory);
    let groups = cgroups();
    let runs = [
        (0, &[][..], "true"),
        (0, &["--init"], "true"),
        (127, &[], "nowhere-at-all"),
        (0, &["-t"], "true"),
        (125, &["-w", "/nowhere"], "true"),
        (1, &["-u", "1000"], "false"),
        (125, &["-w", "/nowhere", "--init"], "true"),
        (127, &["-t", "--init"], "nowhere-at-all"),
        (0, &["--pid=host"], "true"),
        (0, &["--network=host", "--ipc=host", "--uts=host"], "true"),
    ];
    let cases = cases();
    for round in 0..200 {
        let (code, options, command) = runs[round % runs.len()];
        let case = cases[round / runs.len() % cases.len()];
        let mut command = case.command(options, &[command]);
        command.current_dir(directory).env("TMPDIR", directory);
        let outcome = finish(command);
        assert_eq!(outcome.code(), Some(code), "{case} {options:?}");
        // No process, and so no namespace that one keeps; those that a mount or a descriptor keeps
        // would be seen below.
        assert_nothing_is_left(&format!("{case} {options:?}"));
    }
    assert_eq!(Traces::look(directory), traces);

    // Others run containers at the same time, and their groups go with these. What is ours and left
    // stays.
    let new: Vec<PathBuf> = cgroups().difference(&groups).cloned().collect();
    let gone = || !new.iter().any(|group| group.exists());
    assert!(eventually(gone), "some of these stay: {new:?}");
}
