//! From rules to instructions.
//!
//! BPF jumps forward only, and a condition's jumps reach 255 instructions. So the program is written from its end:
//! what an instruction leads to is there before it, and its distance is known.

use super::architecture::{Architecture, Family, NUMBERS};
use super::group::{Group, Groups};
use super::{Action, Check, Comparison, Condition, Leaf, Rule, Rules, code, instruction};
use crate::sys::seccomp::Instruction;

/// Where the kernel puts what a filter looks at: `struct seccomp_data`.
const NUMBER: u32 = 0;
const ARCHITECTURE_FIELD: u32 = 4;
const ARGUMENTS: u32 = 16;

/// Numbers with this bit are x32's: the kernel's calls with 32-bit pointers, for which no rule was made
/// (`__X32_SYSCALL_BIT`).
pub const X32: u32 = 0x4000_0000;

/// A program that grows from its end. More than `N` instructions are counted and not kept.
pub struct Program<const N: usize> {
    /// The last `length` of them.
    instructions: [Instruction; N],
    length: usize,
}

/// A place in a program: how many instructions there are from it to the end.
#[derive(Clone, Copy)]
struct Position(usize);

/// One architecture's part of a program, while it is written.
#[derive(Clone, Copy)]
struct Branch<'a> {
    architecture: Architecture,
    checks: &'a [Check<'a>],
    ends: Ends,
}

/// Where most numbers lead.
#[derive(Clone, Copy)]
struct Ends {
    actions: [(Action, Position); 3],
    /// The first checks, where they are written once for all.
    checks: [Option<Position>; SHARED],
}

/// As many checks as leave what is behind them within reach of a jump.
const SHARED: usize = 8;

/// From here on the way back is too long for a tree of the usual size.
const FAR: usize = 140;

impl<const N: usize> Program<N> {
    /// A filter for native calls, and for those of 32-bit programs, if the family has them and they have leaves.
    pub const fn for_family(
        family: Family,
        native: Rules<'_>,
        compat: Option<&[Leaf; NUMBERS]>,
    ) -> Self {
        let mut program = Self {
            instructions: [instruction(0, 0, 0, 0); N],
            length: 0,
        };
        program.write(family, native, compat);
        program
    }

    /// How many instructions it has, or would have.
    pub const fn length(&self) -> usize {
        self.length
    }

    /// The program's instructions; empty if there are too many.
    pub const fn instructions(&self) -> &[Instruction] {
        match N.checked_sub(self.length) {
            Some(start) => self.instructions.split_at(start).1,
            None => &[],
        }
    }

    const fn write(&mut self, family: Family, native: Rules<'_>, compat: Option<&[Leaf; NUMBERS]>) {
        // The calls of an architecture that is not listed have numbers for which no rule was made.
        let ends = self.actions();
        let foreign = ends.actions[0].1;
        let mut branch = Branch {
            architecture: family.native,
            checks: native.checks,
            ends,
        };
        let mut others = foreign;
        if let (Some(architecture), Some(leaves)) = (family.compat, compat) {
            self.share_checks(&mut branch);
            let compat = self.branch(
                Branch {
                    architecture,
                    ..branch
                },
                leaves,
            );
            self.jump(code::EQUAL, architecture.audit(), compat, foreign);
            self.push(instruction(code::LOAD, 0, 0, ARCHITECTURE_FIELD));
            // When a filter is loaded, the kernel follows it for each number of both architectures, as far as it
            // needs to know the number alone. What it would gain here, some nanoseconds for each call of a 32-bit
            // program, is not worth a part of each start: at the load of an argument it gives up.
            others = self.load(0, 0);
            if self.distance(foreign) > FAR {
                branch.ends.actions = self.actions().actions;
            }
        }
        // Native calls come first.
        let native = self.branch(branch, native.leaves);
        self.jump(code::EQUAL, family.native.audit(), native, others);
        self.push(instruction(code::LOAD, 0, 0, ARCHITECTURE_FIELD));
    }

