//! Names of what the kernel has as bits.

use crate::sys::MountFlags;
use crate::sys::capability::{self, CapabilitySet};

/// mount(2)'s flags as mount(8) has them, as far as those have names there.
pub fn flags(flags: MountFlags) -> String {
    let all = [
        (MountFlags::READONLY, "ro"),
        (MountFlags::NOSUID, "nosuid"),
        (MountFlags::NODEV, "nodev"),
        (MountFlags::NOEXEC, "noexec"),
        (MountFlags::NOATIME, "noatime"),
        (MountFlags::STRICTATIME, "strictatime"),
        (MountFlags::PRIVATE, "private"),
        (MountFlags::SLAVE, "slave"),
        (MountFlags::SHARED, "shared"),
        (MountFlags::MOVE, "move"),
        (MountFlags::REMOUNT, "remount"),
        (MountFlags::BIND, "bind"),
        (MountFlags::RECURSIVE, "recursive"),
    ];
    let mut rest = flags;
    let mut names = Vec::new();
    for (flag, name) in all {
        if flags.contains(flag) {
            names.push(name.to_owned());
            rest = rest.without(flag);
        }
    }
    if rest != MountFlags::NONE {
        names.push(format!("{:#x}", rest.0));
    }
    if names.is_empty() {
        "none".to_owned()
    } else {
        names.join(",")
    }
}

pub fn capabilities(set: CapabilitySet) -> String {
    if set == CapabilitySet::ALL {
        return "all that the caller has".to_owned();
    }
    let known = (0..64u8).filter(|number| set.contains(*number));
    let names: Vec<&str> = known.filter_map(capability::name).collect();
    if names.is_empty() {
        "none".to_owned()
    } else {
        names.join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let both = MountFlags::NOSUID.and(MountFlags::READONLY);
        assert_eq!(flags(both), "ro,nosuid");
        assert_eq!(flags(MountFlags(1 << 60)), "0x1000000000000000");
        assert_eq!(flags(MountFlags::NONE), "none");
        assert_eq!(capabilities(CapabilitySet(0b11)), "CHOWN DAC_OVERRIDE");
        assert_eq!(capabilities(CapabilitySet::NONE), "none");
    }
}
