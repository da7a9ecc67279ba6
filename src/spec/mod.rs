//! What a container is to be: validated wishes, without descriptors and without system calls.
//!
//! A front end understands how something was written (the module of docker's command line is one) and fills in
//! [`ContainerWishes`]; with what the process that asks is ([`Credentials`]) they become a [`ContainerSpec`], in which
//! wrong states cannot be written, or are refused as a [`Conflict`]. The plan is built from the specification. Nothing
//! here knows how a front end writes anything.

mod capabilities;
mod conflict;
mod identity;
mod launch;
pub mod limits;
mod names;
mod namespaces;
mod own_device;
mod process;
pub mod repeated;
mod root;
mod staying;
mod sysctl;
mod user_namespace;
mod work_directory;

pub use capabilities::{Capabilities, DEFAULT_CAPABILITIES};
pub use conflict::Conflict;
pub use identity::{Credentials, IdMap, IdOf, Identity, UnknownId};
pub use launch::LaunchChoice;
pub use names::{HostName, is_host_name};
pub use namespaces::{
    JoinTarget, Namespace, NamespaceChoice, NamespaceChoices, NamespaceWishes, Namespaces, Network,
    PidfdNumber,
};
pub use own_device::OwnDevice;
pub use process::{DEFAULT_PATH, Filter, Input, OomScoreAdjustment, ProcessSpec, Terminal, User};
pub use root::{
    Base, Bind, Devices, FileSystem, Link, MOST_COPIES, MOST_HANDED, MountConflict, MountSource,
    Mounter, NameFile, Node, Overlay, RootConflict, RootMount, RootSpec, RootWishes, Upper, Writes,
    below, clean_target, name_in,
};
pub use staying::RestartPolicy;
pub use sysctl::{Sysctl, SysctlFault};
pub use user_namespace::{BLOCK, Ids, IdsWanted, Range, UserNamespace};
pub use work_directory::work_directory;

use crate::sys::capability::SYS_ADMIN;
use limits::Limits;
use std::time::Duration;

/// Who is PID 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FirstProcess {
    Command,
    /// A small reaper, which runs the command as PID 2.
    Reaper,
}

/// How long the command may run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeout {
    pub after: Duration,
    /// How long it may take to end when its time is up, before it is killed; `None`: it is not asked.
    pub grace: Option<Duration>,
}

/// What bounds a container's life, and what ends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ending {
    pub timeout: Option<Timeout>,
    /// What asks it to end: then, and when mydocker is sent SIGTERM.
    pub stop_signal: i32,
    pub output_limit: Option<OutputLimit>,
}

/// How much it may write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutputLimit {
    /// To stdout and stderr together, as far as they are counted.
    pub bytes: u64,
    /// Whether stdout is, and whether stderr is.
    pub counted: [bool; 2],
}

/// What is asked of a container.
#[derive(Debug)]
pub struct ContainerWishes {
    pub process: ProcessSpec,
    /// `None`: the caller's.
    pub root: Option<RootSpec>,
    pub user_namespace: UserNamespace,
    pub namespaces: NamespaceWishes,
    /// `None`: the caller's.
    pub hostname: Option<HostName>,
    /// `None`: the caller's.
    pub domain_name: Option<HostName>,
    pub sysctls: Vec<Sysctl>,
    pub limits: Limits,
    pub first_process: FirstProcess,
    pub ending: Ending,
    pub launch: LaunchChoice,
}

/// A container to be.
#[derive(Debug)]
pub struct ContainerSpec {
    pub process: ProcessSpec,
    /// `None`: the caller's.
    pub root: Option<RootSpec>,
    /// Changed by [`ContainerSpec::in_namespaces`], which sees that the rest fits.
    pub(crate) namespaces: NamespaceChoices,
    pub identity: Identity,
    /// `None`: the caller's.
    pub hostname: Option<HostName>,
    /// `None`: the caller's.
    pub domain_name: Option<HostName>,
    pub sysctls: Vec<Sysctl>,
    /// `None`: no cgroup of its own.
    pub limits: Option<Limits>,
    pub first_process: FirstProcess,
    pub ending: Ending,
    pub launch: LaunchChoice,
    /// What the runtime has found out about the user namespace that mydocker is in, as far as the container depends on it.
    pub surroundings: Surroundings,
}

