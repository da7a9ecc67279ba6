//! The filters of those processes of ours that stay in a container: `--init`'s reaper, and the keeper of a container in
//! the host's PID namespace. They have little to do, and that is all that they can.
//!
//! Whoever has CAP_SYS_PTRACE in the container can have them do it.

use super::architecture::{Family, HERE};
use super::compile::Program;
use super::default::give;
use super::names::{self, Calls, position};
use super::{Action, Check, Comparison, Condition, Leaf, NUMBERS, Rule, Rules};
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

/// Two more than the longer of them has.
const LENGTH: usize = 60;

const fn program(family: Family, is_keeper: bool) -> Program<LENGTH> {
    let names = &names::all(family.native);
    let mut leaves = [Leaf::Action(Action::EPERM); NUMBERS];
    give(&mut leaves, &Calls::named(names, ALLOWED), Action::ALLOW);
    if is_keeper {
        give(&mut leaves, &Calls::named(names, KEEPERS), Action::ALLOW);
        leaves[position(names, "openat")] = Leaf::Check(0);
    }
    let rules = Rules {
        leaves: &leaves,
        checks: READS_ONLY,
    };
    // It makes no calls of 32-bit programs.
    Program::for_family(family, rules, None)
}

static REAPER: Program<LENGTH> = program(HERE, false);
static KEEPER: Program<LENGTH> = program(HERE, true);
const _: () = assert!(REAPER.length() <= LENGTH && KEEPER.length() <= LENGTH);

pub fn reaper_filter() -> &'static [Instruction] {
    REAPER.instructions()
}

pub fn keeper_filter() -> &'static [Instruction] {
    KEEPER.instructions()
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
                let program = program(family, is_keeper);
                assert!(program.length() <= LENGTH);
                let action = |name: &str| {
                    let place = position(&names, name);
                    assert!(place < NUMBERS, "{processor:?} {name}");
                    decided(program.instructions(), family.native, place as u32)
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
