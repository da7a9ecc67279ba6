use super::*;
use crate::oci::config::Mount;
use crate::plan::root::{Content, PlacedMount, Taken};

fn mount(words: &str) -> Mount {
    let mut words = words.split(' ');
    let mut next = || {
        let word = words.next().filter(|word| *word != "-");
        word.map(|word| CString::new(word).unwrap())
    };
    let destination = next().unwrap();
    let (kind, source) = (next(), next());
    let options = next().map_or(Vec::new(), |options| {
        let options = options.to_str().unwrap().split(',');
        options.map(|one| CString::new(one).unwrap()).collect()
    });
    Mount {
        destination,
        kind,
        source,
        options,
        ..Mount::default()
    }
}

fn steps_of(config: &Config) -> Result<Mounts, Error> {
    let surroundings = Surroundings {
        pivots: true,
        cgroups: &Records::default(),
        terminal: TerminalSettings::default(),
    };
    steps(config, Path::new("/bundle"), &surroundings)
}

fn config(mounts: &[&str]) -> Config {
    let mut config = Config {
        mounts: mounts.iter().map(|words| mount(words)).collect(),
        ..Config::default()
    };
    config.root.path = c"rootfs".into();
    config
}

fn placed(steps: &[Step]) -> Vec<&PlacedMount> {
    let placed = steps.iter().filter_map(|step| match step {
        Step::Root(step) => match &**step {
            RootStep::Place(placed) => Some(placed),
            _ => None,
        },
        _ => None,
    });
    placed.collect()
}

fn root_steps(steps: &[Step]) -> Vec<&RootStep> {
    let steps = steps.iter().filter_map(|step| match step {
        Step::Root(step) => Some(&**step),
        _ => None,
    });
    steps.collect()
}

#[test]
fn paths_are_plain() {
    for (path, plain) in [
        (c"/", c"/"),
        (c"", c"/"),
        (c"a//b/./c/", c"/a/b/c"),
        (c"/../../a/../b", c"/b"),
    ] {
        assert_eq!(clean(path).as_c_str(), plain);
    }
    let bundle = Path::new("/bundle");
    assert_eq!(below(bundle, c"a").as_c_str(), c"/bundle/a");
    assert_eq!(below(bundle, c"/a").as_c_str(), c"/a");
}

#[test]
fn a_mount_is_what_its_options_say() {
    let config = config(&[
        "/a - x rbind,ro,rslave",
        "b bind /y -",
        "/c tmpfs - ro,size=1m",
        "/d tmpfs none mode=700,tmpcopyup",
        "/e - - -",
        "/f - / rbind",
    ]);
    let all = steps_of(&config).unwrap();
    let placed = placed(&all.before_gate);
    let bound = |number: usize| match &placed[number].content {
        Content::Bound(bound) => bound,
        other => panic!("{other:?}"),
    };
    let fresh = |number: usize| match &placed[number].content {
        Content::Fresh(fresh) => fresh,
        other => panic!("{other:?}"),
    };
    assert_eq!(bound(0).path.as_c_str(), c"/bundle/x");
    assert!(bound(0).recursive && bound(0).flags.set == MountFlags::READONLY);
    assert_eq!(
        placed[0].propagation,
        [MountFlags::SLAVE.and(MountFlags::RECURSIVE)]
    );
    assert_eq!(placed[1].target.as_c_str(), c"/b");
    assert!(!bound(1).recursive && bound(1).flags.is_none());
    // Written to first, and read-only at the end.
    assert_eq!(fresh(2).flags, MountFlags::NONE);
    assert_eq!(fresh(2).data.as_c_str(), c"size=1m");
    assert!(fresh(2).keeps_mode && !fresh(2).copies);
    assert!(!fresh(3).keeps_mode && fresh(3).copies);
    assert_eq!(fresh(4).kind.as_c_str(), c"none");
    let frozen = root_steps(&all.restrict);
    assert_eq!(frozen, [&RootStep::Freeze(c"/c".into())]);
    // The whole / is copied before the root covers it.
    assert_eq!(bound(5).taken, Taken::Kept(0));
    let before = root_steps(&all.before_gate);
    let copied = before
        .iter()
        .position(|step| matches!(step, RootStep::Copy(copy) if copy.slot == 0 && copy.recursive));
    let root = before
        .iter()
        .position(|step| matches!(step, RootStep::Directory { .. }));
    assert!(copied.unwrap() < root.unwrap());
}

