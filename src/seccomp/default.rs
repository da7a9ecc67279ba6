//! The default filter: what docker allows.
//!
//! The rules are those of moby's profile: what programs need, without what changes the host (modules, clocks, mounts,
//! other namespaces) unless the container has the capability for it, and without what has been a way into the kernel
//! too often (io_uring, userfaultfd, bpf, keyrings). They are rules for names (`allowed.rs`), so that
//! 32-bit programs have the same.

use super::allowed::{ALLOWED, BY_CAPABILITY, TRACING, allowed_only};
use super::architecture::{Architecture, Family, HERE, NUMBERS};
use super::compile::Program;
use super::names::{self, Calls, position};
use super::{Action, Check, Comparison, Condition, Host, Leaf, Rule, Rules};
use crate::spec::DEFAULT_CAPABILITIES;
use crate::sys::capability::CapabilitySet;
use crate::sys::seccomp::{Instruction, LONGEST};
use std::borrow::Cow;

/// From this kernel on the filter has the last word on what a tracer makes of a call.
const TRACERS_ARE_FILTERED: (u32, u32) = (4, 8);

/// The flags of clone that make namespaces. (CLONE_NEWTIME is clone3's alone: its bit belongs to the signal here.)
const NAMESPACES: u64 = 0x7e02_0000;

/// The sockets between a virtual machine and its host, which no network namespace keeps apart.
const AF_VSOCK: u64 = 40;
/// The kernel's cryptography, which programs have libraries for.
const AF_ALG: u64 = 38;
/// What socketcall(2) is told to be socket(2) (linux/net.h).
const SYS_SOCKET: u64 = 1;

/// Types a character into a terminal as if its user had. Docker allows it; but it has served to leave a container
/// whose terminal is the caller's, and nothing that one should run needs it.
const TIOCSTI: u64 = 0x5412;
/// Has a console do the same: paste what was selected on it.
const TIOCLINUX: u64 = 0x541c;
/// What the kernel looks at of an int. A filter that compares all of the register is passed by with a bit above.
const INT: u64 = 0xffff_ffff;

/// What a node is, in the mode that mknod(2) takes.
const S_IFMT: u64 = libc::S_IFMT as u64;
const S_IFCHR: u64 = libc::S_IFCHR as u64;
const S_IFBLK: u64 = libc::S_IFBLK as u64;

/// What mknod(2) is allowed, if these arguments are its mode and its device: of devices, those that every container
/// has (but ptmx, which is the host's before Linux 4.7 where it lies beside no devpts), and 0:0, which is none
/// (overlayfs marks with it what is deleted). Docker allows all, and has a device cgroup that keeps them from being
/// opened; a container without a cgroup would read the disks.
macro_rules! nodes {
    ($mode:literal, $device:literal) => {
        Check {
            rules: &[
                refused(&masked($mode, S_IFMT, S_IFBLK)),
                allowed(&is($device, 0)),
                allowed(&is($device, device(1, 3))), // null
                allowed(&is($device, device(1, 5))), // zero
                allowed(&is($device, device(1, 7))), // full
                allowed(&is($device, device(1, 8))), // random
                allowed(&is($device, device(1, 9))), // urandom
                allowed(&is($device, device(5, 0))), // tty
                refused(&masked($mode, S_IFMT, S_IFCHR)),
            ],
            otherwise: Action::ALLOW,
        }
    };
}

/// A device's number, as the kernel takes it: 32 bits, and these fit into the lower 16.
const fn device(major: u8, minor: u8) -> u64 {
    (major as u64) << 8 | minor as u64
}

