//! A container with a terminal of its own, seen by a person at a terminal and through pipes.

mod common;

use common::pty::*;
use common::*;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::termios::{FlowArg, tcflow};
use nix::unistd::pipe2;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::fd::AsFd;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

#[test]
fn the_container_has_a_controlling_terminal_of_its_own() {
    for case in cases() {
        for shell in [&["sh"][..], &["sh", "-i"], &["bash", "--norc", "-i"]] {
            let options = [&["-ti"], &SHELL[..]].concat();
            let mut session = Session::mydocker(case, &options, shell);
            session.expect(INSIDE);
            // Not by stdin, but as the controlling terminal.
            session.type_line("echo to-the''-terminal > /dev/tty");
            session.expect("to-the-terminal");
            session.type_line("echo in:$(tty):");
            session.expect("in:/dev/pts/");
            session.type_line("exit 5");
            assert_eq!(session.end(), 5, "{session}");
            let seen = String::from_utf8_lossy(session.seen()).into_owned();
            assert!(!seen.contains("job control"), "{session}");
            let own = format!("in:{}:", session.name());
            assert!(!seen.contains(&own), "{session}: the caller's terminal");
        }
    }
}

#[test]
fn the_callers_terminal_is_raw_for_a_while_and_then_exactly_as_before() {
    let sleep = sleeper();
    for case in cases() {
        // How it ends, by whom, and with what code. SIGSEGV is a crash: a shell that calls itself
        // until its stack is full, as PID 1 too.
        type End = fn(&mut Session);
        let exit = "echo ready; read line; exit 3";
        let crash = "ulimit -c 0; ulimit -s 300; echo ready; read line; f() { f; }; f";
        let endings: [(&str, End, i32); 6] = [
            (exit, |session| session.type_keys("\n"), 3),
            (crash, |session| session.type_keys("\n"), 139),
            (&sleep, |session| session.type_keys("\x03"), 130),
            (
                &sleep,
                |session| kill(session.container()[0], Signal::SIGKILL),
                137,
            ),
            (&sleep, |session| kill(session.pid(), Signal::SIGTERM), 143),
            (&sleep, |session| kill(session.pid(), Signal::SIGHUP), 129),
        ];
        for (script, end, code) in endings {
            let mut session = Session::mydocker(case, &["-ti"], &["bash", "-c", script]);
            session.expect("ready");
            // It is raw before anything of the container's is shown.
            assert!(session.is_raw(), "{session}");
            end(&mut session);
            assert_eq!(session.end(), code, "{session}");
        }

        let mut failed = Session::mydocker(case, &["-ti"], &["/nowhere"]);
        assert_eq!(failed.end(), 127, "{failed}");

        // Without -i nothing is read from the terminal, so its keys stay its own.
        let mut session = Session::mydocker(case, &["-t"], &["sh", "-c", &sleep]);
        session.expect("ready");
        session.assert_restored();
        session.type_keys("\x03");
        assert_eq!(session.end(), 130, "{session}");
    }
}

#[test]
fn the_terminal_has_the_callers_size_and_keys() {
    for case in cases() {
        let script = "trap 'echo now $(stty size)' WINCH
                      echo first $(stty size) $(stty -a | grep -o ' erase = ^.'), ready
                      while :; do sleep 0.1; done";
        let mut session = Session::mydocker(case, &["-ti"], &["sh", "-c", script]);
        session.expect("first 24 80 erase = ^H, ready");
        session.resize(50, 123);
        session.expect("now 50 123");
        session.resize(3, 9);
        session.expect("now 3 9");
        session.type_keys("\x03");
        assert_eq!(session.end(), 130, "{session}");
    }
}

#[test]
fn typed_keys_end_a_command_that_has_no_handler() {
    for case in cases() {
        for options in [&["-ti"][..], &["-ti", "--init"]] {
            for (key, code) in [("\x03", 130), ("\x1c", 131)] {
                let mut session = Session::mydocker(case, options, &["sh", "-c", &sleeper()]);
                session.expect("ready");
                session.type_keys(key);
                assert_eq!(session.end(), code, "{session} {options:?}");
            }
        }
    }
}

#[test]
fn typed_keys_leave_a_command_alone_that_handles_ignores_or_quotes_them() {
    for case in cases() {
        let script = "trap 'echo caught' INT; trap '' QUIT
                      echo ready; until read line; do :; done; exit 4";
        let mut session = Session::mydocker(case, &["-ti"], &["sh", "-c", script]);
        session.expect("ready");
        session.type_keys("\x1c");
        session.expect("^\\");
        session.type_keys("\x03");
        session.expect("caught");
        session.type_keys("\n");
        assert_eq!(session.end(), 4, "{session}");

        let mut session = Session::mydocker(case, &["-ti"], &["cat"]);
        session.wait_until_raw();
        session.type_keys("\x16\x03\n");
        // The terminal echoes it as ^C; cat prints the byte.
        session.expect("\x03");
        // In two writes too: the echo of ^V, a caret and a backspace, says that it has arrived.
        session.type_keys("\x16");
        session.expect("^\x08");
        session.type_keys("\x1c\n");
        session.expect("\x1c");
        session.type_keys("\x04");
        assert_eq!(session.end(), 0, "{session}");
    }
}

