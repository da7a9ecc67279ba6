//! The root's steps as bytes.

use super::Malformed;
use super::wire::{Decoder, Encoder};
use crate::plan::OwnDevice;
use crate::plan::root::{
    BindMount, Copy, DeviceNode, EtcFile, FileSystem, KernelFs, Layers, MountKernelFs,
    OverlayMount, Restriction, RootStep, Way, Without, WorkDirectory,
};
use crate::spec::Devices;
use crate::sys::MountFlags;
use crate::sys::terminal::{Modes, Size};
use crate::terminal_settings::TerminalSettings;

pub fn encode(out: &mut Encoder, step: &RootStep) {
    match step {
        RootStep::Copy(Copy {
            option,
            path,
            recursive,
            slot,
        }) => {
            out.u8(0);
            out.bytes(option.to_bytes());
            out.bytes(path.to_bytes());
            out.boolean(*recursive);
            out.u8(*slot);
        }
        RootStep::Directory {
            path,
            flags,
            premounted,
            makes_places,
        } => {
            out.u8(1);
            out.bytes(path.to_bytes());
            out.u64(flags.0);
            out.boolean(*premounted);
            out.boolean(*makes_places);
        }
        RootStep::Overlay(step) => {
            out.u8(2);
            encode_layers(out, step);
        }
        RootStep::FileSystem(step) => {
            out.u8(3);
            encode_file_system(out, step);
        }
        RootStep::MountKernelFs(MountKernelFs { kernel_fs, way }) => {
            out.u8(4);
            encode_kernel_fs(out, *kernel_fs);
            match way {
                Way::Fresh(fresh) => {
                    out.u8(0);
                    encode_file_system(out, fresh);
                }
                Way::Bound(bind) => {
                    out.u8(1);
                    encode_bind(out, bind);
                }
                Way::FreshOrBound(fresh, bind) => {
                    out.u8(2);
                    encode_file_system(out, fresh);
                    encode_bind(out, bind);
                }
            }
        }
        RootStep::Stage => out.u8(5),
        RootStep::Devices => out.u8(6),
        RootStep::StandardDevices(own) => {
            out.u8(20);
            for one in own {
                // 0 stands for none; else which of all.
                let which = OwnDevice::ALL
                    .iter()
                    .position(|device| Some(*device) == *one);
                out.u8(which.map_or(0, |which| which as u8 + 1));
            }
        }
        RootStep::Links => out.u8(7),
        RootStep::Staged(step) => {
            out.u8(8);
            encode_file_system(out, step);
        }
        RootStep::Terminal(terminal_settings) => {
            out.u8(9);
            encode_terminal_settings(out, terminal_settings);
        }
        RootStep::NameFile(EtcFile {
            target,
            content,
            without,
            looked_at,
            read_only,
        }) => {
            out.u8(10);
            out.bytes(target.to_bytes());
            out.bytes(content);
            match without {
                Without::Fine => out.u8(0),
                Without::Told => out.u8(1),
                Without::Refused(option) => {
                    out.u8(2);
                    out.bytes(option.to_bytes());
                }
            }
            encode_slot(out, *looked_at);
            out.boolean(*read_only);
        }
        RootStep::LookAtNames(targets) => {
            out.u8(21);
            out.list(targets, |out, target| out.bytes(target.to_bytes()));
        }
        RootStep::Device(DeviceNode { directory, bind }) => {
            out.u8(22);
            out.bytes(directory.to_bytes());
            encode_bind(out, bind);
        }
        RootStep::PlaceDev => out.u8(11),
        RootStep::DropStage => out.u8(12),
        RootStep::Bind(step) => {
            out.u8(13);
            encode_bind(out, step);
        }
        RootStep::OverlayMount(OverlayMount {
            option,
            target,
            layers,
        }) => {
            out.u8(14);
            out.bytes(option.to_bytes());
            out.bytes(target.to_bytes());
            encode_layers(out, layers);
        }
        RootStep::MakeWorkingDirectory { path, owner } => {
            out.u8(15);
            out.bytes(path.to_bytes());
            out.boolean(owner.is_some());
            let (user, group) = owner.unwrap_or_default();
            out.u32(user);
            out.u32(group);
        }
        RootStep::ReadOnly => out.u8(16),
        RootStep::Restrict(step) => {
            out.u8(19);
            out.list(step, encode_restriction);
        }
        RootStep::Enter => out.u8(17),
        RootStep::LeaveChroot => out.u8(18),
    }
}

