//! The caller's terminal without -t: whoever has it open reads what is typed there later, and can change its modes, its
//! owner and who may write to it.

use crate::common::pty::*;
use crate::common::tree::*;
use crate::common::*;
use nix::sys::termios::{FlowArg, tcflow};

/// Says what each of 0, 1 and 2 is, and takes what can be had by it. (Its own errors stay where they are: a shell that sends
/// them to /dev/null may do so by its own descriptor, which is the host's file then.)
const ATTACK: &str = "
    for number in 0 1 2; do
        echo $number is $(readlink /proc/$$/fd/$number).
        # The null device, by whatever name: without a root it is the host's, which is not to be changed by a test.
        [ \"$(stat -L -c %t:%T /proc/$$/fd/$number)\" = 1:3 ] && continue
        chmod 777 /proc/$$/fd/$number
        chown 12 /proc/$$/fd/$number
        stty -echo < /proc/$$/fd/$number
    done
    (echo typed at me > /dev/tty) 2> /dev/null || echo no terminal
    echo finis''hed";

#[test]
fn the_callers_terminal_is_not_handed_down() {
    for case in cases() {
        for options in [&[][..], &["-i"], &["--init"], &["--pid=host"]] {
            let mut session = Session::mydocker(case, options, &["sh", "-c", ATTACK]);
            session.expect("0 is ");
            session.expect("no terminal");
            session.expect("finished");
            // Which says that the modes are those from before.
            assert_eq!(session.end(), 0, "{session} {options:?}");
            let seen = String::from_utf8_lossy(session.seen()).into_owned();
            assert!(!seen.contains(session.name()), "{session} {options:?}");
            for output in ["1 is pipe:", "2 is pipe:"] {
                assert!(seen.contains(output), "{session} {options:?}");
            }
        }
    }
}

#[test]
fn nor_with_a_root() {
    each(|case, tree| {
        let root = tree.name();
        let script =
            "readlink /proc/$$/fd/0; readlink /proc/$$/fd/1 >&2; readlink /proc/$$/fd/2; exit 3";
        let mut session = Session::mydocker(case, &["--rootfs", &root], &["sh", "-c", script]);
        session.expect("/dev/null");
        session.expect("pipe:");
        session.expect("pipe:");
        assert_eq!(session.end(), 3, "{session}");
    });
}

/// A container in the background reads at every descriptor that it has.
#[test]
fn what_is_typed_at_the_shell_is_the_shells() {
    for case in cases() {
        let mut session = Session::bash(case);
        let line = session.line(
            "",
            "sh -c 'for n in 0 1 2; do cat <&$n & done; echo rea\"\"dy; exec sleep 1000'",
        );
        session.type_line(&format!("{line} 2> /dev/tty &"));
        session.expect("ready");
        for number in 0..20 {
            session.type_line(&format!("echo sh''ell-{number}"));
            session.expect(&format!("shell-{number}"));
        }
        session.type_line("kill %1; wait %1; exit 5");
        assert_eq!(session.end(), 5, "{session}");
    }
}

#[test]
fn with_i_what_is_typed_comes_in_and_its_end_too() {
    for case in cases() {
        let script =
            "echo rea''dy; while read line; do echo got $line.; done; echo the end; exit 4";
        let mut session = Session::mydocker(case, &["-i"], &["sh", "-c", script]);
        session.expect("ready");
        // Line by line, as the terminal has them, with its own editing.
        session.type_line("hello");
        session.expect("got hello.");
        session.type_keys("wrolx\x15world\n");
        session.expect("got world.");
        session.type_keys("\x04");
        session.expect("the end");
        assert_eq!(session.end(), 4, "{session}");
    }
}

/// As with any job: it reads when it is in the foreground.
#[test]
fn with_i_a_container_in_the_background_reads_nothing_until_fg() {
    for case in cases() {
        let mut session = Session::bash(case);
        let line = session.line("-i", "sh -c 'echo rea\"\"dy; read line; echo got $line.'");
        session.type_line(&format!("{line} &"));
        session.expect("ready");
        for number in 0..5 {
            session.type_line(&format!("echo sh''ell-{number}"));
            session.expect(&format!("shell-{number}"));
        }
        session.type_line("fg");
        session.type_line("this");
        session.expect("got this.");
        session.expect(OUTSIDE);
        session.type_line("exit 5");
        assert_eq!(session.end(), 5, "{session}");
    }
}

#[test]
fn stdout_and_stderr_keep_their_order() {
    let script = "n=0; while test $n -lt 500; do echo out $n; echo err $n >&2; n=$((n+1)); done";
    let lines = |number| format!("out {number}\r\nerr {number}\r\n");
    let expected: String = (0..500).map(lines).collect();
    for case in cases() {
        let mut session = Session::mydocker(case, &[], &["sh", "-c", script]);
        assert_eq!(session.end(), 0, "{session}");
        let seen = String::from_utf8_lossy(session.seen());
        assert!(seen == expected, "{session}: another order");
    }
}

/// Only what is a terminal is replaced.
#[test]
fn a_pipe_beside_the_terminal_stays_the_callers_own() {
    for case in cases() {
        let mut session = Session::bash(case);
        let script = "readlink /proc/$$/fd/1; readlink /proc/$$/fd/2; echo to-the-''terminal >&2";
        let line = session.line("", &format!("sh -c '{script}'"));
        session.type_line(&format!(
            "readlink /proc/self/fd/1 | (read a; {line}) | sed s/^/[/"
        ));
        session.expect("to-the-terminal");
        session.expect(OUTSIDE);
        // The reader has gone, and the container's writer is told by the kernel itself.
        let line = session.line("", "sh -c 'yes; echo st\"\"atus $? >&2'");
        session.type_line(&format!("{line} | head -n 1"));
        session.expect("y\r\n");
        session.expect("status 1");
        session.expect(OUTSIDE);
        session.type_line("exit 5");
        assert_eq!(session.end(), 5, "{session}");
    }
}

#[test]
fn no_output_is_lost_on_the_way() {
    for case in cases() {
        let command = [&probe_name(), "flood", "1000000"];
        let mut session = Session::mydocker(case, &[], &command);
        assert_eq!(session.end(), 0, "{session}");
        let lines = session.seen().iter().filter(|byte| **byte == b'\n').count();
        assert_eq!(session.seen().len() - lines, 1_000_000, "{case}");
    }
}

#[test]
fn a_stopped_terminal_costs_no_processor_time_and_delays_no_signal() {
    let command = [&probe_name(), "flood", "100000000"];
    for case in cases() {
        let mut session = Session::mydocker(case, &[], &command);
        session.expect("0123456789");
        tcflow(session.slave(), FlowArg::TCOOFF).unwrap();
        let before = ticks(session.pid());
        std::thread::sleep(std::time::Duration::from_secs(1));
        let used = ticks(session.pid()) - before;
        assert!(used < 20, "{case}: {used} ticks");
        kill(session.pid(), Signal::SIGTERM);
        session.wait();
        tcflow(session.slave(), FlowArg::TCOON).unwrap();
        assert_eq!(session.end(), 143, "{session}");
    }
}

/// Another process still has the pipe when the command has ended.
#[test]
fn what_is_left_behind_does_not_keep_mydocker() {
    for case in cases() {
        for options in [&[][..], &["--init"], &["--pid=host"]] {
            let script = "(setsid sleep 1000 &) & echo rea''dy; exit 6";
            let mut session = Session::mydocker(case, options, &["sh", "-c", script]);
            session.expect("ready");
            assert_eq!(session.end(), 6, "{session} {options:?}");
        }
    }
}

/// The pipes that a process has open.
fn pipes(pid: u32) -> Vec<std::path::PathBuf> {
    let directory = std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap();
    let links = directory
        .flatten()
        .flat_map(|entry| std::fs::read_link(entry.path()));
    links
        .filter(|target| target.to_string_lossy().starts_with("pipe:"))
        .collect()
}

/// With its reading end closed the container takes no more, and what is typed stays the shell's.
#[test]
fn a_container_that_has_closed_its_input_takes_nothing_more() {
    // No one else may look at the descriptors of a process that cannot be dumped.
    if root_cases().is_empty() {
        return;
    }
    for case in cases() {
        let mut session = Session::bash(case);
        let script = "exec 0<&-; trap exit USR1; echo rea\"\"dy; while :; do sleep 0.1; done";
        let line = session.line("-i", &format!("sh -c '{script}'"));
        session.type_line(&line);
        session.expect("ready");
        // Not one of those that it starts, whose pids may be lower when the numbers have begun anew.
        let is_shell = |pid: &u32| {
            let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
            let parent = status.lines().find_map(|line| line.strip_prefix("PPid:\t"));
            let name = std::fs::read(format!("/proc/{}/comm", parent.unwrap_or("0")));
            name.is_ok_and(|name| name == b"mydocker\n")
        };
        let shell = session.container().into_iter().find(is_shell).expect("it");
        let mydocker = parent(shell);
        // It has closed its end of the one pipe, and has that of the output left.
        let wants_none = || {
            let of_shell = pipes(session.pid());
            let own = pipes(mydocker)
                .into_iter()
                .filter(|pipe| !of_shell.contains(pipe));
            own.count() == 1
        };
        assert!(eventually(wants_none), "{session}");
        session.type_line("echo for the sh''ell");
        kill(shell, Signal::SIGUSR1);
        session.expect("for the shell");
        session.expect(OUTSIDE);
        session.type_line("exit 5");
        assert_eq!(session.end(), 5, "{session}");
    }
}