/// A stdin with a text in it and its end after that.
fn text(content: &str) -> Stdio {
    let (reader, writer) = pipe2(OFlag::O_CLOEXEC).unwrap();
    // It fits into the pipe.
    File::from(writer).write_all(content.as_bytes()).unwrap();
    Stdio::from(reader)
}

fn run_with(case: Case, stdin: Stdio, options: &[&str], command: &[&str]) -> Outcome {
    let mut command = case.command(options, command);
    command.stdin(stdin);
    finish(command)
}

/// A FIFO that is opened anew after its writer has gone does not say so; the original does.
#[test]
fn the_end_of_a_fifo_is_seen() {
    for case in cases() {
        let scratch = Scratch::new();
        let fifo = scratch.file("fifo");
        nix::unistd::mkfifo(fifo.as_str(), nix::sys::stat::Mode::S_IRWXU).unwrap();
        let everyone = std::os::unix::fs::PermissionsExt::from_mode(0o666);
        std::fs::set_permissions(&fifo, everyone).unwrap();
        // Open for both at once, so that neither waits, and the writer gone before the start.
        let mut both = File::options().read(true).write(true).open(&fifo).unwrap();
        both.write_all(b"hello\n").unwrap();
        let reader = File::open(&fifo).unwrap();
        drop(both);
        let outcome = run_with(case, reader.into(), &["-ti"], &["cat"]);
        assert_eq!(outcome.output(case), "hello\r\nhello\r\n", "{case}");
    }
}

#[test]
fn a_terminal_without_a_terminal_outside() {
    for case in cases() {
        let outcome = run_with(case, text("tty; exit 3\n"), &["-ti"], &["/bin/sh"]);
        assert_eq!(outcome.code(), Some(3), "{case}: {outcome:?}");
        assert!(outcome.stdout.contains("/dev/pts/"), "{case}: {outcome:?}");
        let said = format!("{}{}", outcome.stdout, outcome.stderr);
        assert!(!said.contains("job control"), "{case}: {outcome:?}");
    }
}

#[test]
fn the_end_of_input_is_typed_until_it_is_understood() {
    let shell = ["bash", "--norc", "-i"];
    for case in cases() {
        for command in [&shell[..], &["sh", "-i"], &["cat"]] {
            let options = [&["-ti"], &SHELL[..]].concat();
            let outcome = run_with(case, Stdio::null(), &options, command);
            assert_eq!(outcome.code(), Some(0), "{case} {command:?}: {outcome:?}");
        }
        let options = [&["-ti"], &SHELL[..]].concat();
        let outcome = run_with(case, text("echo he''re\n"), &options, &shell);
        assert_eq!(outcome.code(), Some(0), "{case}: {outcome:?}");
        assert!(outcome.stdout.contains("here\r\n"), "{case}: {outcome:?}");

        // The first one is a character for who reads single keys, so cat waits for another.
        let script = "stty -icanon; head -c1; stty icanon; cat; exit 6";
        let outcome = run_with(case, Stdio::null(), &["-ti"], &["sh", "-c", script]);
        assert_eq!(outcome.code(), Some(6), "{case}: {outcome:?}");
    }
}

#[test]
fn without_i_the_container_reads_nothing() {
    for case in cases() {
        let outcome = run_with(case, text("hello\n"), &["-t"], &["cat"]);
        assert_eq!(outcome.output(case), "", "{case}");
        let mut session = Session::mydocker(case, &["-t"], &["cat"]);
        assert_eq!(session.end(), 0, "{session}");
    }
}

/// What `probe flood` prints, as a terminal shows it.
fn flood(bytes: usize) -> String {
    let mut probe = Command::new(probe());
    let outcome = finish({
        probe.args(["flood", &bytes.to_string()]);
        probe
    });
    assert_eq!(outcome.stdout.len(), bytes);
    outcome.stdout.replace('\n', "\r\n")
}

/// For a megabyte, assert_eq would print both.
#[track_caller]
fn assert_same(found: &[u8], expected: &str, case: Case) {
    let found = String::from_utf8_lossy(found);
    assert_eq!(found.len(), expected.len(), "{case}: bytes");
    assert!(found == expected, "{case}: other bytes");
}