/// The user namespace that mydocker is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Surroundings {
    /// The kernel's first: its root is the host's.
    Host,
    /// Another one. Its root may be called 0 like the host's, and owns no more than what belongs to that namespace.
    UserNamespace {
        /// Whether the group of terminals is one of its ids.
        has_terminal_group: bool,
    },
}

/// The group that owns terminals on every distribution, called tty.
pub const TERMINAL_GROUP: u32 = 5;

impl ContainerSpec {
    /// Errors: wishes that contradict each other, or that such a caller cannot be granted.
    pub fn new(wishes: ContainerWishes, caller: &Credentials<'_>) -> Result<Self, Conflict> {
        check_root(&wishes, caller)?;
        check_process(&wishes)?;
        let namespaces = wishes.namespaces.choices(&wishes.user_namespace);
        check_sharing(&wishes, &namespaces)?;
        let identity = Identity::new(&wishes.process.user, caller, wishes.user_namespace);
        identity.check(&wishes.process.user)?;
        if let Some(root) = &wishes.root {
            root.check_ids(&identity).map_err(Conflict::Root)?;
        }
        Ok(Self {
            process: wishes.process,
            root: wishes.root,
            namespaces,
            identity,
            hostname: wishes.hostname,
            domain_name: wishes.domain_name,
            sysctls: wishes.sysctls,
            limits: wishes.limits.checked()?,
            first_process: wishes.first_process,
            ending: wishes.ending,
            launch: wishes.launch,
            surroundings: Surroundings::Host,
        })
    }

    /// This container in other namespaces. In a UTS namespace that is not its own it has no name of its own.
    ///
    /// Errors: what is mounted and set for a container is not for the namespaces of others.
    pub fn in_namespaces(mut self, namespaces: NamespaceChoices) -> Result<Self, Conflict> {
        check_namespaces(self.root.as_ref(), &self.sysctls, &namespaces)?;
        if !namespaces.is_new(Namespace::Uts) {
            self.hostname = None;
            self.domain_name = None;
        }
        self.namespaces = namespaces;
        Ok(self)
    }

    /// This container, which runs, for one more process in it: `joined` are those of its namespaces that are not the
    /// caller's, by the pidfd of a process that is in them. What bounded its first process's life is not for this one.
    ///
    /// Errors: a user whom the container's user namespace does not know.
    pub fn entered(
        mut self,
        process: ProcessSpec,
        joined: &[Namespace],
        pidfd: PidfdNumber,
        caller: &Credentials<'_>,
    ) -> Result<Self, Conflict> {
        check_process_in(&process, matches!(self.identity, Identity::Mapped { .. }))?;
        self.identity = self.identity.of_another(&process.user, caller);
        self.identity.check(&process.user)?;
        self.process = process;
        self.namespaces = NamespaceChoices::new(|namespace| match joined.contains(&namespace) {
            true => NamespaceChoice::Join(JoinTarget::Process(pidfd)),
            false => NamespaceChoice::Host,
        });
        self.first_process = FirstProcess::Command;
        self.ending = Ending {
            timeout: None,
            stop_signal: libc::SIGTERM,
            output_limit: None,
        };
        Ok(self)
    }

    /// Whether it is in a namespace of this kind that is there already, and not the caller's.
    pub fn joins(&self, namespace: Namespace) -> bool {
        matches!(self.namespaces.of(namespace), NamespaceChoice::Join(_))
    }

    pub fn namespaces(&self) -> &NamespaceChoices {
        &self.namespaces
    }

    /// Whether its /dev is one of its own, with nodes of its own.
    pub fn has_own_dev(&self) -> bool {
        self.root.as_ref().is_some_and(RootSpec::has_own_dev)
    }

    /// Whether it is in the host's PID namespace, where a keeper stays beside the command.
    pub fn has_keeper(&self) -> bool {
        !self.namespaces.is_new(Namespace::Pid)
    }