pub fn decode(input: &mut Decoder<'_>) -> Result<RootStep, Malformed> {
    Ok(match input.u8()? {
        0 => RootStep::Copy(Copy {
            option: input.string()?,
            path: input.string()?,
            recursive: input.boolean()?,
            slot: input.u8()?,
        }),
        1 => RootStep::Directory {
            path: input.string()?,
            flags: MountFlags(input.u64()?),
            premounted: input.boolean()?,
            makes_places: input.boolean()?,
        },
        2 => RootStep::Overlay(decode_layers(input)?),
        3 => RootStep::FileSystem(decode_file_system(input)?),
        4 => RootStep::MountKernelFs(MountKernelFs {
            kernel_fs: decode_kernel_fs(input)?,
            way: match input.u8()? {
                0 => Way::Fresh(decode_file_system(input)?),
                1 => Way::Bound(decode_bind(input)?),
                2 => Way::FreshOrBound(decode_file_system(input)?, decode_bind(input)?),
                _ => return Err(Malformed),
            },
        }),
        5 => RootStep::Stage,
        6 => RootStep::Devices,
        7 => RootStep::Links,
        20 => {
            let mut own = [None; 3];
            for one in &mut own {
                *one = match usize::from(input.u8()?).checked_sub(1) {
                    None => None,
                    Some(which) => Some(*OwnDevice::ALL.get(which).ok_or(Malformed)?),
                };
            }
            RootStep::StandardDevices(own)
        }
        8 => RootStep::Staged(decode_file_system(input)?),
        9 => RootStep::Terminal(decode_terminal_settings(input)?),
        10 => RootStep::NameFile(EtcFile {
            target: input.string()?,
            content: input.bytes()?.to_vec(),
            without: match input.u8()? {
                0 => Without::Fine,
                1 => Without::Told,
                2 => Without::Refused(input.string()?),
                _ => return Err(Malformed),
            },
            looked_at: decode_slot(input)?,
            read_only: input.boolean()?,
        }),
        21 => RootStep::LookAtNames(input.list(Decoder::string)?),
        22 => RootStep::Device(DeviceNode {
            directory: input.string()?,
            bind: decode_bind(input)?,
        }),
        11 => RootStep::PlaceDev,
        12 => RootStep::DropStage,
        13 => RootStep::Bind(decode_bind(input)?),
        14 => RootStep::OverlayMount(OverlayMount {
            option: input.string()?,
            target: input.string()?,
            layers: decode_layers(input)?,
        }),
        15 => RootStep::MakeWorkingDirectory {
            path: input.string()?,
            owner: {
                let has_owner = input.boolean()?;
                let owner = (input.u32()?, input.u32()?);
                has_owner.then_some(owner)
            },
        },
        16 => RootStep::ReadOnly,
        17 => RootStep::Enter,
        18 => RootStep::LeaveChroot,
        19 => RootStep::Restrict(input.list(decode_restriction)?),
        _ => return Err(Malformed),
    })
}

fn encode_slot(out: &mut Encoder, slot: Option<u8>) {
    out.boolean(slot.is_some());
    out.u8(slot.unwrap_or_default());
}

fn decode_slot(input: &mut Decoder<'_>) -> Result<Option<u8>, Malformed> {
    let has_slot = input.boolean()?;
    let slot = input.u8()?;
    Ok(has_slot.then_some(slot))
}

fn encode_kernel_fs(out: &mut Encoder, kernel_fs: KernelFs) {
    out.boolean(kernel_fs == KernelFs::Proc);
}

fn decode_kernel_fs(input: &mut Decoder<'_>) -> Result<KernelFs, Malformed> {
    Ok(if input.boolean()? {
        KernelFs::Proc
    } else {
        KernelFs::Sysfs
    })
}

fn encode_restriction(out: &mut Encoder, step: &Restriction) {
    let Restriction {
        kernel_fs,
        masked,
        read_only,
    } = step;
    encode_kernel_fs(out, *kernel_fs);
    for paths in [masked, read_only] {
        out.list(paths, |out, path| out.bytes(path.to_bytes()));
    }
}

fn decode_restriction(input: &mut Decoder<'_>) -> Result<Restriction, Malformed> {
    Ok(Restriction {
        kernel_fs: decode_kernel_fs(input)?,
        masked: input.list(|input| input.string().map(Into::into))?,
        read_only: input.list(|input| input.string().map(Into::into))?,
    })
}

