//! `mydocker cp`: files of a container, both ways, and nothing of the host's.

mod common;

use common::stay::*;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

const SLEEP: [&str; 2] = ["/bin/sleep", "1000"];

#[test]
fn files_go_both_ways_while_it_runs_and_later() {
    each_stay(|stay| {
        stay.says(&[&["run", "-d", "--name", "web"], &SLEEP[..]].concat());
        let here = stay.tree.directory("here");
        let (file, back) = (format!("{here}/file"), format!("{here}/back"));
        let root = stay.tree.root();
        for round in 0..2 {
            stay.says(&["cp", "-q", &file, "web:/tmp/new"]);
            assert_eq!(std::fs::read(root.join("tmp/new")).unwrap(), b"of here\n");
            std::fs::write(root.join("tmp/new"), [0, 255, round]).unwrap();
            stay.says(&["cp", "-q", "web:tmp/new", &back]);
            assert_eq!(std::fs::read(&back).unwrap(), [0, 255, round]);
            stay.says(&["cp", "-q", &here, "web:/tmp"]);
            assert!(root.join("tmp/here/file").exists(), "{}", stay.case);
            stay.says(&["cp", "-q", &format!("{here}/."), "web:/mnt"]);
            assert!(root.join("mnt/file").exists(), "{}", stay.case);
            let said = stay.fails(1, &["cp", &file, "web:/no/where"]);
            assert!(said.contains("web:/no/where: no such directory"), "{said}");
            let said = stay.fails(1, &["cp", "web:/no", &back]);
            assert!(
                said.contains("Could not find the file /no in container web"),
                "{said}"
            );
            if round == 0 {
                stay.says(&["stop", "-t", "0", "web"]);
            }
        }
    });
}

#[test]
fn no_link_leads_out_and_no_program_gains() {
    each_stay(|stay| {
        stay.says(&[&["run", "-d", "--name", "web"], &SLEEP[..]].concat());
        let outside = stay.tree.directory("outside");
        let root = stay.tree.root();
        symlink(&outside, root.join("tmp/absolute")).unwrap();
        symlink("../../outside", root.join("tmp/up")).unwrap();
        let file = stay.tree.beside("outside/file");
        for link in ["absolute", "up"] {
            stay.fails(1, &["cp", &format!("web:/tmp/{link}/file"), "/dev/null/x"]);
            stay.fails(1, &["cp", &file, &format!("web:/tmp/{link}/new")]);
            stay.fails(1, &["cp", "-L", &format!("web:/tmp/{link}"), &outside]);
        }
        assert_eq!(
            std::fs::read_dir(&outside).unwrap().count(),
            1,
            "{}",
            stay.case
        );
        let program = root.join("tmp/program");
        std::fs::write(&program, "").unwrap();
        stay.tree.give(&program);
        std::fs::set_permissions(&program, PermissionsExt::from_mode(0o6755)).unwrap();
        let copy = format!("{outside}/program");
        stay.says(&["cp", "-q", "web:/tmp/program", &copy]);
        let mode = Path::new(&copy).metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, 0o755, "{}", stay.case);
    });
}
