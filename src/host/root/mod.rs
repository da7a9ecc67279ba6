//! What a root of the container's own takes on the host's side, before and after: its directories looked
//! at, so that what cannot work is refused before anything is made, and what was made for it taken away.

mod accounts;
mod places;
mod record;
mod upper;

pub use accounts::{accounts, accounts_in};
pub use record::Record;

use crate::error::{Error, printable};
use crate::field::Field;
use crate::guard::Request;
use crate::hint::host;
use crate::locks::{Locks, NoLocks};
use crate::spec::{
    Base, Ids, MountConflict, MountSource, Overlay, RootConflict, RootMount, RootSpec, Upper,
    Writes,
};
use crate::sys::facts::{self, Kind};
use crate::sys::{Errno, descriptor};
use places::Places;
use std::ffi::{CStr, CString, OsStr};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use upper::WorkDirectory;

/// What a path of the host's is for.
#[derive(Clone, Copy)]
enum AskedBy<'a> {
    /// / is made of it.
    Root,
    /// What is written goes there.
    Upper,
    /// A mount, as it was asked for.
    Mount(&'a str),
    Device(&'a str),
}

impl AskedBy<'_> {
    fn words(&self) -> &str {
        match self {
            Self::Root => Field::Root.spelled(),
            Self::Upper => Field::Overlay.spelled(),
            Self::Mount(mount) | Self::Device(mount) => mount,
        }
    }
}

fn open_directory(asked_by: AskedBy<'_>, path: &CStr) -> Result<OwnedFd, Error> {
    descriptor::open(path, libc::O_PATH | libc::O_DIRECTORY, 0)
        .map_err(|errno| named(asked_by, path, errno))
}

fn named(asked_by: AskedBy<'_>, path: &CStr, errno: Errno) -> Error {
    let mut operation = printable(asked_by.words().as_bytes());
    // What was asked for by a mount is followed by what that names; a field by its value.
    if let AskedBy::Mount(_) | AskedBy::Device(_) = asked_by {
        operation.push(':');
    }
    let cause = match (errno, asked_by) {
        (Errno::ENOENT, AskedBy::Upper) => Some(MISSING_UPPER),
        (Errno::ENOENT, AskedBy::Root) => Some(MISSING_ROOT),
        (Errno::ENOENT, AskedBy::Mount(_)) => Some(MISSING_SOURCE),
        (Errno::ENOTDIR, AskedBy::Root) => Some(PACKED_ROOT),
        (Errno::EACCES, _) => host::closed(path).or(Some(CLOSED)),
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
}

/// What a root of the container's own takes: looked at, and neither locked nor made.
pub struct Wanted<'a> {
    places: Option<places::Wanted>,
    uppers: Vec<upper::Wanted<'a>>,
}

impl<'a> Wanted<'a> {
    /// Looks at every directory and every source, and names them by paths without links and `..`: the child
    /// looks them up when / is covered already, and a `..` above / would lead to what covers it. `ids` are the
    /// container's, if it has many.
    ///
    /// Errors: what is not there, or is not what it has to be.
    #[cold]
    #[inline(never)]
    pub fn look(root: &'a mut RootSpec, ids: Option<&Ids>) -> Result<Self, Error> {
        let mut places = None;
        match &mut root.base {
            Base::Directory(path) => {
                *path = canonical(AskedBy::Root, path)?;
                let directory = open_directory(AskedBy::Root, path)?;
                let path = path.clone();
                places = places::Wanted::look(&path, directory, root, ids)?;
                root.makes_places = places.is_some();
            }
            Base::Overlay(overlay) => look_at_overlay((AskedBy::Root, AskedBy::Upper), overlay)?,
        }
        for mount in &mut root.mounts {
            look_at_mount(mount)?;
        }
        root.check_copies().map_err(too_many)?;
        let uppers: Result<_, Error> = uppers(root)
            .map(|(asked_by, upper)| upper::Wanted::look(asked_by, upper))
            .collect();
        Ok(Self {
            places,
            uppers: uppers?,
        })
    }
}

/// What [`RootSpec::check_copies`] has found.
#[cold]
#[inline(never)]
fn too_many(conflict: RootConflict) -> Error {
    match conflict {
        RootConflict::TooManyLayers => Error::refused_for(
            Field::Root.spelled(),
            Field::UserNamespace.between("with ", " there can be ten at the most"),
        ),
        RootConflict::Mount {
            asked_by,
            conflict: MountConflict::TooManyCopies,
        } => {
            let most = "at most 32 mounts can be slave, shared or of the whole /; with ";
            Error::refused_for(asked_by, Field::UserNamespace.between(most, " 32 in all"))
        }
        conflict => {
            let (object, reason) = conflict.words();
            Error::refused(object, "").hint_instead(reason)
        }
    }
}

