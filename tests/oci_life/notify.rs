//! A container tells a service manager that it is ready: `NOTIFY_SOCKET`, sd_notify(3).

use super::{each, names, pid};
use crate::common::{eventually, oci::Oci, wait};
use mydocker::sys::{descriptor, local_socket};
use std::os::fd::AsFd;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Duration;

const SCRIPT: &str = "echo $NOTIFY_SOCKET > /out/named; test -S $NOTIFY_SOCKET && ls -d /run/notify > /out/there; exec sleep 1000";

struct Manager(UnixDatagram, PathBuf);

impl Manager {
    fn new(oci: &Oci) -> Self {
        let path = oci.path().join("manager");
        let _ = std::fs::remove_file(&path);
        let socket = UnixDatagram::bind(&path).unwrap();
        socket
            .set_read_timeout(Some(Duration::from_secs(30)))
            .unwrap();
        Self(socket, path)
    }

    fn call(&self, oci: &Oci, words: &[&str]) -> Child {
        let mut command = oci.command(words);
        command.env("NOTIFY_SOCKET", &self.1);
        let file = std::fs::File::create(oci.path().join("said")).unwrap();
        command.stdout(Stdio::null()).stderr(file).spawn().unwrap()
    }

    fn told(&self) -> String {
        let mut text = [0; 100];
        let count = self.0.recv(&mut text).unwrap();
        String::from_utf8_lossy(&text[..count]).into_owned()
    }

    /// Its end of a pipe is closed when all that was before is read.
    fn take_barrier(&self) {
        let mut record = None;
        assert!(eventually(|| {
            record = local_socket::receive(self.0.as_fd()).ok().flatten();
            record.is_some()
        }));
        let record = record.unwrap();
        assert_eq!(record.byte, b'B');
        drop(descriptor::own(record.file.expect("a descriptor")));
    }

    fn is_told_nothing(&self) -> bool {
        self.0.set_nonblocking(true).unwrap();
        let is_nothing = self.0.recv(&mut [0; 100]).is_err();
        self.0.set_nonblocking(false).unwrap();
        is_nothing
    }
}

fn ends_well(oci: &Oci, child: &mut Child) {
    let status = wait(child).expect("it hangs");
    let said = std::fs::read_to_string(oci.path().join("said")).unwrap();
    assert!(status.success(), "{said}");
    assert_eq!(said, "");
}

/// Says something to the container's socket, as the container would.
fn say(socket: &Path, text: &str) {
    let sender = UnixDatagram::unbound().unwrap();
    sender.send_to(text.as_bytes(), socket).unwrap();
}

#[test]
fn who_waits_is_told_when_it_is_ready() {
    each(|oci, id| {
        let manager = Manager::new(oci);
        let socket = oci.root().join(id).join("notify/notify.sock");
        for how in [&["create", "start"][..], &["run --detach"]] {
            super::shell(oci, SCRIPT);
            let _ = std::fs::remove_file(oci.out("there"));
            let (last, first) = how.split_last().unwrap();
            for words in first {
                ends_well(oci, &mut manager.call(oci, &[words, id]));
                assert!(!socket.exists());
            }
            let words: Vec<&str> = last.split(' ').chain([id]).collect();
            let mut waits = manager.call(oci, &words);
            assert!(
                eventually(|| oci.told("there") == "/run/notify\n"),
                "{how:?}"
            );
            assert_eq!(oci.told("named"), "/run/notify/notify.sock\n");
            // Its command runs before `run` has written that down.
            assert!(eventually(|| oci.status(id) == "running"), "{how:?}");
            say(&socket, "STATUS=it warms up\n");
            assert!(waits.try_wait().unwrap().is_none(), "{how:?}");
            say(&socket, "STATUS=done\nREADY=1\nSTATUS=it runs\n");
            assert_eq!(manager.told(), "READY=1\n");
            assert_eq!(manager.told(), format!("MAINPID={}\n", pid(oci, id)));
            manager.take_barrier();
            ends_well(oci, &mut waits);
            oci.done(&["delete", "--force", id]);
            assert_eq!(names(oci), Vec::<String>::new());
        }
    });
}

#[test]
fn no_one_waits_for_what_has_ended() {
    each(|oci, id| {
        let manager = Manager::new(oci);
        super::shell(oci, "echo $NOTIFY_SOCKET > /out/named");
        for words in [&["run", id][..], &["run", "--detach", id]] {
            ends_well(oci, &mut manager.call(oci, words));
            assert!(manager.is_told_nothing(), "{words:?}");
            assert!(eventually(
                || oci.told("named") == "/run/notify/notify.sock\n"
            ));
            oci.done(&["delete", "--force", id]);
        }
        // Where no one wants to know there is nothing of it.
        oci.done(&["run", id]);
        assert_eq!(oci.told("named"), "\n");
    });
}
