//! The default filter: what docker allows.
//!
//! The rules are those of moby's profile: what programs need, without what changes the host (modules, clocks, mounts,
//! other namespaces) unless the container has the capability for it, and without what has been a way into the kernel
//! too often (io_uring, userfaultfd, bpf, keyrings). They are rules for names (`allowed.rs`), so that
//! 32-bit programs have the same.

use super::allowed::{ALLOWED, ALLOWED_HERE, BY_CAPABILITY, TRACING};
use super::architecture::{Architecture, NUMBERS};
use super::compile::Program;
use super::names::{Calls, named};
use super::{Check, Comparison, Condition, Fate, Host, Leaf, Rule, Rules};
use crate::spec::security::DEFAULT_CAPABILITIES;
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
            otherwise: Fate::ALLOW,
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
            otherwise: Fate::EPERM,
        },
    ),
    (
        "socket",
        Check {
            rules: &[refused(&is(0, AF_VSOCK)), refused(&is(0, AF_ALG))],
            otherwise: Fate::ALLOW,
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
                fate: Fate::ENOSYS,
            }],
            otherwise: Fate::ALLOW,
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
            otherwise: Fate::EPERM,
        },
    ),
    (
        "ioctl",
        Check {
            rules: &[refused(&is(1, TIOCSTI)), refused(&is(1, TIOCLINUX))],
            otherwise: Fate::ALLOW,
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

/// That an argument of which the kernel takes 32 bits is this one.
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
        fate: Fate::EPERM,
    }
}

const fn allowed(conditions: &[Condition]) -> Rule<'_> {
    Rule {
        conditions,
        fate: Fate::ALLOW,
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

static NATIVE: Lists = Lists::of(Architecture::Native);
static COMPAT: Lists = Lists::of(Architecture::Compat);

impl Lists {
    const fn of(architecture: Architecture) -> Self {
        let mut lists = Self {
            known: Calls::NONE,
            allowed: Calls::named(architecture, ALLOWED)
                .and(&Calls::named(architecture, ALLOWED_HERE)),
            tracing: Calls::named(architecture, TRACING),
            by_capability: [Calls::NONE; BY_CAPABILITY.len()],
            checked: [0; CHECKED.len()],
            clone3: named(architecture, "clone3") as u16,
        };
        let mut all = lists.allowed;
        let mut index = 0;
        while index < BY_CAPABILITY.len() {
            let calls = Calls::named(architecture, BY_CAPABILITY[index].1);
            lists.by_capability[index] = calls;
            all = all.and(&calls);
            index += 1;
        }
        index = 0;
        while index < CHECKED.len() {
            lists.checked[index] = named(architecture, CHECKED[index].0) as u16;
            index += 1;
        }
        let mut is_known = false;
        let mut place = NUMBERS;
        while place > 0 {
            place -= 1;
            is_known |= all.contains(place) && !architecture.is_arm_alone(place);
            if !architecture.name(place).is_empty()
                && (is_known || architecture.is_arm_alone(place))
            {
                lists.known.add(place);
            }
        }
        lists
    }

    const fn leaves(&self, capabilities: CapabilitySet, tracing: bool) -> [Leaf; NUMBERS] {
        // What is newer than the rules is as if the kernel did not have it.
        let mut leaves = [Leaf::Fate(Fate::ENOSYS); NUMBERS];
        give(&mut leaves, &self.known, Fate::EPERM);
        // A filter cannot read clone3's flags, which lie in memory. Told that there is none, C libraries use clone.
        leaves[self.clone3 as usize] = Leaf::Fate(Fate::ENOSYS);
        let mut index = 0;
        while index < CHECKED.len() {
            let place = self.checked[index] as usize;
            if place < NUMBERS {
                leaves[place] = Leaf::Check(index as u16);
            }
            index += 1;
        }
        give(&mut leaves, &self.allowed, Fate::ALLOW);
        if tracing {
            give(&mut leaves, &self.tracing, Fate::ALLOW);
        }
        let mut index = 0;
        while index < BY_CAPABILITY.len() {
            if capabilities.contains(BY_CAPABILITY[index].0) {
                give(&mut leaves, &self.by_capability[index], Fate::ALLOW);
            }
            index += 1;
        }
        leaves
    }
}

const fn give(leaves: &mut [Leaf; NUMBERS], calls: &Calls, fate: Fate) {
    let mut place = 0;
    while place < NUMBERS {
        if calls.contains(place) {
            leaves[place] = Leaf::Fate(fate);
        }
        place += 1;
    }
}

pub(super) const fn allow(leaves: &mut [Leaf; NUMBERS], calls: &[usize]) {
    let mut index = 0;
    while index < calls.len() {
        leaves[calls[index]] = Leaf::Fate(Fate::ALLOW);
        index += 1;
    }
}

/// More instructions than any set of capabilities leads to.
const LENGTH: usize = 512;

const fn program<const N: usize>(capabilities: CapabilitySet, tracing: bool) -> Program<N> {
    let native = Rules {
        leaves: &NATIVE.leaves(capabilities, tracing),
        checks: &CHECKS,
    };
    Program::for_both(native, Some(&COMPAT.leaves(capabilities, tracing)))
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
