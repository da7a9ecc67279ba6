//! The filters of those processes of ours that stay in a container: `--init`'s reaper, and the keeper of a container in
//! the host's PID namespace. They have little to do, and that is all that they can.
//!
//! Whoever has CAP_SYS_PTRACE in the container can have them do it.

use super::compile::Program;
use super::default::allow;
use super::{Check, Comparison, Condition, Fate, Leaf, NUMBERS, Rule, Rules};
use crate::sys::seccomp::Instruction;

/// To let the command go on, to wait for signals and children, to hand signals on, to leave.
const ALLOWED: &[usize] = calls![
    close exit exit_group getppid kill restart_syscall rt_sigtimedwait wait4 write
];

/// To list its children.
const KEEPERS: &[usize] = calls![read];

const READS_ONLY: &[Check<'_>] = &[Check {
    rules: &[Rule {
        conditions: &[Condition {
            argument: 2,
            comparison: Comparison::Masked(
                (libc::O_ACCMODE | libc::O_CREAT | libc::O_TRUNC) as u64,
            ),
            value: libc::O_RDONLY as u64,
        }],
        fate: Fate::ALLOW,
    }],
    otherwise: Fate::EPERM,
}];

/// Two more than the longer of them has.
const LENGTH: usize = 60;

const fn program(is_keeper: bool) -> Program<LENGTH> {
    let mut leaves = [Leaf::Fate(Fate::EPERM); NUMBERS];
    allow(&mut leaves, ALLOWED);
    if is_keeper {
        allow(&mut leaves, KEEPERS);
        leaves[::syscalls::Sysno::openat as usize] = Leaf::Check(0);
    }
    Program::new(Rules {
        leaves: &leaves,
        checks: READS_ONLY,
    })
}

static REAPER: Program<LENGTH> = program(false);
static KEEPER: Program<LENGTH> = program(true);
const _: () = assert!(REAPER.length() <= LENGTH && KEEPER.length() <= LENGTH);

pub fn reaper_filter() -> &'static [Instruction] {
    REAPER.instructions()
}

pub fn keeper_filter() -> &'static [Instruction] {
    KEEPER.instructions()
}