    const fn actions(&mut self) -> Ends {
        Ends {
            actions: [
                (Action::ENOSYS, self.action(Action::ENOSYS)),
                (Action::EPERM, self.action(Action::EPERM)),
                (Action::ALLOW, self.action(Action::ALLOW)),
            ],
            checks: [None; SHARED],
        }
    }

    /// Writes the checks, if each is the same for both architectures.
    const fn share_checks(&mut self, branch: &mut Branch<'_>) {
        if branch.checks.len() > SHARED {
            return;
        }
        let mut index = 0;
        while index < branch.checks.len() {
            let check = branch.checks[index];
            if is_of_32_bits(check) {
                branch.ends.checks[index] = Some(self.check(*branch, check));
            }
            index += 1;
        }
    }

    /// What decides for the calls of one architecture.
    const fn branch(&mut self, branch: Branch<'_>, leaves: &[Leaf; NUMBERS]) -> Position {
        let groups = Groups::of(leaves);
        let tree = self.tree(branch, &groups, 0, groups.count());
        // What is above the table is as its last place, so that x32's calls may need nothing of their own.
        let tree = match leaves[NUMBERS - 1] {
            Leaf::Action(Action::ENOSYS) => tree,
            _ if branch.architecture.has_x32() => {
                let foreign = branch.ends.actions[0].1;
                self.jump(code::GREATER_OR_EQUAL, X32, foreign, tree)
            }
            _ => tree,
        };
        if self.distance(tree) > 0 {
            // It is one leaf, and not here.
            self.push(instruction(code::JUMP, 0, 0, self.distance(tree) as u32));
        }
        self.push(instruction(code::LOAD, 0, 0, NUMBER))
    }

    /// What decides for the groups from `first` to before `end`.
    const fn tree(
        &mut self,
        branch: Branch<'_>,
        groups: &Groups<'_>,
        first: usize,
        end: usize,
    ) -> Position {
        if end - first == 1 {
            return self.group(branch, groups.get(first));
        }
        let middle = groups.middle(first, end);
        let above = self.tree(branch, groups, middle, end);
        let below = self.tree(branch, groups, first, middle);
        let number = branch.architecture.number(groups.start(middle));
        self.jump(code::GREATER_OR_EQUAL, number, above, below)
    }

    const fn group(&mut self, branch: Branch<'_>, group: Group) -> Position {
        let mut next = self.leaf(branch, group.leaf);
        let exceptions = group.exceptions();
        let mut index = exceptions.len();
        while index > 0 {
            index -= 1;
            let (place, leaf) = exceptions[index];
            let other = self.leaf(branch, leaf);
            let number = branch.architecture.number(place);
            next = self.jump(code::EQUAL, number, other, next);
        }
        next
    }

    const fn leaf(&mut self, branch: Branch<'_>, leaf: Leaf) -> Position {
        match leaf {
            Leaf::Check(index) => {
                let index = index as usize;
                match branch.ends.checks[if index < SHARED { index } else { SHARED - 1 }] {
                    Some(place) if index < SHARED => place,
                    _ => self.check(branch, branch.checks[index]),
                }
            }
            Leaf::Action(action) => self.shared_fate(branch, action),
        }
    }

    const fn shared_fate(&mut self, branch: Branch<'_>, action: Action) -> Position {
        let shared = branch.ends.actions;
        let mut index = 0;
        while index < shared.len() {
            if shared[index].0.0 == action.0 && self.reaches(shared[index].1) {
                return shared[index].1;
            }
            index += 1;
        }
        self.action(action)
    }

    const fn check(&mut self, branch: Branch<'_>, check: Check<'_>) -> Position {
        let mut next = self.shared_fate(branch, check.otherwise);
        // The argument that what is there begins to compare, without having loaded it yet.
        let mut wanted = None;
        let mut index = check.rules.len();
        while index > 0 {
            index -= 1;
            let rule = check.rules[index];
            let compared = compared_whole(rule.conditions);
            // Rules about one argument load it once.
            let is_loaded = match (compared, wanted) {
                (Some((argument, _)), Some(wanted)) => argument == wanted,
                _ => false,
            };
            if !is_loaded {
                next = self.load_wanted(wanted, next);
            }
            let holds = self.shared_fate(branch, rule.action);
            (next, wanted) = match compared {
                Some((argument, value)) => {
                    let next = self.jump(code::EQUAL, value, holds, next);
                    (next, Some(argument))
                }
                None => (self.rule(branch, rule, holds, next), None),
            };
        }
        self.load_wanted(wanted, next)
    }

