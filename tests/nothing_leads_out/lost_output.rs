//! Output that cannot be written: it is not lost in silence, and its loss is no success.

use crate::common::*;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::process::{Command, Stdio};

fn full() -> Stdio {
    File::options()
        .write(true)
        .open("/dev/full")
        .unwrap()
        .into()
}

fn run(mut command: Command, stdout: Stdio) -> (Option<i32>, String) {
    command.stdout(stdout).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut said = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut said)
        .unwrap();
    (wait(&mut child).unwrap().code(), said)
}

#[test]
fn a_terminals_output_for_which_there_is_no_room_is_a_failure() {
    for case in cases() {
        for (script, code) in [("echo hi", 125), ("echo hi; exit 3", 3)] {
            let command = case.command(&["-t"], &["sh", "-c", script]);
            let (found, said) = run(command, full());
            assert_eq!(found, Some(code), "{case} {script}: {said}");
            assert!(
                said.starts_with("mydocker: write stdout: "),
                "{case}: {said}"
            );
            assert!(said.contains("(ENOSPC)"), "{case}: {said}");
            assert_eq!(said.lines().count(), 1, "{case}: {said}");
            assert!(!said.contains("has not run"), "{case}: {said}");
        }
    }
}

#[test]
fn a_file_that_may_not_grow_is_named() {
    for case in cases() {
        let scratch = Scratch::new();
        let mut file = File::create(scratch.file("file")).unwrap();
        // Near the limit, which is not to be in the way of anything else.
        file.seek(SeekFrom::Start((1 << 20) - 4)).unwrap();
        let mydocker = case.command(&["-t"], &["sh", "-c", "echo 0123456789"]);
        let mut line = vec![
            "prlimit".into(),
            "--fsize=1048576".into(),
            mydocker.get_program().to_owned(),
        ];
        line.extend(mydocker.get_args().map(ToOwned::to_owned));
        let (code, said) = run(case.prepared(&line), file.into());
        assert_eq!(code, Some(125), "{case}: {said}");
        assert!(said.contains("(EFBIG)"), "{case}: {said}");
        let written = std::fs::read(scratch.file("file")).unwrap();
        assert!(written.ends_with(b"0123"), "{case}");
    }
}

#[test]
fn what_cannot_be_written_at_all_is_named() {
    for case in cases() {
        let command = case.command(&["-t"], &["echo", "hi"]);
        let (code, said) = run(command, File::open("/dev/zero").unwrap().into());
        assert_eq!(code, Some(125), "{case}: {said}");
        assert!(said.contains("(EBADF)"), "{case}: {said}");
    }
}

/// Who reads no more has what it wanted.
#[test]
fn a_reader_that_has_gone_is_passed_over_in_silence() {
    for case in cases() {
        let (reader, writer) = nix::unistd::pipe2(nix::fcntl::OFlag::O_CLOEXEC).unwrap();
        drop(reader);
        let command = case.command(&["-t"], &["echo", "hi"]);
        let (code, said) = run(command, writer.into());
        assert_eq!((code, said.as_str()), (Some(0), ""), "{case}");
    }
}

#[test]
fn help_and_explanations_are_not_lost_in_silence_either() {
    for arguments in [&["help"][..], &["--version"], &["run", "--explain", "true"]] {
        let mut command = Command::new(mydocker());
        command.args(arguments).stdin(Stdio::null());
        let (code, said) = run(command, full());
        assert_eq!(code, Some(125), "{arguments:?}: {said}");
        assert!(said.contains("(ENOSPC)"), "{arguments:?}: {said}");
    }
}

/// The command has ended, and nobody reads what it wrote.
#[test]
fn the_timeout_bounds_mydocker_too() {
    for case in cases() {
        let (_reader, writer) = nix::unistd::pipe2(nix::fcntl::OFlag::O_CLOEXEC).unwrap();
        nix::fcntl::fcntl(&writer, nix::fcntl::FcntlArg::F_SETPIPE_SZ(4096)).unwrap();
        // More than the pipe holds, and less than it and the container's terminal hold.
        let command = [&probe_name(), "flood", "6000"];
        let mut command = case.command(&["-t", "--timeout", "1"], &command);
        let mut child = command.stdout(writer).spawn().unwrap();
        let status = wait(&mut child).unwrap_or_else(|| panic!("{case}: it hangs"));
        assert_eq!(status.code(), Some(124), "{case}");
    }
}
