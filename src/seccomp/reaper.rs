//! The filters of those processes of ours that stay in a container: `--init`'s reaper, and the keeper of a container in
//! the host's PID namespace. They have little to do, and that is all that they can.
//!
//! Whoever has CAP_SYS_PTRACE in the container can have them do it.

use super::architecture::{Family, HERE, NUMBERS};
use super::names::{self, position};
use super::program::NOTHING;
use super::runs::Runs;
use super::{Action, Check, Comparison, Condition, Leaf, Rule, Rules, compile};
use crate::sys::seccomp::Instruction;

/// To let the command go on, to wait for signals and children, to hand signals on, to leave.
const ALLOWED: &[&str] = &[
    "close",
    "exit",
    "exit_group",
    "getppid",
    "kill",
    "restart_syscall",
    "rt_sigtimedwait",
    "wait4",
    "write",
];

/// To list its children.
const KEEPERS: &[&str] = &["read"];

const READS_ONLY: &[Check<'_>] = &[Check {
    rules: &[Rule {
        conditions: &[Condition {
            argument: 2,
            comparison: Comparison::Masked(
                (libc::O_ACCMODE | libc::O_CREAT | libc::O_TRUNC) as u64,
            ),
            value: libc::O_RDONLY as u64,
        }],
        action: Action::ALLOW,
    }],
    otherwise: Action::EPERM,
}];

/// More than the longer of them has.
const LENGTH: usize = 64;

/// Writes one at the end of `kept`; how long it is.
const fn write(kept: &mut [Instruction], family: Family, is_keeper: bool) -> usize {
    let names = &names::all(family.native);
    let mut leaves = [Leaf::Action(Action::EPERM); NUMBERS];
    allow(&mut leaves, names, ALLOWED);
    if is_keeper {
        allow(&mut leaves, names, KEEPERS);
        leaves[position(names, "openat")] = Leaf::Check(0);
    }
    let rules = Rules {
        native: &Runs::of(&leaves),
        // It makes no calls of 32-bit programs.
        compat: None,
        checks: READS_ONLY,
    };
    compile::write(kept, family, rules)
}

const fn allow(leaves: &mut [Leaf; NUMBERS], all: &[&str; NUMBERS], names: &[&str]) {
    let mut index = 0;
    while index < names.len() {
        leaves[position(all, names[index])] = Leaf::Action(Action::ALLOW);
        index += 1;
    }
}

const fn filter<const N: usize>(is_keeper: bool) -> [Instruction; N] {
    let mut filter = [NOTHING; N];
    assert!(write(&mut filter, HERE, is_keeper) == N);
    filter
}

static REAPER: [Instruction; write(&mut [NOTHING; LENGTH], HERE, false)] = filter(false);
static KEEPER: [Instruction; write(&mut [NOTHING; LENGTH], HERE, true)] = filter(true);

pub fn reaper_filter() -> &'static [Instruction] {
    &REAPER
}

pub fn keeper_filter() -> &'static [Instruction] {
    &KEEPER
}

#[cfg(test)]
mod tests {
    use super::super::filter_summary::decided;
    use super::*;
    use crate::sys::Processor;

    #[test]
    fn on_every_processor_they_can_do_their_work_and_no_more() {
        for processor in [Processor::X86_64, Processor::Aarch64, Processor::Riscv64] {
            let family = Family::of(processor);
            let names = names::all(family.native);
            for is_keeper in [false, true] {
                let mut kept = [NOTHING; LENGTH];
                let length = write(&mut kept, family, is_keeper);
                let filter = &kept[LENGTH - length..];
                let action = |name: &str| {
                    let place = position(&names, name);
                    assert!(place < NUMBERS, "{processor:?} {name}");
                    decided(filter, family.native, place as u32)
                };
                for name in ALLOWED {
                    assert_eq!(action(name), Some(Action::ALLOW), "{processor:?} {name}");
                }
                let of_keepers = if is_keeper {
                    Action::ALLOW
                } else {
                    Action::EPERM
                };
                assert_eq!(action("read"), Some(of_keepers), "{processor:?}");
                assert_eq!(action("execve"), Some(Action::EPERM), "{processor:?}");
            }
        }
    }
}
