//! The store of containers that stay, from outside: names, what crashes leave, and what bad input and bad times get.

mod common;

use common::stay::*;
use common::tree::Tree;
use common::*;
use serde_json::Value;
use std::ffi::OsString;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

const SLEEP: [&str; 2] = ["/bin/sleep", "1000"];

/// `run -d` of something that runs until it is killed, with a mark. Its id.
fn start(stay: &Stay, options: &[&str], mark: &str) -> String {
    let marking = format!("MARK={mark}");
    let words = [&["run", "-d", "-e", &marking], options, &SLEEP].concat();
    stay.says(&words)
}

/// Kills a container's monitor, and waits until it is dead.
fn kill_monitor(stay: &Stay, id: &str) {
    let monitor = stay.pid(id, "monitor");
    kill(monitor, Signal::SIGKILL);
    let is_dead = || {
        let status = std::fs::read_to_string(format!("/proc/{monitor}/status"));
        status.map_or(true, |status| status.contains("State:\tZ"))
    };
    assert!(eventually(is_dead), "{}", stay.case);
}

/// The cgroups of a container that there are.
fn cgroups(state: &Value) -> Vec<PathBuf> {
    let records = state["cgroups"].as_array().cloned().unwrap_or_default();
    let path = |record: &Value| {
        let above = PathBuf::from(record["above"].as_str().expect("a path"));
        above.join(record["name"].as_str().expect("a name"))
    };
    records
        .iter()
        .map(path)
        .filter(|path| path.exists())
        .collect()
}

/// How many containers and names the store has, seen or not.
fn counts(stay: &Stay) -> (usize, usize) {
    let count = |name| {
        let entries = std::fs::read_dir(Path::new(stay.state()).join(name));
        entries.map_or(0, Iterator::count)
    };
    (count("containers"), count("names"))
}

fn spawn(mut command: Command) -> Child {
    let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().expect("mydocker")
}

fn ended(mut child: Child) -> (Option<i32>, String, String) {
    assert!(wait(&mut child).is_some(), "it hangs");
    let outcome = child.wait_with_output().expect("its end");
    let text = |bytes| String::from_utf8(bytes).expect("letters");
    (
        outcome.status.code(),
        text(outcome.stdout),
        text(outcome.stderr),
    )
}

#[test]
fn names_are_dockers() {
    each_stay(|stay| {
        let long = "a".repeat(256);
        for name in ["..", ".", "/", "", "a/b", "-a", "a b", "é", &long] {
            let option = format!("--name={name}");
            for command in [&["create"][..], &["run", "-d"]] {
                let said = stay.fails(125, &[command, &[&option, "/bin/true"]].concat());
                assert!(said.contains("container name '"), "{said}");
            }
        }
        assert_eq!(counts(stay), (0, 0));
        stay.says(&["create", "--name", "one", "/bin/true"]);
        for name in ["..", "/", "", &long] {
            let said = stay.fails(1, &["rename", "one", name]);
            assert!(said.contains("container name '"), "{said}");
            let said = stay.fails(1, &["rm", name]);
            assert!(said.contains("No such container: "), "{said}");
        }
        let other = stay.says(&["create", "--name", "other", "/bin/true"]);
        let said = stay.fails(1, &["rename", "one", "other"]);
        let taken = format!("already in use by container {}", &other[..12]);
        assert!(said.contains(&taken), "{said}");
        stay.fails(1, &["rename", "one", "one"]);
        stay.says(&["rename", "one", "new"]);
        stay.fails(1, &["rename", "one", "newer"]);
        assert_eq!(stay.says(&["rm", "new"]), "new");
        // The beginning of an id is enough where it is that of one.
        assert_eq!(stay.says(&["rm", &other[..7]]), other[..7]);
        let ids: Vec<String> = (0..17)
            .map(|_| stay.says(&["create", "/bin/true"]))
            .collect();
        let is_shared = |id: &&String| ids.iter().filter(|other| other[..1] == id[..1]).count() > 1;
        let shared = ids
            .iter()
            .find(is_shared)
            .expect("17 ids begin with 16 digits");
        let said = stay.fails(1, &["rm", &shared[..1]]);
        assert!(
            said.contains("Multiple IDs found with provided prefix"),
            "{said}"
        );
        let words: Vec<&str> = ids.iter().map(String::as_str).collect();
        assert_eq!(stay.says(&[&["rm"], &words[..]].concat()), ids.join("\n"));
        assert_eq!(counts(stay), (0, 0));
    });
}

