//! What filters of system calls answer: a simulation of the kernel, and a reading of profiles that shares nothing
//! with ours.

// Each test file is a program of its own and uses a part of this.
#![allow(dead_code)]

use mydocker::seccomp::{Host, default_filter};
use mydocker::spec::DEFAULT_CAPABILITIES;
use mydocker::sys::capability::CapabilitySet;
use mydocker::sys::seccomp::Instruction;
use serde_json::Value;
use std::borrow::Cow;

pub const ALLOW: u32 = 0x7fff_0000;
pub const EPERM: u32 = 0x5_0001;
pub const ENOSYS: u32 = 0x5_0026;
pub const HOST: Host = Host {
    capabilities: DEFAULT_CAPABILITIES,
    kernel: (6, 1),
};

/// The default filter for these capabilities, on a newer kernel.
pub fn for_capabilities(capabilities: CapabilitySet) -> Cow<'static, [Instruction]> {
    default_filter(&Host {
        capabilities,
        ..HOST
    })
}

#[cfg(target_arch = "x86_64")]
pub const ARCHITECTURE: u32 = 0xc000_003e;
#[cfg(target_arch = "aarch64")]
pub const ARCHITECTURE: u32 = 0xc000_00b7;

/// That of 32-bit programs.
#[cfg(target_arch = "x86_64")]
pub const COMPAT_ARCHITECTURE: u32 = 0x4000_0003;
#[cfg(target_arch = "aarch64")]
pub const COMPAT_ARCHITECTURE: u32 = 0x4000_0028;

/// As profiles call both.
#[cfg(target_arch = "x86_64")]
pub const ARCHITECTURE_NAMES: [&str; 2] = ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"];
#[cfg(target_arch = "aarch64")]
pub const ARCHITECTURE_NAMES: [&str; 2] = ["SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"];

/// The calls of 32-bit programs.
#[cfg(target_arch = "x86_64")]
pub type CompatSysno = syscalls::x86::Sysno;
#[cfg(target_arch = "aarch64")]
pub type CompatSysno = syscalls::arm::Sysno;

/// What a filter answers, and after how many instructions; as net/core/filter.c checks and runs them.
pub fn simulate(
    filter: &[Instruction],
    architecture: u32,
    number: u32,
    arguments: [u64; 6],
) -> (u32, usize) {
    let mut data = vec![number, architecture, 0, 0];
    for argument in arguments {
        data.extend([argument as u32, (argument >> 32) as u32]);
    }
    let (mut at, mut accumulator, mut index) = (0, 0, 0);
    for step in 1..=filter.len() {
        let instruction = filter[at];
        let value = instruction.value;
        at += 1;
        let holds = match instruction.code {
            0x20 => {
                assert_eq!(value % 4, 0);
                accumulator = data[value as usize / 4];
                continue;
            }
            0x00 => {
                accumulator = value;
                continue;
            }
            0x54 => {
                accumulator &= value;
                continue;
            }
            0x7c => {
                assert!(index < 32, "a shift by {index}");
                accumulator >>= index;
                continue;
            }
            0x07 => {
                index = accumulator;
                continue;
            }
            0x05 => {
                at += value as usize;
                continue;
            }
            0x06 => return (value, step),
            0x15 => accumulator == value,
            0x25 => accumulator > value,
            0x35 => accumulator >= value,
            0x45 => accumulator & value != 0,
            other => panic!("code {other:#x}"),
        };
        at += usize::from(if holds {
            instruction.jump_true
        } else {
            instruction.jump_false
        });
    }
    panic!("it does not end");
}

pub fn answer(filter: &[Instruction], number: usize, arguments: &[u64]) -> u32 {
    let mut six = [0; 6];
    six[..arguments.len()].copy_from_slice(arguments);
    simulate(filter, ARCHITECTURE, number as u32, six).0
}

/// The same of a call of a 32-bit program.
pub fn compat_answer(filter: &[Instruction], number: usize, arguments: &[u64]) -> u32 {
    let mut six = [0; 6];
    six[..arguments.len()].copy_from_slice(arguments);
    simulate(filter, COMPAT_ARCHITECTURE, number as u32, six).0
}

/// The entries as they are meant for arguments of 32 bits: what is a negative int in 64 bits is the same in 32.
pub fn narrowed(entries: &[Value]) -> Vec<Value> {
    let is_negative = |value: u64| value >> 31 == u64::MAX >> 31;
    let mut entries = entries.to_vec();
    let lists = entries
        .iter_mut()
        .filter_map(|entry| entry["args"].as_array_mut());
    for condition in lists.flatten() {
        let number = |name: &str| condition[name].as_u64().unwrap_or(0);
        let (value, second) = (number("value"), number("valueTwo"));
        if condition["op"] == "SCMP_CMP_MASKED_EQ" {
            let wanted = second & value;
            if value != 0 && (wanted >> 32 == 0 || is_negative(wanted)) {
                // (Masked to nothing, it is not looked at; so it must not become 0.)
                let mask = value & 0xffff_ffff;
                condition["value"] = mask.into();
                condition["valueTwo"] = (wanted & 0xffff_ffff).into();
            }
        } else if is_negative(value) {
            condition["value"] = (value & 0xffff_ffff).into();
        }
    }
    entries
}

