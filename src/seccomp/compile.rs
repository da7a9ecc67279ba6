//! From rules to instructions.
//!
//! BPF jumps forward only, and a condition's jumps reach 255 instructions. So the program is written from its end:
//! what an instruction leads to is there before it, and its distance is known.

use super::{
    ARCHITECTURE, Check, Comparison, Condition, Fate, Leaf, NUMBERS, Rules, code, instruction,
};
use crate::sys::seccomp::Instruction;

/// Where the kernel puts what a filter looks at: `struct seccomp_data`.
const NUMBER: u32 = 0;
const ARCHITECTURE_FIELD: u32 = 4;
const ARGUMENTS: u32 = 16;

/// Numbers with this bit are x32's: the kernel's calls with 32-bit pointers, for which no rule was made.
#[cfg(target_arch = "x86_64")]
const X32: u32 = 0x4000_0000;

/// A program that grows from its end. More than `N` instructions are counted and not kept.
pub struct Program<const N: usize> {
    /// The last `length` of them.
    instructions: [Instruction; N],
    length: usize,
}

/// A place in a program: how many instructions there are from it to the end.
#[derive(Clone, Copy)]
struct Place(usize);

impl<const N: usize> Program<N> {
    pub const fn new(rules: Rules<'_>) -> Self {
        let mut program = Self {
            instructions: [instruction(0, 0, 0, 0); N],
            length: 0,
        };
        program.write(rules);
        program
    }

    /// How many instructions it has, or would have.
    pub const fn length(&self) -> usize {
        self.length
    }

    /// Its instructions; empty if there are too many.
    pub const fn instructions(&self) -> &[Instruction] {
        match N.checked_sub(self.length) {
            Some(start) => self.instructions.split_at(start).1,
            None => &[],
        }
    }

    const fn write(&mut self, rules: Rules<'_>) {
        // Where most numbers lead, so that the jumps there are short.
        let foreign = self.fate(Fate::ENOSYS);
        let shared = [
            (Fate::ENOSYS, foreign),
            (Fate::EPERM, self.fate(Fate::EPERM)),
            (Fate::ALLOW, self.fate(Fate::ALLOW)),
        ];
        let tree = self.tree(rules, &shared, 0, NUMBERS);
        #[cfg(target_arch = "x86_64")]
        let tree = self.jump(code::GREATER_OR_EQUAL, X32, foreign, tree);
        if self.distance(tree) > 0 {
            // It is one leaf, and not here.
            self.push(instruction(code::JUMP, 0, 0, self.distance(tree) as u32));
        }
        self.push(instruction(code::LOAD, 0, 0, NUMBER));
        // A call of another architecture has other numbers (int 0x80 of a 64-bit program, say).
        let number = self.here();
        self.jump(code::EQUAL, ARCHITECTURE, number, foreign);
        self.push(instruction(code::LOAD, 0, 0, ARCHITECTURE_FIELD));
    }

    /// What decides for the numbers from `first` to before `end`.
    const fn tree(
        &mut self,
        rules: Rules<'_>,
        shared: &[(Fate, Place)],
        first: usize,
        end: usize,
    ) -> Place {
        // Where the leaf changes; half of the changes on each side.
        let mut changes = 0;
        let mut number = first + 1;
        while number < end {
            changes += !same(rules.leaves[number - 1], rules.leaves[number]) as usize;
            number += 1;
        }
        if changes == 0 {
            return self.leaf(rules, shared, rules.leaves[first]);
        }
        let mut passed = 0;
        let mut middle = first;
        while passed * 2 <= changes && passed < changes {
            middle += 1;
            passed += !same(rules.leaves[middle - 1], rules.leaves[middle]) as usize;
        }
        let above = self.tree(rules, shared, middle, end);
        let below = self.tree(rules, shared, first, middle);
        self.jump(code::GREATER_OR_EQUAL, middle as u32, above, below)
    }

    const fn leaf(&mut self, rules: Rules<'_>, shared: &[(Fate, Place)], leaf: Leaf) -> Place {
        match leaf {
            Leaf::Check(index) => self.check(rules.checks[index as usize], shared),
            Leaf::Fate(fate) => self.shared_fate(fate, shared),
        }
    }

    const fn shared_fate(&mut self, fate: Fate, shared: &[(Fate, Place)]) -> Place {
        let mut index = 0;
        while index < shared.len() {
            if shared[index].0.0 == fate.0 && self.reaches(shared[index].1) {
                return shared[index].1;
            }
            index += 1;
        }
        self.fate(fate)
    }

