use super::*;
use crate::docker::OverlayChoice;
use crate::spec::{Base, Bind, Devices, MountSource, Network, Overlay, Upper, Writes};
use crate::sys::MountFlags;
use std::ffi::OsString;

/// The root that these options give, to a caller of this id.
fn root_for(user: u32, edit: impl FnOnce(&mut RunArgs)) -> Result<RootSpec, String> {
    let mut arguments = RunArgs {
        command: vec!["true".into()],
        rootfs: vec!["/root".into()],
        hostname: Some("box".into()),
        ..RunArgs::default()
    };
    edit(&mut arguments);
    let caller = Caller {
        file: &|name| Ok(format!("the caller's {name}").into()),
        directory: &|| Ok("/caller".into()),
        fresh_name: "fresh",
        ..Caller::bare(user)
    };
    crate::docker::specify::specify(&arguments, &caller)
        .map(|spec| spec.root.expect("a root"))
        .map_err(|error| error.to_string())
}

fn root(edit: impl FnOnce(&mut RunArgs)) -> Result<RootSpec, String> {
    root_for(0, edit)
}

/// What was asked for in a root, beside what every one has.
fn asked(root: RootSpec) -> Vec<RootMount> {
    let mut mounts = root.mounts;
    mounts.retain(|mount| mount.asked_by.is_some());
    mounts
}

fn words(typed: &[&str]) -> Vec<OsString> {
    typed.iter().map(OsString::from).collect()
}

fn bind(typed: &str) -> Result<(String, Bind), String> {
    let root = root(|arguments| arguments.volumes = words(&[typed]))?;
    let RootMount { target, source, .. } = asked(root).remove(0);
    match source {
        MountSource::Bind(bind) => Ok((target.into_string().unwrap(), bind)),
        other => Err(format!("{other:?}")),
    }
}

#[test]
fn layers_from_the_bottom_up() {
    let base = root(|_| ()).unwrap().base;
    assert_eq!(base, Base::Directory(c"/root".into()));
    let stacked = root(|arguments| {
        arguments.rootfs = words(&["/a", "b"]);
        arguments.overlay = OverlayChoice::Kept("up/per/".into());
    });
    let expected = Overlay {
        lower: vec![c"/caller/b".into(), c"/a".into()],
        writes: Writes::Kept(Upper {
            path: c"/caller/up/per/".into(),
            work: None,
        }),
    };
    assert_eq!(stacked.unwrap().base, Base::Overlay(expected));
    let refused = root(|arguments| arguments.rootfs = words(&["/a", "/b"])).unwrap_err();
    assert!(refused.contains("more than once"), "{refused}");
    let read_only = root(|arguments| {
        arguments.rootfs = words(&["/a", "/b"]);
        arguments.read_only = true;
    });
    assert!(matches!(
        read_only.unwrap().base,
        Base::Overlay(Overlay {
            writes: Writes::Refused,
            ..
        })
    ));
}

#[test]
fn volumes() {
    let (target, plain) = bind("/a:/b/../c//d/").unwrap();
    assert_eq!(target, "/c/d");
    assert_eq!(plain.path.as_c_str(), c"/a");
    assert_eq!(plain.flags, MountFlags::NONE);
    let (_, relative) = bind("./a:/b:rw").unwrap();
    assert_eq!(relative.path.as_c_str(), c"/caller/./a");
    let (_, restricted) = bind("/a:/b:ro,nosuid,nodev,noexec,rslave").unwrap();
    assert_eq!(
        (plain.devices, restricted.devices),
        (Devices::Source, Devices::None)
    );
    assert_eq!(bind("/a:/b:dev,dev").unwrap().1.devices, Devices::All);
    let expected = MountFlags::READONLY
        .and(MountFlags::NOSUID)
        .and(MountFlags::NOEXEC)
        .and(MountFlags::SLAVE);
    assert_eq!(restricted.flags, expected);
    assert!(restricted.is_copied_early() && !plain.is_copied_early());
    for (typed, reason) in [
        ("/a", "SRC:DST"),
        ("/a:", "SRC:DST"),
        (":/b", "SRC:DST"),
        ("/a:/b:ro:x", "--mount"),
        ("name:/b", "named volumes"),
        ("/a:b", "absolute"),
        ("/a:/b:ro,rw", "both ro and rw"),
        ("/a:/b:dev,nodev", "both dev and nodev"),
        ("/a:/b:z", "SELinux is on here"),
        ("/a:/b:x", "its options are"),
        ("/a:/b:rslave,rshared", "two propagations"),
        ("/a:/", "its target is /"),
        ("/a:/x/..", "its target is /"),
        ("/a:/proc/sys", "/proc is the container's own"),
    ] {
        let refused = bind(typed).unwrap_err();
        assert!(
            refused.starts_with(&format!("--volume {typed}: ")),
            "{refused}"
        );
        assert!(refused.contains(reason), "{typed}: {refused}");
    }
}

