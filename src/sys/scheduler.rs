//! How a process is scheduled: sched_setattr(2) and ioprio_set(2).

use super::Errno;
use std::os::fd::AsFd;
use syscalls::{Sysno, syscall};

/// What sched_setattr(2) takes: policy and flags as the kernel numbers them, times in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scheduling {
    pub policy: u32,
    pub flags: u64,
    pub nice: i32,
    pub priority: u32,
    pub runtime: u64,
    pub deadline: u64,
    pub period: u64,
}

/// The kernel's `struct sched_attr`, of the size that it had first (SCHED_ATTR_SIZE_VER0), which every kernel knows.
#[repr(C)]
struct Attributes {
    size: u32,
    policy: u32,
    flags: u64,
    nice: i32,
    priority: u32,
    runtime: u64,
    deadline: u64,
    period: u64,
}

/// sched_setattr(2), of this thread.
///
/// Errors: EPERM without CAP_SYS_NICE for what is more than others have; EINVAL for what the kernel does not know.
pub fn set(scheduling: &Scheduling) -> Result<(), Errno> {
    let Scheduling {
        policy,
        flags,
        nice,
        priority,
        runtime,
        deadline,
        period,
    } = *scheduling;
    let attributes = Attributes {
        size: size_of::<Attributes>() as u32,
        policy,
        flags,
        nice,
        priority,
        runtime,
        deadline,
        period,
    };
    // SAFETY: the kernel reads as many bytes as the first field says, which is the size of the struct.
    unsafe { syscall!(Sysno::sched_setattr, 0, &raw const attributes, 0) }.map(drop)
}

/// What else of this thread's a child has of it by birth, beside its niceness, as numbers to compare: policy, flags and real-time
/// priority (sched_getattr(2)), that of its input and output (ioprio_get(2)), the timer slack, the securebits and whether
/// large pages are off (prctl(2)).
pub fn inherited() -> [Result<usize, Errno>; 7] {
    let mut attributes = Attributes {
        size: size_of::<Attributes>() as u32,
        policy: 0,
        flags: 0,
        nice: 0,
        priority: 0,
        runtime: 0,
        deadline: 0,
        period: 0,
    };
    let size = size_of::<Attributes>();
    // SAFETY: the kernel writes as many bytes as it is told, which is the size of the struct.
    let told = unsafe { syscall!(Sysno::sched_getattr, 0, &raw mut attributes, size, 0) };
    let told = |value: u64| told.map(|_| value as usize);
    // SAFETY: no pointers.
    let control = |operation: i32| unsafe { syscall!(Sysno::prctl, operation, 0, 0, 0, 0) };
    [
        told(attributes.policy.into()),
        told(attributes.flags),
        told(attributes.priority.into()),
        // SAFETY: no pointers. (The second is IOPRIO_WHO_PROCESS.)
        unsafe { syscall!(Sysno::ioprio_get, 1, 0) },
        control(libc::PR_GET_TIMERSLACK),
        control(libc::PR_GET_SECUREBITS),
        control(libc::PR_GET_THP_DISABLE),
    ]
}

/// ioprio_set(2), of this thread: a class, and the level in it.
pub fn set_io_priority(class: u32, level: u32) -> Result<(), Errno> {
    const PROCESS: usize = 1; // IOPRIO_WHO_PROCESS
    const CLASS_SHIFT: u32 = 13; // IOPRIO_CLASS_SHIFT
    // SAFETY: no pointers.
    unsafe { syscall!(Sysno::ioprio_set, PROCESS, 0, class << CLASS_SHIFT | level) }.map(drop)
}

/// getpriority(2) of this process, as the kernel itself tells it: from 40, the most favourable, down to 1.
pub fn nice() -> Result<u32, Errno> {
    // SAFETY: no pointers.
    unsafe { syscall!(Sysno::getpriority, 0, 0) }.map(|nice| nice as u32)
}

/// sched_yield(2): whoever else wants this processor has it first.
pub fn give_way() {
    // SAFETY: no pointers. It never fails.
    let _ = unsafe { syscall!(Sysno::sched_yield) };
}

/// setpriority(2) of this process, to what [`nice`] has told of another.
///
/// Errors: EACCES if it would be more favourable than it is, without CAP_SYS_NICE.
pub fn set_nice(told: u32) -> Result<(), Errno> {
    let nice = 20i32.saturating_sub(told as i32);
    // SAFETY: no pointers.
    unsafe { syscall!(Sysno::setpriority, 0, 0, nice) }.map(drop)
}

/// How many tasks run or wait for a processor, this one among them, as /proc/loadavg tells: `0.43 1.50 2.03 1/186 4711`.
pub fn running_tasks() -> Option<usize> {
    let mut line = [0; 64];
    let file = super::descriptor::open(c"/proc/loadavg", libc::O_RDONLY, 0).ok()?;
    let length = super::descriptor::read(file.as_fd(), &mut line).ok()?;
    let field = line.get(..length)?.split(|byte| *byte == b' ').nth(3)?;
    let digits = field.split(|byte| *byte == b'/').next()?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}
