//! What becomes of a call by its arguments: rules, as instructions.

use super::architecture::Architecture;
use super::program::{Position, Program};
use super::{Check, Comparison, Condition, Rule, code};

/// What a single condition compares for equality.
#[derive(Clone, Copy)]
struct Equality {
    argument: u8,
    /// What the upper half has to be, where that is looked at.
    high: Option<u32>,
    mask: u32,
    value: u32,
    /// Whether the check holds where the values differ.
    differs: bool,
}

/// What stands there wants this to be loaded.
#[derive(Clone, Copy)]
struct Wanted {
    argument: u8,
    mask: u32,
    /// What the upper half has to be, and where it goes on if it is not.
    high: Option<(u32, Position)>,
}

/// What a check compares is loaded once for all rules in a row that look at it, and rules that two checks end with are
/// written once.
pub const fn write(
    program: &mut Program<'_>,
    architecture: Architecture,
    check: Check<'_>,
) -> Position {
    let mut next = program.action(check.otherwise);
    let mut wanted = None;
    let mut index = check.rules.len();
    while index > 0 {
        index -= 1;
        let rule = check.rules[index];
        let Some(equality) = equality(architecture, rule.conditions) else {
            next = load(program, wanted, next);
            let holds = program.action(rule.action);
            next = all(program, architecture, rule.conditions, holds, next);
            wanted = None;
            continue;
        };
        let high = match (wanted, equality.high) {
            (Some(wanted), _) if goes_on(equality, wanted) => {
                if wanted.mask != equality.mask {
                    next = program.step(code::AND, wanted.mask, next);
                }
                wanted.high
            }
            (_, None) => {
                next = load(program, wanted, next);
                None
            }
            (_, Some(high)) => {
                next = load(program, wanted, next);
                Some((high, next))
            }
        };
        let holds = program.action(rule.action);
        let (equal, other) = match equality.differs {
            true => (next, holds),
            false => (holds, next),
        };
        next = program.shared_jump(code::EQUAL, equality.value, equal, other);
        wanted = Some(Wanted {
            argument: equality.argument,
            mask: equality.mask,
            high,
        });
    }
    load(program, wanted, next)
}

/// Whether what this compares is loaded for what comes behind it as well, or for what is under its mask.
const fn goes_on(equality: Equality, wanted: Wanted) -> bool {
    let halves = match (equality.high, wanted.high) {
        (None, None) => true,
        (Some(high), Some((wanted, _))) => high == wanted && !equality.differs,
        _ => false,
    };
    halves && equality.argument == wanted.argument && equality.mask & wanted.mask == wanted.mask
}

const fn load(program: &mut Program<'_>, wanted: Option<Wanted>, next: Position) -> Position {
    let Some(wanted) = wanted else {
        return next;
    };
    let low = program.load(wanted.argument, 0, wanted.mask, next);
    match wanted.high {
        Some((high, otherwise)) => {
            let same = program.jump(code::EQUAL, high, low, otherwise);
            program.load(wanted.argument, 4, u32::MAX, same)
        }
        None => low,
    }
}

/// What a single condition compares, if that is all that it does.
const fn equality(architecture: Architecture, conditions: &[Condition]) -> Option<Equality> {
    let [condition] = conditions else {
        return None;
    };
    let Condition {
        argument, value, ..
    } = *condition;
    let low = value & HALF;
    let is_narrow = architecture.is_of_32_bits();
    if is_narrow && !fits(value) {
        return None;
    }
    let (mask, high, differs) = match condition.comparison {
        Comparison::Equal if is_narrow => (HALF, None, false),
        Comparison::NotEqual if is_narrow => (HALF, None, true),
        Comparison::Equal => (HALF, Some((value >> 32) as u32), false),
        Comparison::Masked(mask) if is_narrow => (mask & HALF, None, false),
        Comparison::Masked(mask) if mask <= HALF && value <= HALF => (mask, None, false),
        Comparison::MaskedNot(mask) if mask <= HALF && value <= HALF => (mask, None, true),
        _ => return None,
    };
    Some(Equality {
        argument,
        high,
        mask: mask as u32,
        value: low as u32,
        differs,
    })
}

/// Leads to `holds` if all conditions hold, else to `fails`.
const fn all(
    program: &mut Program<'_>,
    architecture: Architecture,
    conditions: &[Condition],
    mut holds: Position,
    fails: Position,
) -> Position {
    let mut last = conditions.len();
    while last > 0 {
        last -= 1;
        let condition = conditions[last];
        holds = match architecture.is_of_32_bits() {
            false => whole(program, condition, holds, fails),
            true => narrow(program, condition, holds, fails),
        };
    }
    holds
}

/// The lower half of a register.
const HALF: u64 = u32::MAX as u64;

/// Whether 32 bits can be this: a negative int is, as profiles write it.
const fn fits(value: u64) -> bool {
    value <= HALF || value >> 31 == u64::MAX >> 31
}

