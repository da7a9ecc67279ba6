//! From what was typed to a specification: docker's syntax is understood here, with docker's defaults, and nowhere below.
//!
//! What `spec` refuses it refuses in no one's words; `refusal` says it by the options that were typed.

pub mod another;
mod capabilities;
mod detach_keys;
mod environment;
mod limits;
mod meaning;
mod pairs_file;
mod process;
pub mod protections;
mod refusal;
pub mod size;
mod staying;
mod stop_signal;
mod sysctl;
mod ulimit;
mod user;
mod user_namespace;
mod written;

pub use detach_keys::detach_keys;
pub use limits::{of_processors, output as output_limit, timeout};
pub use meaning::Meaning;
pub use protections::Protections;
pub use staying::{Staying, restart, staying};
pub use stop_signal::signal;
pub use user::{Account, Accounts, name_of as user_name};
pub use written::{environment as asked_environment, labels};

use super::{Caller, RunArgs, root};
use crate::error::Error;
use crate::spec::{
    Capabilities, ContainerSpec, ContainerWishes, Ending, FirstProcess, HostName, Mounter,
    NamespaceChoice, NamespaceWishes,
};
use crate::sys::Errno;
use std::ffi::{CString, OsString};
use std::os::unix::ffi::OsStrExt;

/// What was typed, as a specification.
///
/// Errors: wishes that cannot be understood or granted, each named with the option that asked.
pub fn specify(arguments: &RunArgs, caller: &Caller<'_>) -> Result<ContainerSpec, Error> {
    let user_namespace = user_namespace::asked(arguments.user_namespace.as_deref(), caller)?;
    let namespaces = namespaces(arguments);
    let hostname = hostname(arguments, caller)?;
    let name = hostname.as_ref().map(HostName::bytes);
    let mounter = Mounter::new(caller.user, &user_namespace);
    let protections = Protections::new(arguments)?;
    let root = root::specify(arguments, caller, name, mounter, &protections)?;
    let process = process::asked(arguments, caller, root.as_ref(), name, &protections)?;
    // They are of no effect, and are to be understood, and their files to be read, when the container is made.
    written::labels(arguments, caller)?;
    let wishes = ContainerWishes {
        process,
        root,
        user_namespace,
        namespaces,
        hostname,
        domain_name: domain_name(arguments)?,
        sysctls: sysctl::all(&arguments.sysctls)?,
        limits: limits::asked(arguments)?,
        first_process: match arguments.has_reaper() {
            true => FirstProcess::Reaper,
            false => FirstProcess::Command,
        },
        ending: ending(arguments)?,
        launch: arguments.launch,
    };
    ContainerSpec::new(wishes, &caller.credentials())
        .map_err(|conflict| refusal::told(conflict, arguments))
}

/// The capabilities that the arguments ask for, for a command that is run by `user`.
pub fn capabilities(arguments: &RunArgs, user: u32) -> Result<Capabilities, Error> {
    capabilities::asked(arguments, user)
}

fn namespaces(arguments: &RunArgs) -> NamespaceWishes {
    NamespaceWishes {
        network: arguments.network.clone(),
        pid: arguments.pid.clone(),
        uts: arguments.uts.clone(),
        ipc: arguments.ipc.clone(),
        cgroup: arguments.cgroup.clone(),
    }
}

/// The host name that was asked for, or that of a UTS namespace of the container's own.
fn hostname(arguments: &RunArgs, caller: &Caller<'_>) -> Result<Option<HostName>, Error> {
    let Some(name) = &arguments.hostname else {
        return Ok(match arguments.uts {
            NamespaceChoice::New => HostName::new(caller.fresh_name.as_bytes()),
            NamespaceChoice::Host | NamespaceChoice::Join(_) => None,
        });
    };
    let found = HostName::new(name.as_bytes());
    found.map(Some).ok_or_else(|| {
        Error::refused(
            named("--hostname", name),
            "a host name is 1 to 64 of A-Z, a-z, 0-9, '_', '.' and '-'",
        )
    })
}

fn domain_name(arguments: &RunArgs) -> Result<Option<HostName>, Error> {
    let Some(name) = &arguments.domain_name else {
        return Ok(None);
    };
    let found = HostName::new(name.as_bytes());
    found.map(Some).ok_or_else(|| {
        Error::refused(
            named("--domainname", name),
            "a domain name is 1 to 64 of A-Z, a-z, 0-9, '_', '.' and '-'",
        )
    })
}

fn ending(arguments: &RunArgs) -> Result<Ending, Error> {
    Ok(Ending {
        timeout: limits::timeout(arguments.timeout.as_ref())?,
        output_limit: limits::output(arguments.output_limit.as_ref())?,
        stop_signal: stop_signal::stop_signal(arguments.stop_signal.as_ref())?,
    })
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
mod tests {
    use super::*;
    use crate::spec::{Namespace, Namespaces, Network};

    fn spec(caller_user: u32, edit: impl FnOnce(&mut RunArgs)) -> Result<ContainerSpec, Error> {
        let mut arguments = RunArgs {
            command: vec!["true".into()],
            ..RunArgs::default()
        };
        edit(&mut arguments);
        specify(
            &arguments,
            &Caller {
                directory: &|| Ok("/caller".into()),
                ..Caller::bare(caller_user)
            },
        )
    }

    #[test]
    fn a_user_namespace_for_ordinary_users_alone() {
        for (user, is_new) in [(0, false), (7, true)] {
            let spec = spec(user, |_| ()).unwrap();
            assert_eq!(spec.namespaces.is_new(Namespace::User), is_new);
        }
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
                "--label =x: the label has no name",
                Box::new(|a: &mut RunArgs| a.labels = vec!["=x".into()]),
            ),
            (
                "--label-file: read none: no such file",
                Box::new(|a: &mut RunArgs| a.label_files = vec!["none".into()]),
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
