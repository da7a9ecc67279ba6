//! The plan as bytes, for the re-executed init.
//!
//! Both sides are the same program, so there is no version to negotiate: a magic number, then each
//! field in its order. Numbers are little-endian; bytes and lists carry their length before them.
//! Encoding takes every struct apart without `..`, so that a new field does not compile until it
//! is carried across.

mod root;
mod wire;

use super::{ExecPlan, InitPlan, Mount, Prepared, Purpose, Reaper, Step};
use crate::spec::limits::{NumberSet, ResourceLimit};
use crate::sys::MountFlags;
use crate::sys::capability::CapabilitySet;
use crate::sys::process::StringArray;
use crate::sys::seccomp::Instruction;
use crate::sys::signal::SignalSet;
use wire::{Decoder, Encoder};

const MAGIC: u32 = 0x6e61_6c70;

/// What is not a plan, or only a part of one.
#[derive(Debug, PartialEq, Eq)]
pub struct Malformed;

/// The plan as bytes.
#[cold]
#[inline(never)]
pub fn encode(plan: &InitPlan) -> Vec<u8> {
    let InitPlan {
        birth,
        container,
        reaper,
        process,
        command,
        premounted,
        timed,
        tells_status,
    } = plan;
    let mut out = Encoder::default();
    out.u32(MAGIC);
    out.list(birth, encode_step);
    out.list(container, encode_step);
    match reaper {
        None => out.u8(0),
        Some(Reaper::FirstProcess) => out.u8(1),
        Some(Reaper::Keeper) => out.u8(2),
    }
    out.list(process, encode_step);
    let ExecPlan {
        searched,
        candidates,
        arguments,
        environment,
    } = command;
    out.u8(*premounted);
    out.u8(u8::from(*timed));
    out.u8(u8::from(*tells_status));
    out.u8(u8::from(*searched));
    for strings in [candidates, arguments.strings(), environment.strings()] {
        out.list(strings, |out, string| out.bytes(string.to_bytes()));
    }
    out.bytes
}

/// The plan that `bytes` hold. Truncated or trailing bytes are refused.
pub fn decode(bytes: &[u8]) -> Result<InitPlan, Malformed> {
    let mut input = Decoder { rest: bytes };
    if input.u32()? != MAGIC {
        return Err(Malformed);
    }
    let plan = InitPlan {
        birth: input.list(decode_step)?,
        container: input.list(decode_step)?,
        reaper: match input.u8()? {
            0 => None,
            1 => Some(Reaper::FirstProcess),
            2 => Some(Reaper::Keeper),
            _ => return Err(Malformed),
        },
        process: input.list(decode_step)?,
        premounted: input.u8()?,
        timed: input.boolean()?,
        tells_status: input.boolean()?,
        command: ExecPlan {
            searched: input.boolean()?,
            candidates: input.list(Decoder::string)?,
            arguments: StringArray::new(input.list(Decoder::string)?),
            environment: StringArray::new(input.list(Decoder::string)?),
        },
    };
    if input.rest.is_empty() {
        Ok(plan)
    } else {
        Err(Malformed)
    }
}

