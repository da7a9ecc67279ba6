//! Who the command runs as, and how that comes about.

use super::user_namespace::{Ids, UserNamespace};
use super::{Conflict, User};
use crate::field::Field;
use crate::sys::network;

/// What the process that asks for a container is, credentials(7), as far as it decides what has to be set.
#[derive(Clone, Copy, Debug)]
pub struct Credentials<'a> {
    /// Effective user and group.
    pub user: u32,
    pub group: u32,
    /// Supplementary groups, empty where the kernel forbids to change them: no step could.
    pub droppable_groups: &'a [u32],
}

/// One line of uid_map or gid_map: ids inside from the first one on, and who they are outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdMap {
    pub inside: u32,
    pub outside: u32,
    pub count: u32,
}

impl IdMap {
    /// As the kernel reads it; see user_namespaces(7).
    pub fn line(self) -> String {
        format!("{} {} {}\n", self.inside, self.outside, self.count)
    }
}

/// The line of ping_group_range for no group at all.
const NO_GROUPS: &str = "1 0";

/// How the command gets its user and groups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity {
    /// In the caller's user namespace, by setgroups, setresgid and setresuid.
    Set {
        /// `None` in each: it is right as it is, or the kernel forbids to change it.
        user: Option<u32>,
        group: Option<u32>,
        supplementary: Option<Vec<u32>>,
    },
    /// In a user namespace of its own, by being mapped to it: an ordinary caller may map one id,
    /// its own. The wanted id is what that one is inside, so nothing need be set, any user can be
    /// had without root, and execve takes the set-up's capabilities away as the kernel does whenever
    /// the user is not 0. Supplementary groups stay the caller's and cannot be given.
    Mapped { user: IdMap, group: IdMap },
    /// In a user namespace of its own with many ids, which are mapped from outside: it begins as root there and
    /// becomes who it is to be, as in [`Identity::Set`].
    Ranged {
        ids: Ids,
        user: u32,
        group: u32,
        supplementary: Vec<u32>,
    },
}

impl Identity {
    /// The groups that the container has, first and last, as a line of ping_group_range: the kernel refuses one that is
    /// not in the user namespace. It compares by the numbers outside, and a range that is none there lets no one ping.
    pub fn groups(&self) -> String {
        let range = |first: IdMap, last: IdMap| {
            format!("{} {}", first.inside, last.inside + (last.count - 1))
        };
        match self {
            Self::Set { .. } => network::ALL_GROUPS.into(),
            Self::Mapped { group, .. } => range(*group, *group),
            Self::Ranged { ids, .. } => {
                let mut maps = ids.groups.clone();
                maps.sort_by_key(|map| map.inside);
                let is_ascending = maps.is_sorted_by_key(|map| map.outside);
                let largest = maps.iter().max_by_key(|map| map.count);
                match (&maps[..], largest) {
                    ([first, .., last], _) if is_ascending => range(*first, *last),
                    (_, Some(largest)) => range(*largest, *largest),
                    (_, None) => NO_GROUPS.into(),
                }
            }
        }
    }

    pub(super) fn new(user: &User, caller: &Credentials<'_>, namespace: UserNamespace) -> Self {
        let User {
            id,
            group,
            ref supplementary,
            insists_on_groups: _,
        } = *user;
        match namespace {
            UserNamespace::Callers => {}
            UserNamespace::Single => {
                let one = |inside, outside| IdMap {
                    inside,
                    outside,
                    count: 1,
                };
                return Self::Mapped {
                    user: one(id, caller.user),
                    group: one(group, caller.group),
                };
            }
            UserNamespace::Ranges(ids) => {
                return Self::Ranged {
                    ids,
                    user: id,
                    group,
                    supplementary: supplementary.clone(),
                };
            }
        }
        Self::set(user, caller)
    }

    /// In the caller's user namespace.
    fn set(user: &User, caller: &Credentials<'_>) -> Self {
        let User {
            id,
            group,
            ref supplementary,
            insists_on_groups: _,
        } = *user;
        // The primary group among them gives nothing that it does not give itself.
        let already =
            supplementary.is_empty() && caller.droppable_groups.iter().all(|held| *held == group);
        Self::Set {
            // Real, effective and saved ids of the caller are one: where they differ mydocker refuses
            // to run, and execve sets the saved ones.
            user: (id != caller.user).then_some(id),
            group: (group != caller.group).then_some(group),
            supplementary: (!already).then(|| supplementary.clone()),
        }
    }
}

impl Identity {
    /// How another process of the same container gets its user and groups.
    pub(super) fn of_another(self, user: &User, caller: &Credentials<'_>) -> Self {
        match self {
            Self::Set { .. } => Self::set(user, caller),
            Self::Ranged { ids, .. } => Self::Ranged {
                ids,
                user: user.id,
                group: user.group,
                supplementary: user.supplementary.clone(),
            },
            // It has one id, and so have all its processes.
            mapped @ Self::Mapped { .. } => mapped,
        }
    }
}

