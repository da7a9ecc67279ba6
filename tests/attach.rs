//! `attach`, and `start -a`: who is at a container's streams sees what it writes, types what it reads, and leaves it alone
//! when leaving.

mod common;
use common::pty::Session;
use common::stay::{Stay, each_stay};
use common::*;
use mydocker::sys::{descriptor, local_socket};
use std::ffi::{CString, OsString};
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::process::{Child, Command, Stdio};

/// The command with a pipe on each side.
fn piped(mut command: Command) -> Child {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("mydocker")
}

/// Runs a command with that typed to it, and then the end of its input.
#[track_caller]
fn typed(command: Command, input: &str) -> Outcome {
    let mut child = piped(command);
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin.write_all(input.as_bytes()).expect("type");
    drop(stdin);
    ended(child)
}

/// What a child has said, when it has ended.
#[track_caller]
fn ended(mut child: Child) -> Outcome {
    let status = wait(&mut child).expect("it hangs");
    let text = |stream: Option<&mut dyn Read>| {
        let mut bytes = Vec::new();
        stream
            .expect("a pipe")
            .read_to_end(&mut bytes)
            .expect("read");
        String::from_utf8_lossy(&bytes).into_owned()
    };
    Outcome {
        status,
        stdout: text(child.stdout.as_mut().map(|stream| stream as &mut dyn Read)),
        stderr: text(child.stderr.as_mut().map(|stream| stream as &mut dyn Read)),
    }
}

/// Reads until that has come.
#[track_caller]
fn read_until(child: &mut Child, wanted: &str) {
    let stdout = child.stdout.as_mut().expect("a pipe");
    let mut seen = Vec::new();
    let mut buffer = [0; 4096];
    while !String::from_utf8_lossy(&seen).contains(wanted) {
        let count = stdout.read(&mut buffer).expect("read");
        assert!(count > 0, "it ended before it said {wanted:?}");
        seen.extend(&buffer[..count]);
    }
}

fn signal(child: &Child, signal: nix::sys::signal::Signal) {
    kill(child.id(), signal);
}

#[test]
fn what_is_written_is_shown_and_what_is_typed_is_read() {
    each_stay(|stay| {
        let script = "read word; echo out-$word; echo err-$word >&2; exit 5";
        stay.says(&["run", "-di", "--name", "box", "sh", "-c", script]);
        let outcome = typed(stay.command(&["attach", "box"]), "go\n");
        let label = format!("{}: {outcome:?}", stay.case);
        assert_eq!(outcome.code(), Some(5), "{label}");
        assert_eq!(outcome.stdout, "out-go\n", "{label}");
        assert_eq!(outcome.stderr, "err-go\n", "{label}");
        let refused = stay.fails(1, &["attach", "box"]);
        let stopped = "mydocker: You cannot attach to a stopped container, start it first\n";
        assert_eq!(refused, stopped, "{}", stay.case);
        let unknown = stay.fails(1, &["attach", "nobody"]);
        assert_eq!(unknown, "mydocker: No such container: nobody\n");
    });
}

/// With `-d` the end of what one person types is not the end of the container's stdin; of a container that is made for
/// someone who stays with it, it is.
#[test]
fn stdin_ends_with_who_was_there_from_the_start() {
    each_stay(|stay| {
        let script = "while read word; do echo seen $word; done";
        stay.says(&["run", "-di", "--name", "box", "sh", "-c", script]);
        for word in ["one", "two"] {
            let mut child = piped(stay.command(&["attach", "box"]));
            let mut stdin = child.stdin.take().expect("a pipe");
            writeln!(stdin, "{word}").expect("type");
            drop(stdin);
            read_until(&mut child, &format!("seen {word}\n"));
            // Whoever sees it is still there: only their input has ended.
            assert_eq!(child.try_wait().expect("wait"), None, "{}", stay.case);
            child.kill().expect("kill");
            child.wait().expect("wait");
        }
        stay.says(&["create", "-i", "--name", "short", "sh", "-c", script]);
        let outcome = typed(stay.command(&["start", "-ai", "short"]), "word\n");
        assert_eq!(outcome.output(stay.case), "seen word\n");
        assert_eq!(stay.asks("{{.State.Status}}", "short"), "exited");
    });
}