#[cold]
#[inline(never)]
fn encode_step(out: &mut Encoder, step: &Step) {
    match step {
        Step::AwaitIds => out.u8(33),
        Step::AwaitReaper => out.u8(35),
        Step::NotDumpable => out.u8(34),
        Step::DenySetgroups => out.u8(0),
        Step::MapUser(line) => encode_bytes(out, 1, line),
        Step::MapGroup(line) => encode_bytes(out, 2, line),
        Step::MakeMountsPrivate => out.u8(3),
        Step::Mount(step) => {
            let Mount {
                purpose,
                source,
                target,
                kind,
                flags: MountFlags(flags),
            } = &**step;
            out.u8(4);
            out.u8(match purpose {
                Purpose::Proc {
                    user_namespace: false,
                } => 0,
                Purpose::Proc {
                    user_namespace: true,
                } => 1,
                Purpose::BindProc => 2,
                Purpose::RestrictProc => 3,
            });
            out.optional(source.as_ref());
            out.bytes(target.to_bytes());
            out.optional(kind.as_ref());
            out.u64(*flags);
        }
        Step::Hostname(name) => encode_bytes(out, 5, name),
        Step::Sysctl { path, value } => {
            encode_bytes(out, 61, path.to_bytes());
            out.bytes(value);
        }
        Step::DomainName(name) => encode_bytes(out, 60, name),
        Step::LoopbackUp => out.u8(6),
        Step::OpenNetwork(groups) => encode_bytes(out, 42, groups),
        Step::NewSession => out.u8(7),
        Step::ControllingTerminal => out.u8(8),
        Step::StandardTerminal => out.u8(9),
        Step::GivePipes { which, user } => {
            encode_number(out, 36, *user);
            which.iter().for_each(|one| out.boolean(*one));
        }
        Step::StandardStreams(prepared) => {
            out.u8(10);
            for one in prepared {
                out.u8(match one {
                    None => 0,
                    Some(Prepared::HostsNull) => 1,
                    Some(Prepared::Pipe) => 2,
                });
            }
        }
        Step::Umask(mask) => encode_number(out, 11, *mask),
        Step::Groups(groups) => {
            out.u8(12);
            out.list(groups, |out, group| out.u32(*group));
        }
        Step::Group(group) => encode_number(out, 13, *group),
        Step::User(user) => encode_number(out, 14, *user),
        Step::WorkingDirectory(path) => encode_bytes(out, 15, path.to_bytes()),
        Step::NoNewPrivileges => out.u8(16),
        Step::DefaultSignals(SignalSet(signals)) => {
            out.u8(17);
            out.u64(*signals);
        }
        Step::CloseDescriptors => out.u8(18),
        Step::DeathSignal => out.u8(19),
        Step::KeepCapabilities => out.u8(20),
        Step::BoundingSet(CapabilitySet(set)) => {
            out.u8(21);
            out.u64(*set);
        }
        Step::KeepCapabilitiesOfUser => out.u8(28),
        Step::Capabilities {
            held: CapabilitySet(held),
            required: CapabilitySet(required),
            ambient,
        } => {
            out.u8(29);
            out.u64(*held);
            out.u64(*required);
            out.boolean(*ambient);
        }
        Step::NetworkFromPool => out.u8(22),
        Step::JoinCgroup { slot, path } => {
            encode_bytes(out, 24, path.to_bytes());
            out.u8(*slot);
        }
        Step::CgroupNamespace => out.u8(25),
        Step::OomScoreAdjustment(number) => encode_bytes(out, 26, number),
        Step::ResourceLimit(ResourceLimit {
            resource,
            soft,
            hard,
        }) => {
            encode_number(out, 27, *resource);
            out.u64(*soft);
            out.u64(*hard);
        }
        Step::ConfirmProcessors(set) => encode_bytes(out, 40, set.to_string().as_bytes()),
        Step::ConfirmMemoryNodes(set) => encode_bytes(out, 41, set.to_string().as_bytes()),
        Step::SessionKeyring => out.u8(31),
        Step::UsualPersonality => out.u8(32),
        Step::Filter(instructions) => {
            out.u8(30);
            out.list(instructions, encode_instruction);
        }
        Step::Root(step) => {
            out.u8(23);
            root::encode(out, step);
        }
    }
}

fn encode_instruction(out: &mut Encoder, instruction: &Instruction) {
    let Instruction {
        code,
        jump_true,
        jump_false,
        value,
    } = *instruction;
    out.u32(code.into());
    out.u8(jump_true);
    out.u8(jump_false);
    out.u32(value);
}

fn decode_instruction(input: &mut Decoder<'_>) -> Result<Instruction, Malformed> {
    Ok(Instruction {
        code: u16::try_from(input.u32()?).map_err(|_| Malformed)?,
        jump_true: input.u8()?,
        jump_false: input.u8()?,
        value: input.u32()?,
    })
}

fn encode_number(out: &mut Encoder, tag: u8, number: u32) {
    out.u8(tag);
    out.u32(number);
}

fn encode_bytes(out: &mut Encoder, tag: u8, bytes: &[u8]) {
    out.u8(tag);
    out.bytes(bytes);
}