#[test]
fn of_those_who_want_a_name_one_gets_it() {
    each_stay(|stay| {
        let mark = mark();
        let marking = format!("MARK={mark}");
        let words = [&["run", "-d", "--name", "web", "-e", &marking], &SLEEP[..]].concat();
        let racing: Vec<Child> = (0..6).map(|_| spawn(stay.command(&words))).collect();
        let ended: Vec<_> = racing.into_iter().map(ended).collect();
        let winners: Vec<_> = ended.iter().filter(|ended| ended.0 == Some(0)).collect();
        assert_eq!(winners.len(), 1, "{ended:?}");
        let taken = format!("already in use by container {}", &winners[0].1[..12]);
        for (code, out, error) in ended.iter().filter(|ended| ended.0 != Some(0)) {
            assert_eq!((*code, out.as_str()), (Some(125), ""), "{error}");
            assert!(
                error.contains(&taken) && error.lines().count() == 1,
                "{error}"
            );
        }
        assert_eq!(counts(stay), (1, 1));
        assert_eq!(marked(&mark).len(), 1);
    });
}

#[test]
fn of_those_who_remove_one_wins() {
    each_stay(|stay| {
        for force in [false, true] {
            for _ in 0..3 {
                let words: &[&str] = match force {
                    true => &["run", "-d", "--name", "web", "/bin/sleep", "1000"],
                    false => &["create", "--name", "web", "/bin/true"],
                };
                stay.says(words);
                let words: &[&str] = if force {
                    &["rm", "-f", "web"]
                } else {
                    &["rm", "web"]
                };
                let racing: Vec<Child> = (0..4).map(|_| spawn(stay.command(words))).collect();
                let mut winners = 0;
                for (code, out, error) in racing.into_iter().map(ended) {
                    match code {
                        Some(0) if out == "web\n" => winners += 1,
                        // There is none any more, and none was wanted.
                        Some(0) if force => assert_eq!((&*out, &*error), ("", "")),
                        _ => {
                            assert_eq!((code, &*out), (Some(1), ""), "{error}");
                            assert_eq!(error.lines().count(), 1, "{error}");
                        }
                    }
                }
                assert!(winners >= 1, "{}", stay.case);
                assert_eq!(counts(stay), (0, 0));
            }
        }
    });
}

#[test]
fn one_that_runs_is_not_removed() {
    each_stay(|stay| {
        let mark = mark();
        let id = start(stay, &["--name", "web"], &mark);
        let refusal = "cannot remove container \"web\": container is running: stop the container before removing or \
                       force remove";
        let said = stay.fails(1, &["rm", "web"]);
        assert!(said.contains(refusal), "{said}");
        stay.says(&["rename", "web", "new"]);
        let lived = stay.recorded(&id);
        assert_eq!(stay.says(&["rm", "-f", "new"]), "new");
        assert!(marked(&mark).is_empty() && cgroups(&lived).is_empty());
        assert_eq!(stay.says(&["rm", "-f", "new"]), "");
        stay.fails(1, &["rm", "new"]);
        assert_eq!(counts(stay), (0, 0));
    });
}

