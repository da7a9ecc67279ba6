//! The clone, once more, where once more can help.

use crate::hint::host::Host;
use crate::lingering::Lingering;
use crate::log::{Level, Log, Value};
use crate::spec::{Namespace, Namespaces};
use crate::sys::clone::NewNamespaces;
use crate::sys::{Errno, Pid, descriptor};

/// Whether an errno of clone is about a limit that another way of cloning would meet as well.
pub fn is_limit(errno: Errno) -> bool {
    matches!(errno, Errno::ENOSPC | Errno::EUSERS | Errno::EAGAIN)
}

/// Calls `clone` for `namespaces`. A limit on namespaces (ENOSPC) is met again after
/// a while; a cgroup namespace is left out where the kernel has none (before 4.6).
pub fn with_retries(
    namespaces: Namespaces,
    log: &Log,
    mut clone: impl FnMut(NewNamespaces) -> Result<Pid, Errno>,
) -> Result<Pid, Errno> {
    let mut namespaces = namespaces;
    let mut lingering = Lingering::begin();
    loop {
        match clone(namespaces.anew()) {
            // Of what may not be made at all none will be left.
            Err(Errno::ENOSPC)
                if lingering.waited() == 0
                    && Host::here().forbidden(&namespaces.kinds()).is_some() =>
            {
                return Err(Errno::ENOSPC);
            }
            Err(Errno::ENOSPC) if lingering.wait() => {}
            Err(Errno::EINVAL)
                if namespaces.contains(Namespace::Cgroup)
                    && descriptor::open(c"/proc/self/ns/cgroup", libc::O_RDONLY, 0)
                        .is_err_and(|errno| errno == Errno::ENOENT) =>
            {
                log.write(
                    Level::Info,
                    b"no cgroup namespace: the kernel has none",
                    &[],
                );
                namespaces = namespaces.without(Namespace::Cgroup);
            }
            result => {
                if lingering.waited() > 0 {
                    log.write(
                        Level::Warn,
                        b"waited for the namespaces of ended containers: a limit is near",
                        &[("milliseconds", Value::Number(lingering.waited().into()))],
                    );
                }
                return result;
            }
        }
    }
}
