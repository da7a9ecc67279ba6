//! Processes: execve, exit, wait, kill, and the attributes that a plan sets.

use super::{Errno, Pid, arch};
use std::cell::Cell;
use std::ffi::{CStr, CString, c_char};
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use syscalls::{Sysno, syscall};

/// A null-terminated array of strings, as execve(2) wants argv and envp, ready before the clone.
pub struct StringArray {
    strings: Vec<CString>,
    pointers: Vec<*const c_char>,
    room: Option<Room>,
}

/// A string whose end is found out later.
struct Room {
    /// As it is until then.
    text: CString,
    /// How many bytes of it stay.
    kept: u32,
    bytes: Box<[Cell<u8>]>,
}

impl StringArray {
    pub fn new(strings: Vec<CString>) -> Self {
        Self::with_room(strings, None)
    }

    /// With one more string, of which so many bytes stay when it is filled.
    pub fn with_room(strings: Vec<CString>, room: Option<(CString, u32)>) -> Self {
        /// As much as the kernel takes of a path, and a name before it.
        const SIZE: usize = 4096;
        let room = room.map(|(text, kept)| {
            let mut bytes = vec![Cell::new(0); SIZE.max(text.count_bytes() + 1)];
            for (place, byte) in bytes.iter_mut().zip(text.to_bytes()) {
                place.set(*byte);
            }
            Room {
                text,
                kept,
                bytes: bytes.into(),
            }
        });
        let mut pointers: Vec<_> = strings.iter().map(|string| string.as_ptr()).collect();
        let last = room.as_ref().map(|room| room.bytes.as_ptr().cast());
        pointers.extend(last);
        pointers.push(std::ptr::null());
        Self {
            strings,
            pointers,
            room,
        }
    }

    pub fn strings(&self) -> &[CString] {
        &self.strings
    }

    /// What [`StringArray::with_room`] was given.
    pub fn room(&self) -> Option<(&CString, u32)> {
        self.room.as_ref().map(|room| (&room.text, room.kept))
    }

    /// Ends the string that there is room for with these bytes, if there is one and they fit in.
    pub fn fill(&self, end: &[u8]) {
        let Some(room) = &self.room else { return };
        let kept = usize::try_from(room.kept).unwrap_or(usize::MAX);
        let Some(places) = room.bytes.get(kept..) else {
            return;
        };
        // And a terminator.
        if end.len() < places.len() && !end.contains(&0) {
            for (place, byte) in places.iter().zip(end.iter().chain(&[0])) {
                place.set(*byte);
            }
        }
    }
}

impl PartialEq for StringArray {
    fn eq(&self, other: &Self) -> bool {
        self.strings == other.strings && self.room() == other.room()
    }
}

impl std::fmt::Debug for StringArray {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        (&self.strings, self.room()).fmt(f)
    }
}

/// execve(2), through libc. Returns only if it failed. Safe in the child, as [`super::mount`] is.
pub fn execve(file: &CStr, arguments: &StringArray, environment: &StringArray) -> Errno {
    // SAFETY: the file is NUL-terminated; a `StringArray` holds pointers to strings that it owns
    // itself, and ends with a null one. A CString's bytes do not move when the array does.
    let returned = unsafe {
        libc::execve(
            file.as_ptr(),
            arguments.pointers.as_ptr(),
            environment.pointers.as_ptr(),
        )
    };
    match returned {
        // The kernel never does; a filter can (SECCOMP_RET_ERRNO with 0), and denies it so.
        0 => Errno::EPERM,
        _ => Errno::last(),
    }
}

/// exit_group(2): ends the process at once, without handlers or destructors.
pub fn exit(code: i32) -> ! {
    // SAFETY: no pointers. The call does not return.
    let _ = unsafe { syscall!(Sysno::exit_group, code) };
    // But where a filter denies it. It may allow that of threads, of which there is one.
    // SAFETY: as above.
    let _ = unsafe { syscall!(Sysno::exit, code) };
    die()
}

/// Ends the process by a fault, for which no call is needed: the kernel delivers SIGILL for it even to a PID 1 and where
/// it is blocked or ignored (`force_sig_fault`). Nothing is dumped of a process that is not dumpable, as a child of
/// ours is by then.
#[cold]
#[inline(never)]
fn die() -> ! {
    arch::fault()
}

/// Ends the process by SIGABRT, or, as PID 1, which ignores it, by exit.
#[cfg(debug_assertions)]
pub(super) fn abort() -> ! {
    let _ = kill(id(), libc::SIGABRT);
    exit(134)
}

/// getpid(2).
pub fn id() -> Pid {
    // SAFETY: no pointers; never fails.
    unsafe { syscall!(Sysno::getpid) }.map_or(0, |pid| pid as Pid)
}

