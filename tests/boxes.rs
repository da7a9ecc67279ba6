//! `mydocker pool` with whole boxes, and commands that run in them.

mod common;
use common::lease::{Lease, held_up_command};
use common::*;
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A pool of boxes that is ready; ended with this.
struct Boxes {
    child: Child,
    case: Case,
    directory: String,
    scratch: Scratch,
}

impl Boxes {
    /// Of boxes with these options.
    fn new(case: Case, size: usize, options: &[&str]) -> Self {
        let scratch = Scratch::new();
        // Whoever keeps it makes its directory.
        open_to_all(scratch.path());
        let directory = scratch.file("pool");
        let mut line: Vec<_> = vec![mydocker().into(), "pool".into(), "--size".into()];
        line.push(size.to_string().into());
        line.extend(["--log", &scratch.file("log"), "--log-level=debug"].map(Into::into));
        line.extend(options.iter().map(Into::into));
        line.push(directory.clone().into());
        let child = case.prepared(&line).spawn().unwrap();
        let pool = Self {
            child,
            case,
            directory,
            scratch,
        };
        assert!(
            eventually(|| pool.log().contains("the pool is ready")),
            "{case} {options:?}: {}",
            pool.log()
        );
        pool
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.scratch.file("log")).unwrap_or_default()
    }

    /// Its boxes, by the pids of their first processes.
    fn all(&self) -> BTreeSet<u32> {
        children(self.child.id())
    }

    /// A command line that takes a box, if there is one that fits, and says so in a file.
    fn line(&self, told: &Path, options: &[&str], command: &[&str]) -> Command {
        let told = told.to_str().unwrap();
        let pool = ["--pool", &self.directory, "--log", told, "--log-level=info"];
        self.case.command(&[&pool[..], options].concat(), command)
    }

    /// Runs a command in a box to its end. (On a machine that is busy enough no box may have accepted the call in time; the
    /// command runs in a container of its own then, and is run once more.)
    #[track_caller]
    fn run_with(
        &self,
        options: &[&str],
        command: &[&str],
        mut prepare: impl FnMut(&mut Command),
    ) -> Outcome {
        for number in 0..200 {
            let told = self.scratch.path().join(format!("told-{number}"));
            let mut line = self.line(&told, options, command);
            prepare(&mut line);
            let outcome = finish(line);
            if was_in_box(&told) {
                std::fs::remove_file(told).unwrap();
                return outcome;
            }
            let _ = std::fs::remove_file(told);
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!(
            "{} {options:?} {command:?}: never in a box: {}",
            self.case,
            self.log()
        );
    }

    #[track_caller]
    fn run(&self, options: &[&str], command: &[&str]) -> Outcome {
        self.run_with(options, command, |_| {})
    }

    /// A command that runs in a box and has said a line.
    #[track_caller]
    fn start(
        &self,
        options: &[&str],
        command: &[&str],
    ) -> (Child, BufReader<std::process::ChildStdout>) {
        for number in 0..200 {
            let told = self.scratch.path().join(format!("told-{number}"));
            let mut line = self.line(&told, options, command);
            let mut child = line.stdout(Stdio::piped()).spawn().unwrap();
            let mut output = BufReader::new(child.stdout.take().unwrap());
            let mut said = String::new();
            output.read_line(&mut said).unwrap();
            assert!(
                !said.is_empty(),
                "{} {options:?} {command:?}: {:?}",
                self.case,
                child.wait()
            );
            let was = was_in_box(&told);
            let _ = std::fs::remove_file(told);
            if was {
                return (child, output);
            }
            let _ = child.kill();
            let _ = child.wait();
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!(
            "{} {options:?} {command:?}: never in a box: {}",
            self.case,
            self.log()
        );
    }

    /// Until there are as many boxes as there are to be, and none has a job.
    fn is_refilled(&self, size: usize) -> bool {
        eventually(|| self.all().len() == size)
    }
}

impl Drop for Boxes {
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|ended| ended.is_none()) {
            kill(self.child.id(), Signal::SIGTERM);
            let _ = wait(&mut self.child);
        }
    }
}