#[test]
fn no_output_is_lost() {
    let much = flood(5_000_000);
    for case in cases() {
        for _ in 0..3 {
            let outcome = case.probe(&["-t"], &["flood", "5000000"]);
            assert_same(outcome.output(case).as_bytes(), &much, case);
        }
        // The end of the command and its last words come together.
        for _ in 0..20 {
            let outcome = case.run(&["-t"], &["echo", "hello"]);
            assert_eq!(outcome.output(case), "hello\r\n", "{case}");
        }
    }
}

#[test]
fn no_output_is_lost_on_the_way_to_a_terminal() {
    let much = flood(1_000_000);
    for case in cases() {
        let command = [&probe_name(), "flood", "1000000"];
        let mut session = Session::mydocker(case, &["-ti"], &command);
        assert_eq!(session.end(), 0, "{session}");
        assert_same(session.seen(), &much, case);
    }
}

#[test]
fn no_output_is_lost_when_the_reader_is_slow() {
    // More than the pipe holds, and less than it and the container's terminal hold: so the
    // container is gone before anyone reads on.
    let expected = flood(6_000);
    for case in cases() {
        let (reader, writer) = pipe2(OFlag::O_CLOEXEC).unwrap();
        fcntl(&writer, FcntlArg::F_SETPIPE_SZ(4096)).unwrap();
        let (mut child, mark) = spawn(case, &[&probe_name(), "flood", "6000"], writer.into());
        let mut stdout = File::from(reader);
        // The first byte, or the container may not have begun.
        let mut found = vec![0];
        stdout.read_exact(&mut found).unwrap();
        assert!(eventually(|| marked(&mark).is_empty()), "{case}: it hangs");
        let mut part = [0; 1000];
        loop {
            match stdout.read(&mut part).unwrap() {
                0 => break,
                count => found.extend(&part[..count]),
            }
            std::thread::sleep(Duration::from_micros(500));
        }
        assert_same(&found, &expected, case);
        assert_eq!(wait(&mut child).and_then(|status| status.code()), Some(0));
    }
}

/// Only a signal that asks for the end is a reason not to wait for a reader.
#[test]
fn no_output_is_lost_after_a_signal_that_the_container_handles() {
    let expected = format!("ready\r\n{}", flood(6_000));
    let name = probe_name();
    let script =
        format!("trap '{name} flood 6000; exit 3' USR1; echo ready; while :; do sleep 0.1; done");
    for case in cases() {
        let (reader, writer) = pipe2(OFlag::O_CLOEXEC).unwrap();
        fcntl(&writer, FcntlArg::F_SETPIPE_SZ(4096)).unwrap();
        let (mut child, mark) = spawn(case, &["sh", "-c", &script], writer.into());
        let mut stdout = File::from(reader);
        let mut found = vec![0; 7];
        stdout.read_exact(&mut found).unwrap();
        kill(child.id(), Signal::SIGUSR1);
        assert!(eventually(|| marked(&mark).is_empty()), "{case}: it hangs");
        // Time for a mydocker that is not patient to lose its patience; any time is right.
        std::thread::sleep(Duration::from_secs(1));
        stdout.read_to_end(&mut found).unwrap();
        assert_same(&found, &expected, case);
        assert_eq!(wait(&mut child).and_then(|status| status.code()), Some(3));
    }
}

#[test]
fn no_input_is_lost() {
    let lines = "0123456789abcde\n".repeat(20_000);
    let scratch = Scratch::new();
    std::fs::write(scratch.file("input"), &lines).unwrap();
    for case in cases() {
        let stdin = Stdio::from(File::open(scratch.file("input")).unwrap());
        let script = "stty -echo; wc; exit 8";
        let outcome = run_with(case, stdin, &["-ti"], &["sh", "-c", script]);
        // Before it, what was echoed until stty had its way.
        let words: Vec<&str> = outcome.stdout.split_whitespace().collect();
        let counts = &words[words.len() - 3..];
        assert_eq!(counts, ["20000", "20000", "320000"], "{case}");
        assert_eq!(outcome.code(), Some(8), "{case}");
    }
}

/// `mydocker run -t COMMAND` at work, and its mark.
fn spawn(case: Case, command: &[&str], stdout: Stdio) -> (Child, String) {
    let mark = mark();
    let variable = format!("MARK={mark}");
    let mut command = case.command(&["-t", "-e", &variable], command);
    command.stdout(stdout);
    (command.spawn().unwrap(), mark)
}

/// The processor time that mydocker uses in a second in which it has nothing to do.
fn idle_ticks(pid: u32) -> u64 {
    let before = ticks(pid);
    std::thread::sleep(Duration::from_secs(1));
    ticks(pid) - before
}

