//! A container that runs: the process by which it is entered, and what that is in.
//!
//! A number is another process's as soon as its own has ended. So the process is opened first, by a pidfd and by its directory
//! in /proc, and looked at then: if it is still the one that was recorded, by the time of its start, so is what was
//! opened.

use crate::error::Error;
use crate::hint::{self, Doing};
use crate::host::root;
use crate::spec::Namespace;
use crate::sys::identity::{self, Mapped};
use crate::sys::process_start::{self, State};
use crate::sys::{Errno, Pid, descriptor, directory, facts, kernel, node, process};
use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// Since when setns(2) takes a pidfd.
const PIDFD: (u32, u32) = (5, 8);

/// The command's own process, of a container that runs.
pub struct Running {
    pid: Pid,
    pub pidfd: OwnedFd,
    /// Its directory in /proc.
    facts: OwnedFd,
    /// What it has for /.
    pub root: OwnedFd,
    /// The kinds of namespaces in which it is not where we are.
    pub namespaces: Vec<Namespace>,
}

/// Which process a container's first one is.
#[derive(Clone, Copy, Debug)]
pub struct FirstProcess {
    pub pid: Pid,
    /// Ticks from the boot to its start.
    pub start_time: u64,
    /// Whether it is a reaper of ours, which an ordinary user may not look into: its first child is the command then.
    pub is_reaper: bool,
}

