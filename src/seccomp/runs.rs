//! A table of calls as runs: numbers beside each other that lead to the same.

use super::architecture::NUMBERS;
use super::{Action, Leaf};

/// What each place of a table leads to. What is above the table is as the last place in it.
pub struct Runs {
    /// Where each begins, and at last the table's end.
    starts: [u16; NUMBERS + 1],
    leaves: [Leaf; NUMBERS],
    count: usize,
}

impl Runs {
    const NONE: Self = Self {
        starts: [0; NUMBERS + 1],
        leaves: [Leaf::Action(Action::ENOSYS); NUMBERS],
        count: 0,
    };

    pub const fn of(leaves: &[Leaf; NUMBERS]) -> Self {
        let mut runs = Self::NONE;
        let mut place = 0;
        while place < NUMBERS {
            if place == 0 || !same(leaves[place - 1], leaves[place]) {
                runs.begin(place, leaves[place]);
            }
            place += 1;
        }
        runs.end()
    }

    const fn begin(&mut self, place: usize, leaf: Leaf) {
        self.starts[self.count] = place as u16;
        self.leaves[self.count] = leaf;
        self.count += 1;
    }

    const fn end(mut self) -> Self {
        self.starts[self.count] = NUMBERS as u16;
        self
    }

    pub const fn count(&self) -> usize {
        self.count
    }

    /// The first place of a run; of the one behind the last, the table's end.
    pub const fn start(&self, run: usize) -> usize {
        self.starts[run] as usize
    }

    pub const fn leaf(&self, run: usize) -> Leaf {
        self.leaves[run]
    }

    pub const fn last(&self) -> Leaf {
        self.leaves[self.count - 1]
    }

    pub const fn is_single(&self, run: usize) -> bool {
        self.starts[run + 1] == self.starts[run] + 1
    }

    pub const fn leads_to(&self, run: usize, leaf: Leaf) -> bool {
        same(self.leaves[run], leaf)
    }
}

const fn same(one: Leaf, other: Leaf) -> bool {
    match (one, other) {
        (Leaf::Action(one), Leaf::Action(other)) => one.0 == other.0,
        (Leaf::Check(one), Leaf::Check(other)) => one == other,
        (Leaf::Listed(lists, refusal), Leaf::Listed(others, another)) => {
            lists == others && same(refusal.leaf(), another.leaf())
        }
        _ => false,
    }
}
