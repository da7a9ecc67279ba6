//! Signals. No handler returns: they are blocked and waited for, or end the process.

#[cfg(feature = "oci")]
use super::in_child::InChild;
use super::{Errno, Pid, descriptor, process};
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use syscalls::{Sysno, syscall};

/// The highest signal number of the architectures we build for.
const HIGHEST: i32 = 64;

/// The size the kernel wants to be told for its signal sets.
const SET_SIZE: usize = size_of::<u64>();

/// A set of signals, as the kernel keeps it: signal n is bit n - 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SignalSet(pub u64);

impl SignalSet {
    pub const EMPTY: Self = Self(0);
    pub const FULL: Self = Self(u64::MAX);

    pub const fn with(self, signal: i32) -> Self {
        Self(self.0 | Self::bit(signal))
    }

    pub const fn without(self, signals: Self) -> Self {
        Self(self.0 & !signals.0)
    }

    pub const fn contains(self, signal: i32) -> bool {
        self.0 & Self::bit(signal) != 0
    }

    /// The signals in it, lowest first.
    pub fn iter(self) -> impl Iterator<Item = i32> {
        (1..=HIGHEST).filter(move |signal| self.contains(*signal))
    }

    const fn bit(signal: i32) -> u64 {
        1 << (signal - 1)
    }
}

/// A write that fails should say so and not end us: to a pipe that no one reads, to a file that may
/// not grow.
pub const OF_WRITES: SignalSet = SignalSet::EMPTY.with(libc::SIGPIPE).with(libc::SIGXFSZ);

/// The kernel's own `struct sigaction`, which is not libc's. The same on x86_64 and arm64.
#[repr(C)]
struct KernelAction {
    handler: usize,
    flags: usize,
    restorer: usize,
    mask: u64,
}

impl KernelAction {
    const DEFAULT: Self = Self {
        handler: libc::SIG_DFL,
        flags: 0,
        restorer: 0,
        mask: 0,
    };
}

/// What [`ignored`] has found, and that it has.
static IGNORED: AtomicU64 = AtomicU64::new(0);

/// The signals that the caller ignores, whose disposition execve and clone hand down. It is looked at once: of one that is
/// handled since then it is to be known still.
pub fn ignored() -> SignalSet {
    // No one can ignore this one.
    const FOUND: SignalSet = SignalSet::EMPTY.with(libc::SIGKILL);
    let found = SignalSet(IGNORED.load(Ordering::Relaxed));
    if found.contains(libc::SIGKILL) {
        return found.without(FOUND);
    }
    let found = look_for_ignored();
    IGNORED.store(found.0 | FOUND.0, Ordering::Relaxed);
    found
}

fn look_for_ignored() -> SignalSet {
    let mut set = SignalSet::EMPTY;
    for signal in 1..=HIGHEST {
        if matches!(signal, libc::SIGKILL | libc::SIGSTOP) {
            // No one can ignore them.
            continue;
        }
        let mut action = KernelAction::DEFAULT;
        // SAFETY: no new action is given; the kernel writes the old one into `action`. Unknown
        // signals answer an errno and leave it as it is.
        let result = unsafe { syscall!(Sysno::rt_sigaction, signal, 0, &raw mut action, SET_SIZE) };
        if result.is_ok() && action.handler == libc::SIG_IGN {
            set = set.with(signal);
        }
    }
    set
}

/// Gives `signal` its default disposition.
pub fn set_default(signal: i32) -> Result<(), Errno> {
    let action = KernelAction::DEFAULT;
    // SAFETY: the kernel reads one action, which installs no handler.
    unsafe { syscall!(Sysno::rt_sigaction, signal, &raw const action, 0, SET_SIZE) }.map(drop)
}

/// The signals by which others ask a process to end.
#[cfg(feature = "oci")]
pub const OF_ENDING: SignalSet = SignalSet::EMPTY
    .with(libc::SIGHUP)
    .with(libc::SIGINT)
    .with(libc::SIGQUIT)
    .with(libc::SIGTERM);

