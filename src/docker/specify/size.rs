//! Numbers as docker writes them: sizes with units, and decimal fractions.
//!
//! In integers: a parser of floating point numbers would be most of what this program has for limits.

use crate::spec::limits::whole_number;

/// Digits of a fraction that count.
const DIGITS: u32 = 9;
const BILLION: u64 = 10u64.pow(DIGITS);

/// A decimal number in billionths: `1.5` is 1,500,000,000. `None` if it is none, or too large.
pub fn billionths(text: &[u8]) -> Option<u128> {
    let (whole, fraction) = match text.iter().position(|byte| *byte == b'.') {
        Some(point) => (text.get(..point)?, text.get(point + 1..)?),
        None => (text, &b""[..]),
    };
    // `.5` and `5.` are numbers for docker, `.` is none.
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let whole = if whole.is_empty() {
        0
    } else {
        whole_number(whole)?
    };
    let mut scale = BILLION;
    let mut sum = u128::from(whole) * u128::from(BILLION);
    for digit in fraction {
        if !digit.is_ascii_digit() {
            return None;
        }
        // What is smaller than a billionth is cut off.
        scale /= 10;
        sum += u128::from(digit - b'0') * u128::from(scale);
    }
    Some(sum)
}

/// A size in bytes: `1048576`, `64m`, `64MiB`, `1.5 GB`. Units are powers of 1024, in either case.
pub fn bytes(text: &[u8]) -> Option<u64> {
    in_units(text, 1024)
}

/// Such a size where units are powers of 1000, as docker has it of logs.
pub fn decimal_bytes(text: &[u8]) -> Option<u64> {
    in_units(text, 1000)
}

#[cold]
#[inline(never)]
fn in_units(text: &[u8], unit_size: u128) -> Option<u64> {
    let number = text
        .iter()
        .position(|byte| !byte.is_ascii_digit() && *byte != b'.')
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(number);
    let unit = unit.strip_prefix(b" ").unwrap_or(unit).to_ascii_lowercase();
    let (letter, rest) = match unit.split_first() {
        None => (b'b', &b""[..]),
        Some((letter, rest)) => (*letter, rest),
    };
    let exponent = match (letter, rest) {
        (b'b', b"") => 0,
        (b'k', b"" | b"b" | b"ib") => 1,
        (b'm', b"" | b"b" | b"ib") => 2,
        (b'g', b"" | b"b" | b"ib") => 3,
        (b't', b"" | b"b" | b"ib") => 4,
        (b'p', b"" | b"b" | b"ib") => 5,
        _ => return None,
    };
    let bytes = billionths(number)?.checked_mul(unit_size.pow(exponent))? / u128::from(BILLION);
    u64::try_from(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_dockers() {
        for (text, expected) in [
            ("0", Some(0)),
            ("1048576", Some(1 << 20)),
            ("64m", Some(64 << 20)),
            ("64M", Some(64 << 20)),
            ("64mb", Some(64 << 20)),
            ("64MiB", Some(64 << 20)),
            ("64 MB", Some(64 << 20)),
            ("1.5g", Some(3 << 29)),
            (".5k", Some(512)),
            ("5.k", Some(5 << 10)),
            ("12b", Some(12)),
            ("2T", Some(2 << 40)),
            ("1p", Some(1 << 50)),
            ("16383p", Some(16383 << 50)),
            ("16384p", None),
            ("99999999999999999999", None),
            ("", None),
            (".", None),
            ("m", None),
            ("64x", None),
            ("64mm", None),
            ("64bb", None),
            ("64  m", None),
            ("-64m", None),
            ("1.2.3m", None),
            ("1e3", None),
            ("0x10", None),
        ] {
            assert_eq!(bytes(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn sizes_of_logs_are_dockers() {
        for (text, expected) in [
            ("10m", 10_000_000),
            ("1.5kB", 1500),
            ("2GiB", 2_000_000_000),
            ("7", 7),
        ] {
            assert_eq!(decimal_bytes(text.as_bytes()), Some(expected), "{text}");
        }
    }

    #[test]
    fn fractions_are_exact() {
        assert_eq!(billionths(b"0.1"), Some(100_000_000));
        assert_eq!(billionths(b"2"), Some(2_000_000_000));
        assert_eq!(billionths(b"0.0000000019"), Some(1));
        assert_eq!(billionths(b"1."), Some(1_000_000_000));
        assert_eq!(billionths(b"."), None);
        assert_eq!(billionths(b"1.x"), None);
    }
}