/// The upper directories that are kept, in the order in which they are mounted.
fn uppers(root: &mut RootSpec) -> impl Iterator<Item = (AskedBy<'_>, &mut Upper)> {
    let base = match &mut root.base {
        Base::Overlay(overlay) => Some((AskedBy::Upper, overlay)),
        Base::Directory(_) => None,
    };
    let mounts = root.mounts.iter_mut().filter_map(|mount| {
        let RootMount {
            asked_by, source, ..
        } = mount;
        match source {
            MountSource::Overlay(overlay) => {
                let asked_by = asked_by.as_deref().unwrap_or_default();
                Some((AskedBy::Mount(asked_by), overlay))
            }
            MountSource::Bind(_) | MountSource::FileSystem(_) => None,
        }
    });
    let overlays = base.into_iter().chain(mounts);
    overlays.filter_map(|(asked_by, overlay)| match &mut overlay.writes {
        Writes::Kept(upper) => Some((asked_by, upper)),
        _ => None,
    })
}

impl Request for Wanted<'_> {
    type Guard = Traces;
    type Preview = ();

    /// Takes each upper directory for this container alone, for two that write to one would corrupt it, and makes the
    /// directory that overlayfs wants beside it.
    #[cold]
    #[inline(never)]
    fn acquire(self) -> Result<Traces, Error> {
        let mut traces = Traces::default();
        if let Some(wanted) = self.places {
            traces.places = Some(wanted.lock(&mut traces.locks)?);
        }
        for upper in self.uppers {
            traces.works.push(upper.take(&mut traces.locks)?);
        }
        Ok(traces)
    }

    #[cold]
    #[inline(never)]
    fn preview(self) -> Result<(), Error> {
        if let Some(wanted) = self.places {
            wanted.preview()?;
        }
        self.uppers.iter().try_for_each(upper::Wanted::preview)
    }
}

fn look_at_mount(mount: &mut RootMount) -> Result<(), Error> {
    let label = mount.label();
    let asked_by = AskedBy::Mount(&label);
    match &mut mount.source {
        // Found a moment ago, by a path without links.
        MountSource::Bind(bind) if bind.optional => {}
        MountSource::Bind(bind) => {
            let asked_by = match bind.is_device {
                true => AskedBy::Device(&label),
                false => asked_by,
            };
            bind.path = canonical(asked_by, &bind.path)?;
            bind.is_root = bind.path.as_c_str() == c"/";
            if bind.is_device {
                check_device(asked_by, &bind.path)?;
            }
        }
        MountSource::Overlay(overlay) => look_at_overlay((asked_by, asked_by), overlay)?,
        MountSource::FileSystem(_) => {}
    }
    Ok(())
}

fn look_at_overlay(
    (asked_by, upper_by): (AskedBy<'_>, AskedBy<'_>),
    overlay: &mut Overlay,
) -> Result<(), Error> {
    for lower in &mut overlay.lower {
        *lower = canonical(asked_by, lower)?;
        open_directory(asked_by, lower)?;
    }
    let Writes::Kept(upper) = &mut overlay.writes else {
        return Ok(());
    };
    upper.path = canonical(upper_by, &upper.path).map_err(|error| {
        let is_missing = error.errno() == Some(Errno::ENOENT);
        error.hint(is_missing.then_some(MISSING_UPPER))
    })?;
    upper::check(upper_by, &upper.path, &overlay.lower)
}

/// A path of the host's without links and `..`.
fn canonical(asked_by: AskedBy<'_>, path: &CStr) -> Result<CString, Error> {
    let found = std::fs::canonicalize(OsStr::from_bytes(path.to_bytes()));
    let failed = |errno| named(asked_by, path, errno);
    let found =
        found.map_err(|error| failed(Errno::new(error.raw_os_error().unwrap_or(libc::EIO))))?;
    CString::new(found.into_os_string().into_vec()).map_err(|_| failed(Errno::EINVAL))
}

fn check_device(asked_by: AskedBy<'_>, path: &CStr) -> Result<(), Error> {
    let failed = |errno| named(asked_by, path, errno);
    let opened = descriptor::open(path, libc::O_PATH, 0).map_err(failed)?;
    match facts::facts(opened.as_fd()).map_err(failed)?.kind {
        Kind::Character(_) | Kind::Block(_) => Ok(()),
        _ => Err(failed(Errno::ENODEV).hint(Some("it is no device"))),
    }
}

impl Traces {
    /// What their clean-up needs.
    ///
    /// Errors: as statx(2).
    pub fn clean_up_record(&self) -> Result<Record, Errno> {
        let works = self.works.iter().map(WorkDirectory::clean_up_record);
        Ok(Record {
            works: works.collect::<Result<_, _>>()?,
            places: self.places.as_ref().map(Places::clean_up_record),
        })
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

#[cfg(test)]
mod tests;
