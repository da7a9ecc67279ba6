//! The default filter: what docker allows.
//!
//! The rules are those of moby's profile: what programs need, without what changes the host (modules, clocks, mounts,
//! other namespaces) unless the container has the capability for it, and without what has been a way into the kernel
//! too often (io_uring, userfaultfd, bpf, keyrings). They are rules for names (`allowed.rs`), so that
//! 32-bit programs have the same.

use super::allowed::{ALLOWED, BY_CAPABILITY, TRACING, allowed_only};
use super::architecture::{Architecture, Family, HERE, NUMBERS};
use super::names::{self, position};
use super::program::NOTHING;
use super::runs::Runs;
use super::{
    Action, Check, Comparison, Condition, Host, Leaf, Refusal, Rule, Rules, compile, template,
};
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

/// Bits of a set of lists: those of [`BY_CAPABILITY`], in their order, then these two.
const TRACING_BIT: u32 = 1 << BY_CAPABILITY.len();
const ALLOWED_BIT: u32 = TRACING_BIT << 1;
// A leaf has 16 bits for those that count or not.
const _: () = assert!(TRACING_BIT <= 1 << 15);

/// The lists that count for who has these capabilities, on a kernel that has the filter look at what a tracer makes of a
/// call (`tracing`).
const fn lists(capabilities: CapabilitySet, tracing: bool) -> u32 {
    let mut lists = if tracing { TRACING_BIT } else { 0 };
    let mut index = 0;
    while index < BY_CAPABILITY.len() {
        if capabilities.contains(BY_CAPABILITY[index].0) {
            lists |= 1 << index;
        }
        index += 1;
    }
    lists
}

/// What becomes of an architecture's calls, whatever lists count.
const fn leaves(architecture: Architecture) -> [Leaf; NUMBERS] {
    let names = &names::all(architecture);
    let mut on = [0; NUMBERS];
    put(&mut on, names, ALLOWED, ALLOWED_BIT);
    put(&mut on, names, allowed_only(architecture), ALLOWED_BIT);
    put(&mut on, names, TRACING, TRACING_BIT);
    let mut index = 0;
    while index < BY_CAPABILITY.len() {
        put(&mut on, names, BY_CAPABILITY[index].1, 1 << index);
        index += 1;
    }
    // A filter cannot read clone3's flags, which lie in memory. Told that there is none, C libraries use clone.
    let clone3 = position(names, "clone3");
    let mut leaves = [Leaf::Action(Action::ENOSYS); NUMBERS];
    let mut is_known = false;
    let mut place = NUMBERS;
    while place > 0 {
        place -= 1;
        let is_alone = architecture.is_arm_alone(place);
        // What is newer than the rules is as if the kernel did not have it.
        is_known |= on[place] != 0 && !is_alone;
        let is_there = !names[place].is_empty() && (is_known || is_alone);
        let mut otherwise = match is_there && place != clone3 {
            true => Refusal::Action(Action::EPERM),
            false => Refusal::Action(Action::ENOSYS),
        };
        index = 0;
        while index < CHECKED.len() {
            if is_there && names::same(names[place].as_bytes(), CHECKED[index].0.as_bytes()) {
                otherwise = Refusal::Check(index as u16);
            }
            index += 1;
        }
        leaves[place] = match on[place] {
            0 => otherwise.leaf(),
            lists if lists & ALLOWED_BIT != 0 => Leaf::Action(Action::ALLOW),
            lists => Leaf::Listed(lists as u16, otherwise),
        };
    }
    leaves
}

/// Notes that these calls are on a list.
const fn put(on: &mut [u32; NUMBERS], all: &[&str; NUMBERS], names: &[&str], list: u32) {
    let mut index = 0;
    while index < names.len() {
        let place = position(all, names[index]);
        if place < NUMBERS {
            on[place] |= list;
        }
        index += 1;
    }
}

/// What becomes of the calls if these lists count.
const fn settled(leaves: &[Leaf; NUMBERS], lists: u32) -> [Leaf; NUMBERS] {
    let mut settled = *leaves;
    let mut place = 0;
    while place < NUMBERS {
        if let Leaf::Listed(wanted, otherwise) = leaves[place] {
            settled[place] = match lists & wanted as u32 {
                0 => otherwise.leaf(),
                _ => Leaf::Action(Action::ALLOW),
            };
        }
        place += 1;
    }
    settled
}

/// More instructions than any of them has.
const LENGTH: usize = 320;

/// A filter, at the end of this, and how long it is.
type Written = ([Instruction; LENGTH], usize);

const fn write(
    family: Family,
    native: &[Leaf; NUMBERS],
    compat: Option<&[Leaf; NUMBERS]>,
) -> Written {
    let native = Runs::of(native);
    let compat = match compat {
        Some(leaves) => Some(Runs::of(leaves)),
        None => None,
    };
    let rules = Rules {
        native: &native,
        compat: compat.as_ref(),
        checks: &CHECKS,
    };
    let mut kept = [NOTHING; LENGTH];
    let length = compile::write(&mut kept, family, rules);
    assert!(length <= LENGTH);
    (kept, length)
}

const NATIVE: [Leaf; NUMBERS] = leaves(HERE.native);
const COMPAT: Option<[Leaf; NUMBERS]> = match HERE.compat {
    Some(architecture) => Some(leaves(architecture)),
    None => None,
};

/// This build's, if these lists count.
const fn with(lists: u32) -> Written {
    let native = settled(&NATIVE, lists);
    match &COMPAT {
        Some(compat) => write(HERE, &native, Some(&settled(compat, lists))),
        None => write(HERE, &native, None),
    }
}

const fn end<const N: usize>(written: &Written) -> [Instruction; N] {
    let mut end = [NOTHING; N];
    let mut index = 0;
    while index < N {
        end[index] = written.0[LENGTH - N + index];
        index += 1;
    }
    end
}

const DEFAULT_LISTS: u32 = lists(DEFAULT_CAPABILITIES, true);
const DEFAULT_WRITTEN: Written = with(DEFAULT_LISTS);
static DEFAULT: [Instruction; DEFAULT_WRITTEN.1] = end(&DEFAULT_WRITTEN);
/// After `--cap-drop ALL`, whatever of the usual ones is added again but to change the root.
const WITHOUT_LISTS: u32 = lists(CapabilitySet::NONE, true);
const WITHOUT_WRITTEN: Written = with(WITHOUT_LISTS);
static WITHOUT: [Instruction; WITHOUT_WRITTEN.1] = end(&WITHOUT_WRITTEN);
/// What all others are made of.
const TEMPLATE_WRITTEN: Written = write(HERE, &NATIVE, COMPAT.as_ref());
static TEMPLATE: [Instruction; TEMPLATE_WRITTEN.1] = end(&TEMPLATE_WRITTEN);

/// The filter for a container on this host.
pub fn default_filter(host: &Host) -> Cow<'static, [Instruction]> {
    match lists(host.capabilities, host.kernel >= TRACERS_ARE_FILTERED) {
        DEFAULT_LISTS => Cow::Borrowed(&DEFAULT),
        WITHOUT_LISTS => Cow::Borrowed(&WITHOUT),
        others => Cow::Owned(template::settle::<LENGTH>(&TEMPLATE, others)),
    }
}

#[cfg(test)]
mod tests;
