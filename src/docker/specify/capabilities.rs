//! `--cap-add`, `--cap-drop`: what a container's root is allowed of what root is.

use crate::docker::RunArgs;
use crate::error::Error;
use crate::spec::{Capabilities, DEFAULT_CAPABILITIES};
use crate::sys::capability::{self, CapabilitySet};
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;

/// The capabilities that the arguments ask for, for a command that is run by `user`, as the container sees them.
///
/// Errors: a name that is no capability's.
pub fn asked(arguments: &RunArgs, user: u32) -> Result<Capabilities, Error> {
    read(
        &arguments.added_capabilities,
        &arguments.dropped_capabilities,
        arguments.privileged,
        user,
    )
}

/// Docker's rules: what is added wins over what is dropped, but for ALL, which the other option takes from, or adds to.
#[cold]
#[inline(never)]
fn read(
    added: &[OsString],
    dropped: &[OsString],
    privileged: bool,
    user: u32,
) -> Result<Capabilities, Error> {
    let added = Named::read("--cap-add", added)?;
    let dropped = Named::read("--cap-drop", dropped)?;
    let basis = if privileged {
        CapabilitySet::ALL
    } else {
        DEFAULT_CAPABILITIES
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
    Ok(Capabilities {
        bounding,
        held: wanted,
        required,
        ambient: user != 0,
    })
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
        read(&words(added), &words(dropped), false, user).unwrap()
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
        assert_eq!(capabilities.bounding, DEFAULT_CAPABILITIES);
        assert_eq!(capabilities.held, CapabilitySet::NONE);
    }

    #[test]
    fn added_and_dropped() {
        for (added, dropped, expected) in [
            (&["SYS_ADMIN"][..], &[][..], DEFAULT_CAPABILITIES.with(21)),
            (
                &["cap_sys_admin,CAP_bpf"],
                &[],
                DEFAULT_CAPABILITIES.with(21).with(39),
            ),
            (
                &[],
                &["chown", "SYS_TIME"],
                DEFAULT_CAPABILITIES.without(set(&[0])),
            ),
            (&[], &["ALL"], CapabilitySet::NONE),
            (&["CHOWN"], &["all"], set(&[0])),
            (&["CHOWN"], &["CHOWN"], DEFAULT_CAPABILITIES),
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
        let error = read(&added, &[], false, 0).unwrap_err();
        assert!(error.to_string().starts_with("--cap-add NET_ADMN: there"));
        assert!(read(&[], &["".into()], false, 0).is_err());
    }
}
