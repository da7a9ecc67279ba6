//! What a root of the container's own takes on the host's side, before and after: its directories looked
//! at, so that what cannot work is refused before anything is made, and what was made for it taken away.

use crate::error::{Error, printable};
use crate::inside::{self, Missing};
use crate::spec::{Base, Bind, MountSource, Overlay, Root, RootMount, Writes};
use crate::sys::facts::{self, Kind};
use crate::sys::node::{self, HERE};
use crate::sys::{Errno, descriptor, directory, identity};
use std::ffi::{CStr, CString, OsStr};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::time::Duration;

/// Bytes; more than any list of users has.
const LONGEST_LIST: usize = 16 << 20;

/// /etc/passwd or /etc/group of a container, by its name there: of its own root, or of the caller's.
#[cold]
#[inline(never)]
pub fn accounts(root: Option<&Root>, name: &str) -> Result<Vec<u8>, Error> {
    let Some(root) = root else {
        return super::caller::read_if_there(&format!("/etc/{name}"));
    };
    let file = CString::new(name).unwrap_or_default();
    let whole = CString::new([b"/etc/", name.as_bytes()].concat()).unwrap_or_default();
    // What a volume brings along covers what the root has.
    for mount in &root.mounts {
        if let MountSource::Bind(Bind { path, .. }) = &mount.source {
            if mount.target == whole {
                // The caller's own: a link of theirs may lead anywhere of theirs.
                let host = open_directory(&mount.option, c"/")?;
                return read(HERE, path)?.or_linked(host.as_fd(), path);
            }
            if mount.target.as_c_str() == c"/etc" {
                let directory = open_directory(&mount.option, path)?;
                return read(directory.as_fd(), &file)?.or_linked(directory.as_fd(), &file);
            }
        }
    }
    for (option, directory) in layers(&root.base) {
        let directory = open_directory(option, directory)?;
        let etc = match inside::find(directory.as_fd(), c"/etc", Missing::Refuse) {
            Ok(etc) => descriptor::own(etc),
            Err(inside::Failed::Find(Errno::ENOENT | Errno::ENOTDIR)) => continue,
            Err(inside::Failed::Find(errno) | inside::Failed::Make(errno)) => {
                return Err(Error::new("find", "/etc of the root", errno));
            }
        };
        match read(etc.as_fd(), &file)? {
            Found::Nothing => {}
            found => return found.or_linked(directory.as_fd(), &whole),
        }
    }
    Ok(Vec::new())
}

/// The directories that / is made of, the uppermost first, and who asked for each.
fn layers(base: &Base) -> Vec<(&'static str, &CStr)> {
    match base {
        Base::Directory(directory) => vec![("--rootfs", directory)],
        Base::Overlay(Overlay { lower, writes }) => {
            let mut all = Vec::with_capacity(lower.len() + 1);
            if let Writes::Kept { upper, .. } = writes {
                all.push(("--overlay", upper.as_c_str()));
            }
            all.extend(lower.iter().map(|lower| ("--rootfs", lower.as_c_str())));
            all
        }
    }
}

fn open_directory(option: &str, path: &CStr) -> Result<OwnedFd, Error> {
    descriptor::open(path, libc::O_PATH | libc::O_DIRECTORY, 0)
        .map_err(|errno| named(option, path, errno))
}

fn named(option: &str, path: &CStr, errno: Errno) -> Error {
    // An option with its value is followed by what it names; one alone by its value.
    let separator = if option.contains(' ') { ":" } else { "" };
    let operation = format!("{}{separator}", printable(option.as_bytes()));
    Error::new(operation, path.to_bytes(), errno)
}

/// What a list of accounts was found to be.
enum Found {
    /// Its content; empty if it is no file: the device that overlayfs puts in the place of what was
    /// removed, or a FIFO, which would keep us waiting.
    Content(Vec<u8>),
    /// It lies elsewhere.
    Link,
    Nothing,
}