    const fn check(&mut self, check: Check<'_>, shared: &[(Fate, Place)]) -> Place {
        let mut next = self.shared_fate(check.otherwise, shared);
        let mut index = check.rules.len();
        while index > 0 {
            index -= 1;
            let rule = check.rules[index];
            let mut holds = self.shared_fate(rule.fate, shared);
            let mut last = rule.conditions.len();
            while last > 0 {
                last -= 1;
                holds = self.condition(rule.conditions[last], holds, next);
            }
            next = holds;
        }
        next
    }

    /// Leads to `holds` if the condition holds, else to `fails`.
    const fn condition(&mut self, condition: Condition, holds: Place, fails: Place) -> Place {
        let value = condition.value;
        let (high, low) = ((value >> 32) as u32, value as u32);
        match condition.comparison {
            Comparison::Equal => self.equal(condition.argument, u64::MAX, value, holds, fails),
            Comparison::NotEqual => self.equal(condition.argument, u64::MAX, value, fails, holds),
            Comparison::Masked(mask) => self.equal(condition.argument, mask, value, holds, fails),
            Comparison::GreaterOrEqual => {
                let or_equal = code::GREATER_OR_EQUAL;
                self.greater(condition.argument, (high, low), or_equal, holds, fails)
            }
            Comparison::Less => {
                let or_equal = code::GREATER_OR_EQUAL;
                self.greater(condition.argument, (high, low), or_equal, fails, holds)
            }
            Comparison::Greater => {
                self.greater(condition.argument, (high, low), code::GREATER, holds, fails)
            }
            Comparison::LessOrEqual => {
                self.greater(condition.argument, (high, low), code::GREATER, fails, holds)
            }
        }
    }

    const fn equal(
        &mut self,
        argument: u8,
        mask: u64,
        value: u64,
        holds: Place,
        fails: Place,
    ) -> Place {
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
        (high, low): (u32, u32),
        comparison: u16,
        holds: Place,
        fails: Place,
    ) -> Place {
        self.jump(comparison, low, holds, fails);
        let lower = self.load(argument, 0);
        let not_above = self.jump(code::EQUAL, high, lower, fails);
        self.jump(code::GREATER, high, holds, not_above);
        self.load(argument, 4)
    }

    const fn mask(&mut self, mask: u32) {
        if mask != u32::MAX {
            self.push(instruction(code::AND, 0, 0, mask));
        }
    }

    /// Half of an argument: its lower (0) or upper (4) four bytes, on machines that have the lower ones first.
    const fn load(&mut self, argument: u8, half: u32) -> Place {
        let offset = ARGUMENTS + 8 * argument as u32 + half;
        self.push(instruction(code::LOAD, 0, 0, offset))
    }

    const fn fate(&mut self, fate: Fate) -> Place {
        self.push(instruction(code::RETURN, 0, 0, fate.0))
    }

    /// A conditional jump.
    const fn jump(&mut self, comparison: u16, value: u32, holds: Place, fails: Place) -> Place {
        // From a place that is too far away there is a longer jump, put in between.
        let holds = self.within_reach(holds);
        let fails = self.within_reach(fails);
        let (holds, fails) = (self.distance(holds) as u8, self.distance(fails) as u8);
        self.push(instruction(comparison, holds, fails, value))
    }

    const fn within_reach(&mut self, place: Place) -> Place {
        if self.reaches(place) {
            place
        } else {
            let distance = self.distance(place) as u32;
            self.push(instruction(code::JUMP, 0, 0, distance))
        }
    }

    /// Whether the next instruction's jump gets there, and would with another one put in between.
    const fn reaches(&self, place: Place) -> bool {
        self.distance(place) < 250
    }

    /// From the instruction that is written next.
    const fn distance(&self, place: Place) -> usize {
        self.length - place.0
    }

    const fn here(&self) -> Place {
        Place(self.length)
    }

    const fn push(&mut self, instruction: Instruction) -> Place {
        self.length += 1;
        if self.length <= N {
            self.instructions[N - self.length] = instruction;
        }
        self.here()
    }
}

const fn same(one: Leaf, other: Leaf) -> bool {
    match (one, other) {
        (Leaf::Fate(one), Leaf::Fate(other)) => one.0 == other.0,
        (Leaf::Check(one), Leaf::Check(other)) => one == other,
        _ => false,
    }
}
