//! What a container is to be: validated wishes, without descriptors and without system calls.
//!
//! [`ContainerSpec::new`] turns what was typed ([`RunArgs`]) and what the runtime found out about
//! the caller ([`Caller`]) into a specification in which wrong states cannot be written. The plan
//! is built from it.

mod caller;
mod environment;
pub mod environment_file;
mod identity;
mod launch;
pub mod limits;
mod namespaces;
mod repeated;
mod root;
pub mod security;
mod stop_signal;
mod sysctl;
mod user;
mod user_namespace;
mod work_directory;

pub use caller::{AccountReader, Caller, IdFinder};
pub use environment::DEFAULT_PATH;
pub use identity::{IdMap, Identity};
pub use launch::LaunchChoice;
pub use namespaces::{
    JoinTarget, Namespace, NamespaceChoice, NamespaceChoices, Namespaces, Network, PidfdNumber,
};
pub use root::{
    Base, Bind, Devices, MOST_COPIES, MOST_HANDED, MountConflict, MountSource, Mounter, NameFile,
    Overlay, RootConflict, RootMount, RootSpec, RootWishes, Upper, Writes, clean_target,
    is_host_name,
};
pub use sysctl::Sysctl;
pub use user::{Accounts, User};
pub use user_namespace::{BLOCK, Ids, IdsWanted, Range, UserNamespace};
pub use work_directory::work_directory;

use crate::docker::{self, RunArgs};
use crate::error::Error;
use crate::sys::Errno;
use crate::sys::capability::SYS_ADMIN;
use limits::{Limits, ResourceLimit};
use security::Security;
use std::ffi::{CString, OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::time::Duration;

/// What the container's terminal is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Terminal {
    /// What is no terminal of the caller's standard descriptors, and no controlling terminal.
    None,
    /// A pseudo-terminal of its own.
    Own,
}

/// What the container reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// End-of-file at once.
    Nothing,
    /// What the caller's stdin has.
    Caller,
}

/// Who is PID 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FirstProcess {
    Command,
    /// A small reaper, which runs the command as PID 2.
    Reaper,
}

/// A container to be.
#[derive(Debug)]
pub struct ContainerSpec {
    pub launch: LaunchChoice,
    pub namespaces: NamespaceChoices,
    pub identity: Identity,
    /// `None` where the UTS namespace is the host's.
    pub hostname: Option<Vec<u8>>,
    pub sysctls: Vec<Sysctl>,
    /// `None`: the caller's.
    pub domain_name: Option<Vec<u8>>,
    /// `None`: the caller's.
    pub root: Option<RootSpec>,
    pub terminal: Terminal,
    pub input: Input,
    pub first_process: FirstProcess,
    /// `None`: no cgroup of its own.
    pub limits: Option<Limits>,
    /// Of each process by itself.
    pub resources: Vec<ResourceLimit>,
    pub oom_score_adjustment: Option<i32>,
    pub security: Security,
    /// How long the command may run.
    pub timeout: Option<Duration>,
    /// How long it may take to end when its time is up, before it is killed.
    pub grace: Option<Duration>,
    /// What asks it to end: then, and when mydocker is sent SIGTERM.
    pub stop_signal: i32,
    /// How many bytes it may write to stdout and stderr together.
    pub output_limit: Option<u64>,
    /// `None`: where the caller is, or / of a root of its own.
    pub working_directory: Option<CString>,
    /// `NAME=value` each.
    pub environment: Vec<CString>,
    /// At least one.
    pub command: Vec<CString>,
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

/// The longest name sethostname(2) takes (`__NEW_UTS_LEN`).
const LONGEST_HOSTNAME: usize = 64;

impl ContainerSpec {
    /// Whether its /dev is one of its own, with nodes of its own.
    pub fn has_own_dev(&self) -> bool {
        self.root
            .as_ref()
            .is_some_and(|root| !root.mounts_on("/dev"))
    }

    /// Whether it is in the host's PID namespace, where a keeper stays beside the command.
    pub fn has_keeper(&self) -> bool {
        !self.namespaces.is_new(Namespace::Pid)
    }