fn open_to_all(directory: &Path) {
    std::fs::set_permissions(directory, std::fs::Permissions::from_mode(0o777)).unwrap();
}

/// What a log of a run tells.
fn was_in_box(told: &Path) -> bool {
    std::fs::read_to_string(told)
        .is_ok_and(|told| told.contains("launch=pool") || told.contains("\"launch\":\"pool\""))
}

fn children(pid: u32) -> BTreeSet<u32> {
    let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
    let children = children.unwrap_or_default();
    children
        .split_whitespace()
        .map(|pid| pid.parse().unwrap())
        .collect()
}

/// Callers who have pools of their own, whatever the others use, and launch in the way that boxes are.
fn box_cases() -> Vec<Case> {
    let cases = cases().into_iter();
    cases
        .filter(|case| case.launch == "in-process" && !case.is_pooled())
        .collect()
}

/// What a command has of its container and of its caller, in lines that are the same for each of the same kind.
const LOOK: &str = "
    id; umask; pwd; ulimit -a; nice; ulimit -Ha
    grep -E '^(Umask|Groups|NSpid|NSsid|NSpgid|Sig(Blk|Ign|Cgt)|Cap|NoNew|Seccomp:|Cpus_allowed)' /proc/self/status
    cut -d' ' -f4- /proc/self/mountinfo | sed 's/[a-z_]*=[0-9]*//g' | sed 's/ - / /' | cut -d' ' -f1-3,5 | grep -v ' cgroup$' | sort
    cat /proc/self/oom_score_adj /proc/self/personality /proc/self/cgroup
    ls /proc/self/fd | wc -l; cat /proc/net/dev | tail -n +3 | cut -d: -f1
    [ \"$HOSTNAME\" = \"$(cat /proc/sys/kernel/hostname)\" ]; echo $?
    env | grep -v HOSTNAME | sort; cat /proc/sys/net/ipv4/ip_unprivileged_port_start
    ls -l /proc/self/exe; cat /proc/1/comm; cat; echo end";

#[test]
fn a_command_in_a_box_sees_what_it_sees_in_a_container_of_its_own() {
    let root = tree();
    let root = root.as_ref().map(|root| root.file("root"));
    for case in box_cases() {
        let mut kinds: Vec<Vec<&str>> = vec![
            vec![],
            vec!["--init"],
            vec!["--network=host", "--cap-drop=ALL"],
        ];
        if case.caller == Caller::Root {
            kinds.extend([
                vec!["-u", "1000:7", "-w", "/tmp"],
                vec!["--privileged"],
                vec!["-m", "64m", "--pids-limit=40"],
            ]);
        }
        if let Some(root) = &root {
            kinds.extend([
                vec!["--rootfs", root],
                vec!["--rootfs", root, "--read-only", "--tmpfs", "/tmp"],
            ]);
        }
        for kind in &kinds {
            let of_box: Vec<&str> = kind
                .iter()
                .copied()
                .filter(|word| !["-w", "/tmp"].contains(word) || kind[0] == "--rootfs")
                .collect();
            let pool = Boxes::new(case, 2, &of_box);
            for job in [&[][..], &["-i", "-e", "A=x y", "-e", "HOME=/q"]] {
                let options = [&kind[..], job].concat();
                let inside = pool.run(&options, &["sh", "-c", LOOK]);
                let own = case.run(&options, &["sh", "-c", LOOK]);
                assert!(own.stdout.ends_with("end\n"), "{case} {options:?}: {own:?}");
                let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
                assert_eq!(
                    lines(&inside.stdout),
                    lines(&own.stdout),
                    "{case} {options:?}"
                );
                assert_eq!(inside.stderr, own.stderr, "{case} {options:?}");
                assert_eq!(inside.code(), own.code(), "{case} {options:?}");
            }
        }
    }
}

/// A root with a busybox in it.
fn tree() -> Option<Scratch> {
    let busybox = Path::new("/bin/busybox");
    if !busybox.exists() {
        skip("there is no /bin/busybox");
        return None;
    }
    let scratch = Scratch::new();
    open_to_all(scratch.path());
    let root = PathBuf::from(scratch.file("root"));
    std::fs::create_dir_all(root.join("bin")).unwrap();
    for name in ["etc", "proc", "sys", "dev", "tmp"] {
        std::fs::create_dir(root.join(name)).unwrap();
    }
    std::fs::copy(busybox, root.join("bin/busybox")).unwrap();
    let listed = Command::new(busybox).arg("--list").output().unwrap();
    for name in String::from_utf8(listed.stdout).unwrap().lines() {
        if name != "busybox" {
            let _ = std::os::unix::fs::symlink("busybox", root.join("bin").join(name));
        }
    }
    Some(scratch)
}

#[test]
fn what_the_caller_has_the_command_has() {
    for case in box_cases() {
        let pool = Boxes::new(case, 2, &[]);
        let limited = "ulimit -n 77; ulimit -St 99; exec \"$@\"";
        let look = "ulimit -n; ulimit -t; nice; grep Cpus_allowed_list /proc/self/status; umask";
        let before = [
            "sh", "-c", limited, "sh", "nice", "-n", "7", "taskset", "-c", "0",
        ];
        let wrap = |line: &mut Command| {
            let words: Vec<_> = [line.get_program().to_owned()]
                .into_iter()
                .chain(line.get_args().map(Into::into))
                .collect();
            let all: Vec<_> = before.iter().map(Into::into).chain(words).collect();
            *line = case.prepared(&all);
        };
        let inside = pool.run_with(&[], &["sh", "-c", look], wrap);
        assert_eq!(
            inside.stdout, "77\n99\n7\nCpus_allowed_list:\t0\n0022\n",
            "{case}"
        );
    }
}

#[test]
fn an_end_is_told_as_without_a_pool() {
    for case in box_cases() {
        let pool = Boxes::new(case, 2, &[]);
        for (options, command) in [
            (&[][..], &["true"][..]),
            (&[], &["sh", "-c", "exit 77"]),
            (&[], &["no-such-command"]),
            (&[], &["/etc/passwd"]),
            (&[], &["/nowhere/x"]),
            (&["--timeout", "0.2"], &["sleep", "1000"]),
            (&["--timeout", "0.2:0.2"], &["sleep", "1000"]),
            (
                &["--timeout", "0.2:9"],
                &[
                    "sh",
                    "-c",
                    "trap 'exit 9' TERM; while :; do sleep 0.01; done",
                ],
            ),
            (
                &["--output-limit", "10"],
                &["sh", "-c", "echo 0123456789abcdef; sleep 1000"],
            ),
        ] {
            let inside = pool.run(options, command);
            let own = case.run(options, command);
            let told = |outcome: &Outcome| {
                let Outcome { stdout, stderr, .. } = outcome;
                (outcome.code(), stdout.clone(), stderr.clone())
            };
            assert_eq!(told(&inside), told(&own), "{case} {options:?} {command:?}");
        }
    }
}

#[test]
fn a_report_has_the_verdict_and_what_was_used() {
    for case in box_cases() {
        let pool = Boxes::new(case, 2, &["--init"]);
        for (options, script, part) in [
            (
                &[][..],
                "exit 3",
                "\"reason\":\"exited\",\"status\":3,\"code\":3,\"signal\":null",
            ),
            (
                &[],
                "kill -9 $$",
                "\"reason\":\"signaled\",\"status\":137,\"code\":null,\"signal\":9",
            ),
            (
                &[],
                "exit 137",
                "\"reason\":\"exited\",\"status\":137,\"code\":137,\"signal\":null",
            ),
            (
                &["--timeout", "0.2"],
                "sleep 1000",
                "\"reason\":\"timed out\",\"status\":124",
            ),
        ] {
            let options = [&["--report", "-"], options].concat();
            let outcome = pool.run(&options, &["sh", "-c", script]);
            let told = &outcome.stdout;
            assert!(told.contains(part), "{case} {options:?} {script}: {told}");
        }
        let outcome = pool.run(&["--report", "-"], &["no-such-command"]);
        let part = "\"reason\":\"not started\",\"status\":127";
        assert!(outcome.stdout.contains(part), "{case}: {}", outcome.stdout);
        let busy = "i=0; while [ $i -lt 30000 ]; do i=$((i+1)); done";
        let outcome = pool.run(&["--report", "-"], &["sh", "-c", busy]);
        let (_, used) = outcome.stdout.split_once("\"user_us\":").unwrap();
        let used: u64 = used.split(',').next().unwrap().parse().unwrap();
        assert!(used > 1000, "{case}: {}", outcome.stdout);
    }
}

#[test]
fn signals_reach_the_command() {
    for case in box_cases() {
        for kind in [&[][..], &["--init"]] {
            let pool = Boxes::new(case, 2, kind);
            let trap = "trap 'echo got; exit 5' INT TERM; echo ready; while :; do sleep 0.01; done";
            for signal in [Signal::SIGINT, Signal::SIGTERM] {
                let (mut child, mut output) = pool.start(kind, &["sh", "-c", trap]);
                kill(child.id(), signal);
                let mut said = String::new();
                output.read_line(&mut said).unwrap();
                assert_eq!(said, "got\n", "{case} {kind:?} {signal}");
                assert_eq!(
                    shell_code(wait(&mut child).unwrap()),
                    5,
                    "{case} {kind:?} {signal}"
                );
            }
            // Without a handler PID 1 would be spared.
            let (mut child, _output) =
                pool.start(kind, &["sh", "-c", "echo ready; exec sleep 1000"]);
            kill(child.id(), Signal::SIGTERM);
            assert_eq!(
                shell_code(wait(&mut child).unwrap()),
                143,
                "{case} {kind:?}"
            );
        }
    }
}

#[test]
fn a_client_that_is_killed_leaves_nothing() {
    for case in box_cases() {
        let pool = Boxes::new(case, 3, &[]);
        let mark = mark();
        for round in 0..if is_brief() { 20 } else { 100 } {
            let told = pool.scratch.path().join("told");
            let mut child = pool
                .line(&told, &["-e", &mark], &["sleep", "1000"])
                .spawn()
                .unwrap();
            std::thread::sleep(Duration::from_micros(150 * round));
            kill(child.id(), Signal::SIGKILL);
            child.wait().unwrap();
            assert!(eventually(|| marked(&mark).is_empty()), "{case} {round}");
        }
        assert!(pool.is_refilled(3), "{case}: {:?}", pool.all());
        assert_eq!(pool.run(&[], &["echo", "still"]).stdout, "still\n");
    }
}

/// It is still the box's first process, and no one has executed anything.
#[test]
fn what_is_held_up_ends() {
    for case in box_cases() {
        let pool = Boxes::new(case, 2, &[]);
        for (options, signal, code) in [
            (&[][..], Some(Signal::SIGTERM), Some(128 + 15)),
            (&["--timeout=1"], None, Some(124)),
            (&[], Some(Signal::SIGKILL), None),
        ] {
            let what = format!("{case} {options:?} {signal:?}");
            let (mut client, lease, first) = held_up_in_box(&pool, options);
            if let Some(signal) = signal {
                kill(client.id(), signal);
            }
            let status = wait(&mut client).expect("it hangs");
            assert_eq!(status.code(), code, "{what}");
            let is_gone = || !Path::new(&format!("/proc/{first}")).exists();
            assert!(eventually(is_gone), "{what}");
            lease.end();
        }
    }
}

/// A client whose command is held up in a box, by what, and the box's first process.
fn held_up_in_box(pool: &Boxes, options: &[&str]) -> (Child, Lease, i64) {
    loop {
        let file = held_up_command(&pool.scratch, pool.case);
        let mut lease = Lease::on(pool.case, &file);
        let told = pool.scratch.path().join("told");
        let mut line = pool.line(&told, options, &[&file]);
        let mut client = line.stdout(Stdio::null()).spawn().unwrap();
        lease.says("asked");
        let text = || std::fs::read_to_string(&told).unwrap_or_default();
        let says = |text: &str| text.contains("\"pool\"") || text.contains("not in a box");
        assert!(eventually(|| says(&text())), "{}", text());
        let text = text();
        std::fs::remove_file(&told).unwrap();
        let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
        let lines: Vec<serde_json::Value> = lines.collect();
        if let Some(line) = lines.iter().find(|line| line["launch"] == "pool") {
            return (client, lease, line["pid"].as_i64().unwrap());
        }
        kill(client.id(), Signal::SIGKILL);
        client.wait().unwrap();
    }
}

#[test]
fn a_pool_that_is_killed_ends_its_boxes_and_their_clients() {
    for case in box_cases() {
        let mut pool = Boxes::new(case, 2, &[]);
        let (mut client, _output) = pool.start(&[], &["sh", "-c", "echo ready; exec sleep 1000"]);
        let all = pool.all();
        assert!(!all.is_empty());
        pool.child.kill().unwrap();
        pool.child.wait().unwrap();
        assert_eq!(shell_code(wait(&mut client).unwrap()), 137, "{case}");
        assert!(
            eventually(|| all.iter().all(|pid| has_ended(*pid))),
            "{case}"
        );
        // Who comes then has no pool.
        let outcome = case.run(&["--pool", &pool.directory], &["echo", "own"]);
        assert_eq!(
            (outcome.stdout.as_str(), outcome.code()),
            ("own\n", Some(0)),
            "{case}"
        );
    }
}

#[test]
fn each_box_is_used_once_by_many_at_once() {
    for case in box_cases() {
        let pool = Boxes::new(case, 3, &[]);
        let count = if is_brief() { 200 } else { 2000 };
        let next = std::sync::atomic::AtomicU32::new(0);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    while next.fetch_add(1, std::sync::atomic::Ordering::Relaxed) < count {
                        let dir = "test ! -e /dev/shm/none && echo $$";
                        let outcome = case.run(&["--pool", &pool.directory], &["sh", "-c", dir]);
                        assert_eq!(
                            (outcome.stdout.as_str(), outcome.stderr.as_str()),
                            ("1\n", ""),
                            "{case}"
                        );
                    }
                });
            }
        });
        assert!(pool.is_refilled(3), "{case}: {:?}", pool.all());
        // A network namespace each.
        let seen: BTreeSet<String> = (0..5)
            .map(|_| pool.run(&[], &["readlink", "/proc/self/ns/ipc"]).stdout)
            .collect();
        assert!(!seen.is_empty());
    }
}

