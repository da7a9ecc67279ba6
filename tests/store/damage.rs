//! What is half made, damaged or not to be used; and times in which nothing can be written.

use crate::common::stay::*;
use crate::common::tree::Tree;
use crate::common::*;
use crate::helpers::*;
use std::ffi::OsString;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

#[test]
fn what_is_half_made_is_swept_unless_someone_is_at_it() {
    each_stay(|stay| {
        stay.says(&["create", "--name", "whole", "/bin/true"]);
        let half = |digit: &str, files: &[&str]| {
            let path = stay.directory(&digit.repeat(64));
            std::fs::create_dir(&path).expect("a directory");
            for file in files {
                std::fs::write(path.join(file), "").expect("a file");
            }
            stay.tree().give(&path);
            path
        };
        half("1", &[]);
        half("2", &["lock"]);
        half(
            "3",
            &[
                "lock",
                "state.json",
                "spare",
                "config.new",
                "log.json",
                "log.json.1",
                "socket",
            ],
        );
        symlink("3".repeat(64), Path::new(stay.state()).join("names/half")).expect("a link");
        let busy = half("4", &["lock"]);
        let lock = std::fs::File::options()
            .write(true)
            .open(busy.join("lock"))
            .expect("a lock");
        use mydocker::sys::lock::{self, Lock};
        lock::lock(lock.as_fd(), Lock::Alone, 0, 1).expect("locked");
        stay.fails(1, &["rm", "half"]);
        assert_eq!(stay.says(&["ps", "-a", "--format", "{{.Names}}"]), "whole");
        assert_eq!(counts(stay), (2, 1), "{}", stay.case);
        drop(lock);
        assert_eq!(stay.says(&["ps", "-a", "--format", "{{.Names}}"]), "whole");
        assert_eq!(counts(stay), (1, 1), "{}", stay.case);
        // A name that leads to nothing is no one's.
        symlink("5".repeat(64), Path::new(stay.state()).join("names/left")).expect("a link");
        stay.says(&["create", "--name", "left", "/bin/true"]);
        assert_eq!(counts(stay), (2, 2), "{}", stay.case);
    });
}

/// Puts something in the place of a file.
type Damage = fn(&Path);

/// What may be there, by what it is.
const DAMAGES: [(&str, Damage); 8] = [
    ("garbage", |path| {
        std::fs::write(path, "{\"id\"").expect("a file")
    }),
    ("empty", |path| std::fs::write(path, "").expect("a file")),
    ("a pipe", |path| {
        nix::unistd::mkfifo(path, nix::sys::stat::Mode::S_IRWXU).expect("a pipe");
    }),
    ("a directory", |path| {
        std::fs::create_dir_all(path.join("inner/most")).expect("directories");
        std::fs::write(path.join("inner/file"), "").expect("a file");
        symlink("/usr", path.join("inner/link")).expect("a link");
    }),
    ("a link", |path| symlink("/dev/zero", path).expect("a link")),
    ("deep", |path| {
        std::fs::write(path, "[".repeat(100_000)).expect("a file")
    }),
    ("long", |path| {
        let file = std::fs::File::create(path).expect("a file");
        file.set_len(1 << 30).expect("a hole");
    }),
    ("a socket", |path| {
        let directory = std::fs::File::open(path.parent().expect("one")).expect("a directory");
        let short = format!("/proc/self/fd/{}/{}", directory.as_raw_fd(), "x");
        std::os::unix::net::UnixListener::bind(&short).expect("a socket");
        std::fs::rename(path.with_file_name("x"), path).expect("its name");
    }),
];

#[test]
fn what_is_damaged_is_removed_by_force() {
    each_stay(|stay| {
        for (file, (kind, damage)) in ["config.json", "state.json"]
            .into_iter()
            .flat_map(|file| DAMAGES.map(|damage| (file, damage)))
        {
            let label = format!("{} {file} {kind}", stay.case);
            let id = stay.says(&["create", "--name", "web", "/bin/true"]);
            let path = stay.directory(&id).join(file);
            std::fs::remove_file(&path).expect("a file");
            damage(&path);
            stay.tree().give(&path);
            let said = stay.fails(1, &["rm", "web"]);
            assert!(
                said.contains(&format!("rm -f {}", &id[..12])),
                "{label}: {said}"
            );
            // Said once.
            let said = stay.outcome(&["ps", "-aq"]);
            let lines = said.stderr.lines().count();
            assert_eq!((said.code(), lines), (Some(0), 1), "{label}: {said:?}");
            let word = if kind.len() % 2 == 0 { "web" } else { &id[..9] };
            assert_eq!(stay.says(&["rm", "-f", word]), word, "{label}");
            assert_eq!(counts(stay), (0, 0), "{label}");
        }
        for file in ["config.json", "state.json"] {
            let mark = mark();
            let id = start(stay, &["--name", "web"], &mark);
            std::fs::write(stay.directory(&id).join(file), "{").expect("a file");
            assert_eq!(
                stay.says(&["rm", "-f", "web"]),
                "web",
                "{} {file}",
                stay.case
            );
            assert!(marked(&mark).is_empty(), "{} {file}", stay.case);
            assert_eq!(counts(stay), (0, 0), "{} {file}", stay.case);
        }
        // It is there without its state.
        let id = stay.says(&["create", "--name", "web", "/bin/true"]);
        std::fs::remove_file(stay.directory(&id).join("state.json")).expect("a file");
        stay.fails(1, &["rm", "web"]);
        assert_eq!(stay.says(&["rm", "-f", "web"]), "web");
        assert_eq!(counts(stay), (0, 0), "{}", stay.case);
    });
}

