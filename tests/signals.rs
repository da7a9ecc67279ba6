//! Signals that are sent to mydocker, and the exit codes that it reports.

mod common;
use common::*;
use nix::sys::signal::Signal::*;
use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};

/// The signals that end a process which does nothing about them.
const ENDING: [Signal; 6] = [SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2];

/// All that are handed on; SIGTERM last, because it ends `probe wait-signals`.
const HANDED_ON: [Signal; 8] = [
    SIGHUP, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2, SIGCONT, SIGWINCH, SIGTERM,
];

/// A command that says that it runs, and then does nothing about any signal. (Not a shell that
/// becomes one: dash catches SIGINT until it does.)
fn sleeper() -> [&'static str; 3] {
    static PROBE: OnceLock<String> = OnceLock::new();
    [PROBE.get_or_init(probe_name), "orphans", "0"]
}

/// Every case with each of these options.
fn ways<'a>(options: &'a [&'a [&'a str]]) -> impl Iterator<Item = (Case, &'a [&'a str])> {
    let with = |case| options.iter().map(move |options| (case, *options));
    cases().into_iter().flat_map(with)
}

/// A mydocker at work.
struct Running {
    child: Child,
    lines: Receiver<String>,
    mark: String,
}

impl Running {
    fn start(case: Case, options: &[&str], command: &[&str]) -> Self {
        Self::wrapped(case, &[], options, command)
    }

    fn wrapped(case: Case, wrapper: &[&str], options: &[&str], command: &[&str]) -> Self {
        let mark = mark();
        let variable = format!("MARK={mark}");
        let options = [&["-e", &variable], options].concat();
        let mut child = case
            .wrapped(wrapper, &options, command)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        // Read by a thread, so that a line which never comes is a failure and not a test that hangs.
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in stdout.lines() {
                let _ = sender.send(line.unwrap());
            }
        });
        Self { child, lines, mark }
    }

    /// `probe wait-signals` for all signals, ready.
    fn waiting_for_signals(case: Case, wrapper: &[&str], options: &[&str]) -> Self {
        let probe = probe_name();
        let names = HANDED_ON.map(Signal::as_str);
        let command = [&[&probe, "wait-signals", "ready"], &names[..]].concat();
        let running = Self::wrapped(case, wrapper, options, &command);
        assert_eq!(running.line(), "ready", "{case} {wrapper:?} {options:?}");
        running
    }

    /// A container whose command has said that it is ready.
    fn ready(case: Case, options: &[&str], command: &[&str]) -> Self {
        let running = Self::start(case, options, command);
        assert_eq!(running.line(), "ready", "{case} {options:?}");
        running
    }

    #[track_caller]
    fn line(&self) -> String {
        self.lines.recv_timeout(PATIENCE).expect("a line")
    }

    fn send(&self, signal: Signal) {
        kill(self.child.id(), signal);
    }

    /// Sends a signal and waits until mydocker has taken it. What is sent after that is handed on
    /// after it; of two that are pending the lower number would be taken first.
    #[track_caller]
    fn send_and_see_taken(&self, signal: Signal) {
        self.send(signal);
        let status = format!("/proc/{}/status", self.child.id());
        let taken = || {
            let status = std::fs::read_to_string(&status).unwrap();
            status.contains("ShdPnd:\t0000000000000000\n")
        };
        assert!(eventually(taken), "{signal} is never taken");
    }

    /// The exit code of a mydocker that has left nothing behind. One that a signal ends has none.
    #[track_caller]
    fn end(mut self) -> Option<i32> {
        let code = wait(&mut self.child).expect("it hangs").code();
        assert_eq!(marked(&self.mark), [0; 0], "left behind");
        code
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // After a failed assertion. The container goes with it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn code_of(signal: Signal) -> Option<i32> {
    Some(128 + signal as i32)
}

/// `sh -c` of `script`, and then for ever waiting for signals: `wait` is what a trap interrupts.
fn then_wait(script: &str) -> String {
    format!("{script}; sleep 1000 & echo ready; while :; do wait; done")
}

#[test]
fn signals_reach_a_command_that_waits_for_them() {
    for (case, options) in ways(&[&[], &["--init"], &["-u", "1000"], &["--pid=host"]]) {
        let running = Running::waiting_for_signals(case, &[], options);
        for signal in HANDED_ON {
            running.send(signal);
            assert_eq!(running.line(), signal.as_str(), "{case} {options:?}");
        }
        assert_eq!(running.end(), Some(0), "{case} {options:?}");
    }
}

