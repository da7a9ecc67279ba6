//! The time of day as RFC 3339 writes it.

use crate::sys::clock;
use std::time::{SystemTime, UNIX_EPOCH};

const BILLION: u64 = 1_000_000_000;

/// From 1 March of the year 0 on.
const DAYS_TO_1970: u64 = 719_468;
const DAYS_IN_400_YEARS: u64 = 146_097;

/// Now, in UTC, to the second: `2026-01-31T23:59:59Z`.
pub fn now() -> String {
    rfc3339(nanoseconds() / BILLION)
}

/// Nanoseconds since 1970, until 2554.
pub fn nanoseconds() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
    })
}

/// Nanoseconds since 1970, in UTC: `2026-01-31T23:59:59.000000001Z`.
pub fn to_the_nanosecond(nanoseconds: u64) -> String {
    let mut text = rfc3339(nanoseconds / BILLION);
    text.pop();
    text.push_str(&format!(".{:09}Z", nanoseconds % BILLION));
    text
}

/// Nanoseconds since 1970 of a date with a time and a zone, as RFC 3339 has them: `2026-01-31T23:59:59.5+01:00`. What is
/// before 1970 is 1970, and what is smaller than a nanosecond is cut off.
pub fn parse(text: &[u8]) -> Option<u64> {
    let written = Written::read(text)?;
    let zone = written.zone.filter(|_| written.is_to_the_second)?;
    written.moment(written.seconds() - i64::from(zone))
}

/// Nanoseconds since 1970 of a moment as docker's `--since` takes it: a date, with as much of a time and a zone as there is
/// (without a zone: of this place), seconds since 1970, or how long ago: `10m`, `1h30m`.
#[cold]
#[inline(never)]
pub fn moment(text: &[u8], now: u64) -> Option<u64> {
    if let Some(written) = Written::read(text) {
        let seconds = match written.zone {
            Some(zone) => written.seconds() - i64::from(zone),
            None => clock::of_this_place(written.date, written.clock)?,
        };
        return written.moment(seconds);
    }
    since_1970(text).or_else(|| ago(text, now))
}

/// `1136073845.000000001`, in nanoseconds.
fn since_1970(text: &[u8]) -> Option<u64> {
    let (mut number, mut rest) = (0u64, text);
    while let Some(digit) = rest.first().filter(|digit| digit.is_ascii_digit()) {
        number = number
            .checked_mul(10)?
            .checked_add(u64::from(digit - b'0'))?;
        rest = rest.get(1..)?;
    }
    let is_number = rest.len() < text.len();
    let fraction = take_fraction(&mut rest)?;
    let nanoseconds = number.checked_mul(BILLION)?.checked_add(fraction)?;
    (is_number && rest.is_empty()).then_some(nanoseconds)
}

/// A duration before `now`, as Go has them: `1h1.5m`, `-10s` for what is to come.
fn ago(text: &[u8], now: u64) -> Option<u64> {
    let rest = text
        .strip_prefix(b"-")
        .or(text.strip_prefix(b"+"))
        .unwrap_or(text);
    let sum = duration(rest)?;
    Some(match text.starts_with(b"-") {
        true => now.saturating_add(sum),
        false => now.saturating_sub(sum),
    })
}

/// Nanoseconds of a duration as Go has them, without a sign: `1h1.5m`.
#[cold]
#[inline(never)]
pub fn duration(text: &[u8]) -> Option<u64> {
    let (mut rest, mut sum) = (text, 0u64);
    loop {
        let end = rest
            .iter()
            .position(|byte| !matches!(byte, b'0'..=b'9' | b'.'))?;
        let (number, unit) = rest.split_at(end);
        // `.5s` and `5.s` are durations for Go, `.s` is none.
        let number = [b"0", number].concat();
        let number = number.strip_suffix(b".").unwrap_or(&number);
        let is_point = end == 1 && rest.starts_with(b".");
        let billionths = since_1970(number).filter(|_| end > 0 && !is_point)?;
        let end = unit
            .iter()
            .position(|byte| matches!(byte, b'0'..=b'9' | b'.'));
        let (unit, after) = unit.split_at(end.unwrap_or(unit.len()));
        let unit = match unit {
            b"h" => 3_600 * BILLION,
            b"m" => 60 * BILLION,
            b"s" => BILLION,
            b"ms" => 1_000_000,
            // The second is the Greek letter, the third the sign of the unit.
            b"us" | b"\xce\xbcs" | b"\xc2\xb5s" => 1_000,
            b"ns" => 1,
            _ => return None,
        };
        let nanoseconds = u128::from(billionths) * u128::from(unit) / u128::from(BILLION);
        sum = sum.checked_add(u64::try_from(nanoseconds).ok()?)?;
        rest = after;
        if rest.is_empty() {
            return Some(sum);
        }
    }
}

