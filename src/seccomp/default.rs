//! The default filter: what docker allows.
//!
//! The rules are those of moby's profile: what programs need, without what changes the host (modules, clocks, mounts,
//! other namespaces) unless the container has the capability for it, and without what has been a way into the kernel
//! too often (io_uring, userfaultfd, bpf, keyrings). They are rules for names (`allowed.rs`), so that
//! 32-bit programs have the same.

use super::allowed::{ALLOWED, BY_CAPABILITY, TRACING, allowed_only};
use super::architecture::{Architecture, Family, HERE, NUMBERS};
use super::names::{self, Calls, position};
use super::program::NOTHING;
use super::runs::Runs;
use super::{Action, Check, Comparison, Condition, Host, Rule, Rules, compile};
use crate::spec::DEFAULT_CAPABILITIES;
use crate::sys::capability::CapabilitySet;
use crate::sys::seccomp::Instruction;
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
                allowed(&[Condition {
                    argument: $mode,
                    comparison: Comparison::MaskedNot(S_IFMT),
                    value: S_IFCHR,
                }]),
                allowed(&is($device, 0)),
                allowed(&is($device, device(1, 3))), // null
                allowed(&is($device, device(1, 5))), // zero
                allowed(&is($device, device(1, 7))), // full
                allowed(&is($device, device(1, 8))), // random
                allowed(&is($device, device(1, 9))), // urandom
                allowed(&is($device, device(5, 0))), // tty
            ],
            otherwise: Action::EPERM,
        }
    };
}

/// A device's number, as the kernel takes it: 32 bits, and these fit into the lower 16.
const fn device(major: u8, minor: u8) -> u64 {
    (major as u64) << 8 | minor as u64
}

/// The calls whose arguments are looked at, each with its check.
pub(super) const CHECKED: [(&str, Check<'_>); 7] = [
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
                allowed(&is(0, 0xffff_ffff)),
                allowed(&masked(0, INT & !0x2_0008, 0)),
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

    const fn runs(&self, capabilities: CapabilitySet, tracing: bool) -> Runs {
        let mut allowed = self.allowed;
        if tracing {
            allowed = allowed.and(&self.tracing);
        }
        let mut index = 0;
        while index < BY_CAPABILITY.len() {
            if capabilities.contains(BY_CAPABILITY[index].0) {
                allowed = allowed.and(&self.by_capability[index]);
            }
            index += 1;
        }
        let mut looked_at = self.checked;
        index = 0;
        while index < CHECKED.len() {
            let place = looked_at[index] as usize;
            if place < NUMBERS && allowed.contains(place) {
                looked_at[index] = NUMBERS as u16;
            }
            index += 1;
        }
        // A filter cannot read clone3's flags, which lie in memory. Told that there is none, C libraries use clone.
        let mut clone3 = Calls::NONE;
        clone3.add(self.clone3 as usize);
        // What is newer than the rules is as if the kernel did not have it.
        Runs::of_sets(&allowed, &self.known.without(&clone3), &looked_at)
    }
}

/// More instructions than any set of capabilities leads to.
const LENGTH: usize = 256;

/// Writes the filter at the end of `kept`; how long it is.
const fn write(
    kept: &mut [Instruction],
    family: Family,
    (native, compat): (&Lists, Option<&Lists>),
    capabilities: CapabilitySet,
    tracing: bool,
) -> usize {
    let native = native.runs(capabilities, tracing);
    let compat = match compat {
        Some(lists) => Some(lists.runs(capabilities, tracing)),
        None => None,
    };
    let rules = Rules {
        native: &native,
        compat: compat.as_ref(),
        checks: &CHECKS,
    };
    compile::write(kept, family, rules)
}

/// For this build's kernel.
const fn write_here(kept: &mut [Instruction], capabilities: CapabilitySet, tracing: bool) -> usize {
    write(
        kept,
        HERE,
        (&NATIVE, COMPAT.as_ref()),
        capabilities,
        tracing,
    )
}

const fn length(capabilities: CapabilitySet) -> usize {
    write_here(&mut [NOTHING; LENGTH], capabilities, true)
}

const fn filter<const N: usize>(capabilities: CapabilitySet) -> [Instruction; N] {
    let mut filter = [NOTHING; N];
    assert!(write_here(&mut filter, capabilities, true) == N);
    filter
}

static DEFAULT: [Instruction; length(DEFAULT_CAPABILITIES)] = filter(DEFAULT_CAPABILITIES);
/// After `--cap-drop ALL`, whatever of the usual ones is added again but to change the root.
static WITHOUT: [Instruction; length(CapabilitySet::NONE)] = filter(CapabilitySet::NONE);
const _: () = assert!(length(CapabilitySet::ALL) <= LENGTH);
const _: () = assert!(write_here(&mut [NOTHING; LENGTH], CapabilitySet::NONE, false) <= LENGTH);

/// The filter for a container on this host.
pub fn default_filter(host: &Host) -> Cow<'static, [Instruction]> {
    let is_as_with = |set: CapabilitySet| {
        let same = |(capability, _): &(u8, _)| {
            host.capabilities.contains(*capability) == set.contains(*capability)
        };
        BY_CAPABILITY.iter().all(same)
    };
    if host.kernel < TRACERS_ARE_FILTERED {
        compiled(host.capabilities, false)
    } else if is_as_with(DEFAULT_CAPABILITIES) {
        Cow::Borrowed(&DEFAULT)
    } else if is_as_with(CapabilitySet::NONE) {
        Cow::Borrowed(&WITHOUT)
    } else {
        compiled(host.capabilities, true)
    }
}

#[cold]
#[inline(never)]
fn compiled(bounding: CapabilitySet, tracing: bool) -> Cow<'static, [Instruction]> {
    let mut kept = [NOTHING; LENGTH];
    let length = write_here(&mut kept, bounding, tracing);
    Cow::Owned(kept[LENGTH - length..].to_vec())
}

#[cfg(test)]
mod tests;
