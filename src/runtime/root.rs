//! What a root of the container's own takes on the host's side, before and after: its directories looked
//! at, so that what cannot work is refused before anything is made, and what was made for it taken away.

use crate::error::{Error, printable};
use crate::inside::{self, Missing, PLACE};
use crate::spec::{Base, Bind, MountSource, Overlay, Root, Writes, work_directory};
use crate::sys::directory::Share;
use crate::sys::facts::{self, Kind};
use crate::sys::node::{self, HERE};
use crate::sys::{Errno, descriptor, directory, identity};
use std::ffi::{CStr, CString, OsStr};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
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
            if let Writes::Kept(upper) = writes {
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
    works: Vec<Work>,
    /// DIR, if it is the root itself: locked, so that no one takes away what is made in it meanwhile.
    directory: Option<OwnedFd>,
    /// Nothing is locked and nothing is made.
    only_looks: bool,
}

/// A directory of overlayfs' own.
struct Work {
    path: CString,
    opened: OwnedFd,
    /// The upper directory that it belongs to, locked.
    _upper: OwnedFd,
}

/// Looks at every directory and every source, and names them by paths without links and `..`: the child
/// looks them up when / is covered already, and a `..` above / would lead to what covers it.
///
/// Errors: what is not there, or is not what it has to be.
#[cold]
#[inline(never)]
pub fn prepare(root: &mut Root) -> Result<Traces, Error> {
    let mut traces = Traces::default();
    look_at(root, &mut traces)?;
    Ok(traces)
}

/// The same, and leaves no traces: nothing is locked and nothing is made.
#[cold]
#[inline(never)]
pub fn look(root: &mut Root) -> Result<(), Error> {
    let mut traces = Traces::default();
    traces.only_looks = true;
    look_at(root, &mut traces)
}

