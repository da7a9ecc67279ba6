//! Lists that docker's command line never writes.

use super::*;
use crate::plan::{InitPlan, NetworkSource, Outputs, Source, Streams, build};
use crate::spec::tests::{ROOT, bare_root, wishes_of_true};
use crate::spec::{FileSystem as NewFileSystem, Link, Mounter, RootWishes};
use crate::sys::signal::SignalSet;

/// A file system that every container would have.
fn usual(target: &CStr, kind: &CStr) -> RootMount {
    let new = NewFileSystem {
        kind: kind.into(),
        flags: MountFlags::NODEV,
        data: CString::default(),
        optional: false,
        instead: None,
    };
    RootMount {
        asked_by: None,
        target: target.into(),
        source: MountSource::FileSystem(new),
    }
}

/// A mount that was asked for.
fn bind(target: &CStr, flags: MountFlags) -> RootMount {
    let bind = Bind {
        path: c"/of/the/caller".into(),
        recursive: true,
        flags,
        recursive_flags: true,
        devices: Devices::Source,
        is_device: false,
        is_root: false,
        optional: false,
    };
    RootMount {
        asked_by: Some("mounts[0]".into()),
        target: target.into(),
        source: MountSource::Bind(bind),
    }
}

fn plan(wishes: RootWishes) -> InitPlan {
    let mut container = wishes_of_true();
    container.root = Some(RootSpec::new(wishes, Mounter::Root).unwrap());
    let spec = ContainerSpec::new(container, &ROOT).unwrap();
    let standard = Standard::Streams(Streams {
        input: Source::HostsNull,
        outputs: Outputs::Separate {
            output: Source::Callers,
            error: Source::Callers,
        },
        given_to: None,
    });
    build(
        &spec,
        NetworkSource::Clone,
        SignalSet::EMPTY,
        standard,
        Vec::new(),
        None,
    )
}

