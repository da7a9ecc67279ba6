//! To whom what is made belongs.

use crate::sys::identity::Mapped;

/// The ids of a container: what is inside, is outside another.
#[derive(Clone, Debug, Default)]
pub struct Ids {
    pub users: Vec<Mapped>,
    pub groups: Vec<Mapped>,
}

/// A user and a group, as the kernel is to be told.
pub type Owner = (u32, u32);

/// What stands for an id that has no counterpart (overflowuid).
pub const NO_ONE: u32 = 65_534;

impl Ids {
    /// Those of a container that has the same ids as we have.
    pub fn ours() -> Self {
        let all = Mapped {
            inside: 0,
            outside: 0,
            count: u32::MAX,
        };
        Self {
            users: vec![all],
            groups: vec![all],
        }
    }

    /// The same ids for who is in the container's user namespace, where they are what they are.
    pub fn seen_inside(self) -> Self {
        let inside = |maps: Vec<Mapped>| {
            let maps = maps.into_iter().map(|map| Mapped {
                outside: map.inside,
                ..map
            });
            maps.collect()
        };
        Self {
            users: inside(self.users),
            groups: inside(self.groups),
        }
    }

    /// `None`: one of them has no counterpart outside.
    pub fn outside(&self, (user, group): Owner) -> Option<Owner> {
        let find = |maps: &[Mapped], id| maps.iter().find_map(|map| map.outside(id));
        Some((find(&self.users, user)?, find(&self.groups, group)?))
    }

    /// As the container sees it.
    pub fn inside(&self, (user, group): Owner) -> Owner {
        let find = |maps: &[Mapped], id| maps.iter().find_map(|map| inside(*map, id));
        (
            find(&self.users, user).unwrap_or(NO_ONE),
            find(&self.groups, group).unwrap_or(NO_ONE),
        )
    }
}

fn inside(map: Mapped, id: u32) -> Option<u32> {
    let distance = id.checked_sub(map.outside)?;
    (distance < map.count).then(|| map.inside.checked_add(distance))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_go_both_ways() {
        let map = Mapped {
            inside: 0,
            outside: 100_000,
            count: 1_000,
        };
        let ids = Ids {
            users: vec![map],
            groups: vec![map],
        };
        assert_eq!(ids.outside((0, 999)), Some((100_000, 100_999)));
        assert_eq!(ids.outside((0, 1_000)), None);
        assert_eq!(ids.inside((100_000, 100_999)), (0, 999));
        assert_eq!(ids.inside((0, 101_000)), (NO_ONE, NO_ONE));
        assert_eq!(Ids::ours().outside((7, 8)), Some((7, 8)));
    }
}
