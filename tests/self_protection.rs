//! What a container must not reach of mydocker itself: its file on the host (CVE-2019-5736).

mod common;
use common::attack::{attack, compiled, loader};
use common::tree::Tree;
use common::*;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::Path;
use std::process::Stdio;

/// How a hostile root has the kernel execute what /proc/self/exe is.
#[derive(Clone, Copy, Debug)]
enum Trick {
    Link,
    Script,
}

#[test]
fn the_container_cannot_write_to_mydockers_file() {
    let scratch = Scratch::new();
    let Some(attack) = attack(&scratch) else {
        return;
    };
    for case in cases() {
        let Some(tree) = Tree::new(case) else { return };
        let root = tree.root();
        copy_program(Path::new(&attack), &root.join("attack"));
        for trick in [Trick::Link, Trick::Script] {
            let command = root.join("command");
            let _ = std::fs::remove_file(&command);
            match trick {
                Trick::Link => symlink("/proc/self/exe", &command).unwrap(),
                Trick::Script => {
                    write_program(&command, "#!/proc/self/exe\n", 0o755);
                }
            }
            for options in [
                &[][..],
                &["--init"],
                &["--pid=host"],
                &["--cap-add=SYS_PTRACE"],
            ] {
                try_it(case, &tree, trick, options);
            }
        }
    }
}

fn try_it(case: Case, tree: &Tree, trick: Trick, options: &[&str]) {
    // A mydocker that may be written to, and will be if it can.
    let copy = tree.beside("mydocker");
    let _ = std::fs::remove_file(&copy);
    copy_program(&mydocker(), Path::new(&copy));
    tree.give(Path::new(&copy));
    let before = std::fs::read(&copy).unwrap();
    if let Some(loader) = loader(Path::new(&copy)) {
        // In its place the container has the attacker.
        let place = tree.root().join(loader.trim_start_matches('/'));
        std::fs::create_dir_all(place.parent().unwrap()).unwrap();
        let _ = std::fs::remove_file(&place);
        copy_program(&tree.root().join("attack"), &place);
    }
    tree.give(&tree.root());

    let mut line = vec![
        copy.clone().into(),
        "run".into(),
        "--launch".into(),
        case.launch.into(),
    ];
    line.extend(["--rootfs", &tree.name()].map(Into::into));
    line.extend(options.iter().map(Into::into));
    line.push("/command".into());
    let mut command = case.prepared(&line);
    let mut running = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(running.stdout.take().unwrap());
    let mut said = String::new();
    output.read_line(&mut said).unwrap();
    if said == "kept\n" {
        // The attacker has a file, and waits for the last mydocker to go.
        running.kill().unwrap();
    }
    // To the end of the attacker, who has the pipe.
    output.read_to_string(&mut said).unwrap();
    wait(&mut running).unwrap();
    let what = format!("{case} {trick:?} {options:?}: {said}");
    assert!(
        std::fs::read(&copy).unwrap() == before,
        "mydocker was written to: {what}"
    );
    let expected = if loader(Path::new(&copy)).is_some() {
        // It had got hold of a copy: or the trick was none, and nothing is tested here. (Who keeps the
        // command ends it, or the kernel, when mydocker is gone.)
        said == "kept\nnot written\n" || said == "kept\n"
    } else {
        // mydocker itself has run, and had nothing to do.
        !said.contains("kept")
    };
    assert!(expected, "{what}");
}

/// A reaper stays, and who may trace it may open its file.
#[test]
fn a_reapers_file_is_none_of_the_hosts() {
    for case in cases() {
        let Some(tree) = Tree::new(case) else { return };
        for options in [
            &["--init", "--cap-add=SYS_PTRACE"][..],
            &["--init", "--privileged"],
            &["--init"],
        ] {
            let outcome = tree.shell(options, "stat -L -c %d:%i /proc/1/exe || echo refused");
            let seen = outcome.output(case).trim();
            let facts = std::fs::metadata(mydocker()).unwrap();
            let (device, inode) = (facts.dev(), facts.ino());
            assert_ne!(seen, format!("{device}:{inode}"), "{case} {options:?}");
            assert!(!seen.is_empty(), "{case} {options:?}: {outcome:?}");
        }
    }
}

