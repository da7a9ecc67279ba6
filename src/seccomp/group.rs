//! What the leaves of the search tree are: groups of calls beside each other that share an action, but for a few; or two
//! actions, by a bit for each.
//!
//! To branch at one number takes one instruction. A call between others of another action takes two branches if it is a
//! leaf by itself, and one if it is an exception in theirs. What loading a filter costs grows with its instructions, so
//! the groups are chosen such that there are as few as can be.

use super::architecture::{ARM_PLACE, NUMBERS};
use super::runs::Runs;
use super::{Action, Leaf, Refusal};

/// As many exceptions as keep it quick to look through them.
const EXCEPTIONS: usize = 4;

/// As many calls as a word has bits.
const BITS: usize = 32;

/// Two actions that are told apart by a bit: this one by 0, the other by 1.
#[derive(Clone, Copy)]
pub struct Pair(pub Action, pub Action);

/// Runs beside each other.
#[derive(Clone, Copy)]
pub struct Group {
    pub first: usize,
    /// Behind its last.
    pub end: usize,
    /// What all lead to but for exceptions; nothing: one of a pair.
    pub leaf: Option<Leaf>,
}

/// All calls of a table.
pub struct Groups<'a> {
    runs: &'a Runs,
    /// For each run, the last group of the fewest instructions that end before it.
    last: [Bounds; NUMBERS + 1],
    /// Where each group ends, the last one first.
    ends: [u16; NUMBERS],
    count: usize,
    /// How many of them are of bits.
    of_bits: usize,
}

/// The end of a group is where this stands.
#[derive(Clone, Copy)]
struct Bounds {
    first: u16,
    /// The first run that has the leaf of nearly all.
    base: u16,
    /// How many instructions all take up to here.
    cost: u16,
}

/// Instead of a base.
const OF_BITS: u16 = u16::MAX;

impl<'a> Groups<'a> {
    /// With a pair, groups may be of bits.
    pub const fn of(runs: &'a Runs, pair: Option<Pair>) -> Self {
        const NONE: Bounds = Bounds {
            first: 0,
            base: 0,
            cost: u16::MAX,
        };
        let mut groups = Self {
            runs,
            last: [NONE; NUMBERS + 1],
            ends: [0; NUMBERS],
            count: 0,
            of_bits: 0,
        };
        groups.last[0].cost = 0;
        let mut first = 0;
        while first < runs.count() {
            if groups.last[first].cost < u16::MAX {
                groups.around_each(first);
                if let Some(pair) = pair {
                    groups.by_bits(first, pair);
                }
            }
            first += 1;
        }
        let mut end = runs.count();
        while end > 0 {
            groups.ends[groups.count] = end as u16;
            groups.count += 1;
            groups.of_bits += (groups.last[end].base == OF_BITS) as usize;
            end = groups.last[end].first as usize;
        }
        groups
    }

    /// The groups that begin with the run `first`, around any of the next.
    const fn around_each(&mut self, first: usize) {
        let mut base = first;
        while base < self.runs.count() && base <= first + EXCEPTIONS {
            let leaf = self.runs.leaf(base);
            // Those before it are exceptions. If one of them has its leaf, it is the base, and all was done.
            let mut before = first;
            while before < base && !self.runs.leads_to(before, leaf) {
                before += 1;
            }
            if before == base {
                self.around(first, base);
            }
            if !self.runs.is_single(base) {
                return;
            }
            base += 1;
        }
    }

    const fn around(&mut self, first: usize, base: usize) {
        let leaf = self.runs.leaf(base);
        let mut exceptions = base - first;
        let mut end = base + 1;
        loop {
            let is_over = end == self.runs.count();
            let goes_on = !is_over && self.runs.leads_to(end, leaf);
            // (One that ends earlier for as much is no better: what comes behind it takes no less then.)
            if !goes_on {
                self.found(first, end, base as u16, 1 + exceptions);
                if is_over || exceptions == EXCEPTIONS || !self.runs.is_single(end) {
                    return;
                }
                exceptions += 1;
            }
            end += 1;
        }
    }

    const fn by_bits(&mut self, first: usize, pair: Pair) {
        // Of the last place before ARM's own the numbers up to those, and the last of all, are more than one.
        let behind = self.runs.start(first) + BITS;
        let limit = if behind < ARM_PLACE {
            behind
        } else {
            ARM_PLACE - 1
        };
        let mut exceptions = 0;
        let mut end = first;
        loop {
            let is_over = end == self.runs.count() || self.runs.start(end + 1) > limit;
            let goes_on = !is_over && pair.bit(self.runs.leaf(end)).is_some();
            if !goes_on {
                if end > first {
                    self.found(first, end, OF_BITS, 3 + exceptions);
                }
                if is_over || exceptions == EXCEPTIONS || !self.runs.is_single(end) {
                    return;
                }
                exceptions += 1;
            }
            end += 1;
        }
    }

    const fn found(&mut self, first: usize, end: usize, base: u16, cost: usize) {
        let cost = self.last[first].cost + cost as u16;
        if cost < self.last[end].cost {
            self.last[end] = Bounds {
                first: first as u16,
                base,
                cost,
            };
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

    pub const fn of_bits(&self) -> usize {
        self.of_bits
    }

    /// In the order of their places.
    pub const fn get(&self, index: usize) -> Group {
        let end = self.ends[self.count - 1 - index] as usize;
        let Bounds { first, base, .. } = self.last[end];
        let leaf = match base {
            OF_BITS => None,
            _ => Some(self.runs.leaf(base as usize)),
        };
        Group {
            first: first as usize,
            end,
            leaf,
        }
    }

    /// The first place of one.
    pub const fn start(&self, index: usize) -> usize {
        self.runs.start(self.get(index).first)
    }
}

impl Pair {
    /// To be allowed, and what most other runs lead to.
    pub const fn of(runs: &Runs) -> Self {
        let mut counts = [(Action::EPERM, 0), (Action::ALLOW, 0), (Action::ALLOW, 0)];
        let mut most = 0;
        let mut run = 0;
        while run < runs.count() {
            if let Leaf::Action(action) = runs.leaf(run) {
                let mut index = 0;
                while index < counts.len() && counts[index].0.0 != action.0 && counts[index].1 > 0 {
                    index += 1;
                }
                if index < counts.len() && action.0 != Action::ALLOW.0 {
                    counts[index] = (action, counts[index].1 + 1);
                    if counts[index].1 > counts[most].1 {
                        most = index;
                    }
                }
            }
            run += 1;
        }
        Self(Action::ALLOW, counts[most].0)
    }

    /// The bit of a leaf that is one of both; of one that is either, by what lists count, as if it was the first.
    pub const fn bit(self, leaf: Leaf) -> Option<u32> {
        match leaf {
            Leaf::Action(action) if action.0 == self.0.0 => Some(0),
            Leaf::Action(action) if action.0 == self.1.0 => Some(1),
            Leaf::Listed(_, Refusal::Action(action)) if action.0 == self.1.0 => Some(0),
            _ => None,
        }
    }
}