#[test]
fn options_and_callers_that_differ_have_containers_of_their_own() {
    for case in box_cases() {
        let pool = Boxes::new(case, 2, &[]);
        let told = pool.scratch.path().join("told-other");
        for options in [
            &["--cap-drop=ALL"][..],
            &["--hostname=other"],
            &["--init"],
            &["--network=host"],
            &["--pid=host"],
            &["--ulimit=nofile=9:9"],
        ] {
            for _ in 0..5 {
                let outcome = finish(pool.line(&told, options, &["echo", "own"]));
                assert_eq!(outcome.output(case), "own\n", "{case} {options:?}");
                assert!(!was_in_box(&told), "{case} {options:?}");
                std::fs::remove_file(&told).unwrap();
            }
        }
        // Rights that the pool has and this caller has not would be the command's.
        for wrapper in [
            &["setpriv", "--no-new-privs"][..],
            // What a child has by birth, and the pool has otherwise.
            &["chrt", "--batch", "0"],
            &["ionice", "-c3"],
            &[
                "sh",
                "-c",
                "echo 500 >/proc/self/oom_score_adj; exec \"$@\"",
                "-",
            ],
            &[
                "sh",
                "-c",
                "echo 0 >/proc/self/coredump_filter; exec \"$@\"",
                "-",
            ],
            // From here on root's alone.
            &["setpriv", "--bounding-set=-net_raw"],
            &["unshare", "--net"],
            &["unshare", "--uts"],
            &["unshare", "--ipc"],
            &["unshare", "--cgroup"],
            &["unshare", "--time"],
        ] {
            let is_roots = wrapper[0] == "unshare" || wrapper[1].starts_with("--bounding");
            if case.caller == Caller::Ordinary && is_roots {
                continue;
            }
            for _ in 0..5 {
                let line = pool.line(&told, &[], &["echo", "own"]);
                let words = [line.get_program()].into_iter().chain(line.get_args());
                let words: Vec<_> = wrapper
                    .iter()
                    .map(Into::into)
                    .chain(words.map(Into::into))
                    .collect();
                let outcome = finish(case.prepared(&words));
                assert_eq!(outcome.output(case), "own\n", "{case} {wrapper:?}");
                assert!(!was_in_box(&told), "{case} {wrapper:?}");
                std::fs::remove_file(&told).unwrap();
            }
        }
    }
}