#[test]
fn nothing_is_mounted_in_a_shared_mount() {
    let refused = root(|arguments| {
        arguments.volumes = words(&["/1:/a/b:rshared", "/2:/c"]);
        arguments.tmpfs = words(&["/a/b/c"]);
    });
    assert!(refused.unwrap_err().contains("it would appear on the host"));
    let root = root(|arguments| arguments.volumes = words(&["/1:/a:rshared", "/2:/x/y/z"]));
    let targets: Vec<_> = asked(root.unwrap())
        .into_iter()
        .map(|mount| mount.target)
        .collect();
    assert_eq!(targets, [c"/x/y/z".into(), CString::from(c"/a")]);
}

#[test]
fn an_ordinary_users_mounts_reach_no_one() {
    let shared = |user| root_for(user, |a| a.volumes = words(&["/a:/b:rshared"]));
    assert!(shared(0).is_ok());
    assert!(shared(1000).unwrap_err().contains("cannot reach the host"));
}

#[test]
fn what_lies_in_another_target_comes_after_it() {
    let root = root(|arguments| {
        arguments.volumes = words(&["/1:/a/b", "/2:/c"]);
        arguments.tmpfs = words(&["/a", "/c/d/e"]);
    });
    let targets: Vec<_> = asked(root.unwrap())
        .into_iter()
        .map(|mount| mount.target)
        .collect();
    assert_eq!(
        targets,
        [
            c"/c".into(),
            c"/a".into(),
            c"/a/b".into(),
            CString::from(c"/c/d/e")
        ]
    );
}

#[test]
fn no_two_mounts_on_one_target() {
    let refused = root(|arguments| {
        arguments.volumes = words(&["/1:/a"]);
        arguments.tmpfs = words(&["/x/../a/"]);
    });
    assert_eq!(
        refused.unwrap_err(),
        "--tmpfs /x/../a/: another mount has the same target"
    );
}

#[test]
fn a_tmpfs() {
    let tmpfs = |typed: &str| {
        let root = root(|arguments| arguments.tmpfs = words(&[typed]))?;
        match asked(root).remove(0).source {
            MountSource::FileSystem(found) if *found.kind == *c"tmpfs" => {
                Ok((found.flags, found.data.into_string().unwrap()))
            }
            other => Err(format!("{other:?}")),
        }
    };
    let restrictions = MountFlags::NOSUID
        .and(MountFlags::NODEV)
        .and(MountFlags::NOEXEC);
    assert_eq!(tmpfs("/t"), Ok((restrictions, "mode=1777".into())));
    assert_eq!(
        tmpfs("/t:size=1m,exec,mode=700,ro"),
        Ok((
            restrictions
                .without(MountFlags::NOEXEC)
                .and(MountFlags::READONLY),
            "size=1m,mode=700".into()
        ))
    );
    assert!(tmpfs("/t:size=50%,uid=7,gid=8,nr_inodes=1k,mode=0750").is_ok());
    for typed in [
        "/t:size=x",
        "/t:size=k",
        "/t:size=1mb",
        "/t:mode=8",
        "/t:uid=1k",
    ] {
        assert!(tmpfs(typed).unwrap_err().contains("no number"), "{typed}");
    }
    for typed in ["/t:size", "/t:size=", "/t:what=1", "/t:huge"] {
        assert!(
            tmpfs(typed).unwrap_err().contains("its options are"),
            "{typed}"
        );
    }
}

#[test]
fn mounts_in_dockers_long_form() {
    let mount = |typed: &str| {
        let root = root(|arguments| arguments.mounts = words(&[typed]))?;
        Ok::<_, String>(asked(root).remove(0).source)
    };
    let MountSource::Bind(bind) =
        mount("type=bind,\"src=/a,\"\"b\"\"\",dst=/b,readonly,bind-propagation=rslave").unwrap()
    else {
        panic!("no bind");
    };
    assert_eq!(bind.path.as_c_str(), c"/a,\"b\"");
    assert_eq!(bind.flags, MountFlags::READONLY.and(MountFlags::SLAVE));
    for (words, devices) in [
        ("", Devices::Source),
        (",dev=false", Devices::Source),
        (",dev,nodev=0", Devices::All),
        (",nodev", Devices::None),
    ] {
        let source = mount(&format!("type=bind,src=/a,dst=/b{words}")).unwrap();
        assert!(
            matches!(source, MountSource::Bind(bind) if bind.devices == devices),
            "{words}"
        );
    }
    let MountSource::Overlay(overlay) =
        mount("type=overlay,source=/low,source=/high,target=/o").unwrap()
    else {
        panic!("no overlay");
    };
    assert_eq!(overlay.lower, [c"/high".into(), CString::from(c"/low")]);
    assert_eq!(overlay.writes, Writes::ThrownAway { size: None });
    let tmpfs = mount("type=tmpfs,target=/t,tmpfs-size=64m,tmpfs-mode=1700").unwrap();
    assert!(
        matches!(tmpfs, MountSource::FileSystem(found) if *found.data == *c"size=67108864,mode=1700")
    );
    for (typed, reason) in [
        ("type=tmpfs,target=/a,tmpfs-size=x", "takes a size"),
        ("type=tmpfs,target=/a,tmpfs-mode=9", "no number"),
        ("type=bind,source=/a", "no target="),
        ("type=bind,target=/a", "needs source="),
        ("type=volume,source=x,target=/a", "named volumes"),
        ("source=/x,target=/a", "named volumes"),
        ("type=image,target=/a", "must be bind"),
        ("type=bind,source=/a,target=/b,what", "a bind takes"),
        (
            "type=bind,source=/a,target=/b,nodev,dev=true",
            "both dev and nodev",
        ),
        (
            "type=bind,source=/a,target=/b,ro=maybe",
            "neither true nor false",
        ),
        (
            "type=bind,source=/a,target=/b,bind-recursive=readonly",
            "takes readonly",
        ),
        ("type=tmpfs,target=/b,source=/a", "a tmpfs takes"),
        ("type=overlay,source=/a,target=/b,ro", "is a bind"),
        ("type=bind,\"source=/a,target=/b", "a quote"),
    ] {
        let refused = mount(typed).unwrap_err();
        assert!(refused.contains(reason), "{typed}: {refused}");
    }
}

