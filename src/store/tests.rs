use super::*;
use crate::error::ExitCode;
use crate::sys::Errno;
use crate::sys::lock::{self, Lock};
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

/// A store of its own, removed with its test.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let name = format!("mydocker-store-{name}-{}", std::process::id());
        Self(std::env::temp_dir().join(name))
    }

    fn open(&self) -> Store {
        Store::open(Some(self.0.as_os_str())).unwrap()
    }

    fn refusal(&self) -> String {
        let opened = Store::open(Some(self.0.as_os_str())).map(|_| ());
        let looked = Store::look(Some(self.0.as_os_str())).map(|_| ());
        let (opened, looked) = (opened.unwrap_err(), looked.unwrap_err());
        assert_eq!(opened.to_string(), looked.to_string());
        opened.to_string()
    }

    fn count(&self, inner: &str) -> usize {
        std::fs::read_dir(self.0.join(inner)).unwrap().count()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Waits until it is so. A lock that is given back may be held a moment longer by another test's child, which has until its
/// execve what this process had open.
#[track_caller]
fn eventually(condition: impl Fn() -> bool) {
    let is_so = (0..1000).any(|_| {
        let is_so = condition();
        if !is_so {
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        is_so
    });
    assert!(is_so);
}

fn config(created: u64) -> Config {
    Config {
        id: Id::fresh(),
        created,
        words: vec!["-d".into(), "true".into()],
        directory: "/".into(),
        variables: Vec::new(),
        files: Vec::new(),
        directories: Vec::new(),
        updates: Vec::new(),
    }
}

#[test]
fn what_is_changed_is_read_with_what_was_asked() {
    let scratch = Scratch::new("updates");
    let store = scratch.open();
    let owned = store.make(&config(1), None).unwrap();
    let entry = store.find(OsStr::new(owned.id.as_str())).unwrap();
    assert_eq!(entry.config.updates, [] as [OsString; 0]);
    let updating = entry.update().unwrap();
    let words = ["--memory=1g".into(), OsString::from_vec(b"--x=\xff".into())];
    let changed = |words: &[OsString]| Config {
        updates: words.to_vec(),
        ..entry.config.clone()
    };
    updating.write(&changed(&words)).unwrap();
    assert_eq!(updating.config().unwrap().updates, words);
    drop(updating);
    let updating = entry.update().unwrap();
    updating.write(&changed(&words[..1])).unwrap();
    drop(updating);
    let config = owned.config().unwrap();
    assert_eq!((&config.updates[..], config.words.len()), (&words[..1], 2));
    // Also while someone has its lock, and not when it is gone, nor while it goes.
    let directory = scratch.0.join("containers").join(owned.id.to_string());
    assert!(!directory.join("config.new").exists());
    let updating = entry.update().unwrap();
    std::fs::remove_file(directory.join("config.json")).unwrap();
    assert!(message(updating.write(&changed(&words))).contains("ENOENT"));
    drop(updating);
    owned.remove().unwrap();
    assert!(message(entry.update()).contains("No such container"));
    assert_eq!(scratch.count("containers"), 0);
}

fn name(text: &str) -> Name {
    Name::parse(OsStr::new(text)).unwrap()
}

fn message<T>(result: Result<T, Error>) -> String {
    match result {
        Ok(_) => panic!("it was to fail"),
        Err(error) => error.to_string(),
    }
}

fn find(store: &Store, word: &str) -> Result<Id, String> {
    let found = store.find(OsStr::new(word));
    found.map(|entry| entry.id).map_err(|error| {
        assert_eq!(error.exit(), ExitCode::FAILURE);
        error.to_string()
    })
}

#[test]
fn who_removes_a_container_is_not_in_the_way_of_others() {
    let scratch = Scratch::new("meanwhile");
    let store = scratch.open();
    let config = config(1);
    let owned = store.make(&config, Some(&name("web"))).unwrap();
    let entry = store.find(OsStr::new("web")).unwrap();
    let state = files::inner(&config.id, files::STATE);
    let state = owned
        .place
        .path
        .join("containers")
        .join(state.to_str().unwrap());
    std::fs::rename(&state, state.with_extension("kept")).unwrap();
    // What lacks its state is damaged, and there.
    assert_eq!(entry.look().unwrap_err().errno(), Some(Errno::ENOENT));
    owned.remove().unwrap();
    assert!(entry.look_if_there().unwrap().is_none());
    let errors = [
        entry.look().unwrap_err(),
        entry.rename(&name("other")).unwrap_err(),
        entry.update().err().unwrap(),
        entry.take().err().unwrap(),
    ];
    for error in errors {
        assert_eq!(error.to_string(), "No such container: web");
        assert_eq!(error.exit(), ExitCode::FAILURE);
    }
}

#[test]
fn a_container_is_found_until_it_is_removed() {
    let scratch = Scratch::new("found");
    assert!(Store::look(Some(scratch.0.as_os_str())).unwrap().is_none());
    let store = scratch.open();
    assert!(store.all().unwrap().is_empty());
    let (one, other) = (config(1), config(2));
    let owned = store.make(&one, Some(&name("web"))).unwrap();
    drop(store.make(&other, None).unwrap());
    for word in ["web", "/web", &one.id.to_string(), &one.id.short()] {
        assert_eq!(find(&store, word), Ok(one.id), "{word}");
    }
    for word in ["", "/", "we", "..", "WEB"] {
        assert_eq!(
            find(&store, word),
            Err(format!("No such container: {word}"))
        );
    }
    let all = store.all().unwrap();
    assert_eq!(
        all.iter().map(|entry| entry.id).collect::<Vec<_>>(),
        [other.id, one.id]
    );
    assert_eq!(all[1].name, Some(name("web")));
    assert!(all[0].name.as_ref().unwrap().as_str().contains('_'));
    assert_eq!(all[1].config, one);
    assert_eq!(all[1].look().unwrap().status, Status::Created);

    assert!(all[1].has_owner().unwrap());
    eventually(|| !all[0].has_owner().unwrap());
    let busy = "container web is being started, stopped or removed by another command";
    assert_eq!(message(all[1].take()), busy);
    let running = State {
        phase: Phase::Running,
        ..State::created()
    };
    owned.write_state(&running).unwrap();
    let look = Look {
        state: running,
        status: Status::Running,
    };
    assert_eq!(all[1].look().unwrap(), look);
    drop(owned);
    eventually(|| all[1].look().unwrap().status == Status::Dead);
    all[1].take().unwrap().remove().unwrap();
    assert_eq!(message(all[1].take()), "No such container: web");
    assert_eq!(find(&store, "web"), Err("No such container: web".into()));
    assert_eq!(
        (scratch.count("containers"), scratch.count("names")),
        (1, 1)
    );
}

#[test]
fn the_beginning_of_an_id_is_to_be_one_containers() {
    let scratch = Scratch::new("prefix");
    let store = scratch.open();
    for end in ["0", "1"] {
        let digits = "abc".repeat(21) + end;
        let id = Id::parse(digits.as_bytes()).unwrap();
        store.make(&Config { id, ..config(1) }, None).unwrap();
    }
    let several = "Multiple IDs found with provided prefix: abca";
    assert_eq!(find(&store, "abca"), Err(several.into()));
    assert!(find(&store, &("abc".repeat(21) + "1")).is_ok());
    // A name comes before the beginning of an id.
    let named = config(1);
    store.make(&named, Some(&name("abca"))).unwrap();
    assert_eq!(find(&store, "abca"), Ok(named.id));
}

#[test]
fn one_name_is_one_containers() {
    let scratch = Scratch::new("race");
    drop(scratch.open());
    let made: Vec<Result<Id, String>> = std::thread::scope(|scope| {
        let race = || {
            let store = scratch.open();
            let config = config(1);
            let made = store.make(&config, Some(&name("web")));
            let made = made.map(|_| config.id);
            made.map_err(|error| error.to_string())
        };
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(race)).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    let winners: Vec<&Id> = made.iter().flatten().collect();
    assert_eq!(winners.len(), 1, "{made:?}");
    let taken = format!(
        "container name 'web': it is already in use by container {}: remove or rename that one",
        winners[0].short()
    );
    for lost in made.iter().filter_map(|made| made.as_ref().err()) {
        assert_eq!(*lost, taken);
    }
    assert_eq!(
        (scratch.count("containers"), scratch.count("names")),
        (1, 1)
    );
}

#[test]
fn names_change() {
    let scratch = Scratch::new("rename");
    let store = scratch.open();
    let (one, other) = (config(1), config(2));
    let kept = store.make(&one, Some(&name("one"))).unwrap();
    store.make(&other, Some(&name("other"))).unwrap();
    let entry = store.find(OsStr::new("one")).unwrap();
    let taken = format!(
        "container name 'other': it is already in use by container {}: remove or rename that one",
        other.id.short()
    );
    assert_eq!(message(entry.rename(&name("other"))), taken);
    // Also while it runs.
    entry.rename(&name("new")).unwrap();
    assert_eq!(find(&store, "new"), Ok(one.id));
    assert!(find(&store, "one").is_err());
    assert_eq!(scratch.count("names"), 2);
    drop(kept);
    // What a crash has left of names is no one's.
    std::os::unix::fs::symlink(Id::fresh().to_string(), scratch.0.join("names/left")).unwrap();
    entry.rename(&name("left")).unwrap();
    assert_eq!(find(&store, "left"), Ok(one.id));
    assert_eq!(
        (scratch.count("containers"), scratch.count("names")),
        (2, 2)
    );
}

#[test]
fn what_crashes_leave_is_swept_and_what_is_being_made_is_not() {
    let scratch = Scratch::new("swept");
    let store = scratch.open();
    let containers = scratch.0.join("containers");
    let half = |files: &[&str]| {
        let id = Id::fresh();
        let directory = containers.join(id.to_string());
        std::fs::create_dir(&directory).unwrap();
        for file in files {
            std::fs::write(directory.join(file), "").unwrap();
        }
        id
    };
    half(&[]);
    half(&["lock"]);
    let named = half(&["lock", "state.json", "spare", "config.new", "log.json"]);
    std::os::unix::fs::symlink(named.to_string(), scratch.0.join("names/half")).unwrap();
    let made = half(&["lock"]);
    let lock = std::fs::File::options()
        .write(true)
        .open(containers.join(made.to_string()).join("lock"))
        .unwrap();
    lock::lock(lock.as_fd(), Lock::Alone, owned::OWNER, 1).unwrap();
    let nowhere = Id::fresh().to_string();
    std::os::unix::fs::symlink(nowhere, scratch.0.join("names/nowhere")).unwrap();
    assert!(find(&store, "half").is_err());
    assert!(store.all().unwrap().is_empty());
    assert_eq!(
        (scratch.count("containers"), scratch.count("names")),
        (1, 0)
    );
    drop(lock);
    eventually(|| store.all().unwrap().is_empty() && scratch.count("containers") == 0);
    // Of a name's half-made container the one who wants the name.
    let named = half(&["lock"]);
    std::os::unix::fs::symlink(named.to_string(), scratch.0.join("names/half")).unwrap();
    store.make(&config(1), Some(&name("half"))).unwrap();
    assert_eq!(
        (scratch.count("containers"), scratch.count("names")),
        (1, 1)
    );
}

#[test]
fn making_outlives_those_who_sweep() {
    let scratch = Scratch::new("sweepers");
    drop(scratch.open());
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let store = scratch.open();
                while !done.load(std::sync::atomic::Ordering::Relaxed) {
                    store.all().unwrap();
                }
            });
        }
        let store = scratch.open();
        for _ in 0..100 {
            let owned = store.make(&config(1), None).unwrap();
            assert!(find(&store, &owned.id.to_string()).is_ok());
            owned.remove().unwrap();
        }
        done.store(true, std::sync::atomic::Ordering::Relaxed);
    });
    assert!(scratch.open().all().unwrap().is_empty());
    assert_eq!(
        (scratch.count("containers"), scratch.count("names")),
        (0, 0)
    );
}

#[test]
fn a_store_is_its_users_alone() {
    let scratch = Scratch::new("refused");
    for mode in [0o770, 0o707, 0o1777] {
        std::fs::create_dir(&scratch.0).unwrap();
        std::fs::set_permissions(&scratch.0, std::fs::Permissions::from_mode(mode)).unwrap();
        let refusal = scratch.refusal();
        assert!(refusal.contains("others may write to it"), "{refusal}");
        std::fs::remove_dir(&scratch.0).unwrap();
    }
    for target in ["/", "/nowhere"] {
        std::os::unix::fs::symlink(target, &scratch.0).unwrap();
        let refusal = scratch.refusal();
        assert!(
            refusal.contains("it is a link, or no directory"),
            "{refusal}"
        );
        std::fs::remove_file(&scratch.0).unwrap();
    }
    std::fs::write(&scratch.0, "").unwrap();
    assert!(scratch.refusal().contains("it is a link, or no directory"));
    std::fs::remove_file(&scratch.0).unwrap();
    let others = Store::open(Some(OsStr::new("/proc"))).map(|_| ());
    let words = OsString::from(message(others));
    assert!(!words.is_empty());
}