#[test]
fn a_root_that_is_another_by_now_is_not_the_boxs() {
    let Some(tree) = tree() else { return };
    for case in box_cases() {
        let root = tree.file("root");
        let pool = Boxes::new(case, 2, &["--rootfs", &root]);
        assert_eq!(
            pool.run(&["--rootfs", &root], &["echo", "in"]).stdout,
            "in\n"
        );
        // (Whole before it has the name: the pool makes boxes of what has it.)
        let (moved, other) = (tree.file("moved"), tree.file("other"));
        let mut copy = Command::new("cp");
        assert!(copy.args(["-a", &root, &other]).status().unwrap().success());
        std::fs::write(format!("{other}/new"), "").unwrap();
        std::fs::rename(&root, &moved).unwrap();
        std::fs::rename(&other, &root).unwrap();
        let told = pool.scratch.path().join("told-other");
        let outcome = finish(pool.line(&told, &["--rootfs", &root], &["ls", "/new"]));
        // In a box only if that was made of the other one.
        assert_eq!(outcome.output(case), "/new\n", "{case}");
        std::fs::remove_file(&told).unwrap();
        std::fs::remove_dir_all(&moved).unwrap();
    }
}

/// A run whose box is not kept has a container of its own; the pool follows when it makes a box the next time.
#[test]
fn what_an_option_names_is_what_it_is_now() {
    let Some(tree) = tree() else { return };
    let (root, link) = (tree.file("root"), tree.file("link"));
    for name in ["a", "b"] {
        std::fs::create_dir(tree.file(name)).unwrap();
        std::fs::write(tree.file(&format!("{name}/is")), name).unwrap();
    }
    let lead = |name: &str| {
        let _ = std::fs::remove_file(&link);
        std::os::unix::fs::symlink(name, &link).unwrap();
    };
    let denies = |calls: &str| {
        let rule = format!("{{\"names\":[{calls}],\"action\":\"SCMP_ACT_ERRNO\"}}");
        let profile = format!("{{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{rule}]}}");
        std::fs::write(tree.file("profile"), profile).unwrap();
    };
    let profile = format!("--security-opt=seccomp={}", tree.file("profile"));
    let volume = format!("{link}:/mnt");
    let options = [
        "--rootfs",
        &root,
        "-v",
        &volume,
        &profile,
        "--security-opt=no-new-privileges",
        "--tmpfs=/tmp",
    ];
    for case in box_cases() {
        lead("a");
        denies("\"mkdir\",\"mkdirat\"");
        let look = ["sh", "-c", "cat /mnt/is; mkdir /tmp/made"];
        let pool = Boxes::new(case, 1, &options);
        let outcome = pool.run(&options, &look);
        assert!(
            outcome.stdout == "a" && outcome.code() == Some(1),
            "{case}: {outcome:?}"
        );
        let changes = [
            (&(|| lead("b")) as &dyn Fn(), Some(1)),
            (&|| denies("\"uname\""), Some(0)),
        ];
        for (change, code) in changes {
            assert!(pool.is_refilled(1), "{case}");
            change();
            let told = pool.scratch.path().join("told-other");
            // (In a box, if the pool was about to make one.)
            let own = finish(pool.line(&told, &options, &look));
            assert_eq!((own.stdout.as_str(), own.code()), ("b", code), "{case}");
            std::fs::remove_file(&told).unwrap();
            if let Some(waiting) = pool.all().first() {
                kill(*waiting, Signal::SIGKILL);
            }
            let again = pool.run(&options, &look);
            assert_eq!(
                (again.code(), again.stdout),
                (own.code(), own.stdout),
                "{case}"
            );
        }
    }
}

