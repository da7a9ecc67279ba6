//! A filter for any set of capabilities, out of one that is compiled with mydocker.
//!
//! What becomes of a call may hang on which lists count. To group calls by it and to make a tree of the groups takes 20 us
//! and more, and three times that at a start, where nothing of it has run before. So it is done once, with the question
//! left open: a template has a jump of its own kind, by which lists count. What is left of it once that is known is
//! found in one walk from its end to its beginning: those jumps lead where they lead, an end stands once, and a
//! comparison that decides nothing any more is left out. That takes 3 us, for a filter that is a few instructions longer.

use super::program::{NOTHING, Position, Program};
use super::{Action, code};
use crate::sys::seccomp::Instruction;
use std::ops::RangeInclusive;

/// What the template is, of at most `LENGTH` instructions, if these lists count.
#[cold]
#[inline(never)]
pub fn settle<const LENGTH: usize>(template: &[Instruction], lists: u32) -> Vec<Instruction> {
    let mut kept = [NOTHING; LENGTH];
    let mut program = Program::new(&mut kept);
    // Where each of its instructions went.
    let mut places = [Position::END; LENGTH];
    let mut bits = 0;
    for (index, instruction) in template.iter().enumerate().rev() {
        let Instruction { code, value, .. } = *instruction;
        let next = index + 1;
        let holds = next + usize::from(instruction.jump_true);
        let fails = next + usize::from(instruction.jump_false);
        places[index] = match code {
            code::RETURN => program.action(Action(value)),
            code::JUMP => places[next + value as usize],
            code::LISTED if lists & value != 0 => places[holds],
            code::LISTED => places[fails],
            code::UNLISTED_BIT => {
                if lists & value & 0xffff == 0 {
                    bits |= 1 << (value >> 16);
                }
                places[next]
            }
            code::LOAD_VALUE => match std::mem::take(&mut bits) | value {
                // A bit that is 0 allows: here all are.
                0 => program.action(Action::ALLOW),
                value => program.step(code, value, places[next]),
            },
            code::EQUAL | code::GREATER | code::GREATER_OR_EQUAL | code::ANY_BIT => {
                compare(&mut program, (code, value), places[holds], places[fails])
            }
            code::LOAD | code::AND | code::SHIFT_RIGHT | code::KEEP => {
                program.step(code, value, places[next])
            }
            _ => unreachable!("no template has it"),
        };
    }
    let length = program.length();
    kept[LENGTH - length..].to_vec()
}

/// A comparison, if it decides anything.
fn compare(
    program: &mut Program<'_>,
    (code, value): (u16, u32),
    holds: Position,
    fails: Position,
) -> Position {
    let (equal, below) = match code {
        code::EQUAL => (value..=value, None),
        code::GREATER_OR_EQUAL => (value..=u32::MAX, value.checked_sub(1)),
        _ => return program.jump(code, value, holds, fails),
    };
    if leads(program, fails, holds, &equal) {
        fails
    } else if below.is_some_and(|below| leads(program, holds, fails, &(0..=below))) {
        holds
    } else {
        program.jump(code, value, holds, fails)
    }
}

/// Whether all that can be loaded there gets by comparisons from one place to the other.
fn leads(
    program: &Program<'_>,
    mut from: Position,
    to: Position,
    loaded: &RangeInclusive<u32>,
) -> bool {
    let (least, most) = (*loaded.start(), *loaded.end());
    while from != to {
        let Some((Instruction { code, value, .. }, holds, fails)) = program.at(from) else {
            return false;
        };
        from = match code {
            code::GREATER_OR_EQUAL if least >= value => holds,
            code::GREATER_OR_EQUAL if most < value => fails,
            code::EQUAL if least == value && most == value => holds,
            code::EQUAL if !loaded.contains(&value) => fails,
            _ => return false,
        };
    }
    true
}
