//! A terminal of its own, on the container's devpts.

use crate::common::pty::Session;
use crate::common::stay::Stay;
use crate::common::tree::Tree;
use crate::common::*;
use std::ffi::OsString;

/// `exec OPTIONS NAME COMMAND` of a person at a terminal.
fn session(container: &Stay, options: &[&str], command: &[&str]) -> Session {
    let mark = mark();
    let variable = format!("MARK={mark}");
    let options = [&["-e", "PS1=inside> ", "-e", &variable], options].concat();
    let command = container.exec_command(&options, command);
    let line: Vec<OsString> = std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(Into::into)
        .collect();
    Session::new(container.case, mark, &line)
}

fn talk(container: &Stay) {
    let case = container.case;
    let mut session = session(container, &["-ti"], &["sh"]);
    session.expect("inside> ");
    assert!(session.is_raw(), "{case}");
    session.type_line("tty; echo $TERM");
    session.expect("/dev/pts/");
    session.expect("dumb");
    session.resize(33, 101);
    session.expect_size("33x101");
    // A key is for the foreground.
    session.type_line("echo sle''eps; sleep 1000; echo e''nded");
    session.expect("sleeps");
    // It is in the foreground when it is what it is called.
    let is_sleep = |pid: &u32| {
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        line.starts_with(b"sleep\0") && line.ends_with(b"\x001000\0")
    };
    assert!(
        eventually(|| session.container().iter().any(is_sleep)),
        "{case}"
    );
    session.type_keys("\x03");
    session.expect("inside> ");
    session.type_line("exit 9");
    assert_eq!(session.end(), 9, "{case}");
    session.assert_restored();
}

#[test]
fn a_shell_has_one() {
    for case in cases() {
        let container = Stay::idle(case, &[]);
        talk(&container);
    }
}

#[test]
fn its_name_is_known_in_the_containers_root() {
    for case in cases() {
        let Some(tree) = Tree::new(case) else { return };
        let root = tree.name();
        for options in [&[][..], &["-t"]] {
            let container = Stay::idle(case, &[&["--rootfs", &root], options].concat());
            talk(&container);
            let mut session = session(
                &container,
                &["-t"],
                &["sh", "-c", "tty; ls -l $(tty); exit 3"],
            );
            // The container's own terminal is the first.
            session.expect(if options.is_empty() {
                "/dev/pts/0"
            } else {
                "/dev/pts/1"
            });
            session.expect("crw--w----");
            assert_eq!(session.end(), 3, "{case}");
        }
    }
}

#[test]
fn a_key_ends_what_has_no_handler() {
    for case in cases() {
        let container = Stay::idle(case, &[]);
        for options in [&["-t"][..], &["-ti"], &[]] {
            let mut session = session(
                &container,
                options,
                &["sh", "-c", "echo re''ady; exec sleep 1000"],
            );
            session.expect("ready");
            session.type_keys("\x03");
            session.wait();
            assert_eq!(session.died_of(), Some(libc_sigint()), "{case} {options:?}");
        }
    }
}

fn libc_sigint() -> i32 {
    Signal::SIGINT as i32
}
