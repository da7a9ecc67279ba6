use super::*;

/// The root that these mounts give, whoever makes them.
fn root(mounts: Vec<RootMount>, mounter: Mounter) -> Result<RootSpec, RootConflict> {
    let wishes = RootWishes {
        base: Base::Directory(c"/base".into()),
        read_only: false,
        mounts,
        name_files: Vec::new(),
        shared_memory: None,
        security: RootSecurity::default(),
    };
    RootSpec::new(wishes, mounter, false)
}

fn mount(target: &CStr, source: MountSource) -> RootMount {
    RootMount {
        asked_by: format!("mounts: {}", target.to_string_lossy()),
        target: target.into(),
        source,
    }
}

fn tmpfs(target: &CStr) -> RootMount {
    let (flags, data) = (MountFlags::NONE, c"".into());
    mount(target, MountSource::Tmpfs { flags, data })
}

fn bind(target: &CStr, flags: MountFlags) -> RootMount {
    let bind = Bind {
        path: c"/source".into(),
        recursive: true,
        flags,
        recursive_flags: true,
        devices: Devices::Source,
        is_device: false,
        is_root: false,
        optional: false,
    };
    mount(target, MountSource::Bind(bind))
}

fn overlay(writes: Writes) -> Overlay {
    let lower = vec![c"/low".into()];
    Overlay { lower, writes }
}

/// What is said against the last of these mounts.
fn refused(mounts: Vec<RootMount>, mounter: Mounter) -> Option<MountConflict> {
    let last = mounts.last().map(|mount| mount.asked_by.clone());
    match root(mounts, mounter) {
        Ok(_) => None,
        Err(RootConflict::Mount { asked_by, conflict }) => {
            assert_eq!(Some(asked_by), last);
            Some(conflict)
        }
        Err(other) => panic!("{other:?}"),
    }
}

#[test]
fn mounts_stay_in_the_order_in_which_they_are_wished() {
    let targets = [c"/b/c", c"/b", c"/a"];
    let root = root(targets.map(tmpfs).into(), Mounter::User).unwrap();
    let order: Vec<&CStr> = root.mounts.iter().map(|mount| &*mount.target).collect();
    assert_eq!(order, targets);
    assert!(!root.is_premounted);
}

#[test]
fn targets_that_no_order_makes_right() {
    for (target, expected) in [
        (c"/", Some(MountConflict::TargetIsRoot)),
        (c"", Some(MountConflict::TargetIsNoPath)),
        (c"a", Some(MountConflict::TargetIsNoPath)),
        (c"/a/", Some(MountConflict::TargetIsNoPath)),
        (c"//a", Some(MountConflict::TargetIsNoPath)),
        (c"/a/../b", Some(MountConflict::TargetIsNoPath)),
        (c"/a/./b", Some(MountConflict::TargetIsNoPath)),
        (c"/proc", Some(MountConflict::TargetInProc)),
        (c"/proc/sys", Some(MountConflict::TargetInProc)),
        (c"/process", None),
        (c"/..a/b.", None),
    ] {
        assert_eq!(
            refused(vec![tmpfs(target)], Mounter::Root),
            expected,
            "{target:?}"
        );
    }
    let twice = vec![tmpfs(c"/a"), tmpfs(c"/b"), tmpfs(c"/a")];
    assert_eq!(
        refused(twice, Mounter::Root),
        Some(MountConflict::TargetRepeated)
    );
    let shared = vec![bind(c"/a", MountFlags::SHARED), tmpfs(c"/a/b")];
    assert_eq!(
        refused(shared, Mounter::Root),
        Some(MountConflict::TargetInShared)
    );
}

#[test]
fn what_a_mounter_may() {
    let shared = |mounter| refused(vec![bind(c"/a", MountFlags::SHARED)], mounter);
    assert_eq!(shared(Mounter::Root), None);
    assert_eq!(shared(Mounter::User), Some(MountConflict::SharedByUser));
    assert_eq!(shared(Mounter::Handed), Some(MountConflict::SharedByHanded));
    let layers = |mounter| {
        let overlay = overlay(Writes::ThrownAway { size: None });
        refused(vec![mount(c"/a", MountSource::Overlay(overlay))], mounter)
    };
    assert_eq!(layers(Mounter::User), None);
    assert_eq!(
        layers(Mounter::Handed),
        Some(MountConflict::OverlayOfHanded)
    );
}

#[test]
fn what_is_no_mount() {
    let wishes = |base, shared_memory, mounts| RootWishes {
        base,
        read_only: false,
        mounts,
        name_files: vec![NameFile {
            name: "hosts",
            content: Vec::new(),
            asked_by: Some("names: a".into()),
            is_missed: false,
        }],
        shared_memory,
        security: RootSecurity::default(),
    };
    let directory = || Base::Directory(c"/base".into());
    let covered = wishes(directory(), None, vec![bind(c"/etc", MountFlags::NONE)]);
    let covered = RootSpec::new(covered, Mounter::Root, false).unwrap_err();
    assert_eq!(covered.words().0, "names: a");
    let memory = |shares_ipc| {
        RootSpec::new(
            wishes(directory(), Some(1), Vec::new()),
            Mounter::Root,
            shares_ipc,
        )
    };
    assert!(memory(false).is_ok());
    assert_eq!(memory(true), Err(RootConflict::SharedMemoryOfCaller));
    let path = c"/upper".into();
    let kept = overlay(Writes::Kept(Upper { path, work: None }));
    let kept = wishes(Base::Overlay(kept), None, Vec::new());
    assert_eq!(
        RootSpec::new(kept, Mounter::Handed, false),
        Err(RootConflict::WritesKeptByHanded)
    );
    let (lower, writes) = (Vec::new(), Writes::Refused);
    let none = wishes(Base::Overlay(Overlay { lower, writes }), None, Vec::new());
    assert_eq!(
        RootSpec::new(none, Mounter::Root, false),
        Err(RootConflict::NoLayer)
    );
}

#[test]
fn a_clean_target_is_what_a_path_means() {
    for (path, expected) in [
        (&b"/a/b/../c//d/"[..], Some(&b"/a/c/d"[..])),
        (b"/../.", Some(b"/")),
        (b"a", None),
    ] {
        assert_eq!(clean_target(path).as_deref(), expected);
    }
}
