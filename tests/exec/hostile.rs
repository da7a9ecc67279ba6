//! What waits in a container for those who enter.

use crate::common::attack::{attack, loader};
use crate::common::stay::{NAME, Stay};
use crate::common::tree::Tree;
use crate::common::*;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};

/// A working directory that leads out through a descriptor (CVE-2024-21626), or to another process's.
#[test]
fn no_descriptor_is_a_way_out() {
    for case in cases() {
        let Some(tree) = Tree::new(case) else { return };
        let root = tree.name();
        for number in 3..12 {
            symlink(
                format!("/proc/self/fd/{number}"),
                tree.root().join(format!("mnt/{number}")),
            )
            .unwrap();
        }
        let container = Stay::idle(case, &["--rootfs", &root]);
        for number in 0..12 {
            for directory in [
                format!("/proc/self/fd/{number}"),
                format!("/mnt/{number}"),
                format!("/mnt/{number}/.."),
            ] {
                let script = "ls -d root/* ../root ../../root 2>&1";
                let words = ["exec", "-w", &directory, NAME, "sh", "-c", script];
                let outcome = finish(container.behind(&["inherit", "12", "/"], &words));
                assert_eq!(outcome.code(), Some(125), "{case} {directory}: {outcome:?}");
            }
        }
    }
}

/// The container's files are opened by who has no more rights than it, and are what they are called.
#[test]
fn devices_are_what_they_are_called() {
    for case in cases() {
        let Some(tree) = Tree::new(case) else { return };
        let root = tree.name();
        let container = Stay::idle(case, &["--rootfs", &root]);
        for attack in [
            "rm /dev/null",
            "echo secret >/dev/null.new; mv /dev/null.new /dev/null",
            "rm /dev/null; ln -s /proc/1/root/dev/zero /dev/null",
            "rm /dev/null; ln -s zero /dev/null",
        ] {
            // (Its own stdin is a file.)
            let input = container.file("empty");
            std::fs::write(&input, "").unwrap();
            let mut command = container.exec_command(&["-i"], &["sh", "-c", attack]);
            command.stdin(std::fs::File::open(&input).unwrap());
            let attacked = finish(command);
            if attacked.code() != Some(0) {
                // An ordinary user's are mounts, which stay.
                assert_eq!(
                    case.caller,
                    Caller::Ordinary,
                    "{case} {attack}: {attacked:?}"
                );
                continue;
            }
            let outcome = container.exec(&[], &["true"]);
            assert_eq!(outcome.code(), Some(125), "{case} {attack}: {outcome:?}");
            let message =
                "the container has removed its /dev/null, or has put something else there";
            assert!(
                outcome.stderr.contains(message),
                "{case} {attack}: {outcome:?}"
            );
        }
    }
}

/// Who may trace all others of the container sees no more of the one who enters than of any of them (CVE-2016-9962).
#[test]
fn who_is_watched_has_nothing_to_show() {
    for case in cases() {
        let Some(tree) = Tree::new(case) else { return };
        let root = tree.name();
        // Tells of each process that it sees: what it is, what it has open, its variables, its rights.
        let script = "while :; do for p in /proc/[0-9]*; do \
            readlink $p/exe; readlink $p/cwd; readlink $p/fd/[3-9]*; cat $p/environ | tr '\\0' '\\n'; \
            grep CapPrm $p/status; done 2>/dev/null; done";
        let seen = tree.directory("seen");
        let volume = format!("{seen}:/mnt");
        let watcher = format!("{script} >/mnt/log");
        for launch in ["auto", case.launch] {
            let options = ["--rootfs", &root, "--cap-add=SYS_PTRACE", "-v", &volume];
            let container = Stay::start(case, &options, &["sh", "-c", &watcher]);
            let own = container.shell_says(&[], "grep CapPrm /proc/self/status");
            for _ in 0..if is_brief() { 5 } else { 15 } {
                let words = ["exec", "--launch", launch, NAME, "true"];
                let mut command = container.behind(&["inherit", "5", "/usr"], &words);
                command.env("OF_THE_CALLER", "secret");
                let outcome = finish(command);
                assert_eq!(outcome.code(), Some(0), "{case}: {outcome:?}");
            }
            container.end();
            let log = std::fs::read_to_string(format!("{seen}/log")).unwrap();
            assert!(log.contains("/bin/busybox"), "{case}: nothing was seen");
            if launch == "auto" {
                assert!(!log.contains("OF_THE_CALLER"), "{case}");
            }
            let host = mydocker();
            for line in log.lines() {
                assert_ne!(Path::new(line), host, "{case} {launch}");
                assert_ne!(line, "/usr", "{case} {launch}");
                if line.starts_with("CapPrm") {
                    assert_eq!(line, own.trim(), "{case} {launch}");
                }
            }
        }
    }
}

/// What is executed first may be mydocker's own file, by /proc/self/exe (CVE-2019-5736). A loader of the container's runs
/// it then, keeps the file, and writes to it when no one executes it any more.
#[test]
fn mydockers_file_is_not_to_be_written() {
    let scratch = Scratch::new();
    let Some(attack) = attack(&scratch) else {
        return;
    };
    // What has lost its client is waited for by the host's first process, and its container ends only then: all end together.
    let mut kept = Vec::new();
    for case in cases() {
        let Some(tree) = Tree::new(case) else { return };
        let (root, copy) = (tree.name(), tree.beside("mydocker"));
        copy_program(&mydocker(), Path::new(&copy));
        let before = std::fs::read(&copy).unwrap();
        copy_program(Path::new(&attack), &tree.root().join("attack"));
        let loader = loader(Path::new(&copy));
        if let Some(loader) = &loader {
            let place = tree.root().join(loader.trim_start_matches('/'));
            std::fs::create_dir_all(place.parent().unwrap()).unwrap();
            copy_program(Path::new(&attack), &place);
        }
        symlink("/proc/self/exe", tree.root().join("link")).unwrap();
        write_program(tree.root().join("script"), "#!/proc/self/exe\n", 0o755);
        tree.give(&tree.root());
        tree.give(Path::new(&copy));
        let mut containers = Vec::new();
        for options in [
            &[][..],
            &["--init"],
            &["--pid=host"],
            &["--cap-add=SYS_PTRACE"],
        ] {
            let container = Stay::idle(case, &[&["--rootfs", &root], options].concat());
            for command in ["/link", "/script"] {
                let mut line = vec![copy.clone().into()];
                let asked = container.exec_command(&[], &[command]);
                line.extend(asked.get_args().map(Into::into));
                let said = attacked(case.prepared(&line));
                let what = format!("{case} {options:?} {command}: {said}");
                let after = std::fs::read(&copy).unwrap();
                assert!(after == before, "mydocker was written to: {what}");
                // It had got hold of a copy: or the trick was none, and nothing is tested here.
                let expected = match loader {
                    Some(_) => {
                        said == "kept\nnot written\n" || said == "kept\nnot opened for writing\n"
                    }
                    // mydocker itself has run, and had nothing to do.
                    None => !said.contains("kept"),
                };
                assert!(expected, "{what}");
            }
            containers.push(container);
        }
        // (The containers before their root.)
        kept.push((containers, tree));
    }
}

/// What the attacker says to the end, while its client is killed as soon as it has the file.
fn attacked(mut command: Command) -> String {
    let mut client = command
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(client.stdout.take().unwrap());
    let mut said = String::new();
    output.read_line(&mut said).unwrap();
    if said == "kept\n" {
        client.kill().unwrap();
    }
    output.read_to_string(&mut said).unwrap();
    wait(&mut client).unwrap();
    said
}
