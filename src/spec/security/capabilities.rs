//! `--cap-add`, `--cap-drop`: what a container's root is allowed of what root is.

use crate::docker::RunArgs;
use crate::error::Error;

use crate::sys::capability::{self, CapabilitySet};
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;

/// What docker's containers have: what programs that begin as root need to become someone else, to
/// own files and to serve, and nothing that reaches the host.
pub const DEFAULT: CapabilitySet = CapabilitySet::NONE
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
    /// For a command that is run by `user`, as the container sees them. Docker's rules: what is added wins over
    /// what is dropped, but for ALL, which the other option takes from, or adds to.
    ///
    /// Errors: a name that is no capability's.
    #[cold]
    #[inline(never)]
    pub fn new(
        added: &[OsString],
        dropped: &[OsString],
        privileged: bool,
        user: u32,
    ) -> Result<Self, Error> {
        let added = Named::read("--cap-add", added)?;
        let dropped = Named::read("--cap-drop", dropped)?;
        let basis = if privileged {
            CapabilitySet::ALL
        } else {
            DEFAULT
        };
        let bounding = if added.all {
            CapabilitySet::ALL.without(dropped.set)
        } else if dropped.all {
            added.set
        } else {
            basis.without(dropped.set).and(added.set)
        };
        let required = added.set.common(bounding);
        let wanted = match (user, added.all) {
            (0, _) | (_, true) => bounding,
            _ => required,
        };
        Ok(Self {
            bounding,
            held: wanted,
            required,
            ambient: user != 0,
        })
    }

    /// The capabilities that the arguments ask for.
    pub fn asked(arguments: &RunArgs, user: u32) -> Result<Self, Error> {
        Self::new(
            &arguments.added_capabilities,
            &arguments.dropped_capabilities,
            arguments.privileged,
            user,
        )
    }

    /// Whether everything is left as the caller has it.
    pub fn are_callers(&self) -> bool {
        self.held == CapabilitySet::ALL && !self.ambient
    }
}

/// What one of the options names, all its uses together.
#[derive(Default)]
struct Named {
    set: CapabilitySet,
    all: bool,
}

impl Named {
    fn read(option: &str, values: &[OsString]) -> Result<Self, Error> {
        let mut named = Self::default();
        let words = values
            .iter()
            .flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
        for word in words {
            let upper = word.to_ascii_uppercase();
            let name = upper.strip_prefix(b"CAP_").unwrap_or(&upper);
            if name == b"ALL" {
                named.all = true;
                continue;
            }
            let Some(number) = capability::number(name) else {
                return Err(Error::refused(
                    [option.as_bytes(), b" ", word].concat(),
                    "there is no such capability; see capabilities(7), or ALL",
                ));
            };
            named.set = named.set.with(number);
        }
        Ok(named)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new(added: &[&str], dropped: &[&str], user: u32) -> Capabilities {
        let words = |words: &[&str]| words.iter().map(OsString::from).collect::<Vec<_>>();
        Capabilities::new(&words(added), &words(dropped), false, user).unwrap()
    }

    fn set(numbers: &[u8]) -> CapabilitySet {
        let with = |set: CapabilitySet, number: &u8| set.with(*number);
        numbers.iter().fold(CapabilitySet::NONE, with)
    }

    #[test]
    fn dockers_default() {
        let capabilities = new(&[], &[], 0);
        assert_eq!(capabilities.bounding, CapabilitySet(0xa804_25fb));
        assert_eq!(capabilities.held, capabilities.bounding);
        assert!(!capabilities.ambient && !capabilities.are_callers());
        // As another user: none.
        let capabilities = new(&[], &[], 7);
        assert_eq!(capabilities.bounding, DEFAULT);
        assert_eq!(capabilities.held, CapabilitySet::NONE);
    }

    #[test]
    fn added_and_dropped() {
        for (added, dropped, expected) in [
            (&["SYS_ADMIN"][..], &[][..], DEFAULT.with(21)),
            (&["cap_sys_admin,CAP_bpf"], &[], DEFAULT.with(21).with(39)),
            (&[], &["chown", "SYS_TIME"], DEFAULT.without(set(&[0]))),
            (&[], &["ALL"], CapabilitySet::NONE),
            (&["CHOWN"], &["all"], set(&[0])),
            (&["CHOWN"], &["CHOWN"], DEFAULT),
            (&["ALL"], &["CHOWN"], CapabilitySet::ALL.without(set(&[0]))),
            (&["ALL"], &["ALL"], CapabilitySet::ALL),
        ] {
            let capabilities = new(added, dropped, 0);
            assert_eq!(capabilities.bounding, expected, "{added:?} {dropped:?}");
            assert_eq!(capabilities.held, expected, "{added:?} {dropped:?}");
        }
        assert_eq!(new(&["CHOWN"], &[], 0).required, set(&[0]));
        let capabilities = new(&["CHOWN"], &["ALL"], 7);
        assert!(capabilities.ambient);
        assert_eq!(capabilities.held, set(&[0]));
    }

    #[test]
    fn unknown_names() {
        let added = ["NET_ADMIN".into(), "NET_ADMN".into()];
        let error = Capabilities::new(&added, &[], false, 0).unwrap_err();
        assert!(error.to_string().starts_with("--cap-add NET_ADMN: there"));
        assert!(Capabilities::new(&[], &["".into()], false, 0).is_err());
    }
}
