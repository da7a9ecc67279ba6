//! Who looks a path up, and what is refused to them.

use crate::spec::{Capabilities, ContainerSpec, IdMap, Identity, Ids};
use crate::sys::capability::{CapabilitySet, DAC_OVERRIDE};
use crate::sys::facts::{Facts, Kind};
use crate::sys::{capability, identity, namespace};

/// What is wanted of a file, as the bits of one digit of its mode.
pub const EXECUTE: u32 = 1;
pub const WRITE: u32 = 2;
pub const READ: u32 = 4;

/// The owner of what belongs to no one in this user namespace, unless proc_sys_kernel(5), overflowuid, says another.
const OVERFLOW: u32 = 65_534;

/// A process on its way to the command, by its ids outside of the container.
pub struct Person {
    user: u32,
    group: u32,
    groups: Vec<u32>,
    overrides: Overrides,
    /// Where the host's ids are not all known, what seems to be no one's may be anyone's.
    is_nested: bool,
}

/// Whose files it opens whatever their modes say (CAP_DAC_OVERRIDE).
enum Overrides {
    NoOnes,
    Everyones,
    /// The files whose owner and group are ids of the container's user namespace (capable_wrt_inode_uidgid).
    Mapped {
        users: Vec<IdMap>,
        groups: Vec<IdMap>,
    },
}

impl Person {
    /// Who sets the container up.
    pub fn of_set_up(spec: &ContainerSpec) -> Self {
        let held = CapabilitySet::ALL;
        match &spec.identity {
            Identity::Set { .. } => Self::callers(spec, held),
            Identity::Mapped { .. } => Self::callers(spec, held),
            Identity::Ranged { ids, .. } => Self::of_ids(ids, (0, 0, &[]), held),
        }
    }

    /// Who executes the command.
    pub fn of_command(spec: &ContainerSpec) -> Self {
        let Capabilities { held, .. } = spec.process.capabilities;
        match &spec.identity {
            Identity::Set {
                user,
                group,
                supplementary,
            } => {
                let caller = Self::callers(spec, held);
                Self {
                    user: user.unwrap_or(caller.user),
                    group: group.unwrap_or(caller.group),
                    groups: supplementary.clone().unwrap_or(caller.groups),
                    ..caller
                }
            }
            Identity::Mapped { .. } => Self::callers(spec, held),
            Identity::Ranged {
                ids,
                user,
                group,
                supplementary,
            } => Self::of_ids(ids, (*user, *group, supplementary), held),
        }
    }

    fn callers(spec: &ContainerSpec, held: CapabilitySet) -> Self {
        let has_it = held.contains(DAC_OVERRIDE);
        let overrides = match &spec.identity {
            Identity::Mapped { user, group } if has_it => Overrides::Mapped {
                users: vec![*user],
                groups: vec![*group],
            },
            Identity::Set { .. } if has_it && capability::is_effective(DAC_OVERRIDE) => {
                Overrides::Everyones
            }
            _ => Overrides::NoOnes,
        };
        Self {
            user: identity::effective_user(),
            group: identity::effective_group(),
            groups: identity::groups().unwrap_or_default(),
            overrides,
            is_nested: !namespace::is_initial_user(),
        }
    }

    fn of_ids(
        ids: &Ids,
        (user, group, supplementary): (u32, u32, &[u32]),
        held: CapabilitySet,
    ) -> Self {
        let outside = |maps: &[IdMap], id| outside(maps, id).unwrap_or(OVERFLOW);
        let groups = supplementary.iter();
        Self {
            user: outside(&ids.users, user),
            group: outside(&ids.groups, group),
            groups: groups.map(|id| outside(&ids.groups, *id)).collect(),
            overrides: match held.contains(DAC_OVERRIDE) {
                true => Overrides::Mapped {
                    users: ids.users.clone(),
                    groups: ids.groups.clone(),
                },
                false => Overrides::NoOnes,
            },
            is_nested: !namespace::is_initial_user(),
        }
    }

    /// To whom a file belongs that it makes.
    pub fn ids(&self) -> (u32, u32) {
        (self.user, self.group)
    }

    /// Whether its user namespace has both of these.
    pub fn knows(&self, owner: u32, group: u32) -> bool {
        match &self.overrides {
            Overrides::NoOnes | Overrides::Everyones => true,
            Overrides::Mapped { users, groups } => has(users, owner) && has(groups, group),
        }
    }

    /// Whether this is surely refused, by the kernel's rule (inode_permission; `generic_permission`): the mode's digit of
    /// the owner, of the group, or of others; or the capability, which executes no file that no one may.
    pub fn is_refused(&self, facts: &Facts, wanted: u32) -> bool {
        let (owner, group) = (facts.owner, facts.group);
        if self.is_nested && (owner == OVERFLOW || group == OVERFLOW) {
            return false;
        }
        let shift = if owner == self.user {
            6
        } else if group == self.group || self.groups.contains(&group) {
            3
        } else {
            0
        };
        if facts.mode >> shift & wanted == wanted {
            return false;
        }
        let overrides = match &self.overrides {
            Overrides::NoOnes => false,
            Overrides::Everyones | Overrides::Mapped { .. } => self.knows(owner, group),
        };
        let is_executable = facts.kind == Kind::Directory || facts.mode & 0o111 != 0;
        !overrides || wanted & EXECUTE != 0 && !is_executable
    }
}

/// Who `id` is outside, if the maps have it.
pub fn outside(maps: &[IdMap], id: u32) -> Option<u32> {
    let inside = |map: &&IdMap| id >= map.inside && id - map.inside < map.count;
    let map = maps.iter().find(inside)?;
    Some(map.outside + (id - map.inside))
}

fn has(maps: &[IdMap], outside: u32) -> bool {
    let holds = |map: &IdMap| outside >= map.outside && outside - map.outside < map.count;
    maps.iter().any(holds)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(overrides: Overrides) -> Person {
        Person {
            user: 7,
            group: 8,
            groups: vec![9],
            overrides,
            is_nested: false,
        }
    }

    fn facts(kind: Kind, mode: u32, owner: u32, group: u32) -> Facts {
        Facts {
            kind,
            mode,
            owner,
            group,
            identity: (0, 0),
            size: 0,
            links: 1,
        }
    }

    #[test]
    fn the_first_digit_that_is_meant_decides() {
        let person = person(Overrides::NoOnes);
        for (mode, owner, group, refused) in [
            (0o700, 7, 0, false),
            (0o077, 7, 8, true),
            (0o010, 0, 9, false),
            (0o701, 0, 8, true),
            (0o701, 0, 0, false),
        ] {
            let facts = facts(Kind::Regular, mode, owner, group);
            assert_eq!(person.is_refused(&facts, EXECUTE), refused, "{mode:o}");
        }
    }

    #[test]
    fn the_capability_executes_nothing_that_no_one_may() {
        let one = |inside, outside| IdMap {
            inside,
            outside,
            count: 1,
        };
        let own = Overrides::Mapped {
            users: vec![one(0, 7)],
            groups: vec![one(0, 8)],
        };
        for (person, mapped, others) in [
            (person(Overrides::Everyones), false, false),
            (person(own), false, true),
            (person(Overrides::NoOnes), true, true),
        ] {
            for (owner, group, refused) in [(7, 8, mapped), (3, 8, others)] {
                let directory = facts(Kind::Directory, 0, owner, group);
                assert_eq!(person.is_refused(&directory, EXECUTE | WRITE), refused);
                let program = facts(Kind::Regular, 0o004, owner, group);
                assert!(person.is_refused(&program, EXECUTE));
            }
        }
    }
}