/// getppid(2).
pub fn parent_id() -> Pid {
    // SAFETY: no pointers; never fails.
    unsafe { syscall!(Sysno::getppid) }.map_or(0, |pid| pid as Pid)
}

/// kill(2).
pub fn kill(pid: Pid, signal: i32) -> Result<(), Errno> {
    // SAFETY: no pointers.
    unsafe { syscall!(Sysno::kill, pid, signal) }.map(drop)
}

/// pidfd_open(2): a descriptor that stays this process's, whoever gets its number later.
pub fn open(pid: Pid) -> Result<OwnedFd, Errno> {
    // SAFETY: no pointers; the descriptor is new, and close-on-exec by itself.
    let number = unsafe { syscall!(Sysno::pidfd_open, pid, 0) }?;
    Ok(super::descriptor::owned(number as i32))
}

/// [`open`] for the child, where nothing may be dropped: the caller closes it.
pub fn open_undropped(pid: Pid) -> Result<super::descriptor::Undropped, Errno> {
    // SAFETY: no pointers; the descriptor is new, and close-on-exec by itself.
    let number = unsafe { syscall!(Sysno::pidfd_open, pid, 0) }?;
    Ok(super::descriptor::Undropped::new(number as i32))
}

/// pidfd_send_signal(2): `signal` for the process that a pidfd is of, and for no other that has its number by now.
///
/// Errors: ESRCH once it has ended; ENOSYS before Linux 5.1.
pub fn signal(pidfd: BorrowedFd<'_>, signal: i32) -> Result<(), Errno> {
    // SAFETY: no pointers: without a siginfo the kernel makes kill(2)'s own.
    unsafe { syscall!(Sysno::pidfd_send_signal, pidfd.as_raw_fd(), signal, 0, 0) }.map(drop)
}

/// Another name of a pidfd of this number, close-on-exec.
pub fn duplicate_pidfd(number: i32) -> Result<OwnedFd, Errno> {
    // SAFETY: no pointers; a number that is not open is an errno.
    let copy = unsafe { syscall!(Sysno::fcntl, number, libc::F_DUPFD_CLOEXEC, 3) }?;
    Ok(super::descriptor::owned(copy as i32))
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// By itself, with this code.
    Exited(u8),
    /// By this signal.
    Signaled(i32),
}

impl Ended {
    /// What wait(2) answers.
    pub(super) fn from_status(status: i32) -> Self {
        if libc::WIFSIGNALED(status) {
            Self::Signaled(libc::WTERMSIG(status))
        } else {
            Self::Exited(libc::WEXITSTATUS(status) as u8)
        }
    }

    /// The code that shells report for it: the command's own, or 128 + signal.
    pub fn code(self) -> u8 {
        match self {
            Self::Exited(code) => code,
            Self::Signaled(signal) => 128u8.wrapping_add(signal as u8),
        }
    }
}

/// Whether a wait should wait.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Patience {
    Wait,
    Look,
}

/// wait4(2) for `pid`, or for any child with `None`: who ended and how, or `None` if no one has.
pub fn wait(pid: Option<Pid>, patience: Patience) -> Result<Option<(Pid, Ended)>, Errno> {
    let options = match patience {
        Patience::Wait => 0,
        Patience::Look => libc::WNOHANG,
    };
    let mut status = 0i32;
    loop {
        // SAFETY: the kernel writes one integer; no rusage is asked for.
        let result =
            unsafe { syscall!(Sysno::wait4, pid.unwrap_or(-1), &raw mut status, options, 0) };
        return match result {
            Ok(0) => Ok(None),
            Ok(pid) => Ok(Some((pid as Pid, Ended::from_status(status)))),
            Err(Errno::EINTR) => continue,
            Err(errno) => Err(errno),
        };
    }
}

/// As [`wait`] for any child, with what it has used, and the children that it has waited for. `None`: no one has ended, or there
/// is no one.
pub fn ended(patience: Patience) -> Result<Option<(Pid, Ended, ResourceUsage)>, Errno> {
    match wait_with_usage(None, patience) {
        Err(Errno::ECHILD) => Ok(None),
        ended => ended,
    }
}

/// As [`wait`], with what it has used, and the children that it has waited for.
pub fn wait_with_usage(
    pid: Option<Pid>,
    patience: Patience,
) -> Result<Option<(Pid, Ended, ResourceUsage)>, Errno> {
    let options = match patience {
        Patience::Wait => 0,
        Patience::Look => libc::WNOHANG,
    };
    let mut status = 0i32;
    let mut resource_usage = std::mem::MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: the kernel writes one integer and one rusage, which is libc's or a beginning of it.
    let result = unsafe {
        syscall!(
            Sysno::wait4,
            pid.unwrap_or(-1),
            &raw mut status,
            options,
            resource_usage.as_mut_ptr()
        )
    }?;
    if result == 0 {
        return Ok(None);
    }
    // SAFETY: all-zero bytes are a valid rusage, which is integers, and the kernel has filled it in.
    let resource_usage = unsafe { resource_usage.assume_init() };
    let used = ResourceUsage::from_kernel(&resource_usage);
    Ok(Some((result as Pid, Ended::from_status(status), used)))
}

