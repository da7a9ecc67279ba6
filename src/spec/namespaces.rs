//! Which namespaces a container has: its own, its caller's, or those that are there already.

use super::UserNamespace;
use crate::sys::clone::NewNamespaces;
use std::borrow::Cow;
use std::ffi::{CStr, CString};

/// A kind of namespace, as namespaces(7) lists them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Namespace {
    User,
    Mount,
    Pid,
    Uts,
    Ipc,
    Network,
    Cgroup,
    /// clone(2) cannot make one, and a clock of its own is nothing that a container is expected to have: it has one only if
    /// an engine asks for it.
    Time,
}

/// What is known of a kind of namespace.
struct Kind {
    namespace: Namespace,
    /// What people call it.
    name: &'static str,
    /// What the kernel calls it: /proc/PID/ns/KIND, and in user.max_KIND_namespaces.
    kernels: &'static str,
    anew: NewNamespaces,
}

const fn kind(
    namespace: Namespace,
    name: &'static str,
    kernels: &'static str,
    anew: NewNamespaces,
) -> Kind {
    Kind {
        namespace,
        name,
        kernels,
        anew,
    }
}

/// Every kind, in the order of its numbers.
const KINDS: [Kind; 8] = [
    kind(Namespace::User, "user", "user", NewNamespaces::USER),
    kind(Namespace::Mount, "mount", "mnt", NewNamespaces::MOUNT),
    kind(Namespace::Pid, "PID", "pid", NewNamespaces::PID),
    kind(Namespace::Uts, "UTS", "uts", NewNamespaces::UTS),
    kind(Namespace::Ipc, "IPC", "ipc", NewNamespaces::IPC),
    kind(Namespace::Network, "network", "net", NewNamespaces::NETWORK),
    kind(Namespace::Cgroup, "cgroup", "cgroup", NewNamespaces::CGROUP),
    kind(Namespace::Time, "time", "time", NewNamespaces::TIME),
];

/// A row that is missing, or in another's place, does not compile.
const _: () = {
    let mut number = 0;
    while number < KINDS.len() {
        assert!(KINDS[number].namespace as usize == number);
        number += 1;
    }
    assert!(Namespace::Time as usize + 1 == KINDS.len());
};

impl Namespace {
    const fn kind(self) -> &'static Kind {
        &KINDS[self as usize]
    }

    pub const ALL: [Self; KINDS.len()] = [
        Self::User,
        Self::Mount,
        Self::Pid,
        Self::Uts,
        Self::Ipc,
        Self::Network,
        Self::Cgroup,
        Self::Time,
    ];

    /// What people call it.
    pub const fn name(self) -> &'static str {
        self.kind().name
    }

    /// What the kernel calls it: its link in /proc/PID/ns.
    pub const fn kernels(self) -> &'static str {
        self.kind().kernels
    }

    /// What clone(2) and setns(2) call it.
    pub const fn flag(self) -> NewNamespaces {
        self.kind().anew
    }
}

/// What a container has of one kind of namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum NamespaceChoice {
    /// One of its own.
    #[default]
    New,
    /// The caller's.
    Host,
    /// One that is there already, setns(2).
    Join(JoinTarget),
}

/// What a namespace that is there already is found by.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum JoinTarget {
    /// A file that stands for it: /proc/PID/ns/net, or what `ip netns add` has made.
    Path(CString),
    /// A process that is in it, by an open pidfd.
    Process(PidfdNumber),
}

impl JoinTarget {
    /// What messages call it.
    pub fn name(&self) -> Cow<'_, CStr> {
        match self {
            Self::Path(path) => Cow::Borrowed(path),
            Self::Process(PidfdNumber(number)) => {
                let name = format!("of the process of descriptor {number}");
                Cow::Owned(CString::new(name).unwrap_or_default())
            }
        }
    }
}

/// The number of a pidfd that someone else keeps open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PidfdNumber(pub i32);

/// What network a container has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum Network {
    /// A network namespace of its own, in which nothing but a loopback is. (A pool may have one ready.)
    #[default]
    Loopback,
    /// The caller's.
    Host,
    /// That of a network namespace which is there already.
    Join(JoinTarget),
}

impl Network {
    /// The network namespace that it takes.
    pub fn namespace(&self) -> NamespaceChoice {
        match self {
            Self::Loopback => NamespaceChoice::New,
            Self::Host => NamespaceChoice::Host,
            Self::Join(target) => NamespaceChoice::Join(target.clone()),
        }
    }
}

/// What is asked of the namespaces. The mount namespace is always a new one; of the user namespace
/// [`UserNamespace`] tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NamespaceWishes {
    pub network: Network,
    pub pid: NamespaceChoice,
    pub uts: NamespaceChoice,
    pub ipc: NamespaceChoice,
    pub cgroup: NamespaceChoice,
}

