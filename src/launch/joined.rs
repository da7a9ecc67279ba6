//! Namespaces that are there already: opened before anything is made, and joined by the child. A PID namespace is joined by
//! us, before the clone: setns(2) of one concerns the children of who calls it.

use crate::error::Error;
use crate::field::Field;
use crate::hint::{self, Doing};
use crate::spec::{JoinTarget, Namespace, NamespaceChoice, NamespaceChoices, Namespaces};
use crate::sys::namespace::{self, NamespaceFile};
use crate::sys::{Errno, descriptor, facts, process};
use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// A namespace that is to be joined, held open.
pub struct Joined {
    pub namespace: Namespace,
    pub file: OwnedFd,
}

/// The namespaces of `choices` that are joined, in their order.
///
/// Errors: what cannot be opened, or is no namespace of its kind.
pub fn open(choices: &NamespaceChoices) -> Result<Vec<Joined>, Error> {
    if let NamespaceChoice::Join(target) = choices.of(Namespace::User) {
        check_owner(choices, &target.name())?;
    }
    choices
        .joined()
        .map(|(namespace, target)| open_one(namespace, target))
        .collect()
}

/// The clone would make new namespaces before the child has joined the user namespace, which would not own them then.
#[cold]
#[inline(never)]
fn check_owner(choices: &NamespaceChoices, name: &CStr) -> Result<(), Error> {
    let made = choices.anew();
    if made == Namespaces::NONE {
        return Ok(());
    }
    let reason = format!(
        "with a user namespace that is joined no other can be new: {}",
        made.names()
    );
    Err(Error::refused_for(name.to_bytes(), reason))
}

#[cold]
#[inline(never)]
fn open_one(namespace: Namespace, target: &JoinTarget) -> Result<Joined, Error> {
    let path = match target {
        JoinTarget::Path(path) => path,
        // A pidfd tells of itself when it is used.
        JoinTarget::Process(pidfd) => {
            let file = process::duplicate_pidfd(pidfd.0);
            let file = file.map_err(|errno| not_opened(namespace, &target.name(), errno))?;
            return Ok(Joined { namespace, file });
        }
    };
    let file = open_file(path).map_err(|errno| not_opened(namespace, path, errno))?;
    check(
        namespace,
        &named(namespace, path),
        namespace::look(file.as_fd()),
    )?;
    let joined = Joined { namespace, file };
    if namespace == Namespace::Network && is_callers(&joined) {
        return Err(Error::refused(
            named(namespace, path),
            "it is the network namespace that mydocker itself is in, not a container's",
        ));
    }
    Ok(joined)
}

/// The namespace of this kind that a file stands for, for who names it by its path alone.
#[cold]
#[inline(never)]
pub fn open_path(namespace: Namespace, path: &CStr) -> Result<Joined, Error> {
    let file = open_file(path).map_err(|errno| Error::new("open", path.to_bytes(), errno))?;
    check(namespace, path.to_bytes(), namespace::look(file.as_fd()))?;
    Ok(Joined { namespace, file })
}

fn open_file(path: &CStr) -> Result<OwnedFd, Errno> {
    // What is no namespace may be a FIFO that no one writes to, or a terminal.
    let flags = libc::O_RDONLY | libc::O_NONBLOCK | libc::O_NOCTTY;
    descriptor::open(path, flags, 0)
}

fn not_opened(namespace: Namespace, name: &CStr, errno: Errno) -> Error {
    let operation = match namespace {
        Namespace::Network => Field::Network.between("", ": open"),
        _ => "open".to_owned(),
    };
    Error::new(operation, name.to_bytes(), errno)
}

fn check(namespace: Namespace, named: &[u8], look: NamespaceFile) -> Result<(), Error> {
    let reason = match look {
        NamespaceFile::Namespace(kind) if kind == namespace.flag() => return Ok(()),
        NamespaceFile::Namespace(_) => format!(
            "it is a namespace of another kind, not a {} namespace",
            namespace.name()
        ),
        NamespaceFile::None => format!("it is no {} namespace", namespace.name()),
    };
    Err(Error::refused_for(named, reason))
}

fn named(namespace: Namespace, path: &CStr) -> Vec<u8> {
    let asked = match namespace {
        Namespace::Network => Field::Network.between("", " ns:").into_bytes(),
        _ => Vec::new(),
    };
    [&asked, path.to_bytes()].concat()
}

/// Whether a namespace is the one that this process is in. Who means another's network has named a process that is in
/// none, and would give the container the host's.
pub fn is_callers(joined: &Joined) -> bool {
    let path = format!("/proc/self/ns/{}", joined.namespace.kernels());
    let path = CString::new(path).unwrap_or_default();
    let own = descriptor::open(&path, libc::O_RDONLY, 0);
    let identity = |file: BorrowedFd<'_>| facts::facts(file).map(|facts| facts.identity);
    own.is_ok_and(|own| identity(own.as_fd()) == identity(joined.file.as_fd()))
}

/// The PID namespace among `joined`.
pub fn pid_namespace(joined: &[Joined]) -> Option<BorrowedFd<'_>> {
    let mut joined = joined.iter();
    let found = joined.find(|one| one.namespace == Namespace::Pid);
    found.map(|one| one.file.as_fd())
}

/// Children go to a PID namespace that is joined, until this is ended.
#[must_use]
pub struct ChildrenElsewhere(OwnedFd);

impl ChildrenElsewhere {
    /// If there is one.
    pub fn begin(namespace: Option<BorrowedFd<'_>>) -> Result<Option<Self>, Error> {
        namespace.map(Self::begin_in).transpose()
    }

    #[cold]
    #[inline(never)]
    fn begin_in(file: BorrowedFd<'_>) -> Result<Self, Error> {
        let failed = |errno: Errno| {
            let error = Error::new("join", "PID namespace", errno);
            error.because(hint::hint(Doing::JoinNamespace, errno))
        };
        let own = descriptor::open(c"/proc/self/ns/pid", libc::O_RDONLY, 0).map_err(failed)?;
        namespace::join(file, Namespace::Pid.flag()).map_err(failed)?;
        Ok(Self(own))
    }

    /// Back again: helpers of ours that are started later are children as well.
    ///
    /// Errors: EPERM, if the rights with which it was left are gone.
    #[cold]
    #[inline(never)]
    pub fn end(self) -> Result<(), Error> {
        namespace::join(self.0.as_fd(), Namespace::Pid.flag())
            .map_err(|errno| Error::new("go back to", "the PID namespace of mydocker", errno))
    }
}