/// A date as it is written, with what may follow it.
struct Written {
    /// Year, month, day.
    date: [u32; 3],
    /// Hour, minute, second; what is not written is 0.
    clock: [u32; 3],
    is_to_the_second: bool,
    /// Nanoseconds.
    fraction: u64,
    /// Seconds that it is ahead of UTC.
    zone: Option<i32>,
}

impl Written {
    fn read(text: &[u8]) -> Option<Self> {
        let mut rest = text;
        let date = take_date(&mut rest)?;
        let (mut clock, mut fraction, mut is_to_the_second) = ([0; 3], 0, false);
        if let Some(time) = rest
            .strip_prefix(b"T")
            .or(rest.strip_prefix(b"t"))
            .or(rest.strip_prefix(b" "))
        {
            rest = time;
            let [hour, minute, second] = &mut clock;
            *hour = take_number(&mut rest, 2, 0..=23)?;
            if rest.starts_with(b":") {
                *minute = take_part(&mut rest, b':', 2, 0..=59)?;
            }
            is_to_the_second = rest.starts_with(b":");
            if is_to_the_second {
                // A leap second.
                *second = take_part(&mut rest, b':', 2, 0..=60)?;
                fraction = take_fraction(&mut rest)?;
            }
        }
        let zone = match rest {
            [] => None,
            _ => Some(take_zone(&mut rest)?),
        };
        rest.is_empty().then_some(Self {
            date,
            clock,
            is_to_the_second,
            fraction,
            zone,
        })
    }

    /// Seconds from 1970 on, in its own zone.
    fn seconds(&self) -> i64 {
        let [year, month, day] = self.date;
        let [hour, minute, second] = self.clock;
        let months_from_march = (month + 9) % 12;
        let year = year - u32::from(month <= 2);
        let days = 365 * year + year / 4 - year / 100 + year / 400;
        let days = days + (153 * months_from_march + 2) / 5 + day - 1;
        let days = i64::from(days) - DAYS_TO_1970 as i64;
        days * 86_400 + i64::from(hour * 3_600 + minute * 60 + second)
    }

    /// Nanoseconds since 1970, of which so many are seconds.
    fn moment(&self, seconds: i64) -> Option<u64> {
        match u64::try_from(seconds) {
            Ok(seconds) => seconds.checked_mul(BILLION)?.checked_add(self.fraction),
            Err(_) => Some(0),
        }
    }
}

