//! Capabilities that are asked for and cannot be given: names that are no kernel's, what this kernel does not have, and what
//! mydocker does not have itself. The process goes without them, and the log has a warning, as the specification wants it
//! (config.md, `capabilities`).

use crate::log::{Level, Log};
use crate::oci::config::Process;
use crate::sys::capability::{self, CapabilitySet};

/// What a process can be given. In a user namespace of the container's own that is whatever the kernel has.
pub fn grantable(has_own_users: bool) -> CapabilitySet {
    let own = match has_own_users {
        true => CapabilitySet::ALL,
        // If the kernel does not tell, it refuses later.
        false => capability::permitted().unwrap_or(CapabilitySet::ALL),
    };
    own.common(capability::known())
}

/// Tells what `process` has to do without.
pub fn warn(process: &Process, grantable: CapabilitySet, log: &Log) {
    let mut names = process.unknown_capabilities.clone();
    if let Some(sets) = process.capabilities {
        let asked = [
            sets.permitted,
            sets.effective,
            sets.inheritable,
            sets.ambient,
        ];
        let asked = asked
            .into_iter()
            .fold(CapabilitySet::NONE, CapabilitySet::and);
        let left_out = asked.without(grantable);
        let all = (0..).map_while(|number| Some((number, capability::name(number)?)));
        let left_out = all.filter(|(number, _)| left_out.contains(*number));
        names.extend(left_out.map(|(_, name)| format!("CAP_{name}")));
    }
    if !names.is_empty() {
        tell(&names, log);
    }
    if let Some(sets) = process.capabilities {
        // capabilities(7): what is ambient is permitted and inheritable.
        let may_be = sets.permitted.common(sets.inheritable);
        tell_ambient(sets.ambient.common(grantable).without(may_be), log);
    }
}

/// Tells what cannot be raised: as in runc, the process runs without it.
fn tell_ambient(missing: CapabilitySet, log: &Log) {
    let missing = (0..64).filter(|number| missing.contains(*number));
    for name in missing.filter_map(capability::name) {
        let message = format!(
            "can't raise ambient capability CAP_{name}: it is not both permitted and inheritable"
        );
        log.write(Level::Warn, message.as_bytes(), &[]);
    }
}

#[cold]
#[inline(never)]
fn tell(names: &[String], log: &Log) {
    let message = format!(
        "ignoring unknown or unavailable capabilities: [{}]",
        names.join(" ")
    );
    log.write(Level::Warn, message.as_bytes(), &[]);
}