#[test]
fn a_working_directory_is_that_of_a_container_of_its_own() {
    let Some(tree) = tree() else { return };
    let root = tree.file("root");
    for case in box_cases() {
        let options = ["--rootfs", &root, "--tmpfs", "/tmp"];
        let pool = Boxes::new(case, 2, &options);
        for (directory, in_box) in [
            ("/bin", true),
            ("/tmp/made", false),
            ("/bin/busybox", false),
            ("/proc/self/fd/0", false),
        ] {
            let options = [&options[..], &["-w", directory]].concat();
            let own = finish(case.command(&options, &["pwd"]));
            for number in 0..3 {
                let told = pool.scratch.path().join(format!("told-other-{number}"));
                let outcome = match in_box {
                    true => pool.run(&options, &["pwd"]),
                    false => finish(pool.line(&told, &options, &["pwd"])),
                };
                assert!(in_box || !was_in_box(&told), "{case} {directory}");
                let told = |outcome: &Outcome| (outcome.code(), outcome.stdout.clone());
                assert_eq!(
                    told(&outcome),
                    told(&own),
                    "{case} {directory}: {outcome:?}"
                );
            }
        }
    }
    // One that only its caller may enter, by birth.
    let case = box_cases()
        .into_iter()
        .find(|case| case.caller == Caller::Root);
    let Some(case) = case else { return };
    let closed = tree.file("closed");
    std::fs::create_dir(&closed).unwrap();
    std::os::unix::fs::chown(&closed, Some(1000), Some(1000)).unwrap();
    std::fs::set_permissions(&closed, std::fs::Permissions::from_mode(0o700)).unwrap();
    let options = ["--cap-drop=ALL"];
    let pool = Boxes::new(case, 2, &options);
    let told = pool.scratch.path().join("told-other");
    let mut line = pool.line(&told, &options, &["/bin/echo", "there"]);
    assert_eq!(finish_in(&mut line, &closed), "there\n", "{case}");
}