/// Each finds the command on its way out of sigwait(3), or into it.
#[test]
fn signals_in_quick_succession_all_reach_a_command_that_waits_for_them() {
    for (case, options) in ways(&[&[], &["--init"], &["--pid=host"]]) {
        for _ in 0..20 {
            let running = Running::waiting_for_signals(case, &[], options);
            HANDED_ON[..5].iter().for_each(|one| running.send(*one));
            let mut lines: Vec<String> = (0..5).map(|_| running.line()).collect();
            lines.sort_unstable();
            let mut names: Vec<&str> = HANDED_ON[..5].iter().map(|one| one.as_str()).collect();
            names.sort_unstable();
            assert_eq!(lines, names, "{case} {options:?}");
            running.send(SIGTERM);
            assert_eq!(running.end(), Some(0), "{case} {options:?}");
        }
    }
}

#[test]
fn signals_reach_a_command_that_handles_them() {
    let mut traps = String::from("trap 'echo SIGTERM; exit 7' TERM");
    for signal in &HANDED_ON[..7] {
        let name = signal.as_str();
        traps.push_str(&format!("; trap 'echo {name}' {}", &name[3..]));
    }
    let script = then_wait(&traps);
    for (case, options) in ways(&[&[], &["--init"]]) {
        let running = Running::ready(case, options, &["sh", "-c", &script]);
        for signal in HANDED_ON {
            running.send(signal);
            assert_eq!(running.line(), signal.as_str(), "{case} {options:?}");
        }
        assert_eq!(running.end(), Some(7), "{case} {options:?}");
    }
}

/// The kernel spares a PID 1 the signals that it has no handler for; people expect the end.
#[test]
fn signals_end_a_command_that_does_nothing_about_them() {
    for (case, options) in ways(&[&[], &["--init"], &["-u", "1000"], &["--pid=host"]]) {
        for signal in ENDING {
            let running = Running::ready(case, options, &sleeper());
            running.send(signal);
            assert_eq!(running.end(), code_of(signal), "{case} {options:?}");
        }
    }
}

#[test]
fn a_signal_ends_a_command_that_waits_for_another() {
    let probe = probe_name();
    for (case, options) in ways(&[&[], &["--init"]]) {
        let command = [&probe, "wait-signals", "ready", "SIGHUP"];
        let running = Running::ready(case, options, &command);
        running.send(SIGUSR1);
        assert_eq!(running.end(), code_of(SIGUSR1), "{case} {options:?}");
    }
}

/// Of a program that may not be read the kernel shows an ordinary user little.
#[test]
fn a_signal_ends_a_command_that_may_not_be_read() {
    use std::os::unix::fs::PermissionsExt;
    let scratch = Scratch::new();
    let copy = scratch.file("probe");
    copy_program(&probe(), copy.as_ref());
    std::fs::set_permissions(&copy, std::fs::Permissions::from_mode(0o711)).unwrap();
    for case in cases() {
        let running = Running::ready(case, &[], &[&copy, "orphans", "0"]);
        running.send(SIGTERM);
        assert_eq!(running.end(), code_of(SIGTERM), "{case}");
    }
}

#[test]
fn signals_that_end_no_process_do_not_end_a_container() {
    for (case, options) in ways(&[&[], &["--init"], &["--pid=host"]]) {
        let running = Running::ready(case, options, &sleeper());
        running.send_and_see_taken(SIGCONT);
        running.send_and_see_taken(SIGWINCH);
        running.send(SIGTERM);
        let code = running.end();
        assert_eq!(code, code_of(SIGTERM), "{case} {options:?}");
    }
}

#[test]
fn an_ignored_signal_does_not_end_the_command() {
    let script = then_wait("trap '' TERM; trap 'exit 6' USR1");
    for (case, options) in ways(&[&[], &["--init"]]) {
        let running = Running::ready(case, options, &["sh", "-c", &script]);
        running.send_and_see_taken(SIGTERM);
        running.send(SIGUSR1);
        assert_eq!(running.end(), Some(6), "{case} {options:?}");
    }
}

#[test]
fn with_init_the_command_is_pid_2_and_pid_1_is_another() {
    for case in cases() {
        let script = "echo $$ $PPID; cat /proc/1/comm; kill -KILL 1; echo alive";
        let outcome = case.run(&["--init"], &["sh", "-c", script]);
        let lines: Vec<&str> = outcome.output(case).lines().collect();
        assert_eq!([lines[0], lines[2]], ["2 1", "alive"], "{case}");
        // By re-exec it has the name of the link that was executed.
        assert!(["mydocker", "exe"].contains(&lines[1]), "{case}: {lines:?}");
    }
}

