//! The words of profiles, which are libseccomp's.

use super::{Action, Comparison, Condition};

type Make = fn(u16) -> Action;

/// What becomes of a call. An errno, or a message to a tracer, is a part of some.
const ACTIONS: [(&str, Make); 9] = [
    ("SCMP_ACT_ALLOW", |_| Action::ALLOW),
    ("SCMP_ACT_ERRNO", Action::errno),
    ("SCMP_ACT_KILL", |_| Action::KILL_THREAD),
    ("SCMP_ACT_KILL_PROCESS", |_| Action::KILL_PROCESS),
    ("SCMP_ACT_KILL_THREAD", |_| Action::KILL_THREAD),
    ("SCMP_ACT_LOG", |_| Action::LOG),
    ("SCMP_ACT_NOTIFY", |_| Action::NOTIFY),
    ("SCMP_ACT_TRACE", Action::trace),
    ("SCMP_ACT_TRAP", |_| Action::TRAP),
];

type Compare = fn(u64, u64) -> (Comparison, u64);

/// How an argument is compared, of a value and another one.
const OPERATORS: [(&str, Compare); 7] = [
    ("SCMP_CMP_EQ", |value, _| (Comparison::Equal, value)),
    ("SCMP_CMP_GE", |value, _| {
        (Comparison::GreaterOrEqual, value)
    }),
    ("SCMP_CMP_GT", |value, _| (Comparison::Greater, value)),
    ("SCMP_CMP_LE", |value, _| (Comparison::LessOrEqual, value)),
    ("SCMP_CMP_LT", |value, _| (Comparison::Less, value)),
    // What the mask takes away is taken from both.
    ("SCMP_CMP_MASKED_EQ", |mask, value| {
        (Comparison::Masked(mask), value & mask)
    }),
    ("SCMP_CMP_NE", |value, _| (Comparison::NotEqual, value)),
];

/// The highest errno that a program is told (MAX_ERRNO).
pub const HIGHEST_ERRNO: u16 = 4095;

impl Action {
    /// What this word stands for.
    pub fn named(word: &str, number: u16) -> Option<Self> {
        let known = ACTIONS.iter().find(|(name, _)| *name == word);
        known.map(|(_, make)| make(number))
    }

    pub fn names() -> impl Iterator<Item = &'static str> {
        ACTIONS.iter().map(|(name, _)| *name)
    }
}

impl Condition {
    /// `None`: there is no such operator.
    pub fn new(argument: u8, operator: &str, value: u64, second: u64) -> Option<Self> {
        let known = OPERATORS.iter().find(|(name, _)| *name == operator);
        known.map(|(_, compare)| {
            let (comparison, value) = compare(value, second);
            Self {
                argument,
                comparison,
                value,
            }
        })
    }

    pub fn operators() -> impl Iterator<Item = &'static str> {
        OPERATORS.iter().map(|(name, _)| *name)
    }
}
