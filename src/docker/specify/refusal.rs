//! What a specification is refused for, in the words of docker's options.

use super::{named, sysctl};
use crate::docker::{RunArgs, root, spelling};
use crate::error::Error;
use crate::spec::{Conflict, IdOf, Network, UnknownId};
use std::ffi::OsString;

/// The refusal of what `arguments` ask for.
#[cold]
#[inline(never)]
pub fn told(conflict: Conflict, arguments: &RunArgs) -> Error {
    let typed = |option, typed: &Option<OsString>| {
        let typed = typed.as_ref();
        typed.map_or_else(|| Vec::from(option), |typed| named(option, typed))
    };
    match conflict {
        Conflict::GroupsOfOneId => Error::refused(
            "--group-add",
            "an ordinary user has no groups to give; with --userns auto the container has groups of its own",
        ),
        Conflict::AdministratorOfHandedMounts => Error::refused(
            "--userns",
            "with --rootfs it cannot be given together with CAP_SYS_ADMIN, which could undo what the container's mounts \
             forbid",
        ),
        Conflict::RootOfAnotherMounter => Error::refused(
            "--rootfs",
            "it was checked for another user namespace than the container has",
        ),
        Conflict::RootOfOtherMounts => Error::refused(
            "--rootfs",
            "it takes a mount namespace of the container's own",
        ),
        Conflict::NameOfHost => Error::refused(
            "--hostname",
            "it cannot be given with --uts host: it would rename the host",
        ),
        Conflict::DomainNameOfHost => Error::refused(
            "--domainname",
            "it cannot be given with --uts host: it would be the host's as well",
        ),
        Conflict::ProcOptionsOfHost => Error::refused(
            "--security-opt proc-opts",
            "it cannot be given with --pid host: on some kernels the host's /proc would change with it",
        ),
        Conflict::SysctlOfHost { number, namespace } => {
            let typed = arguments.sysctls.get(number).cloned().unwrap_or_default();
            let joins_network = matches!(arguments.network, Network::Join(_));
            sysctl::shared(&typed, namespace, joins_network)
        }
        Conflict::JoinedNetworkOfOthers => Error::refused(
            "--userns",
            "it cannot be given with --network ns:PATH: the network namespace does not belong to the container's user \
             namespace, which may not join it",
        ),
        Conflict::NetworkJoinedByOneId => Error::refused("--network ns:PATH", OF_ONE_ID),
        Conflict::RelativeWorkingDirectory => Error::refused(
            typed("--workdir", &arguments.working_directory),
            "it must be an absolute path, as the container sees it",
        ),
        Conflict::UnknownId(unknown) => unknown_id(&unknown, arguments),
        Conflict::Root(conflict) => root::refusal(conflict),
        Conflict::LimitOutOfRange(field) => {
            Error::refused(spelling(field), "the kernel takes no such value")
        }
        Conflict::SwapWithoutMemory => Error::refused("--memory-swap", "it needs --memory"),
        Conflict::MemoryAndSwapBelowMemory => Error::refused("--memory-swap", BELOW_MEMORY),
        Conflict::ReservationAboveMemory => Error::refused(
            "--memory-reservation",
            "it has to be at most what --memory is",
        ),
    }
}

const OF_ONE_ID: &str = "an ordinary user's container is in a user namespace of its own and may join none; where you are root, \
     you may: nsenter -t PID -U --preserve-credentials mydocker run ...";

const BELOW_MEMORY: &str =
    "it is memory and swap together, and has to be at least what --memory is";

fn unknown_id(unknown: &UnknownId, arguments: &RunArgs) -> Error {
    let UnknownId { of, id, known } = unknown;
    let user = arguments.user.as_deref().unwrap_or_default();
    let number = id.to_string();
    let by_user = || format!("--user {}", user.to_string_lossy());
    let (option, name) = match of {
        IdOf::User => (by_user(), "uid"),
        IdOf::Group => (by_user(), "gid"),
        IdOf::SupplementaryGroup => {
            let option = match arguments.groups.iter().any(|typed| *typed == *number) {
                true => format!("--group-add {number}"),
                false if arguments.groups.is_empty() => by_user(),
                false => "--group-add".to_owned(),
            };
            (option, "gid")
        }
    };
    let reason = format!("the container's user namespace has no {name} {id}, it has {known}");
    Error::refused_for(option, reason)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::field::Field;
    use crate::spec::{Namespace, RootConflict};

    #[test]
    fn every_refusal_names_its_option() {
        let arguments = RunArgs {
            user: Some("bob".into()),
            groups: vec!["9".into(), "wheel".into()],
            sysctls: vec!["net.x=1".into()],
            working_directory: Some("tmp".into()),
            ..RunArgs::default()
        };
        let unknown = |of, id| {
            let known = "0 to 8".to_owned();
            Conflict::UnknownId(UnknownId { of, id, known })
        };
        let setting = |number, namespace| Conflict::SysctlOfHost { number, namespace };
        for (conflict, option) in [
            (Conflict::GroupsOfOneId, "--group-add: "),
            (Conflict::AdministratorOfHandedMounts, "--userns: "),
            (Conflict::RootOfAnotherMounter, "--rootfs: "),
            (Conflict::RootOfOtherMounts, "--rootfs: "),
            (Conflict::NameOfHost, "--hostname: "),
            (Conflict::DomainNameOfHost, "--domainname: "),
            (Conflict::ProcOptionsOfHost, "--security-opt proc-opts: "),
            (Conflict::JoinedNetworkOfOthers, "--userns: "),
            (Conflict::NetworkJoinedByOneId, "--network ns:PATH: "),
            (setting(0, Namespace::Network), "--sysctl net.x=1: "),
            (Conflict::RelativeWorkingDirectory, "--workdir tmp: "),
            (unknown(IdOf::User, 10), "--user bob: "),
            (unknown(IdOf::Group, 10), "--user bob: "),
            (unknown(IdOf::SupplementaryGroup, 9), "--group-add 9: "),
            (unknown(IdOf::SupplementaryGroup, 10), "--group-add: "),
            (Conflict::LimitOutOfRange(Field::Cpus), "--cpus: "),
            (
                Conflict::Root(RootConflict::WritesKeptByHanded),
                "--overlay: ",
            ),
            (Conflict::SwapWithoutMemory, "--memory-swap: "),
            (Conflict::MemoryAndSwapBelowMemory, "--memory-swap: "),
            (Conflict::ReservationAboveMemory, "--memory-reservation: "),
        ] {
            let message = told(conflict, &arguments).to_string();
            assert!(message.starts_with(option), "{message}");
        }
    }
}