/// Why a container cannot be entered.
pub enum Refused {
    /// It does not run any more.
    Ended,
    Failed(Error),
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl Running {
    /// `made`: the kinds of namespaces that were made for it, which need not be compared with ours.
    #[cold]
    #[inline(never)]
    pub fn look(first: FirstProcess, made: &[Namespace]) -> Result<Self, Refused> {
        let version = kernel::version();
        if version < PIDFD {
            let (major, minor) = version;
            let reason = format!(
                "it takes Linux 5.8, in which a process's namespaces are entered by its pidfd; this is {major}.{minor}"
            );
            return Err(Error::refused_for("exec", reason).into());
        }
        let FirstProcess {
            pid,
            start_time,
            is_reaper,
        } = first;
        let opened = open(pid)?;
        match process_start::state(pid, start_time) {
            Ok(State::Alive) => {}
            Ok(State::Ended) | Err(Errno::ESRCH) => return Err(Refused::Ended),
            Err(errno) => return Err(failed(pid, errno)),
        }
        let (pid, (pidfd, facts)) = match is_reaper {
            false => (pid, opened),
            true => command_of(pid, &opened.1)?,
        };
        let namespaces = namespaces(&facts, made).map_err(|errno| not_looked_at(pid, errno))?;
        let root = node::open(facts.as_fd(), c"root", libc::O_PATH | libc::O_DIRECTORY, 0);
        let root = root.map_err(|errno| not_looked_at(pid, errno))?;
        Ok(Self {
            pid,
            pidfd,
            facts,
            root: descriptor::own(root),
            namespaces,
        })
    }

    /// Who the first user of its user namespace is outside.
    pub fn first_user(&self) -> Result<u32, Error> {
        let [users, _] = self.ids()?;
        let first = users.into_iter().find_map(|line| line.outside(0));
        first.ok_or_else(|| {
            Error::refused(
                format!("/proc/{}/uid_map", self.pid),
                "the container has no root",
            )
        })
    }

    /// Whether it has a user namespace of its own.
    pub fn has_own_users(&self) -> bool {
        self.namespaces.contains(&Namespace::User)
    }

    /// Whether the groups of a process may be set in its user namespace, user_namespaces(7).
    pub fn may_set_groups(&self) -> bool {
        read(&self.facts, c"setgroups").is_ok_and(|word| word.trim_ascii() == b"allow")
    }

    /// The users of its user namespace, and the groups.
    pub fn ids(&self) -> Result<[Vec<Mapped>; 2], Error> {
        let map = |name: &CStr| -> Result<_, Error> {
            let map = read(&self.facts, name).map_err(|errno| {
                let path = format!("/proc/{}/{}", self.pid, name.to_string_lossy());
                Error::new("read", path, errno)
            })?;
            Ok(identity::mapped(&map))
        };
        Ok([map(c"uid_map")?, map(c"gid_map")?])
    }

    /// Its /etc/passwd or /etc/group.
    pub fn accounts(&self, name: &str) -> Result<Vec<u8>, Error> {
        root::accounts_in(self.root.as_fd(), name)
    }
}

/// The process of this number, whichever it is.
fn open(pid: Pid) -> Result<(OwnedFd, OwnedFd), Refused> {
    let path = CString::new(format!("/proc/{pid}")).unwrap_or_default();
    let open = || -> Result<_, Errno> {
        let pidfd = process::open(pid)?;
        let directory = descriptor::open(&path, libc::O_PATH | libc::O_DIRECTORY, 0)?;
        // What is mounted on /proc need not be one.
        match facts::file_system(directory.as_fd())?.is_proc() {
            true => Ok((pidfd, directory)),
            false => Err(Errno::ENODEV),
        }
    };
    open().map_err(|errno| failed(pid, errno))
}

fn failed(pid: Pid, errno: Errno) -> Refused {
    match errno {
        Errno::ESRCH | Errno::ENOENT => Refused::Ended,
        errno => {
            let hint = (errno == Errno::ENODEV).then_some("it needs a proc mounted on /proc");
            Error::new("open", format!("process {pid}"), errno)
                .hint(hint)
                .into()
        }
    }
}

fn not_looked_at(pid: Pid, errno: Errno) -> Refused {
    match errno {
        Errno::ESRCH | Errno::ENOENT => Refused::Ended,
        errno => {
            // What /proc says no to, setns would.
            let meant = match errno {
                Errno::EACCES => Errno::EPERM,
                errno => errno,
            };
            Error::new("look at", format!("process {pid} of the container"), errno)
                .because(hint::hint(Doing::EnterContainer, meant))
                .into()
        }
    }
}

/// The first child of a reaper, which is the oldest: orphans come behind, and with it the reaper ends.
fn command_of(reaper: Pid, facts: &OwnedFd) -> Result<(Pid, (OwnedFd, OwnedFd)), Refused> {
    let first_child = || -> Result<Pid, Refused> {
        let children = CString::new(format!("task/{reaper}/children")).unwrap_or_default();
        let listed = match read(facts, &children) {
            // A kernel without it (CONFIG_PROC_CHILDREN).
            Err(Errno::ENOENT) => return oldest_child(reaper).ok_or(Refused::Ended),
            listed => listed.map_err(|errno| failed(reaper, errno))?,
        };
        let mut numbers = listed.split(|byte| *byte == b' ');
        numbers
            .next()
            .and_then(directory::number)
            .ok_or(Refused::Ended)
    };
    let command = first_child()?;
    let opened = open(command)?;
    // While it is the reaper's child its number is its own.
    match first_child()? == command {
        true => Ok((command, opened)),
        false => Err(Refused::Ended),
    }
}

/// Among all processes.
fn oldest_child(parent: Pid) -> Option<Pid> {
    let proc = descriptor::open(c"/proc", libc::O_RDONLY | libc::O_DIRECTORY, 0).ok()?;
    let mut children = Vec::new();
    directory::numbers(proc.as_fd(), |pid| {
        if process_start::parent(pid) == Ok(parent) {
            children.extend(
                process_start::start_time(pid)
                    .ok()
                    .map(|start| (start, pid)),
            );
        }
    })
    .ok()?;
    children.into_iter().min().map(|(_, pid)| pid)
}

/// The kinds of namespaces in which a process is not where we are. (A kind that this kernel has not, no one is in.)
fn namespaces(facts: &OwnedFd, made: &[Namespace]) -> Result<Vec<Namespace>, Errno> {
    let flags = libc::O_PATH | libc::O_DIRECTORY;
    let own = descriptor::open(c"/proc/self/ns", flags, 0)?;
    let theirs = descriptor::own(node::open(facts.as_fd(), c"ns", flags, 0)?);
    let mut others = Vec::new();
    for namespace in Namespace::ALL {
        // Only one's own user namespace cannot be joined once more, and who is someone in the container hangs on it.
        if namespace != Namespace::User && made.contains(&namespace) {
            others.push(namespace);
            continue;
        }
        let name = CString::new(namespace.kernels()).unwrap_or_default();
        let (mut here, mut there) = ([0; 64], [0; 64]);
        let here = match node::read_link_of(own.as_fd(), &name, &mut here) {
            Err(Errno::ENOENT) => continue,
            count => here.get(..count?),
        };
        let count = node::read_link_of(theirs.as_fd(), &name, &mut there)?;
        if here != there.get(..count) {
            others.push(namespace);
        }
    }
    Ok(others)
}

fn read(directory: &OwnedFd, name: &CStr) -> Result<Vec<u8>, Errno> {
    let file = descriptor::own(node::open(directory.as_fd(), name, libc::O_RDONLY, 0)?);
    read_all(file.as_fd())
}

fn read_all(file: BorrowedFd<'_>) -> Result<Vec<u8>, Errno> {
    let mut content = Vec::new();
    let mut buffer = [0; 1024];
    loop {
        match descriptor::read(file, &mut buffer)? {
            0 => return Ok(content),
            count => content.extend(buffer.iter().take(count)),
        }
    }
}
