//! A typed ^C that has ended the command ends mydocker as it would have ended the command: by the signal, or a shell's
//! loop goes on with its next round. Whatever else ends with 130 is an exit.

mod common;
use common::pty::*;
use common::*;

/// Ways of starting a command.
const WAYS: [&[&str]; 8] = [
    &[],
    &["--init"],
    &["--pid=host"],
    &["-t"],
    &["-i"],
    &["-ti"],
    &["-ti", "--init"],
    &["-i", "--pid=host"],
];

const SIGINT: Option<i32> = Some(Signal::SIGINT as i32);

#[test]
fn a_typed_interrupt_is_died_of_when_all_is_done() {
    for case in cases() {
        for options in WAYS {
            let scratch = Scratch::new();
            let report = scratch.file("report");
            let options = [options, &["--report", &report]].concat();
            let mut session = Session::mydocker(case, &options, &["sh", "-c", &sleeper()]);
            session.expect("ready");
            session.type_keys("\x03");
            assert_eq!(session.end(), 130, "{session} {options:?}");
            assert_eq!(session.died_of(), SIGINT, "{session} {options:?}");
            let report = std::fs::read_to_string(&report).unwrap();
            assert!(report.contains(r#""status":130"#), "{report}");
            let reason = r#""reason":"stopped by signal""#;
            assert!(report.contains(reason), "{session} {options:?}: {report}");
        }
    }
}

/// The shell's view, without job control and with it.
#[test]
fn a_loop_of_the_shells_ends() {
    for case in cases() {
        for options in WAYS {
            let options = options.join(" ");
            let mut session = Session::bash(case);
            let line = session.line(&options, &format!("sh -c '{}'", sleeper()));
            session.type_line(&format!("while :; do echo rou''nd; {line}; done"));
            session.expect("round");
            session.expect("ready");
            session.type_keys("\x03");
            session.expect(OUTSIDE);
            session.type_line("echo st''atus $?.");
            session.expect("status 130.");
            let rounds = String::from_utf8_lossy(session.seen())
                .matches("round")
                .count();
            assert_eq!(rounds, 1, "{session} {options}");
            session.type_line("exit 5");
            assert_eq!(session.end(), 5, "{session} {options}");
        }
        let mark = mark();
        let script = format!(
            "while :; do {} run --launch {} -e MARK={mark} sh -c '{}'; done",
            mydocker().display(),
            case.launch,
            sleeper(),
        );
        let mut session = Session::new(case, mark, &["bash".into(), "-c".into(), script.into()]);
        session.expect("ready");
        session.type_keys("\x03");
        assert_eq!(session.end(), 130, "{session}");
        assert_eq!(session.died_of(), SIGINT, "{session}");
    }
}

/// One that cleans up and exits with 130, as a shell or Python does that cannot kill itself, being a PID 1.
#[test]
fn a_command_that_says_so_by_its_code() {
    let script = "trap 'exit 130' INT; echo rea''dy; while :; do sleep 0.1; done";
    for case in cases() {
        for (options, died_of) in [(&[][..], SIGINT), (&["--init"], SIGINT), (&["-i"], None)] {
            let mut session = Session::mydocker(case, options, &["sh", "-c", script]);
            session.expect("ready");
            session.type_keys("\x03");
            assert_eq!(session.end(), 130, "{session} {options:?}");
            assert_eq!(session.died_of(), died_of, "{session} {options:?}");
        }
    }
}

/// Who sends the signal and waits for 130 gets that.
#[test]
fn what_a_process_sends_is_answered_by_a_code() {
    for case in cases() {
        for options in WAYS {
            let mut session = Session::mydocker(case, options, &["sh", "-c", &sleeper()]);
            session.expect("ready");
            kill(session.pid(), Signal::SIGINT);
            assert_eq!(session.end(), 130, "{session} {options:?}");
            assert_eq!(session.died_of(), None, "{session} {options:?}");
        }
    }
}

/// A shell's exit status after a ^C at its prompt is 130, and it has not died of anything.
#[test]
fn leaving_a_shell_is_no_interrupt() {
    for case in cases() {
        for options in ["-ti", "-ti --init", "-ti --pid=host"] {
            let mut session = Session::bash(case);
            let line = session.line(
                &format!("{options} -e 'PS1=ins''ide> ' -e HISTFILE=/dev/null"),
                "bash --norc --noprofile --noediting -i",
            );
            session.type_line(&format!("{line}; echo go''es on with $?."));
            session.expect(INSIDE);
            session.type_keys("\x03");
            session.expect(INSIDE);
            session.type_line("exit");
            session.expect("goes on with 130.");
            session.type_line("exit 5");
            assert_eq!(session.end(), 5, "{session} {options}");
        }
    }
}
