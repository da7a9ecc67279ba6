//! Terminals and pidfds that go to the engine, and a terminal that is the caller's.

use crate::bundle::{Bundle, each, each_of_root};
use crate::common::pty::Session;
use crate::common::*;
use mydocker::sys::{descriptor, local_socket};
use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::net::UnixListener;
use std::path::Path;

/// What comes to a socket that a call is given: a descriptor, and its name.
fn sent(bundle: &Bundle, options: &[&str], command: &[&str], socket: &str) -> (File, String) {
    let _ = std::fs::remove_file(socket);
    let listener = UnixListener::bind(socket).expect("a socket");
    bundle.tree.give(Path::new(socket));
    let outcome = bundle.exec(options, command);
    assert_eq!(outcome.code(), Some(0), "{}: {outcome:?}", bundle.case);
    let (mut stream, _) = listener.accept().expect("a caller");
    let record = local_socket::receive(stream.as_fd()).expect("a record");
    let record = record.expect("no end");
    let mut name = vec![record.byte];
    stream.read_to_end(&mut name).expect("the name");
    let file = descriptor::own(record.file.expect("a descriptor"));
    (file.into(), String::from_utf8(name).expect("text"))
}

#[test]
fn a_terminal_goes_to_the_console_socket() {
    each_of_root(|bundle| {
        // Longer than the name of a socket may be.
        let directory = bundle.tree.beside(&"x".repeat(100));
        std::fs::create_dir_all(&directory).unwrap();
        let short = bundle.tree.beside("console");
        let script = "tty; stty size; id -u; ls /proc/self/fd | wc -l; echo to >/dev/tty";
        let options = ["-d", "-t", "-u", "5", "--console-socket", &short];
        let (mut master, name) = sent(bundle, &options, &["sh", "-c", script], &short);
        assert_eq!(name, "/dev/ptmx");
        let mut seen = Vec::new();
        // Ends with EIO when no one has the terminal open any more.
        let _ = master.read_to_end(&mut seen);
        let seen = String::from_utf8_lossy(&seen).replace('\r', "");
        assert!(
            seen.starts_with("/dev/pts/") && seen.ends_with("5\n4\nto\n"),
            "{seen}"
        );
        let long = format!("{directory}/s");
        let moved = bundle.tree.beside("moved");
        let listener = UnixListener::bind(&moved).unwrap();
        std::fs::rename(&moved, &long).unwrap();
        let outcome = bundle.exec(&["-d", "-t", "--console-socket", &long], &["true"]);
        assert_eq!(outcome.code(), Some(0), "{outcome:?}");
        assert!(listener.accept().is_ok());
        let nowhere = bundle.tree.beside("nowhere");
        let error = bundle.fails(&["-d", "-t", "--console-socket", &nowhere], &["true"]);
        assert!(error.contains("no such file or directory"), "{error}");
    });
}

#[test]
fn a_process_says_how_large_its_terminal_is() {
    each(|bundle| {
        let (file, socket) = (
            bundle.tree.beside("process.json"),
            bundle.tree.beside("console"),
        );
        let process = r#"{"args":["/bin/busybox","stty","size"],"cwd":"/","terminal":true,"env":["PATH=/bin"],
            "consoleSize":{"height":31,"width":97}}"#;
        std::fs::write(&file, process).unwrap();
        let options = ["-d", "--process", &file, "--console-socket", &socket];
        let (mut master, _) = sent(bundle, &options, &[], &socket);
        let mut seen = Vec::new();
        let _ = master.read_to_end(&mut seen);
        assert_eq!(String::from_utf8_lossy(&seen), "31 97\r\n");
    });
}

#[test]
fn a_pidfd_goes_to_its_socket() {
    each(|bundle| {
        let (socket, file) = (bundle.tree.beside("pidfd"), bundle.tree.beside("pid"));
        let options = ["-d", "--pidfd-socket", &socket, "--pid-file", &file];
        let (pidfd, name) = sent(bundle, &options, &["sleep", "1000"], &socket);
        assert_eq!(name, "setns");
        let facts = std::fs::read_to_string(format!("/proc/self/fdinfo/{}", pidfd.as_raw_fd()));
        let pid = std::fs::read_to_string(&file).unwrap();
        let line = format!("Pid:\t{pid}\n");
        assert!(facts.unwrap().contains(&line), "{pid}");
        kill(pid.parse().unwrap(), Signal::SIGKILL);
    });
}

#[test]
fn without_a_socket_the_terminal_is_relayed() {
    each(|bundle| {
        let mark = mark();
        let variable = format!("MARK={mark}");
        let words = ["exec", "-t", "-e", &variable, &bundle.id, "sh", "-c"];
        let script = "tty; stty size; read line; echo got $line; exit 9";
        let line = bundle.words(&[&words[..], &[script]].concat());
        let mut session = Session::new(bundle.case, mark, &line);
        session.expect("/dev/pts/");
        session.expect("24 80");
        session.type_line("word");
        session.expect("got word");
        assert_eq!(session.end(), 9);
        session.assert_restored();
    });
}

#[test]
fn what_a_program_reads_of_a_terminal_has_plain_newlines() {
    each(|bundle| {
        let mark = mark();
        let variable = format!("MARK={mark}");
        let words = ["exec", "-t", "-e", &variable, &bundle.id, "sh", "-c"];
        let script = "echo one; echo two; read line; echo $line; exit 9";
        let file = bundle.tree.beside("read");
        let shell = format!(r#""$@" | tee {file}"#);
        let mut line = ["sh", "-c", &shell, "sh"]
            .map(std::ffi::OsString::from)
            .to_vec();
        line.extend(bundle.words(&[&words[..], &[script]].concat()));
        let mut session = Session::new(bundle.case, mark, &line);
        // Each of its lines begins on the left.
        session.expect("one\r\ntwo\r\n");
        session.type_line("three");
        session.expect("three\r\nthree\r\n");
        assert_eq!(session.end(), 0);
        session.assert_restored();
        assert_eq!(
            std::fs::read_to_string(&file).unwrap(),
            "one\ntwo\nthree\nthree\n"
        );
    });
}
