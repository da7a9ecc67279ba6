//! One file of the container, as far as it is there before the container is.

use super::person::{EXECUTE, Person, WRITE};
use crate::plan::root::KernelFs;
use crate::spec::Ids;
use crate::sys::facts::{self, Facts, Kind};
use crate::sys::{Errno, MountFlags, descriptor, node, own_proc};
use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, OwnedFd};
use std::rc::Rc;

/// A file, and what of the mount that it lies on decides.
#[derive(Clone)]
pub struct Node {
    pub what: What,
    pub ground: Ground,
    /// To whom the start gives it, whoever the original belongs to.
    pub given_to: Option<(u32, u32)>,
}

#[derive(Clone)]
pub enum What {
    /// Of the host's. A directory of an overlay is several, the uppermost first.
    Hosts(Vec<Rc<OwnedFd>>),
    /// The start makes it.
    Made(Facts),
    /// A look does not tell.
    Unknown,
}

/// The mount that a file lies on.
#[derive(Clone, Default)]
pub struct Ground {
    pub is_read_only: bool,
    pub is_no_exec: bool,
    /// Whether it is the container's alone, and files may be made in it.
    pub is_own: bool,
    pub is_overlay: bool,
    pub kernel_fs: Option<KernelFs>,
    /// The ids by which its owners are the container's, whoever they are on the disk.
    pub shifted: Option<Ids>,
}

impl Ground {
    /// With what a mount forbids.
    pub fn with(self, flags: MountFlags) -> Self {
        Self {
            is_read_only: self.is_read_only || flags.contains(MountFlags::READONLY),
            is_no_exec: self.is_no_exec || flags.contains(MountFlags::NOEXEC),
            ..self
        }
    }
}

/// A file that is made with this mode, by or for these ids.
pub fn made(kind: Kind, mode: u32, (owner, group): (u32, u32)) -> What {
    What::Made(Facts {
        kind,
        mode,
        owner,
        group,
        identity: (0, 0),
        size: 0,
        links: 1,
    })
}

impl Node {
    pub fn new(what: What, ground: Ground) -> Self {
        Self {
            what,
            ground,
            given_to: None,
        }
    }

    pub fn hosts(path: &CStr, ground: Ground) -> Result<Self, Errno> {
        let opened = descriptor::open(path, libc::O_PATH, 0)?;
        Ok(Self::new(What::Hosts(vec![Rc::new(opened)]), ground))
    }

    /// `None` if a look does not tell.
    pub fn facts(&self) -> Option<Facts> {
        let facts = match &self.what {
            What::Hosts(layers) => facts::facts(layers.first()?.as_fd()).ok()?,
            What::Made(facts) => *facts,
            What::Unknown => return None,
        };
        if let Some((owner, group)) = self.given_to {
            return Some(Facts {
                owner,
                group,
                ..facts
            });
        }
        let shifted = |maps, id| super::person::outside(maps, id).unwrap_or(id);
        Some(match (&self.ground.shifted, &self.what) {
            (Some(ids), What::Hosts(_)) => Facts {
                owner: shifted(&ids.users, facts.owner),
                group: shifted(&ids.groups, facts.group),
                ..facts
            },
            _ => facts,
        })
    }

    pub fn is_directory(&self) -> Option<bool> {
        self.facts().map(|facts| facts.kind == Kind::Directory)
    }

    fn mount_flags(&self) -> MountFlags {
        match &self.what {
            What::Hosts(layers) if !self.ground.is_overlay => layers
                .first()
                .and_then(|file| facts::file_system(file.as_fd()).ok())
                .map_or(MountFlags::NONE, |found| found.flags),
            _ => MountFlags::NONE,
        }
    }

    pub fn is_no_exec(&self) -> bool {
        self.ground.is_no_exec || self.mount_flags().contains(MountFlags::NOEXEC)
    }

    fn is_read_only(&self) -> bool {
        self.ground.is_read_only || self.mount_flags().contains(MountFlags::READONLY)
    }

    /// Whether `person` is surely refused it. (An access control list may say otherwise than the mode.)
    pub fn refuses(&self, person: &Person, wanted: u32) -> bool {
        let Some(facts) = self.facts() else {
            return false;
        };
        let has_list = || match &self.what {
            What::Hosts(layers) => layers
                .first()
                .is_some_and(|file| facts::has_attribute(file.as_fd(), ACCESS_LIST)),
            _ => false,
        };
        person.is_refused(&facts, wanted) && !has_list()
    }