#[test]
fn who_starts_it_misses_nothing() {
    each_stay(|stay| {
        let script = "echo first; echo second >&2; exit 4";
        stay.says(&["create", "--name", "box", "sh", "-c", script]);
        for _ in 0..5 {
            let outcome = stay.outcome(&["start", "-a", "box"]);
            let label = format!("{}: {outcome:?}", stay.case);
            assert_eq!(outcome.code(), Some(4), "{label}");
            assert_eq!(outcome.stdout, "first\n", "{label}");
            assert_eq!(outcome.stderr, "second\n", "{label}");
        }
        stay.says(&["create", "--name", "none", "/none"]);
        let failed = stay.fails(127, &["start", "-a", "none"]);
        assert!(failed.contains("/none"), "{failed}");
    });
}

#[test]
fn several_see_the_same() {
    each_stay(|stay| {
        let script = "trap 'echo last; exit 3' TERM; while :; do echo tick; sleep 0.02; done";
        stay.says(&["run", "-d", "--name", "box", "sh", "-c", script]);
        let mut watchers: Vec<Child> = (0..3)
            .map(|_| piped(stay.command(&["attach", "--no-stdin", "box"])))
            .collect();
        for watcher in &mut watchers {
            read_until(watcher, "tick\n");
        }
        stay.says(&["stop", "box"]);
        for watcher in watchers {
            let outcome = ended(watcher);
            assert_eq!(outcome.code(), Some(3), "{}: {outcome:?}", stay.case);
            assert!(outcome.stdout.ends_with("last\n"), "{}", stay.case);
        }
    });
}

#[test]
fn signals_are_handed_on_or_are_the_clients_own() {
    each_stay(|stay| {
        let script = "trap 'echo got; exit 9' INT; while :; do echo tick; sleep 0.02; done";
        stay.says(&["run", "-d", "--name", "box", "sh", "-c", script]);
        let own = ["attach", "--sig-proxy=false", "box"];
        let mut child = piped(stay.command(&own));
        read_until(&mut child, "tick\n");
        signal(&child, Signal::SIGTERM);
        let outcome = ended(child);
        assert_eq!(shell_code(outcome.status), 128 + 15, "{}", stay.case);
        assert_eq!(stay.asks("{{.State.Status}}", "box"), "running");
        let mut child = piped(stay.command(&["attach", "box"]));
        read_until(&mut child, "tick\n");
        signal(&child, Signal::SIGINT);
        let outcome = ended(child);
        assert_eq!(outcome.code(), Some(9), "{}: {outcome:?}", stay.case);
        assert!(outcome.stdout.ends_with("got\n"), "{}", stay.case);
    });
}

/// Who does not read is cut off, and holds up neither the container nor others.
#[test]
fn who_is_far_behind_is_cut_off() {
    each_stay(|stay| {
        let script = "read word; for i in $(seq 50); do head -c 100000 /dev/zero; sleep 0.01; done; echo $word";
        stay.says(&[
            "run",
            "-di",
            "--log-driver=none",
            "--name",
            "box",
            "sh",
            "-c",
            script,
        ]);
        let mut slow = piped(stay.command(&["attach", "--no-stdin", "box"]));
        let mut quick = piped(stay.command(&["attach", "box"]));
        let reader = quick.stdout.take().expect("a pipe");
        let mut bytes = Vec::new();
        let mut stdin = quick.stdin.take().expect("a pipe");
        // Both are attached: a third one was let in and answered after them.
        stay.says(&["kill", "-s", "CONT", "box"]);
        assert!(eventually(|| connected(&slow) && connected(&quick)));
        writeln!(stdin, "end").expect("type");
        { reader }.read_to_end(&mut bytes).expect("read");
        assert_eq!(bytes.len(), 5_000_000 + "end\n".len(), "{}", stay.case);
        assert!(wait(&mut quick).expect("it hangs").success());
        stay.becomes("exited", "box");
        let mut rest = Vec::new();
        let stdout = slow.stdout.as_mut().expect("a pipe");
        stdout.read_to_end(&mut rest).expect("read");
        let mut said = String::new();
        let stderr = slow.stderr.as_mut().expect("a pipe");
        stderr.read_to_string(&mut said).expect("read");
        assert_eq!(shell_code(wait(&mut slow).expect("it hangs")), 125);
        assert!(said.starts_with("mydocker: cut off: "), "{said}");
        assert!(rest.len() < 5_000_000, "{}", rest.len());
    });
}

