//! Profiles beside libseccomp: what docker and runc make of a profile with it, and what mydocker makes of it, answer
//! every call alike. Both filters are simulated, so no kernel has to load them.
//!
//! Where libseccomp (2.5.4) answers otherwise, it is exactly this:
//! - The number -1, by which a tracer says that there is no call, is x32's to us (`ENOSYS`, which is what the kernel
//!   answers); libseccomp spares it from its test for x32.
//! - If rules with different actions hold for a call, no one says which of them counts: for libseccomp the order of
//!   arguments and values decides, for us that of the profile. Its answer is one of theirs then, ours the first. (Where
//!   two rules with the same conditions contradict each other, libseccomp takes none of the profile.)
//! - Where a call's rules compare one argument more than once, and not only for equality, libseccomp is wrong: it
//!   compares halves of arguments, puts rules that begin with the same halves together, and mixes up their ends. Of
//!   "below 4294967295, or below 1 << 63", it loses the second; over some it never ends.
//! - It has one list of calls and we another, and each knows newer calls than the other.
//!
//! In all of these what we answer is still what the profile says ([`meaning`]).

mod common;
#[path = "common/filter.rs"]
mod filter;
#[path = "common/profiles.rs"]
mod profiles;
use common::*;
use filter::*;
use mydocker::seccomp::{Host, compile_profile};
use mydocker::spec::security::DEFAULT_CAPABILITIES;
use mydocker::sys::capability::{self, CapabilitySet};
use mydocker::sys::seccomp::Instruction;
use profiles::{HAND_WRITTEN, random_profile};
use serde_json::{Value, json};
use std::io::Write;
use std::process::{Command, Stdio};
use syscalls::Sysno;

const PYTHON: &str = "/usr/bin/python3";
const PROFILE: &str = "/usr/share/containers/seccomp.json";

/// Whether Python's libseccomp is there; says so if not.
fn has_libseccomp() -> bool {
    let status = Command::new(PYTHON)
        .args(["-c", "import seccomp"])
        .stderr(Stdio::null())
        .status();
    let there = status.is_ok_and(|status| status.success());
    if !there {
        skip("Python's seccomp is not installed (Debian's python3-seccomp)");
    }
    there
}

/// A profile, as libseccomp has it.
struct Theirs {
    filter: Vec<Instruction>,
    /// Which entries count.
    counted: Vec<usize>,
    newest: u32,
}

/// What libseccomp knows and makes; an error for a profile that it does not take.
struct Answers {
    names: Value,
    profiles: Vec<Result<Theirs, String>>,
}

