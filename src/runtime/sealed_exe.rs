//! mydocker's own file, kept out of the container's reach (CVE-2019-5736).
//!
//! Until the command is executed, /proc/self/exe of the container's first process is mydocker's file on the host.
//! A hostile root can name it: a command that is a link to /proc/self/exe, or a script that begins with
//! `#!/proc/self/exe`, makes the kernel execute it in the container; if it is linked dynamically, the first code to
//! run then is the *container's* dynamic loader. That can keep the file open, wait until no mydocker runs any more,
//! and write to it: the next one who starts a container executes that.
//!
//! So, where the container could get hold of it, the file that is executed is another one: at the very beginning
//! mydocker copies itself to a memory file that no one can change any more, and executes that, once more from the
//! start. What the container gets hold of is the copy. It costs 0.3 ms and the size of the file.
//!
//! A static binary needs none in a container with a PID namespace of its own and the default filter: executed that way,
//! it runs no code but its own, which ends at once or does what the container could do itself, and can start no program
//! of the container's, for that takes a clone that the filter refuses; no other process is in the container yet; and a
//! reaper of ours, which is there later, executes another file ([`crate::sys::reaper`]). Who has CAP_SYS_PTRACE could stop
//! a process of ours halfway; the other two capabilities open what a process has mapped (/proc/PID/map_files), by which
//! a program that names /proc/self/exe for its loader would come to it. (That leaves a hostile root's own doing, while
//! hostile code runs in a container that shares our PID namespace as the same user. Such a container sees all others,
//! and is no place for hostile code.)
//!
//! A container that runs and is entered (`exec`) has other processes, which wait for that moment: so there what is executed
//! is always kept from it, if the file could be its own. Without CAP_SYS_ADMIN and its like a mount does, see
//! `Shield::Mount`.

use crate::docker::RunArgs;
use crate::docker::specify::{self, Protections};
use crate::error::Error;
use crate::guard::Request;

use crate::spec::{ContainerSpec, Filter, Identity, NamespaceChoice};
use crate::sys::capability::{CHECKPOINT_RESTORE, CapabilitySet, SYS_ADMIN, SYS_PTRACE};
use crate::sys::invocation::Invocation;
use crate::sys::{
    Errno, MountFlags, descriptor, facts, identity, memfd, mount_tree, namespace, node, process,
};
use std::ffi::CStr;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;

/// Of the running program, as long as a proc is mounted.
const OWN_FILE: &CStr = c"/proc/self/exe";

/// With these the container opens files of a process of ours.
const OPENERS: CapabilitySet = CapabilitySet::NONE
    .with(SYS_PTRACE)
    .with(SYS_ADMIN)
    .with(CHECKPOINT_RESTORE);

/// The file that we are.
pub struct OwnFile<'a> {
    /// What keeps the container from it, if it could get hold of it.
    shield: Option<Shield>,
    /// The file, where it was opened to be looked at.
    opened: Option<OwnedFd>,
    invocation: &'a Invocation,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shield {
    /// What is executed is a copy, which no one can change.
    Copy,
    /// What is executed is the file, by a mount of its own that is read-only, and that is nowhere: what is opened by
    /// /proc/PID/exe is opened by that mount. It costs a sixth of a copy. Who may change mounts could perhaps change this
    /// one.
    Mount,
}

impl<'a> OwnFile<'a> {
    pub fn look(arguments: &RunArgs, invocation: &'a Invocation) -> Result<Self, Error> {
        Ok(Self {
            shield: is_exposed(arguments)?.then_some(Shield::Copy),
            opened: None,
            invocation,
        })
    }

    /// For one more process in a container that runs, in which others wait for it: whatever it executes first, they may have
    /// put there, and they can open what it is executed from. So it does not matter how we are linked; but whose the file
    /// is to the container. `containers` is what bounds its capabilities.
    #[cold]
    #[inline(never)]
    pub fn of_another(
        spec: &ContainerSpec,
        containers: CapabilitySet,
        invocation: &'a Invocation,
    ) -> Self {
        let is_containers = |user: u32| match &spec.identity {
            Identity::Set { .. } => true,
            Identity::Mapped { user: own, .. } => own.outside == user,
            Identity::Ranged { ids, .. } => ids.has(user),
        };
        let openers = containers.common(OPENERS);
        let opened = spec.root.as_ref().and_then(|_| own_file().ok());
        let is_exposed = spec.root.is_some() && may_write(opened.as_ref(), &is_containers);
        Self {
            shield: match is_exposed {
                false => None,
                true if openers == CapabilitySet::NONE => Some(Shield::Mount),
                true => Some(Shield::Copy),
            },
            opened,
            invocation,
        }
    }
}

impl<'a> OwnFile<'a> {
    /// For a container of an engine's, before it is known what that may do: our process may wait in it for hours, and others
    /// come meanwhile; or it is one more in a container that runs.
    pub fn of_engine(invocation: &'a Invocation) -> Self {
        let opened = own_file().ok();
        Self {
            shield: may_caller_write(opened.as_ref()).then_some(Shield::Mount),
            opened,
            invocation,
        }
    }

