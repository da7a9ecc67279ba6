//! Namespaces: which the container has of its own, which it joins, and who is who in its user namespace. From
//! `linux.namespaces`, `uidMappings`, `gidMappings` and `timeOffsets` to steps.

use super::config::{Config, IdMapping, NamespaceKind, NamespaceOf};
use crate::error::Error;
use crate::launch::joined::{self, Joined};
use crate::plan::{Gate, Step};
use crate::spec::{IdMap, Ids, JoinTarget, Namespace, Namespaces};
use std::os::fd::BorrowedFd;

/// The container's namespaces.
pub struct NamespacesOf {
    /// What the clone makes (`Launch::namespaces`).
    pub new: Namespaces,
    /// What is joined, by slot (`Launch::joined`).
    pub joined: Vec<Joined>,
    /// The ids that mydocker maps at `Gate::IdsMapped` (`Launch::ids`).
    pub ids: Option<Ids>,
    /// Whether setgroups(2) is given up in the new user namespace.
    pub denies_groups: bool,
    /// For the plan's `birth`, after the cgroups are joined and the OOM score is written.
    pub birth: Vec<Step>,
    /// For the beginning of the plan's `container`.
    pub container: Vec<Step>,
    /// What is not the runtime's own.
    own: Vec<NamespaceKind>,
}

impl NamespacesOf {
    /// The PID namespace that the container is born in, if it is joined (`Launch::pid_namespace`).
    pub fn pid(&self) -> Option<BorrowedFd<'_>> {
        joined::pid_namespace(&self.joined)
    }

    /// Whether the container has one of its own, new or joined.
    pub fn has_own(&self, kind: NamespaceKind) -> bool {
        self.own.contains(&kind)
    }

    /// Whether a new network namespace's loopback is to be set up.
    pub fn is_new(&self, namespace: Namespace) -> bool {
        self.new.contains(namespace)
    }
}

/// The namespaces that `config` asks for; those that are joined are open.
///
/// Errors: what contradicts itself, and what cannot be opened or is of another kind.
pub fn read(config: &Config) -> Result<NamespacesOf, Error> {
    let wanted = &config.linux.namespaces;
    let mut of = NamespacesOf {
        new: Namespaces::NONE,
        joined: Vec::new(),
        ids: None,
        denies_groups: false,
        birth: Vec::new(),
        container: Vec::new(),
        own: wanted.iter().map(|one| one.kind).collect(),
    };
    if !of.has_own(NamespaceKind::Mount) {
        return Err(Error::refused(
            "linux.namespaces",
            "a container needs a mount namespace: add one of type mount",
        ));
    }
    let new = |kind| {
        let mut wanted = wanted.iter();
        wanted.any(|one| one.kind == kind && one.path.is_none())
    };
    for (kind, namespace) in CLONED {
        if new(kind) {
            of.new = of.new.with(namespace);
        }
    }
    if new(NamespaceKind::User) {
        of.ids = Some(Ids {
            users: maps(&config.linux.user_mappings),
            groups: maps(&config.linux.group_mappings),
        });
        of.birth.extend([
            Step::Await(Gate::IdsMapped),
            Step::Groups(Vec::new()),
            Step::Group(0),
            Step::User(0),
        ]);
    }
    join(wanted, &mut of)?;
    if new(NamespaceKind::Cgroup) {
        of.birth.push(Step::CgroupNamespace);
    }
    Ok(of)
}

/// What clone(2) makes. A cgroup namespace is made when the cgroups are joined, for its top is where its maker is.
const CLONED: [(NamespaceKind, Namespace); 6] = [
    (NamespaceKind::User, Namespace::User),
    (NamespaceKind::Mount, Namespace::Mount),
    (NamespaceKind::Pid, Namespace::Pid),
    (NamespaceKind::Uts, Namespace::Uts),
    (NamespaceKind::Ipc, Namespace::Ipc),
    (NamespaceKind::Network, Namespace::Network),
];

fn kind_of(kind: NamespaceKind) -> Option<Namespace> {
    Some(match kind {
        NamespaceKind::User => Namespace::User,
        NamespaceKind::Mount => Namespace::Mount,
        NamespaceKind::Pid => Namespace::Pid,
        NamespaceKind::Uts => Namespace::Uts,
        NamespaceKind::Ipc => Namespace::Ipc,
        NamespaceKind::Network => Namespace::Network,
        NamespaceKind::Cgroup => Namespace::Cgroup,
        NamespaceKind::Time => return None,
    })
}

fn join(wanted: &[NamespaceOf], of: &mut NamespacesOf) -> Result<(), Error> {
    for one in wanted {
        let (Some(path), Some(namespace)) = (&one.path, kind_of(one.kind)) else {
            continue;
        };
        let slot = u8::try_from(of.joined.len()).unwrap_or(u8::MAX);
        of.joined.push(joined::open_path(namespace, path)?);
        let step = Step::JoinNamespace {
            namespace,
            slot,
            name: JoinTarget::Path(path.clone()).name().into_owned(),
        };
        match namespace {
            // The launcher's, for its child.
            Namespace::Pid => {}
            Namespace::Mount => of.container.push(step),
            _ => of.birth.push(step),
        }
    }
    Ok(())
}

fn maps(mappings: &[IdMapping]) -> Vec<IdMap> {
    let maps = mappings.iter().map(|mapping| IdMap {
        inside: mapping.container,
        outside: mapping.host,
        count: mapping.count,
    });
    maps.collect()
}
