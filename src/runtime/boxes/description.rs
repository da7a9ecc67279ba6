//! Which box a run needs: two runs with the same description could have each other's.

use crate::docker::{OverlayChoice, RunArgs, image};
use crate::pool::job;
use crate::spec::{LaunchChoice, NamespaceChoice, Network};
use crate::sys::{Errno, descriptor, identity, scheduler};
use std::ffi::{CStr, OsStr, OsString};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
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
const VIEWS: [&str; 4] = [
    "/proc/self/ns/mnt",
    "/proc/self/ns/pid",
    "/proc/self/ns/user",
    "/",
];

/// The namespaces that a container has of its caller, or that its own is made of or below. Old kernels do not have them all.
const BESIDE: [&str; 6] = [
    "/proc/self/ns/cgroup",
    "/proc/self/ns/ipc",
    "/proc/self/ns/net",
    "/proc/self/ns/uts",
    "/proc/self/ns/pid_for_children",
    "/proc/self/ns/time_for_children",
];

/// What else a child has of its parent by birth, as /proc tells it, if it does.
const BY_BIRTH: [&CStr; 3] = [
    // A kernel without such a module has no such file, or none that can be read.
    c"/proc/self/attr/current",
    c"/proc/self/oom_score_adj",
    c"/proc/self/coredump_filter",
];

/// All of a file, by one call.
///
/// Errors: EOVERFLOW if that is more than there is room for: what is not looked at could differ.
fn read<'b>(path: &CStr, buffer: &'b mut [u8]) -> Result<&'b [u8], Errno> {
    let file = descriptor::open(path, libc::O_RDONLY, 0)?;
    let count = descriptor::read(file.as_fd(), buffer)?;
    match buffer.get(..count) {
        Some(content) if count < buffer.len() => Ok(content),
        _ => Err(Errno::EOVERFLOW),
    }
}

fn failed(error: std::io::Error) -> Errno {
    Errno::new(error.raw_os_error().unwrap_or(libc::EIO))
}

/// Which file it is, whatever its name.
pub(super) fn identity_of(path: &OsStr) -> Result<(u64, u64), Errno> {
    let found = std::fs::metadata(path).map_err(failed)?;
    Ok((found.dev(), found.ino()))
}

/// What box these options of this caller need.
///
/// Errors: what cannot be looked at; no box fits then.
pub fn describe(arguments: &RunArgs) -> Result<[u64; 2], Errno> {
    let own = OWN.get_or_init(own).as_ref().map_err(|errno| *errno)?;
    describe_for(arguments, own)
}

/// As [`describe`], for who lives for long and may have been moved.
pub fn describe_anew(arguments: &RunArgs) -> Result<[u64; 2], Errno> {
    describe_for(arguments, &own()?)
}

fn describe_for(arguments: &RunArgs, own: &[u8]) -> Result<[u64; 2], Errno> {
    let mut hasher = DefaultHasher::new();
    job::PROTOCOL.hash(&mut hasher);
    of_box(arguments).hash(&mut hasher);
    places(arguments, &mut hasher)?;
    own.hash(&mut hasher);
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
    for file in BY_BIRTH {
        own.extend(read(file, &mut buffer).unwrap_or_default());
        own.push(0);
    }
    for number in scheduler::inherited() {
        own.extend(number.unwrap_or(usize::MAX).to_le_bytes());
    }
    for view in VIEWS {
        let (device, inode) = identity_of(view.as_ref())?;
        own.extend(device.to_le_bytes());
        own.extend(inode.to_le_bytes());
    }
    for beside in BESIDE {
        let (device, inode) = identity_of(beside.as_ref()).unwrap_or_default();
        own.extend(device.to_le_bytes());
        own.extend(inode.to_le_bytes());
    }
    Ok(own)
}

/// The files that the options name: their names alone do not tell which they are, nor what is in them.
fn places(arguments: &RunArgs, hasher: &mut DefaultHasher) -> Result<(), Errno> {
    for directory in &arguments.rootfs {
        // Another directory may have the name since.
        identity_of(directory)?.hash(hasher);
    }
    let lists = [&arguments.volumes, &arguments.mounts, &arguments.devices];
    for value in lists.into_iter().flatten() {
        for source in sources(value.as_bytes()) {
            // (A word that is no path names no file, or one that does not matter.)
            identity_of(OsStr::from_bytes(source)).ok().hash(hasher);
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
pub fn socket(description: [u64; 2]) -> String {
    let [first, second] = description;
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
