use super::*;

/// A directory, in which nothing is mounted.
pub(crate) fn bare_root() -> RootWishes {
    RootWishes {
        base: Base::Directory(c"/base".into()),
        read_only: false,
        opens_devices: false,
        mounts: Vec::new(),
        nodes: Vec::new(),
        links: Vec::new(),
        masked: Vec::new(),
        read_only_paths: Vec::new(),
        name_files: Vec::new(),
    }
}

/// The root that these mounts give, whoever makes them.
fn root(mounts: Vec<RootMount>, mounter: Mounter) -> Result<RootSpec, RootConflict> {
    let wishes = RootWishes {
        mounts,
        ..bare_root()
    };
    RootSpec::new(wishes, mounter)
}

fn mount(target: &CStr, source: MountSource) -> RootMount {
    RootMount {
        asked_by: Some(format!("mounts: {}", target.to_string_lossy())),
        target: target.into(),
        source,
    }
}

fn file_system(kind: &CStr) -> FileSystem {
    FileSystem {
        kind: kind.into(),
        flags: MountFlags::NONE,
        data: CString::default(),
        optional: false,
        instead: None,
    }
}

fn tmpfs(target: &CStr) -> RootMount {
    mount(target, MountSource::FileSystem(file_system(c"tmpfs")))
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
    let last = mounts.last().map(RootMount::label);
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
    let after = vec![bind(c"/a", MountFlags::SHARED), tmpfs(c"/b")];
    assert_eq!(
        refused(after, Mounter::Root),
        Some(MountConflict::AfterShared)
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
fn a_proc_is_all_that_is_mounted_on_proc() {
    let proc = |target| mount(target, MountSource::FileSystem(file_system(c"proc")));
    assert_eq!(refused(vec![proc(c"/proc")], Mounter::Root), None);
    assert_eq!(
        refused(vec![proc(c"/proc/1")], Mounter::Root),
        Some(MountConflict::TargetInProc)
    );
}

/// Of what every container has, and no one has asked for.
#[test]
fn what_was_asked_for_may_cover_what_is_usual() {
    let usual = |target| RootMount {
        asked_by: None,
        ..tmpfs(target)
    };
    let mounts = vec![usual(c"/a"), usual(c"/a"), tmpfs(c"/a")];
    assert_eq!(
        root(mounts, Mounter::Root).map(|root| root.mounts.len()),
        Ok(3)
    );
    let conflict = root(vec![usual(c"a")], Mounter::Root).unwrap_err();
    assert_eq!(conflict.words().0, "a");
}

#[test]
fn what_is_no_mount() {
    let refused = |edit: &dyn Fn(&mut RootWishes), mounter| {
        let mut wishes = bare_root();
        edit(&mut wishes);
        RootSpec::new(wishes, mounter).err()
    };
    let covered = refused(
        &|wishes| {
            wishes.mounts = vec![bind(c"/etc", MountFlags::NONE)];
            wishes.name_files = vec![NameFile {
                name: "hosts",
                content: Vec::new(),
                asked_by: Some("names: a".into()),
                is_missed: false,
            }];
        },
        Mounter::Root,
    );
    assert_eq!(covered.unwrap().words().0, "names: a");
    let kept = |wishes: &mut RootWishes| {
        let path = c"/upper".into();
        wishes.base = Base::Overlay(overlay(Writes::Kept(Upper { path, work: None })));
    };
    assert_eq!(refused(&kept, Mounter::Root), None);
    assert_eq!(
        refused(&kept, Mounter::Handed),
        Some(RootConflict::WritesKeptByHanded)
    );
    let none = |wishes: &mut RootWishes| {
        let (lower, writes) = (Vec::new(), Writes::Refused);
        wishes.base = Base::Overlay(Overlay { lower, writes });
    };
    assert_eq!(refused(&none, Mounter::Root), Some(RootConflict::NoLayer));
}

#[test]
fn nodes_and_links_lie_in_one_tmpfs() {
    let device = Device { major: 1, minor: 3 };
    let refused = |targets: &[&CStr], node: &CStr, link: &CStr| {
        let wishes = RootWishes {
            mounts: targets.iter().map(|target| tmpfs(target)).collect(),
            nodes: vec![Node {
                path: node.into(),
                hosts: c"/dev/null".into(),
                device,
                mode: 0o600,
            }],
            links: vec![Link {
                path: link.into(),
                content: c"x".into(),
            }],
            ..bare_root()
        };
        RootSpec::new(wishes, Mounter::Root).err()
    };
    assert_eq!(refused(&[c"/a", c"/d"], c"/d/null", c"/d/link"), None);
    for (targets, node, link, path) in [
        (&[][..], c"/d/null", c"/d/link", c"/d/null"),
        (&[c"/d"], c"/d/e/null", c"/d/link", c"/d/e/null"),
        (&[c"/d", c"/e"], c"/d/null", c"/e/link", c"/e/link"),
        (&[c"/d"], c"/d/null", c"/d/", c"/d/"),
    ] {
        assert_eq!(
            refused(targets, node, link),
            Some(RootConflict::MadeNowhere(path.into()))
        );
    }
}

#[test]
fn nothing_is_hidden_on_the_host() {
    let refused = |path: &'static CStr| {
        let wishes = RootWishes {
            mounts: vec![bind(c"/shared", MountFlags::SHARED)],
            masked: vec![Cow::Borrowed(c"/proc/kcore")],
            read_only_paths: vec![Cow::Borrowed(path)],
            ..bare_root()
        };
        RootSpec::new(wishes, Mounter::Root).err()
    };
    for path in [c"/etc/shadow", c"/sharedness"] {
        assert_eq!(refused(path), None, "{path:?}");
    }
    for path in [c"/shared/a", c"/shared", c"a", c"/", c"/a/../b"] {
        assert_eq!(refused(path), Some(RootConflict::Restricted(path.into())));
    }
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
