//! What a container's root is allowed of what root is.

use crate::sys::capability::{self, CapabilitySet};

/// What docker's containers have: what programs that begin as root need to become someone else, to
/// own files and to serve, and nothing that reaches the host.
pub const DEFAULT_CAPABILITIES: CapabilitySet = CapabilitySet::NONE
    .with(capability::CHOWN)
    .with(capability::DAC_OVERRIDE)
    .with(capability::FOWNER)
    .with(capability::FSETID)
    .with(capability::KILL)
    .with(capability::SETGID)
    .with(capability::SETUID)
    .with(capability::SETPCAP)
    .with(capability::NET_BIND_SERVICE)
    .with(capability::NET_RAW)
    .with(capability::SYS_CHROOT)
    .with(capability::MKNOD)
    .with(capability::AUDIT_WRITE)
    .with(capability::SETFCAP);

/// The capabilities of the command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Capabilities {
    /// The bounding set: what no process of the container can ever get beyond.
    pub bounding: CapabilitySet,
    /// What the command begins with, as far as the caller has it.
    pub held: CapabilitySet,
    /// The capabilities that were asked for by name: not to have them is an error.
    pub required: CapabilitySet,
    /// Whether they are ambient. A user other than 0 loses all others when the command is executed.
    pub ambient: bool,
}

impl Capabilities {
    /// Whether everything is left as the caller has it.
    pub fn are_callers(&self) -> bool {
        self.held == CapabilitySet::ALL && !self.ambient
    }
}