/// What the plan does between / and pivot_root, in short.
fn told(wishes: RootWishes) -> Vec<String> {
    let plan = plan(wishes);
    let text = |path: &CStr| path.to_string_lossy().into_owned();
    let short = |step: &Step| match step {
        Step::MountKernelFs(step) => {
            assert!(step.in_root);
            format!("hold {}", text(step.way.target()))
        }
        Step::OpenNetwork(_) => "settings".into(),
        Step::Root(step) => match &**step {
            RootStep::FileSystem(step) => format!("{} {}", text(&step.kind), text(&step.target)),
            RootStep::Staged(step) => format!("stage {} {}", text(&step.kind), text(&step.target)),
            RootStep::Bind(step) => format!("bind {}", text(&step.target)),
            RootStep::Stage { data, .. } => format!("begin {}", text(data)),
            RootStep::PlaceStage(target) => format!("place {}", text(target)),
            RootStep::DropStage => "drop".into(),
            RootStep::Devices(nodes) => {
                let names = nodes.iter().map(|node| text(&node.path));
                format!("nodes {}", names.collect::<Vec<_>>().join(" "))
            }
            RootStep::Links(links) => format!("links {}", text(&links[0].path)),
            RootStep::Restrict(all) => {
                let names = all.iter().map(|one| {
                    let of = |paths: &[Cow<'static, CStr>]| {
                        paths
                            .iter()
                            .map(|path| text(path))
                            .collect::<Vec<_>>()
                            .join(",")
                    };
                    let (masked, read_only) = (of(&one.masked), of(&one.read_only));
                    format!("{}:{masked}:{read_only}", text(&one.directory))
                });
                format!("restrict {}", names.collect::<Vec<_>>().join(" "))
            }
            RootStep::RestrictPaths(paths) => {
                let of = |paths: &[CString]| {
                    paths
                        .iter()
                        .map(|path| text(path))
                        .collect::<Vec<_>>()
                        .join(",")
                };
                format!("restrict {}:{}", of(&paths.masked), of(&paths.read_only))
            }
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    };
    let is_base = |step: &&Step| {
        let Step::Root(step) = step else { return false };
        matches!(**step, RootStep::Directory { .. })
    };
    let is_end = |step: &&Step| {
        let Step::Root(step) = step else { return false };
        !matches!(**step, RootStep::Enter)
    };
    let after_base = plan
        .container
        .iter()
        .skip_while(|step| !is_base(step))
        .skip(1);
    let inside = after_base.take_while(|step| is_end(step) || !matches!(step, Step::Root(_)));
    inside.map(short).collect()
}

#[test]
fn nothing_is_mounted_that_is_not_in_the_list() {
    assert_eq!(
        told(bare_root()),
        ["settings", "begin mode=0755,size=65536k", "drop"]
    );
}

#[test]
fn the_order_is_that_of_the_list() {
    let wishes = RootWishes {
        mounts: vec![
            usual(c"/run/lock", c"ramfs"),
            usual(c"/sys/fs/bpf", c"bpf"),
            bind(c"/srv", MountFlags::NONE),
            usual(c"/run", c"tmpfs"),
            usual(c"/sys", c"sysfs"),
            usual(c"/proc", c"proc"),
            usual(c"/old/proc", c"proc"),
        ],
        ..bare_root()
    };
    assert_eq!(
        told(wishes),
        [
            "begin mode=0755,size=65536k",
            "ramfs /run/lock",
            "bpf /sys/fs/bpf",
            "bind /srv",
            "tmpfs /run",
            "hold /sys",
            "hold /proc",
            "settings",
            // A second one is a file system like any other.
            "proc /old/proc",
            "drop",
        ]
    );
}

/// As engines have it: /sys comes after /dev.
#[test]
fn what_is_hidden_is_hidden_as_soon_as_it_can_be() {
    let paths = |paths: &[&'static CStr]| paths.iter().copied().map(Cow::Borrowed).collect();
    let device = OwnDevice::Null.device();
    let wishes = RootWishes {
        mounts: vec![
            usual(c"/proc", c"proc"),
            usual(c"/devices", c"tmpfs"),
            usual(c"/devices/terminals", c"devpts"),
            usual(c"/devices/queues", c"mqueue"),
            bind(c"/devices/deep", MountFlags::NONE),
            usual(c"/sys", c"sysfs"),
        ],
        nodes: vec![Node {
            path: c"/devices/null".into(),
            hosts: c"/dev/null".into(),
            device,
            mode: 0o600,
        }],
        links: vec![Link {
            path: c"/devices/link".into(),
            content: c"null".into(),
        }],
        masked: paths(&[c"/sys/firmware", c"/proc/kcore", c"/etc/shadow"]),
        read_only_paths: paths(&[c"/proc/sys", c"/usr"]),
        ..bare_root()
    };
    assert_eq!(
        told(wishes),
        [
            "hold /proc",
            "settings",
            "begin ",
            "nodes /devices/null",
            "restrict /proc:kcore:sys",
            "links /devices/link",
            "stage devpts /devices/terminals",
            "stage mqueue /devices/queues",
            "place /devices",
            "bind /devices/deep",
            "hold /sys",
            "begin mode=0755,size=65536k",
            "nodes /dev/null",
            "restrict /sys:firmware:",
            "restrict /etc/shadow:/usr",
            "drop",
        ]
    );
}

/// What hides a file is a /dev/null, which the container's own /dev need not have.
#[test]
fn what_hides_is_made_where_it_is_missing() {
    let wishes = RootWishes {
        mounts: vec![usual(c"/proc", c"proc"), usual(c"/dev", c"tmpfs")],
        links: vec![Link {
            path: c"/dev/link".into(),
            content: c"x".into(),
        }],
        masked: vec![Cow::Borrowed(c"/proc/keys")],
        ..bare_root()
    };
    assert_eq!(
        told(wishes),
        [
            "hold /proc",
            "settings",
            "begin ",
            "links /dev/link",
            "place /dev",
            "begin mode=0755,size=65536k",
            "nodes /dev/null",
            "restrict /proc:keys:",
            "drop",
        ]
    );
}

/// Or it would appear on the host, wherever a link of the root leads.
#[test]
fn all_is_hidden_before_something_is_shared() {
    let wishes = RootWishes {
        mounts: vec![
            usual(c"/proc", c"proc"),
            bind(c"/a", MountFlags::NONE),
            bind(c"/shared", MountFlags::SHARED),
        ],
        masked: vec![Cow::Borrowed(c"/etc/shadow")],
        ..bare_root()
    };
    assert_eq!(
        told(wishes),
        [
            "hold /proc",
            "settings",
            "begin mode=0755,size=65536k",
            "nodes /dev/null",
            "bind /a",
            "restrict /etc/shadow:",
            "bind /shared",
            "drop",
        ]
    );
}

/// The tmpfs that has nodes may come after what needs a stage.
#[test]
fn a_stage_waits_for_its_place() {
    let wishes = RootWishes {
        mounts: vec![bind(c"/a", MountFlags::NONE), usual(c"/d", c"tmpfs")],
        links: vec![Link {
            path: c"/d/link".into(),
            content: c"x".into(),
        }],
        ..bare_root()
    };
    assert_eq!(
        told(wishes),
        ["settings", "begin ", "links /d/link", "bind /a", "place /d"]
    );
}