    /// When it is known what bounds the container's capabilities.
    pub fn of_engine_with(bounding: CapabilitySet, invocation: &'a Invocation) -> Self {
        let opens = bounding.common(OPENERS) != CapabilitySet::NONE;
        let is_exposed = opens && may_caller_write(own_file().ok().as_ref());
        Self {
            shield: is_exposed.then_some(Shield::Copy),
            opened: None,
            invocation,
        }
    }
}

/// Whether who has the caller's rights, whom a container's root may be, could write to our file. If that is not known: yes.
fn may_caller_write(own: Option<&OwnedFd>) -> bool {
    /// An owner who is no one in the user namespace that we are in.
    const NOBODY: u32 = 65534;
    may_write(own, &|owner| match identity::effective_user() {
        0 => owner != NOBODY || namespace::is_initial_user(),
        user => owner == user,
    })
}

/// Whether one of those of whom `is_one` says so could write to our file. If that is not known: yes.
fn may_write(own: Option<&OwnedFd>, is_one: &dyn Fn(u32) -> bool) -> bool {
    const OTHERS_WRITE: u32 = 0o022;
    let facts = own.and_then(|own| facts::facts(own.as_fd()).ok());
    facts.is_none_or(|facts| is_one(facts.owner) || facts.mode & OTHERS_WRITE != 0)
}

impl Request for OwnFile<'_> {
    type Guard = ();
    /// Whether a run goes on in a copy.
    type Preview = bool;

    /// Goes on in a copy that no one can change, if the container could get hold of the file that we are. Everything
    /// begins again then; so this comes before anything is done.
    fn acquire(self) -> Result<(), Error> {
        match self.shield {
            Some(Shield::Copy) => execute_copy(self.invocation),
            Some(Shield::Mount) => execute_by_mount(self.opened.as_ref(), self.invocation),
            None => Ok(()),
        }
    }

    fn preview(self) -> Result<bool, Error> {
        Ok(self.shield.is_some())
    }
}

/// Whether the container could get hold of our file. (Without a root of its own it has all of the caller's anyway.)
fn is_exposed(arguments: &RunArgs) -> Result<bool, Error> {
    if arguments.rootfs.is_empty() {
        return Ok(false);
    }
    let is_static = cfg!(target_feature = "crt-static");
    if !is_static || arguments.pid != NamespaceChoice::New {
        return Ok(true);
    }
    let capabilities = specify::capabilities(arguments, 0)?;
    let openers = capabilities.bounding.common(OPENERS);
    let protections = Protections::new(arguments)?;
    Ok(protections.filter != Filter::Default || openers != CapabilitySet::NONE)
}

#[cold]
#[inline(never)]
fn execute_copy(invocation: &Invocation) -> Result<(), Error> {
    let failed = |operation: &str, errno| {
        let hint = "a container with a root of its own must not reach mydocker's file; it is copied to memory";
        Error::new(operation, OWN_FILE.to_bytes(), errno).hint(Some(hint))
    };
    let own = own_file().map_err(|errno| failed("open", errno))?;
    if memfd::is_sealed(own.as_fd()) {
        // execve named us after the descriptor.
        process::set_name(c"mydocker");
        return Ok(());
    }
    let name = std::fs::read_link("/proc/self/exe").unwrap_or_default();
    if name.as_os_str().as_bytes().starts_with(b"/memfd:mydocker") {
        // Once more would be for ever: this kernel (or what takes its place) does not show the seals.
        return Err(Error::refused(
            OWN_FILE.to_bytes(),
            "it is executed as a sealed copy in memory, and does not look like one",
        ));
    }
    let copy = memfd::sealed_program(c"mydocker", own.as_fd());
    let copy = copy.map_err(|errno| failed("copy", errno))?;
    Err(failed("execute a copy of", invocation.again(copy.as_fd())))
}

/// Goes on in the same file, by a mount that is read-only; in a copy where none can be had (before Linux 5.12, without
/// CAP_SYS_ADMIN, in a filter's way).
#[cold]
#[inline(never)]
fn execute_by_mount(own: Option<&OwnedFd>, invocation: &Invocation) -> Result<(), Error> {
    let is_read_only = |file: &OwnedFd| {
        let found = facts::file_system(file.as_fd());
        found.is_ok_and(|found| found.flags.contains(MountFlags::READONLY))
    };
    if let Some(own) = own {
        if is_read_only(own) {
            // execve named us after the descriptor.
            process::set_name(c"mydocker");
            return Ok(());
        }
        if let Ok(mount) = mount_tree::copy_of(own.as_fd()).map(descriptor::own) {
            let flags = MountFlags::READONLY;
            if mount_tree::set_attributes(mount.as_fd(), flags, false).is_ok() {
                let _ = invocation.again(mount.as_fd());
            }
        }
    }
    execute_copy(invocation)
}

/// What is executed, as proc tells; not what someone has put in proc's place, which would never be the copy.
fn own_file() -> Result<OwnedFd, Errno> {
    let directory = descriptor::open(c"/proc/self", libc::O_PATH | libc::O_DIRECTORY, 0)?;
    if !facts::file_system(directory.as_fd())?.is_proc() {
        return Err(Errno::ENODEV);
    }
    node::open(directory.as_fd(), c"exe", libc::O_RDONLY, 0).map(descriptor::own)
}