impl Found {
    /// The content; if it is a link, of what that leads to inside `root`, where it is called `path`.
    fn or_linked(self, root: BorrowedFd<'_>, path: &CStr) -> Result<Vec<u8>, Error> {
        match self {
            Self::Content(content) => return Ok(content),
            Self::Nothing => return Ok(Vec::new()),
            Self::Link => {}
        }
        let failed = |errno| Error::new("read", [path.to_bytes(), b" of the root"].concat(), errno);
        let found = match inside::find(root, path, Missing::Refuse) {
            Ok(found) => descriptor::own(found),
            Err(inside::Failed::Find(Errno::ENOENT | Errno::ENOTDIR)) => return Ok(Vec::new()),
            Err(inside::Failed::Find(errno) | inside::Failed::Make(errno)) => {
                return Err(failed(errno));
            }
        };
        if facts::facts(found.as_fd()).map_err(failed)?.kind != Kind::Regular {
            return Ok(Vec::new());
        }
        // Now to read it: by the name that /proc has for what was found.
        let link = CString::new(format!("/proc/self/fd/{}", found.as_raw_fd())).unwrap_or_default();
        let file = descriptor::open(&link, READING, 0).map_err(failed)?;
        read_all(file.as_fd()).map_err(failed)
    }
}

/// A file in a directory. No link is followed, and what may be something else is not opened.
fn read(directory: BorrowedFd<'_>, name: &CStr) -> Result<Found, Error> {
    let failed = |errno| Error::new("read", [name.to_bytes(), b" of the root"].concat(), errno);
    let found = match node::find(directory, name) {
        Ok(found) => descriptor::own(found),
        Err(Errno::ENOENT | Errno::ENOTDIR) => return Ok(Found::Nothing),
        Err(errno) => return Err(failed(errno)),
    };
    match facts::facts(found.as_fd()).map_err(failed)?.kind {
        Kind::Regular => {}
        Kind::Link => return Ok(Found::Link),
        _ => return Ok(Found::Content(Vec::new())),
    }
    let file = node::open(directory, name, READING | libc::O_NOFOLLOW, 0).map_err(failed)?;
    let content = read_all(descriptor::own(file).as_fd());
    content.map(Found::Content).map_err(failed)
}

/// It was a file a moment ago; if it is something else by now it does not keep us.
const READING: i32 = libc::O_RDONLY | libc::O_NONBLOCK | libc::O_NOCTTY;

fn read_all(file: BorrowedFd<'_>) -> Result<Vec<u8>, Errno> {
    let mut content = Vec::new();
    let mut buffer = [0; 4096];
    while content.len() <= LONGEST_LIST {
        match descriptor::read(file, &mut buffer)? {
            0 => return Ok(content),
            count => content.extend(buffer.iter().take(count)),
        }
    }
    Err(Errno::EFBIG)
}

