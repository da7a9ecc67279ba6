//! The clone, once more, where once more can help.

use crate::log::{Level, Log, Value};
use crate::spec::{Namespace, Namespaces};
use crate::sys::{Errno, Pid, descriptor};
use std::time::Duration;

/// How long in all to wait for namespaces of the dead. A network namespace lingers about 60 ms
/// after its last process, and counts against the limit meanwhile.
const LONGEST: Duration = Duration::from_millis(200);

/// Whether an errno of clone is about a limit that another way of cloning would meet as well.
pub fn is_limit(errno: Errno) -> bool {
    matches!(errno, Errno::ENOSPC | Errno::EUSERS | Errno::EAGAIN)
}

/// Calls `clone` with the flags for `namespaces`. A limit on namespaces (ENOSPC) is met again after
/// a while; a cgroup namespace is left out where the kernel has none (before 4.6).
pub fn with_retries(
    namespaces: Namespaces,
    log: &Log,
    mut clone: impl FnMut(u32) -> Result<Pid, Errno>,
) -> Result<Pid, Errno> {
    let mut namespaces = namespaces;
    let mut waited = Duration::ZERO;
    let mut pause = Duration::from_millis(1);
    loop {
        match clone(namespaces.clone_flags()) {
            Err(Errno::ENOSPC) if waited < LONGEST => {
                std::thread::sleep(pause);
                waited += pause;
                pause = (pause * 2).min(LONGEST - waited);
            }
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
                if !waited.is_zero() {
                    log.write(
                        Level::Warn,
                        b"waited for the namespaces of ended containers: a limit is near",
                        &[("milliseconds", Value::Number(waited.as_millis() as i64))],
                    );
                }
                return result;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log() -> Log {
        Log::open(Some(c"/dev/null"), false, Level::Error, None).unwrap()
    }

    #[test]
    fn a_limit_is_met_again_for_a_while() {
        let mut calls = 0;
        let result = with_retries(Namespaces::CONTAINER, &log(), |_| {
            calls += 1;
            if calls < 4 { Err(Errno::ENOSPC) } else { Ok(7) }
        });
        assert_eq!((result, calls), (Ok(7), 4));
        let result = with_retries(Namespaces::CONTAINER, &log(), |_| Err(Errno::ENOSPC));
        assert_eq!(result, Err(Errno::ENOSPC));
    }

    #[test]
    fn other_errors_are_final() {
        let mut calls = 0;
        let result = with_retries(Namespaces::CONTAINER, &log(), |_| {
            calls += 1;
            Err(Errno::EPERM)
        });
        assert_eq!((result, calls), (Err(Errno::EPERM), 1));
    }
}
