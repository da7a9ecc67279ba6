//! Specifications that are written by hand: no front end is needed for one.

use super::*;
use crate::field::Field;
pub(crate) use crate::spec::root::tests::bare_root;
use crate::sys::MountFlags;
use crate::sys::capability::CapabilitySet;

/// What root gets who asks for nothing but the command `true`.
pub(crate) fn wishes_of_true() -> ContainerWishes {
    ContainerWishes {
        process: ProcessSpec {
            user: User::default(),
            capabilities: Capabilities {
                bounding: DEFAULT_CAPABILITIES,
                held: DEFAULT_CAPABILITIES,
                required: CapabilitySet::NONE,
                ambient: false,
            },
            resources: Vec::new(),
            oom_score_adjustment: None,
            no_new_privileges: true,
            filter: Filter::Default,
            new_keyring: true,
            environment: Vec::new(),
            working_directory: None,
            terminal: Terminal::None,
            input: Input::Nothing,
            arguments: vec![c"true".into()],
        },
        root: None,
        user_namespace: UserNamespace::Callers,
        namespaces: NamespaceWishes::default(),
        hostname: HostName::new(b"box"),
        domain_name: None,
        sysctls: Vec::new(),
        limits: Limits::default(),
        first_process: FirstProcess::Command,
        ending: Ending {
            timeout: None,
            stop_signal: libc::SIGTERM,
            output_limit: None,
        },
        launch: LaunchChoice::Auto,
    }
}

pub(crate) const ROOT: Credentials<'_> = Credentials {
    user: 0,
    group: 0,
    droppable_groups: &[],
};

pub(crate) fn spec_of_true() -> ContainerSpec {
    ContainerSpec::new(wishes_of_true(), &ROOT).unwrap()
}

/// Why it is refused what `edit` makes of the wishes.
fn refused(edit: impl FnOnce(&mut ContainerWishes)) -> Conflict {
    let mut wishes = wishes_of_true();
    edit(&mut wishes);
    ContainerSpec::new(wishes, &ROOT).unwrap_err()
}

/// A root in which nothing is mounted but this.
fn root_with(mount: Option<RootMount>, mounter: Mounter) -> Option<RootSpec> {
    let mut wishes = bare_root();
    wishes.mounts.extend(mount);
    RootSpec::new(wishes, mounter).ok()
}

fn ids() -> Ids {
    Ids::from_zero(Range {
        first: 1000,
        count: 10,
    })
}

#[test]
fn what_is_not_asked_for_is_new_or_the_callers() {
    let spec = spec_of_true();
    assert_eq!(spec.namespaces.anew(), Namespaces::CONTAINER);
    assert_eq!(spec.limits, None);
    let nothing = Identity::Set {
        user: None,
        group: None,
        supplementary: None,
    };
    assert_eq!(spec.identity, nothing);
}

#[test]
fn nothing_of_the_hosts_is_changed() {
    let hosts = |wishes: &mut ContainerWishes| {
        wishes.namespaces = NamespaceWishes {
            network: Network::Host,
            pid: NamespaceChoice::Host,
            uts: NamespaceChoice::Host,
            ipc: NamespaceChoice::Host,
            cgroup: NamespaceChoice::Host,
        }
    };
    assert_eq!(refused(hosts), Conflict::NameOfHost);
    let refused = |edit: fn(&mut ContainerWishes)| {
        refused(|wishes| {
            hosts(wishes);
            wishes.hostname = None;
            edit(wishes);
        })
    };
    let domain = refused(|wishes| wishes.domain_name = HostName::new(b"domain"));
    assert_eq!(domain, Conflict::DomainNameOfHost);
    for (name, namespace) in [
        ("net.x", Namespace::Network),
        ("kernel.sem", Namespace::Ipc),
    ] {
        let mut wishes = wishes_of_true();
        hosts(&mut wishes);
        wishes.hostname = None;
        wishes
            .sysctls
            .push(Sysctl::new(name.as_bytes(), b"1").unwrap());
        let conflict = ContainerSpec::new(wishes, &ROOT).unwrap_err();
        let number = 0;
        assert_eq!(conflict, Conflict::SysctlOfHost { number, namespace });
    }
    let options = refused(|wishes| {
        let proc = FileSystem {
            kind: c"proc".into(),
            flags: MountFlags::NONE,
            data: c"hidepid=2".into(),
            optional: false,
            instead: None,
        };
        let proc = RootMount {
            asked_by: None,
            target: c"/proc".into(),
            source: MountSource::FileSystem(proc),
        };
        wishes.root = root_with(Some(proc), Mounter::Root);
    });
    assert_eq!(options, Conflict::ProcOptionsOfHost);
}