fn look_at(root: &mut Root, traces: &mut Traces) -> Result<(), Error> {
    match &mut root.base {
        Base::Directory(path) => {
            *path = canonical("--rootfs", path)?;
            open_directory("--rootfs", path)?;
            if !traces.only_looks {
                traces.directory = lock_directory(path);
            }
        }
        Base::Overlay(overlay) => traces.take("--rootfs", "--overlay", overlay)?,
    }
    for mount in &mut root.mounts {
        let option = &mount.option;
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
    root.check_copies()
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

/// Locks a directory that is a root, together with all who use it. (One that may be searched and not read
/// cannot be locked, which is enough for a root; nor one that someone has locked for a use of their own.)
fn lock_directory(path: &CStr) -> Option<OwnedFd> {
    const TRIES: u32 = 20;
    let opened = descriptor::open(path, libc::O_RDONLY | libc::O_DIRECTORY, 0).ok()?;
    for _ in 0..TRIES {
        if directory::lock(opened.as_fd(), Share::WithOthers).is_ok() {
            return Some(opened);
        }
        // Most likely someone removes their places, which is soon done.
        std::thread::sleep(Duration::from_millis(1));
    }
    None
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
        let option = upper_option;
        *upper = canonical(option, upper)?;
        let inside = |lower: &CString| {
            let rest = upper.to_bytes().strip_prefix(lower.to_bytes());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
        };
        if overlay.lower.iter().any(inside) {
            let option = [option.as_bytes(), b" ", upper.to_bytes()].concat();
            return Err(Error::refused(
                option,
                "it lies in a layer that is to stay as it is",
            ));
        }
        let failed = |errno| named(option, upper, errno);
        let flags = libc::O_RDONLY | libc::O_DIRECTORY;
        let locked = descriptor::open(upper, flags, 0).map_err(failed)?;
        if self.only_looks {
            return check_work(option, upper);
        }
        directory::lock(locked.as_fd(), Share::Alone).map_err(|errno| {
            let busy = (errno == Errno::EAGAIN).then_some("another container writes to it");
            failed(errno).hint(busy)
        })?;
        let work = beside(option, upper)?;
        match node::make_directory(HERE, &work, 0o700) {
            // Of a run that was killed.
            Ok(()) | Err(Errno::EEXIST) => {}
            Err(errno) => return Err(no_work(option, &work, errno)),
        }
        let opened = open_work(option, &work)?;
        self.works.push(Work {
            path: work,
            opened,
            _upper: locked,
        });
        Ok(())
    }
}

/// Whether overlayfs' own directory is there, or could be made.
fn check_work(option: &str, upper: &CStr) -> Result<(), Error> {
    let work = beside(option, upper)?;
    if node::find(HERE, &work).map(descriptor::own).is_ok() {
        return open_work(option, &work).map(drop);
    }
    let end = work.to_bytes().iter().rposition(|byte| *byte == b'/');
    let above = end.and_then(|end| work.to_bytes().get(..=end));
    let above = CString::new(above.unwrap_or(b".")).unwrap_or_default();
    node::may_write(HERE, &above).map_err(|errno| no_work(option, &work, errno))
}

/// The path of overlayfs' own directory.
fn beside(option: &str, upper: &CStr) -> Result<CString, Error> {
    work_directory(upper).ok_or_else(|| {
        let reason = "another directory has to be made beside it, and nothing is beside /";
        Error::refused(option, reason)
    })
}

fn open_work(option: &str, work: &CStr) -> Result<OwnedFd, Error> {
    let failed = |errno| named(option, work, errno);
    // In a directory that others may write to it could be a link of theirs.
    let flags = libc::O_RDONLY | libc::O_DIRECTORY | libc::O_NOFOLLOW;
    let opened = descriptor::open(work, flags, 0).map_err(failed)?;
    if facts::facts(opened.as_fd()).map_err(failed)?.owner != identity::effective_user() {
        return Err(failed(Errno::EEXIST).hint(Some("it is someone else's")));
    }
    Ok(opened)
}

fn no_work(option: &str, work: &CStr, errno: Errno) -> Error {
    let hint = "overlayfs needs a directory beside the upper one, on the same file system";
    named(option, work, errno).hint(Some(hint))
}

impl Drop for Work {
    /// If it cannot be removed, the next run with this upper directory uses it.
    fn drop(&mut self) {
        // overlayfs leaves a directory in it that no one may enter, and in that what it puts in the place of
        // removed files.
        let _ = node::change_mode(self.opened.as_fd(), c"work", 0o700);
        let same = |path: BorrowedFd<'_>| {
            let identity = |file| facts::facts(file).map(|facts| facts.identity);
            identity(path).is_ok_and(|there| identity(self.opened.as_fd()) == Ok(there))
        };
        // Not if someone has put another one in its place.
        if node::find(HERE, &self.path)
            .map(descriptor::own)
            .is_ok_and(|there| same(there.as_fd()))
        {
            let _ = std::fs::remove_dir_all(OsStr::from_bytes(self.path.to_bytes()));
        }
    }
}

impl Traces {
    /// Drops them, apart from what every start does.
    #[cold]
    #[inline(never)]
    pub fn take_away(self) {}
}

impl Drop for Traces {
    /// Removes the places that were made in DIR for the usual mounts, by this container or another: but not
    /// while another uses DIR, which would lose what it has mounted on them (rmdir(2) of a mount point of
    /// another namespace takes the mount away).
    fn drop(&mut self) {
        const PLACES: [&CStr; 3] = [c"proc", c"sys", c"dev"];
        let Some(directory) = &self.directory else {
            return;
        };
        let is_place = |name: &&CStr| {
            let found = node::find(directory.as_fd(), name).map(descriptor::own);
            let facts = found.and_then(|found| facts::facts(found.as_fd()));
            facts.is_ok_and(|facts| facts.kind == Kind::Directory && facts.mode == PLACE)
        };
        let mut places = PLACES.into_iter().filter(is_place).peekable();
        if places.peek().is_some() && directory::lock(directory.as_fd(), Share::Alone).is_ok() {
            for name in places {
                // If it is empty: what the container put there is its own.
                let _ = node::remove_directory(directory.as_fd(), name);
            }
        }
    }
}
