//! Who the command runs as, and how that comes about.

use super::user_namespace::{Ids, UserNamespace};
use super::{Caller, User};
use crate::docker::RunArgs;
use crate::error::Error;
use crate::sys::network;

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
    /// its own. The wanted id is what that one is inside, so nothing need be set, `--user 1000`
    /// works without root, and execve takes the set-up's capabilities away as the kernel does
    /// whenever the user is not 0. Supplementary groups stay the caller's and cannot be given.
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

    pub(super) fn new(user: Option<User>, caller: &Caller<'_>, namespace: UserNamespace) -> Self {
        let (id, group, supplementary) = match user {
            Some(user) => (user.id, user.group, user.supplementary),
            None => (0, 0, Vec::new()),
        };
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
                    supplementary,
                };
            }
        }
        // The primary group among them gives nothing that it does not give itself.
        let already =
            supplementary.is_empty() && caller.droppable_groups.iter().all(|held| *held == group);
        Self::Set {
            // Real, effective and saved ids of the caller are one: where they differ mydocker refuses
            // to run, and execve sets the saved ones.
            user: (id != caller.user).then_some(id),
            group: (group != caller.group).then_some(group),
            supplementary: (!already).then_some(supplementary),
        }
    }
}

impl Identity {
    /// Errors: the command is to be someone whom the container's user namespace does not know.
    pub(super) fn check(&self, arguments: &RunArgs) -> Result<(), Error> {
        let Self::Ranged {
            user,
            group,
            supplementary,
            ..
        } = self
        else {
            return Ok(());
        };
        let unknown = |option: &str, is_user, id| match self.known_without(is_user, id) {
            None => Ok(()),
            Some(known) => {
                let name = if is_user { "uid" } else { "gid" };
                let reason =
                    format!("the container's user namespace has no {name} {id}, it has {known}");
                Err(Error::refused_for(option, reason))
            }
        };
        let typed = arguments.user.as_deref().unwrap_or_default();
        let by_user = format!("--user {}", typed.to_string_lossy());
        unknown(&by_user, true, *user)?;
        unknown(&by_user, false, *group)?;
        for group in supplementary {
            let number = group.to_string();
            let option = match arguments.groups.iter().any(|typed| *typed == *number) {
                true => format!("--group-add {number}"),
                false if arguments.groups.is_empty() => by_user.clone(),
                false => "--group-add".to_owned(),
            };
            unknown(&option, false, *group)?;
        }
        Ok(())
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
                "{} alone (--userns auto may give more)",
                map.inside
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

    fn identity(held: &[u32], user: Option<User>, namespace: UserNamespace) -> Identity {
        let caller = Caller {
            group: 34,
            droppable_groups: held,
            ..Caller::bare(12)
        };
        Identity::new(user, &caller, namespace)
    }

    fn user(supplementary: &[u32]) -> Option<User> {
        Some(User {
            id: 5,
            group: 6,
            supplementary: supplementary.to_vec(),
            home: None,
        })
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
                identity(held, user(wanted), UserNamespace::Callers),
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
        let root = Caller::bare(0);
        assert_eq!(
            Identity::new(None, &root, UserNamespace::Callers),
            Identity::Set {
                user: None,
                group: None,
                supplementary: None
            }
        );
    }

    #[test]
    fn an_ordinary_caller_is_mapped() {
        let Identity::Mapped { user, group } = identity(&[], None, UserNamespace::Single) else {
            panic!("not mapped");
        };
        assert_eq!(
            (user.line(), group.line()),
            ("0 12 1\n".into(), "0 34 1\n".into())
        );
    }
}