/// `2026-01-31`.
fn take_date(rest: &mut &[u8]) -> Option<[u32; 3]> {
    let year = take_number(rest, 4, 1..=9_999)?;
    let month = take_part(rest, b'-', 2, 1..=12)?;
    let day = take_part(rest, b'-', 2, 1..=31)?;
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let longest = match month {
        2 => 28 + u32::from(is_leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    (day <= longest).then_some([year, month, day])
}

/// Takes `digits` digits, if they come next, for a number that is in `allowed`.
fn take_number(
    rest: &mut &[u8],
    digits: usize,
    allowed: std::ops::RangeInclusive<u32>,
) -> Option<u32> {
    let text = rest.get(..digits)?;
    let number = text.iter().try_fold(0, |number, digit| {
        Some(number * 10 + char::from(*digit).to_digit(10)?)
    })?;
    *rest = rest.get(digits..)?;
    allowed.contains(&number).then_some(number)
}

/// [`take_number`] behind a separator.
fn take_part(
    rest: &mut &[u8],
    separator: u8,
    digits: usize,
    allowed: std::ops::RangeInclusive<u32>,
) -> Option<u32> {
    *rest = rest.strip_prefix(&[separator])?;
    take_number(rest, digits, allowed)
}

/// Nanoseconds of `.123`, if it comes next; else none.
fn take_fraction(rest: &mut &[u8]) -> Option<u64> {
    let Some(digits) = rest.strip_prefix(b".") else {
        return Some(0);
    };
    let end = digits.iter().position(|byte| !byte.is_ascii_digit());
    let (digits, after) = digits.split_at(end.unwrap_or(digits.len()));
    *rest = after;
    let mut scale = BILLION;
    let nanoseconds = digits.iter().map(|digit| {
        scale /= 10;
        u64::from(digit - b'0') * scale
    });
    let nanoseconds = nanoseconds.sum();
    (!digits.is_empty()).then_some(nanoseconds)
}

/// Seconds that a zone is ahead of UTC: `Z`, `+01:00`.
fn take_zone(rest: &mut &[u8]) -> Option<i32> {
    let sign = match rest.first()? {
        b'Z' | b'z' => 0,
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    *rest = rest.get(1..)?;
    if sign == 0 {
        return Some(0);
    }
    let hours = take_number(rest, 2, 0..=23)?;
    let minutes = take_part(rest, b':', 2, 0..=59)?;
    Some(sign * i32::try_from(hours * 3_600 + minutes * 60).ok()?)
}

/// Seconds since 1970 as a date, by the proleptic Gregorian calendar. Days are counted from
/// 1 March of the year 0, so that a leap day is the last day of its year.
fn rfc3339(seconds: u64) -> String {
    let (days, second) = (seconds / 86_400 + DAYS_TO_1970, seconds % 86_400);
    let day_of_era = days % DAYS_IN_400_YEARS;
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    // Months from March on have 31, 30, 31, 30, 31 days, twice: 153 days in five months.
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = (month_from_march + 2) % 12 + 1;
    let year = days / DAYS_IN_400_YEARS * 400 + year_of_era + u64::from(month <= 2);
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z",
        second / 3_600,
        second / 60 % 60,
        second % 60
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_as_they_are_written() {
        let mut random = fastrand::Rng::with_seed(15);
        for _ in 0..20_000 {
            let moment = random.u64(..);
            let text = to_the_nanosecond(moment);
            assert_eq!(parse(text.as_bytes()), Some(moment), "{text}");
        }
    }

    #[test]
    fn zones_and_fractions() {
        for (text, nanoseconds) in [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("1970-01-01 00:00:01.5z", Some(1_500_000_000)),
            ("1970-01-01t01:00:00.0000000019+01:00", Some(1)),
            ("1969-12-31T23:59:00-00:01", Some(0)),
            ("1969-12-31T23:59:00Z", Some(0)),
            ("2024-02-29T00:00:00Z", Some(1_709_164_800_000_000_000)),
            ("2025-02-29T00:00:00Z", None),
            ("2025-04-31T00:00:00Z", None),
            ("2025-13-01T00:00:00Z", None),
            ("2025-01-01T24:00:00Z", None),
            ("2025-01-01T00:00:00", None),
            ("2025-01-01T00:00:00.Z", None),
            ("2025-01-01T00:00:00Zx", None),
            ("2025-01-01T00:00:00+0100", None),
            ("2025-01-01", None),
            ("+025-01-01T00:00:00Z", None),
            ("9999-12-31T23:59:59Z", None),
            ("", None),
        ] {
            assert_eq!(parse(text.as_bytes()), nanoseconds, "{text}");
        }
    }

    #[test]
    fn moments_as_docker_takes_them() {
        let now = 1_000_000 * BILLION;
        for (text, nanoseconds) in [
            ("0", Some(0)),
            ("1136073845", Some(1_136_073_845 * BILLION)),
            ("1.000000001", Some(BILLION + 1)),
            ("10m", Some(now - 600 * BILLION)),
            ("1h1.5m0s", Some(now - 3_690 * BILLION)),
            ("-10s", Some(now + 10 * BILLION)),
            (".5s", Some(now - BILLION / 2)),
            ("5.s", Some(now - 5 * BILLION)),
            ("1ms2us3ns", Some(now - 1_002_003)),
            ("1µs", Some(now - 1_000)),
            ("1000000h", Some(0)),
            ("1970-01-02Z", Some(86_400 * BILLION)),
            ("1970-01-01T01+00:30", Some(1_800 * BILLION)),
            ("1970-01-01T00:02Z", Some(120 * BILLION)),
            ("1970-01-01T00:00:01.25Z", Some(1_250_000_000)),
            ("1970-01-01T", None),
            ("1970-01-01x", None),
            ("1970-1-1", None),
            (".s", None),
            ("s", None),
            ("10", Some(10 * BILLION)),
            ("10x", None),
            ("10m5", None),
            ("1.2.3s", None),
            ("1.", None),
            ("-", None),
            ("", None),
            ("99999999999999999999", None),
            ("99999999999999999999h", None),
        ] {
            assert_eq!(moment(text.as_bytes(), now), nanoseconds, "{text}");
        }
    }

    #[test]
    fn known_moments() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (951_868_800, "2000-03-01T00:00:00Z"),
            (1_709_164_800, "2024-02-29T00:00:00Z"),
            (1_735_689_599, "2024-12-31T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(rfc3339(seconds), text);
        }
    }
}