#[test]
fn who_it_is_to_be_is_looked_at() {
    let groups = refused(|wishes| {
        wishes.process.user.insists_on_groups = true;
        wishes.user_namespace = UserNamespace::Single;
    });
    assert_eq!(groups, Conflict::GroupsOfOneId);
    let unknown = refused(|wishes| {
        wishes.process.user.id = 10;
        wishes.user_namespace = UserNamespace::Ranges(ids());
    });
    let expected = UnknownId {
        of: IdOf::User,
        id: 10,
        known: "0 to 9".into(),
    };
    assert_eq!(unknown, Conflict::UnknownId(expected));
    let administrator = refused(|wishes| {
        wishes.process.capabilities.bounding = CapabilitySet::ALL;
        wishes.root = root_with(None, Mounter::Handed);
        wishes.user_namespace = UserNamespace::Ranges(ids());
    });
    assert_eq!(administrator, Conflict::AdministratorOfHandedMounts);
    for (mounter, user_namespace) in [
        (Mounter::Handed, UserNamespace::Callers),
        (Mounter::Root, UserNamespace::Ranges(ids())),
    ] {
        let another = refused(|wishes| {
            wishes.root = root_with(None, mounter);
            wishes.user_namespace = user_namespace;
        });
        assert_eq!(another, Conflict::RootOfAnotherMounter);
    }
}

#[test]
fn limits_and_paths_fit_together() {
    for (conflict, edit) in [
        (
            Conflict::RelativeWorkingDirectory,
            (|wishes| wishes.process.working_directory = Some(c"tmp".into()))
                as fn(&mut ContainerWishes),
        ),
        (Conflict::LimitOutOfRange(Field::Memory), |wishes| {
            wishes.limits.memory = Some(10);
        }),
        (Conflict::LimitOutOfRange(Field::CpuShares), |wishes| {
            wishes.limits.shares = Some(1);
        }),
        (Conflict::LimitOutOfRange(Field::DeviceWeight), |wishes| {
            wishes.limits.devices.push(limits::DeviceLimit {
                traffic: limits::Traffic::Weight,
                path: c"/dev/sda".into(),
                rate: 9,
            });
        }),
        (Conflict::SwapWithoutMemory, |wishes| {
            wishes.limits.swap = limits::Swap::Total(9);
        }),
        (Conflict::MemoryAndSwapBelowMemory, |wishes| {
            wishes.limits.memory = Some(10 << 20);
            wishes.limits.swap = limits::Swap::Total(9 << 20);
        }),
        (Conflict::ReservationAboveMemory, |wishes| {
            wishes.limits.memory = Some(10 << 20);
            wishes.limits.reservation = Some(11 << 20);
        }),
    ] {
        assert_eq!(refused(edit), conflict);
    }
}

#[test]
fn a_root_is_not_for_the_mounts_of_others() {
    let of_others = |others: Namespace| {
        NamespaceChoices::new(|namespace| match namespace == others {
            true => NamespaceChoice::Host,
            false => NamespaceChoice::New,
        })
    };
    let with_root = || {
        let mut wishes = wishes_of_true();
        wishes.root = root_with(None, Mounter::Root);
        assert!(wishes.root.is_some());
        ContainerSpec::new(wishes, &ROOT).unwrap()
    };
    let refused = with_root().in_namespaces(of_others(Namespace::Mount));
    assert_eq!(refused.unwrap_err(), Conflict::RootOfOtherMounts);
    let taken = with_root()
        .in_namespaces(of_others(Namespace::Uts))
        .unwrap();
    assert_eq!(taken.hostname, None);
    let without = spec_of_true().in_namespaces(of_others(Namespace::Mount));
    assert!(without.is_ok());
}