/// An id that a container has not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownId {
    pub of: IdOf,
    pub id: u32,
    /// Which ones it has.
    pub known: String,
}

/// Whose id it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdOf {
    User,
    Group,
    SupplementaryGroup,
}

impl Identity {
    /// Errors: the command is to be someone whom the container's user namespace does not know.
    pub(super) fn check(&self, user: &User) -> Result<(), Conflict> {
        let check = |of, id| match self.unknown(of, id) {
            None => Ok(()),
            Some(known) => Err(Conflict::UnknownId(UnknownId { of, id, known })),
        };
        check(IdOf::User, user.id)?;
        check(IdOf::Group, user.group)?;
        let mut groups = user.supplementary.iter();
        groups.try_for_each(|group| check(IdOf::SupplementaryGroup, *group))
    }

    /// What ids there are, if `id` is none of them.
    fn unknown(&self, of: IdOf, id: u32) -> Option<String> {
        match self {
            // "No change" to the kernel, which would leave the caller's: setresuid(2).
            _ if id == u32::MAX => Some(format!("0 to {}", u32::MAX - 1)),
            Self::Ranged { .. } => self.known_without(of == IdOf::User, id),
            // (Of supplementary groups none can be given.)
            Self::Mapped { .. } if of != IdOf::SupplementaryGroup => {
                self.known_without(of == IdOf::User, id)
            }
            Self::Set { .. } | Self::Mapped { .. } => None,
        }
    }

    /// What ids a user namespace of the container's own has, if `id` is none of them: users, or else groups.
    pub fn known_without(&self, is_user: bool, id: u32) -> Option<String> {
        let maps = match self {
            Self::Set { .. } => return None,
            Self::Mapped { user, group } => {
                std::slice::from_ref(if is_user { user } else { group })
            }
            Self::Ranged { ids, .. } if is_user => &ids.users,
            Self::Ranged { ids, .. } => &ids.groups,
        };
        let holds = |map: &IdMap| id >= map.inside && id - map.inside < map.count;
        if maps.iter().any(holds) {
            return None;
        }
        if let (Self::Mapped { .. }, [map]) = (self, maps) {
            return Some(format!(
                "{} alone ({} may give more)",
                map.inside,
                Field::AutomaticIds
            ));
        }
        let texts = maps.iter().map(|map| match map.count {
            1 => map.inside.to_string(),
            count => format!("{} to {}", map.inside, map.inside.saturating_add(count - 1)),
        });
        Some(texts.collect::<Vec<String>>().join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(held: &[u32], user: &User, namespace: UserNamespace) -> Identity {
        let caller = Credentials {
            user: 12,
            group: 34,
            droppable_groups: held,
        };
        Identity::new(user, &caller, namespace)
    }

    fn user(supplementary: &[u32]) -> User {
        User {
            id: 5,
            group: 6,
            supplementary: supplementary.to_vec(),
            insists_on_groups: false,
        }
    }

    #[test]
    fn groups_are_set_when_there_is_something_to_change() {
        for (held, wanted, expected) in [
            (&[][..], &[][..], None),
            (&[6], &[], None),
            (&[6, 27], &[], Some(vec![])),
            (&[], &[9, 8], Some(vec![9, 8])),
        ] {
            assert_eq!(
                identity(held, &user(wanted), UserNamespace::Callers),
                Identity::Set {
                    user: Some(5),
                    group: Some(6),
                    supplementary: expected
                }
            );
        }
    }

    #[test]
    fn ids_are_set_when_they_are_others() {
        let root = Credentials {
            user: 0,
            group: 0,
            droppable_groups: &[],
        };
        assert_eq!(
            Identity::new(&User::default(), &root, UserNamespace::Callers),
            Identity::Set {
                user: None,
                group: None,
                supplementary: None
            }
        );
    }

    #[test]
    fn an_ordinary_caller_is_mapped() {
        let Identity::Mapped { user, group } =
            identity(&[], &User::default(), UserNamespace::Single)
        else {
            panic!("not mapped");
        };
        assert_eq!(
            (user.line(), group.line()),
            ("0 12 1\n".into(), "0 34 1\n".into())
        );
    }

    #[test]
    fn no_one_is_an_id_that_the_kernel_takes_for_no_change() {
        let no_one = User {
            id: u32::MAX,
            ..User::default()
        };
        let identity = identity(&[], &no_one, UserNamespace::Callers);
        let conflict = identity.check(&no_one).unwrap_err();
        assert!(matches!(conflict, Conflict::UnknownId(unknown) if unknown.of == IdOf::User));
        assert!(identity.check(&user(&[7])).is_ok());
    }
}