/// `ps`, `run -d` and `rm` with this store, which is no one's to use.
fn refused(case: Case, state: &str) -> String {
    let mut said = Vec::new();
    for words in [
        &["ps"][..],
        &["create", "true"],
        &["run", "-d", "true"],
        &["rm", "x"],
        &["wait", "x"],
    ] {
        let mut line: Vec<OsString> = vec![mydocker().into(), "--state".into(), state.into()];
        line.extend(words.iter().map(OsString::from));
        let outcome = finish(case.prepared(&line));
        let what = format!("{case} {words:?}: {outcome:?}");
        assert!(matches!(outcome.code(), Some(1 | 125)), "{what}");
        assert_eq!(
            (&*outcome.stdout, outcome.stderr.lines().count()),
            ("", 1),
            "{what}"
        );
        said.push(outcome.stderr);
    }
    said.dedup();
    said.join("")
}

#[test]
fn a_store_that_is_not_ours_alone_is_refused() {
    for case in cases() {
        let Some(tree) = Tree::new(case) else { return };
        let state = tree.directory("state");
        let mode = |mode| {
            std::fs::set_permissions(&state, std::fs::Permissions::from_mode(mode))
                .expect("its mode")
        };
        for open in [0o770, 0o702, 0o1777] {
            mode(open);
            let said = refused(case, &state);
            assert!(
                said.contains("others may write to it") && said.contains("MYDOCKER_STATE"),
                "{said}"
            );
        }
        mode(0o700);
        let link = tree.beside("link");
        symlink(&state, &link).expect("a link");
        let said = refused(case, &link);
        assert!(said.contains("it is a link, or no directory"), "{said}");
        let said = refused(case, &format!("{state}/file"));
        assert!(said.contains("it is a link, or no directory"), "{said}");
        if nix::unistd::Uid::effective().is_root() {
            let other = match case.caller {
                Caller::Root => nix::unistd::Uid::from_raw(ORDINARY),
                Caller::Ordinary => nix::unistd::Uid::from_raw(0),
            };
            nix::unistd::chown(Path::new(&state), Some(other), None).expect("chown");
            mode(0o755);
            let said = refused(case, &state);
            assert!(said.contains("it is another user's"), "{said}");
        }
    }
}

/// Someone else fills the disk while containers run: how they end is written all the same, and told.
#[test]
fn a_full_disk() {
    let script = r#"
        set -eu
        mount -t tmpfs -o size=256k,mode=700 none "$STATE"
        "$MYDOCKER" run -d --name web --rootfs "$ROOT" -v "$STATE/..:/mnt" /bin/sh -c \
            'until [ -e /mnt/go ]; do sleep 0.1; echo line; done; exit 5' > /dev/null
        "$MYDOCKER" run -d --name other --rootfs "$ROOT" /bin/sleep 1000 > /dev/null
        ! dd if=/dev/zero of="$STATE/fill" bs=4k 2> /dev/null
        ! "$MYDOCKER" create --name none --rootfs "$ROOT" /bin/true 2>&1 | grep -v 'no space left on device (ENOSPC)'
        touch "$STATE/../go"
        "$MYDOCKER" wait web
        "$MYDOCKER" kill other
        "$MYDOCKER" rename other new
        "$MYDOCKER" ps -a --format '{{.Names}} {{.Status}}' | sed 's/) .*/)/'
        "$MYDOCKER" start new
        "$MYDOCKER" ps --format '{{.Names}}'
        "$MYDOCKER" rm -f web new
        ls -A "$STATE/containers" "$STATE/names" | wc -w
    "#;
    let expected = "5\nother\nnew Exited (137)\nweb Exited (5)\nnew\nnew\nweb\nnew\n2\n";
    for case in root_cases() {
        let Some(stay) = Stay::new(case) else { return };
        let line = ["unshare", "--mount", "sh", "-c", script].map(OsString::from);
        let mut command = case.prepared(&line);
        command
            .env("MYDOCKER", mydocker())
            .env("MYDOCKER_STATE", stay.state());
        command
            .env("STATE", stay.state())
            .env("ROOT", stay.tree().root());
        let outcome = finish(command);
        assert_eq!(outcome.output(case), expected, "{case}: {outcome:?}");
    }
}

/// What tells which containers run is a lock; where there is none, none is made.
#[test]
fn a_file_system_without_locks() {
    if !has_strace() {
        return;
    }
    each_stay(|stay| {
        let trace = stay.tree().beside("trace");
        let create = |inject: &str| {
            let mut line: Vec<OsString> = ["strace", "-o", &trace, "-e", inject]
                .map(OsString::from)
                .into();
            line.extend([mydocker().into(), "--state".into(), stay.state().into()]);
            line.extend(["create", "true"].map(OsString::from));
            finish(stay.case.prepared(&line))
        };
        let outcome = create("trace=fcntl");
        assert_eq!(outcome.code(), Some(0), "{outcome:?}");
        let calls = std::fs::read_to_string(&trace).expect("a trace");
        let is_lock = |call: &str| call.contains("F_OFD_SETLK");
        let number = calls.lines().position(is_lock).expect("a lock is taken") + 1;
        let before = counts(stay);
        for errno in ["ENOLCK", "EOPNOTSUPP", "ENOSYS"] {
            let outcome = create(&format!("inject=fcntl:error={errno}:when={number}"));
            let said = &outcome.stderr;
            assert_eq!(
                (outcome.code(), said.lines().count()),
                (Some(125), 1),
                "{outcome:?}"
            );
            assert!(
                said.contains(errno) && said.contains("MYDOCKER_STATE names another"),
                "{said}"
            );
            assert_eq!(counts(stay), before, "{said}");
        }
    });
}
