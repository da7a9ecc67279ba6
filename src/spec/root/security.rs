//! What of /proc and /sys is the host's, whatever the namespace: docker's lists, in its default.

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

/// What a container is kept from in a root of its own. Beside what is mounted it decides how.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RootSecurity {
    /// Whether parts of /proc and /sys are hidden or only to be read.
    pub restricted_paths: bool,
    /// Below /sys, what else is hidden. The runtime knows.
    pub throttles: Vec<CString>,
    /// What /proc is mounted with.
    pub proc_options: CString,
    /// Whether everything is to be as the caller has it.
    pub privileged: bool,
}