/// The calls whose arguments are looked at, each with its check.
const CHECKED: [(&str, Check<'_>); 7] = [
    (
        "clone",
        Check {
            rules: &[allowed(&masked(0, NAMESPACES, 0))],
            otherwise: Action::EPERM,
        },
    ),
    (
        "socket",
        Check {
            rules: &[refused(&is(0, AF_VSOCK)), refused(&is(0, AF_ALG))],
            otherwise: Action::ALLOW,
        },
    ),
    // 32-bit programs can make a socket this way too, and its family lies in memory, where no filter can look. Docker
    // allows it, and has AppArmor refuse AF_ALG where a host has that. Here it is as if the kernel did not have it
    // (since Linux 4.3 there is socket(2) as well, which musl prefers and glibc can be built to use): a
    // hole for 32-bit programs would be one for all, by int 0x80.
    (
        "socketcall",
        Check {
            rules: &[Rule {
                conditions: &is(0, SYS_SOCKET),
                action: Action::ENOSYS,
            }],
            otherwise: Action::ALLOW,
        },
    ),
    // The usual one, uname's of 32 bits, of Linux 2.6, of both, and to ask which it is. Others weaken what protects
    // programs (READ_IMPLIES_EXEC, ADDR_NO_RANDOMIZE).
    (
        "personality",
        Check {
            rules: &[
                // Docker compares all of the register.
                refused(&[Condition {
                    argument: 0,
                    comparison: Comparison::GreaterOrEqual,
                    value: 1 << 32,
                }]),
                allowed(&is(0, 0)),
                allowed(&is(0, 0x8)),
                allowed(&is(0, 0x2_0000)),
                allowed(&is(0, 0x2_0008)),
                allowed(&is(0, 0xffff_ffff)),
            ],
            otherwise: Action::EPERM,
        },
    ),
    (
        "ioctl",
        Check {
            rules: &[refused(&is(1, TIOCSTI)), refused(&is(1, TIOCLINUX))],
            otherwise: Action::ALLOW,
        },
    ),
    ("mknodat", nodes!(2, 3)),
    ("mknod", nodes!(1, 2)),
];

const CHECKS: [Check<'_>; CHECKED.len()] = {
    let mut checks = [CHECKED[0].1; CHECKED.len()];
    let mut index = 0;
    while index < checks.len() {
        checks[index] = CHECKED[index].1;
        index += 1;
    }
    checks
};

/// The condition that an argument of which the kernel takes 32 bits is this one.
const fn is(argument: u8, value: u64) -> [Condition; 1] {
    masked(argument, INT, value)
}

const fn masked(argument: u8, mask: u64, value: u64) -> [Condition; 1] {
    [Condition {
        argument,
        comparison: Comparison::Masked(mask),
        value,
    }]
}

const fn refused(conditions: &[Condition]) -> Rule<'_> {
    Rule {
        conditions,
        action: Action::EPERM,
    }
}

const fn allowed(conditions: &[Condition]) -> Rule<'_> {
    Rule {
        conditions,
        action: Action::ALLOW,
    }
}

/// The rules for the calls of one architecture.
struct Lists {
    /// What the rules know: not what is newer than they are.
    known: Calls,
    allowed: Calls,
    tracing: Calls,
    by_capability: [Calls; BY_CAPABILITY.len()],
    checked: [u16; CHECKED.len()],
    clone3: u16,
}

static NATIVE: Lists = Lists::of(HERE.native);
static COMPAT: Option<Lists> = match HERE.compat {
    Some(architecture) => Some(Lists::of(architecture)),
    None => None,
};

impl Lists {
    const fn of(architecture: Architecture) -> Self {
        let names = &names::all(architecture);
        let mut lists = Self {
            known: Calls::NONE,
            allowed: Calls::named(names, ALLOWED)
                .and(&Calls::named(names, allowed_only(architecture))),
            tracing: Calls::named(names, TRACING),
            by_capability: [Calls::NONE; BY_CAPABILITY.len()],
            checked: [0; CHECKED.len()],
            clone3: position(names, "clone3") as u16,
        };
        let mut all = lists.allowed;
        let mut index = 0;
        while index < BY_CAPABILITY.len() {
            let calls = Calls::named(names, BY_CAPABILITY[index].1);
            lists.by_capability[index] = calls;
            all = all.and(&calls);
            index += 1;
        }
        index = 0;
        while index < CHECKED.len() {
            lists.checked[index] = position(names, CHECKED[index].0) as u16;
            index += 1;
        }
        let mut is_known = false;
        let mut place = NUMBERS;
        while place > 0 {
            place -= 1;
            is_known |= all.contains(place) && !architecture.is_arm_alone(place);
            if !names[place].is_empty() && (is_known || architecture.is_arm_alone(place)) {
                lists.known.add(place);
            }
        }
        lists
    }

