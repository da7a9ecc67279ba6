//! What the default filter answers, on every processor.

use super::super::compile::X32;
use super::super::filter_summary::decided;
use super::super::meaning::{self, Call};
use super::*;
use crate::sys::{Processor, capability};
use std::collections::HashMap;

const FAMILIES: [Family; 3] = [
    Family::of(Processor::X86_64),
    Family::of(Processor::Aarch64),
    Family::of(Processor::Riscv64),
];

fn filter_of(family: Family, capabilities: CapabilitySet) -> Vec<Instruction> {
    filter_with(family, capabilities, true)
}

fn filter_with(family: Family, capabilities: CapabilitySet, tracing: bool) -> Vec<Instruction> {
    let lists = lists(capabilities, tracing);
    let native = settled(&leaves(family.native), lists);
    let compat = family.compat.map(|compat| settled(&leaves(compat), lists));
    written(&write(family, &native, compat.as_ref()))
}

fn template_of(family: Family) -> Vec<Instruction> {
    let compat = family.compat.map(leaves);
    written(&write(family, &leaves(family.native), compat.as_ref()))
}

fn written((kept, length): &Written) -> Vec<Instruction> {
    kept[LENGTH - length..].to_vec()
}

/// What becomes of each call, by its name. `None`: the arguments decide.
fn actions(
    filter: &[Instruction],
    architecture: Architecture,
) -> HashMap<&'static str, Option<Action>> {
    let names = names::all(architecture);
    let named = names
        .iter()
        .enumerate()
        .filter(|(_, name)| !name.is_empty());
    named
        .map(|(place, name)| {
            let number = architecture.number(place);
            (*name, decided(filter, architecture, number))
        })
        .collect()
}

#[test]
fn every_targets_filter_decides_by_the_same_names() {
    let x86_64 = filter_of(FAMILIES[0], DEFAULT_CAPABILITIES);
    let expected = actions(&x86_64, Architecture::X86_64);
    for family in FAMILIES {
        let filter = filter_of(family, DEFAULT_CAPABILITIES);
        for architecture in [Some(family.native), family.compat].into_iter().flatten() {
            let actions = actions(&filter, architecture);
            for (name, action) in [
                ("read", Some(Action::ALLOW)),
                ("execve", Some(Action::ALLOW)),
                ("mount", Some(Action::EPERM)),
                ("keyctl", Some(Action::EPERM)),
                ("clone3", Some(Action::ENOSYS)),
                ("clone", None),
                ("ioctl", None),
                ("personality", None),
            ] {
                assert_eq!(actions.get(name), Some(&action), "{architecture:?} {name}");
            }
            for (name, action) in &actions {
                // What an architecture alone has may be older than its rules, and newer than another's.
                let other = expected.get(name).copied().unwrap_or(*action);
                assert_eq!(*action, other, "{architecture:?} {name}");
            }
        }
    }
}

#[test]
fn calls_of_no_architecture_do_not_exist() {
    for family in FAMILIES {
        let filter = filter_of(family, CapabilitySet::ALL);
        for architecture in [Some(family.native), family.compat].into_iter().flatten() {
            for number in [NUMBERS as u32 - 1, X32, X32 + 1, u32::MAX] {
                let action = decided(&filter, architecture, number);
                assert_eq!(action, Some(Action::ENOSYS), "{architecture:?} {number:#x}");
            }
        }
        let foreign = match family.native {
            Architecture::X86_64 => Architecture::Aarch64,
            _ => Architecture::X86_64,
        };
        assert_eq!(decided(&filter, foreign, 0), Some(Action::ENOSYS));
    }
}

const VALUES: [u64; 29] = [
    0,
    1,
    8,
    9,
    38,
    40,
    0x101,
    0x103,
    0x106,
    0x109,
    0x10a,
    0x500,
    0x2000,
    0x2103,
    0x5411,
    0x5412,
    0x541c,
    0x6000,
    0x8000,
    0x2_0000,
    0x2_0008,
    0x200_0000,
    0x4000_0000,
    NAMESPACES,
    INT,
    1 << 32,
    0x1_0000_0008,
    0x1_0000_5412,
    u64::MAX,
];

/// Asks for each number and, where arguments decide, for those of interest.
fn assert_answers(filter: &[Instruction], family: Family, set: CapabilitySet, tracing: bool) {
    for architecture in [Some(family.native), family.compat].into_iter().flatten() {
        let lists = meaning::Lists::of(architecture, set, tracing);
        let numbers = (0..1024).chain((0..520).map(|number| X32 | number));
        let ends = [0xe_ffff, 0xf_0000, 0xf_000f, X32 - 1, 1 << 31, u32::MAX];
        for number in numbers.chain(0xf_0001..0xf_000f).chain(ends) {
            let ask = |arguments| {
                let call = Call {
                    architecture: architecture.audit(),
                    number,
                    arguments,
                };
                let (action, steps) = meaning::answer(filter, &call);
                assert_eq!(action, lists.answer(&call), "{call:x?} {set:?} {tracing}");
                assert!(steps < 32, "{steps} {call:x?}");
            };
            ask([0; 6]);
            // (All that is looked at is among the first four, and of two at most.)
            if decided(filter, architecture, number).is_none() {
                let pairs = VALUES.iter().flat_map(|one| VALUES.map(|two| (*one, two)));
                for (one, two) in pairs {
                    ask([one, two, one, two, 0, 0]);
                    ask([one, one, two, one, 0, 0]);
                }
            }
        }
    }
    for architecture in [0, Architecture::X86_64.audit() ^ 1, u32::MAX] {
        for number in 0..520 {
            let call = Call {
                architecture,
                number,
                arguments: [0; 6],
            };
            assert_eq!(meaning::answer(filter, &call).0, Action::ENOSYS);
        }
    }
}