    const fn load_wanted(&mut self, wanted: Option<u8>, next: Position) -> Position {
        match wanted {
            Some(argument) => self.load(argument, 0),
            None => next,
        }
    }

    const fn rule(
        &mut self,
        branch: Branch<'_>,
        rule: Rule<'_>,
        mut holds: Position,
        fails: Position,
    ) -> Position {
        let mut last = rule.conditions.len();
        while last > 0 {
            last -= 1;
            let condition = rule.conditions[last];
            holds = match branch.architecture.is_of_32_bits() {
                false => self.condition(condition, holds, fails),
                true => self.narrow_condition(condition, holds, fails),
            };
        }
        holds
    }

    /// Leads to `holds` if the condition holds, else to `fails`.
    const fn condition(
        &mut self,
        condition: Condition,
        holds: Position,
        fails: Position,
    ) -> Position {
        let Condition {
            argument, value, ..
        } = condition;
        match condition.comparison {
            Comparison::Equal => self.equal(argument, u64::MAX, value, holds, fails),
            Comparison::NotEqual => self.equal(argument, u64::MAX, value, fails, holds),
            Comparison::Masked(mask) => self.equal(argument, mask, value, holds, fails),
            Comparison::Greater => self.greater(argument, code::GREATER, value, holds, fails),
            Comparison::LessOrEqual => self.greater(argument, code::GREATER, value, fails, holds),
            // Of such a value the lower half is not needed.
            Comparison::GreaterOrEqual if value as u32 == 0 => {
                self.jump(code::GREATER_OR_EQUAL, (value >> 32) as u32, holds, fails);
                self.load(argument, 4)
            }
            Comparison::GreaterOrEqual => {
                self.greater(argument, code::GREATER_OR_EQUAL, value, holds, fails)
            }
            Comparison::Less => self.greater(argument, code::GREATER_OR_EQUAL, value, fails, holds),
        }
    }

    /// Leads to `holds` if the condition holds of an argument of which the kernel takes 32 bits, else to `fails`. The upper
    /// half is not looked at: by `int 0x80` a 64-bit program can have anything in it.
    const fn narrow_condition(
        &mut self,
        condition: Condition,
        holds: Position,
        fails: Position,
    ) -> Position {
        const HALF: u64 = u32::MAX as u64;
        let Condition {
            argument, value, ..
        } = condition;
        // A negative int, as profiles write it.
        let is_negative = value >> 31 == u64::MAX >> 31;
        let can_be = value <= HALF || is_negative;
        let low = value & HALF;
        match condition.comparison {
            Comparison::Equal if can_be => self.equal(argument, HALF, low, holds, fails),
            Comparison::NotEqual if can_be => self.equal(argument, HALF, low, fails, holds),
            Comparison::Masked(mask) if can_be => {
                self.equal(argument, mask & HALF, low, holds, fails)
            }
            Comparison::Greater if can_be => {
                self.half_greater(argument, code::GREATER, low, holds, fails)
            }
            Comparison::LessOrEqual if can_be => {
                self.half_greater(argument, code::GREATER, low, fails, holds)
            }
            Comparison::GreaterOrEqual if can_be => {
                self.half_greater(argument, code::GREATER_OR_EQUAL, low, holds, fails)
            }
            Comparison::Less if can_be => {
                self.half_greater(argument, code::GREATER_OR_EQUAL, low, fails, holds)
            }
            // It is less than any value that does not fit.
            Comparison::NotEqual | Comparison::Less | Comparison::LessOrEqual => holds,
            Comparison::Equal
            | Comparison::Masked(_)
            | Comparison::Greater
            | Comparison::GreaterOrEqual => fails,
        }
    }

