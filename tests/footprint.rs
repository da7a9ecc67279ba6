//! What a mydocker that waits for its container keeps in memory.

mod common;
use common::*;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

#[test]
fn what_waits_for_signals_has_let_its_code_go() {
    if !nix::unistd::Uid::effective().is_root() {
        return skip_root_only(
            "whose child has another user namespace has its own /proc closed to its user",
        );
    }
    // A debug build waits in several pieces of code, each of which comes with its neighbours: 64 KiB, or, since Linux 6.18, the
    // whole folio of the page cache, which may be a MiB.
    let optimised = std::env::var_os("MYDOCKER_BIN").is_some();
    let most = if optimised { 16 } else { 640 };
    let scratch = Scratch::new();
    let program = scratch.file("mydocker");
    in_folios_of_one_page(&program);
    for case in cases() {
        let line = case.line(
            program.as_ref(),
            &["-i"],
            &["sh", "-c", "echo ready; read end"],
        );
        let mut child = case
            .prepared(&line)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("mydocker");
        let mut said = [0; 6];
        let mut stdout = child.stdout.take().expect("a pipe");
        stdout.read_exact(&mut said).expect("a line");
        let resident = || code_in_memory(child.id());
        assert!(eventually(|| resident() <= most), "{case}: {}", resident());
        drop(child.stdin.take());
        assert!(wait(&mut child).is_some(), "{case}: it hangs");
    }
}

/// Makes a copy of mydocker that is written page by page, for so its pages are cached then.
fn in_folios_of_one_page(copy: &str) {
    // By another process, as `copy_program` has it.
    let dd = Command::new("dd")
        .args(["bs=4096", "status=none"])
        .arg(format!("if={}", mydocker().display()))
        .arg(format!("of={copy}"))
        .status();
    assert!(dd.expect("dd").success(), "{copy}");
    let mode = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(copy, mode).expect("its mode");
}

/// KiB of its program's code that a process has in its memory.
fn code_in_memory(pid: u32) -> u64 {
    let program = std::fs::read_link(format!("/proc/{pid}/exe")).expect("a program");
    let maps = std::fs::read_to_string(format!("/proc/{pid}/smaps")).expect("smaps");
    let mut lines = maps.lines();
    let code = |line: &&str| line.contains(" r-xp ") && line.ends_with(program.to_str().unwrap());
    lines.find(code).expect("its code");
    let resident = lines.find_map(|line| line.strip_prefix("Rss:")?.strip_suffix(" kB"));
    resident.expect("a size").trim().parse().expect("KiB")
}
