//! The plan of a specification that is written by hand, without a command line.

use super::*;
use crate::spec::tests::wishes_of_true;
use crate::spec::{
    ContainerSpec, ContainerWishes, Credentials, HostName, JoinTarget, NamespaceChoice,
    NamespaceChoices, Network, Sysctl,
};
use std::ffi::CStr;

const CALLERS: Standard = Standard::Streams(Streams {
    input: Source::Callers,
    outputs: Outputs::Separate {
        output: Source::Callers,
        error: Source::Callers,
    },
    given_to: None,
});

const ROOT: Credentials<'_> = Credentials {
    user: 0,
    group: 0,
    droppable_groups: &[],
};

/// The plan that root gets for what `edit` makes of a command alone, without a filter.
fn plan(edit: impl FnOnce(&mut ContainerWishes)) -> InitPlan {
    let mut wishes = wishes_of_true();
    edit(&mut wishes);
    let spec = ContainerSpec::new(wishes, &ROOT).unwrap();
    let ignored = SignalSet::EMPTY;
    build(
        &spec,
        NetworkSource::Clone,
        ignored,
        CALLERS,
        Vec::new(),
        None,
    )
}

/// The steps of a plan, by the names of their kinds.
fn kinds(plan: &InitPlan) -> Vec<String> {
    plan.steps()
        .map(|step| {
            let text = format!("{step:?}");
            let end = text.find(['(', ' ', '{']).unwrap_or(text.len());
            text[..end].to_owned()
        })
        .collect()
}

#[test]
fn of_a_command_alone() {
    let plan = plan(|_| ());
    assert_eq!(
        kinds(&plan),
        [
            "DeathSignal",
            "MakeMountsPrivate",
            "MountKernelFs",
            "OpenNetwork",
            "Hostname",
            "LoopbackUp",
            "NewSession",
            "Umask",
            "SessionKeyring",
            "UsualPersonality",
            "NotDumpable",
            "BoundingSet",
            "Capabilities",
            "CloseDescriptors",
            "NoNewPrivileges",
            "DefaultSignals",
        ]
    );
    assert_eq!(plan.reaper, None);
    assert_eq!(plan.command.arguments.strings().len(), 1);
    assert!(plan.command.searched && plan.command.candidates.len() > 1);
}

#[test]
fn of_what_is_asked_for() {
    let plan = plan(|wishes| {
        wishes.process.user.id = 7;
        wishes.process.working_directory = Some(c"/tmp".into());
        wishes.process.no_new_privileges = false;
        wishes.namespaces.pid = NamespaceChoice::Host;
        wishes.namespaces.network = Network::Host;
        wishes.domain_name = HostName::new(b"domain");
        wishes
            .sysctls
            .push(Sysctl::new(b"kernel.shmmni", b"100").unwrap());
    });
    let kinds = kinds(&plan);
    let has = |kind: &str| kinds.iter().any(|found| found == kind);
    for kind in ["User", "WorkingDirectory", "DomainName", "Sysctl"] {
        assert!(has(kind), "{kind}: {kinds:?}");
    }
    for kind in ["NoNewPrivileges", "LoopbackUp", "OpenNetwork"] {
        assert!(!has(kind), "{kind}: {kinds:?}");
    }
    assert_eq!(plan.reaper, Some(Reaper::Keeper));
}

#[test]
fn of_namespaces_that_are_there() {
    let target = |name: &CStr| JoinTarget::Path(name.into());
    let join = |name: &CStr| NamespaceChoice::Join(target(name));
    let joins = |plan: &InitPlan| -> Vec<(Namespace, u8)> {
        let steps = plan.steps();
        steps
            .filter_map(|step| match step {
                Step::JoinNamespace {
                    namespace, slot, ..
                } => Some((*namespace, *slot)),
                _ => None,
            })
            .collect()
    };
    let some = plan(|wishes| {
        wishes.namespaces.pid = join(c"pid");
        wishes.namespaces.ipc = join(c"ipc");
        wishes.namespaces.network = Network::Join(target(c"net"));
    });
    // The PID namespace has a slot, and is the launcher's to join. In it nothing ends with the command.
    assert_eq!(joins(&some), [(Namespace::Ipc, 1), (Namespace::Network, 2)]);
    assert_eq!(some.reaper, Some(Reaper::Keeper));
    let kinds = kinds(&some);
    assert!(
        !kinds
            .iter()
            .any(|kind| kind == "LoopbackUp" || kind == "OpenNetwork")
    );

    let spec = ContainerSpec::new(wishes_of_true(), &ROOT).unwrap();
    let spec = spec.in_namespaces(NamespaceChoices::new(|_| join(c"there")));
    let spec = spec.unwrap();
    let source = NetworkSource::Clone;
    let all = build(&spec, source, SignalSet::EMPTY, CALLERS, Vec::new(), None);
    let order = [
        (Namespace::User, 0),
        (Namespace::Uts, 2),
        (Namespace::Ipc, 3),
        (Namespace::Network, 4),
        (Namespace::Cgroup, 5),
        (Namespace::Time, 6),
        (Namespace::Mount, 7),
    ];
    assert_eq!(joins(&all), order);
    assert_eq!(all.entered_later().collect::<Vec<u8>>(), [7]);
    assert!(
        !all.steps()
            .any(|step| matches!(step, Step::Root(_) | Step::MakeMountsPrivate))
    );
}
