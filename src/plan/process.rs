//! Steps of a process that an engine asks for: what config.json of the OCI has of one, and docker's options have not.

use crate::spec::Namespace;
use crate::spec::limits::NumberSet;
use crate::sys::capability::Sets;
use crate::sys::keyring::Permissions;
use crate::sys::scheduler::Scheduling;
use std::ffi::CString;

/// One thing that the child does for its process.
#[derive(Debug, PartialEq)]
pub enum ProcessStep {
    /// Run on no processors but these.
    Processors(NumberSet),
    /// Run on whatever processors the cgroup has.
    AllProcessors,
    /// Enter a new time namespace, with these lines for its clocks, time_namespaces(7).
    TimeNamespace(Vec<u8>),
    /// Enter namespaces that are there already: with the rights that this process has, as far as these do, then the user
    /// namespace among them, whose root it becomes, and by that one's rights the others.
    JoinNamespaces(Vec<JoinOf>),
    /// Have the session keyring of this name, and let it be found.
    Keyring {
        name: CString,
        permissions: Option<Permissions>,
    },
    /// Be a program of this personality, by the kernel's number.
    Personality(u32),
    Scheduling(Scheduling),
    /// A class and the level in it, by the kernel's numbers.
    IoPriority {
        class: u32,
        level: u32,
    },
    /// The supplementary groups, unless the user namespace has given up setgroups(2).
    Groups(Vec<u32>),
    CapabilitySets(Sets),
    /// As the container's root. What is closed to it is left to the next.
    EnterDirectory(CString),
    /// As the command's user, if it is not entered yet.
    EnterDirectoryAsUser(CString),
    /// Give 0, 1 and 2 to the command's user: what it is to open again by /dev/stdout, and its terminal.
    GiveStandard {
        user: u32,
        is_terminal: bool,
    },
    /// Tell a security module how to confine the command, by an attribute below /proc/self/attr.
    Label {
        attribute: CString,
        value: Vec<u8>,
    },
    /// Set HOME in the environment to what /etc/passwd has for this user.
    FindHome(u32),
    /// See that there is a command that this user may execute.
    FindCommand,
    /// While it waits to be started, end when a signal asks for it.
    EndWhenAsked,
}

impl ProcessStep {
    /// Whether it enters a namespace of this kind that is there already.
    pub fn joins(&self, namespace: Namespace) -> bool {
        match self {
            Self::JoinNamespaces(all) => all.iter().any(|one| one.namespace == namespace),
            _ => false,
        }
    }
}

/// A namespace that is entered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinOf {
    pub namespace: Namespace,
    /// Which of the namespaces that the parent has opened.
    pub slot: u8,
    /// What it is found by, for messages.
    pub name: CString,
}
