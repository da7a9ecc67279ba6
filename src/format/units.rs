//! Durations and sizes in docker's words.

/// How long something takes or is ago: `Less than a second`, `3 minutes`, `About an hour`.
pub fn duration(seconds: u64) -> String {
    let (minutes, hours) = (seconds / 60, (seconds + 1_800) / 3_600);
    let days = hours / 24;
    let (count, unit) = match () {
        () if seconds < 1 => return "Less than a second".into(),
        () if seconds == 1 => return "1 second".into(),
        () if seconds < 60 => (seconds, "seconds"),
        () if minutes == 1 => return "About a minute".into(),
        () if minutes < 60 => (minutes, "minutes"),
        () if hours == 1 => return "About an hour".into(),
        () if hours < 48 => (hours, "hours"),
        () if hours < 2 * 7 * 24 => (days, "days"),
        () if hours < 2 * 30 * 24 => (days / 7, "weeks"),
        () if hours < 2 * 365 * 24 => (days / 30, "months"),
        () => (seconds / 3_600 / 24 / 365, "years"),
    };
    format!("{count} {unit}")
}

/// By what number the next larger unit is larger, and what the units are called.
#[derive(Clone, Copy, Debug)]
pub enum Units {
    /// `12.3kB`.
    Decimal,
    /// `1.5MiB`.
    Binary,
}

impl Units {
    const fn parts(self) -> (u128, [&'static str; 7]) {
        match self {
            Self::Decimal => (1_000, ["B", "kB", "MB", "GB", "TB", "PB", "EB"]),
            Self::Binary => (1_024, ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]),
        }
    }
}

/// A number of bytes, with as many digits that count, of which none is a last zero of a fraction. In integers: printing
/// floating point numbers is code that nothing else here needs.
pub fn size(bytes: u64, units: Units, digits: u32) -> String {
    let (base, names) = units.parts();
    let (mut unit, mut name) = (1, names[0]);
    for next in &names[1..] {
        if u128::from(bytes) < unit * base {
            break;
        }
        (unit, name) = (unit * base, next);
    }
    let whole = u128::from(bytes) / unit;
    let decimals = digits.saturating_sub(whole.checked_ilog10().unwrap_or(0) + 1);
    let scale = 10u128.pow(decimals);
    let rounded = nearest(u128::from(bytes) * scale, unit);
    let mut text = (rounded / scale).to_string();
    let fraction = rounded % scale;
    if fraction > 0 {
        let width = decimals as usize;
        text.push_str(format!(".{fraction:0width$}").trim_end_matches('0'));
    }
    text + name
}

/// A quotient, rounded as printf(3) does it: a half goes to the even side.
fn nearest(dividend: u128, divisor: u128) -> u128 {
    let (quotient, rest) = (dividend / divisor, dividend % divisor);
    let is_up = 2 * rest > divisor || 2 * rest == divisor && quotient % 2 == 1;
    quotient + u128::from(is_up)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_dockers() {
        let (minute, hour, day) = (60, 3_600, 86_400);
        for (seconds, text) in [
            (0, "Less than a second"),
            (1, "1 second"),
            (2, "2 seconds"),
            (59, "59 seconds"),
            (60, "About a minute"),
            (2 * minute - 1, "About a minute"),
            (2 * minute, "2 minutes"),
            (hour - 1, "59 minutes"),
            (hour, "About an hour"),
            (90 * minute - 1, "About an hour"),
            (90 * minute, "2 hours"),
            (day, "24 hours"),
            (2 * day, "2 days"),
            (13 * day, "13 days"),
            (14 * day, "2 weeks"),
            (59 * day, "8 weeks"),
            (60 * day, "2 months"),
            (729 * day, "24 months"),
            (730 * day, "2 years"),
            (3_650 * day, "10 years"),
        ] {
            assert_eq!(duration(seconds), text, "{seconds}");
        }
        assert!(duration(u64::MAX / 2).ends_with(" years"));
    }

    #[test]
    fn sizes_are_dockers() {
        for (bytes, decimal, binary) in [
            (0, "0B", "0B"),
            (999, "999B", "999B"),
            (1_000, "1kB", "1000B"),
            (1_023, "1.02kB", "1023B"),
            (1_024, "1.02kB", "1KiB"),
            (1_536, "1.54kB", "1.5KiB"),
            (12_345, "12.3kB", "12.06KiB"),
            (1 << 20, "1.05MB", "1MiB"),
            (102_656, "103kB", "100.2KiB"),
            (102_758, "103kB", "100.3KiB"),
            (123_456_789, "123MB", "117.7MiB"),
            (u64::MAX, "18.4EB", "16EiB"),
        ] {
            assert_eq!(size(bytes, Units::Decimal, 3), decimal, "{bytes}");
            assert_eq!(size(bytes, Units::Binary, 4), binary, "{bytes}");
        }
    }
}