    const fn leaves(&self, capabilities: CapabilitySet, tracing: bool) -> [Leaf; NUMBERS] {
        // What is newer than the rules is as if the kernel did not have it.
        let mut leaves = [Leaf::Action(Action::ENOSYS); NUMBERS];
        give(&mut leaves, &self.known, Action::EPERM);
        // A filter cannot read clone3's flags, which lie in memory. Told that there is none, C libraries use clone.
        leaves[self.clone3 as usize] = Leaf::Action(Action::ENOSYS);
        let mut index = 0;
        while index < CHECKED.len() {
            let place = self.checked[index] as usize;
            if place < NUMBERS {
                leaves[place] = Leaf::Check(index as u16);
            }
            index += 1;
        }
        give(&mut leaves, &self.allowed, Action::ALLOW);
        if tracing {
            give(&mut leaves, &self.tracing, Action::ALLOW);
        }
        let mut index = 0;
        while index < BY_CAPABILITY.len() {
            if capabilities.contains(BY_CAPABILITY[index].0) {
                give(&mut leaves, &self.by_capability[index], Action::ALLOW);
            }
            index += 1;
        }
        leaves
    }
}

pub(super) const fn give(leaves: &mut [Leaf; NUMBERS], calls: &Calls, action: Action) {
    let mut place = 0;
    while place < NUMBERS {
        if calls.contains(place) {
            leaves[place] = Leaf::Action(action);
        }
        place += 1;
    }
}

/// More instructions than any set of capabilities leads to.
const LENGTH: usize = 512;

const fn program<const N: usize>(capabilities: CapabilitySet, tracing: bool) -> Program<N> {
    of_family(HERE, (&NATIVE, COMPAT.as_ref()), capabilities, tracing)
}

const fn of_family<const N: usize>(
    family: Family,
    (native, compat): (&Lists, Option<&Lists>),
    capabilities: CapabilitySet,
    tracing: bool,
) -> Program<N> {
    let rules = Rules {
        leaves: &native.leaves(capabilities, tracing),
        checks: &CHECKS,
    };
    match compat {
        Some(lists) => {
            Program::for_family(family, rules, Some(&lists.leaves(capabilities, tracing)))
        }
        None => Program::for_family(family, rules, None),
    }
}

const DEFAULT_LENGTH: usize = program::<LENGTH>(DEFAULT_CAPABILITIES, true).length();
static DEFAULT: Program<DEFAULT_LENGTH> = program(DEFAULT_CAPABILITIES, true);
const _: () = assert!(program::<LENGTH>(CapabilitySet::ALL, true).length() <= LENGTH);
const _: () = assert!(program::<LENGTH>(CapabilitySet::NONE, false).length() <= LENGTH);

/// The filter for a container on this host.
pub fn default_filter(host: &Host) -> Cow<'static, [Instruction]> {
    let differs = |(capability, _): &(u8, _)| {
        host.capabilities.contains(*capability) != DEFAULT_CAPABILITIES.contains(*capability)
    };
    let tracing = host.kernel >= TRACERS_ARE_FILTERED;
    if !tracing || BY_CAPABILITY.iter().any(differs) {
        compiled(host.capabilities, tracing)
    } else {
        Cow::Borrowed(DEFAULT.instructions())
    }
}

#[cold]
#[inline(never)]
fn compiled(bounding: CapabilitySet, tracing: bool) -> Cow<'static, [Instruction]> {
    // (As long as a profile's may be, so that there is one compiler of them in mydocker.)
    Cow::Owned(
        program::<LONGEST>(bounding, tracing)
            .instructions()
            .to_vec(),
    )
}

