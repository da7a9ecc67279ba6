//! From rules to instructions: a search tree for each architecture.

use super::architecture::{Architecture, Family};
use super::check;
use super::group::{Group, Groups, Pair};
use super::program::{ARCHITECTURE_FIELD, NUMBER, Position, Program};
use super::runs::Runs;
use super::{Action, Check, Leaf, Rules, code};
use crate::sys::seccomp::Instruction;

/// Numbers with this bit are x32's: the kernel's calls with 32-bit pointers, for which no rule was made
/// (`__X32_SYSCALL_BIT`).
pub const X32: u32 = 0x4000_0000;

/// As many checks as leave what is behind them within reach of a jump.
const SHARED: usize = 8;

/// From here on the way back is too long for a tree of the usual size.
const FAR: usize = 140;

/// With fewer groups of bits than that, what all of them need is more than they save.
const FEWEST_OF_BITS: usize = 5;

/// One architecture's part of a program, while it is written.
struct Branch<'a> {
    architecture: Architecture,
    runs: &'a Runs,
    checks: &'a [Check<'a>],
    /// The first checks, where they are written once for all.
    shared: &'a [Option<Position>; SHARED],
    /// What tells a pair apart, by the bits that are loaded.
    bits: Option<(Pair, Position)>,
}

/// Writes a filter for native calls, and for those of 32-bit programs, at the end of `kept`; how many instructions it has,
/// or would have if there was room.
pub const fn write(kept: &mut [Instruction], family: Family, rules: Rules<'_>) -> usize {
    let mut program = Program::new(kept);
    let all = &mut program;
    let end = usual_actions(all);
    let mut branch = Branch {
        architecture: family.native,
        runs: rules.native,
        checks: rules.checks,
        shared: &[None; SHARED],
        bits: None,
    };
    // The calls of an architecture that is not listed have numbers for which no rule was made.
    let mut others = end;
    let shared;
    if let (Some(architecture), Some(runs)) = (family.compat, rules.compat) {
        shared = share_checks(all, &branch);
        branch.shared = &shared;
        let compat = Branch {
            architecture,
            runs,
            ..branch
        };
        let compat = compat.write_by_bits(all);
        let foreign = all.action(Action::ENOSYS);
        let compat = all.jump(code::EQUAL, architecture.audit(), compat, foreign);
        let compat = all.step(code::LOAD, ARCHITECTURE_FIELD, compat);
        // When a filter is loaded, the kernel follows it for each number of both architectures, as far as it
        // needs to know the number alone. What it would gain here, some nanoseconds for each call of a 32-bit
        // program, is not worth a part of each start: at the load of an argument it gives up.
        others = all.load(0, 0, u32::MAX, compat);
        if all.distance(end) > FAR {
            usual_actions(all);
        }
    }
    // Native calls come first.
    let groups = Groups::of(branch.runs, None);
    let native = branch.write(all, &groups);
    let native = all.jump(code::EQUAL, family.native.audit(), native, others);
    all.step(code::LOAD, ARCHITECTURE_FIELD, native);
    program.length()
}

/// Where most numbers lead. The first of them, for what does not exist.
const fn usual_actions(program: &mut Program<'_>) -> Position {
    program.forget_actions();
    let end = program.action(Action::ENOSYS);
    program.action(Action::EPERM);
    program.action(Action::ALLOW);
    end
}

/// Writes the checks, if each is the same for both architectures.
const fn share_checks(
    program: &mut Program<'_>,
    branch: &Branch<'_>,
) -> [Option<Position>; SHARED] {
    let mut shared = [None; SHARED];
    let mut index = 0;
    while index < branch.checks.len() && branch.checks.len() <= SHARED {
        let check = branch.checks[index];
        if check::is_of_32_bits(check) {
            shared[index] = Some(check::write(program, branch.architecture, check));
        }
        index += 1;
    }
    shared
}