#[test]
fn what_cannot_be_is_refused_with_its_place() {
    let long = format!("/a tmpfs - {}", "x".repeat(4096));
    for (words, message) in [
        (
            "/ tmpfs - -",
            "mounts[0]: /: nothing can be mounted on the top of the root: it is root.path",
        ),
        (
            "/.. - /x bind",
            "mounts[0]: /: nothing can be mounted on the top of the root: it is root.path",
        ),
        ("/a bind - -", "mounts[0]: /a: a bind needs a source"),
        (
            "/proc tmpfs - -",
            "mounts[0]: \"/proc\" cannot be mounted because it is not of type proc",
        ),
        (
            "/proc/../proc/sys - /x bind",
            "mounts[0]: \"/proc/sys\" cannot be mounted because it is inside /proc",
        ),
        (
            "/a tmpfs - idmap",
            "mounts[0]: /a: the ids of a bind alone can be mapped",
        ),
        (
            "/a - /x bind,idmap",
            "mounts[0]: /a: to map ids takes uidMappings and gidMappings, of the mount or of a user namespace",
        ),
        (
            &long,
            "mounts[0]: /a: its options are longer than the 4095 bytes that mount(2) reads",
        ),
    ] {
        let error = steps_of(&config(&[words])).unwrap_err();
        assert_eq!(error.to_string(), message);
    }
    for fine in [
        "/proc/meminfo - /x bind",
        "/proc - /x bind",
        "/process tmpfs - -",
    ] {
        assert!(steps_of(&config(&[fine])).is_ok(), "{fine}");
    }
}

#[test]
fn devices_are_made_once_and_not_in_the_hosts() {
    use crate::oci::config::{DeviceKind, DeviceNode};
    use crate::sys::device::Device;
    let mut config = config(&[]);
    config.linux.devices = vec![DeviceNode {
        path: c"/dev//null".into(),
        kind: DeviceKind::Character,
        device: Device { major: 1, minor: 3 },
        mode: 0o600,
        user: 1,
        group: 0,
    }];
    let files = |config: &Config| {
        let all = steps_of(config).unwrap();
        root_steps(&all.before_gate)
            .into_iter()
            .find_map(|step| match step {
                RootStep::DeviceFiles(files) => {
                    let names = files
                        .iter()
                        .map(|file| (file.path.clone(), file.mode, file.owner));
                    Some(names.collect::<Vec<_>>())
                }
                _ => None,
            })
    };
    let made = files(&config).unwrap();
    let nulls = made
        .iter()
        .filter(|(path, ..)| path.as_c_str() == c"/dev/null");
    assert_eq!(
        nulls.collect::<Vec<_>>(),
        [&(c"/dev/null".into(), 0o600, Some((1, 0)))]
    );
    assert_eq!(made.len(), 6);
    config.mounts.push(mount("/dev/ - /dev rbind"));
    assert_eq!(files(&config), None);
}

#[test]
fn a_shared_root_is_left_with_care() {
    let recursive = MountFlags::RECURSIVE;
    for (asked, hosts, enter, last) in [
        (
            None,
            MountFlags::SLAVE.and(recursive),
            RootStep::Enter,
            None,
        ),
        (
            Some(Propagation::Private { recursive: false }),
            MountFlags::PRIVATE,
            RootStep::EnterAs(EnterHow::Pivot),
            None,
        ),
        (
            Some(Propagation::Shared { recursive: true }),
            MountFlags::SHARED.and(recursive),
            RootStep::EnterAs(EnterHow::Pivot),
            Some(MountFlags::SHARED.and(recursive)),
        ),
        (
            Some(Propagation::Unbindable { recursive: true }),
            MountFlags::SLAVE.and(recursive),
            RootStep::Enter,
            Some(MountFlags::UNBINDABLE.and(recursive)),
        ),
    ] {
        let mut config = config(&[]);
        config.linux.root_propagation = asked;
        let all = steps_of(&config).unwrap();
        let propagate = |path: &CStr, flags| RootStep::Propagate {
            path: path.into(),
            flags,
        };
        let before = root_steps(&all.before_gate);
        assert_eq!(before[0], &propagate(c"/", hosts), "{asked:?}");
        assert_eq!(root_steps(&all.enter)[0], &enter, "{asked:?}");
        let expected: Vec<RootStep> = last
            .map(|flags| propagate(c"/", flags))
            .into_iter()
            .collect();
        let restrict = root_steps(&all.restrict);
        assert_eq!(restrict, expected.iter().collect::<Vec<_>>(), "{asked:?}");
    }
}