    const fn equal(
        &mut self,
        argument: u8,
        mask: u64,
        value: u64,
        holds: Position,
        fails: Position,
    ) -> Position {
        self.jump(code::EQUAL, value as u32, holds, fails);
        self.mask(mask as u32);
        let low = self.load(argument, 0);
        if mask >> 32 == 0 && value >> 32 == 0 {
            return low;
        }
        self.jump(code::EQUAL, (value >> 32) as u32, low, fails);
        self.mask((mask >> 32) as u32);
        self.load(argument, 4)
    }

    const fn greater(
        &mut self,
        argument: u8,
        comparison: u16,
        value: u64,
        holds: Position,
        fails: Position,
    ) -> Position {
        let high = (value >> 32) as u32;
        let lower = self.half_greater(argument, comparison, value, holds, fails);
        let not_above = self.jump(code::EQUAL, high, lower, fails);
        self.jump(code::GREATER, high, holds, not_above);
        self.load(argument, 4)
    }

    const fn half_greater(
        &mut self,
        argument: u8,
        comparison: u16,
        value: u64,
        holds: Position,
        fails: Position,
    ) -> Position {
        self.jump(comparison, value as u32, holds, fails);
        self.load(argument, 0)
    }

    const fn mask(&mut self, mask: u32) {
        if mask != u32::MAX {
            self.push(instruction(code::AND, 0, 0, mask));
        }
    }

    /// Half of an argument: its lower (0) or upper (4) four bytes, on machines that have the lower ones first.
    const fn load(&mut self, argument: u8, half: u32) -> Position {
        let offset = ARGUMENTS + 8 * argument as u32 + half;
        self.push(instruction(code::LOAD, 0, 0, offset))
    }

    const fn action(&mut self, action: Action) -> Position {
        self.push(instruction(code::RETURN, 0, 0, action.0))
    }

    /// A conditional jump.
    const fn jump(
        &mut self,
        comparison: u16,
        value: u32,
        holds: Position,
        fails: Position,
    ) -> Position {
        // From a place that is too far away there is a longer jump, put in between.
        let holds = self.within_reach(holds);
        let fails = self.within_reach(fails);
        let (holds, fails) = (self.distance(holds) as u8, self.distance(fails) as u8);
        self.push(instruction(comparison, holds, fails, value))
    }

    const fn within_reach(&mut self, place: Position) -> Position {
        if self.reaches(place) {
            place
        } else {
            let distance = self.distance(place) as u32;
            self.push(instruction(code::JUMP, 0, 0, distance))
        }
    }

    /// Whether the next instruction's jump gets there, and would with another one put in between.
    const fn reaches(&self, place: Position) -> bool {
        self.distance(place) < 250
    }

    /// From the instruction that is written next.
    const fn distance(&self, place: Position) -> usize {
        self.length - place.0
    }

    const fn here(&self) -> Position {
        Position(self.length)
    }

    const fn push(&mut self, instruction: Instruction) -> Position {
        self.length += 1;
        if self.length <= N {
            self.instructions[N - self.length] = instruction;
        }
        self.here()
    }
}

/// The argument and the value of a single condition: that the argument's lower half is this.
const fn compared_whole(conditions: &[Condition]) -> Option<(u8, u32)> {
    const LOWER: u64 = u32::MAX as u64;
    match conditions {
        [
            Condition {
                argument,
                comparison: Comparison::Masked(LOWER),
                value,
            },
        ] if *value <= LOWER => Some((*argument, *value as u32)),
        _ => None,
    }
}

/// Whether it decides by the lower halves of arguments, and of an upper one wants to know at most that it is empty.
const fn is_of_32_bits(check: Check<'_>) -> bool {
    let mut index = 0;
    while index < check.rules.len() {
        let conditions = check.rules[index].conditions;
        let mut each = 0;
        while each < conditions.len() {
            match conditions[each].comparison {
                Comparison::Masked(mask) if mask <= u32::MAX as u64 => {}
                // 32-bit programs have nothing there; who has it comes by int 0x80, and is refused as well.
                Comparison::GreaterOrEqual
                    if conditions[each].value == 1 << 32
                        && conditions.len() == 1
                        && !check.rules[index].action.lets_through() => {}
                _ => return false,
            }
            each += 1;
        }
        index += 1;
    }
    true
}
