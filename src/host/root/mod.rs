//! What a root of the container's own takes on the host's side, before and after: its directories looked
//! at, so that what cannot work is refused before anything is made, and what was made for it taken away.

mod accounts;
mod places;
mod upper;

pub use accounts::accounts;

use crate::docker;
use crate::error::{Error, printable};
use crate::hint::host;
use crate::locks::{Locks, NoLocks};
use crate::spec::{Base, Ids, MountSource, Overlay, RootSpec, Writes};
use crate::sys::facts::{self, Kind};
use crate::sys::{Errno, descriptor};
use places::{Places, Wanted};
use std::ffi::{CStr, CString, OsStr};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use upper::WorkDirectory;

fn open_directory(option: &str, path: &CStr) -> Result<OwnedFd, Error> {
    descriptor::open(path, libc::O_PATH | libc::O_DIRECTORY, 0)
        .map_err(|errno| named(option, path, errno))
}

fn named(option: &str, path: &CStr, errno: Errno) -> Error {
    // An option with its value is followed by what it names; one alone by its value.
    let separator = if option.contains(' ') { ":" } else { "" };
    let operation = format!("{}{separator}", printable(option.as_bytes()));
    let cause = match errno {
        Errno::ENOENT if option == "--overlay" => Some(MISSING_UPPER),
        Errno::ENOENT if option == "--rootfs" => Some(MISSING_ROOT),
        Errno::ENOENT if !option.starts_with("--device") => Some(MISSING_SOURCE),
        Errno::ENOTDIR if option == "--rootfs" => Some(PACKED_ROOT),
        Errno::EACCES => host::closed(path).or(Some(CLOSED)),
        _ => None,
    };
    Error::new(operation, path.to_bytes(), errno).because(cause)
}

const MISSING_ROOT: &str =
    "a root is a directory of yours, and has to be there (mydocker help roots)";
const PACKED_ROOT: &str =
    "a root is a directory; what is an archive or an image is unpacked first (mydocker help roots)";
const MISSING_SOURCE: &str =
    "it has to be there before: mydocker makes no directories on the host (mkdir)";
const CLOSED: &str = "it, or a directory on the way to it, is closed to this user";
const MISSING_UPPER: &str = "the directory for what is written has to be there: make it (mkdir)";

/// What was made on the host for a root, to be taken away when its container has ended. In this order, the locks
/// last.
#[derive(Default)]
pub struct Traces {
    works: Vec<WorkDirectory>,
    places: Option<Places>,
    locks: Option<Locks>,
    /// Nothing is locked and nothing is made.
    only_looks: bool,
}

/// Looks at every directory and every source, and names them by paths without links and `..`: the child
/// looks them up when / is covered already, and a `..` above / would lead to what covers it. `ids` are the
/// container's, if it has many.
///
/// Errors: what is not there, or is not what it has to be.
#[cold]
#[inline(never)]
pub fn prepare(root: &mut RootSpec, ids: Option<&Ids>) -> Result<Traces, Error> {
    let mut traces = Traces::default();
    look_at(root, ids, &mut traces)?;
    Ok(traces)
}

/// What [`prepare`] finds out, without a trace: nothing is locked and nothing is made.
#[cold]
#[inline(never)]
pub fn look(root: &mut RootSpec, ids: Option<&Ids>) -> Result<(), Error> {
    let mut traces = Traces::default();
    traces.only_looks = true;
    look_at(root, ids, &mut traces)
}

fn look_at(root: &mut RootSpec, ids: Option<&Ids>, traces: &mut Traces) -> Result<(), Error> {
    match &mut root.base {
        Base::Directory(path) => {
            *path = canonical("--rootfs", path)?;
            let directory = open_directory("--rootfs", path)?;
            let path = path.clone();
            if let Some(wanted) = Wanted::look(&path, directory, root, ids)? {
                root.makes_places = true;
                if traces.only_looks {
                    wanted.look_for_lock(&path)?;
                } else {
                    traces.places = Some(wanted.lock(&path, &mut traces.locks)?);
                }
            }
        }
        Base::Overlay(overlay) => traces.take("--rootfs", "--overlay", overlay)?,
    }
    for mount in &mut root.mounts {
        let option = &mount.asked_by;
        match &mut mount.source {
            MountSource::Bind(bind) => {
                if bind.optional {
                    // Found a moment ago, by a path without links.
                    continue;
                }
                bind.path = canonical(option, &bind.path)?;
                bind.is_root = bind.path.as_c_str() == c"/";
                if bind.is_device {
                    check_device(option, &bind.path)?;
                }
            }
            MountSource::Overlay(overlay) => traces.take(option, option, overlay)?,
            MountSource::Tmpfs { .. } => {}
        }
    }
    root.check_copies().map_err(docker::root::refusal)
}

/// A path of the host's without links and `..`.
fn canonical(option: &str, path: &CStr) -> Result<CString, Error> {
    let found = std::fs::canonicalize(OsStr::from_bytes(path.to_bytes()));
    let failed = |errno| named(option, path, errno);
    let found =
        found.map_err(|error| failed(Errno::new(error.raw_os_error().unwrap_or(libc::EIO))))?;
    CString::new(found.into_os_string().into_vec()).map_err(|_| failed(Errno::EINVAL))
}

fn check_device(option: &str, path: &CStr) -> Result<(), Error> {
    let failed = |errno| named(option, path, errno);
    let opened = descriptor::open(path, libc::O_PATH, 0).map_err(failed)?;
    match facts::facts(opened.as_fd()).map_err(failed)?.kind {
        Kind::Character(_) | Kind::Block(_) => Ok(()),
        _ => Err(failed(Errno::ENODEV).hint(Some("it is no device"))),
    }
}

impl Traces {
    /// Looks at an overlay's directories. Takes its upper one for this container alone, for two that write to
    /// one would corrupt it, and makes the directory that overlayfs wants beside it.
    fn take(
        &mut self,
        option: &str,
        upper_option: &str,
        overlay: &mut Overlay,
    ) -> Result<(), Error> {
        for lower in &mut overlay.lower {
            *lower = canonical(option, lower)?;
            open_directory(option, lower)?;
        }
        let Writes::Kept(upper) = &mut overlay.writes else {
            return Ok(());
        };
        upper.path = canonical(upper_option, &upper.path).map_err(|error| {
            let is_missing = error.errno() == Some(Errno::ENOENT);
            error.hint(is_missing.then_some(MISSING_UPPER))
        })?;
        upper::check(upper_option, &upper.path, &overlay.lower)?;
        if self.only_looks {
            return upper::look(upper_option, &upper.path);
        }
        upper::lock(upper_option, &upper.path, &mut self.locks)?;
        let work = WorkDirectory::make(upper_option, &upper.path)?;
        upper.work = Some(work.identity);
        self.works.push(work);
        Ok(())
    }

    /// Drops them, apart from what every start does.
    #[cold]
    #[inline(never)]
    pub fn clean_up(self) {}
}

impl Drop for Traces {
    /// The places, while the locks are there.
    fn drop(&mut self) {
        if let (Some(places), Some(locks)) = (&self.places, &mut self.locks) {
            places.remove(locks);
        }
    }
}

/// The locks, opened when the first one is wanted.
fn opened(locks: &mut Option<Locks>) -> Result<&mut Locks, NoLocks> {
    match locks {
        Some(locks) => Ok(locks),
        none => Ok(none.insert(Locks::open()?)),
    }
}
