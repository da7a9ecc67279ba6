//! The part `linux.resources` of config.json: what a container may use. `None`, and nothing in a list: not asked for. Of
//! numbers that the specification writes as signed ones -1 is no limit.

use crate::sys::device::Device;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resources {
    /// In their order: the last one that fits is what holds.
    pub devices: Vec<DeviceRule>,
    pub memory: Memory,
    pub cpu: Cpu,
    /// Less than 0: no limit. 0 is one that no process fits in; the least that is set is 1, as runc has it.
    pub processes: Option<i64>,
    pub block_io: BlockIo,
    /// Page size as the kernel writes it ("2MB"), bytes.
    pub huge_pages: Vec<(String, u64)>,
    pub network: Network,
    /// Files of cgroup v2, written as they are.
    pub unified: Vec<(String, String)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeviceRule {
    pub allow: bool,
    /// `None`: both kinds.
    pub kind: Option<super::DeviceKind>,
    /// `None`: all of them, as are the minor ones.
    pub major: Option<u32>,
    pub minor: Option<u32>,
    pub read: bool,
    pub write: bool,
    pub make: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// Bytes.
    pub limit: Option<i64>,
    pub reservation: Option<i64>,
    /// Memory and swap together.
    pub swap: Option<i64>,
    pub kernel: Option<i64>,
    pub kernel_tcp: Option<i64>,
    pub swappiness: Option<u64>,
    pub disable_oom_killer: Option<bool>,
    pub use_hierarchy: Option<bool>,
    pub check_before_update: Option<bool>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cpu {
    pub shares: Option<u64>,
    /// Microseconds.
    pub quota: Option<i64>,
    pub burst: Option<u64>,
    pub period: Option<u64>,
    pub realtime_runtime: Option<i64>,
    pub realtime_period: Option<u64>,
    pub processors: Option<String>,
    pub memory_nodes: Option<String>,
    pub idle: Option<i64>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BlockIo {
    pub weight: Option<u16>,
    pub leaf_weight: Option<u16>,
    pub weights: Vec<DeviceWeight>,
    pub throttles: Vec<Throttle>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeviceWeight {
    pub device: Device,
    pub weight: Option<u16>,
    pub leaf_weight: Option<u16>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Throttle {
    pub device: Device,
    pub of: Throttled,
    /// Bytes or operations in each second.
    pub rate: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Throttled {
    ReadBytes,
    WriteBytes,
    ReadOperations,
    WriteOperations,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Network {
    pub class: Option<u32>,
    /// Interface, priority.
    pub priorities: Vec<(String, u32)>,
}
