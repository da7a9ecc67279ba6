//! Whatever is read, by whoever it was written: command lines, profiles, accounts, /proc's tables, an encoded plan.
//! No input makes mydocker panic or take long; what it refuses it refuses in one clear line.

mod common;
use common::filter::{ARCHITECTURE, HOST, simulate};
use common::fuzzing::*;
use common::profiles::{HAND_WRITTEN, random_profile};
use fastrand::Rng;
use mydocker::cgroup::{Layout, usual};
use mydocker::control::{Answer, LONGEST, Request, Shown, Typed};
use mydocker::docker::specify::{Account, Accounts};
use mydocker::error::Error;
use mydocker::seccomp::compile_profile;
use mydocker::sys::seccomp::Instruction;

#[test]
fn profiles_of_any_kind() {
    fuzz("profiles", |random| {
        let mut text = match random.u8(..8) {
            0..4 => random_profile(random).to_string().into_bytes(),
            4..7 => random.choice(HAND_WRITTEN).unwrap().as_bytes().to_vec(),
            _ => overgrown(random).into_bytes(),
        };
        if random.u8(..8) > 0 {
            let words: &[&[u8]] = &[
                b"\"defaultAction\":",
                b"\"names\":[",
                b"\"args\":",
                b"null",
                b"{",
                b"}",
                b"[",
                b"]",
                b"\"",
                b"\"SCMP_ACT_ALLOW\"",
                b"\\u0041",
                b"\\u+041",
                b"\\ud83d\\ude00",
                b"1e3",
                b"-0",
                b"true",
                b"\"minKernel\":\"",
                b"\"syscalls\":[",
                b"\"Syscalls\":[",
                b"\xe2\x80\xa8",
                b"\x00",
                b"\x1b[2J",
            ];
            mutate(&mut text, words, random);
        }
        let text = String::from_utf8_lossy(&text);
        let is_json = serde_json::from_str::<serde_json::Value>(&text);
        match compile_profile(&text, &HOST) {
            Ok(filter) => {
                assert!(
                    is_json.is_ok(),
                    "{}: {}",
                    is_json.unwrap_err(),
                    shown(&text)
                );
                assert_valid(&filter);
                for number in [0, 59, 511, random.u32(..)] {
                    simulate(
                        &filter,
                        ARCHITECTURE,
                        number,
                        std::array::from_fn(|_| random.u64(..)),
                    );
                }
            }
            Err(message) => {
                assert!(
                    message.len() < 400,
                    "{} bytes: {}",
                    message.len(),
                    shown(&text)
                );
                let places = [
                    "line ",
                    "syscalls",
                    "ction",
                    "errnoRet",
                    "instructions",
                    "architectures",
                    "archMap",
                ];
                assert!(
                    places.iter().any(|place| message.contains(place)),
                    "{message}"
                );
                // As the program shows it.
                assert_clear(&Error::refused(&message, "a profile").to_string());
                // Ours reads JSON; what it does without, it names.
                let without = ["no whole number", "bad \\u", "nested too deeply"];
                if message.starts_with("line ")
                    && !without.iter().any(|word| message.contains(word))
                {
                    assert!(is_json.is_err(), "{message}: {}", shown(&text));
                }
            }
        }
    });
}

/// What a monitor and who calls it send each other is either nothing that they know, or what it was made of.
#[test]
fn messages_of_any_kind() {
    fuzz("messages", |random| {
        let mut record: Vec<u8> = (0..random.usize(..40)).map(|_| random.u8(..)).collect();
        if let Some(kind) = record.first_mut() {
            // Mostly those that there are.
            let near = [1, 32, 64, 96][random.usize(..4)] + random.u8(..6);
            *kind = if random.u8(..8) > 0 { near } else { *kind };
        }
        if random.bool() {
            for byte in record.iter_mut().skip(1) {
                *byte = random.u8(..3);
            }
        }
        let again = [
            Request::decode(&record).map(Request::encode),
            Typed::decode(&record).map(Typed::encode),
            Shown::decode(&record).map(Shown::encode),
        ];
        for again in again.into_iter().flatten() {
            assert_eq!(again, record);
        }
        if let Some(answer) = Answer::decode(&record) {
            assert!(answer.encode().len() <= LONGEST);
        }
    });
}

/// As much as a message needs.
fn shown(text: &str) -> String {
    text.chars().take(2000).collect()
}

