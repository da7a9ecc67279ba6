//! What a filter says of each call that this architecture has: its instructions are followed as the kernel would, and
//! where they look at an argument, that is the answer.

use super::{ARCHITECTURE, Fate, NUMBERS, code};
use crate::sys::seccomp::Instruction;
use syscalls::Sysno;

/// The names of calls, by what becomes of them.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Survey {
    pub allowed: Vec<&'static str>,
    /// Their arguments decide.
    pub looked_at: Vec<&'static str>,
    /// They give this errno.
    pub refused: Vec<(i32, Vec<&'static str>)>,
    /// They end the process or its thread, or are told to someone.
    pub others: Vec<&'static str>,
}

#[cold]
#[inline(never)]
pub fn survey(filter: &[Instruction]) -> Survey {
    let mut survey = Survey::default();
    for number in 0..NUMBERS {
        // On 64-bit machines these numbers are no one's.
        let of_32_bits = (403..=423).contains(&number);
        let Some(call) = Sysno::new(number).filter(|_| !of_32_bits) else {
            continue;
        };
        let names = match decided(filter, number as u32) {
            None => &mut survey.looked_at,
            Some(Fate::ALLOW | Fate::LOG) => &mut survey.allowed,
            Some(fate) => match fate.errno_number() {
                None => &mut survey.others,
                Some(errno) => survey.refused_with(errno),
            },
        };
        names.push(call.name());
    }
    survey
}

impl Survey {
    fn refused_with(&mut self, errno: i32) -> &mut Vec<&'static str> {
        let place = self.refused.iter().position(|(known, _)| *known == errno);
        let place = place.unwrap_or_else(|| {
            self.refused.push((errno, Vec::new()));
            self.refused.len() - 1
        });
        &mut self.refused[place].1
    }
}

impl Fate {
    fn errno_number(self) -> Option<i32> {
        (self.0 & 0xffff_0000 == Self::errno(0).0).then_some((self.0 & 0xffff) as i32)
    }
}

/// What becomes of the call with this number, if that is all that is looked at.
fn decided(filter: &[Instruction], number: u32) -> Option<Fate> {
    let mut loaded = 0;
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
                    0 => number,
                    4 => ARCHITECTURE,
                    _ => return None,
                };
                continue;
            }
            code::AND => {
                loaded &= value;
                continue;
            }
            code::JUMP => {
                at += value as usize;
                continue;
            }
            code::RETURN => return Some(Fate(value)),
            code::EQUAL => loaded == value,
            code::GREATER => loaded > value,
            code::GREATER_OR_EQUAL => loaded >= value,
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
    use crate::spec::security::DEFAULT_CAPABILITIES;
    use crate::sys::capability;

    #[test]
    fn the_default_filter() {
        let filter = |capabilities| {
            default_filter(&Host {
                capabilities,
                kernel: (6, 1),
            })
        };
        let default = survey(&filter(DEFAULT_CAPABILITIES));
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

        let more = DEFAULT_CAPABILITIES.with(capability::SYS_ADMIN);
        let more = survey(&filter(more));
        assert!(more.allowed.contains(&"mount") && more.allowed.contains(&"clone"));
    }
}
