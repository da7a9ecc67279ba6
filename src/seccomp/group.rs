//! What the leaves of the search tree are: groups of calls beside each other that share an action, but for a few.
//!
//! To branch at one number takes one instruction. A call between others of another action takes two branches if it is a
//! leaf by itself, and one if it is an exception in theirs. What loading a filter costs grows with its instructions, so
//! the groups are chosen such that there are as few as can be.

use super::Leaf;
use super::architecture::NUMBERS;

/// As many exceptions as keep it quick to look through them.
const EXCEPTIONS: usize = 4;

/// Calls that stand beside each other in a table.
#[derive(Clone, Copy)]
pub struct Group {
    /// The first place.
    pub first: usize,
    /// What nearly all lead to.
    pub leaf: Leaf,
    /// The calls that lead to something else, by their places.
    exceptions: [(usize, Leaf); EXCEPTIONS],
    count: usize,
}

/// All calls of a table.
pub struct Groups {
    /// The last one first.
    groups: [Group; NUMBERS],
    count: usize,
}

impl Group {
    pub const fn exceptions(&self) -> &[(usize, Leaf)] {
        self.exceptions.split_at(self.count).0
    }
}

/// Runs of places with the same leaf: where each begins, and at last the table's end.
struct Runs {
    starts: [usize; NUMBERS + 1],
    count: usize,
}

impl Runs {
    const fn of(leaves: &[Leaf; NUMBERS]) -> Self {
        let mut runs = Self {
            starts: [0; NUMBERS + 1],
            count: 1,
        };
        let mut place = 1;
        while place < NUMBERS {
            if !same(leaves[place - 1], leaves[place]) {
                runs.starts[runs.count] = place;
                runs.count += 1;
            }
            place += 1;
        }
        runs.starts[runs.count] = NUMBERS;
        runs
    }

    /// The runs from `first` to before `end` as a group around `leaf`, if that is possible.
    const fn group(
        &self,
        leaves: &[Leaf; NUMBERS],
        (first, end): (usize, usize),
        leaf: Leaf,
    ) -> Option<Group> {
        let mut group = Group {
            first: self.starts[first],
            leaf,
            exceptions: [(0, leaf); EXCEPTIONS],
            count: 0,
        };
        let mut run = first;
        while run < end {
            let start = self.starts[run];
            if !same(leaves[start], leaf) {
                if group.count == EXCEPTIONS || self.starts[run + 1] > start + 1 {
                    return None;
                }
                group.exceptions[group.count] = (start, leaves[start]);
                group.count += 1;
            }
            run += 1;
        }
        Some(group)
    }
}

impl Groups {
    pub const fn of(leaves: &[Leaf; NUMBERS]) -> Self {
        let runs = Runs::of(leaves);
        // For each run, the last group of the fewest that end before it, and the instructions of them all.
        let mut last = [Group {
            first: 0,
            leaf: leaves[0],
            exceptions: [(0, leaves[0]); EXCEPTIONS],
            count: 0,
        }; NUMBERS + 1];
        let mut from = [0; NUMBERS + 1];
        let mut costs = [usize::MAX; NUMBERS + 1];
        costs[0] = 0;
        let mut end = 1;
        while end <= runs.count {
            // Runs around at most so many exceptions.
            let mut first = end.saturating_sub(2 * EXCEPTIONS + 1);
            while first < end {
                let mut base = first;
                while base < end {
                    let leaf = leaves[runs.starts[base]];
                    if let Some(group) = runs.group(leaves, (first, end), leaf) {
                        let cost = costs[first] + 1 + group.count;
                        if cost < costs[end] {
                            costs[end] = cost;
                            last[end] = group;
                            from[end] = first;
                        }
                    }
                    base += 1;
                }
                first += 1;
            }
            end += 1;
        }
        let mut groups = Self {
            groups: [last[0]; NUMBERS],
            count: 0,
        };
        let mut end = runs.count;
        while end > 0 {
            groups.groups[groups.count] = last[end];
            groups.count += 1;
            end = from[end];
        }
        groups
    }

    /// The group that begins the second half of those from `first` to before `end`, as far as groups can be halved:
    /// of their numbers, so that the kernel, which looks at each, takes the fewest steps in all.
    pub const fn middle(&self, first: usize, end: usize) -> usize {
        let start = self.get(first).first;
        let rest = if end < self.count {
            self.get(end).first
        } else {
            // What is behind the last one that counts on is not many.
            self.get(end - 1).first + 1
        };
        let mut middle = first + 1;
        while middle + 1 < end && 2 * (self.get(middle).first - start) < rest - start {
            middle += 1;
        }
        // Which of both sides of the half is nearer to it.
        if middle > first + 1 {
            let (above, below) = (self.get(middle).first, self.get(middle - 1).first);
            if above + below > start + rest {
                middle -= 1;
            }
        }
        middle
    }

    pub const fn count(&self) -> usize {
        self.count
    }

    /// In the order of their places.
    pub const fn get(&self, index: usize) -> Group {
        self.groups[self.count - 1 - index]
    }
}

const fn same(one: Leaf, other: Leaf) -> bool {
    match (one, other) {
        (Leaf::Action(one), Leaf::Action(other)) => one.0 == other.0,
        (Leaf::Check(one), Leaf::Check(other)) => one == other,
        _ => false,
    }
}