#[test]
fn a_stopped_reader_costs_no_processor_time_and_delays_no_signal() {
    let name = probe_name();
    let command = [&name, "flood", "100000000"];
    for case in cases() {
        // Nobody reads the one end, and the other tells when it is full.
        let (_reader, writer) = pipe2(OFlag::O_CLOEXEC).unwrap();
        let (mut child, mark) = spawn(case, &command, writer.try_clone().unwrap().into());
        assert!(eventually(|| is_full(&writer)), "{case}");
        let used = idle_ticks(child.id());
        assert!(used < 20, "{case}: {used} ticks");
        kill(child.id(), Signal::SIGTERM);
        let status = wait(&mut child).unwrap_or_else(|| panic!("{case}: it does not end"));
        assert_eq!(shell_code(status), 143, "{case}");
        assert!(eventually(|| marked(&mark).is_empty()), "{case}");
    }
}

fn is_full(writer: &impl AsFd) -> bool {
    let mut waiting = [PollFd::new(writer.as_fd(), PollFlags::POLLOUT)];
    poll(&mut waiting, PollTimeout::ZERO).unwrap() == 0
}

#[test]
fn a_stopped_terminal_costs_no_processor_time_and_delays_no_signal() {
    let command = [&probe_name(), "flood", "100000000"];
    for case in cases() {
        let mut session = Session::mydocker(case, &["-ti"], &command);
        session.expect("0123456789");
        // As ^S does where it is not a key of the container's terminal.
        tcflow(session.slave(), FlowArg::TCOOFF).unwrap();
        let used = idle_ticks(session.pid());
        assert!(used < 20, "{case}: {used} ticks");
        kill(session.pid(), Signal::SIGTERM);
        session.wait();
        tcflow(session.slave(), FlowArg::TCOON).unwrap();
        assert_eq!(session.end(), 143, "{session}");
    }
}

#[test]
fn a_container_ends_with_the_reader_of_its_output() {
    let name = probe_name();
    for case in cases() {
        for command in [&[&name, "flood", "1000000000"][..], &["yes"]] {
            let (mut child, mark) = spawn(case, command, Stdio::piped());
            let mut line = String::new();
            let mut reader = BufReader::new(child.stdout.take().unwrap());
            reader.read_line(&mut line).unwrap();
            assert!(line.ends_with("\r\n"), "{case}: {line:?}");
            drop(reader);
            let status = wait(&mut child).unwrap_or_else(|| panic!("{case}: it does not end"));
            // As a terminal hangs up.
            assert_eq!(shell_code(status), 129, "{case}");
            assert!(eventually(|| marked(&mark).is_empty()), "{case}");
        }
    }
}

#[test]
fn without_t_the_container_has_no_terminal() {
    let script = "tty; if true < /dev/tty; then echo opened; else echo refused; fi";
    for case in cases() {
        let mut session = Session::mydocker(case, &["-i"], &["sh", "-c", script]);
        // Not as stdin either: mydocker relays.
        session.expect("not a tty");
        session.expect("refused");
        session.assert_restored();
        assert_eq!(session.end(), 0, "{session}");
    }
}

#[test]
fn a_container_cannot_type_into_the_callers_terminal() {
    let script = "my $key = 'x'; print ioctl(STDIN, 0x5412, $key) ? 'typed' : 'refused'";
    let command = ["perl", "-e", script];
    // Not for root: with the host's CAP_SYS_ADMIN one may type into any terminal.
    for case in ordinary_cases() {
        let mut outside = Session::new(case, mark(), &command.map(Into::into));
        outside.end();
        if !outside.seen().ends_with(b"typed") {
            skip("perl is not installed, or nobody may type for others here (TIOCSTI)");
            return;
        }
        let mut session = Session::mydocker(case, &["-i"], &command);
        session.expect("refused");
        session.end();
    }
}

#[test]
fn a_screen_editor_works() {
    let has_vi = Command::new("busybox")
        .arg("--list")
        .output()
        .is_ok_and(|output| {
            output
                .stdout
                .split(|byte| *byte == b'\n')
                .any(|line| line == b"vi")
        });
    if !has_vi {
        skip("busybox is not installed, or has no vi");
        return;
    }
    for case in cases() {
        let scratch = Scratch::new();
        let file = scratch.file("text");
        let mut session = Session::mydocker(case, &["-ti"], &["busybox", "vi", &file]);
        // How it shows that there are no lines.
        session.expect("~");
        session.type_keys("ihello, wolrd\rsecond line");
        session.expect("second line");
        // The escape key by itself, or it would be the beginning of an escape sequence. The line
        // at the bottom says that it was understood.
        session.type_keys("\x1b");
        session.expect("\x1b[K- ");
        session.type_keys("1G$hhxp");
        session.type_keys(":wq\r");
        assert_eq!(session.end(), 0, "{session}");
        let written = std::fs::read_to_string(&file).unwrap();
        assert_eq!(written, "hello, world\nsecond line\n", "{session}");
    }
}
