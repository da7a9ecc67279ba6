//! The part `linux` of config.json.

use super::{Resources, Seccomp};
use crate::sys::device::Device;
use std::ffi::CString;

#[derive(Debug, Default)]
pub struct Linux {
    pub namespaces: Vec<NamespaceOf>,
    pub user_mappings: Vec<IdMapping>,
    pub group_mappings: Vec<IdMapping>,
    /// For a new time namespace: clock ("monotonic", "boottime"), seconds, nanoseconds.
    pub time_offsets: Vec<TimeOffset>,
    pub devices: Vec<DeviceNode>,
    /// `None`: where the runtime would have it.
    pub cgroups_path: Option<String>,
    pub resources: Resources,
    pub root_propagation: Option<Propagation>,
    pub seccomp: Option<Seccomp>,
    /// Key as sysctl(8) has it, with dots or slashes; value.
    pub sysctls: Vec<(String, Vec<u8>)>,
    /// Absolute paths of the container's, as are the next.
    pub masked_paths: Vec<CString>,
    pub read_only_paths: Vec<CString>,
    pub mount_label: Option<CString>,
    pub personality: Option<Personality>,
    /// Network devices of the runtime's namespace: name, and name in the container.
    pub network_devices: Vec<(String, Option<String>)>,
}

/// A kind of namespace: one of the container's own, or the one of this path. What is not listed is the runtime's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamespaceOf {
    pub kind: NamespaceKind,
    pub path: Option<CString>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NamespaceKind {
    User,
    Mount,
    Pid,
    Uts,
    Ipc,
    Network,
    Cgroup,
    Time,
}

/// `count` ids, which begin with `container` inside and with `host` outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdMapping {
    pub container: u32,
    pub host: u32,
    pub count: u32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeOffset {
    pub clock: String,
    pub seconds: i64,
    pub nanoseconds: u32,
}

/// A device node that is to be in the container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceNode {
    /// Absolute.
    pub path: CString,
    pub kind: DeviceKind,
    /// Of a pipe 0, 0.
    pub device: Device,
    /// The permissions; 0666 if they are not given.
    pub mode: u32,
    pub user: u32,
    pub group: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceKind {
    Character,
    Block,
    Pipe,
}

/// Which mounts pass between a mount and its peers, mount_namespaces(7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Propagation {
    Private { recursive: bool },
    Slave { recursive: bool },
    Shared { recursive: bool },
    Unbindable { recursive: bool },
}

/// personality(2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Personality {
    Linux,
    Linux32,
}