#[cfg(test)]
mod tests {
    use super::super::compile::X32;
    use super::super::filter_summary::decided;
    use super::*;
    use crate::sys::Processor;
    use std::collections::HashMap;

    const FAMILIES: [Family; 3] = [
        Family::of(Processor::X86_64),
        Family::of(Processor::Aarch64),
        Family::of(Processor::Riscv64),
    ];

    fn filter_of(family: Family, capabilities: CapabilitySet) -> Vec<Instruction> {
        let native = Lists::of(family.native);
        let compat = family.compat.map(Lists::of);
        let lists = (&native, compat.as_ref());
        let program: Program<LENGTH> = of_family(family, lists, capabilities, true);
        assert!(program.length() <= LENGTH);
        program.instructions().to_vec()
    }

    /// What becomes of each call, by its name. `None`: the arguments decide.
    fn actions(
        filter: &[Instruction],
        architecture: Architecture,
    ) -> HashMap<&'static str, Option<Action>> {
        let names = names::all(architecture);
        let named = names
            .iter()
            .enumerate()
            .filter(|(_, name)| !name.is_empty());
        named
            .map(|(place, name)| {
                let number = architecture.number(place);
                (*name, decided(filter, architecture, number))
            })
            .collect()
    }

    #[test]
    fn every_targets_filter_decides_by_the_same_names() {
        let x86_64 = filter_of(FAMILIES[0], DEFAULT_CAPABILITIES);
        let expected = actions(&x86_64, Architecture::X86_64);
        for family in FAMILIES {
            let filter = filter_of(family, DEFAULT_CAPABILITIES);
            for architecture in [Some(family.native), family.compat].into_iter().flatten() {
                let actions = actions(&filter, architecture);
                for (name, action) in [
                    ("read", Some(Action::ALLOW)),
                    ("execve", Some(Action::ALLOW)),
                    ("mount", Some(Action::EPERM)),
                    ("keyctl", Some(Action::EPERM)),
                    ("clone3", Some(Action::ENOSYS)),
                    ("clone", None),
                    ("ioctl", None),
                    ("personality", None),
                ] {
                    assert_eq!(actions.get(name), Some(&action), "{architecture:?} {name}");
                }
                for (name, action) in &actions {
                    // What an architecture alone has may be older than its rules, and newer than another's.
                    let other = expected.get(name).copied().unwrap_or(*action);
                    assert_eq!(*action, other, "{architecture:?} {name}");
                }
            }
        }
    }

    #[test]
    fn calls_of_no_architecture_do_not_exist() {
        for family in FAMILIES {
            let filter = filter_of(family, CapabilitySet::ALL);
            for architecture in [Some(family.native), family.compat].into_iter().flatten() {
                for number in [NUMBERS as u32 - 1, X32, X32 + 1, u32::MAX] {
                    let action = decided(&filter, architecture, number);
                    assert_eq!(action, Some(Action::ENOSYS), "{architecture:?} {number:#x}");
                }
            }
            let foreign = match family.native {
                Architecture::X86_64 => Architecture::Aarch64,
                _ => Architecture::X86_64,
            };
            assert_eq!(decided(&filter, foreign, 0), Some(Action::ENOSYS));
        }
    }

    #[test]
    fn only_one_architectures_calls_are_known_to_it() {
        let allows = |family: Family, name| {
            let filter = filter_of(family, DEFAULT_CAPABILITIES);
            actions(&filter, family.native).get(name).copied()
        };
        let [x86, arm, riscv] = FAMILIES;
        assert_eq!(
            allows(riscv, "riscv_flush_icache"),
            Some(Some(Action::ALLOW))
        );
        assert_eq!(allows(x86, "arch_prctl"), Some(Some(Action::ALLOW)));
        assert_eq!(allows(arm, "arch_prctl"), None);
        assert_eq!(allows(x86, "iopl"), Some(Some(Action::EPERM)));
    }
}