fn libseccomp(profiles: &[Value], host: &Host) -> Answers {
    let architecture = if cfg!(target_arch = "x86_64") {
        "amd64"
    } else {
        "arm64"
    };
    let capabilities: Vec<String> = profiles::CAPABILITIES
        .into_iter()
        .filter(|name| {
            let number = capability::number(name.trim_start_matches("CAP_").as_bytes());
            host.capabilities.contains(number.unwrap())
        })
        .map(str::to_owned)
        .collect();
    let request = json!({
        "host": {"architecture": architecture, "capabilities": capabilities, "kernel": host.kernel},
        "names": (0..512).filter_map(name_of).collect::<Vec<_>>(),
        "profiles": profiles,
    });
    let mut python = Command::new(PYTHON)
        .args(["-c", include_str!("common/libseccomp.py")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect(PYTHON);
    // It reads all of it before it writes.
    let mut stdin = python.stdin.take().unwrap();
    stdin.write_all(request.to_string().as_bytes()).unwrap();
    drop(stdin);
    let output = python.wait_with_output().unwrap();
    assert!(output.status.success(), "{:?}", output.status);
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    let theirs = |answer: &Value| {
        let filter = instructions(
            answer["program"]
                .as_str()
                .ok_or_else(|| answer["refused"].to_string())?,
        );
        let counted = answer["counted"].as_array().unwrap().iter();
        Ok(Theirs {
            filter,
            newest: answer["newest"].as_u64().unwrap() as u32,
            counted: counted
                .map(|index| index.as_u64().unwrap() as usize)
                .collect(),
        })
    };
    Answers {
        names: answer["names"].clone(),
        profiles: answer["profiles"]
            .as_array()
            .unwrap()
            .iter()
            .map(theirs)
            .collect(),
    }
}

/// From hexadecimal digits.
fn instructions(text: &str) -> Vec<Instruction> {
    let byte = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
    let bytes: Vec<u8> = (0..text.len()).step_by(2).map(byte).collect();
    bytes
        .chunks_exact(8)
        .map(|bytes| Instruction {
            code: u16::from_ne_bytes([bytes[0], bytes[1]]),
            jump_true: bytes[2],
            jump_false: bytes[3],
            value: u32::from_ne_bytes(bytes[4..].try_into().unwrap()),
        })
        .collect()
}

/// What libseccomp calls this number.
fn name_of(number: usize) -> Option<&'static str> {
    match Sysno::new(number)?.name() {
        "fstatat" => Some("newfstatat"),
        name => Some(name),
    }
}

/// How often both were asked, and how often there was no one answer.
#[derive(Debug, Default)]
struct Count {
    asked: usize,
    contradictions: usize,
    /// How often libseccomp's answer does not count.
    mixed_up: usize,
    refused: usize,
}

/// Compiles the profiles both ways and compares the answers.
fn compare(profiles: &[Value], host: &Host, random: &mut fastrand::Rng) -> Count {
    let answers = libseccomp(profiles, host);
    let mut count = Count::default();
    for (profile, theirs) in profiles.iter().zip(&answers.profiles) {
        let text = profile.to_string();
        let ours = compile_profile(&text, host).unwrap_or_else(|error| panic!("{error}: {text}"));
        let theirs = match theirs {
            Ok(theirs) => theirs,
            Err(why) => {
                count.refused += 1;
                eprintln!("libseccomp: {why}: {text}");
                continue;
            }
        };
        let default = fate(&json!({
            "action": profile["defaultAction"],
            "errnoRet": profile["defaultErrnoRet"],
        }));
        // ALLOW, LOG and TRACE. Where calls are kept back, what the profile does not know yet is as if the kernel
        // did not have it: that is runc's, which puts some instructions before libseccomp's.
        let lets_through = (0x7ff0_0000..0x8000_0000).contains(&default);
        let is_newer = |number| !lets_through && theirs.newest > 0 && number > theirs.newest;
        let all = profile["syscalls"].as_array().unwrap();
        let counted = theirs.counted.iter().map(|index| &all[*index]);
        let entries: Vec<&Value> = counted.filter(|entry| fate(entry) != default).collect();
        for number in numbers() {
            let name = name_of(number as usize);
            let names_it = |entry: &&&Value| name.is_some_and(|name| names(entry).contains(&name));
            let rules: Vec<Value> = entries
                .iter()
                .filter(names_it)
                .map(|rule| (*rule).clone())
                .collect();
            let known = name.is_none_or(|name| answers.names[name] == number);
            if rules.is_empty() || known {
                let call = Call {
                    name,
                    number,
                    rules,
                    default: if is_newer(number) { ENOSYS } else { default },
                    is_newer: is_newer(number),
                };
                call.compare(&ours, &theirs.filter, random, &mut count);
            }
        }
        for architecture in [0x4000_0003, 0x4000_0028, 0, ARCHITECTURE ^ 1] {
            for number in [0, 1, 59, 231, 0x4000_0000, u32::MAX] {
                let one = simulate(&ours, architecture, number, [0; 6]).0;
                let other = simulate(&theirs.filter, architecture, number, [0; 6]).0;
                assert_eq!(one, other, "{number:#x} of {architecture:#x}: {text}");
            }
        }
    }
    count
}

/// All that calls have, and others, but for the one that libseccomp spares.
fn numbers() -> impl Iterator<Item = u32> {
    let odd = [
        512,
        1000,
        0x3fff_ffff,
        0x4000_0000,
        0x4000_0001,
        0x8000_0000,
        u32::MAX - 1,
    ];
    (0..512).chain(odd)
}

/// A call, and the rules that name it.
struct Call {
    name: Option<&'static str>,
    number: u32,
    rules: Vec<Value>,
    default: u32,
    is_newer: bool,
}

impl Call {
    fn compare(
        &self,
        ours: &[Instruction],
        theirs: &[Instruction],
        random: &mut fastrand::Rng,
        count: &mut Count,
    ) {
        let is_mixed_up = self.is_mixed_up();
        let constants: [Vec<u64>; 6] = std::array::from_fn(|index| constants(&self.rules, index));
        let total: usize = constants.iter().map(Vec::len).sum();
        let around = (0..(total * 8).min(400))
            .map(|_| std::array::from_fn(|index| near(&constants[index], random)));
        for arguments in around.chain([[0; 6], [u64::MAX; 6]]).collect::<Vec<_>>() {
            let meant = match self.name {
                Some(name) => meaning(&self.rules, name, &arguments),
                None => Vec::new(),
            };
            let one = simulate(ours, ARCHITECTURE, self.number, arguments).0;
            let other = match self.is_newer {
                true => ENOSYS,
                false => simulate(theirs, ARCHITECTURE, self.number, arguments).0,
            };
            let context = || {
                format!(
                    "{:?} ({:#x}) {arguments:#x?}: {:#?}",
                    self.name, self.number, self.rules
                )
            };
            // (Numbers without a name are x32's, and others that no rule can name.)
            if self.name.is_some() {
                let meant = meant.first().copied().unwrap_or(self.default);
                assert_eq!(
                    one,
                    meant,
                    "what we answer is not what it says: {}",
                    context()
                );
            }
            count.asked += 1;
            if is_mixed_up {
                count.mixed_up += 1;
            } else if meant.iter().any(|fate| *fate != meant[0]) {
                count.contradictions += 1;
                assert!(
                    meant.contains(&other),
                    "{other:#x}, not one of {meant:x?}: {}",
                    context()
                );
            } else {
                assert_eq!(
                    one,
                    other,
                    "we answer otherwise than libseccomp: {}",
                    context()
                );
            }
        }
    }

    /// Whether the rules are of those that libseccomp mixes up.
    fn is_mixed_up(&self) -> bool {
        let all: Vec<Value> = self.rules.iter().flat_map(ways).flatten().collect();
        let is_equality = |condition: &&Value| {
            ["SCMP_CMP_EQ", "SCMP_CMP_MASKED_EQ"].contains(&condition["op"].as_str().unwrap())
        };
        (0..6).any(|index| {
            let mine: Vec<&Value> = all
                .iter()
                .filter(|condition| condition["index"] == index)
                .collect();
            mine.len() > 1 && !mine.iter().all(is_equality)
        })
    }
}

/// What the rules compare this argument with.
fn constants(rules: &[Value], index: usize) -> Vec<u64> {
    let all = rules
        .iter()
        .filter_map(|rule| rule["args"].as_array())
        .flatten();
    let mine = all.filter(|condition| condition["index"] == index);
    mine.flat_map(|condition| [&condition["value"], &condition["valueTwo"]])
        .filter_map(Value::as_u64)
        .collect()
}

/// One of the constants, or something that is nearly one.
fn near(constants: &[u64], random: &mut fastrand::Rng) -> u64 {
    let Some(constant) = random.choice(constants) else {
        return [0, random.u64(..)][random.usize(..2)];
    };
    match random.u8(..10) {
        0..3 => *constant,
        3 => constant.wrapping_add(1),
        4 => constant.wrapping_sub(1),
        5 => constant ^ 1 << random.u8(..64),
        // Only one half of it right.
        6 => constant & 0xffff_ffff | random.u64(..) << 32,
        7 => constant & !0xffff_ffff | u64::from(random.u32(..)),
        8 => constant.rotate_left(32),
        _ => random.u64(..),
    }
}

#[test]
fn the_installed_profile() {
    let Ok(text) = std::fs::read_to_string(PROFILE) else {
        skip(&format!(
            "{PROFILE} is missing (Debian's golang-github-containers-common)"
        ));
        return;
    };
    if !has_libseccomp() {
        return;
    }
    let profile: Value = serde_json::from_str(&text).unwrap();
    let mut random = fastrand::Rng::with_seed(1);
    let sets = [
        CapabilitySet::NONE,
        DEFAULT_CAPABILITIES,
        DEFAULT_CAPABILITIES.with(capability::SYS_ADMIN),
        CapabilitySet::ALL,
    ];
    for capabilities in sets {
        for kernel in [(4, 7), (4, 8), (6, 1)] {
            let host = Host {
                capabilities,
                kernel,
            };
            let count = compare(std::slice::from_ref(&profile), &host, &mut random);
            assert_eq!((count.refused, count.contradictions), (0, 0));
        }
    }
}

#[test]
fn written_by_hand() {
    if !has_libseccomp() {
        return;
    }
    let profiles: Vec<Value> = HAND_WRITTEN
        .iter()
        .map(|text| serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}")))
        .collect();
    let count = compare(&profiles, &HOST, &mut fastrand::Rng::with_seed(2));
    assert_eq!((count.refused, count.contradictions), (0, 0));
}

#[test]
fn of_random_rules() {
    if !has_libseccomp() {
        return;
    }
    let mut random = fastrand::Rng::with_seed(3);
    let mut total = Count::default();
    for capabilities in [CapabilitySet::NONE, DEFAULT_CAPABILITIES] {
        let profiles: Vec<Value> = (0..100).map(|_| random_profile(&mut random)).collect();
        let host = Host {
            capabilities,
            ..HOST
        };
        let count = compare(&profiles, &host, &mut random);
        total.asked += count.asked;
        total.contradictions += count.contradictions;
        total.mixed_up += count.mixed_up;
        total.refused += count.refused;
    }
    eprintln!("{total:?}");
    // Nearly all of it is compared to the letter.
    assert!(total.asked > 150_000, "{total:?}");
    assert!(total.contradictions * 100 < total.asked, "{total:?}");
    assert!(total.mixed_up * 10 < total.asked, "{total:?}");
    assert!(total.refused < 10, "{total:?}");
}
