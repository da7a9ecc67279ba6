//! What a filter says of each call that an architecture has: its instructions are followed as the kernel would, and
//! where they look at an argument, that is the answer.

use super::architecture::{Architecture, HERE};
use super::names::{by_place, place};
use super::{Action, code};
use crate::sys::Errno;
use crate::sys::seccomp::Instruction;

/// The names of calls, by what becomes of them.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct FilterSummary {
    pub allowed: Vec<&'static str>,
    /// Their arguments decide.
    pub looked_at: Vec<&'static str>,
    /// The calls that give this errno.
    pub refused: Vec<(i32, Vec<&'static str>)>,
    /// The calls that end the process or its thread, or are told to someone.
    pub others: Vec<&'static str>,
}

#[cold]
#[inline(never)]
pub fn summary(filter: &[Instruction], architecture: Architecture) -> FilterSummary {
    let mut summary = FilterSummary::default();
    let names = by_place(architecture);
    for (place, name) in names
        .iter()
        .enumerate()
        .filter(|(_, name)| !name.is_empty())
    {
        let names = match decided(filter, architecture, architecture.number(place)) {
            None => &mut summary.looked_at,
            Some(Action::ALLOW | Action::LOG) => &mut summary.allowed,
            Some(action) => match action.errno_number() {
                None => &mut summary.others,
                Some(errno) => summary.refused_with(errno),
            },
        };
        names.push(name);
    }
    summary
}

/// Whether whoever loads this filter can execute nothing any more, because the kernel ends it by SIGSYS.
#[cold]
#[inline(never)]
pub fn ends_execve(filter: &[Instruction]) -> bool {
    // SECCOMP_RET_KILL_THREAD, _KILL_PROCESS and _TRAP.
    const ENDING: [u32; 3] = [0, 0x8000_0000, 0x0003_0000];
    let decided = decided(filter, HERE.native, ::syscalls::Sysno::execve as u32);
    decided.is_some_and(|Action(action)| ENDING.contains(&(action & 0xffff_0000)))
}

/// What every execve(2) fails with under this filter, if it never gets as far as the kernel.
#[cold]
#[inline(never)]
pub fn refuses_execve(filter: &[Instruction]) -> Option<Errno> {
    let number = ::syscalls::Sysno::execve as u32;
    let action = decided(filter, HERE.native, number)?;
    action.errno_number().map(Errno::new)
}

/// Whether this filter lets the native call of this name pass, whatever its arguments are.
pub fn lets_pass(filter: &[Instruction], name: &str) -> bool {
    let decided = place(HERE.native, name).map(|place| {
        let number = HERE.native.number(place);
        decided(filter, HERE.native, number)
    });
    matches!(decided, Some(Some(Action::ALLOW | Action::LOG)))
}

/// Whether whoever loads this filter can still wait until a pipe ends.
#[cold]
#[inline(never)]
pub fn lets_wait(filter: &[Instruction]) -> bool {
    [::syscalls::Sysno::close, ::syscalls::Sysno::read]
        .into_iter()
        .all(|call| decided(filter, HERE.native, call as u32) == Some(Action::ALLOW))
}

impl FilterSummary {
    /// Whether it is as if the kernel had none of them.
    pub fn has_none(&self) -> bool {
        let refused = self.refused.iter();
        self.allowed.is_empty()
            && self.looked_at.is_empty()
            && self.others.is_empty()
            && refused.into_iter().all(|(errno, _)| *errno == libc::ENOSYS)
    }

    /// How many calls there are.
    pub fn count(&self) -> usize {
        let refused = self.refused.iter().map(|(_, names)| names.len());
        refused.sum::<usize>() + self.allowed.len() + self.looked_at.len() + self.others.len()
    }

    fn refused_with(&mut self, errno: i32) -> &mut Vec<&'static str> {
        let place = self.refused.iter().position(|(known, _)| *known == errno);
        let place = place.unwrap_or_else(|| {
            self.refused.push((errno, Vec::new()));
            self.refused.len() - 1
        });
        &mut self.refused[place].1
    }
}

impl Action {
    fn errno_number(self) -> Option<i32> {
        (self.0 & 0xffff_0000 == Self::errno(0).0).then_some((self.0 & 0xffff) as i32)
    }
}

/// What becomes of the call with this number, if that is all that is looked at.
pub(super) fn decided(
    filter: &[Instruction],
    architecture: Architecture,
    number: u32,
) -> Option<Action> {
    // Nothing while it is an argument.
    let (mut loaded, mut kept) = (None, None);
    let mut at = 0;
    // It jumps forward only, so this ends.
    while let Some(instruction) = filter.get(at) {
        at += 1;
        let Instruction {
            code,
            jump_true,
            jump_false,
            value,
        } = *instruction;
        let holds = match code {
            code::LOAD => {
                loaded = match value {
                    0 => Some(number),
                    4 => Some(architecture.audit()),
                    _ => None,
                };
                continue;
            }
            code::AND => {
                loaded = loaded.map(|loaded| loaded & value);
                continue;
            }
            code::LOAD_VALUE => {
                loaded = Some(value);
                continue;
            }
            code::KEEP => {
                kept = loaded;
                continue;
            }
            code::SHIFT_RIGHT => {
                loaded = loaded?.checked_shr(kept?);
                continue;
            }
            code::JUMP => {
                at += value as usize;
                continue;
            }
            code::RETURN => return Some(Action(value)),
            code::EQUAL => loaded? == value,
            code::GREATER => loaded? > value,
            code::GREATER_OR_EQUAL => loaded? >= value,
            code::ANY_BIT => loaded? & value != 0,
            _ => return None,
        };
        at += usize::from(if holds { jump_true } else { jump_false });
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seccomp::{Host, default_filter};
    use crate::spec::DEFAULT_CAPABILITIES;
    use crate::sys::capability;

    #[test]
    fn the_default_filter() {
        let filter = |capabilities| {
            default_filter(&Host {
                capabilities,
                kernel: (6, 1),
            })
        };
        let default = summary(&filter(DEFAULT_CAPABILITIES), HERE.native);
        assert!(default.allowed.contains(&"read") && default.allowed.contains(&"chroot"));
        let mut looked_at = default.looked_at.clone();
        looked_at.sort_unstable();
        // (Of the architectures some have no mknod.)
        looked_at.retain(|name| *name != "mknod");
        let expected = ["clone", "ioctl", "mknodat", "personality", "socket"];
        assert_eq!(looked_at, expected);
        let with = |errno| {
            let mut found = default.refused.iter().filter(|(known, _)| *known == errno);
            found.next().unwrap().1.clone()
        };
        assert!(with(libc::EPERM).contains(&"mount"));
        assert!(with(libc::ENOSYS).contains(&"clone3"));
        assert_eq!(default.others, [""; 0]);

        if let Some(architecture) = HERE.compat {
            let compat = summary(&filter(DEFAULT_CAPABILITIES), architecture);
            assert!(compat.allowed.contains(&"read") && compat.allowed.contains(&"stat64"));
            assert!(compat.looked_at.contains(&"ioctl") && !compat.has_none());
            assert!(summary(&[], architecture).looked_at.len() == compat.count());
        }

        let more = DEFAULT_CAPABILITIES.with(capability::SYS_ADMIN);
        let more = summary(&filter(more), HERE.native);
        assert!(more.allowed.contains(&"mount") && more.allowed.contains(&"clone"));
    }
}
