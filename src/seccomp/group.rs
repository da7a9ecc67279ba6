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
    /// What nearly all lead to.
    pub leaf: Leaf,
    /// The calls that lead to something else, by their places.
    exceptions: [(usize, Leaf); EXCEPTIONS],
    count: usize,
}

/// All calls of a table.
pub struct Groups<'a> {
    leaves: &'a [Leaf; NUMBERS],
    runs: Runs,
    /// The last one first. (Not as groups: these would take ten times the memory, which is new to a process that begins, and
    /// most of it is never looked at.)
    bounds: [Bounds; NUMBERS],
    count: usize,
}

/// Where a group is among the runs.
#[derive(Clone, Copy)]
struct Bounds {
    first: u16,
    /// Behind its last.
    end: u16,
    /// The first run that has the leaf of nearly all.
    base: u16,
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

    /// How many exceptions the runs from `first` to before `end` have as a group around `leaf`, if that is possible.
    const fn exceptions(
        &self,
        leaves: &[Leaf; NUMBERS],
        (first, end): (usize, usize),
        leaf: Leaf,
    ) -> Option<usize> {
        let mut count = 0;
        let mut run = first;
        while run < end {
            let start = self.starts[run];
            if !same(leaves[start], leaf) {
                if count == EXCEPTIONS || self.starts[run + 1] > start + 1 {
                    return None;
                }
                count += 1;
            }
            run += 1;
        }
        Some(count)
    }

    /// A group that is possible.
    const fn group(&self, leaves: &[Leaf; NUMBERS], bounds: Bounds) -> Group {
        let leaf = leaves[self.starts[bounds.base as usize]];
        let mut group = Group {
            leaf,
            exceptions: [(0, leaf); EXCEPTIONS],
            count: 0,
        };
        let mut run = bounds.first as usize;
        while run < bounds.end as usize {
            let start = self.starts[run];
            if !same(leaves[start], leaf) {
                group.exceptions[group.count] = (start, leaves[start]);
                group.count += 1;
            }
            run += 1;
        }
        group
    }
}

impl<'a> Groups<'a> {
    pub const fn of(leaves: &'a [Leaf; NUMBERS]) -> Self {
        const NONE: Bounds = Bounds {
            first: 0,
            end: 0,
            base: 0,
        };
        let runs = Runs::of(leaves);
        // For each run, the last group of the fewest that end before it, and the instructions of them all.
        let mut last = [NONE; NUMBERS + 1];
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
                    if let Some(exceptions) = runs.exceptions(leaves, (first, end), leaf) {
                        let cost = costs[first] + 1 + exceptions;
                        if cost < costs[end] {
                            costs[end] = cost;
                            last[end] = Bounds {
                                first: first as u16,
                                end: end as u16,
                                base: base as u16,
                            };
                        }
                    }
                    base += 1;
                }
                first += 1;
            }
            end += 1;
        }
        let mut bounds = [NONE; NUMBERS];
        let mut count = 0;
        let mut end = runs.count;
        while end > 0 {
            bounds[count] = last[end];
            count += 1;
            end = last[end].first as usize;
        }
        Self {
            leaves,
            runs,
            bounds,
            count,
        }
    }

    /// The group that begins the second half of those from `first` to before `end`, as far as groups can be halved:
    /// of their numbers, so that the kernel, which looks at each, takes the fewest steps in all.
    pub const fn middle(&self, first: usize, end: usize) -> usize {
        let start = self.start(first);
        let rest = if end < self.count {
            self.start(end)
        } else {
            // What is behind the last one that counts on is not many.
            self.start(end - 1) + 1
        };
        let mut middle = first + 1;
        while middle + 1 < end && 2 * (self.start(middle) - start) < rest - start {
            middle += 1;
        }
        // Which of both sides of the half is nearer to it.
        if middle > first + 1 {
            let (above, below) = (self.start(middle), self.start(middle - 1));
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
        self.runs
            .group(self.leaves, self.bounds[self.count - 1 - index])
    }

    /// The first place of one.
    pub const fn start(&self, index: usize) -> usize {
        self.runs.starts[self.bounds[self.count - 1 - index].first as usize]
    }
}

const fn same(one: Leaf, other: Leaf) -> bool {
    match (one, other) {
        (Leaf::Action(one), Leaf::Action(other)) => one.0 == other.0,
        (Leaf::Check(one), Leaf::Check(other)) => one == other,
        _ => false,
    }
}
