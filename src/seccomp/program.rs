//! A filter's instructions, written from their end: BPF jumps forward only, and a condition's jumps reach 255 instructions.
//! What an instruction leads to is there before it, and its distance is known.

use super::{Action, code, instruction};
use crate::sys::seccomp::Instruction;

/// Where the kernel puts what a filter looks at: `struct seccomp_data`.
pub const NUMBER: u32 = 0;
pub const ARCHITECTURE_FIELD: u32 = 4;
const ARGUMENTS: u32 = 16;

/// What a program is before it is written.
pub const NOTHING: Instruction = instruction(0, 0, 0, 0);

/// A program that grows from the end of `kept`. What there is no room for is counted.
pub struct Program<'a> {
    kept: &'a mut [Instruction],
    length: usize,
    /// Actions that stand somewhere already. The last one written is the nearest.
    actions: [(Action, Position); ACTIONS],
    /// Which of them goes next.
    oldest: usize,
}

/// As many as most filters have.
const ACTIONS: usize = 4;

/// So far back it is looked for a comparison that is there already.
const NEAR: usize = 64;

/// A place in a program: how many instructions there are from it to the end.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Position(usize);

impl Position {
    /// Behind the last instruction.
    pub const END: Self = Self(0);
}

impl<'a> Program<'a> {
    pub const fn new(kept: &'a mut [Instruction]) -> Self {
        Self {
            kept,
            length: 0,
            actions: [(Action::ALLOW, Position(0)); ACTIONS],
            oldest: 0,
        }
    }

    /// How many instructions it has, or would have.
    pub const fn length(&self) -> usize {
        self.length
    }

    /// From here on none of those that are written is used.
    pub const fn forget_actions(&mut self) {
        self.actions = [(Action::ALLOW, Position(0)); ACTIONS];
        self.oldest = 0;
    }

    /// What ends a call with this action.
    pub const fn action(&mut self, action: Action) -> Position {
        let mut index = 0;
        while index < ACTIONS {
            let (known, place) = self.actions[index];
            if place.0 > 0 && known.0 == action.0 && self.reaches(place) {
                return place;
            }
            index += 1;
        }
        let place = self.push(instruction(code::RETURN, 0, 0, action.0));
        self.actions[self.oldest] = (action, place);
        self.oldest = (self.oldest + 1) % ACTIONS;
        place
    }

    /// Half of an argument: its lower (0) or upper (4) four bytes, on machines that have the lower ones first; of it what is
    /// under the mask. Then `next`.
    pub const fn load(&mut self, argument: u8, half: u32, mask: u32, next: Position) -> Position {
        let next = match mask {
            u32::MAX => next,
            _ => self.step(code::AND, mask, next),
        };
        let offset = ARGUMENTS + 8 * argument as u32 + half;
        self.step(code::LOAD, offset, next)
    }

    /// An instruction that is no jump; then `next`.
    pub const fn step(&mut self, code: u16, value: u32, next: Position) -> Position {
        self.then(next);
        self.push(instruction(code, 0, 0, value))
    }

    /// A conditional jump.
    pub const fn jump(
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

    /// As [`Program::jump`], if that does not stand near here already.
    pub const fn shared_jump(
        &mut self,
        comparison: u16,
        value: u32,
        holds: Position,
        fails: Position,
    ) -> Position {
        let mut back = 1;
        while back <= NEAR && back <= self.length && self.length <= self.kept.len() {
            let at = self.kept.len() - self.length + back - 1;
            let known = self.kept[at];
            let behind = self.length - back;
            if known.code == comparison
                && known.value == value
                && holds.0 + known.jump_true as usize == behind
                && fails.0 + known.jump_false as usize == behind
            {
                return Position(behind + 1);
            }
            back += 1;
        }
        self.jump(comparison, value, holds, fails)
    }

    /// The next instruction goes on at `place`.
    pub const fn then(&mut self, place: Position) -> Position {
        match self.distance(place) {
            0 => place,
            distance => self.push(instruction(code::JUMP, 0, 0, distance as u32)),
        }
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

    /// What is written there, and where it leads: if it holds, and if not.
    pub fn at(&self, place: Position) -> Option<(Instruction, Position, Position)> {
        let at = self.kept.len().checked_sub(place.0)?;
        let instruction = *self.kept.get(at)?;
        let behind = |jump: u8| place.0.checked_sub(1 + usize::from(jump)).map(Position);
        let holds = behind(instruction.jump_true)?;
        Some((instruction, holds, behind(instruction.jump_false)?))
    }

    /// From the instruction that is written next.
    pub const fn distance(&self, place: Position) -> usize {
        self.length - place.0
    }

    const fn push(&mut self, instruction: Instruction) -> Position {
        self.length += 1;
        if self.length <= self.kept.len() {
            let at = self.kept.len() - self.length;
            self.kept[at] = instruction;
        }
        Position(self.length)
    }
}