#[test]
fn exit_codes_are_waited_for() {
    each_stay(|stay| {
        stay.says(&["create", "--name", "never", "/bin/true"]);
        let code = |code, name| {
            let script = format!("read line; exit {code}");
            stay.says(&["run", "-di", "--name", name, "/bin/sh", "-c", &script])
        };
        code(7, "seven");
        let three = stay.says(&["run", "-d", "--rm", "/bin/sh", "-c", "sleep 1; exit 3"]);
        let waiting = spawn(stay.command(&["wait", "never", "nobody", &three]));
        let (code, out, error) = ended(waiting);
        assert_eq!((code, &*out), (Some(1), "0\n3\n"), "{error}");
        assert!(error.contains("No such container: nobody"), "{error}");
        let waiting = spawn(stay.command(&["wait", "seven"]));
        std::thread::sleep(std::time::Duration::from_millis(100));
        stay.says(&["rm", "-f", "seven"]);
        // It is gone by then.
        assert_eq!(ended(waiting), (Some(0), "137\n".into(), String::new()));
    });
}

/// The monitor is killed, and no one else does anything: who looks next puts it right.
#[test]
fn a_killed_monitor_is_met_by_whoever_looks() {
    each_stay(|stay| {
        for (looks, words) in [
            ("ps", &["ps", "-a"][..]),
            ("inspect", &["inspect", "web"]),
            ("wait", &["wait", "web"]),
            ("rename", &["rename", "web", "web2"]),
            ("rm", &["rm", "web"]),
            ("rm -f", &["rm", "-f", "web"]),
            ("start", &["start", "web"]),
        ] {
            let mark = mark();
            let id = start(stay, &["--name", "web"], &mark);
            let lived = stay.recorded(&id);
            kill_monitor(stay, &id);
            // Whatever has ended by then.
            let outcome = stay.outcome(words);
            assert_eq!(
                outcome.code(),
                Some(0),
                "{} {looks}: {outcome:?}",
                stay.case
            );
            if looks != "start" {
                assert!(marked(&mark).is_empty(), "{} {looks}", stay.case);
                assert!(cgroups(&lived).is_empty(), "{} {looks}", stay.case);
            } else {
                assert_eq!(marked(&mark).len(), 1, "{}", stay.case);
            }
            match looks {
                "ps" => assert!(outcome.stdout.contains("Exited (137)"), "{outcome:?}"),
                "wait" => assert_eq!(outcome.stdout, "137\n"),
                _ => {}
            }
            if !looks.starts_with("rm") {
                if looks != "start" {
                    let error = stay.asks(
                        "{{.State.Status}} {{.State.ExitCode}} {{.State.Error}}",
                        &id,
                    );
                    let expected = "exited 137 its monitor was killed, and the container with it";
                    assert_eq!(error, expected, "{} {looks}", stay.case);
                }
                stay.says(&["rm", "-f", &id]);
            }
            assert_eq!(counts(stay), (0, 0), "{} {looks}", stay.case);
        }
        let mark = mark();
        let id = start(stay, &["--rm"], &mark);
        kill_monitor(stay, &id);
        assert_eq!(stay.says(&["ps", "-aq"]), "");
        assert!(marked(&mark).is_empty());
        assert_eq!(counts(stay), (0, 0));
    });
}

/// A process that has changed its user has shed the signal that comes with its parent's death.
#[test]
fn a_command_that_has_outlived_its_monitor_is_ended() {
    if Command::new("setpriv").arg("--version").output().is_err() {
        return skip("setpriv is not installed");
    }
    for case in root_cases() {
        let Some(stay) = Stay::new(case) else { return };
        // setpriv(1) of the host's, for the root has none.
        let mark = mark();
        let marking = format!("MARK={mark}");
        let mut line: Vec<OsString> =
            vec![mydocker().into(), "--state".into(), stay.state().into()];
        line.extend(["run", "-d", "--launch", case.launch, "-e", &marking].map(OsString::from));
        line.extend(
            [
                "setpriv",
                "--reuid=65534",
                "--regid=65534",
                "--clear-groups",
            ]
            .map(OsString::from),
        );
        line.extend(["sleep", "1000"].map(OsString::from));
        let outcome = finish(case.prepared(&line));
        let id = outcome.output(case).trim().to_owned();
        let first = stay.pid(&id, "first");
        let is_other = || {
            std::fs::read_to_string(format!("/proc/{first}/status"))
                .is_ok_and(|status| status.contains("Uid:\t65534"))
        };
        assert!(eventually(is_other), "{case}");
        assert_eq!(marked(&mark), [first]);
        kill_monitor(&stay, &id);
        assert!(stay.says(&["ps", "-a"]).contains("Exited (137)"), "{case}");
        assert!(marked(&mark).is_empty(), "{case}");
    }
}

