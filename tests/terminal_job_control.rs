//! Job control: of a shell in the container, and of the shell that calls mydocker.

mod common;

use common::pty::*;
use common::*;

/// A job that says when it runs and when it was continued, which is when it is in the foreground
/// or the background for good. Not in sh where that is dash: it starts programs by vfork, and waits
/// there, unstoppable, for a child that ^Z has stopped before its execve.
const JOB: &str =
    "bash -c 'trap \"echo cont\"inued CONT; echo run\"\"ning; while :; do sleep 0.1; done'";

const SHELLS: [&[&str]; 3] = [
    &["sh"],
    &["bash", "--norc", "-i"],
    &["bash", "--norc", "--noediting", "-i"],
];

fn shell(case: Case, options: &[&str], shell: &[&str]) -> Session {
    let options = [&["-ti"], options, &SHELL[..]].concat();
    let mut session = Session::mydocker(case, &options, shell);
    session.expect(INSIDE);
    session
}

#[test]
fn ctrl_c_interrupts_what_a_shell_runs_and_not_the_shell() {
    for case in cases() {
        for options in [&[][..], &["--init"]] {
            for words in SHELLS {
                let mut session = shell(case, options, words);
                session.type_line(&format!("({})", sleeper()));
                session.expect("ready");
                session.type_keys("\x03");
                session.expect(INSIDE);
                session.type_line("echo status $?.");
                session.expect("status 130.");
                // At the prompt, where the shell itself is in the foreground.
                session.expect(INSIDE);
                session.type_keys("\x03");
                session.expect("^C");
                // A shell that was not reading yet looks at its signals after a line.
                session.type_line("");
                session.expect(INSIDE);
                session.type_line("exit 5");
                assert_eq!(session.end(), 5, "{session}");
            }
        }
    }
}

#[test]
fn a_shell_in_the_container_has_job_control() {
    for case in cases() {
        for words in SHELLS {
            let mut session = shell(case, &[], words);
            session.type_line(JOB);
            session.expect("running");
            session.type_keys("\x1a");
            session.expect("Stopped");
            session.expect(INSIDE);
            session.type_line("fg");
            session.expect("continued");
            session.type_keys("\x1a");
            session.expect("Stopped");
            session.expect(INSIDE);
            session.type_line("jobs");
            session.expect("Stopped");
            session.expect(INSIDE);
            session.type_line("bg");
            session.expect("continued");
            session.type_line("jobs");
            session.expect("Running");
            session.type_line("kill %1; wait %1; echo st''atus $?.");
            session.expect("status 143.");
            session.type_line("exit 5");
            assert_eq!(session.end(), 5, "{session}");
        }
    }
}

#[test]
fn a_start_in_the_background_does_not_hang() {
    for case in cases() {
        let mut session = Session::bash(case);
        // Neither reading nor writing stops it: the echo of what is typed has the quotes.
        let line = session.line("-ti", "echo sh''own");
        session.type_line(&format!("{line} & wait $!; echo st''atus $?."));
        session.expect("shown");
        session.expect("status 0.");
        session.expect(OUTSIDE);
        session.assert_restored();
        session.type_line("exit 5");
        assert_eq!(session.end(), 5, "{session}");
    }
}

/// bash sends no SIGCONT to a job that it thinks is running.
#[test]
fn a_container_started_in_the_background_can_be_brought_to_the_foreground() {
    for case in cases() {
        let mut session = Session::bash(case);
        let line = session.line("-ti -e 'PS1=inside''> '", "sh");
        session.type_line(&format!("{line} &"));
        // The terminal is still the shell's.
        session.expect(INSIDE);
        session.assert_restored();
        session.type_line("echo out''side $$.");
        session.expect("outside ");
        session.type_line("fg");
        session.wait_until_raw();
        session.type_line("echo ins''ide $$.");
        session.expect("inside 1.");
        session.type_line("exit 7");
        session.expect(OUTSIDE);
        session.assert_restored();
        session.type_line("echo st''atus $?.");
        session.expect("status 7.");
        session.type_line("exit 5");
        assert_eq!(session.end(), 5, "{session}");
    }
}

