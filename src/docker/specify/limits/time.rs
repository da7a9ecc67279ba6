//! `--timeout`, `--cpu-time` and `--output-limit`: how long it may run, and how much it may write.

use crate::docker::OutputLimit as Typed;
use crate::docker::specify::size;
use crate::error::Error;
use crate::spec::{OutputLimit, Timeout};
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::time::Duration;

/// `--timeout`: how long the command may run, and how long it may take to end then.
pub fn timeout(value: Option<&OsString>) -> Result<Option<Timeout>, Error> {
    let Some(value) = value else {
        return Ok(None);
    };
    let mut parts = value.as_bytes().splitn(2, |byte| *byte == b':');
    let refused = |part: &[u8]| {
        let named = [b"--timeout ", value.as_bytes()].concat();
        let reason = match is_beyond_counting(part) {
            true => BEYOND_COUNTING,
            false => {
                "it takes a number of seconds above 0, 2 or 0.5; behind a colon how long its end may take, 5:2"
            }
        };
        Error::refused(named, reason)
    };
    let mut time = || match parts.next() {
        None => Ok(None),
        Some(part) => seconds(part).map(Some).ok_or_else(|| refused(part)),
    };
    let after = time()?;
    let grace = time()?;
    Ok(after.map(|after| Timeout { after, grace }))
}

/// `--output-limit`: bytes.
pub fn output(value: Option<&Typed>) -> Result<Option<OutputLimit>, Error> {
    let Some(Typed { size, counted }) = value else {
        return Ok(None);
    };
    let counted = *counted;
    match size::bytes(size.as_bytes()) {
        Some(bytes) => Ok(Some(OutputLimit { bytes, counted })),
        None => {
            let named = [b"--output-limit ", size.as_bytes()].concat();
            Err(Error::refused(named, "it takes a size, 64k or 1.5m"))
        }
    }
}

/// `--cpu-time`.
pub fn of_processors(text: &[u8]) -> Result<Duration, &'static str> {
    seconds(text).ok_or_else(|| match is_beyond_counting(text) {
        true => BEYOND_COUNTING,
        false => "it takes a number of seconds above 0, 2 or 0.5",
    })
}

const BEYOND_COUNTING: &str =
    "no more than 18446744073 seconds can be counted (584 years); without it there is no limit";

/// Whether what is no time for [`seconds`] would be one if it were less.
fn is_beyond_counting(text: &[u8]) -> bool {
    let whole = text.split(|byte| *byte == b'.').next().unwrap_or(text);
    // As many digits as the longest time has.
    whole.len() > 10 && whole.iter().all(u8::is_ascii_digit)
}

fn seconds(text: &[u8]) -> Option<Duration> {
    let nanoseconds = u64::try_from(size::billionths(text)?).ok()?;
    (nanoseconds != 0).then(|| Duration::from_nanos(nanoseconds))
}
