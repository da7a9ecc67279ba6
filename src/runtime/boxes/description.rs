//! Which box a run needs: two runs with the same description could have each other's. What their options ask for is the name of a
//! socket, so that a client can call, and a box wake, before the client has looked at itself ([`by_birth`]).

use super::by_birth;
use crate::docker::{OverlayChoice, RunArgs, image};
use crate::pool::job;
use crate::spec::{LaunchChoice, NamespaceChoice, Network};
use crate::sys::{Errno, facts, identity};
use std::ffi::{CString, OsStr, OsString};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// What a run that has a container of its own says of why.
pub type Unfit = &'static str;

/// Why no box can do what these options ask for, if that is so.
pub fn is_fit(arguments: &RunArgs) -> Result<(), Unfit> {
    let joins =
        |choice: &NamespaceChoice| !matches!(choice, NamespaceChoice::New | NamespaceChoice::Host);
    let own_ids = arguments
        .user_namespace
        .as_ref()
        .is_some_and(|ids| ids != "host");
    let limits_time = arguments.limits.iter().any(|(name, _)| *name == "cpu-time");
    let others = [&arguments.ipc, &arguments.uts, &arguments.cgroup];
    let unfit = [
        (arguments.is_stored() || arguments.stays, "it stays"),
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
        (
            matches!(arguments.overlay, OverlayChoice::Kept(_)),
            "what it writes is kept in a directory",
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

fn failed(error: std::io::Error) -> Errno {
    Errno::new(error.raw_os_error().unwrap_or(libc::EIO))
}

/// Which file it is, whatever its name.
fn identity_of(path: &[u8]) -> Result<(u64, u64), Errno> {
    facts::identity_of(&CString::new(path).map_err(|_| Errno::EINVAL)?)
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
    of_box(arguments).hash(&mut hasher);
    places(arguments, &mut hasher)?;
    Ok(Kind(two_numbers(hasher)))
}

/// What box this caller needs of that kind. (A box compares it with its own: that is its description.)
///
/// Errors: what cannot be looked at; no box fits then.
pub fn describe(kind: Kind, arguments: &RunArgs) -> Result<[u64; 2], Errno> {
    describe_for(kind, arguments, by_birth::own()?)
}

/// As [`describe`], for who lives for long and may have been moved.
pub fn describe_anew(kind: Kind, arguments: &RunArgs) -> Result<[u64; 2], Errno> {
    describe_for(kind, arguments, &by_birth::look()?)
}

fn describe_for(kind: Kind, arguments: &RunArgs, own: &[u8]) -> Result<[u64; 2], Errno> {
    let mut hasher = DefaultHasher::new();
    kind.0.hash(&mut hasher);
    own.hash(&mut hasher);
    by_birth::joined(arguments)?.hash(&mut hasher);
    Ok(two_numbers(hasher))
}

/// Two of 64 bits: one alone would have two options meet once in some thousand millions of different ones.
fn two_numbers(mut hasher: DefaultHasher) -> [u64; 2] {
    let first = hasher.finish();
    "and once more".hash(&mut hasher);
    [first, hasher.finish()]
}

/// The files that the options name: their names alone do not tell which they are, nor what is in them.
fn places(arguments: &RunArgs, hasher: &mut DefaultHasher) -> Result<(), Errno> {
    for directory in &arguments.rootfs {
        // Another directory may have the name since.
        identity_of(directory.as_bytes())?.hash(hasher);
    }
    let lists = [&arguments.volumes, &arguments.mounts, &arguments.devices];
    for value in lists.into_iter().flatten() {
        for source in sources(value.as_bytes()) {
            // (A word that is no path names no file, or one that does not matter.)
            identity_of(source).ok().hash(hasher);
        }
    }
    for option in &arguments.security_options {
        if let Some(profile) = option.as_bytes().strip_prefix(b"seccomp")
            && let Some(file) = profile.get(1..)
            && !matches!(file, b"unconfined" | b"builtin")
        {
            content(OsStr::from_bytes(file), hasher)?;
        }
    }
    if arguments.user.is_some() || !arguments.groups.is_empty() {
        users(&arguments.rootfs, hasher);
    }
    Ok(())
}

/// What may be a path of the host's in such a value: of `type=bind,source=x` each part, of `x:/y` the first.
fn sources(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|byte| *byte == b',').map(|part| {
        let path = match part.iter().position(|byte| *byte == b'=') {
            Some(place) if !part.starts_with(b"/") => part.get(place + 1..).unwrap_or_default(),
            _ => part,
        };
        path.split(|byte| *byte == b':').next().unwrap_or_default()
    })
}

/// Errors: it cannot be read, or could not be read twice.
#[cold]
#[inline(never)]
fn content(file: &OsStr, hasher: &mut DefaultHasher) -> Result<(), Errno> {
    if !std::fs::metadata(file).map_err(failed)?.is_file() {
        return Err(Errno::EINVAL);
    }
    std::fs::read(file).map_err(failed)?.hash(hasher);
    Ok(())
}

/// By which users and groups have their names and numbers: which files these are, and when they were changed.
#[cold]
#[inline(never)]
fn users(roots: &[OsString], hasher: &mut DefaultHasher) {
    let own = [OsString::from("/")];
    let roots = if roots.is_empty() { &own } else { roots };
    for root in roots {
        for name in ["etc/passwd", "etc/group"] {
            let found = std::fs::metadata(Path::new(root).join(name)).ok();
            let stamp = found.map(|found| {
                let changed = (found.ctime(), found.ctime_nsec());
                (found.dev(), found.ino(), found.size(), changed)
            });
            stamp.hash(hasher);
        }
    }
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

    #[test]
    fn what_may_be_a_path_is_found() {
        for (value, expected) in [
            ("/a:/b", &["/a"][..]),
            ("a:/b:ro,nosuid", &["a", "nosuid"]),
            ("type=bind,source=/a,target=/b", &["bind", "/a", "/b"]),
            ("/a=b:/c", &["/a=b"]),
        ] {
            let found = sources(value.as_bytes()).map(|found| str::from_utf8(found).unwrap());
            assert_eq!(found.collect::<Vec<_>>(), expected, "{value}");
        }
    }
}