fn encode_layers(out: &mut Encoder, layers: &Layers) {
    let Layers {
        data,
        redirected,
        flags,
        like,
        memory,
        work,
        premounted,
    } = layers;
    out.bytes(data.to_bytes());
    out.optional(redirected.as_ref());
    out.u64(flags.0);
    out.optional(like.as_ref());
    out.bytes(memory.to_bytes());
    out.boolean(work.is_some());
    if let Some(WorkDirectory { path, identity }) = work {
        out.bytes(path.to_bytes());
        out.u64(identity.0);
        out.u64(identity.1);
    }
    out.u8(*premounted);
}

fn decode_layers(input: &mut Decoder<'_>) -> Result<Layers, Malformed> {
    Ok(Layers {
        data: input.string()?,
        redirected: input.optional()?,
        flags: MountFlags(input.u64()?),
        like: input.optional()?,
        memory: input.string()?,
        work: if input.boolean()? {
            Some(WorkDirectory {
                path: input.string()?,
                identity: (input.u64()?, input.u64()?),
            })
        } else {
            None
        },
        premounted: input.u8()?,
    })
}

fn encode_file_system(out: &mut Encoder, step: &FileSystem) {
    let FileSystem {
        option,
        target,
        kind,
        flags,
        data,
        optional,
    } = step;
    out.optional(option.as_ref());
    out.bytes(target.to_bytes());
    out.bytes(kind.to_bytes());
    out.u64(flags.0);
    out.bytes(data.to_bytes());
    out.boolean(*optional);
}

fn decode_file_system(input: &mut Decoder<'_>) -> Result<FileSystem, Malformed> {
    Ok(FileSystem {
        option: input.optional()?,
        target: input.string()?,
        kind: input.string()?,
        flags: MountFlags(input.u64()?),
        data: input.string()?,
        optional: input.boolean()?,
    })
}

fn encode_bind(out: &mut Encoder, step: &BindMount) {
    let BindMount {
        option,
        path,
        slot,
        target,
        recursive,
        flags,
        recursive_flags,
        devices,
        is_device,
        optional,
    } = step;
    out.optional(option.as_ref());
    out.bytes(path.to_bytes());
    encode_slot(out, *slot);
    out.bytes(target.to_bytes());
    out.u64(flags.0);
    for flag in [recursive, recursive_flags, is_device, optional] {
        out.boolean(*flag);
    }
    out.u8(match devices {
        Devices::All => 0,
        Devices::Source => 1,
        Devices::None => 2,
    });
}

fn decode_bind(input: &mut Decoder<'_>) -> Result<BindMount, Malformed> {
    Ok(BindMount {
        option: input.optional()?,
        path: input.string()?,
        slot: decode_slot(input)?,
        target: input.string()?,
        flags: MountFlags(input.u64()?),
        recursive: input.boolean()?,
        recursive_flags: input.boolean()?,
        is_device: input.boolean()?,
        optional: input.boolean()?,
        devices: match input.u8()? {
            0 => Devices::All,
            1 => Devices::Source,
            2 => Devices::None,
            _ => return Err(Malformed),
        },
    })
}

fn encode_terminal_settings(out: &mut Encoder, terminal_settings: &TerminalSettings) {
    let TerminalSettings { modes, size, owner } = terminal_settings;
    out.boolean(modes.is_some());
    if let Some(Modes {
        input,
        output,
        control,
        local,
        line,
        characters,
    }) = modes
    {
        for word in [input, output, control, local] {
            out.u32(*word);
        }
        out.u8(*line);
        out.bytes(characters);
    }
    out.boolean(size.is_some());
    if let Some(Size {
        rows,
        columns,
        width,
        height,
    }) = size
    {
        for number in [rows, columns, width, height] {
            out.u32(u32::from(*number));
        }
    }
    out.boolean(owner.is_some());
    out.u32(owner.unwrap_or_default());
}

fn decode_terminal_settings(input: &mut Decoder<'_>) -> Result<TerminalSettings, Malformed> {
    let modes = if input.boolean()? {
        Some(Modes {
            input: input.u32()?,
            output: input.u32()?,
            control: input.u32()?,
            local: input.u32()?,
            line: input.u8()?,
            characters: input.bytes()?.try_into().map_err(|_| Malformed)?,
        })
    } else {
        None
    };
    let number = |input: &mut Decoder<'_>| u16::try_from(input.u32()?).map_err(|_| Malformed);
    let size = if input.boolean()? {
        Some(Size {
            rows: number(input)?,
            columns: number(input)?,
            width: number(input)?,
            height: number(input)?,
        })
    } else {
        None
    };
    let has_owner = input.boolean()?;
    let owner = input.u32()?;
    Ok(TerminalSettings {
        modes,
        size,
        owner: has_owner.then_some(owner),
    })
}

#[cfg(test)]
pub mod tests;