#[test]
fn with_init_a_signal_from_inside_reaches_the_command() {
    let script = "trap 'exit 4' TERM; kill -TERM 1; sleep 1000 & while :; do wait; done";
    for case in cases() {
        let outcome = case.run(&["--init"], &["sh", "-c", script]);
        assert_eq!(outcome.code(), Some(4), "{case}: {outcome:?}");
    }
}

#[test]
fn with_init_orphans_are_reaped() {
    // The substitution's shell, their parent, is gone when it has been read. A process that nobody
    // waits for stays in /proc, so the loop would not end.
    let script = "
        orphans=$(for n in 1 2 3 4 5 6 7 8 9 10; do sleep 1000 >&- & echo $!; done)
        for orphan in $orphans; do
            read -r pid name state parent rest < /proc/$orphan/stat
            test $parent = 1 || echo its parent is $parent
        done
        kill $orphans
        for orphan in $orphans; do while test -e /proc/$orphan; do :; done; done
        # More that end by themselves, at the same time.
        (for n in 1 2 3 4 5 6 7 8 9 10; do (true &) & done)
        while grep -qs '^[0-9]* ([^)]*) Z' /proc/[0-9]*/stat; do :; done
        echo reaped";
    for case in cases() {
        let outcome = case.run(&["--init"], &["sh", "-c", script]);
        assert_eq!(outcome.output(case), "reaped\n", "{case}: {outcome:?}");
    }
}

#[test]
fn with_init_the_reader_sees_the_end_of_a_closed_output() {
    for case in cases() {
        let script = "echo ready; exec > /dev/null; exec sleep 1000";
        let running = Running::ready(case, &["--init"], &["sh", "-c", script]);
        let end = running.lines.recv_timeout(PATIENCE);
        assert_eq!(end, Err(RecvTimeoutError::Disconnected), "{case}");
        running.send(SIGTERM);
        assert_eq!(running.end(), code_of(SIGTERM), "{case}");
    }
}

/// As nohup(1) starts it, or a shell in the background.
#[test]
fn what_the_caller_ignores_is_not_handed_on() {
    let ignored = [SIGHUP, SIGINT, SIGQUIT];
    let wrapper = [&["ignoring"][..], &ignored.map(Signal::as_str)].concat();
    for (case, options) in ways(&[&[], &["--init"]]) {
        let running = Running::waiting_for_signals(case, &wrapper, options);
        // All of these have lower numbers than the one that is handed on, so they would be
        // taken first.
        ignored.iter().for_each(|signal| running.send(*signal));
        running.send(SIGTERM);
        assert_eq!(running.line(), "SIGTERM", "{case} {options:?}");
        assert_eq!(running.end(), Some(0), "{case} {options:?}");

        let running = Running::wrapped(case, &wrapper, options, &sleeper());
        assert_eq!(running.line(), "ready", "{case} {options:?}");
        ignored.iter().for_each(|signal| running.send(*signal));
        running.send(SIGTERM);
        let code = running.end();
        assert_eq!(code, code_of(SIGTERM), "{case} {options:?}");
    }
}

#[test]
fn what_the_caller_blocks_is_handed_on() {
    let wrapper = [&["blocking"][..], &HANDED_ON.map(Signal::as_str)].concat();
    for (case, options) in ways(&[&[], &["--init"]]) {
        let running = Running::waiting_for_signals(case, &wrapper, options);
        for signal in HANDED_ON {
            running.send(signal);
            assert_eq!(running.line(), signal.as_str(), "{case} {options:?}");
        }
        assert_eq!(running.end(), Some(0), "{case} {options:?}");
    }
}

/// Where SIGCHLD is ignored the kernel reaps children by itself, and their codes are lost.
#[test]
fn exit_codes_are_right_where_the_caller_ignores_or_blocks_sigchld() {
    for case in cases() {
        for verb in ["ignoring", "blocking"] {
            for options in [&[][..], &["--init"], &["-t"], &["--pid=host"]] {
                for code in [0, 7] {
                    let script = format!("true; exit {code}");
                    let command = ["sh", "-c", &script];
                    let outcome = finish(case.wrapped(&[verb, "SIGCHLD"], options, &command));
                    let told = outcome.code();
                    assert_eq!(told, Some(code), "{case} {verb} {options:?}: {outcome:?}");
                }
            }
        }
    }
}