#[test]
fn devices() {
    let device = |typed: &str| {
        let root = root(|arguments| arguments.devices = words(&[typed]))?;
        let RootMount { target, source, .. } = asked(root).remove(0);
        match source {
            MountSource::Bind(bind) if bind.is_device => Ok((bind.path, target)),
            other => Err(format!("{other:?}")),
        }
    };
    let fuse: CString = c"/dev/fuse".into();
    for typed in ["/dev/fuse", "/dev/fuse:rwm", "/dev/fuse:/dev/fuse:rw"] {
        assert_eq!(device(typed), Ok((fuse.clone(), fuse.clone())), "{typed}");
    }
    assert_eq!(device("/dev/fuse:/x"), Ok((fuse, c"/x".into())));
    for (typed, reason) in [
        ("/dev/fuse:/x:r", "only rw"),
        ("/dev/fuse:r", "only rw"),
        ("/dev/fuse:/x:q", "the letters"),
        ("/dev/fuse:/x:rw:y", "it takes"),
    ] {
        let refused = device(typed).unwrap_err();
        assert!(refused.contains(reason), "{typed}: {refused}");
    }
}

#[test]
fn files_of_names() {
    let file = |edit: fn(&mut RunArgs), name: &str| {
        let mut files = root(edit)?.name_files;
        files.retain(|file| file.name == name);
        let file = files.remove(0);
        let content = String::from_utf8(file.content).unwrap();
        Ok::<_, String>((content, file.asked_by))
    };
    assert_eq!(file(|_| (), "hostname"), Ok(("box\n".into(), None)));
    let (hosts, _) = file(|_| (), "hosts").unwrap();
    assert!(hosts.starts_with("127.0.0.1\tlocalhost\n") && hosts.ends_with("127.0.1.1\tbox\n"));
    assert_eq!(file(|_| (), "resolv.conf"), Ok((String::new(), None)));
    let (content, asked_by) = file(
        |arguments| {
            arguments.dns = words(&["1.2.3.4", "::1"]);
        },
        "resolv.conf",
    )
    .unwrap();
    assert_eq!(content, "nameserver 1.2.3.4\nnameserver ::1\n");
    assert_eq!(asked_by.as_deref(), Some("--dns 1.2.3.4"));
    let (content, _) = file(
        |arguments| {
            arguments.network = Network::Host;
            arguments.hosts = words(&["a:10.0.0.1", "b=::1", "c:[::2]", "d:::3"]);
        },
        "hosts",
    )
    .unwrap();
    assert_eq!(
        content,
        "the caller's /etc/hosts\n127.0.1.1\tbox\n10.0.0.1\ta\n::1\tb\n::2\tc\n::3\td\n"
    );
    let host = |arguments: &mut RunArgs| arguments.network = Network::Host;
    assert_eq!(
        file(host, "resolv.conf").unwrap().0,
        "the caller's /etc/resolv.conf"
    );
    for edit in [
        (|arguments| arguments.hosts = words(&["a"])) as fn(&mut RunArgs),
        |arguments| arguments.hosts = words(&["a:b"]),
        |arguments| arguments.hosts = words(&[":1.2.3.4"]),
        |arguments| arguments.hosts = words(&["a\nb:1.2.3.4"]),
        |arguments| arguments.dns = words(&["one"]),
    ] {
        assert!(root(edit).unwrap_err().contains("address"));
    }
}

#[test]
fn a_file_that_a_mount_covers_cannot_be_filled() {
    let refused = root(|arguments| {
        arguments.volumes = words(&["/a:/etc"]);
        arguments.dns = words(&["1.1.1.1"]);
    });
    assert!(
        refused
            .unwrap_err()
            .starts_with("--dns 1.1.1.1: a mount of yours covers")
    );
}