    /// Whether its IPC objects are the caller's.
    pub fn shares_ipc(&self) -> bool {
        !self.namespaces.is_new(Namespace::Ipc)
    }

    /// Errors: wishes that cannot be granted, each named with the option that asked.
    pub fn new(arguments: &RunArgs, caller: &Caller<'_>) -> Result<Self, Error> {
        let user_namespace = UserNamespace::new(arguments, caller)?;
        let namespaces = namespaces(arguments, &user_namespace)?;
        let hostname = hostname(arguments, caller, &namespaces)?;
        let mounter = Mounter::new(caller.user, &user_namespace);
        let root = docker::root::specify(arguments, caller, hostname.as_deref(), mounter)?;
        let (user, home) = users(arguments, caller, root.as_ref())?;
        if !arguments.groups.is_empty() && user_namespace == UserNamespace::Single {
            return Err(Error::refused(
                "--group-add",
                "an ordinary user has no groups to give; with --userns auto the container has groups of its own",
            ));
        }
        let security = Security::new(arguments, user.as_ref().map_or(0, |user| user.id))?;
        if mounter == Mounter::Handed
            && root.is_some()
            && security.capabilities.bounding.contains(SYS_ADMIN)
        {
            // Mounts that come from outside are not locked: what they forbid (devices, writes) who may mount could
            // allow again.
            return Err(Error::refused(
                "--userns",
                "with --rootfs it cannot be given together with CAP_SYS_ADMIN, which could undo what the container's mounts \
                 forbid",
            ));
        }
        let environment = environment::build(&environment::Sources {
            wishes: &arguments.environment,
            hostname: hostname.as_deref(),
            tty: arguments.tty,
            home,
            caller: caller.variable,
            all_of_callers: caller.all_variables,
        })?;
        let timeout = limits::timeout(arguments.timeout.as_ref())?;
        let identity = Identity::new(user, caller, user_namespace);
        identity.check(arguments)?;
        if let Some(root) = &root {
            root.check_ids(&identity).map_err(docker::root::refusal)?;
        }
        Ok(Self {
            launch: arguments.launch,
            sysctls: sysctl::all(&arguments.sysctls, namespaces.anew())?,
            domain_name: domain_name(arguments, &namespaces)?,
            namespaces,
            identity,
            hostname,
            root,
            terminal: if arguments.tty {
                Terminal::Own
            } else {
                Terminal::None
            },
            input: if arguments.interactive {
                Input::Caller
            } else {
                Input::Nothing
            },
            first_process: if arguments.has_reaper() {
                FirstProcess::Reaper
            } else {
                FirstProcess::Command
            },
            limits: Limits::new(&arguments.limits, arguments.report_cgroup)?,
            resources: limits::resources(&arguments.resources)?,
            oom_score_adjustment: limits::oom_score_adjustment(
                arguments.oom_score_adjustment.as_ref(),
            )?,
            security,
            timeout: timeout.map(|(after, _)| after),
            grace: timeout.and_then(|(_, grace)| grace),
            output_limit: limits::output(arguments.output_limit.as_ref())?,
            stop_signal: stop_signal::stop_signal(arguments.stop_signal.as_ref())?,
            working_directory: working_directory(arguments)?,
            environment,
            command: arguments
                .command
                .iter()
                .map(|argument| c_string("COMMAND", argument.as_bytes()))
                .collect::<Result<_, _>>()?,
            surroundings: Surroundings::Host,
        })
    }

    /// Whether what the container's root owns belongs to a user namespace that is not the kernel's first: its own or
    /// mydocker's.
    pub fn is_in_user_namespace(&self) -> bool {
        self.namespaces.is_new(Namespace::User) || self.surroundings != Surroundings::Host
    }