#[test]
fn a_stopped_mydocker_gives_the_terminal_back() {
    for case in cases() {
        let mut session = Session::bash(case);
        let line = session.line("-ti -e 'PS1=inside''> '", "sh");
        session.type_line(&line);
        session.expect(INSIDE);
        assert!(session.is_raw(), "{session}");
        let mydocker = parent(session.container()[0]);
        // Twice: the second stop must find what to restore as well.
        for _ in 0..2 {
            kill(mydocker, Signal::SIGTSTP);
            session.expect("Stopped");
            session.expect(OUTSIDE);
            assert!(is_stopped(mydocker), "{session}");
            session.assert_restored();
            session.resize(31, 97);
            session.type_line("fg");
            session.wait_until_raw();
            session.type_line("echo ins''ide $$ $(stty size).");
            session.expect("inside 1 31 97.");
        }
        // To the background, where the terminal is the shell's, and to the foreground again.
        kill(mydocker, Signal::SIGTSTP);
        session.expect("Stopped");
        session.expect(OUTSIDE);
        session.type_line("bg; echo in the back''ground");
        session.expect("in the background");
        session.expect(OUTSIDE);
        session.assert_restored();
        session.type_line("fg");
        session.wait_until_raw();
        session.type_line("exit 7");
        session.expect(OUTSIDE);
        session.assert_restored();
        session.type_line("exit 5");
        assert_eq!(session.end(), 5, "{session}");
    }
}

/// A parent that puts its child into the foreground and has nothing more to do with the terminal.
const PARENT: &str = "use POSIX;
    if ($pid = fork) { waitpid $pid, 0; exit $? >> 8 }
    setpgid 0, 0; $SIG{TTOU} = 'IGNORE'; tcsetpgrp 0, $$; $SIG{TTOU} = 'DEFAULT';
    exec @ARGV";

/// The only one.
fn child(pid: u32) -> u32 {
    let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap();
    children.trim().parse().unwrap()
}

/// The same without a shell around it, which would put the terminal's modes right by itself.
#[test]
fn a_stopped_mydocker_gives_the_terminal_back_by_itself() {
    if std::process::Command::new("perl")
        .arg("-v")
        .output()
        .is_err()
    {
        skip("perl is not installed");
        return;
    }
    for case in cases() {
        let options = [&["-ti"], &SHELL[..]].concat();
        let mut session = Session::wrapped(case, &["perl", "-e", PARENT], &options, &["sh"]);
        session.expect(INSIDE);
        // (A box's parent is its pool.)
        let mydocker = child(session.pid());
        for _ in 0..2 {
            assert!(session.is_raw(), "{session}");
            kill(mydocker, Signal::SIGTSTP);
            assert!(eventually(|| is_stopped(mydocker)), "{session}");
            session.assert_restored();
            kill(mydocker, Signal::SIGCONT);
            session.wait_until_raw();
            session.type_line("echo ins''ide $$.");
            session.expect("inside 1.");
        }
        session.type_line("exit 5");
        assert_eq!(session.end(), 5, "{session}");
    }
}

/// Where nobody could continue it the kernel does not stop a process for SIGTSTP: an orphaned
/// process group, as that of a session's leader.
#[test]
fn a_mydocker_that_no_shell_could_continue_goes_on() {
    for case in cases() {
        let mut session = shell(case, &[], &["sh"]);
        for _ in 0..2 {
            kill(session.pid(), Signal::SIGTSTP);
            session.type_line("echo ins''ide $$.");
            session.expect("inside 1.");
            session.wait_until_raw();
        }
        session.type_line("exit 5");
        assert_eq!(session.end(), 5, "{session}");
    }
}
