//! Cgroups: what limits a container as a whole, made before the clone and removed after the wait.
//!
//! ```text
//! layout          which hierarchies there are, and where we are in each: texts in, data out
//! settings        what is written for each limit: limits in, files and values out
//! assign          which hierarchies have something to do
//! asker           who asks, and what they are told
//! parent          the cgroup below which the container's is made
//! directory       a cgroup's directory: made, locked, written, removed
//! group           the container's cgroups, one in each hierarchy that has something to limit
//! entry           the way into those of a container that runs
//! fill            what a new one is filled with
//! record          what is written down of them, for other processes
//! opened          those of a container that runs, by that record: frozen, killed, counted
//! request         the cgroups that a container needs: made, or previewed
//! foresee         which limits would be refused
//! sweep           those of containers whose mydocker was killed
//! usage           what a cgroup has counted
//! processor_time  of that the time, for who asks while the container runs
//! ```
//!
//! The container is in its cgroups from its first instruction: v2 bears it there (`CLONE_INTO_CGROUP`), and
//! in v1 its first process joins before it does anything else. It joins in v2 too where a birth would not apply the
//! cgroup's processors and memory nodes (`assign::is_born`). No one writes to `cgroup.procs` where there is another
//! way: that waits for an RCU grace period, 7 to 20 ms on a machine at rest.
//!
//! Nothing is kept about them elsewhere, no file and no daemon: a cgroup is named `mydocker-` and twelve
//! hexadecimal digits, and mydocker has it locked for as long as it lives (`locks.rs`): by a lock of its user's,
//! for the directory can be read, and locked, by everyone.

mod asker;
mod assign;
mod directory;
mod entry;
mod fill;
mod foresee;
mod group;
mod layout;
mod opened;
mod parent;
mod processor_time;
mod record;
mod request;
mod settings;
mod sweep;
mod usage;

pub use assign::BORN_WITH_CPUSET;
pub use directory::{Directory, Patience, remove_soon};
pub use entry::{Entry, entry};
pub use group::{Group, Join};
pub use layout::{Hierarchy, HierarchyMount, Layout, usual, usual_of};
pub use opened::{Load, MemoryLoad, Opened, looks_frozen};
pub use parent::Written;
pub use processor_time::ProcessorTime;
pub use record::Record;
pub use request::{Preview, Wanted};
pub use settings::Setting;
pub use sweep::clean_up;
pub use usage::Usage;

/// A controller that limits or counts something for us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Controller {
    Memory,
    Cpu,
    /// Of v1 alone; v2 counts processor time without one.
    CpuAccounting,
    Cpuset,
    Pids,
    Io,
    /// Of v1 alone; a cgroup of v2 can be frozen without one.
    Freezer,
}

impl Controller {
    pub const ALL: [Self; 7] = [
        Self::Memory,
        Self::Cpu,
        Self::CpuAccounting,
        Self::Cpuset,
        Self::Pids,
        Self::Io,
        Self::Freezer,
    ];

    pub fn v1_name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Cpu => "cpu",
            Self::CpuAccounting => "cpuacct",
            Self::Cpuset => "cpuset",
            Self::Pids => "pids",
            Self::Io => "blkio",
            Self::Freezer => "freezer",
        }
    }

    /// `None` where v2 has none.
    pub fn v2_name(self) -> Option<&'static str> {
        match self {
            Self::CpuAccounting | Self::Freezer => None,
            Self::Io => Some("io"),
            other => Some(other.v1_name()),
        }
    }
}

/// The two kinds of hierarchies; see cgroups(7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    V1,
    V2,
}