    /// Why nothing can be made in this directory.
    pub fn refuses_to_make(&self, person: &Person, kind: Kind) -> Option<Errno> {
        let found = match &self.what {
            What::Hosts(layers) => facts::file_system(layers.first()?.as_fd()).ok(),
            What::Made(_) | What::Unknown => None,
        };
        let found = found.filter(|_| !self.ground.is_overlay);
        match found {
            // Its look-up finds nothing that mkdir(2) could make.
            Some(found) if found.is_proc() => Some(Errno::ENOENT),
            _ if self.is_read_only() => Some(Errno::EROFS),
            _ if self.refuses(person, EXECUTE | WRITE) => Some(Errno::EACCES),
            // Nothing in it is made by name.
            Some(found) if found.is_sysfs() => Some(match kind {
                Kind::Directory => Errno::EPERM,
                _ => Errno::EACCES,
            }),
            _ => None,
        }
    }

    /// What `name` is in this directory; `None` if nothing is there.
    pub fn child(&self, name: &CStr) -> Option<Self> {
        let unknown = Some(Self::new(What::Unknown, self.ground.clone()));
        let layers = match &self.what {
            What::Hosts(layers) => layers,
            What::Unknown => return unknown,
            What::Made(_) => return None,
        };
        if self.ground.kernel_fs == Some(KernelFs::Proc) && is_of_a_process(name) {
            return unknown;
        }
        let mut found: Vec<Rc<OwnedFd>> = Vec::new();
        for layer in layers {
            let there = match node::find(layer.as_fd(), name) {
                Ok(there) => descriptor::own(there),
                Err(Errno::ENOENT | Errno::ENOTDIR) => continue,
                // Closed to who looks now.
                Err(_) => return unknown,
            };
            let Ok(looked) = facts::facts(there.as_fd()) else {
                return unknown;
            };
            match looked.kind {
                _ if self.ground.is_overlay && is_whiteout(&looked) => break,
                Kind::Directory if self.ground.is_overlay => {
                    let is_opaque = facts::has_attribute(there.as_fd(), c"trusted.overlay.opaque")
                        || facts::has_attribute(there.as_fd(), c"user.overlay.opaque");
                    found.push(Rc::new(there));
                    if is_opaque {
                        break;
                    }
                }
                // What lies below a directory is covered by it.
                _ if !found.is_empty() => break,
                _ => {
                    found.push(Rc::new(there));
                    break;
                }
            }
        }
        (!found.is_empty()).then(|| Self::new(What::Hosts(found), self.ground.clone()))
    }

    /// The content, if it is a link.
    pub fn link(&self) -> Option<Vec<u8>> {
        let What::Hosts(layers) = &self.what else {
            return None;
        };
        let file = layers.first()?;
        let is_link = facts::facts(file.as_fd()).is_ok_and(|facts| facts.kind == Kind::Link);
        let mut content = vec![0; 4096];
        let length = is_link.then(|| node::read_link(file.as_fd(), &mut content))?;
        content.truncate(length.ok()?);
        Some(content)
    }

    /// The first bytes of a regular file, if they can be read.
    pub fn beginning(&self, longest: usize) -> Option<Vec<u8>> {
        let What::Hosts(layers) = &self.what else {
            return None;
        };
        let file = own_proc::open_found(layers.first()?.as_fd()).ok()?;
        let mut beginning = vec![0; longest];
        let count = descriptor::read_at(file.as_fd(), &mut beginning, 0).ok()?;
        beginning.truncate(count);
        Some(beginning)
    }
}

const ACCESS_LIST: &CStr = c"system.posix_acl_access";

/// What overlayfs puts in the place of what was removed.
fn is_whiteout(facts: &Facts) -> bool {
    matches!(facts.kind, Kind::Character(device) if device.major == 0 && device.minor == 0)
}

/// An entry of /proc that is another one for each process.
fn is_of_a_process(name: &CStr) -> bool {
    let name = name.to_bytes();
    name.iter().all(u8::is_ascii_digit)
        || [&b"self"[..], b"thread-self", b"net", b"mounts"].contains(&name)
}

/// A name of a path, if it is one.
pub fn c_name(name: &[u8]) -> Result<CString, Errno> {
    const LONGEST: usize = 255;
    match name.len() <= LONGEST {
        true => CString::new(name).map_err(|_| Errno::EINVAL),
        false => Err(Errno::ENAMETOOLONG),
    }
}