/// A profile with too much of something; seldom of megabytes.
fn overgrown(random: &mut Rng) -> String {
    let most = match random.u8(..40) {
        0 => 50_000,
        1..5 => 3_000,
        _ => 100,
    };
    let count = random.usize(..most);
    let entry = r#"{"names": ["read", "write"], "action": "SCMP_ACT_ALLOW"}"#;
    let condition = r#"{"index": 0, "value": 1, "op": "SCMP_CMP_NE"},"#;
    let other = r#"{"index": 1, "value": 1, "op": "SCMP_CMP_LE"}"#;
    let (before, after) = (r#"{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": ["#, "]}");
    let middle = match random.u8(..10) {
        0 => "[".repeat(count),
        1 => "{\"a\":".repeat(count),
        2 => format!("{entry},").repeat(count) + entry,
        3 => entry.replace("\"write\"", &("\"read\",".repeat(count) + "\"write\"")),
        4 => entry.replace(
            '}',
            &format!(r#", "args": [{}{other}]}}"#, condition.repeat(count)),
        ),
        5 => entry.replace("read", &"read".repeat(count)),
        6 => entry.replace("SCMP_ACT_ALLOW", &"\\u001b\\n".repeat(count)),
        7 => format!("{{\"action\": {}", "1a".repeat(count)),
        // Many names, each with many conditions.
        8 => entry
            .replace(
                "\"write\"",
                &("\"close\",\"read\",".repeat(count / 8) + "\"write\""),
            )
            .replace(
                '}',
                &format!(r#", "args": [{}{other}]}}"#, condition.repeat(count / 8)),
            ),
        _ => format!("{}{entry}", " \n".repeat(count)),
    };
    format!("{before}{middle}{after}")
}

/// What the kernel asks of a program: loads of whole words of what it is told, jumps that stay inside, and an end.
fn assert_valid(filter: &[Instruction]) {
    assert!((1..=4096).contains(&filter.len()), "{}", filter.len());
    assert_eq!(filter.last().unwrap().code, 0x06);
    for (at, instruction) in filter.iter().enumerate() {
        let reach = |distance: u32| assert!(at + 1 + (distance as usize) < filter.len(), "{at}");
        match instruction.code {
            0x20 => assert!(instruction.value % 4 == 0 && instruction.value < 64),
            0x05 => reach(instruction.value),
            0x15 | 0x25 | 0x35 => {
                reach(instruction.jump_true.into());
                reach(instruction.jump_false.into());
            }
            0x54 | 0x06 => {}
            other => panic!("code {other:#x}"),
        }
    }
}

#[test]
fn tables_of_any_kind() {
    const PASSWD: &[u8] =
        b"root:x:0:0:root:/root:/bin/sh\nbob:x:1000:1001:Bob,,,:/home/bob:/bin/sh\n77:x:1:1::/:\n";
    const GROUP: &[u8] = b"root:x:0:\nbob:x:1001:\nwheel:x:10:root,bob\naudio:x:63:bobby,bob\n";
    const MOUNTS: &[u8] = b"24 1 0:21 / /sys rw,nosuid - sysfs sysfs rw\n\
        30 24 0:26 / /sys/fs/cgroup/unified rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n\
        33 24 0:29 /a\\040b /sys/fs/cgroup/cpu,cpuacct ro,nosuid - cgroup cgroup rw,cpu,cpuacct\n\
        34 24 0:30 /.. /x\\134 rw - cgroup cgroup rw,memory\n";
    const CGROUP: &[u8] = b"12:pids:/\n4:cpu,cpuacct:/a b/c\n3:memory:/..\n1:name=systemd:/init.scope\n0::/init.scope\n";
    let words: &[&[u8]] = &[
        b"\n", b":", b" - ", b"\\040", b"\\777", b"\\4", b"..", b"/..", b"cgroup", b"0::",
    ];
    fuzz("tables", |random| {
        let mutated = |text: &[u8], random: &mut Rng| {
            let mut text = text.to_vec();
            if random.u8(..50) == 0 {
                text = text.repeat(random.usize(..30));
            }
            mutate(&mut text, words, random);
            text
        };
        let accounts = Accounts {
            passwd: mutated(PASSWD, random),
            group: mutated(GROUP, random),
        };
        let mut request = random
            .choice([
                &b"bob"[..],
                b"0",
                b"bob:wheel",
                b"77:10",
                b"4294967295",
                b":",
            ])
            .unwrap()
            .to_vec();
        if random.bool() {
            mutate(&mut request, words, random);
        }
        match Account::resolve(&request, &accounts) {
            // The kernel's "no change" is no one.
            Ok(user) => assert!(
                ![user.id, user.group].contains(&u32::MAX)
                    && !user.supplementary.contains(&u32::MAX)
            ),
            Err(error) => {
                let message = error.to_string();
                assert_clear(&message);
                assert!(message.starts_with("--user "), "{message}");
            }
        }
        Account::home_of(random.u32(..3), &accounts.passwd);

        let (mounts, cgroup) = (mutated(MOUNTS, random), mutated(CGROUP, random));
        let assumed = usual(&cgroup);
        for layout in [
            Layout::new(&mounts, &cgroup),
            Layout::assumed(&assumed, &cgroup),
        ] {
            for hierarchy in layout.v1.iter().chain(&layout.v2) {
                for mount in layout.mounts(hierarchy) {
                    // Below where it is mounted, or not at all.
                    let own = mount.own.as_deref().map_or(&b""[..], |own| own.to_bytes());
                    assert!(own.is_empty() || own.starts_with(b"/"), "{mount:?}");
                    assert!(own != b"/.." && !own.starts_with(b"/../"), "{mount:?}");
                }
            }
        }
    });
}