/// What getrusage(2) tells of: times in microseconds, memory in KiB, and numbers.
#[derive(Clone, Copy, Debug, Default)]
pub struct ResourceUsage {
    pub user: i64,
    pub system: i64,
    /// The largest resident set of any of them.
    pub largest: i64,
    pub minor_faults: i64,
    pub major_faults: i64,
    pub voluntary_switches: i64,
    pub involuntary_switches: i64,
}

/// What the children that have been waited for have used, and theirs.
pub fn resource_usage_of_children() -> Result<ResourceUsage, Errno> {
    let mut resource_usage = std::mem::MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: the kernel writes one rusage, which is libc's or a beginning of it.
    unsafe {
        syscall!(
            Sysno::getrusage,
            libc::RUSAGE_CHILDREN,
            resource_usage.as_mut_ptr()
        )
    }?;
    // SAFETY: all-zero bytes are a valid rusage, which is integers, and the kernel has filled it in.
    let resource_usage = unsafe { resource_usage.assume_init() };
    Ok(ResourceUsage::from_kernel(&resource_usage))
}

impl ResourceUsage {
    fn from_kernel(told: &libc::rusage) -> Self {
        let microseconds = |time: libc::timeval| time.tv_sec * 1_000_000 + time.tv_usec;
        Self {
            user: microseconds(told.ru_utime),
            system: microseconds(told.ru_stime),
            largest: told.ru_maxrss,
            minor_faults: told.ru_minflt,
            major_faults: told.ru_majflt,
            voluntary_switches: told.ru_nvcsw,
            involuntary_switches: told.ru_nivcsw,
        }
    }
}

/// Raises this process's limit on descriptors to `wanted`, as far as it may, and returns it.
pub fn allow_descriptors(wanted: u64) -> Result<u64, Errno> {
    let limit = DESCRIPTORS;
    let [soft, hard] = limits(limit)?;
    if wanted <= soft {
        return Ok(soft);
    }
    // The kernel's `struct rlimit64`.
    let bounds = [wanted.min(hard), hard];
    // SAFETY: the kernel reads two words.
    unsafe { syscall!(Sysno::prlimit64, 0, limit, bounds.as_ptr(), 0) }?;
    Ok(bounds[0])
}

/// prlimit64(2) for this process: `resource` is libc's RLIMIT_*, `u64::MAX` no limit.
pub fn limit(resource: u32, soft: u64, hard: u64) -> Result<(), Errno> {
    // The kernel's `struct rlimit64`.
    let bounds = [soft, hard];
    // SAFETY: the kernel reads two words.
    unsafe { syscall!(Sysno::prlimit64, 0, resource, bounds.as_ptr(), 0) }.map(drop)
}

/// prlimit64(2): raises a limit's hard bound of another process to `hard`, if that is less. Its soft one stays.
pub fn raise_hard_limit(pid: Pid, resource: u32, hard: u64) -> Result<(), Errno> {
    let mut bounds = [0u64; 2];
    // SAFETY: the kernel writes two words.
    unsafe { syscall!(Sysno::prlimit64, pid, resource, 0, bounds.as_mut_ptr()) }?;
    if bounds[1] >= hard {
        return Ok(());
    }
    bounds[1] = hard;
    // SAFETY: the kernel reads two words.
    unsafe { syscall!(Sysno::prlimit64, pid, resource, bounds.as_ptr(), 0) }.map(drop)
}

/// The numbers of limits. (They are of another type in each C library.)
#[allow(clippy::unnecessary_cast)]
pub const DESCRIPTORS: u32 = libc::RLIMIT_NOFILE as u32;
#[allow(clippy::unnecessary_cast)]
pub const STACK: u32 = libc::RLIMIT_STACK as u32;
#[allow(clippy::unnecessary_cast)]
pub const ADDRESS_SPACE: u32 = libc::RLIMIT_AS as u32;
#[allow(clippy::unnecessary_cast)]
pub const LOCKED_MEMORY: u32 = libc::RLIMIT_MEMLOCK as u32;

/// prlimit64(2): the soft and the hard limit of this process, `u64::MAX` for none.
pub fn limits(resource: u32) -> Result<[u64; 2], Errno> {
    let mut bounds = [0u64; 2];
    // SAFETY: the kernel writes two words.
    unsafe { syscall!(Sysno::prlimit64, 0, resource, 0, bounds.as_mut_ptr()) }?;
    Ok(bounds)
}

