use super::places::PlacesRecord;
use super::*;
use crate::path_in_root::PLACE;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;

/// A directory of this test's, removed with what is in it.
struct Scratch(std::path::PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let name = format!("mydocker-record-{name}-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).unwrap();
        Self(path.canonicalize().unwrap())
    }

    fn make(&self, name: &str) -> CString {
        let path = self.0.join(name);
        std::fs::create_dir(&path).unwrap();
        CString::new(path.into_os_string().into_vec()).unwrap()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// As if their process had been killed: the kernel has ended its locks, and no destructor has run.
fn killed(mut traces: Traces) {
    drop(traces.locks.take());
    std::mem::forget(traces);
}

fn work_of(upper: &CStr) -> (Traces, std::path::PathBuf) {
    let mut kept = Upper {
        path: upper.to_owned(),
        work: None,
    };
    let mut traces = Traces::default();
    let wanted = upper::Wanted::look(AskedBy::Upper, &mut kept).unwrap();
    traces.works.push(wanted.take(&mut traces.locks).unwrap());
    let work = crate::spec::work_directory(upper).unwrap();
    (traces, OsStr::from_bytes(work.to_bytes()).into())
}

#[test]
fn a_work_directory_is_removed_by_its_record() {
    let scratch = Scratch::new("work");
    let upper = scratch.make("upper");
    let (traces, work) = work_of(&upper);
    std::fs::create_dir(work.join("work")).unwrap();
    let record = traces.clean_up_record().unwrap();
    // Its container lives.
    record.clean_up().unwrap();
    assert!(work.join("work").exists());
    killed(traces);
    assert!(work.exists());
    record.clean_up().unwrap();
    assert!(!work.exists());
    // Another one in its place is not touched.
    std::fs::create_dir(&work).unwrap();
    std::fs::write(work.join("file"), "").unwrap();
    record.clean_up().unwrap();
    assert!(work.join("file").exists());
}

#[test]
fn places_are_removed_by_their_record() {
    let scratch = Scratch::new("places");
    let path = scratch.make("root");
    let directory = open_directory(AskedBy::Root, &path).unwrap();
    for name in ["proc", "sys"] {
        let place = scratch.0.join("root").join(name);
        std::fs::create_dir(&place).unwrap();
        std::fs::set_permissions(&place, Permissions::from_mode(PLACE)).unwrap();
    }
    let facts = facts::facts(directory.as_fd()).unwrap();
    let record = Record {
        works: Vec::new(),
        places: Some(PlacesRecord {
            path,
            identity: facts.identity,
            ids: None,
        }),
    };
    let used = record.places.as_ref().and_then(PlacesRecord::find).unwrap();
    assert_eq!(Some(used.clean_up_record()), record.places);
    let there = || scratch.0.join("root/proc").exists();
    let mut locks = Locks::open().map_err(|none| none.error("test")).unwrap();
    let byte = crate::locks::Byte::of(&facts);
    // Another container uses them.
    locks
        .lock_soon(byte, crate::sys::lock::Lock::Shared)
        .unwrap();
    record.clean_up().unwrap();
    assert!(there());
    drop(locks);
    record.clean_up().unwrap();
    assert!(!there());
    assert!(!scratch.0.join("root/sys").exists());
}
