//! The user namespace of a container: whose ids its ids are outside.

use super::IdMap;

/// How many ids a container has if no one has said: all of a usual system's.
pub const BLOCK: u32 = 65_536;

/// Ids one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    pub first: u32,
    pub count: u32,
}

impl Range {
    /// Whether all of `other` is in it.
    pub fn contains(self, other: Self) -> bool {
        let end = |range: Self| u64::from(range.first) + u64::from(range.count);
        self.first <= other.first && end(other) <= end(self)
    }
}

/// Which ids a container is to have.
#[derive(Clone, Copy, Debug)]
pub enum IdsWanted<'a> {
    /// [`BLOCK`] of these, which no other container has.
    Block(&'a [Range]),
    /// These, whoever else asks for them by number.
    These(Range),
}

/// The ids of a container, and who may map them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ids {
    pub users: Vec<IdMap>,
    pub groups: Vec<IdMap>,
}

/// What the container's user namespace is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UserNamespace {
    /// The caller's: root alone needs none.
    Callers,
    /// One of the container's own, in which the caller is the one user.
    Single,
    /// One of the container's own, with these ids.
    Ranges(Ids),
}

impl Ids {
    /// Users and groups that are 0 and so on inside, and outside those of `range`.
    pub fn from_zero(range: Range) -> Self {
        let map = vec![IdMap {
            inside: 0,
            outside: range.first,
            count: range.count,
        }];
        Self {
            users: map.clone(),
            groups: map,
        }
    }

    /// Who a user of the container is outside.
    pub fn outside(&self, user: u32) -> Option<u32> {
        let inside = |map: &&IdMap| user >= map.inside && user - map.inside < map.count;
        let map = self.users.iter().find(inside)?;
        Some(map.outside + (user - map.inside))
    }

    /// Whether an id of the host's is one of the container's users.
    pub fn has(&self, outside: u32) -> bool {
        let holds = |map: &IdMap| outside >= map.outside && outside - map.outside < map.count;
        self.users.iter().any(holds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_who() {
        let ids = Ids::from_zero(Range {
            first: 1000,
            count: 10,
        });
        assert_eq!(ids.outside(0), Some(1000));
        assert_eq!(ids.outside(9), Some(1009));
        assert_eq!(ids.outside(10), None);
        assert!(ids.has(1009) && !ids.has(1010) && !ids.has(0));
    }
}
