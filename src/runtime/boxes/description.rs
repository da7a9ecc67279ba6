//! Which box a run needs: two runs with the same description could have each other's. What their options ask for is the name of a
//! socket, so that a client can call, and a box wake, before the client has looked at itself ([`by_birth`]).

use super::{by_birth, places};
use crate::docker::root::names_of_mount;
use crate::docker::specify::Meaning;
use crate::docker::{OverlayChoice, RunArgs, image};
use crate::pool::job;
use crate::spec::{LaunchChoice, NamespaceChoice, Network};
use crate::sys::{Errno, identity};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::ffi::OsStrExt;

/// What a run that has a container of its own says of why.
pub type Unfit = &'static str;

/// Of a container that is kept in the store.
pub const STAYS: Unfit = "it stays";

/// Why no box can do what these options ask for, if that is so.
pub fn is_fit(arguments: &RunArgs) -> Result<(), Unfit> {
    let joins =
        |choice: &NamespaceChoice| !matches!(choice, NamespaceChoice::New | NamespaceChoice::Host);
    let own_ids = arguments
        .user_namespace
        .as_ref()
        .is_some_and(|ids| ids != "host");
    let limits_time = arguments.limits.iter().any(|(name, _)| *name == "cpu-time");
    let mut mounts = arguments.mounts.iter();
    let keeps_writes = matches!(arguments.overlay, OverlayChoice::Kept(_))
        || mounts.any(|typed| names_of_mount(typed.as_bytes()).keeps_writes);
    let others = [&arguments.ipc, &arguments.uts, &arguments.cgroup];
    let unfit = [
        (arguments.is_stored() || arguments.stays, STAYS),
        (arguments.explain, "it is explained"),
        (arguments.timing.is_some(), "its start is timed"),
        (arguments.pid_file.is_some(), "its pid is written to a file"),
        (arguments.report_cgroup, "its report tells of a cgroup"),
        (
            arguments.launch == LaunchChoice::ReExec,
            "it is launched by re-exec",
        ),
        (
            arguments.pid != NamespaceChoice::New,
            "its processes are not apart",
        ),
        (
            matches!(arguments.network, Network::Join(_)) || others.into_iter().any(joins),
            "it joins a namespace",
        ),
        // Only one container at a time may have it, and it would be a waiting box.
        (keeps_writes, "what it writes is kept in a directory"),
        (
            arguments.tty && !arguments.rootfs.is_empty(),
            // It is a mount, which a box may not make any more when it learns of the terminal.
            "its terminal is its root's /dev/console",
        ),
        (limits_time, "its processor time is limited"),
        (
            image::is_for_one(arguments),
            "its command has an image\'s name",
        ),
        (
            own_ids && identity::effective_user() == 0,
            "it has user ids of its own",
        ),
    ];
    let first = unfit.into_iter().find(|(is_so, _)| *is_so);
    first.map_or(Ok(()), |(_, why)| Err(why))
}

/// The options without those that are a job's.
fn of_box(arguments: &RunArgs) -> RunArgs {
    RunArgs {
        init: Some(arguments.has_reaper()),
        interactive: false,
        tty: false,
        launch: LaunchChoice::Auto,
        environment: Vec::new(),
        environment_files: Vec::new(),
        working_directory: None,
        overlay_then_command: false,
        rm: false,
        state: None,
        timeout: None,
        output_limit: None,
        stop_signal: None,
        report: None,
        pool: None,
        command: Vec::new(),
        ..arguments.clone()
    }
}

/// What the options ask for. The boxes that are so take their jobs on one socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind([u64; 2]);

/// What box these options need, whoever the caller is.
///
/// Errors: what cannot be looked at; no box fits then.
pub fn kind(arguments: &RunArgs) -> Result<Kind, Errno> {
    let mut hasher = DefaultHasher::new();
    job::PROTOCOL.hash(&mut hasher);
    // Not how they were written: a box is as it is by whatever words.
    let mut of_box = of_box(arguments);
    Meaning::take(&mut of_box).hash(&mut hasher);
    of_box.hash(&mut hasher);
    places::add(arguments, &mut hasher)?;
    Ok(Kind(two_numbers(hasher)))
}

/// What box this caller needs of that kind. (A box compares it with its own: that is its description.)
///
/// Errors: what cannot be looked at; no box fits then.
pub fn describe(kind: Kind, arguments: &RunArgs) -> Result<[u64; 2], Errno> {
    describe_for(kind, arguments, &by_birth::own()?)
}

/// As [`describe`], for who lives for long and may have been moved elsewhere in every way.
pub fn describe_anew(kind: Kind, arguments: &RunArgs) -> Result<[u64; 2], Errno> {
    describe_for(kind, arguments, &by_birth::look()?)
}

fn describe_for(kind: Kind, arguments: &RunArgs, own: &[u8]) -> Result<[u64; 2], Errno> {
    let mut hasher = DefaultHasher::new();
    kind.0.hash(&mut hasher);
    own.hash(&mut hasher);
    by_birth::by_option(arguments)?.hash(&mut hasher);
    Ok(two_numbers(hasher))
}

/// Two of 64 bits: one alone would have two options meet once in some thousand millions of different ones.
fn two_numbers(mut hasher: DefaultHasher) -> [u64; 2] {
    let first = hasher.finish();
    "and once more".hash(&mut hasher);
    [first, hasher.finish()]
}

/// The name of the socket, in the pool's directory, on which such boxes take their jobs.
pub fn socket(kind: Kind) -> String {
    let Kind([first, second]) = kind;
    format!("{first:016x}{second:016x}")
}

/// Whether a file in a pool's directory has such a name.
pub fn is_socket(name: &[u8]) -> bool {
    name.len() == 32 && name.iter().all(u8::is_ascii_hexdigit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn description(change: impl FnOnce(&mut RunArgs)) -> [u64; 2] {
        let mut arguments = RunArgs::default();
        change(&mut arguments);
        describe(kind(&arguments).unwrap(), &arguments).unwrap()
    }

    #[test]
    fn what_means_the_same_is_the_same() {
        let memory =
            |size: &str| description(|arguments| arguments.limits.push(("memory", size.into())));
        assert_eq!(memory("64m"), memory("65536k"));
        assert_ne!(memory("64m"), memory("64k"));
    }

    #[test]
    fn a_jobs_options_do_not_matter_and_a_boxs_do() {
        let plain = description(|_| {});
        let same = description(|arguments| {
            arguments.interactive = true;
            arguments.environment.push("A=1".into());
            arguments.working_directory = Some("/tmp".into());
            arguments.command.push("sh".into());
            arguments.timeout = Some("1".into());
        });
        assert_eq!(plain, same);
        let others = [
            description(|arguments| arguments.read_only = true),
            description(|arguments| arguments.network = Network::Host),
            description(|arguments| arguments.rootfs.push("/".into())),
            description(|arguments| arguments.init = Some(true)),
            description(|arguments| arguments.report = Some("-".into())),
        ];
        for other in others {
            assert_ne!(other, plain);
        }
        assert_eq!(others[3], others[4], "a report has a reaper");
    }
}