fn finish_in(line: &mut Command, directory: &str) -> String {
    let output = line
        .current_dir(directory)
        .stderr(Stdio::inherit())
        .output();
    String::from_utf8(output.unwrap().stdout).unwrap()
}

#[test]
fn a_dead_pools_sockets_are_removed() {
    for case in box_cases() {
        let mut dead = Boxes::new(case, 1, &["--cap-drop=ALL"]);
        dead.child.kill().unwrap();
        dead.child.wait().unwrap();
        let left = || std::fs::read_dir(&dead.directory).unwrap().count();
        assert!(left() > 0, "{case}");
        let line: Vec<_> = [
            mydocker(),
            "pool".into(),
            "--size=1".into(),
            dead.directory.clone().into(),
        ]
        .into_iter()
        .map(Into::into)
        .collect();
        let mut next = case.prepared(&line).spawn().unwrap();
        assert!(
            eventually(|| PathBuf::from(&dead.directory).join("socket").exists()
                && children(next.id()).len() == 1),
            "{case}"
        );
        kill(next.id(), Signal::SIGTERM);
        wait(&mut next);
        assert!(eventually(|| left() == 0), "{case}");
    }
}

#[test]
fn a_box_that_is_too_old_is_replaced() {
    for case in box_cases() {
        let pool = Boxes::new(case, 2, &["--pool-max-age", "1"]);
        let first = pool.all();
        assert!(eventually(|| pool.all().is_disjoint(&first)), "{case}");
        assert!(pool.is_refilled(2), "{case}");
        // One that has a job lives on.
        let (mut client, mut output) =
            pool.start(&[], &["sh", "-c", "echo ready; sleep 2; echo over"]);
        let mut said = String::new();
        output.read_line(&mut said).unwrap();
        assert_eq!(said, "over\n", "{case}");
        assert_eq!(shell_code(wait(&mut client).unwrap()), 0, "{case}");
    }
}