    /// Whether terminals can belong to their group.
    pub fn has_terminal_group(&self) -> bool {
        !self.namespaces.is_new(Namespace::User)
            && match self.surroundings {
                Surroundings::Host => true,
                Surroundings::UserNamespace { has_terminal_group } => has_terminal_group,
            }
    }
}

/// The user who was asked for, and the home of whoever runs the command.
fn users(
    arguments: &RunArgs,
    caller: &Caller<'_>,
    root: Option<&RootSpec>,
) -> Result<(Option<User>, Option<Vec<u8>>), Error> {
    if let Some(request) = &arguments.user {
        let accounts = Accounts {
            passwd: (caller.accounts)(root, "passwd")?,
            group: (caller.accounts)(root, "group")?,
        };
        let mut user = User::resolve(request.as_bytes(), &accounts)?;
        user.join(&arguments.groups, &accounts.group)?;
        let home = user.home.clone();
        return Ok((Some(user), home));
    }
    let home = match root {
        // The home of the container's own root. As docker does it, and if no one has said, /root.
        Some(root) => {
            let passwd = (caller.accounts)(Some(root), "passwd")?;
            Some(User::home_of(0, &passwd).unwrap_or_else(|| b"/root".to_vec()))
        }
        // It sees the caller's files, so the caller's home is home.
        None => (caller.variable)(OsStr::new("HOME")).map(OsString::into_vec),
    };
    if arguments.groups.is_empty() {
        return Ok((None, home));
    }
    let mut user = User {
        id: 0,
        group: 0,
        supplementary: Vec::new(),
        home: home.clone(),
    };
    user.join(&arguments.groups, &(caller.accounts)(root, "group")?)?;
    Ok((Some(user), home))
}

fn namespaces(
    arguments: &RunArgs,
    user_namespace: &UserNamespace,
) -> Result<NamespaceChoices, Error> {
    if let Network::Join(_) = arguments.network {
        return Err(Error::refused(
            "--network ns:PATH",
            "a network namespace that is there cannot be joined yet",
        ));
    }
    Ok(NamespaceChoices::new(|namespace| match namespace {
        Namespace::User => match user_namespace {
            UserNamespace::Callers => NamespaceChoice::Host,
            // The other namespaces take CAP_SYS_ADMIN, which an ordinary user has in a user namespace
            // of its own alone.
            UserNamespace::Single | UserNamespace::Ranges(_) => NamespaceChoice::New,
        },
        Namespace::Mount => NamespaceChoice::New,
        Namespace::Pid => arguments.pid.clone(),
        Namespace::Uts => arguments.uts.clone(),
        Namespace::Ipc => arguments.ipc.clone(),
        Namespace::Network => arguments.network.namespace(),
        Namespace::Cgroup => arguments.cgroup.clone(),
    }))
}

fn hostname(
    arguments: &RunArgs,
    caller: &Caller<'_>,
    namespaces: &NamespaceChoices,
) -> Result<Option<Vec<u8>>, Error> {
    let Some(name) = &arguments.hostname else {
        return Ok(namespaces
            .is_new(Namespace::Uts)
            .then(|| caller.fresh_name.as_bytes().to_vec()));
    };
    if !namespaces.is_new(Namespace::Uts) {
        return Err(Error::refused(
            "--hostname",
            "it cannot be given with --uts host: it would rename the host",
        ));
    }
    if !is_host_name(name.as_bytes(), LONGEST_HOSTNAME) {
        // Nothing else is a line of /etc/hosts by itself, and the kernel would take anything.
        return Err(Error::refused(
            [b"--hostname ", name.as_bytes()].concat(),
            "a host name is 1 to 64 of A-Z, a-z, 0-9, '_', '.' and '-'",
        ));
    }
    Ok(Some(name.as_bytes().to_vec()))
}

fn domain_name(
    arguments: &RunArgs,
    namespaces: &NamespaceChoices,
) -> Result<Option<Vec<u8>>, Error> {
    let Some(name) = &arguments.domain_name else {
        return Ok(None);
    };
    if !namespaces.is_new(Namespace::Uts) {
        return Err(Error::refused(
            "--domainname",
            "it cannot be given with --uts host: it would be the host's as well",
        ));
    }
    if !is_host_name(name.as_bytes(), LONGEST_HOSTNAME) {
        return Err(Error::refused(
            [b"--domainname ", name.as_bytes()].concat(),
            "a domain name is 1 to 64 of A-Z, a-z, 0-9, '_', '.' and '-'",
        ));
    }
    Ok(Some(name.as_bytes().to_vec()))
}

fn working_directory(arguments: &RunArgs) -> Result<Option<CString>, Error> {
    let Some(directory) = &arguments.working_directory else {
        return Ok(None);
    };
    if !directory.as_bytes().starts_with(b"/") {
        return Err(Error::refused(
            [b"--workdir ", directory.as_bytes()].concat(),
            "it must be an absolute path, as the container sees it",
        ));
    }
    c_string("--workdir", directory.as_bytes()).map(Some)
}

/// An option with its value, as messages name it.
fn named(option: &str, typed: &OsString) -> Vec<u8> {
    [option.as_bytes(), b" ", typed.as_bytes()].concat()
}

/// Arguments come as C strings, so a NUL in one can only be a mistake of ours; it is still refused
/// rather than cut.
fn c_string(what: &str, bytes: &[u8]) -> Result<CString, Error> {
    CString::new(bytes).map_err(|_| Error::new(what, bytes, Errno::EINVAL))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// What root gets without an option.
    pub(crate) fn spec_of_true() -> ContainerSpec {
        spec(0, |_| ()).unwrap()
    }

    fn spec(caller_user: u32, edit: impl FnOnce(&mut RunArgs)) -> Result<ContainerSpec, Error> {
        let mut arguments = RunArgs {
            command: vec!["true".into()],
            ..RunArgs::default()
        };
        edit(&mut arguments);
        ContainerSpec::new(
            &arguments,
            &Caller {
                directory: &|| Ok("/caller".into()),
                ..Caller::bare(caller_user)
            },
        )
    }

    #[test]
    fn a_user_namespace_for_ordinary_users_alone() {
        assert!(!spec(0, |_| ()).unwrap().namespaces.is_new(Namespace::User));
        assert!(spec(7, |_| ()).unwrap().namespaces.is_new(Namespace::User));
    }

    #[test]
    fn shared_namespaces_are_left_out() {
        let spec = spec(0, |arguments| {
            arguments.network = Network::Host;
            arguments.pid = NamespaceChoice::Host;
            arguments.ipc = NamespaceChoice::Host;
            arguments.uts = NamespaceChoice::Host;
        })
        .unwrap();
        let left = Namespaces::NONE
            .with(Namespace::Mount)
            .with(Namespace::Cgroup);
        assert_eq!(spec.namespaces.anew(), left);
        assert_eq!(spec.hostname, None);
    }

    #[test]
    fn names_and_directories_are_checked() {
        let long = "x".repeat(65);
        for name in ["box.example_1-2", &"x".repeat(64)] {
            assert!(spec(0, |arguments| arguments.hostname = Some(name.into())).is_ok());
        }
        for (text, edit) in [
            (
                "--hostname '': a host name is 1 to 64 of",
                Box::new(|a: &mut RunArgs| a.hostname = Some("".into())) as Box<dyn FnOnce(&mut _)>,
            ),
            (
                "a host name is 1 to 64 of",
                Box::new(move |a: &mut RunArgs| a.hostname = Some(long.into())),
            ),
            (
                "--hostname a\\n1.2.3.4 b: a host name is",
                Box::new(|a: &mut RunArgs| a.hostname = Some("a\n1.2.3.4 b".into())),
            ),
            (
                "--uts host",
                Box::new(|a: &mut RunArgs| {
                    a.hostname = Some("x".into());
                    a.uts = NamespaceChoice::Host;
                }),
            ),
            (
                "--workdir tmp: it must be an absolute path",
                Box::new(|a: &mut RunArgs| a.working_directory = Some("tmp".into())),
            ),
        ] {
            let message = spec(0, edit).unwrap_err().to_string();
            assert!(message.contains(text), "{message}");
        }
    }
}