/// Lets [`OF_ENDING`] end this process until it executes a program, with a shell's exit code for that. The first one of a PID
/// namespace does not hear them otherwise (pid_namespaces(7)).
#[cfg(feature = "oci")]
pub fn end_when_asked(_: InChild) -> Result<(), Errno> {
    /// x86_64 gives no signal to a handler without a restorer; others have none, or need none. It would be for a return.
    const RESTORER: usize = 0x0400_0000;
    let handler = end as extern "C" fn(i32) -> !;
    let action = KernelAction {
        handler: handler as usize,
        flags: RESTORER,
        restorer: handler as usize,
        mask: SignalSet::FULL.0,
    };
    for signal in OF_ENDING.iter() {
        // SAFETY: the kernel reads one action. Its handler makes no use of whatever it interrupts, and never returns.
        unsafe { syscall!(Sysno::rt_sigaction, signal, &raw const action, 0, SET_SIZE) }?;
    }
    Ok(())
}

#[cfg(feature = "oci")]
extern "C" fn end(signal: i32) -> ! {
    process::exit(128i32.saturating_add(signal))
}

/// Makes `set` the signal mask, exactly.
pub fn set_blocked(set: SignalSet) -> Result<(), Errno> {
    // SAFETY: the kernel reads one 64-bit set.
    unsafe {
        syscall!(
            Sysno::rt_sigprocmask,
            libc::SIG_SETMASK,
            &raw const set.0,
            0,
            SET_SIZE
        )
    }
    .map(drop)
}

/// Blocks what a write can bring ([`OF_WRITES`]), and leaves the rest of the mask. For good: the signal of a write that
/// failed waits, and would end us later. (The command begins with an empty mask.)
#[cold]
#[inline(never)]
pub fn survive_writes() {
    let set = OF_WRITES;
    // SAFETY: the kernel reads one 64-bit set.
    let _ = unsafe {
        syscall!(
            Sysno::rt_sigprocmask,
            libc::SIG_BLOCK,
            &raw const set.0,
            0,
            SET_SIZE
        )
    };
}

/// Sends `signal` to ourselves and lets the kernel do what it does by default: for SIGTSTP to stop
/// us until SIGCONT, unless no one would be there to continue us. `blocked` is the mask, which the
/// signal is taken out of meanwhile.
pub fn act_by_default(signal: i32, blocked: SignalSet) {
    let one = SignalSet::EMPTY.with(signal);
    let _ = process::kill(process::id(), signal);
    // The pending signal is acted on before this call returns.
    let _ = set_blocked(blocked.without(one));
    let _ = set_blocked(blocked);
}

/// A signal that was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    pub number: i32,
    /// The kernel has sent it, and no process: a key of a terminal has, or its hangup or its new size.
    pub by_kernel: bool,
}

impl Taken {
    /// From the kernel's `siginfo_t`, which begins with the number, an errno and a code (sigaction(2)).
    fn new(details: &[i32]) -> Self {
        let word = |index: usize| details.get(index).copied().unwrap_or_default();
        Self {
            number: word(0),
            by_kernel: word(2) == libc::SI_KERNEL,
        }
    }
}

/// Waits for one of the blocked signals in `set` and takes it, for at most `longest`, if there is an end to it: `None` if none
/// came. It may return earlier, without one, too.
#[cold]
#[inline(never)]
pub fn wait_at_most(set: SignalSet, longest: Option<Duration>) -> Result<Option<Taken>, Errno> {
    wait_here(set, longest)
}