/// Leads to `holds` if the condition holds, else to `fails`.
const fn whole(
    program: &mut Program<'_>,
    condition: Condition,
    holds: Position,
    fails: Position,
) -> Position {
    let Condition {
        argument, value, ..
    } = condition;
    match condition.comparison {
        Comparison::Equal => equal(program, (argument, u64::MAX, value), holds, fails),
        Comparison::NotEqual => equal(program, (argument, u64::MAX, value), fails, holds),
        Comparison::Masked(mask) => equal(program, (argument, mask, value), holds, fails),
        Comparison::MaskedNot(mask) => equal(program, (argument, mask, value), fails, holds),
        // Of such a value the lower half is not needed.
        Comparison::GreaterOrEqual if value as u32 == 0 => {
            let high = (value >> 32) as u32;
            let next = program.jump(code::GREATER_OR_EQUAL, high, holds, fails);
            program.load(argument, 4, u32::MAX, next)
        }
        _ => {
            let (comparison, holds, fails) = order(condition.comparison, holds, fails);
            greater(program, (argument, value), comparison, holds, fails)
        }
    }
}

/// Leads to `holds` if the condition holds of an argument of which the kernel takes 32 bits, else to `fails`. The upper
/// half is not looked at: by `int 0x80` a 64-bit program can have anything in it.
const fn narrow(
    program: &mut Program<'_>,
    condition: Condition,
    holds: Position,
    fails: Position,
) -> Position {
    let Condition {
        argument, value, ..
    } = condition;
    let low = value & HALF;
    if !fits(value) {
        return match condition.comparison {
            // It is less than any value that does not fit.
            Comparison::NotEqual
            | Comparison::MaskedNot(_)
            | Comparison::Less
            | Comparison::LessOrEqual => holds,
            Comparison::Equal
            | Comparison::Masked(_)
            | Comparison::Greater
            | Comparison::GreaterOrEqual => fails,
        };
    }
    match condition.comparison {
        Comparison::Equal => equal(program, (argument, HALF, low), holds, fails),
        Comparison::NotEqual => equal(program, (argument, HALF, low), fails, holds),
        Comparison::Masked(mask) => equal(program, (argument, mask & HALF, low), holds, fails),
        Comparison::MaskedNot(mask) => equal(program, (argument, mask & HALF, low), fails, holds),
        _ => {
            let (comparison, holds, fails) = order(condition.comparison, holds, fails);
            half_greater(program, (argument, low), comparison, holds, fails)
        }
    }
}

/// A comparison that BPF has for one by size, and where it leads.
const fn order(
    comparison: Comparison,
    holds: Position,
    fails: Position,
) -> (u16, Position, Position) {
    match comparison {
        Comparison::Greater => (code::GREATER, holds, fails),
        Comparison::LessOrEqual => (code::GREATER, fails, holds),
        Comparison::Less => (code::GREATER_OR_EQUAL, fails, holds),
        _ => (code::GREATER_OR_EQUAL, holds, fails),
    }
}

const fn equal(
    program: &mut Program<'_>,
    (argument, mask, value): (u8, u64, u64),
    holds: Position,
    fails: Position,
) -> Position {
    let compared = program.jump(code::EQUAL, value as u32, holds, fails);
    let low = program.load(argument, 0, mask as u32, compared);
    if mask >> 32 == 0 && value >> 32 == 0 {
        return low;
    }
    let compared = program.jump(code::EQUAL, (value >> 32) as u32, low, fails);
    program.load(argument, 4, (mask >> 32) as u32, compared)
}

const fn greater(
    program: &mut Program<'_>,
    (argument, value): (u8, u64),
    comparison: u16,
    holds: Position,
    fails: Position,
) -> Position {
    let high = (value >> 32) as u32;
    let lower = half_greater(program, (argument, value), comparison, holds, fails);
    let not_above = program.jump(code::EQUAL, high, lower, fails);
    let above = program.jump(code::GREATER, high, holds, not_above);
    program.load(argument, 4, u32::MAX, above)
}

const fn half_greater(
    program: &mut Program<'_>,
    (argument, value): (u8, u64),
    comparison: u16,
    holds: Position,
    fails: Position,
) -> Position {
    let compared = program.jump(comparison, value as u32, holds, fails);
    program.load(argument, 0, u32::MAX, compared)
}

/// Whether it decides by the lower halves of arguments, and of an upper one wants to know at most that it is empty: it is
/// the same for programs of both kinds then.
pub const fn is_of_32_bits(check: Check<'_>) -> bool {
    let mut index = 0;
    while index < check.rules.len() {
        let Rule { conditions, action } = check.rules[index];
        let mut each = 0;
        while each < conditions.len() {
            match conditions[each].comparison {
                Comparison::Masked(mask) | Comparison::MaskedNot(mask) if mask <= HALF => {}
                // 32-bit programs have nothing there; who has it comes by int 0x80, and is refused as well.
                Comparison::GreaterOrEqual
                    if conditions[each].value == 1 << 32
                        && conditions.len() == 1
                        && !action.lets_through() => {}
                _ => return false,
            }
            each += 1;
        }
        index += 1;
    }
    true
}