#[cold]
#[inline(never)]
fn decode_step(input: &mut Decoder<'_>) -> Result<Step, Malformed> {
    Ok(match input.u8()? {
        33 => Step::AwaitIds,
        35 => Step::AwaitReaper,
        34 => Step::NotDumpable,
        0 => Step::DenySetgroups,
        1 => Step::MapUser(input.bytes()?.to_vec()),
        2 => Step::MapGroup(input.bytes()?.to_vec()),
        3 => Step::MakeMountsPrivate,
        4 => Step::Mount(Box::new(Mount {
            purpose: match input.u8()? {
                0 => Purpose::Proc {
                    user_namespace: false,
                },
                1 => Purpose::Proc {
                    user_namespace: true,
                },
                2 => Purpose::BindProc,
                3 => Purpose::RestrictProc,
                _ => return Err(Malformed),
            },
            source: input.optional()?,
            target: input.string()?,
            kind: input.optional()?,
            flags: MountFlags(input.u64()?),
        })),
        5 => Step::Hostname(input.bytes()?.to_vec()),
        61 => Step::Sysctl {
            path: Box::new(input.string()?),
            value: input.bytes()?.to_vec(),
        },
        60 => Step::DomainName(input.bytes()?.to_vec()),
        6 => Step::LoopbackUp,
        42 => Step::OpenNetwork(input.bytes()?.to_vec()),
        7 => Step::NewSession,
        8 => Step::ControllingTerminal,
        9 => Step::StandardTerminal,
        36 => Step::GivePipes {
            user: input.u32()?,
            which: [input.boolean()?, input.boolean()?, input.boolean()?],
        },
        10 => {
            let mut prepared = [None; 3];
            for one in &mut prepared {
                *one = match input.u8()? {
                    0 => None,
                    1 => Some(Prepared::HostsNull),
                    2 => Some(Prepared::Pipe),
                    _ => return Err(Malformed),
                };
            }
            Step::StandardStreams(prepared)
        }
        11 => Step::Umask(input.u32()?),
        12 => Step::Groups(input.list(Decoder::u32)?),
        13 => Step::Group(input.u32()?),
        14 => Step::User(input.u32()?),
        15 => Step::WorkingDirectory(input.string()?),
        16 => Step::NoNewPrivileges,
        17 => Step::DefaultSignals(SignalSet(input.u64()?)),
        18 => Step::CloseDescriptors,
        19 => Step::DeathSignal,
        20 => Step::KeepCapabilities,
        21 => Step::BoundingSet(CapabilitySet(input.u64()?)),
        22 => Step::NetworkFromPool,
        23 => Step::Root(Box::new(root::decode(input)?)),
        24 => Step::JoinCgroup {
            path: input.string()?,
            slot: input.u8()?,
        },
        25 => Step::CgroupNamespace,
        26 => Step::OomScoreAdjustment(input.bytes()?.to_vec()),
        27 => Step::ResourceLimit(ResourceLimit {
            resource: input.u32()?,
            soft: input.u64()?,
            hard: input.u64()?,
        }),
        30 => Step::Filter(input.list(decode_instruction)?.into()),
        31 => Step::SessionKeyring,
        40 => Step::ConfirmProcessors(decode_set(input)?),
        41 => Step::ConfirmMemoryNodes(decode_set(input)?),
        32 => Step::UsualPersonality,
        28 => Step::KeepCapabilitiesOfUser,
        29 => Step::Capabilities {
            held: CapabilitySet(input.u64()?),
            required: CapabilitySet(input.u64()?),
            ambient: input.boolean()?,
        },
        _ => return Err(Malformed),
    })
}