/// [`wait_at_most`], in the caller's own code.
#[inline(always)]
pub(super) fn wait_here(set: SignalSet, longest: Option<Duration>) -> Result<Option<Taken>, Errno> {
    let longest = longest.map(|longest| libc::timespec {
        tv_sec: i64::try_from(longest.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: i64::from(longest.subsec_nanos()),
    });
    let limit = longest
        .as_ref()
        .map_or(std::ptr::null(), std::ptr::from_ref);
    let mut details = [0i32; 32];
    loop {
        // SAFETY: the kernel reads one set and, if there is one, one timespec, and writes 128 bytes.
        match unsafe {
            syscall!(
                Sysno::rt_sigtimedwait,
                &raw const set.0,
                details.as_mut_ptr(),
                limit,
                SET_SIZE
            )
        } {
            Ok(_) => return Ok(Some(Taken::new(&details))),
            // After SIGSTOP and SIGCONT; see signal(7).
            Err(Errno::EINTR) if limit.is_null() => {}
            Err(Errno::EAGAIN | Errno::EINTR) => return Ok(None),
            Err(errno) => return Err(errno),
        }
    }
}

/// rt_sigqueueinfo(2). Real-time signals wait in a queue, so what others send takes nothing from it.
pub fn queue(pid: Pid, signal: i32) -> Result<(), Errno> {
    // The kernel's `siginfo_t`: signal, errno, code, and, behind a gap, the sender's number.
    let mut details = [0i32; 32];
    let own = process::id();
    let [first, _, code, _, sender, ..] = &mut details;
    (*first, *code, *sender) = (signal, libc::SI_QUEUE, own);
    // SAFETY: the kernel reads 128 bytes.
    unsafe { syscall!(Sysno::rt_sigqueueinfo, pid, signal, details.as_ptr()) }.map(drop)
}

/// As [`wait_at_most`] without an end, and which process says that it sent it, if it did so by [`queue`]; else 0.
pub fn wait_for_sender(set: SignalSet) -> Result<(i32, Pid), Errno> {
    // As in `queue`.
    let mut details = [0i32; 32];
    loop {
        // SAFETY: the kernel reads one set and writes 128 bytes; no time limit is asked for.
        let signal = unsafe {
            syscall!(
                Sysno::rt_sigtimedwait,
                &raw const set.0,
                details.as_mut_ptr(),
                0,
                SET_SIZE
            )
        };
        match signal {
            Ok(signal) => {
                let [_, _, code, _, sender, ..] = details;
                let queued = code == libc::SI_QUEUE;
                return Ok((signal as i32, if queued { sender } else { 0 }));
            }
            Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno),
        }
    }
}

/// signalfd(2): a descriptor that is readable when a blocked signal of `set` is pending.
pub fn descriptor(set: SignalSet) -> Result<OwnedFd, Errno> {
    // SAFETY: the kernel reads one set.
    let number = unsafe {
        syscall!(
            Sysno::signalfd4,
            -1isize,
            &raw const set.0,
            SET_SIZE,
            libc::SFD_CLOEXEC | libc::SFD_NONBLOCK
        )
    }?;
    Ok(descriptor::owned(number as i32))
}

/// Takes one pending signal from a [`descriptor()`], if there is one.
pub fn take(file: BorrowedFd<'_>) -> Result<Option<Taken>, Errno> {
    let mut record = [0u8; size_of::<libc::signalfd_siginfo>()];
    match descriptor::read(file, &mut record) {
        // The record begins as the `siginfo_t` does (signalfd(2)).
        Ok(_) => {
            let mut details = [0i32; 3];
            for (word, bytes) in details.iter_mut().zip(record.chunks_exact(4)) {
                *word = i32::from_ne_bytes(bytes.try_into().unwrap_or_default());
            }
            Ok(Some(Taken::new(&details)))
        }
        Err(Errno::EAGAIN | Errno::EINTR) => Ok(None),
        Err(errno) => Err(errno),
    }
}

/// From here on, what can be read from `socket` is told of by SIGCHLD, and its end too (fcntl(2), F_SETSIG); and what has come
/// by now by the first one, which is sent here.
pub fn tell_as_of_a_child(socket: BorrowedFd<'_>) -> Result<(), Errno> {
    /// F_SETSIG, which not every C library names.
    const SET_SIGNAL: i32 = 10;
    let number = socket.as_raw_fd();
    let own = super::process::id();
    let set = |what: i32, value: i32| {
        // SAFETY: no pointers. What these three change of a descriptor is how its owner is told.
        unsafe { syscall!(Sysno::fcntl, number, what, value) }.map(drop)
    };
    set(libc::F_SETOWN, own)?;
    set(SET_SIGNAL, libc::SIGCHLD)?;
    set(libc::F_SETFL, libc::O_ASYNC | libc::O_NONBLOCK)?;
    super::process::kill(own, libc::SIGCHLD)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets() {
        let set = SignalSet::EMPTY.with(libc::SIGHUP).with(64);
        assert_eq!(set.0, 1 | 1 << 63);
        assert_eq!(set.iter().collect::<Vec<_>>(), [1, 64]);
        assert!(!set.without(set).contains(1));
        assert!(SignalSet::FULL.contains(libc::SIGSYS));
    }
}