    /// Whether its IPC objects are the caller's.
    pub fn shares_ipc(&self) -> bool {
        !self.namespaces.is_new(Namespace::Ipc)
    }

    /// Whether what the container's root owns belongs to a user namespace that is not the kernel's first: its own or
    /// mydocker's.
    pub fn is_in_user_namespace(&self) -> bool {
        !self.namespaces.is_callers(Namespace::User) || self.surroundings != Surroundings::Host
    }

    /// Whether terminals can belong to their group.
    pub fn has_terminal_group(&self) -> bool {
        self.namespaces.is_callers(Namespace::User)
            && match self.surroundings {
                Surroundings::Host => true,
                Surroundings::UserNamespace { has_terminal_group } => has_terminal_group,
            }
    }
}

/// By whose rights the root is mounted, and what that leaves to the command.
fn check_root(wishes: &ContainerWishes, caller: &Credentials<'_>) -> Result<(), Conflict> {
    let Some(root) = &wishes.root else {
        return Ok(());
    };
    let mounter = Mounter::new(caller.user, &wishes.user_namespace);
    if root.is_premounted != (mounter == Mounter::Handed) {
        return Err(Conflict::RootOfAnotherMounter);
    }
    if root.is_premounted && wishes.process.capabilities.bounding.contains(SYS_ADMIN) {
        return Err(Conflict::AdministratorOfHandedMounts);
    }
    Ok(())
}

fn check_process(wishes: &ContainerWishes) -> Result<(), Conflict> {
    check_process_in(
        &wishes.process,
        wishes.user_namespace == UserNamespace::Single,
    )
}

fn check_process_in(process: &ProcessSpec, has_one_id: bool) -> Result<(), Conflict> {
    if process.user.insists_on_groups && has_one_id {
        return Err(Conflict::GroupsOfOneId);
    }
    let directory = process.working_directory.as_ref();
    if directory.is_some_and(|path| !path.to_bytes().starts_with(b"/")) {
        return Err(Conflict::RelativeWorkingDirectory);
    }
    Ok(())
}

/// What would be the host's.
fn check_sharing(wishes: &ContainerWishes, namespaces: &NamespaceChoices) -> Result<(), Conflict> {
    if !namespaces.is_new(Namespace::Uts) {
        if wishes.hostname.is_some() {
            return Err(Conflict::NameOfHost);
        }
        if wishes.domain_name.is_some() {
            return Err(Conflict::DomainNameOfHost);
        }
    }
    // Who is in a new user namespace has no rights in a network namespace that is none of its own.
    if let Network::Join(_) = &wishes.namespaces.network {
        match wishes.user_namespace {
            UserNamespace::Ranges(_) => return Err(Conflict::JoinedNetworkOfOthers),
            UserNamespace::Single => return Err(Conflict::NetworkJoinedByOneId),
            UserNamespace::Callers => {}
        }
    }
    check_namespaces(wishes.root.as_ref(), &wishes.sysctls, namespaces)
}

/// What is mounted and set for a container is not for the namespaces of others.
fn check_namespaces(
    root: Option<&RootSpec>,
    sysctls: &[Sysctl],
    namespaces: &NamespaceChoices,
) -> Result<(), Conflict> {
    let has_mounts = namespaces.is_new(Namespace::Mount);
    if root.is_some() && !has_mounts {
        return Err(Conflict::RootOfOtherMounts);
    }
    // Before Linux 5.8 all mounts of a PID namespace's proc have the same.
    if !namespaces.is_new(Namespace::Pid) && root.is_some_and(RootSpec::has_proc_options) {
        return Err(Conflict::ProcOptionsOfHost);
    }
    let settings = sysctls.iter().map(|setting| setting.namespace);
    // They are set by a proc of the container's own.
    let mut others = (0..).zip(settings);
    match others.find(|(_, of)| !namespaces.is_new(*of) || !has_mounts) {
        Some((number, namespace)) => Err(Conflict::SysctlOfHost { number, namespace }),
        None => Ok(()),
    }
}

#[cfg(test)]
pub(crate) mod tests;
