//! The plan of a specification that is written by hand, without a command line.

use super::*;
use crate::spec::tests::wishes_of_true;
use crate::spec::{
    ContainerSpec, ContainerWishes, Credentials, HostName, NamespaceChoice, Network, Sysctl,
};

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

/// Its steps, by the names of their kinds.
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
