//! One of every kind of step, there and back.

use super::*;

fn layers(like: bool) -> Layers {
    Layers {
        data: c"lowerdir=/a:/b".into(),
        redirected: like.then(|| c"lowerdir=/a:/b,redirect_dir=on".into()),
        flags: MountFlags::READONLY,
        like: like.then(|| c"/a".into()),
        memory: c"mode=0755,size=4096".into(),
        work: (!like).then(|| WorkDirectory {
            path: c"/.up.mydocker-work".into(),
            identity: (7, u64::MAX),
        }),
        premounted: if like { 0 } else { 2 },
    }
}

fn file_system(option: bool) -> FileSystem {
    FileSystem {
        option: option.then(|| c"--tmpfs /t".into()),
        target: if option { c"/t" } else { c"/proc" }.into(),
        kind: c"tmpfs".into(),
        flags: MountFlags::NOSUID,
        data: c"size=1m".into(),
        optional: !option,
    }
}

fn bind(option: bool) -> BindMount {
    BindMount {
        option: option.then(|| c"--volume /a:/b".into()),
        path: c"/a".into(),
        slot: option.then_some(3),
        target: c"/b".into(),
        recursive: option,
        flags: MountFlags::READONLY.and(MountFlags::SLAVE),
        recursive_flags: true,
        devices: if option {
            Devices::Source
        } else {
            Devices::None
        },
        is_device: !option,
        optional: !option,
    }
}

fn etc(target: &std::ffi::CStr, without: Without) -> RootStep {
    RootStep::NameFile(EtcFile {
        target: target.into(),
        content: b"x\0\n".to_vec(),
        looked_at: (without == Without::Fine).then_some(1),
        without,
        read_only: true,
    })
}

pub fn every_kind_of_step() -> Vec<RootStep> {
    vec![
        RootStep::StandardDevices([Some(OwnDevice::Null), None, Some(OwnDevice::Tty)]),
        RootStep::Copy(Copy {
            option: c"--volume /s:/t:rshared".into(),
            path: c"/s".into(),
            recursive: true,
            slot: 7,
        }),
        RootStep::Directory {
            path: c"/root".into(),
            flags: MountFlags::READONLY.and(MountFlags::NODEV),
            premounted: true,
            makes_places: false,
        },
        RootStep::Overlay(layers(true)),
        RootStep::FileSystem(file_system(true)),
        RootStep::MountKernelFs(MountKernelFs {
            kernel_fs: KernelFs::Sysfs,
            way: Way::FreshOrBound(
                FileSystem {
                    target: c"/sys".into(),
                    kind: c"sysfs".into(),
                    ..file_system(false)
                },
                bind(false),
            ),
        }),
        RootStep::MountKernelFs(MountKernelFs {
            kernel_fs: KernelFs::Proc,
            way: Way::Fresh(file_system(false)),
        }),
        RootStep::MountKernelFs(MountKernelFs {
            kernel_fs: KernelFs::Proc,
            way: Way::Bound(BindMount {
                target: c"/proc".into(),
                ..bind(false)
            }),
        }),
        RootStep::Stage,
        RootStep::Devices,
        RootStep::Links,
        RootStep::Staged(file_system(false)),
        RootStep::Terminal(TerminalSettings {
            modes: Some(Modes {
                input: 1,
                output: 2,
                control: 3,
                local: 4,
                line: 5,
                characters: [6; 19],
            }),
            size: Some(Size {
                rows: 24,
                columns: 80,
                width: 0,
                height: u16::MAX,
            }),
            owner: Some(0),
        }),
        RootStep::LookAtNames(vec![c"/etc/hostname".into(), c"/etc/hosts".into()]),
        etc(c"/etc/hostname", Without::Fine),
        etc(c"/etc/resolv.conf", Without::Told),
        etc(
            c"/etc/hosts",
            Without::Refused(c"--add-host a:1.2.3.4".into()),
        ),
        RootStep::PlaceDev,
        RootStep::DropStage,
        RootStep::Bind(bind(true)),
        RootStep::Device(DeviceNode {
            directory: c"/dev".into(),
            bind: BindMount {
                target: c"/dev/b".into(),
                ..bind(false)
            },
        }),
        RootStep::OverlayMount(OverlayMount {
            option: c"--mount type=overlay,source=/a,target=/o".into(),
            target: c"/o".into(),
            layers: layers(false),
        }),
        RootStep::MakeWorkingDirectory {
            path: c"/w".into(),
            owner: Some((7, 8)),
        },
        RootStep::ReadOnly,
        RootStep::Enter,
        RootStep::LeaveChroot,
        RootStep::Restrict(vec![
            Restriction {
                kernel_fs: KernelFs::Proc,
                masked: vec![c"kcore".into(), c"keys".into()],
                read_only: vec![c"sys".into()],
            },
            Restriction {
                kernel_fs: KernelFs::Sysfs,
                masked: Vec::new(),
                read_only: Vec::new(),
            },
        ]),
    ]
}

#[test]
fn a_terminal_that_looks_like_none() {
    let mut out = Encoder::default();
    let plain = RootStep::Terminal(TerminalSettings::default());
    encode(&mut out, &plain);
    assert_eq!(decode(&mut Decoder { rest: &out.bytes }), Ok(plain));
}
