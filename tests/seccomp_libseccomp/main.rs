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
//! - A 32-bit program's argument is never 4294967303 to us. libseccomp drops the upper half of what it is compared with.
//! - Of socketcall and ipc, see seccomp_compat: where a profile looks at the arguments of what they stand for,
//!   libseccomp lets all of it do what the rule says, and we none; and if it allows socketcall altogether, libseccomp
//!   passes over what it says of connect.
//!
//! In all of these what we answer is still what the profile says ([`meaning`]).

mod call;

use call::Call;
#[path = "../common/mod.rs"]
mod common;
use common::filter::*;
use common::profiles::{HAND_WRITTEN, random_profile};
use common::*;
use mydocker::seccomp::{Host, compile_profile};
use mydocker::spec::DEFAULT_CAPABILITIES;
use mydocker::sys::capability::{self, CapabilitySet};
use mydocker::sys::seccomp::Instruction;
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
    compat_names: Value,
    profiles: Vec<Result<Theirs, String>>,
}

fn libseccomp(profiles: &[Value], host: &Host) -> Answers {
    let architecture = if cfg!(target_arch = "x86_64") {
        "amd64"
    } else {
        "arm64"
    };
    let capabilities: Vec<String> = common::profiles::CAPABILITIES
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
        "compat_names": (0..512).filter_map(compat_name_of).collect::<Vec<_>>(),
        "profiles": profiles,
    });
    let mut python = Command::new(PYTHON)
        .args(["-c", include_str!("../common/libseccomp.py")])
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
        compat_names: answer["compat_names"].clone(),
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

fn compat_name_of(number: usize) -> Option<&'static str> {
    CompatSysno::new(number).map(|call| call.name())
}

/// Profiles, for 32-bit programs as well: by one list or the other.
fn with_compat(profiles: &[Value]) -> Vec<Value> {
    let [native, compat] = ARCHITECTURE_NAMES;
    let mut profiles = profiles.to_vec();
    for (index, profile) in profiles.iter_mut().enumerate() {
        let profile = profile.as_object_mut().unwrap();
        profile.remove("architectures");
        let (name, list) = match index % 2 {
            0 => ("architectures", json!([native, compat])),
            _ => (
                "archMap",
                json!([{"architecture": "SCMP_ARCH_MIPS64", "subArchitectures": ["SCMP_ARCH_MIPS"]},
                    {"architecture": native, "subArchitectures": ["SCMP_ARCH_X32", compat]}]),
            ),
        };
        profile.insert(name.into(), list);
    }
    profiles
}

fn lists_compat(profile: &Value) -> bool {
    let lists = profile
        .get("architectures")
        .into_iter()
        .chain(profile.get("archMap"));
    let text: String = lists.map(Value::to_string).collect();
    text.contains(&format!("{:?}", ARCHITECTURE_NAMES[1]))
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
            let rules = rules_for(&entries, name);
            let known = name.is_none_or(|name| answers.names[name] == number);
            if rules.is_empty() || known {
                let call = Call {
                    architecture: ARCHITECTURE,
                    name,
                    number,
                    rules,
                    default: if is_newer(number) { ENOSYS } else { default },
                    is_newer: is_newer(number),
                };
                call.compare(&ours, &theirs.filter, random, &mut count);
            }
        }
        if lists_compat(profile) {
            let all = theirs.counted.iter().map(|index| &all[*index]);
            let newest = all.flat_map(names).filter_map(compat_number).max();
            let is_newer = |number: u32| {
                !lets_through && newest.is_some_and(|newest| number as usize > newest)
            };
            for number in numbers() {
                let name = compat_name_of(number as usize);
                let rules = rules_for(&entries, name);
                // (For one of a multiplexer's calls it says the multiplexer's number.)
                let theirs_is = name.map(|name| answers.compat_names[name].as_i64().unwrap());
                let known = theirs_is.is_none_or(|theirs| {
                    theirs == i64::from(number) || [102, 117].contains(&theirs)
                });
                let is_multiplexer = name.is_some_and(|name| ["socketcall", "ipc"].contains(&name));
                if (rules.is_empty() || known) && !is_multiplexer {
                    let call = Call {
                        architecture: COMPAT_ARCHITECTURE,
                        name,
                        number,
                        rules: narrowed(&rules),
                        default: if is_newer(number) { ENOSYS } else { default },
                        is_newer: is_newer(number),
                    };
                    call.compare(&ours, &theirs.filter, random, &mut count);
                }
            }
        }
        let foreign = [0x4000_0003, 0x4000_0028, 0, ARCHITECTURE ^ 1];
        let is_compat = |architecture| architecture == COMPAT_ARCHITECTURE && lists_compat(profile);
        for architecture in foreign.into_iter().filter(|one| !is_compat(*one)) {
            for number in [0, 1, 59, 231, 0x4000_0000, u32::MAX] {
                let one = simulate(&ours, architecture, number, [0; 6]).0;
                let other = simulate(&theirs.filter, architecture, number, [0; 6]).0;
                assert_eq!(one, other, "{number:#x} of {architecture:#x}: {text}");
            }
        }
    }
    count
}

/// The entries that name a call.
fn rules_for(entries: &[&Value], name: Option<&str>) -> Vec<Value> {
    let names_it = |entry: &&&Value| name.is_some_and(|name| names(entry).contains(&name));
    let rules = entries.iter().filter(names_it);
    rules.map(|rule| (*rule).clone()).collect()
}

fn compat_number(name: &str) -> Option<usize> {
    (0..512).find(|number| compat_name_of(*number) == Some(name))
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
            // It lists them by its archMap.
            assert!(lists_compat(&profile));
            let mut native_only = profile.clone();
            native_only["archMap"] = json!([]);
            let count = compare(&[profile.clone(), native_only], &host, &mut random);
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
    for profiles in [&with_compat(&profiles), &profiles] {
        let count = compare(profiles, &HOST, &mut fastrand::Rng::with_seed(2));
        assert_eq!((count.refused, count.contradictions), (0, 0));
    }
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
        let count = compare(&with_compat(&profiles), &host, &mut random);
        total.asked += count.asked;
        total.contradictions += count.contradictions;
        total.mixed_up += count.mixed_up;
        total.refused += count.refused;
    }
    eprintln!("{total:?}");
    // Nearly all of it is compared to the letter.
    assert!(total.asked > 150_000, "{total:?}");
    assert!(total.contradictions * 100 < total.asked, "{total:?}");
    assert!(total.mixed_up * 8 < total.asked, "{total:?}");
    assert!(total.refused < 10, "{total:?}");
}
