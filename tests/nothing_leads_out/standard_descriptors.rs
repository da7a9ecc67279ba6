//! What the caller has for 0, 1 and 2 and would lead to more of the host than one file.

use crate::common::tree::each;
use crate::common::*;
use nix::fcntl::{OFlag, open};
use nix::sys::stat::Mode;
use std::fs::File;
use std::os::fd::OwnedFd;

fn opened(path: &str, flags: OFlag) -> File {
    let file: OwnedFd = open(path, flags | OFlag::O_CLOEXEC, Mode::empty()).unwrap();
    file.into()
}

#[test]
fn directories_and_what_only_names_a_file_are_refused() {
    each(|case, tree| {
        let name = tree.name();
        for root in [&[][..], &["--rootfs", &name]] {
            for (flags, path, why) in [
                (OFlag::O_RDONLY, "/", "it is a directory"),
                (
                    OFlag::O_RDONLY | OFlag::O_DIRECTORY,
                    "/tmp",
                    "it is a directory",
                ),
                (OFlag::O_PATH, "/", "it was opened with O_PATH"),
                (OFlag::O_PATH, "/dev/null", "it was opened with O_PATH"),
                (OFlag::O_PATH, "/etc/passwd", "it was opened with O_PATH"),
            ] {
                let what = format!("{case} {root:?} {flags:?} {path}");
                for number in 0..2 {
                    let options = [root, &["-i"]].concat();
                    let mut command = case.command(&options, &["/bin/true"]);
                    let file = opened(path, flags);
                    let said = if number == 0 {
                        command.stdin(file);
                        finish(command)
                    } else {
                        command.stdout(file).stderr(std::process::Stdio::piped());
                        let output = command.output().unwrap();
                        Outcome {
                            status: output.status,
                            stdout: String::new(),
                            stderr: String::from_utf8(output.stderr).unwrap(),
                        }
                    };
                    assert_eq!(said.code(), Some(125), "{what} {number}: {said:?}");
                    let stream = ["stdin", "stdout"][number];
                    let begin = format!("mydocker: {stream}: {why}");
                    assert!(said.stderr.starts_with(&begin), "{what}: {said:?}");
                    assert_eq!(said.stderr.lines().count(), 1, "{what}: {said:?}");
                }
                // There is nowhere to say why.
                let mut command = case.command(root, &["/bin/true"]);
                command.stderr(opened(path, flags));
                assert_eq!(command.status().unwrap().code(), Some(125), "{what} 2");
                // A directory that the container does not get is no one's business.
                let mut command = case.command(root, &["/bin/true"]);
                command.stdin(opened(path, flags));
                let expected = if flags.contains(OFlag::O_PATH) {
                    125
                } else {
                    0
                };
                assert_eq!(finish(command).code(), Some(expected), "{what}");
            }
        }
    });
}
