//! epoll(7): many descriptors that something may happen to, of which only those are told of that it has.

use super::Errno;
use super::descriptor::owned;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use syscalls::{Sysno, syscall};

/// Descriptors that are waited for. It is one itself, which can be read when something has happened.
#[derive(Debug)]
pub struct Epoll(OwnedFd);

/// How many are told of at once.
const AT_ONCE: usize = 64;

impl Epoll {
    pub fn new() -> Result<Self, Errno> {
        // SAFETY: no pointers.
        let number = unsafe { syscall!(Sysno::epoll_create1, libc::EPOLL_CLOEXEC) }?;
        Ok(Self(owned(number as RawFd)))
    }

    /// Waits for `file` too, until it is closed; `token` is what it is told of by.
    pub fn add(&self, file: BorrowedFd<'_>, token: u64) -> Result<(), Errno> {
        let mut event = libc::epoll_event {
            events: libc::EPOLLIN as u32,
            u64: token,
        };
        // SAFETY: the kernel reads one event.
        unsafe {
            syscall!(
                Sysno::epoll_ctl,
                self.0.as_raw_fd(),
                libc::EPOLL_CTL_ADD,
                file.as_raw_fd(),
                &raw mut event
            )
        }
        .map(drop)
    }

    /// The tokens of some to which something has happened, or that have ended. Never waits.
    pub fn happened(&self) -> Result<Vec<u64>, Errno> {
        let mut events = [libc::epoll_event { events: 0, u64: 0 }; AT_ONCE];
        // SAFETY: the kernel writes at most as many events as there is room for; no set of signals is given.
        let count = unsafe {
            syscall!(
                Sysno::epoll_pwait,
                self.0.as_raw_fd(),
                events.as_mut_ptr(),
                AT_ONCE,
                0,
                0,
                0
            )
        };
        let count = match count {
            Err(Errno::EINTR) => 0,
            count => count?,
        };
        Ok(events.iter().take(count).map(|event| event.u64).collect())
    }
}

impl AsFd for Epoll {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{descriptor, local_socket};
    use super::*;

    #[test]
    fn those_are_told_of_to_which_something_has_happened() {
        let epoll = Epoll::new().unwrap();
        let (one, other) = local_socket::pair().unwrap();
        let (third, fourth) = local_socket::pair().unwrap();
        epoll.add(one.as_fd(), 7).unwrap();
        epoll.add(third.as_fd(), 8).unwrap();
        assert!(epoll.happened().unwrap().is_empty());
        descriptor::send_without_waiting(other.as_fd(), b"x").unwrap();
        assert_eq!(epoll.happened().unwrap(), [7]);
        drop(fourth);
        assert_eq!(epoll.happened().unwrap(), [7, 8]);
        drop((one, third));
        assert!(epoll.happened().unwrap().is_empty());
    }
}
