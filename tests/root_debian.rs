//! A real distribution in a root of its own.

mod common;

use common::tree::*;
use common::*;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A small Debian with a Python, made once and kept among what the build makes. `None`, and said so, if it
/// cannot be made here.
fn debian() -> Option<PathBuf> {
    let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join("debian");
    if kept.exists() {
        return Some(kept);
    }
    if !nix::unistd::Uid::effective().is_root() {
        skip_root_only("it takes root to make a Debian");
        return None;
    }
    let making = kept.with_extension(std::process::id().to_string());
    // debootstrap first: it takes a mirror whose lists have expired, too.
    let ways: [&[&str]; 2] = [
        &[
            "debootstrap",
            "--variant=minbase",
            "--include=python3-minimal",
            "stable",
        ],
        &[
            "mmdebstrap",
            "--quiet",
            "--variant=apt",
            "--include=python3-minimal",
            "stable",
        ],
    ];
    for way in ways {
        let mut command = Command::new(way[0]);
        command
            .args(&way[1..])
            .arg(&making)
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        match command.status() {
            Ok(status) if status.success() => {
                std::fs::rename(&making, &kept).expect("its name");
                return Some(kept);
            }
            _ => {
                let _ = std::fs::remove_dir_all(&making);
            }
        }
    }
    skip("neither mmdebstrap nor debootstrap made a Debian");
    None
}

#[test]
fn a_debian() {
    let Some(debian) = debian() else { return };
    for case in cases() {
        let Some(tree) = Tree::new(case) else { return };
        // Where it lies may be closed to an ordinary user; where it is bound is not.
        let script = format!("mount --bind '{}' root; \"$@\"", debian.display());
        let seen = "apt-get --version | head -1; python3 -c 'import os; print(6 * 7, os.getpid() > 0)'; \
            . /etc/os-release; echo $ID; hostname";
        let written =
            "getent hosts db; echo 'echo installed' > /usr/bin/new; chmod +x /usr/bin/new; new";
        let (options, command, more) = match case.caller {
            Caller::Root => (
                &["--overlay", "--hostname=box", "--add-host=db:10.1.2.3"][..],
                format!("{seen}; {written}"),
                &["10.1.2.3        db", "installed"][..],
            ),
            // What belongs to root an ordinary user may not replace, not even in a layer of their own.
            Caller::Ordinary => (
                &["--overlay", "--hostname=box"][..],
                seen.to_owned(),
                &[][..],
            ),
        };
        let run = ["sh", "-c", &command];
        let Some(outcome) = tree.among_mounts(&script, options, &run) else {
            return;
        };
        let output = outcome.output(case);
        assert!(output.starts_with("apt "), "{case}: {output}");
        let rest: Vec<&str> = output.lines().skip(1).collect();
        let expected = [&["42 True", "debian", "box"], more].concat();
        assert_eq!(rest, expected, "{case}");
        assert!(
            !debian.join("usr/bin/new").exists(),
            "{case}: writes are thrown away"
        );
    }
}
