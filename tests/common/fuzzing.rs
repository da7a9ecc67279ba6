//! Random inputs, made anew in every run, and what is done with them: no panic, no hang, and a seed to have one again.
//!
//! MYDOCKER_FUZZ_SECONDS says for how long in all (3), MYDOCKER_FUZZ_SEED which input comes first.

use fastrand::Rng;
use nix::time::{ClockId, clock_gettime};
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How many tests share the time.
const TESTS: u32 = 3;

/// Processor time of one input, in an unoptimised build.
const SLOW: Duration = Duration::from_secs(4);

/// What takes longer on the wall's clock does not end.
const ENDLESS: Duration = Duration::from_secs(120);

fn variable(name: &str) -> Option<u64> {
    let value = std::env::var(name).ok()?;
    Some(
        value
            .parse()
            .unwrap_or_else(|_| panic!("{name}={value}: no number")),
    )
}

/// Gives `one` random numbers, each time from a seed of its own, until this test's share of the time is over.
pub fn fuzz(what: &str, one: impl Fn(&mut Rng)) {
    let seconds = variable("MYDOCKER_FUZZ_SECONDS").unwrap_or(3);
    let end = Instant::now() + Duration::from_secs(seconds) / TESTS;
    let first = variable("MYDOCKER_FUZZ_SEED").unwrap_or_else(|| fastrand::u64(..));
    let mut seeds = Rng::with_seed(first);
    let watched = Watched::begin(what.to_owned());
    let mut seed = first;
    let mut count = 0u64;
    loop {
        watched.seed.store(seed, Ordering::Relaxed);
        watched.count.store(count, Ordering::Relaxed);
        let before = processor_time();
        let outcome = catch_unwind(AssertUnwindSafe(|| one(&mut Rng::with_seed(seed))));
        let taken = processor_time() - before;
        if let Err(panic) = outcome {
            eprintln!("{what}: to have it again: MYDOCKER_FUZZ_SEED={seed}");
            resume_unwind(panic);
        }
        assert!(taken < SLOW, "{what}: {taken:?}: MYDOCKER_FUZZ_SEED={seed}");
        count += 1;
        if Instant::now() > end {
            break;
        }
        seed = seeds.u64(..);
    }
    watched.done.store(true, Ordering::Relaxed);
    eprintln!("{what}: {count} inputs from MYDOCKER_FUZZ_SEED={first}");
}

/// This thread's.
fn processor_time() -> Duration {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID)
        .expect("a clock")
        .into()
}

/// What a second thread looks at, which ends the test if an input does not end.
#[derive(Default)]
struct Watched {
    seed: AtomicU64,
    count: AtomicU64,
    done: AtomicBool,
}

impl Watched {
    fn begin(what: String) -> Arc<Self> {
        let watched = Arc::new(Self::default());
        let looks = watched.clone();
        std::thread::spawn(move || {
            let mut last = (u64::MAX, Instant::now());
            while !looks.done.load(Ordering::Relaxed) {
                std::thread::sleep(Duration::from_millis(200));
                let count = looks.count.load(Ordering::Relaxed);
                if count != last.0 {
                    last = (count, Instant::now());
                } else if last.1.elapsed() > ENDLESS {
                    let seed = looks.seed.load(Ordering::Relaxed);
                    // Past what the harness keeps of a test's output.
                    let _ = writeln!(
                        std::io::stderr(),
                        "{what}: endless: MYDOCKER_FUZZ_SEED={seed}"
                    );
                    std::process::abort();
                }
            }
        });
        watched
    }
}

/// Changes some bytes: other ones, fewer, more, or a part again, elsewhere. `words` are put in as a whole.
pub fn mutate(bytes: &mut Vec<u8>, words: &[&[u8]], random: &mut Rng) {
    for _ in 0..random.usize(1..6) {
        let at = random.usize(..=bytes.len());
        let some = at..(at + random.usize(..20)).min(bytes.len());
        match random.u8(..7) {
            0 => drop(bytes.drain(some)),
            1 if at < bytes.len() => bytes[at] = random.u8(1..),
            1 | 2 => bytes.insert(
                at,
                *random
                    .choice(b":,=/-+.\"'\\ \n\t\x1b\xff\x80 09aZ{}[]")
                    .unwrap(),
            ),
            3 => {
                let part = bytes[some].to_vec();
                let to = random.usize(..=bytes.len());
                bytes.splice(to..to, part.repeat(random.usize(1..4)));
            }
            4 => {
                let number = odd_number(random);
                bytes.splice(some, number.into_bytes());
            }
            _ => {
                if let Some(word) = random.choice(words) {
                    bytes.splice(at..at, word.iter().copied());
                }
            }
        }
    }
}

/// Numbers at which something ends.
pub fn odd_number(random: &mut Rng) -> String {
    let power = 1i128 << random.u8(..70);
    let number = match random.u8(..5) {
        0 => power,
        1 => power - 1,
        2 => -power,
        3 => power + 1,
        _ => i128::from(random.u16(..)),
    };
    match random.u8(..8) {
        0 => format!("{number}.{}", random.u32(..)),
        1 => "9".repeat(random.usize(1..60)),
        2 => format!("0{number}"),
        _ => number.to_string(),
    }
}

/// One line without anything that a terminal obeys.
#[track_caller]
pub fn assert_clear(message: &str) {
    assert!(!message.is_empty(), "an empty message");
    assert!(
        !message.contains(char::is_control),
        "{message:?} has control characters"
    );
}