#[test]
fn what_is_no_job_does_not_cost_a_box() {
    for case in box_cases() {
        let pool = Boxes::new(case, 2, &[]);
        let before = pool.all();
        let sockets = std::fs::read_dir(&pool.directory).unwrap().flatten();
        let socket = sockets
            .map(|entry| entry.path())
            .find(|path| !path.ends_with("socket"))
            .unwrap();
        let call = "use Socket; socket(S, AF_UNIX, SOCK_SEQPACKET, 0); connect(S, sockaddr_un($ARGV[0])) or die $!; \
                    syswrite(S, $ARGV[1] x $ARGV[2]) if $ARGV[2]; exit 0";
        for (what, times) in [("", 0), ("x", 1), ("y", 1000), ("\x01", 60_000)] {
            let line = [
                "perl",
                "-e",
                call,
                socket.to_str().unwrap(),
                what,
                &times.to_string(),
            ];
            let outcome = finish(case.prepared(&line.map(Into::into)));
            assert_eq!(outcome.code(), Some(0), "{case}: {outcome:?}");
        }
        assert_eq!(
            pool.run(&[], &["echo", "works"]).stdout,
            "works\n",
            "{case}"
        );
        assert!(pool.all().intersection(&before).count() >= 1, "{case}");
    }
}