/// What was made on the host for a root, to be taken away when its container has ended.
#[derive(Default)]
pub struct Traces {
    /// overlayfs' own directories, and the upper ones that they belong to, locked.
    works: Vec<(CString, OwnedFd)>,
    /// DIR, and which places for mounts are made in it.
    places: Option<(OwnedFd, Vec<&'static CStr>)>,
}

/// Looks at every directory and every source.
///
/// Errors: what is not there, or is not what it has to be.
#[cold]
#[inline(never)]
pub fn prepare(root: &mut Root) -> Result<Traces, Error> {
    let mut traces = Traces::default();
    for (option, path) in layers(&root.base) {
        open_directory(option, path)?;
    }
    let here = descriptor::open(c"/", libc::O_PATH | libc::O_DIRECTORY, 0)
        .and_then(|root| facts::facts(root.as_fd()))
        .map_err(|errno| Error::new("open", "/", errno))?;
    for mount in &root.mounts {
        check_source(mount)?;
    }
    root.find_binds_of_root(|path| {
        let opened = descriptor::open(path, libc::O_PATH, 0);
        let facts = opened.and_then(|opened| facts::facts(opened.as_fd()));
        facts.is_ok_and(|facts| facts.identity == here.identity)
    })?;
    match &root.base {
        Base::Directory(path) if !root.read_only => traces.watch_places(path),
        Base::Directory(_) => {}
        Base::Overlay(overlay) => traces.take("--overlay", overlay)?,
    }
    for mount in &root.mounts {
        if let MountSource::Overlay(overlay) = &mount.source {
            traces.take(&mount.option, overlay)?;
        }
    }
    Ok(traces)
}

fn check_source(mount: &RootMount) -> Result<(), Error> {
    match &mount.source {
        MountSource::Bind(bind) => {
            let failed = |errno| named(&mount.option, &bind.path, errno);
            let opened = descriptor::open(&bind.path, libc::O_PATH, 0).map_err(failed)?;
            let kind = facts::facts(opened.as_fd()).map_err(failed)?.kind;
            let is_device = matches!(kind, Kind::Character(_) | Kind::Block | Kind::Directory);
            if bind.is_device && !is_device {
                return Err(failed(Errno::ENODEV).hint(Some("it is no device")));
            }
            Ok(())
        }
        MountSource::Overlay(overlay) => overlay
            .lower
            .iter()
            .try_for_each(|lower| open_directory(&mount.option, lower).map(drop)),
        MountSource::Tmpfs { .. } => Ok(()),
    }
}

impl Traces {
    /// Takes an overlay's upper directory for this container alone, for two that write to one would
    /// corrupt it, and makes the directory that overlayfs wants beside it.
    fn take(&mut self, option: &str, overlay: &Overlay) -> Result<(), Error> {
        let Writes::Kept { upper, work } = &overlay.writes else {
            return Ok(());
        };
        let failed = |errno| named(option, upper, errno);
        let flags = libc::O_RDONLY | libc::O_DIRECTORY;
        let locked = descriptor::open(upper, flags, 0).map_err(failed)?;
        directory::lock(locked.as_fd(), directory::Share::Alone).map_err(|errno| {
            let busy = (errno == Errno::EAGAIN).then_some("another container writes to it");
            failed(errno).hint(busy)
        })?;
        let failed = |errno| named(option, work, errno);
        match node::make_directory(HERE, work, 0o700) {
            // Of a run that was killed.
            Ok(()) | Err(Errno::EEXIST) => {}
            Err(errno) => {
                let hint =
                    "overlayfs needs a directory beside the upper one, on the same file system";
                return Err(failed(errno).hint(Some(hint)));
            }
        }
        // In a directory that others may write to it could be a link of theirs.
        let made = descriptor::open(work, flags | libc::O_NOFOLLOW, 0).map_err(failed)?;
        if facts::facts(made.as_fd()).map_err(failed)?.owner != identity::effective_user() {
            return Err(failed(Errno::EEXIST).hint(Some("it is someone else's")));
        }
        self.works.push((work.clone(), locked));
        Ok(())
    }

    /// Remembers which of the places for the usual mounts DIR does not have: the child makes them, and
    /// when no container uses DIR any more they are removed. A directory that is removed while another
    /// container has something mounted on it would lose that mount, so each keeps DIR locked.
    fn watch_places(&mut self, path: &CStr) {
        const PLACES: [&CStr; 3] = [c"proc", c"sys", c"dev"];
        const TRIES: u32 = 20;
        let flags = libc::O_RDONLY | libc::O_DIRECTORY;
        let Ok(opened) = descriptor::open(path, flags, 0) else {
            // It can be searched and not be read, which is enough for a root.
            return;
        };
        for _ in 0..TRIES {
            if directory::lock(opened.as_fd(), directory::Share::WithOthers).is_ok() {
                let missing = |name: &CStr| {
                    let found = node::find(opened.as_fd(), name).map(descriptor::own);
                    found.is_err_and(|errno| errno == Errno::ENOENT)
                };
                let missing = PLACES.into_iter().filter(|name| missing(name)).collect();
                self.places = Some((opened, missing));
                return;
            }
            // Someone removes what they made, which is soon done; or has a use of their own for the lock.
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

impl Drop for Traces {
    fn drop(&mut self) {
        for (work, _locked) in &self.works {
            // overlayfs leaves a directory in it that no one may enter, and in that what it puts in the
            // place of removed files. If it cannot be removed, the next run with this upper directory
            // uses it.
            if let Ok(opened) = descriptor::open(work, libc::O_PATH | libc::O_DIRECTORY, 0) {
                let _ = node::change_mode(opened.as_fd(), c"work", 0o700);
            }
            let _ = std::fs::remove_dir_all(OsStr::from_bytes(work.to_bytes()));
        }
        if let Some((directory, missing)) = &self.places {
            if !missing.is_empty()
                && directory::lock(directory.as_fd(), directory::Share::Alone).is_ok()
            {
                for name in missing {
                    // If they are empty: what the container put there is its own.
                    let _ = node::remove_directory(directory.as_fd(), name);
                }
            }
        }
    }
}
