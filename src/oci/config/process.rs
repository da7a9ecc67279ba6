//! A process: that of config.json, and that of `exec --process`.

use crate::sys::capability::CapabilitySet;
use std::ffi::CString;

#[derive(Clone, Debug, Default)]
pub struct Process {
    pub terminal: bool,
    pub console_size: Option<ConsoleSize>,
    pub user: User,
    /// At least one.
    pub arguments: Vec<CString>,
    /// `NAME=value` each.
    pub environment: Vec<CString>,
    /// Absolute.
    pub working_directory: CString,
    /// `None`: not given; the process has none then.
    pub capabilities: Option<CapabilitySets>,
    /// Names among them that mydocker does not know, each once, for a warning.
    pub unknown_capabilities: Vec<String>,
    pub resource_limits: Vec<ResourceLimit>,
    pub no_new_privileges: bool,
    pub apparmor_profile: Option<CString>,
    pub selinux_label: Option<CString>,
    /// From -1000 to 1000.
    pub oom_score_adjustment: Option<i32>,
    pub scheduler: Option<Scheduler>,
    pub io_priority: Option<IoPriority>,
    pub cpu_affinity: Option<ExecCpuAffinity>,
}

impl Process {
    /// What bounds the capabilities of all that comes of it.
    pub fn bounding(&self) -> CapabilitySet {
        let sets = self.capabilities;
        sets.map_or(CapabilitySet::NONE, |sets| sets.bounding)
    }
}

/// Of a terminal, in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConsoleSize {
    pub height: u16,
    pub width: u16,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct User {
    pub id: u32,
    pub group: u32,
    pub umask: Option<u32>,
    pub additional_groups: Vec<u32>,
}

/// The five sets of capabilities(7). Names that no kernel has are left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CapabilitySets {
    pub bounding: CapabilitySet,
    pub effective: CapabilitySet,
    pub permitted: CapabilitySet,
    pub inheritable: CapabilitySet,
    pub ambient: CapabilitySet,
}

/// setrlimit(2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResourceLimit {
    /// RLIMIT_NOFILE and so on.
    pub resource: u32,
    pub soft: u64,
    pub hard: u64,
}

/// sched_setattr(2): numbers as the kernel has them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scheduler {
    pub policy: u32,
    pub nice: i32,
    pub priority: u32,
    pub flags: u64,
    /// Nanoseconds, as are the next.
    pub runtime: u64,
    pub deadline: u64,
    pub period: u64,
}

/// ioprio_set(2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IoPriority {
    /// IOPRIO_CLASS_RT (1), IOPRIO_CLASS_BE (2), IOPRIO_CLASS_IDLE (3).
    pub class: u32,
    /// From 0 to 7.
    pub level: u32,
}

/// On which processors a process of `exec` is before, and when, it is in the container's cgroup: lists as cpuset(7) has them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExecCpuAffinity {
    pub initial: Option<String>,
    pub last: Option<String>,
}