#[test]
fn the_exit_code_is_the_commands_own() {
    for (case, options) in ways(&[&[], &["--init"], &["-t"], &["--pid=host"]]) {
        for code in [0, 1, 7, 255] {
            let outcome = case.run(options, &["sh", "-c", &format!("exit {code}")]);
            assert_eq!(outcome.code(), Some(code), "{case} {options:?}");
        }
    }
}

/// Not as PID 1, which the kernel would spare.
#[test]
fn a_command_that_a_signal_ends_is_told_by_its_number() {
    for (case, options) in ways(&[&["--init"], &["--pid=host"], &["--init", "-t"]]) {
        for signal in ["KILL", "SEGV", "ABRT", "TERM", "PIPE", "USR2"] {
            let script = format!("kill -{signal} $$; exit 3");
            let outcome = case.run(options, &["sh", "-c", &script]);
            let expected = code_of(format!("SIG{signal}").parse().unwrap());
            assert_eq!(outcome.code(), expected, "{case} {options:?} {signal}");
        }
    }
}

#[test]
fn a_container_that_is_killed_from_outside_is_told_by_the_number() {
    for (case, options) in ways(&[&[], &["--init"]]) {
        let running = Running::ready(case, options, &sleeper());
        // The reaper keeps no environment, so what is marked is the command.
        let command = marked(&running.mark);
        assert_eq!(command.len(), 1, "{case} {options:?}");
        kill(command[0], SIGKILL);
        assert_eq!(running.end(), code_of(SIGKILL), "{case} {options:?}");
    }
}

#[test]
fn failures_have_codes_of_their_own() {
    let scratch = Scratch::new();
    let garbage = scratch.file("garbage");
    write_program(&garbage, "garbage", 0o755);
    for case in cases() {
        for more in [&[][..], &["--init"], &["-t"], &["--pid=host"]] {
            for (code, options, command) in [
                (127, &[][..], "nowhere-at-all"),
                (127, &[], "/nowhere/at/all"),
                (127, &[], ""),
                (126, &[], "/etc"),
                (126, &[], "/etc/passwd"),
                (126, &[], &garbage),
                (125, &["-w", "/nowhere"], "true"),
                (125, &["-u", "nobody-at-all"], "true"),
                (125, &["--no-such-option"], "true"),
            ] {
                let outcome = case.run(&[more, options].concat(), &[command]);
                let told = outcome.code();
                assert_eq!(told, Some(code), "{case} {more:?} {command}: {outcome:?}");
                assert!(outcome.stderr.starts_with("mydocker: "), "{case}");
            }
        }
    }
}

#[test]
fn codes_of_many_runs_in_a_row_are_right() {
    for case in cases() {
        for code in 0..200 {
            let options = [&[][..], &["--init"], &["-u", "1000"], &["-t"]][code % 4];
            let outcome = case.run(options, &["sh", "-c", &format!("exit {code}")]);
            assert_eq!(
                outcome.code(),
                i32::try_from(code).ok(),
                "{case} {options:?}"
            );
        }
    }
}

/// Ever later after the start. How far mydocker gets meanwhile does not matter; that it is always
/// another place does.
fn linger(round: u32) {
    for _ in 0..30 * round * round {
        std::hint::spin_loop();
    }
}

#[test]
fn a_signal_at_any_moment_of_the_start_ends_it() {
    for case in cases() {
        let mark = mark();
        let variable = format!("MARK={mark}");
        for more in [
            &[][..],
            &["--init"],
            &["-u", "1000"],
            &["-t"],
            &["--pid=host"],
        ] {
            let options = [&["-e", &variable], more].concat();
            for round in 0..60 {
                // One that would never end by itself, and one that may be faster than the signal.
                for (command, accepted) in [("sleep", &[143][..]), ("true", &[143, 0])] {
                    let mut child = case
                        .command(&options, &[command, "1000"])
                        .env("MARK", &mark)
                        .stdout(Stdio::null())
                        .spawn()
                        .unwrap();
                    linger(round);
                    // It has not been waited for, so this is its pid even if it has ended.
                    kill(child.id(), SIGTERM);
                    let status = wait(&mut child).expect("it hangs");
                    let code = shell_code(status);
                    assert!(
                        accepted.contains(&code),
                        "{case} {more:?} {command}: {code}"
                    );
                }
            }
        }
        assert_eq!(marked(&mark), [0; 0], "{case}");
    }
}