/// Before it executes the command, the first process shares mydocker's memory, with a container's rights.
#[test]
fn no_one_looks_into_mydockers_memory() {
    for case in root_cases() {
        if !has_strace() || case.is_pooled() {
            return;
        }
        let scratch = Scratch::new();
        let trace = scratch.file("trace");
        let mut line: Vec<std::ffi::OsString> =
            ["strace", "-f", "-o", &trace].map(Into::into).into();
        line.push(mydocker().into());
        line.extend(["run", "--launch", case.launch, "true"].map(Into::into));
        assert_eq!(finish(case.prepared(&line)).code(), Some(0), "{case}");
        let trace = std::fs::read_to_string(&trace).unwrap();
        let at = |word: &str| trace.find(word).unwrap_or_else(|| panic!("{case}: {word}"));
        assert!(
            at("PR_SET_DUMPABLE, SUID_DUMP_DISABLE") < at("PR_CAPBSET_DROP"),
            "{case}"
        );
        assert!(
            at("PR_SET_DUMPABLE, SUID_DUMP_DISABLE") < at("capset("),
            "{case}"
        );
    }
}

/// Without the default filter a static binary could be made to start a program of the container's.
#[test]
fn it_runs_from_a_copy_without_the_default_filter() {
    for case in root_cases() {
        let Some(tree) = Tree::new(case) else { return };
        if !has_strace() || case.is_pooled() {
            return;
        }
        let is_static = loader(&mydocker()).is_none();
        for (options, copied) in [
            (&[][..], !is_static),
            (&["--security-opt=seccomp=unconfined"], true),
            (&["--pid=host"], true),
            (&["--cap-add=SYS_ADMIN"], true),
        ] {
            let trace = tree.beside("trace");
            let mut line: Vec<std::ffi::OsString> =
                ["strace", "-f", "-e", "trace=execveat", "-o", &trace]
                    .map(Into::into)
                    .into();
            line.extend(tree.words(options, &["/bin/true"]));
            assert_eq!(
                finish(case.prepared(&line)).code(),
                Some(0),
                "{case} {options:?}"
            );
            let trace = std::fs::read_to_string(&trace).unwrap();
            assert_eq!(
                trace.contains("execveat("),
                copied,
                "{case} {options:?}: {trace}"
            );
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[test]
fn who_traces_the_reaper_gets_nothing_by_it() {
    use std::os::unix::fs::PermissionsExt;
    let scratch = Scratch::new();
    std::fs::set_permissions(scratch.path(), PermissionsExt::from_mode(0o755)).unwrap();
    let Some(inject) = compiled(&scratch, "inject", "-static -O1 -Wall -Werror -o") else {
        return;
    };
    // getppid, and unshare of a UTS namespace.
    let script = format!("{inject} $PPID 110; {inject} $PPID 272 0x04000000; true");
    for case in cases() {
        for options in [
            &["--init"][..],
            &["--init", "-u=7"],
            &["--pid=host"],
            &["--init", "--security-opt=seccomp=unconfined"],
        ] {
            let options = [options, &["--cap-add=SYS_PTRACE"]].concat();
            let outcome = case.run(&options, &["sh", "-c", &script]);
            let said: Vec<&str> = outcome.output(case).lines().collect();
            match said[..] {
                [parent, "-1"] => assert!(
                    parent.parse::<u32>().is_ok(),
                    "{case} {options:?}: {said:?}"
                ),
                // In mydocker's user namespace the container of an ordinary user has no capability.
                ["not to be traced", "not to be traced"] if case.caller == Caller::Ordinary => {}
                _ => panic!("{case} {options:?}: {said:?}"),
            }
        }
    }
}

#[test]
fn a_reaper_keeps_what_it_needs() {
    for case in cases() {
        for (options, capabilities) in [
            (&["--init"][..], "0000000000000020"),
            (&["--init", "--privileged"], "0000000000000020"),
            (&["--init", "--cap-drop=ALL", "-u=7"], "0000000000000020"),
            (&["--pid=host"], "0000000000000020"),
        ] {
            let script = "for name in CapInh CapPrm CapEff CapAmb NoNewPrivs Seccomp; do \
                grep ^$name: /proc/$PPID/status | cut -f2; done";
            let said = case.run(options, &["sh", "-c", script]);
            let (none, held) = ("0000000000000000", capabilities);
            let expected = format!("{none}\n{held}\n{held}\n{none}\n1\n2\n");
            assert_eq!(said.output(case), expected, "{case} {options:?}");
        }
    }
}