impl Branch<'_> {
    /// As [`Branch::write`], where the kernel does not follow it when it is loaded: it knows nothing of shifts.
    const fn write_by_bits(mut self, program: &mut Program<'_>) -> Position {
        let pair = Pair::of(self.runs);
        let groups = Groups::of(self.runs, Some(pair));
        if groups.of_bits() < FEWEST_OF_BITS {
            return self.write(program, &Groups::of(self.runs, None));
        }
        let (zero, one) = (program.action(pair.0), program.action(pair.1));
        let told = program.jump(code::ANY_BIT, 1, one, zero);
        self.bits = Some((pair, program.step(code::SHIFT_RIGHT, 0, told)));
        // A number's lowest bits say which bit is its own, among any 32 numbers in a row.
        let tree = self.write(program, &groups);
        let kept = program.step(code::KEEP, 0, tree);
        let lowest = program.step(code::AND, 31, kept);
        program.step(code::LOAD, NUMBER, lowest)
    }

    /// What decides for the calls of this architecture.
    const fn write(&self, program: &mut Program<'_>, groups: &Groups<'_>) -> Position {
        let mut tree = self.tree(program, groups, 0, groups.count());
        // What is above the table is as its last place, so that x32's calls may need nothing of their own.
        let is_foreign = matches!(self.runs.last(), Leaf::Action(Action::ENOSYS));
        if self.architecture.has_x32() && !is_foreign {
            let foreign = program.action(Action::ENOSYS);
            tree = program.jump(code::GREATER_OR_EQUAL, X32, foreign, tree);
        }
        program.step(code::LOAD, NUMBER, tree)
    }

    /// What decides for the groups from `first` to before `end`.
    const fn tree(
        &self,
        program: &mut Program<'_>,
        groups: &Groups<'_>,
        first: usize,
        end: usize,
    ) -> Position {
        if end - first == 1 {
            return self.group(program, groups, first);
        }
        let middle = groups.middle(first, end);
        let above = self.tree(program, groups, middle, end);
        let below = self.tree(program, groups, first, middle);
        let number = self.architecture.number(groups.start(middle));
        program.jump(code::GREATER_OR_EQUAL, number, above, below)
    }

    const fn group(
        &self,
        program: &mut Program<'_>,
        groups: &Groups<'_>,
        index: usize,
    ) -> Position {
        let group = groups.get(index);
        let mut next = match (group.leaf, self.bits) {
            (None, Some((pair, told))) => {
                let bits = self.bits_of(pair, group.first, group.end);
                let told = self.listed_bits(program, pair, group, told);
                program.step(code::LOAD_VALUE, bits, told)
            }
            (Some(leaf), _) => self.leaf(program, leaf),
            // (There are no groups of bits then.)
            (None, None) => program.action(Action::ENOSYS),
        };
        let mut run = group.end;
        while run > group.first {
            run -= 1;
            let leaf = self.runs.leaf(run);
            let is_exception = match (group.leaf, self.bits) {
                (None, Some((pair, _))) => pair.bit(leaf).is_none(),
                (Some(usual), _) => !self.runs.leads_to(run, usual),
                (None, None) => true,
            };
            if is_exception {
                let other = self.leaf(program, leaf);
                let number = self.architecture.number(self.runs.start(run));
                next = program.jump(code::EQUAL, number, other, next);
            }
        }
        next
    }

    /// The bits of all places of these runs.
    const fn bits_of(&self, pair: Pair, mut run: usize, end: usize) -> u32 {
        let mut bits = 0;
        while run < end {
            if let Some(1) = pair.bit(self.runs.leaf(run)) {
                let mut place = self.runs.start(run);
                while place < self.runs.start(run + 1) {
                    bits |= 1 << (place % 32);
                    place += 1;
                }
            }
            run += 1;
        }
        bits
    }

    /// Puts what a template asks of these bits behind what loads them.
    const fn listed_bits(
        &self,
        program: &mut Program<'_>,
        pair: Pair,
        group: Group,
        mut told: Position,
    ) -> Position {
        let mut run = group.first;
        while run < group.end {
            let leaf = self.runs.leaf(run);
            let mut place = self.runs.start(run);
            while place < self.runs.start(run + 1) {
                match leaf {
                    Leaf::Listed(lists, _) if pair.bit(leaf).is_some() => {
                        let bit = (place % 32) as u32;
                        told = program.step(code::UNLISTED_BIT, bit << 16 | lists as u32, told);
                    }
                    _ => {}
                }
                place += 1;
            }
            run += 1;
        }
        told
    }

    const fn leaf(&self, program: &mut Program<'_>, leaf: Leaf) -> Position {
        match leaf {
            Leaf::Action(action) => program.action(action),
            Leaf::Check(index) => {
                let index = index as usize;
                let is_shared = index < SHARED;
                match self.shared[if is_shared { index } else { 0 }] {
                    Some(place) if is_shared => place,
                    _ => check::write(program, self.architecture, self.checks[index]),
                }
            }
            Leaf::Listed(lists, refusal) => {
                let refused = self.leaf(program, refusal.leaf());
                let allowed = program.action(Action::ALLOW);
                program.shared_jump(code::LISTED, lists as u32, allowed, refused)
            }
        }
    }
}