/// setpgid(2): a new process group.
pub fn new_group() -> Result<(), Errno> {
    // SAFETY: no pointers.
    unsafe { syscall!(Sysno::setpgid, 0, 0) }.map(drop)
}

/// setsid(2): a new session without a controlling terminal.
pub fn new_session() -> Result<(), Errno> {
    // SAFETY: no pointers.
    unsafe { syscall!(Sysno::setsid) }.map(drop)
}

/// chdir(2).
pub fn change_directory(path: &CStr) -> Result<(), Errno> {
    // SAFETY: the path is NUL-terminated and outlives the call.
    unsafe { syscall!(Sysno::chdir, path.as_ptr()) }.map(drop)
}

/// Whether the working directory is below this process's root: a link of /proc may have led elsewhere.
///
/// Errors: EXDEV if it is not.
pub fn is_below_root() -> Result<(), Errno> {
    // The longest path that the kernel gives; of which the first byte is of interest.
    let mut path = [0u8; libc::PATH_MAX as usize];
    // SAFETY: the kernel writes up to as many bytes as the buffer has.
    unsafe { syscall!(Sysno::getcwd, path.as_mut_ptr(), path.len()) }?;
    // "(unreachable)" stands before any other (getcwd(2)).
    match path.first() {
        Some(b'/') => Ok(()),
        _ => Err(Errno::EXDEV),
    }
}

/// personality(2): Linux' own, without any of the flags.
pub fn usual_personality() -> Result<(), Errno> {
    // SAFETY: no pointers.
    unsafe { syscall!(Sysno::personality, 0) }.map(drop)
}

/// personality(2): another one, by the kernel's number.
pub fn set_personality(personality: u32) -> Result<(), Errno> {
    // SAFETY: no pointers.
    unsafe { syscall!(Sysno::personality, personality) }.map(drop)
}

/// umask(2). It fails only where a filter denies it.
pub fn set_umask(mask: u32) -> Result<(), Errno> {
    // SAFETY: no pointers.
    unsafe { syscall!(Sysno::umask, mask) }.map(drop)
}

/// sethostname(2), for the UTS namespace of the caller.
pub fn set_hostname(name: &[u8]) -> Result<(), Errno> {
    // SAFETY: the kernel reads `len` bytes.
    unsafe { syscall!(Sysno::sethostname, name.as_ptr(), name.len()) }.map(drop)
}

/// setdomainname(2), for the UTS namespace of the caller.
pub fn set_domain_name(name: &[u8]) -> Result<(), Errno> {
    // SAFETY: the kernel reads `len` bytes.
    unsafe { syscall!(Sysno::setdomainname, name.as_ptr(), name.len()) }.map(drop)
}

/// `PR_SET_PDEATHSIG`: SIGKILL for us when the thread that made us ends. The kernel forgets it
/// when credentials change, so it comes after those.
pub fn die_with_parent() -> Result<(), Errno> {
    prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL as usize)
}

/// `PR_SET_PDEATHSIG` with another signal, for who has something to do first.
pub fn hear_of_parents_death(signal: i32) -> Result<(), Errno> {
    prctl(libc::PR_SET_PDEATHSIG, signal as usize)
}

/// `PR_SET_NO_NEW_PRIVS`: execve grants nothing (set-user-ID bits, file capabilities) any more.
pub fn no_new_privileges() -> Result<(), Errno> {
    prctl(libc::PR_SET_NO_NEW_PRIVS, 1)
}

/// `PR_SET_DUMPABLE` 0: no one without CAP_SYS_PTRACE over our memory's own user namespace may
/// attach to us or read our memory.
pub fn not_dumpable() -> Result<(), Errno> {
    prctl(libc::PR_SET_DUMPABLE, 0)
}

/// `PR_SET_DUMPABLE` 1, as execve leaves it: our files in /proc are our user's again, and those of a child that shares
/// our memory.
pub fn dumpable() -> Result<(), Errno> {
    prctl(libc::PR_SET_DUMPABLE, 1)
}

/// `PR_SET_CHILD_SUBREAPER`: orphans among our descendants become our children.
pub fn adopt_orphans() -> Result<(), Errno> {
    prctl(libc::PR_SET_CHILD_SUBREAPER, 1)
}

/// `PR_SET_NAME`: what ps(1) calls us; at most 15 bytes of it count.
pub fn set_name(name: &CStr) {
    // SAFETY: the kernel reads up to 16 bytes, or up to the NUL. It cannot fail otherwise.
    let _ = unsafe { syscall!(Sysno::prctl, libc::PR_SET_NAME, name.as_ptr(), 0, 0, 0) };
}

fn prctl(option: i32, value: usize) -> Result<(), Errno> {
    // SAFETY: the options above take integers, and zeros for the rest.
    unsafe { syscall!(Sysno::prctl, option, value, 0, 0, 0) }.map(drop)
}