/// Whether a client has been answered: it waits for signals by a descriptor then.
fn connected(client: &Child) -> bool {
    let files = format!("/proc/{}/fd", client.id());
    let entries = std::fs::read_dir(files).expect("a process").flatten();
    let mut links = entries.flat_map(|entry| std::fs::read_link(entry.path()));
    links.any(|link| link.to_string_lossy().contains("signalfd"))
}

#[test]
fn the_monitors_death_is_told() {
    each_stay(|stay| {
        let script = "while :; do echo tick; sleep 0.02; done";
        let id = stay.says(&["run", "-d", "--name", "box", "sh", "-c", script]);
        let mut child = piped(stay.command(&["attach", "box"]));
        read_until(&mut child, "tick\n");
        kill(stay.pid(&id, "monitor"), Signal::SIGKILL);
        let outcome = ended(child);
        let label = format!("{}: {outcome:?}", stay.case);
        assert_eq!(outcome.code(), Some(125), "{label}");
        let told = "mydocker: the container's monitor was killed, and the container with it\n";
        assert_eq!(outcome.stderr, told, "{label}");
    });
}

/// What is no request gets an answer, and the container runs on.
#[test]
fn requests_that_are_none_are_answered() {
    each_stay(|stay| {
        let id = stay.says(&["run", "-d", "--name", "box", "sleep", "1000"]);
        let directory = format!("{}/containers/{id}", stay.state());
        let directory = std::fs::File::open(directory).expect("its directory");
        let number = std::os::fd::AsRawFd::as_raw_fd(&directory);
        let path = CString::new(format!("/proc/self/fd/{number}/socket")).expect("no NUL");
        let long = vec![1; 20_000];
        for record in [&b"\0"[..], b"\x01", b"\xff\xff\xff", b"what", &long] {
            let socket = local_socket::connect(&path).expect("a monitor");
            descriptor::send_without_waiting(socket.as_fd(), record).expect("send");
            let mut answer = [0; 1000];
            let mut count = Err(descriptor::wait(&mut [], 0).map_or(libc::EIO, |()| libc::EAGAIN));
            let came = eventually(|| {
                count = local_socket::receive_bytes(socket.as_fd(), &mut answer)
                    .map_err(|errno| errno.into_raw());
                count != Err(libc::EAGAIN)
            });
            assert!(came, "{}: no answer to {record:?}", stay.case);
            let answer = String::from_utf8_lossy(&answer[1..count.expect("an answer")]);
            assert!(answer.contains("does not know this request"), "{answer}");
        }
        assert_eq!(stay.asks("{{.State.Status}}", "box"), "running");
    });
}

/// A command line as the leader of a session on a terminal.
fn at_terminal(stay: &Stay, words: &[&str]) -> Session {
    let command = stay.command(words);
    let line: Vec<OsString> = std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(ToOwned::to_owned)
        .collect();
    Session::new(stay.case, mark(), &line)
}

#[test]
fn a_terminal_is_left_and_entered_again() {
    each_stay(|stay| {
        let shell = ["-e", "PS1=in> ", "-e", "HISTFILE=/dev/null"];
        let run = [&["run", "-dti", "--name", "box"][..], &shell, &["sh"]].concat();
        stay.says(&run);
        let mut session = at_terminal(stay, &["attach", "box"]);
        session.wait_until_raw();
        session.type_line("echo a$((1+1))b");
        session.expect("a2b");
        // For a moment it is another one, so that a program draws its screen anew.
        session.expect_size("24x80");
        session.resize(30, 100);
        session.expect_size("30x100");
        // The first key alone, and the same keys in another order, go to the container.
        session.type_keys("\x10\x15");
        session.type_line("echo c$((1+1))d");
        session.expect("c2d");
        session.type_keys("\x10");
        session.type_keys("\x11");
        session.expect("read escape sequence");
        assert_eq!(session.end(), 0, "{}", stay.case);
        assert_eq!(stay.asks("{{.State.Status}}", "box"), "running");

        let mut session = at_terminal(stay, &["attach", "--detach-keys", "ctrl-a,q", "box"]);
        session.wait_until_raw();
        session.type_line("echo e$((1+1))f");
        session.expect("e2f");
        session.type_keys("\x01q");
        session.expect("read escape sequence");
        assert_eq!(session.end(), 0, "{}", stay.case);

        let mut session = at_terminal(stay, &["attach", "box"]);
        session.wait_until_raw();
        session.type_line("exit $((3+4))");
        assert_eq!(session.end(), 7, "{}", stay.case);
    });
}
