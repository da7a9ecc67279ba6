//! clock_gettime(2), by a system call: the C library's way through the vDSO is faster and sets
//! itself up at its first use, and these clocks are read only when someone asked for times.

use syscalls::{Sysno, syscall};

/// Nanoseconds of CLOCK_MONOTONIC, which every process of the host sees alike.
pub fn monotonic() -> u64 {
    read(libc::CLOCK_MONOTONIC)
}

/// Nanoseconds that processors have spent on this process since it was made: also before its
/// execve, and in the C library's start-up.
pub fn spent() -> u64 {
    read(libc::CLOCK_PROCESS_CPUTIME_ID)
}

fn read(clock: libc::clockid_t) -> u64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: the kernel writes one timespec, which is libc's on x86_64 and arm64. These clocks are
    // always there.
    let _ = unsafe { syscall!(Sysno::clock_gettime, clock, &raw mut time) };
    (time.tv_sec as u64)
        .wrapping_mul(1_000_000_000)
        .wrapping_add(time.tv_nsec as u64)
}
