//! For tests: what a filter answers, as the kernel would, beside what its rules say, without a compiler in between.

use super::allowed::{ALLOWED, BY_CAPABILITY, TRACING, allowed_only};
use super::architecture::{Architecture, NUMBERS};
use super::default::CHECKED;
use super::names;
use super::{Action, Check, Comparison, Condition, code};
use crate::sys::capability::CapabilitySet;
use crate::sys::seccomp::Instruction;
use std::collections::HashMap;

/// A call, as a filter is told of it.
#[derive(Clone, Copy, Debug)]
pub struct Call {
    pub architecture: u32,
    pub number: u32,
    pub arguments: [u64; 6],
}

/// What the filter answers, and after how many instructions.
pub fn answer(filter: &[Instruction], call: &Call) -> (Action, usize) {
    let (mut loaded, mut kept) = (0u32, 0);
    let (mut at, mut steps) = (0, 0);
    loop {
        let Instruction {
            code,
            jump_true,
            jump_false,
            value,
        } = filter[at];
        at += 1;
        steps += 1;
        let holds = match code {
            code::LOAD => {
                loaded = match value {
                    0 => call.number,
                    4 => call.architecture,
                    _ => {
                        let argument = call.arguments[(value as usize - 16) / 8];
                        (argument >> (8 * (value % 8))) as u32
                    }
                };
                continue;
            }
            code::LOAD_VALUE => {
                loaded = value;
                continue;
            }
            code::KEEP => {
                kept = loaded;
                continue;
            }
            code::AND => {
                loaded &= value;
                continue;
            }
            code::SHIFT_RIGHT => {
                loaded = loaded.checked_shr(kept).unwrap();
                continue;
            }
            code::JUMP => {
                at += value as usize;
                continue;
            }
            code::RETURN => return (Action(value), steps),
            code::EQUAL => loaded == value,
            code::GREATER => loaded > value,
            code::GREATER_OR_EQUAL => loaded >= value,
            code::ANY_BIT => loaded & value != 0,
            _ => panic!("code {code:#x}"),
        };
        at += usize::from(if holds { jump_true } else { jump_false });
    }
}

fn holds(condition: &Condition, architecture: Architecture, arguments: &[u64; 6]) -> bool {
    let Condition {
        argument,
        comparison,
        value,
    } = *condition;
    let told = arguments[usize::from(argument)];
    // What personality asks of the upper half is refused of those who come by int 0x80 as well.
    let is_whole = !architecture.is_of_32_bits() || value >> 32 != 0;
    let told = if is_whole { told } else { told & 0xffff_ffff };
    match comparison {
        Comparison::Masked(mask) => told & mask == value,
        Comparison::MaskedNot(mask) => told & mask != value,
        Comparison::GreaterOrEqual => told >= value,
        other => panic!("{other:?}"),
    }
}

fn decide(check: &Check<'_>, architecture: Architecture, arguments: &[u64; 6]) -> Action {
    let rule = check.rules.iter().find(|rule| {
        let mut conditions = rule.conditions.iter();
        conditions.all(|condition| holds(condition, architecture, arguments))
    });
    rule.map_or(check.otherwise, |rule| rule.action)
}

/// What the default filter's lists say of the calls of one architecture.
pub struct Lists {
    architecture: Architecture,
    by_number: HashMap<u32, Said>,
}

enum Said {
    Action(Action),
    Check(Check<'static>),
}

impl Lists {
    pub fn of(architecture: Architecture, capabilities: CapabilitySet, tracing: bool) -> Self {
        let mut allowed = [ALLOWED, allowed_only(architecture)].concat();
        let mut all = allowed.clone();
        if tracing {
            allowed.extend(TRACING);
        }
        for (capability, names) in BY_CAPABILITY {
            all.extend(*names);
            if capabilities.contains(*capability) {
                allowed.extend(*names);
            }
        }
        let names = names::all(architecture);
        let is_alone = |place: &usize| architecture.is_arm_alone(*place);
        let is_newest = |place: &usize| all.contains(&names[*place]) && !is_alone(place);
        let newest = (0..NUMBERS).rfind(is_newest).unwrap();
        let is_known = |place: &usize| *place <= newest || is_alone(place);
        let places = (0..NUMBERS).filter(|place| !names[*place].is_empty());
        let said = |place| {
            let name = names[place];
            let check = CHECKED.iter().find(|(checked, _)| *checked == name);
            let said = match check {
                _ if allowed.contains(&name) => Said::Action(Action::ALLOW),
                _ if name == "clone3" => Said::Action(Action::ENOSYS),
                Some((_, check)) => Said::Check(*check),
                None => Said::Action(Action::EPERM),
            };
            (architecture.number(place), said)
        };
        Self {
            architecture,
            by_number: places.filter(is_known).map(said).collect(),
        }
    }

    pub fn answer(&self, call: &Call) -> Action {
        match self.by_number.get(&call.number) {
            None => Action::ENOSYS,
            Some(Said::Action(action)) => *action,
            Some(Said::Check(check)) => decide(check, self.architecture, &call.arguments),
        }
    }
}