fn decode_set(input: &mut Decoder<'_>) -> Result<NumberSet, Malformed> {
    NumberSet::new(input.bytes()?).ok_or(Malformed)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use std::ffi::CString;

    pub fn every_kind_of_step() -> Vec<Step> {
        let mount = |purpose, source: Option<&str>, kind: Option<&str>| {
            Step::Mount(Box::new(Mount {
                purpose,
                source: source.map(|source| CString::new(source).unwrap()),
                target: c"/proc".into(),
                kind: kind.map(|kind| CString::new(kind).unwrap()),
                flags: MountFlags::NOSUID.and(MountFlags(1 << 60)),
            }))
        };
        let mut steps = vec![
            Step::AwaitIds,
            Step::AwaitReaper,
            Step::NotDumpable,
            Step::DenySetgroups,
            Step::MapUser(b"0 1000 1\n".to_vec()),
            Step::MapGroup(b"0 100 1\n".to_vec()),
            Step::MakeMountsPrivate,
            mount(
                Purpose::Proc {
                    user_namespace: true,
                },
                Some("proc"),
                Some("proc"),
            ),
            mount(Purpose::BindProc, Some("/proc"), None),
            mount(Purpose::RestrictProc, None, None),
            Step::Hostname(vec![0xff, 0, b'\n']),
            Step::DomainName(b"example".to_vec()),
            Step::Sysctl {
                path: Box::new(c"net/ipv4/ip_forward".into()),
                value: b"1".to_vec(),
            },
            Step::NetworkFromPool,
            Step::LoopbackUp,
            Step::OpenNetwork(b"0 7".to_vec()),
            Step::NewSession,
            Step::ControllingTerminal,
            Step::StandardTerminal,
            Step::GivePipes {
                which: [true, false, true],
                user: 7,
            },
            Step::StandardStreams([Some(Prepared::HostsNull), None, Some(Prepared::Pipe)]),
            Step::Umask(0o22),
            Step::Groups(vec![1, 2, u32::MAX]),
            Step::Group(7),
            Step::User(8),
            Step::WorkingDirectory(c"/tmp".into()),
            Step::NoNewPrivileges,
            Step::DefaultSignals(SignalSet(u64::MAX)),
            Step::CloseDescriptors,
            Step::DeathSignal,
            Step::KeepCapabilities,
            Step::SessionKeyring,
            Step::UsualPersonality,
            Step::BoundingSet(CapabilitySet(0xa804_25fb)),
            Step::Filter(
                vec![Instruction {
                    code: 0x15,
                    jump_true: 1,
                    jump_false: 255,
                    value: u32::MAX,
                }]
                .into(),
            ),
            Step::KeepCapabilitiesOfUser,
            Step::Capabilities {
                held: CapabilitySet(1 << 40),
                required: CapabilitySet(1),
                ambient: true,
            },
            Step::JoinCgroup {
                slot: 3,
                path: c"/sys/fs/cgroup/pids/x/tasks".into(),
            },
            Step::CgroupNamespace,
            Step::ConfirmProcessors(NumberSet::new(b"0-3,7").unwrap()),
            Step::ConfirmMemoryNodes(NumberSet::new(b"1").unwrap()),
            Step::OomScoreAdjustment(b"-1000".to_vec()),
            Step::ResourceLimit(ResourceLimit {
                resource: 7,
                soft: 1,
                hard: u64::MAX,
            }),
        ];
        steps.extend(
            root::tests::every_kind_of_step()
                .into_iter()
                .map(|step| Step::Root(Box::new(step))),
        );
        steps
    }

    fn plan(reaper: Option<Reaper>) -> InitPlan {
        InitPlan {
            birth: every_kind_of_step(),
            container: every_kind_of_step(),
            reaper,
            process: every_kind_of_step(),
            command: ExecPlan {
                searched: true,
                candidates: vec![c"/bin/sh".into(), c"sh".into()],
                arguments: StringArray::new(vec![c"sh".into(), c"".into(), c"\xff\n".into()]),
                environment: StringArray::new(vec![c"A=1".into()]),
            },
            premounted: 3,
            timed: true,
            tells_status: true,
        }
    }

    #[test]
    fn a_plan_comes_back_as_it_was() {
        for reaper in [None, Some(Reaper::FirstProcess), Some(Reaper::Keeper)] {
            let bytes = encode(&plan(reaper));
            assert_eq!(decode(&bytes), Ok(plan(reaper)));
        }
    }

    #[test]
    fn anything_else_is_refused() {
        let bytes = encode(&plan(None));
        for end in 0..bytes.len() {
            assert_eq!(decode(&bytes[..end]), Err(Malformed), "cut at {end}");
        }
        assert_eq!(decode(&[&bytes[..], b"x"].concat()), Err(Malformed));
        // A length that would want more memory than there is.
        assert_eq!(decode(&[&bytes[..4], &[0xff; 64]].concat()), Err(Malformed));
    }

    #[test]
    fn changed_bytes_never_panic() {
        let bytes = encode(&plan(None));
        for at in 0..bytes.len() {
            for change in [1, 0x80, 0xff] {
                let mut changed = bytes.clone();
                changed[at] ^= change;
                let _ = decode(&changed);
            }
        }
    }
}
