//! Sets of namespaces.

use crate::sys::clone::NewNamespaces;

/// A kind of namespace, as namespaces(7) lists them. Time namespaces are not used: clone(2) cannot
/// make one, and a clock of its own is nothing that a container is expected to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Namespace {
    User,
    Mount,
    Pid,
    Uts,
    Ipc,
    Network,
    Cgroup,
}

impl Namespace {
    const fn anew(self) -> NewNamespaces {
        match self {
            Self::User => NewNamespaces::USER,
            Self::Mount => NewNamespaces::MOUNT,
            Self::Pid => NewNamespaces::PID,
            Self::Uts => NewNamespaces::UTS,
            Self::Ipc => NewNamespaces::IPC,
            Self::Network => NewNamespaces::NETWORK,
            Self::Cgroup => NewNamespaces::CGROUP,
        }
    }
}

/// The namespaces that a container gets anew; the others are its caller's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Namespaces(NewNamespaces);

impl Namespaces {
    pub const NONE: Self = Self(NewNamespaces::NONE);

    /// What a container has unless it is told otherwise.
    pub const CONTAINER: Self = Self::NONE
        .with(Namespace::Mount)
        .with(Namespace::Pid)
        .with(Namespace::Uts)
        .with(Namespace::Ipc)
        .with(Namespace::Network)
        .with(Namespace::Cgroup);

    #[must_use]
    pub const fn with(self, namespace: Namespace) -> Self {
        Self(self.0.and(namespace.anew()))
    }

    #[must_use]
    pub const fn without(self, namespace: Namespace) -> Self {
        Self(self.0.without(namespace.anew()))
    }

    pub const fn contains(self, namespace: Namespace) -> bool {
        self.0.contain(namespace.anew())
    }

    /// Their names, for people.
    pub fn names(self) -> String {
        let all = [
            (Namespace::User, "user"),
            (Namespace::Mount, "mount"),
            (Namespace::Pid, "PID"),
            (Namespace::Uts, "UTS"),
            (Namespace::Ipc, "IPC"),
            (Namespace::Network, "network"),
            (Namespace::Cgroup, "cgroup"),
        ];
        let names = all
            .iter()
            .filter(|(namespace, _)| self.contains(*namespace));
        names.map(|(_, name)| *name).collect::<Vec<_>>().join(" ")
    }

    /// What the kernel's limits call them: user.max_KIND_namespaces.
    pub fn kinds(self) -> Vec<&'static str> {
        let all = [
            (Namespace::User, "user"),
            (Namespace::Mount, "mnt"),
            (Namespace::Pid, "pid"),
            (Namespace::Uts, "uts"),
            (Namespace::Ipc, "ipc"),
            (Namespace::Network, "net"),
            (Namespace::Cgroup, "cgroup"),
        ];
        let kinds = all
            .iter()
            .filter(|(namespace, _)| self.contains(*namespace));
        kinds.map(|(_, kind)| *kind).collect()
    }

    /// What clone(2) makes of them.
    pub const fn anew(self) -> NewNamespaces {
        self.0
    }
}
