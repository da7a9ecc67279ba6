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

/// mktime(3): seconds from 1970 to a date (year, month, day) and a time (hour, minute, second) as clocks show them here,
/// which TZ or /etc/localtime says. `None` if they are out of range.
///
/// The call reads the environment, which no other thread may change meanwhile; nothing in this program does.
#[cold]
#[inline(never)]
pub fn of_this_place(
    [year, month, day]: [u32; 3],
    [hour, minute, second]: [u32; 3],
) -> Option<i64> {
    let number = |number: u32| i32::try_from(number).ok();
    // SAFETY: all-zero bytes are a valid `tm`: integers, and a pointer that mktime(3) only writes.
    let mut time: libc::tm = unsafe { std::mem::zeroed() };
    time.tm_year = number(year)?.checked_sub(1900)?;
    time.tm_mon = number(month)?.checked_sub(1)?;
    time.tm_mday = number(day)?;
    time.tm_hour = number(hour)?;
    time.tm_min = number(minute)?;
    time.tm_sec = number(second)?;
    // Whether it is summer there, it is to find out.
    time.tm_isdst = -1;
    // SAFETY: the C library reads and writes one `tm`, which outlives the call.
    let seconds = unsafe { libc::mktime(&raw mut time) };
    // -1 is a second before 1970, too.
    (seconds != -1 || year < 1970).then_some(seconds)
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
