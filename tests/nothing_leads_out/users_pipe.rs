//! The pipes that another user than the caller writes to: /dev/stdout is opened anew by many programs.

use crate::common::pty::*;
use crate::common::*;
use nix::fcntl::OFlag;
use nix::sys::stat::{Mode, fstat};
use nix::unistd::pipe2;
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

const SCRIPT: &str = "echo out > /dev/stdout; echo err > /dev/stderr; cat /dev/stdin";

/// (An ordinary user's containers have the caller as their user, whatever it is called there.)
#[test]
fn a_pipe_can_be_opened_anew_by_another_user() {
    for case in root_cases() {
        for options in [
            &["-u", "1000"][..],
            &["-u", "1000", "--init"],
            &["-u", "1000", "--pid=host"],
            &["--userns=auto"],
            &["--userns=auto", "-u", "1000"],
        ] {
            let (reader, writer) = pipe2(OFlag::O_CLOEXEC).unwrap();
            std::io::Write::write_all(&mut File::from(writer), b"in\n").unwrap();
            let options = [&["-i"], options].concat();
            let mut command = case.command(&options, &["sh", "-c", SCRIPT]);
            command.stdin(reader);
            let outcome = finish(command);
            assert_eq!(outcome.output(case), "out\nin\n", "{case} {options:?}");
            assert_eq!(outcome.stderr, "err\n", "{case} {options:?}");
        }
    }
}

#[test]
fn so_can_what_stands_for_the_callers_terminal() {
    for case in cases() {
        for options in [&["-u", "1000"][..], &["-u", "1000", "--init"]] {
            let script = "echo ou''t > /dev/stdout; echo er''r > /dev/stderr";
            let mut session = Session::mydocker(case, options, &["sh", "-c", script]);
            session.expect("out");
            session.expect("err");
            assert_eq!(session.end(), 0, "{session} {options:?}");
        }
    }
}

#[test]
fn a_callers_file_is_never_given_away() {
    for case in root_cases() {
        let scratch = Scratch::new();
        let (file, fifo) = (scratch.file("file"), scratch.file("fifo"));
        let mode = Mode::from_bits_truncate(0o600);
        nix::unistd::mkfifo(fifo.as_str(), mode).unwrap();
        std::fs::write(&file, "").unwrap();
        std::fs::set_permissions(&file, PermissionsExt::from_mode(0o600)).unwrap();
        for path in [&file, &fifo] {
            for options in [&["-u", "1000"][..], &["--userns=auto"]] {
                let opened = File::options().read(true).write(true).open(path).unwrap();
                let mut command = case.command(options, &["sh", "-c", "echo x > /dev/stdout"]);
                command.stdout(opened);
                let status = wait(&mut command.spawn().unwrap()).unwrap();
                assert_ne!(status.code(), Some(0), "{case} {options:?} {path}");
                assert_eq!(std::fs::metadata(path).unwrap().uid(), 0, "{case} {path}");
            }
        }
    }
}

/// And none where the user is the caller, or root.
#[test]
fn roots_pipe_stays_roots() {
    for case in root_cases() {
        let (mut reader, writer) = pipe2(OFlag::O_CLOEXEC)
            .map(|(reader, writer)| (File::from(reader), writer))
            .unwrap();
        let mut command = case.command(&[], &["sh", "-c", "echo x > /dev/stdout"]);
        command.stdout(writer.try_clone().unwrap());
        assert_eq!(command.status().unwrap().code(), Some(0), "{case}");
        assert_eq!(fstat(&writer).unwrap().st_uid, 0, "{case}");
        drop((command, writer));
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        assert_eq!(text, "x\n");
    }
}
