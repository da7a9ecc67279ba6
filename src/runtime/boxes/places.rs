//! The files that the options name, or that a container has of its caller's: their names alone do not tell which they are, nor what
//! is in them. A box is for runs that would find the same.

use crate::docker::RunArgs;
use crate::docker::root::names_of_mount;
use crate::path_in_root::{self, Missing};
use crate::spec::{NamespaceChoice, Network};
use crate::sys::{Errno, descriptor, facts};
use std::ffi::{CStr, CString, OsStr};
use std::fs::{File, Metadata};
use std::hash::{DefaultHasher, Hash};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;

/// Adds to a hash which files these are, and of some what is in them.
///
/// Errors: what cannot be looked at; no box fits then.
pub fn add(arguments: &RunArgs, hasher: &mut DefaultHasher) -> Result<(), Errno> {
    for directory in &arguments.rootfs {
        // Another directory may have the name since.
        identity_of(directory.as_bytes())?.hash(hasher);
    }
    let sources = sources(arguments);
    for Source { path, .. } in &sources {
        // (One that is not there is an affair of the start's.)
        identity_of(path).ok().hash(hasher);
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
        users(arguments, &sources, hasher);
    }
    if !arguments.rootfs.is_empty() {
        copies(arguments, hasher);
    }
    Ok(())
}

/// What of the caller's is mounted or made inside.
#[derive(Debug, PartialEq, Eq)]
struct Source {
    path: Vec<u8>,
    /// Whether the container may have this for its /etc, or for something in that.
    may_be_etc: bool,
}

fn sources(arguments: &RunArgs) -> Vec<Source> {
    // Both begin with a path that has no colon.
    let short = arguments.volumes.iter().chain(&arguments.devices);
    let short = short.map(|typed| {
        let first = typed.as_bytes().split(|byte| *byte == b':').next();
        (typed, vec![first.unwrap_or_default().to_vec()])
    });
    let long = arguments.mounts.iter();
    let long = long.map(|typed| (typed, names_of_mount(typed.as_bytes()).sources));
    let all = short.chain(long).flat_map(|(typed, paths)| {
        let may_be_etc = typed.as_bytes().windows(4).any(|part| part == b"/etc");
        let source = move |path| Source { path, may_be_etc };
        paths.into_iter().map(source)
    });
    all.collect()
}

fn failed(error: std::io::Error) -> Errno {
    Errno::new(error.raw_os_error().unwrap_or(libc::EIO))
}

/// Which file it is, whatever its name.
fn identity_of(path: &[u8]) -> Result<(u64, u64), Errno> {
    facts::identity_of(&CString::new(path).map_err(|_| Errno::EINVAL)?)
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

/// By which users and groups have their names and numbers: which files these are, and when they were changed. They are those of
/// the root, by whatever links, or a volume's.
#[cold]
#[inline(never)]
fn users(arguments: &RunArgs, sources: &[Source], hasher: &mut DefaultHasher) {
    let stamp = |found: Metadata| {
        let changed = (found.ctime(), found.ctime_nsec());
        (found.dev(), found.ino(), found.size(), changed)
    };
    if arguments.rootfs.is_empty() {
        for name in ["/etc/passwd", "/etc/group"] {
            std::fs::metadata(name).ok().map(stamp).hash(hasher);
        }
    }
    for root in &arguments.rootfs {
        for name in [c"/etc/passwd", c"/etc/group"] {
            found_in(root, name).map(stamp).hash(hasher);
        }
    }
    for source in sources.iter().filter(|source| source.may_be_etc) {
        let path = OsStr::from_bytes(&source.path);
        match std::fs::metadata(path).ok() {
            Some(found) if found.is_dir() => [c"/passwd", c"/group"]
                .map(|name| found_in(path, name).map(stamp))
                .hash(hasher),
            found => found.map(stamp).hash(hasher),
        }
    }
}

/// What a path leads to for who has this directory as its root.
fn found_in(root: &OsStr, path: &CStr) -> Option<Metadata> {
    let root = File::open(root).ok()?;
    let found = path_in_root::find(root.as_fd(), path, Missing::Refuse).ok()?;
    File::from(descriptor::own(found)).metadata().ok()
}

/// What is copied into the files of a root of its own by which names are looked up, and may be another since.
#[cold]
#[inline(never)]
fn copies(arguments: &RunArgs, hasher: &mut DefaultHasher) {
    let host_name = (arguments.uts == NamespaceChoice::Host).then_some("/proc/sys/kernel/hostname");
    let on_network = arguments.network == Network::Host;
    let of_network = ["/etc/hosts", "/etc/resolv.conf"].map(|name| on_network.then_some(name));
    for name in of_network.into_iter().chain([host_name]).flatten() {
        std::fs::read(name).ok().hash(hasher);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_named_is_found() {
        let arguments = RunArgs {
            volumes: ["/a:/b", "./a=b:/x:ro,nosuid", "/a,b:/etc"]
                .map(Into::into)
                .to_vec(),
            devices: vec!["/dev/null:/dev/x:rw".into()],
            mounts: vec!["type=bind,\"src=/a:b,c\",target=/x/etc/y".into()],
            ..RunArgs::default()
        };
        let expected = [
            ("/a", false),
            ("./a=b", false),
            ("/a,b", true),
            ("/dev/null", false),
            ("/a:b,c", true),
        ];
        let expected = expected.map(|(path, may_be_etc)| Source {
            path: path.into(),
            may_be_etc,
        });
        assert_eq!(sources(&arguments), expected);
    }
}
