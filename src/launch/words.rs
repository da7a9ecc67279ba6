//! What is said of a clone that has failed, and of a container that goes without something.

use crate::error::Error;
use crate::field::Field;
use crate::hint::{self, Doing};
use crate::log::{Level, Log, Value};
use crate::report::Lack;
use crate::spec::{Namespace, Namespaces};
use crate::sys::Errno;

/// The clone into these namespaces has failed.
#[cold]
#[inline(never)]
pub fn not_cloned(namespaces: Namespaces, errno: Errno) -> Error {
    let user_namespace = namespaces.contains(Namespace::User);
    let error = Error::new("clone", "into new namespaces", errno);
    error.because(match errno {
        Errno::ENOSPC | Errno::EUSERS => Some(hint::too_many(&namespaces.kinds())),
        errno => hint::hint(Doing::Clone { user_namespace }, errno),
    })
}

/// Tells what a container goes without, which is no reason not to start it.
#[cold]
#[inline(never)]
pub fn say_without(lack: Lack, why: Errno, log: &Log) {
    let name = why.name().unwrap_or("unknown");
    let fields = [("errno", Value::Text(name.as_bytes()))];
    let (level, message) = match lack {
        Lack::Spare => (
            Level::Info,
            "the pool gave no network namespace".to_owned(),
        ),
        Lack::NameServers => (
            Level::Warn,
            Field::RootDirectory.between(
                "the container has no name servers of the caller's: its /etc/resolv.conf is not there, or a link to \
                 nothing; make it in ",
                "",
            ) + &Field::Overlay.between(", or add ", ", or a ")
                + &Field::Tmpfs.between("", " where the link leads"),
        ),
    };
    log.write(level, message.as_bytes(), &fields);
}