#[test]
fn a_terminal_is_the_containers_own() {
    let tree = tree();
    for case in box_cases() {
        let root = tree.as_ref().map(|tree| tree.file("root"));
        let mut kinds = vec![vec![]];
        kinds.extend(root.as_ref().map(|root| vec!["--rootfs", root.as_str()]));
        for kind in kinds {
            let pool = Boxes::new(case, 2, &kind);
            let script =
                "tty; stty size; stty -echo; read line; echo \"got $line\"; [ -t 1 ]; echo $?";
            let run = |told: &Path| {
                let mut line =
                    pool.line(told, &[&kind[..], &["-ti"]].concat(), &["sh", "-c", script]);
                let mut child = line
                    .stdin(Stdio::piped())
                    .stdout(Stdio::piped())
                    .spawn()
                    .unwrap();
                child.stdin.take().unwrap().write_all(b"typed\n").unwrap();
                child.wait_with_output().unwrap()
            };
            let told = pool.scratch.path().join("told-terminal");
            assert!(eventually(|| {
                let output = run(&told);
                let said = String::from_utf8_lossy(&output.stdout).replace('\r', "");
                assert!(said.contains("/dev/pts/"), "{case} {kind:?}: {said}");
                assert!(said.ends_with("got typed\n0\n"), "{case} {kind:?}: {said}");
                let was = was_in_box(&told);
                std::fs::remove_file(&told).unwrap();
                was
            }));
        }
    }
}

#[test]
fn options_of_a_job_are_not_a_pools() {
    for (words, said) in [
        (
            &["-i"][..],
            "option '--interactive' is for each run by itself",
        ),
        (&["-e", "A=1"], "option '--env' is for each run by itself"),
        (
            &["-w", "/tmp"],
            "option '--workdir' is for each run by itself",
        ),
        (&["--pid=host"], "its processes are not apart"),
        (&["--pool-max-age=0"], "a number of seconds from 1"),
    ] {
        let output = Command::new(mydocker())
            .arg("pool")
            .args(words)
            .arg("/nowhere/x")
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(told.contains(said), "{words:?}: {told}");
        assert_eq!(output.status.code(), Some(125), "{words:?}");
    }
}
