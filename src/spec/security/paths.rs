//! What of /proc and /sys is the host's, whatever the namespace: docker's lists, in its default.

use crate::error::Error;
use std::ffi::{CStr, CString};

/// Below /proc: seen by no one in the container.
pub const MASKED_IN_PROC: [&CStr; 10] = [
    c"asound",
    c"acpi",
    // Counts every keystroke.
    c"interrupts",
    // The host's memory.
    c"kcore",
    c"keys",
    c"latency_stats",
    c"timer_list",
    c"timer_stats",
    c"sched_debug",
    c"scsi",
];

/// Below /proc: read and not written.
pub const READ_ONLY_IN_PROC: [&CStr; 5] = [c"bus", c"fs", c"irq", c"sys", c"sysrq-trigger"];

/// Below /sys.
pub const MASKED_IN_SYS: [&CStr; 2] = [
    c"firmware",
    // Tells how much power was used, to the microsecond, and by that what others compute.
    c"devices/virtual/powercap",
];

/// What proc can be mounted with, by podman's `proc-opts`.
///
/// Errors: an option that is none of proc's.
pub(super) fn proc_options(typed: &[u8]) -> Result<CString, Error> {
    let known: [(&[u8], &[&[u8]]); 2] = [
        // Numbers before Linux 5.8, names or numbers since.
        (
            b"hidepid",
            &[
                b"0",
                b"1",
                b"2",
                b"4",
                b"off",
                b"noaccess",
                b"invisible",
                b"ptraceable",
            ],
        ),
        (b"subset", &[b"pid"]),
    ];
    for option in typed.split(|byte| *byte == b',') {
        let mut halves = option.splitn(2, |byte| *byte == b'=');
        let (name, value) = (halves.next(), halves.next());
        let is_known = |(known, values): &(&[u8], &[&[u8]])| {
            name == Some(known) && value.is_some_and(|value| values.contains(&value))
        };
        let is_group = name == Some(b"gid")
            && value.is_some_and(|value| !value.is_empty() && value.iter().all(u8::is_ascii_digit));
        if !is_group && !known.iter().any(is_known) {
            return Err(Error::refused(
                [b"--security-opt proc-opts=", typed].concat(),
                "proc takes hidepid=0, 1, 2 or 4, gid=N and subset=pid, see proc(5)",
            ));
        }
    }
    CString::new(typed).map_err(|_| Error::refused("--security-opt proc-opts", "it has a NUL"))
}
