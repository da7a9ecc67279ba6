//! Containers that want to get at what is outside of them by way of who enters.

use crate::bundle::{Bundle, each_of_root};
use crate::common::attack::{attack, loader};
use crate::common::*;
use nix::sys::statvfs::{FsFlags, statvfs};
use serde_json::{Value, json};
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Stdio;

fn is_read_only(file: &str) -> bool {
    let found = statvfs(file).unwrap_or_else(|errno| panic!("{file}: {errno}"));
    found.flags().contains(FsFlags::ST_RDONLY)
}

/// Starts the container anew, with something changed.
fn change(bundle: &Bundle, change: impl Fn(&mut Value)) {
    let file = bundle.tree.beside("config.json");
    let mut config: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    change(&mut config);
    std::fs::write(&file, config.to_string()).unwrap();
    bundle.oci(&["delete", "--force", &bundle.id]);
    let path = bundle.tree.beside("");
    let outcome = bundle.oci(&["run", "--detach", "--bundle", &path, &bundle.id]);
    assert_eq!(outcome.code(), Some(0), "{outcome:?}");
}

/// CVE-2019-5736: the container's root is that of the host, and has its first process enter a user namespace in which no
/// one is root; so that it looks as if no one in the container could write to mydocker's file.
#[test]
fn a_first_process_that_gives_up_its_rights_is_not_believed() {
    let scratch = Scratch::new();
    let Some(attack) = attack(&scratch) else {
        return;
    };
    each_of_root(|bundle| {
        let root = bundle.tree.root();
        symlink("/proc/self/exe", root.join("bin/own")).unwrap();
        if let Some(loader) = loader(&mydocker()) {
            let place = root.join(loader.trim_start_matches('/'));
            std::fs::create_dir_all(place.parent().unwrap()).unwrap();
            copy_program(Path::new(&attack), &place);
        }
        change(bundle, |config| {
            config["process"]["user"] = json!({"uid": 1234, "gid": 555});
            config["process"]["args"] = json!(["busybox", "unshare", "-U", "-r", "sleep", "1000"]);
        });
        let map = format!("/proc/{}/uid_map", bundle.first());
        let is_in = || {
            std::fs::read_to_string(&map)
                .unwrap_or_default()
                .contains(" 1234 ")
        };
        if !eventually(is_in) {
            return skip("an ordinary user may make no user namespaces");
        }
        // What is executed, the loader or mydocker itself, waits for its stdin to end.
        let file = bundle.tree.beside("pid");
        let options = ["exec", "--user", "0:0", "--pid-file", &file, &bundle.id];
        let command = ["/bin/own", "oci", "update", "-r", "-", "x"];
        let mut running = bundle
            .command(&[&options[..], &command].concat())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let pid = || std::fs::read_to_string(&file).unwrap_or_default();
        assert!(eventually(|| !pid().is_empty()), "{}", bundle.case);
        let own = format!("/proc/{}/exe", pid());
        let is_copy = std::fs::read_link(&own)
            .unwrap()
            .starts_with("/memfd:mydocker");
        assert!(
            is_copy || is_read_only(&own),
            "{}: it is the host's",
            bundle.case
        );
        drop(running.stdin.take());
        wait(&mut running).expect("it ends");
    });
}

/// Its mode and its owner would be everyone's.
#[test]
fn the_hosts_null_device_is_lent_read_only() {
    each_of_root(|bundle| {
        let file = bundle.tree.beside("pid");
        let mut command = bundle.command(&[
            "exec",
            "--detach",
            "--pid-file",
            &file,
            &bundle.id,
            "sleep",
            "1000",
        ]);
        let null = || Stdio::null();
        let status = command
            .stdin(null())
            .stdout(null())
            .stderr(null())
            .status()
            .unwrap();
        assert!(status.success(), "{}", bundle.case);
        let pid = std::fs::read_to_string(&file).unwrap();
        for number in 0..3 {
            let lent = format!("/proc/{pid}/fd/{number}");
            assert!(is_read_only(&lent), "{}: {number}", bundle.case);
        }
        kill(pid.parse().unwrap(), Signal::SIGKILL);
        // It reads and writes as ever; what is none stays what it is.
        let said = bundle.says(&[], "cat; echo lost > /proc/self/fd/0 && echo $?");
        assert_eq!(said, "0\n", "{}", bundle.case);
    });
}

/// Of a file that has no end as much is read as may be meant.
#[test]
fn what_is_read_has_an_end() {
    each_of_root(|bundle| {
        for words in [&["exec", "--process"][..], &["update", "--resources"]] {
            let fifo = bundle.tree.beside("endless");
            let _ = std::fs::remove_file(&fifo);
            nix::unistd::mkfifo(fifo.as_str(), nix::sys::stat::Mode::S_IRWXU).unwrap();
            let (end, ended) = std::sync::mpsc::channel::<()>();
            let path = fifo.clone();
            let writer = std::thread::spawn(move || {
                let mut file = std::fs::File::options().write(true).open(path).unwrap();
                // More than any may have; it fails when the reader has enough.
                let _ = file.write_all(&vec![b' '; 32 << 20]);
                // Until then there may be more.
                let _ = ended.recv();
            });
            let outcome = bundle.oci(&[words, &[&fifo, &bundle.id]].concat());
            drop(end);
            writer.join().unwrap();
            assert!(
                outcome.stderr.contains("it is larger than"),
                "{}: {outcome:?}",
                bundle.case
            );
        }
    });
}
