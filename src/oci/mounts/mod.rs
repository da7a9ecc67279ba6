//! What a container sees of files: its root, what is mounted in it, devices, and what is hidden or only to be read. From
//! config.json to steps, in runc's order, on which hooks rely:
//!
//! ```text
//! before_gate   propagation of /, the root, mounts in their order, devices, links
//!                 ◀─ gate `runtime`: prestart and createRuntime hooks, which may mount more in the root, and write to it
//!                 ◀─ createContainer hooks
//! enter         pivot_root; the terminal, on the container's own devpts, and /dev/console
//!                 ◀─ host name, sysctls: /proc/sys is still writable
//! restrict      read-only tmpfs, /dev and /; masked and read-only paths; propagation of the new /
//! ```

use super::config::Config;
use crate::error::Error;
use crate::plan::Step;
use std::ffi::CString;
use std::os::fd::OwnedFd;
use std::path::Path;

/// What the mounts depend on, and config.json does not tell.
pub struct Surroundings<'a> {
    /// Whether the root is entered by pivot_root(2); with `--no-pivot` it is not.
    pub pivots: bool,
    /// Where the container is in each hierarchy of cgroups, as far as that is not where the runtime is.
    pub cgroups: &'a [CgroupDirectory],
}

/// The container's cgroup in one hierarchy.
pub struct CgroupDirectory {
    /// Where the hierarchy is mounted: "/sys/fs/cgroup/memory".
    pub hierarchy: CString,
    /// The cgroup: "/sys/fs/cgroup/memory/pod/container".
    pub path: CString,
}

/// The steps, in three parts, between which there is something to be done.
pub struct Mounts {
    /// Until everything is mounted; / is still the host's.
    pub before_gate: Vec<Step>,
    /// The root is entered; the terminal, if there is one (`Step::StandardTerminal` and `ControllingTerminal` are not among
    /// them).
    pub enter: Vec<Step>,
    /// What is hidden and read-only from here on. After sysctls.
    pub restrict: Vec<Step>,
    /// Mounts that are handed in, by slot (`child::Descriptors::premounted`, `InitPlan::premounted`).
    pub premounted: Vec<OwnedFd>,
}

/// The steps for what `config` asks for; `bundle` is the absolute path of the directory that relative paths are below.
pub fn steps(
    _config: &Config,
    _bundle: &Path,
    _surroundings: &Surroundings<'_>,
) -> Result<Mounts, Error> {
    Err(Error::told("mounts are not built yet"))
}