#[test]
fn it_answers_what_the_lists_say() {
    let more = |capability| DEFAULT_CAPABILITIES.with(capability);
    let sets = [
        (CapabilitySet::NONE, false),
        (DEFAULT_CAPABILITIES, true),
        (more(capability::SYS_ADMIN), false),
        (more(capability::SYS_PTRACE), false),
        (CapabilitySet::ALL, true),
    ];
    for family in FAMILIES {
        for (set, tracing) in sets {
            let filter = filter_with(family, set, tracing);
            assert_answers(&filter, family, set, tracing);
        }
    }
}

/// With one more than none, with one more or less than the default, and those three.
fn listed_sets() -> impl Iterator<Item = CapabilitySet> {
    let bits = BY_CAPABILITY.iter().map(|(capability, _)| 1 << capability);
    bits.flat_map(|bit| [bit, DEFAULT_CAPABILITIES.0 ^ bit])
        .map(CapabilitySet)
        .chain([
            CapabilitySet::NONE,
            DEFAULT_CAPABILITIES,
            CapabilitySet::ALL,
        ])
}

/// Some sets of capabilities, the same each time.
fn any_sets(count: usize) -> impl Iterator<Item = CapabilitySet> {
    let mut random = fastrand::Rng::with_seed(17);
    std::iter::repeat_with(move || CapabilitySet(random.u64(..))).take(count)
}

#[test]
fn what_a_template_is_settled_to_answers_what_the_lists_say() {
    for family in FAMILIES {
        let template = template_of(family);
        for (index, set) in listed_sets().chain(any_sets(30)).enumerate() {
            for tracing in [true, false] {
                if !tracing && index % 4 > 0 {
                    continue;
                }
                let filter = template::settle::<LENGTH>(&template, lists(set, tracing));
                assert_answers(&filter, family, set, tracing);
            }
        }
    }
}

#[test]
fn the_filter_of_a_host_answers_what_the_lists_say() {
    let others = (0..64).map(|bit| CapabilitySet(DEFAULT_CAPABILITIES.0 ^ 1 << bit));
    let sets = others.chain([
        DEFAULT_CAPABILITIES,
        CapabilitySet::NONE,
        CapabilitySet::ALL,
    ]);
    for capabilities in sets {
        for kernel in [(4, 7), (4, 8)] {
            let host = Host {
                capabilities,
                kernel,
            };
            let filter = default_filter(&host);
            let is_usual = lists(capabilities, kernel == (4, 8)) == DEFAULT_LISTS;
            assert_eq!(filter.as_ptr() == DEFAULT.as_ptr(), is_usual);
            if !is_usual {
                assert_answers(&filter, HERE, capabilities, kernel == (4, 8));
            }
        }
    }
}

#[test]
fn it_is_as_short_as_it_was() {
    // Of each instruction the kernel makes code, at each start.
    let lengths = FAMILIES.map(|family| filter_of(family, DEFAULT_CAPABILITIES).len());
    assert!(
        lengths
            .iter()
            .zip([152, 195, 86])
            .all(|(is, was)| *is <= was),
        "{lengths:?}"
    );
    // What is settled takes more to load, and no more than was saved by it.
    for family in FAMILIES {
        let template = template_of(family);
        for set in listed_sets().chain(any_sets(100)) {
            let settled = template::settle::<LENGTH>(&template, lists(set, true)).len();
            let compiled = filter_with(family, set, true).len();
            assert!(settled <= compiled + 30, "{settled} {compiled} {set:?}");
        }
    }
}

/// `cargo test --release --lib seccomp -- --ignored --nocapture`
#[test]
#[ignore = "a measurement"]
fn how_long_other_capabilities_take() {
    let admin = DEFAULT_CAPABILITIES.with(capability::SYS_ADMIN);
    let sets = [("all", CapabilitySet::ALL), ("with SYS_ADMIN", admin)];
    for (name, set) in sets {
        let host = Host {
            capabilities: set,
            kernel: TRACERS_ARE_FILTERED,
        };
        let mut times = Vec::new();
        for _ in 0..2000 {
            let began = std::time::Instant::now();
            std::hint::black_box(default_filter(std::hint::black_box(&host)));
            times.push(began.elapsed());
        }
        times.sort_unstable();
        eprintln!(
            "{name}: first quarter {:?}, half {:?}",
            times[500], times[1000]
        );
    }
}

#[test]
fn only_one_architectures_calls_are_known_to_it() {
    let allows = |family: Family, name| {
        let filter = filter_of(family, DEFAULT_CAPABILITIES);
        actions(&filter, family.native).get(name).copied()
    };
    let [x86, arm, riscv] = FAMILIES;
    assert_eq!(
        allows(riscv, "riscv_flush_icache"),
        Some(Some(Action::ALLOW))
    );
    assert_eq!(allows(x86, "arch_prctl"), Some(Some(Action::ALLOW)));
    assert_eq!(allows(arm, "arch_prctl"), None);
    assert_eq!(allows(x86, "iopl"), Some(Some(Action::EPERM)));
}