impl NamespaceWishes {
    pub(super) fn choices(&self, user_namespace: &UserNamespace) -> NamespaceChoices {
        NamespaceChoices::new(|namespace| match namespace {
            Namespace::User => match user_namespace {
                UserNamespace::Callers => NamespaceChoice::Host,
                // The other namespaces take CAP_SYS_ADMIN, which an ordinary user has in a user namespace
                // of its own alone.
                UserNamespace::Single | UserNamespace::Ranges(_) => NamespaceChoice::New,
            },
            Namespace::Mount => NamespaceChoice::New,
            Namespace::Pid => self.pid.clone(),
            Namespace::Uts => self.uts.clone(),
            Namespace::Ipc => self.ipc.clone(),
            Namespace::Network => self.network.namespace(),
            Namespace::Cgroup => self.cgroup.clone(),
            Namespace::Time => NamespaceChoice::Host,
        })
    }
}

/// A choice for every kind of namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamespaceChoices([NamespaceChoice; KINDS.len()]);

impl NamespaceChoices {
    /// A choice for each kind, as `choose` has it.
    pub fn new(mut choose: impl FnMut(Namespace) -> NamespaceChoice) -> Self {
        Self(KINDS.map(|kind| choose(kind.namespace)))
    }

    pub fn of(&self, namespace: Namespace) -> &NamespaceChoice {
        &self.0[namespace as usize]
    }

    /// Whether the container has one of its own.
    pub fn is_new(&self, namespace: Namespace) -> bool {
        *self.of(namespace) == NamespaceChoice::New
    }

    /// Whether it is the caller's.
    pub fn is_callers(&self, namespace: Namespace) -> bool {
        *self.of(namespace) == NamespaceChoice::Host
    }

    /// The namespaces that are joined, in this order: the user namespace first, which gives the rights for the others, and
    /// the mount namespace last, in which no path is any more what it was.
    pub fn joined(&self) -> impl Iterator<Item = (Namespace, &JoinTarget)> {
        let kinds = KINDS.iter().map(|kind| kind.namespace);
        let but_mounts = kinds.filter(|namespace| *namespace != Namespace::Mount);
        let order = but_mounts.chain([Namespace::Mount]);
        order.filter_map(|namespace| match self.of(namespace) {
            NamespaceChoice::Join(target) => Some((namespace, target)),
            NamespaceChoice::New | NamespaceChoice::Host => None,
        })
    }

    /// The namespaces that are the container's own.
    pub fn anew(&self) -> Namespaces {
        let kinds = KINDS.iter().map(|kind| kind.namespace);
        let own = kinds.filter(|namespace| self.is_new(*namespace));
        own.fold(Namespaces::NONE, Namespaces::with)
    }
}

/// A set of namespaces that are made.
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
        Self(self.0.and(namespace.kind().anew))
    }

    #[must_use]
    pub const fn without(self, namespace: Namespace) -> Self {
        Self(self.0.without(namespace.kind().anew))
    }

    pub const fn contains(self, namespace: Namespace) -> bool {
        self.0.contain(namespace.kind().anew)
    }

    fn kinds_of(self) -> impl Iterator<Item = &'static Kind> {
        let all = KINDS.iter();
        all.filter(move |kind| self.contains(kind.namespace))
    }

    /// The names of its namespaces, for people.
    pub fn names(self) -> String {
        let names: Vec<&str> = self.kinds_of().map(|kind| kind.name).collect();
        names.join(" ")
    }

    /// What the kernel's limits call them: user.max_KIND_namespaces.
    pub fn kinds(self) -> Vec<&'static str> {
        self.kinds_of().map(|kind| kind.kernels).collect()
    }

    /// What clone(2) makes of them.
    pub const fn anew(self) -> NewNamespaces {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_have_names() {
        let set = Namespaces::NONE
            .with(Namespace::Network)
            .with(Namespace::Mount);
        assert_eq!(set.names(), "mount network");
        assert_eq!(set.kinds(), ["mnt", "net"]);
    }

    #[test]
    fn what_is_joined_is_not_made() {
        let joined = Network::Join(JoinTarget::Path(c"/run/netns/x".into()));
        let choices = NamespaceChoices::new(|namespace| match namespace {
            Namespace::User | Namespace::Time => NamespaceChoice::Host,
            Namespace::Network => joined.namespace(),
            _ => NamespaceChoice::New,
        });
        let made = Namespaces::CONTAINER.without(Namespace::Network);
        assert_eq!(choices.anew(), made);
        assert_eq!(choices.of(Namespace::User), &NamespaceChoice::Host);
    }
}