/// A process that has started in a later tick (of 10 ms) than this: by that alone it is told from who had its pid.
fn bystander_since(tick: u64) -> Child {
    loop {
        let mut child = Command::new("sleep").arg("1000").spawn().expect("sleep");
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", child.id())).expect("its stat");
        // proc_pid_stat(5): the name in parentheses is the second field, the start the twenty-second.
        let (_, fields) = stat.rsplit_once(')').expect("a name");
        let start = fields.split_whitespace().nth(19).expect("its start");
        if start.parse::<u64>().expect("ticks") > tick {
            return child;
        }
        child.kill().expect("it is there");
        child.wait().expect("it is ours");
    }
}

/// The pid that is written down is another's by now.
#[test]
fn who_has_got_the_pid_is_left_alone() {
    each_stay(|stay| {
        let mark = mark();
        let id = start(stay, &[], &mark);
        let mut lived = stay.recorded(&id);
        let started = lived["first"]["start_time"].as_u64().expect("ticks");
        let mut bystander = bystander_since(started);
        let file = stay.directory(&id).join("state.json");
        lived["first"]["pid"] = bystander.id().into();
        // In place: it stays its owner's.
        std::fs::write(&file, lived.to_string()).expect("another state");
        kill_monitor(stay, &id);
        assert!(eventually(|| marked(&mark).is_empty()), "{}", stay.case);
        stay.says(&["rm", &id]);
        assert!(
            bystander.try_wait().expect("it is ours").is_none(),
            "{}",
            stay.case
        );
        bystander.kill().expect("it is there");
        bystander.wait().expect("it is ours");
    });
}

#[test]
fn a_monitor_that_does_not_answer_is_killed() {
    for case in cases() {
        if case.launch == "re-exec" {
            continue;
        }
        let Some(stay) = Stay::new(case) else { return };
        let mark = mark();
        let id = start(&stay, &["--name", "web"], &mark);
        let lived = stay.recorded(&id);
        kill(stay.pid(&id, "monitor"), Signal::SIGSTOP);
        assert_eq!(stay.says(&["rm", "-f", "web"]), "web");
        assert!(
            marked(&mark).is_empty() && cgroups(&lived).is_empty(),
            "{case}"
        );
        assert_eq!(counts(&stay), (0, 0), "{case}");
    }
}

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

/// Who is frozen by v1 does not even die of SIGKILL.
#[test]
fn a_paused_container_is_ended_as_well() {
    for case in cgroups::limited_cases() {
        let Some(stay) = Stay::new(case) else { return };
        for words in [&["ps", "-a"][..], &["rm", "-f", "web"]] {
            let mark = mark();
            let id = start(&stay, &["--name", "web"], &mark);
            let lived = stay.recorded(&id);
            stay.says(&["pause", "web"]);
            let said = stay.fails(1, &["rm", "web"]);
            assert!(
                said.contains("container is paused and must be unpaused first"),
                "{said}"
            );
            kill_monitor(&stay, &id);
            stay.says(words);
            assert!(
                marked(&mark).is_empty() && cgroups(&lived).is_empty(),
                "{case} {words:?}"
            );
            stay.says(&["rm", "-f", "web"]);
            assert_eq!(counts(&stay), (0, 0), "{case}");
        }
        let mark = mark();
        start(&stay, &["--name", "web"], &mark);
        stay.says(&["pause", "web"]);
        stay.says(&["rm", "-f", "web"]);
        assert!(marked(&mark).is_empty(), "{case}");
    }
}
