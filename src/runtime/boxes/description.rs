//! Which box a run needs: two runs with the same description could have each other's.

use crate::docker::{OverlayChoice, RunArgs, image};
use crate::pool::job;
use crate::spec::{LaunchChoice, NamespaceChoice, Network};
use crate::sys::{Errno, descriptor, identity};
use std::ffi::{CStr, OsStr};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::sync::OnceLock;

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

/// What of /proc/self/status a container has from its caller, or is limited by.
const INHERITED: [&str; 11] = [
    "Uid:",
    "Gid:",
    "Groups:",
    "CapInh:",
    "CapPrm:",
    "CapEff:",
    "CapBnd:",
    "CapAmb:",
    "NoNewPrivs:",
    "Seccomp:",
    "Seccomp_filters:",
];

/// The namespaces in which the caller's view of the host is.
const VIEWS: [&str; 3] = [
    "/proc/self/ns/mnt",
    "/proc/self/ns/pid",
    "/proc/self/ns/user",
];

/// The beginning of a file, by one call.
fn read<'b>(path: &CStr, buffer: &'b mut [u8]) -> Result<&'b [u8], Errno> {
    let file = descriptor::open(path, libc::O_RDONLY, 0)?;
    let count = descriptor::read(file.as_fd(), buffer)?;
    Ok(buffer.get(..count).unwrap_or_default())
}

fn failed(error: std::io::Error) -> Errno {
    Errno::new(error.raw_os_error().unwrap_or(libc::EIO))
}

/// Which file it is, whatever its name.
fn identity_of(path: &OsStr) -> Result<(u64, u64), Errno> {
    let found = std::fs::metadata(path).map_err(failed)?;
    Ok((found.dev(), found.ino()))
}

/// What box these options of this caller need.
///
/// Errors: what cannot be looked at; no box fits then.
pub fn describe(arguments: &RunArgs) -> Result<[u64; 2], Errno> {
    let mut hasher = DefaultHasher::new();
    job::PROTOCOL.hash(&mut hasher);
    of_box(arguments).hash(&mut hasher);
    places(arguments, &mut hasher)?;
    OWN.get_or_init(own)
        .as_ref()
        .map_err(|errno| *errno)?
        .hash(&mut hasher);
    let first = hasher.finish();
    // Two of 64 bits: one alone would have two options meet once in some thousand millions of different ones.
    "and once more".hash(&mut hasher);
    Ok([first, hasher.finish()])
}

/// What a container has of this process, which looks at itself once: a batch's worker has a box for each of its jobs.
static OWN: OnceLock<Result<Vec<u8>, Errno>> = OnceLock::new();

fn own() -> Result<Vec<u8>, Errno> {
    let mut own = Vec::new();
    let mut buffer = [0; 4096];
    let status = read(c"/proc/self/status", &mut buffer)?;
    for line in status.split(|byte| *byte == b'\n') {
        if INHERITED
            .iter()
            .any(|name| line.starts_with(name.as_bytes()))
        {
            own.extend(line);
        }
    }
    own.extend(read(c"/proc/self/cgroup", &mut buffer)?);
    // A kernel without such a module has no such file, or none that can be read.
    let label = read(c"/proc/self/attr/current", &mut buffer);
    own.extend(label.unwrap_or_default());
    for view in VIEWS {
        let (device, inode) = identity_of(view.as_ref())?;
        own.extend(device.to_le_bytes());
        own.extend(inode.to_le_bytes());
    }
    Ok(own)
}

/// The directories that the options name, as far as their names alone do not tell which they are.
fn places(arguments: &RunArgs, hasher: &mut DefaultHasher) -> Result<(), Errno> {
    for directory in &arguments.rootfs {
        // Another directory may have the name since.
        identity_of(directory)?.hash(hasher);
    }
    let lists = [&arguments.volumes, &arguments.mounts, &arguments.devices];
    let mut named = arguments.rootfs.iter().chain(lists.into_iter().flatten());
    if named.any(|place| is_relative(place)) {
        identity_of(".".as_ref())?.hash(hasher);
    }
    Ok(())
}

/// Whether something in this value may be a path that begins where the caller is.
fn is_relative(value: &OsStr) -> bool {
    // (Of `type=bind,source=x` each part, of `x:/y` the first.)
    let mut parts = value.as_bytes().split(|byte| *byte == b',');
    parts.any(|part| {
        let (name, path) = match part.iter().position(|byte| *byte == b'=') {
            Some(place) => part.split_at(place + 1),
            None => (&b""[..], part),
        };
        let is_place = matches!(name, b"" | b"source=" | b"src=");
        is_place && !path.starts_with(b"/")
    })
}

/// The name of the socket, in the pool's directory, on which such boxes take their jobs.
pub fn socket(description: [u64; 2]) -> String {
    let [first, second] = description;
    format!("{first:016x}{second:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn description(change: impl FnOnce(&mut RunArgs)) -> [u64; 2] {
        let mut arguments = RunArgs::default();
        change(&mut arguments);
        describe(&arguments).unwrap()
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
    fn what_is_relative_is_seen() {
        for (value, expected) in [
            ("/a:/b", false),
            ("a:/b", true),
            ("./a", true),
            ("type=bind,source=/a,target=/b", false),
            ("type=bind,src=a,target=/b", true),
        ] {
            assert_eq!(is_relative(value.as_ref()), expected, "{value}");
        }
    }
}
