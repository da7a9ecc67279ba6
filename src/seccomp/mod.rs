//! The filter of system calls: rules, and their compilation to the kernel's BPF; see seccomp(2).
//!
//! A filter says for each number what becomes of the call. It is compiled to a search tree over groups of numbers
//! with the same action, seven comparisons deep. The kernel translates each instruction when a filter is loaded (0.1 us
//! each, and once more where a jump goes on at neither of its sides), and runs it once for each number, to know
//! which calls it need not run it for: so length is what loading costs, and depth after it. The default filter is compiled
//! with mydocker, by the same code that compiles a profile when it is read; what it is for other capabilities comes
//! from a template (`template.rs`).
//!
//! 32-bit programs have calls of their own (`architecture.rs`): other numbers, other names, and some that are several in
//! one (`multiplexer.rs`). Where they are allowed they have a tree of their own, made from the same rules by the names
//! of calls, so that no rule is passed by with the other half of the kernel.

mod allowed;
mod architecture;
mod check;
mod compile;
mod default;
mod entries;
mod filter_summary;
mod group;
#[cfg(test)]
mod meaning;
mod multiplexer;
mod names;
mod profile;
mod program;
mod reaper;
mod runs;
mod template;
mod words;

pub use architecture::{Architecture, Family, HERE};
pub use default::default_filter;
pub use entries::{SyscallEntry, assemble, lists_compat};
pub use filter_summary::{
    FilterSummary, ends_execve, lets_pass, lets_wait, refuses_execve, summary,
};
pub use profile::compile as compile_profile;
pub use reaper::{keeper_filter, reaper_filter};
pub use words::HIGHEST_ERRNO;

use crate::sys::capability::CapabilitySet;
use crate::sys::seccomp::Instruction;
use runs::Runs;

/// What decides which rules count.
#[derive(Clone, Copy, Debug)]
pub struct Host {
    /// The container's bounding set.
    pub capabilities: CapabilitySet,
    /// Linux 6.1 is (6, 1).
    pub kernel: (u32, u32),
}

/// What becomes of a call: the value that the filter returns (linux/seccomp.h).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Action(u32);

impl Action {
    const KILL_PROCESS: Self = Self(0x8000_0000);
    const KILL_THREAD: Self = Self(0);
    const TRAP: Self = Self(0x0003_0000);
    /// Who has the filter's listener decides.
    pub const NOTIFY: Self = Self(0x7fc0_0000);
    const LOG: Self = Self(0x7ffc_0000);
    const ALLOW: Self = Self(0x7fff_0000);
    /// Not permitted.
    const EPERM: Self = Self::errno(libc::EPERM as u16);
    /// As if this kernel did not have it: programs have another way then.
    const ENOSYS: Self = Self::errno(libc::ENOSYS as u16);

    const fn errno(errno: u16) -> Self {
        Self(0x0005_0000 | errno as u32)
    }

    const fn trace(message: u16) -> Self {
        Self(0x7ff0_0000 | message as u32)
    }

    /// Whether the kernel makes the call, or leaves that to a tracer.
    const fn lets_through(self) -> bool {
        self.0 >= Self::trace(0).0 && self.0 < Self::KILL_PROCESS.0
    }
}

/// How an argument is compared, as an unsigned number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    /// What is left of it under the mask is equal.
    Masked(u64),
    /// What is left of it under the mask, one of the lower half, is not equal. (Only the default filter asks that.)
    MaskedNot(u64),
}

/// What is asked of an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Condition {
    /// Which argument, 0 to 5.
    argument: u8,
    comparison: Comparison,
    value: u64,
}

/// If all conditions hold: this action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Rule<'a> {
    conditions: &'a [Condition],
    action: Action,
}

/// What becomes of a call whose arguments are looked at: the first rule that holds decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Check<'a> {
    rules: &'a [Rule<'a>],
    otherwise: Action,
}

/// What a number leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Leaf {
    Action(Action),
    /// One of the filter's checks.
    Check(u16),
    /// The call is allowed if one of these lists counts. Only a template's rules ask that.
    Listed(u16, Refusal),
}

/// What a number leads to that is on no list that counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refusal {
    Action(Action),
    Check(u16),
}

impl Refusal {
    const fn leaf(self) -> Leaf {
        match self {
            Self::Action(action) => Leaf::Action(action),
            Self::Check(check) => Leaf::Check(check),
        }
    }
}

/// A filter, not compiled yet.
#[derive(Clone, Copy)]
struct Rules<'a> {
    native: &'a Runs,
    /// For 32-bit programs, if the family has them.
    compat: Option<&'a Runs>,
    checks: &'a [Check<'a>],
}

/// The kernel's names for the fields of an instruction (linux/bpf_common.h).
mod code {
    /// Load a word of what the filter is told.
    pub const LOAD: u16 = 0x20;
    pub const LOAD_VALUE: u16 = 0x00;
    pub const AND: u16 = 0x54;
    /// By as much as is kept.
    pub const SHIFT_RIGHT: u16 = 0x7c;
    pub const KEEP: u16 = 0x07;
    pub const JUMP: u16 = 0x05;
    pub const EQUAL: u16 = 0x15;
    pub const GREATER: u16 = 0x25;
    pub const GREATER_OR_EQUAL: u16 = 0x35;
    pub const ANY_BIT: u16 = 0x45;
    pub const RETURN: u16 = 0x06;
    /// Only a template has this one and the next: a jump, by whether one of these lists counts.
    pub const LISTED: u16 = 0xffff;
    /// If none of the lists in the lower half counts, the value that was loaded has the bit that the upper half tells.
    pub const UNLISTED_BIT: u16 = 0xfffe;
}

const fn instruction(code: u16, jump_true: u8, jump_false: u8, value: u32) -> Instruction {
    Instruction {
        code,
        jump_true,
        jump_false,
        value,
    }
}
