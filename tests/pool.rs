//! `mydocker pool` and `run --pool`. (With MYDOCKER_TEST_POOL=DIR, of a running pool, every other test
//! starts root's containers from it as well.)

mod common;
use common::*;
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A pool that is ready, with a log that tells everything; ended with this.
struct Pool {
    child: Child,
    directory: String,
    scratch: Scratch,
}

impl Pool {
    fn new(size: usize) -> Self {
        let scratch = Scratch::new();
        let directory = scratch.file("pool");
        let child = Self::start(&scratch, &directory, size);
        let pool = Self {
            child,
            directory,
            scratch,
        };
        assert!(
            eventually(|| pool.log().contains("the pool is ready")),
            "{}",
            pool.log()
        );
        pool
    }

    fn start(scratch: &Scratch, directory: &str, size: usize) -> Child {
        Command::new(mydocker())
            .args([
                "pool",
                "--size",
                &size.to_string(),
                "--log",
                &scratch.file("log"),
            ])
            .args(["--log-level=debug", "--log-format=text"])
            // Of boxes, of which no test here has one.
            .args(["--domainname", "no.test", directory])
            .stdin(Stdio::null())
            .spawn()
            .unwrap()
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.scratch.file("log")).unwrap_or_default()
    }

    fn handed_out(&self) -> usize {
        self.log().matches("a spare was handed out").count()
    }

    fn options(&self) -> [&str; 2] {
        ["--pool", &self.directory]
    }

    /// A container that has got a spare, and which there were before. (On a machine that is busy
    /// enough the answer can be too late for a start, which goes on without.)
    #[track_caller]
    fn one_from_it(&self, case: Case, options: &[&str]) -> (BTreeSet<String>, Staying) {
        let before = self.handed_out();
        for _ in 0..100 {
            let spares = self.namespaces();
            let container = Staying::new(case, options);
            if self.handed_out() > before {
                return (spares, container);
            }
        }
        panic!("{case} {options:?}: none in a hundred: {}", self.log());
    }

    /// The network namespaces that it has open: its own and the spares.
    fn namespaces(&self) -> BTreeSet<String> {
        std::fs::read_dir(format!("/proc/{}/fd", self.child.id()))
            .unwrap()
            .flatten()
            .filter_map(|entry| std::fs::read_link(entry.path()).ok())
            .filter_map(|target| Some(target.to_str()?.to_owned()))
            .filter(|target| target.starts_with("net:"))
            .collect()
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The cases that a pool is for, or none where there is no root.
fn pooled_cases() -> Vec<Case> {
    // Pools of their own, whatever the others use.
    root_cases()
        .into_iter()
        .filter(|case| !case.is_pooled())
        .collect()
}

/// What a container says of its network: its namespace, its interfaces, and how often it has 127.0.0.1.
const LOOK: &str = "readlink /proc/self/ns/net; tail -n +3 /proc/net/dev | cut -d: -f1; \
                    grep -c '127.0.0.1$' /proc/net/fib_trie";

/// A container that has looked and stays, ended with this. Its namespace lives as long: the kernel gives
/// the number of one that has gone to the next.
struct Staying {
    child: Child,
    /// What it has said.
    lines: Vec<String>,
}

impl Staying {
    fn new(case: Case, options: &[&str]) -> Self {
        let script = format!("{LOOK}; echo end; exec sleep 1000");
        let mut command = case.command(options, &["sh", "-c", &script]);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let lines = lines.map(|line| line.unwrap().trim().to_owned());
        let lines = lines.take_while(|line| line != "end").collect();
        Self { child, lines }
    }

    fn namespace(&self) -> &String {
        &self.lines[0]
    }
}

impl Drop for Staying {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_spare_is_as_good_as_ones_own() {
    for case in pooled_cases() {
        let pool = Pool::new(4);
        let host = std::fs::read_link("/proc/self/ns/net").unwrap();
        let mut seen = BTreeSet::from([host.to_str().unwrap().to_owned()]);
        let mut containers = Vec::new();
        let options = [
            &[][..],
            &["--init"],
            &["-u", "1000"],
            &["--pid=host"],
            &["-t"],
        ];
        for options in options {
            let options = [&pool.options()[..], options].concat();
            let (spares, container) = pool.one_from_it(case, &options);
            // It was ready, it is no one else's, and nothing is in it but the loopback, which is up.
            let namespace = container.namespace();
            assert!(spares.contains(namespace), "{case} {options:?}");
            assert!(
                seen.insert(namespace.clone()),
                "{case} {options:?}: used twice"
            );
            let kept = || pool.namespaces().contains(namespace);
            assert!(eventually(|| !kept()), "{case} {options:?}: kept");
            let [_, interfaces @ .., addresses] = &container.lines[..] else {
                panic!("{case} {options:?}: {:?}", container.lines);
            };
            assert_eq!(interfaces, ["lo"], "{case} {options:?}");
            assert_ne!(addresses, "0", "{case} {options:?}");
            // Before the next, so that there is one: refilled by itself.
            assert!(
                eventually(|| pool.namespaces().len() == 5),
                "{case}: {}",
                pool.log()
            );
            containers.push(container);
        }
    }
}

#[test]
fn each_is_handed_out_once_to_many_at_once() {
    for case in pooled_cases() {
        let pool = Pool::new(3);
        let options = pool.options();
        // More than there are: some make their own.
        let containers: Vec<Staying> = std::thread::scope(|scope| {
            let start = || scope.spawn(|| Staying::new(case, &options));
            let threads: Vec<_> = (0..12).map(|_| start()).collect();
            let joined = threads.into_iter().map(|thread| thread.join().unwrap());
            joined.collect()
        });
        let seen: BTreeSet<_> = containers.iter().map(Staying::namespace).collect();
        assert_eq!(seen.len(), 12, "{case}: one namespace twice");
        assert!(pool.handed_out() > 0, "{case}: {}", pool.log());
    }
}

#[test]
fn without_a_pool_there_is_a_namespace_all_the_same() {
    for case in pooled_cases() {
        let scratch = Scratch::new();
        let nowhere = scratch.file("nowhere");
        let outcome = case.run(&["--pool", &nowhere], &["echo", "ran"]);
        assert_eq!(outcome.output(case), "ran\n", "{case}");
        assert!(
            outcome.stderr.contains("no pool is kept there"),
            "{case}: {outcome:?}"
        );

        // One that does not answer.
        let pool = Pool::new(2);
        kill(pool.child.id(), Signal::SIGSTOP);
        let container = Staying::new(case, &pool.options());
        assert!(!pool.namespaces().contains(container.namespace()), "{case}");
        // It goes on as if nothing had been, and the caller who did not wait has taken nothing.
        kill(pool.child.id(), Signal::SIGCONT);
        let handed_out = pool.handed_out();
        assert!(eventually(|| {
            case.run(&pool.options(), &["true"]).output(case);
            pool.handed_out() > handed_out
        }));
        // And one is not asked for where it would not be used.
        let handed_out = pool.handed_out();
        let options = [&pool.options()[..], &["--network=host"]].concat();
        let outcome = case.run(&options, &["readlink", "/proc/self/ns/net"]);
        let host = std::fs::read_link("/proc/self/ns/net").unwrap();
        assert_eq!(
            outcome.output(case).trim_end(),
            host.to_str().unwrap(),
            "{case}"
        );
        assert_eq!(pool.handed_out(), handed_out, "{case}");
    }
}

#[test]
fn a_pool_may_die_at_any_moment() {
    for case in pooled_cases() {
        for round in 0..40 {
            let mut pool = Pool::new(1);
            let mut command = case.command(&pool.options(), &["sh", "-c", LOOK]);
            let run = command
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
            std::thread::sleep(Duration::from_micros(100 * round));
            pool.child.kill().unwrap();
            pool.child.wait().unwrap();
            let output = run.wait_with_output().unwrap();
            assert!(output.status.success(), "{case} {round}: {output:?}");
            // One that had died before it was called is said not to be there.
            let said = String::from_utf8_lossy(&output.stderr);
            let is_fine = said.is_empty() || said.lines().count() == 1 && said.contains("pool");
            assert!(is_fine, "{case} {round}: {said}");
            assert!(output.stdout.starts_with(b"net:"), "{case} {round}");
        }
    }
}

#[test]
fn a_pool_follows_one_that_was_killed_and_leaves_nothing_when_it_is_told_to_end() {
    if pooled_cases().is_empty() {
        return;
    }
    let mut pool = Pool::new(1);
    // Two in one place would take each other's callers.
    let second = Command::new(mydocker())
        .args(["pool", &pool.directory])
        .output()
        .unwrap();
    let said = String::from_utf8(second.stderr).unwrap();
    assert_eq!(second.status.code(), Some(125), "{said}");
    assert!(said.contains("another pool is kept there"), "{said}");

    pool.child.kill().unwrap();
    pool.child.wait().unwrap();
    let socket = PathBuf::from(&pool.directory).join("socket");
    assert!(socket.exists());
    for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP] {
        let ready = pool.log().matches("the pool is ready").count();
        pool.child = Pool::start(&pool.scratch, &pool.directory, 1);
        assert!(eventually(|| pool
            .log()
            .matches("the pool is ready")
            .count()
            > ready));
        kill(pool.child.id(), signal);
        assert_eq!(pool.child.wait().unwrap().code(), Some(0), "{signal}");
        assert!(!socket.exists(), "{signal}");
        // The first one has not made it, and leaves it.
        let is_left = std::fs::remove_dir(&pool.directory).is_ok();
        assert_eq!(is_left, signal == Signal::SIGTERM, "{signal}");
    }
}

#[test]
fn a_spare_that_cannot_be_entered_ends_the_start() {
    for case in pooled_cases() {
        let pool = Pool::new(1);
        assert!(eventually(|| {
            let wrapper = ["deny", "setns", "1"];
            let outcome = finish(case.wrapped(&wrapper, &pool.options(), &["echo", "ran"]));
            if outcome.code() == Some(0) {
                // The pool was too late, see above.
                return false;
            }
            let message = "mydocker: enter a network namespace of the pool (setns): operation not \
                           permitted (EPERM)\n";
            assert_eq!(
                (outcome.stdout.as_str(), outcome.stderr.as_str()),
                ("", message),
                "{case}"
            );
            assert_eq!(outcome.code(), Some(125), "{case}");
            true
        }));
    }
}

#[test]
fn other_users_are_refused() {
    let ordinary = ordinary_cases();
    for case in &ordinary {
        let outcome = case.run(&["--pool", "/nowhere"], &["echo", "ran"]);
        assert_eq!(outcome.output(*case), "ran\n", "{case}");
        assert!(
            outcome.stderr.contains("no pool is kept there"),
            "{case}: {}",
            outcome.stderr
        );
    }
    let (Some(root), Some(other)) = (pooled_cases().first().copied(), ordinary.first()) else {
        return;
    };
    let pool = Pool::new(1);
    let socket = format!("{}/socket", pool.directory);
    let call = "use Socket; socket(S, AF_UNIX, SOCK_SEQPACKET, 0); \
                connect(S, sockaddr_un($ARGV[0])) or die $!; sysread(S, $answer, 9); \
                print length $answer";
    let perl = |code: &str| ["perl", "-e", code, &socket].map(Into::into);

    // Not even in.
    let outcome = finish(other.prepared(&perl(call)));
    assert!(
        outcome.stderr.contains("Permission denied"),
        "{}",
        outcome.stderr
    );
    // And if someone opens the door, not answered.
    let open = |file: &str, mode| {
        std::fs::set_permissions(file, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    open(&pool.directory, 0o755);
    open(&socket, 0o777);
    let outcome = finish(other.prepared(&perl(call)));
    assert_eq!(
        (outcome.stdout.as_str(), outcome.stderr.as_str()),
        ("0", "")
    );
    assert_eq!(pool.handed_out(), 0);
    assert!(
        pool.log().contains("another user was refused"),
        "{}",
        pool.log()
    );
    assert_eq!(finish(root.prepared(&perl(call))).stdout, "1");

    // Someone else's pool is not to be trusted: they could be in what they hand out.
    let theirs = Scratch::new();
    let socket = theirs.file("socket");
    let listen = "use Socket; socket(S, AF_UNIX, SOCK_SEQPACKET, 0); \
                  bind(S, sockaddr_un($ARGV[0])); listen(S, 5); sleep 100";
    let mut impostor = other
        .prepared(&["perl", "-e", listen, &socket].map(Into::into))
        .spawn()
        .unwrap();
    let asked = || root.run(&["--pool", theirs.path().to_str().unwrap()], &["true"]);
    assert!(eventually(|| asked()
        .stderr
        .contains("it is another user's")));
    assert_eq!(asked().code(), Some(125));
    impostor.kill().unwrap();
    impostor.wait().unwrap();
}

#[test]
fn a_directory_that_others_can_enter_is_refused() {
    if pooled_cases().is_empty() {
        return;
    }
    let scratch = Scratch::new();
    let refused = |directory: &str, message: &str| {
        let output = Command::new(mydocker())
            .args(["pool", directory])
            .output()
            .unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(125), "{said}");
        assert!(said.contains(message), "{said}");
    };
    // The scratch directory is open to everyone.
    let open = scratch.path().to_str().unwrap();
    refused(open, "closed to all others (chmod 700)");
    let theirs = scratch.file("theirs");
    std::fs::create_dir(&theirs).unwrap();
    std::fs::set_permissions(&theirs, std::fs::Permissions::from_mode(0o700)).unwrap();
    std::os::unix::fs::chown(&theirs, Some(1234), None).unwrap();
    refused(&theirs, "closed to all others (chmod 700)");
    let file = scratch.file("file");
    std::fs::write(&file, "").unwrap();
    refused(&file, "(ENOTDIR)");
    let link = scratch.file("link");
    std::os::unix::fs::symlink(&theirs, &link).unwrap();
    refused(&link, "(ENOTDIR)");
    refused(&scratch.file("no/where"), "(ENOENT)");
    refused(&scratch.file(&"x".repeat(99)), "too long for a socket");
}

#[test]
fn a_pool_larger_than_its_limits_is_refused() {
    if pooled_cases().is_empty() {
        return;
    }
    let scratch = Scratch::new();
    let pool = |limits: &str, size: &str| {
        let mut command = Command::new("prlimit");
        command.arg(format!("--nofile={limits}")).arg(mydocker());
        command.args([
            "pool",
            "--size",
            size,
            &scratch.file("pool"),
            "--log",
            &scratch.file("log"),
        ]);
        command
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    };
    let output = pool("40:40", "64").wait_with_output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(125), "{said}");
    assert!(said.contains("may not have as many open files"), "{said}");

    // What it may have it takes.
    let mut child = pool("40:300", "64");
    let ready = || std::fs::read_to_string(scratch.file("log")).unwrap_or_default();
    assert!(eventually(|| ready().contains("the pool is ready")));
    kill(child.id(), Signal::SIGTERM);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_pool_that_no_one_can_call_ends() {
    if !nix::unistd::Uid::effective().is_root() {
        skip_root_only("a pool is root's");
        return;
    }
    for how in ["removed", "renamed", "without its socket"] {
        let mut pool = Pool::new(2);
        let directory = pool.directory.clone();
        // What happens beside the socket is none of its business.
        std::fs::write(format!("{directory}/other"), "").unwrap();
        std::fs::remove_file(format!("{directory}/other")).unwrap();
        let case = Case {
            caller: Caller::Root,
            launch: "in-process",
        };
        drop(pool.one_from_it(case, &pool.options()));
        match how {
            "removed" => std::fs::remove_dir_all(&directory).unwrap(),
            "renamed" => std::fs::rename(&directory, pool.scratch.file("elsewhere")).unwrap(),
            _ => std::fs::remove_file(format!("{directory}/socket")).unwrap(),
        }
        let status = wait(&mut pool.child).unwrap_or_else(|| panic!("{how}: it goes on"));
        assert_eq!(status.code(), Some(125), "{how}: {}", pool.log());
        assert!(
            pool.log().contains("no one can call it any more"),
            "{how}: {}",
            pool.log()
        );
    }
}
