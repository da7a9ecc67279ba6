//! What filters of system calls answer: a simulation of the kernel, and a reading of profiles that shares nothing
//! with ours.

// Each test file is a program of its own and uses a part of this.
#![allow(dead_code)]

use mydocker::seccomp::{Host, default_filter};
use mydocker::spec::security::DEFAULT_CAPABILITIES;
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
    let (mut at, mut accumulator) = (0, 0);
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
            0x54 => {
                accumulator &= value;
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