/// What the entries of a profile say of a call, each once that says something, the one that counts first.
/// Nothing: the default.
pub fn meaning(entries: &[Value], name: &str, arguments: &[u64; 6]) -> Vec<u32> {
    let of_this = || entries.iter().filter(|entry| names(entry).contains(&name));
    let is_bare = |entry: &&Value| ways(entry).iter().any(Vec::is_empty);
    if let Some(whatever) = of_this().find(is_bare) {
        return vec![fate(whatever)];
    }
    let all_hold = |way: &Vec<Value>| way.iter().all(|condition| holds(condition, arguments));
    let holding = of_this().filter(|entry| ways(entry).iter().any(all_hold));
    holding.map(fate).collect()
}

/// An entry's conditions, as alternatives.
pub fn ways(entry: &Value) -> Vec<Vec<Value>> {
    let conditions = entry["args"].as_array().cloned().unwrap_or_default();
    let mut indices: Vec<u64> = conditions
        .iter()
        .filter_map(|c| c["index"].as_u64())
        .collect();
    indices.sort_unstable();
    indices.dedup();
    // docker's: two that look at the same argument make all of them alternatives.
    let mut ways = if indices.len() < conditions.len() {
        conditions.into_iter().map(|one| vec![one]).collect()
    } else {
        vec![conditions]
    };
    for way in &mut ways {
        // Masked to nothing, an argument is not looked at.
        way.retain(|condition| condition["op"] != "SCMP_CMP_MASKED_EQ" || condition["value"] != 0);
    }
    ways
}

/// The calls that an entry names.
pub fn names(entry: &Value) -> Vec<&str> {
    let list = entry["names"].as_array().into_iter().flatten();
    list.chain(entry.get("name"))
        .filter_map(Value::as_str)
        .collect()
}

fn holds(condition: &Value, arguments: &[u64; 6]) -> bool {
    let number = |name: &str| condition[name].as_u64().unwrap_or(0);
    let (value, second) = (number("value"), number("valueTwo"));
    let argument = arguments[number("index") as usize];
    match condition["op"].as_str().unwrap() {
        "SCMP_CMP_EQ" => argument == value,
        "SCMP_CMP_NE" => argument != value,
        "SCMP_CMP_LT" => argument < value,
        "SCMP_CMP_LE" => argument <= value,
        "SCMP_CMP_GT" => argument > value,
        "SCMP_CMP_GE" => argument >= value,
        // What the mask takes away is taken from both.
        "SCMP_CMP_MASKED_EQ" => argument & value == second & value,
        other => panic!("{other}"),
    }
}

/// An entry's action, as the kernel has it.
pub fn fate(entry: &Value) -> u32 {
    let errno = entry["errnoRet"].as_u64().unwrap_or(1) as u32;
    match entry["action"].as_str().unwrap() {
        "SCMP_ACT_ALLOW" => ALLOW,
        "SCMP_ACT_ERRNO" => 0x5_0000 | errno,
        "SCMP_ACT_TRACE" => 0x7ff0_0000 | errno,
        "SCMP_ACT_LOG" => 0x7ffc_0000,
        "SCMP_ACT_TRAP" => 0x3_0000,
        "SCMP_ACT_KILL" | "SCMP_ACT_KILL_THREAD" => 0,
        "SCMP_ACT_KILL_PROCESS" => 0x8000_0000,
        other => panic!("{other}"),
    }
}

/// A program of these instructions, the last of which is a system call: it exits with its errno, or with 0.
#[cfg(target_arch = "x86_64")]
pub fn exits_with_errno(mut code: Vec<u8>) -> Vec<u8> {
    // test eax, eax; js over the next; xor eax, eax; neg eax; mov edi, eax; mov eax, exit_group; syscall
    code.extend([
        0x85, 0xc0, 0x78, 0x02, 0x31, 0xc0, 0xf7, 0xd8, 0x89, 0xc7, 0xb8, 0xe7, 0, 0, 0, 0x0f, 0x05,
    ]);
    // Elf64_Ehdr and one Elf64_Phdr: all of it at 4 MiB, readable and executable.
    let mut file = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\x3e\0\x01\0\0\0".to_vec();
    file.extend([0x40_0078u64, 64, 0].map(u64::to_le_bytes).concat());
    file.extend(b"\0\0\0\0\x40\0\x38\0\x01\0\0\0\0\0\0\0\x01\0\0\0\x05\0\0\0");
    let size = 0x78 + code.len() as u64;
    file.extend(
        [0u64, 0x40_0000, 0x40_0000, size, size, 0x1000]
            .map(u64::to_le_bytes)
            .concat(),
    );
    file.extend(code);
    file
}
