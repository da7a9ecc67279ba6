//! The values of a job's keys.

use crate::error::Error;
use crate::json::Value;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// What is wrong with a line.
pub type Fault = String;

/// The most places between the last digit of a number and its point.
const FURTHEST: i64 = 100;

/// A text, or bytes.
pub fn any_string(value: Value) -> Result<Vec<u8>, Fault> {
    match value {
        Value::Text(text) => Ok(text.into_bytes()),
        Value::Bytes(bytes) => Ok(bytes),
        _ => Err("it must be a string".into()),
    }
}

/// One that a program can be given.
pub fn string(value: Value) -> Result<OsString, Fault> {
    let bytes = any_string(value)?;
    match bytes.contains(&0) {
        true => Err("it has a byte 0 in it, which would end it".into()),
        false => Ok(OsString::from_vec(bytes)),
    }
}

/// Where it starts.
pub fn directory(value: Value) -> Result<OsString, Fault> {
    let path = string(value)?;
    match path.as_bytes().first() {
        Some(b'/') => Ok(path),
        _ => Err("it must be an absolute path, as the container sees it".into()),
    }
}

/// The words of a command.
pub fn strings(value: Value) -> Result<Vec<OsString>, Fault> {
    let word = |(number, item)| string(item).map_err(|fault| format!("word {number}: {fault}"));
    match value {
        Value::List(items) => (1..).zip(items).map(word).collect(),
        _ => Err("it must be a list of strings".into()),
    }
    .and_then(|strings: Vec<OsString>| match strings.is_empty() {
        true => Err("it is empty".into()),
        false => Ok(strings),
    })
}

/// A number, or what an option takes for it.
pub fn quantity(value: Value) -> Result<OsString, Fault> {
    match value {
        Value::Number(_) => Ok(value.compact().into()),
        Value::OtherNumber(number) => match without_exponent(&number) {
            Some(number) => Ok(number.into()),
            None => Err(format!("{number} is beyond what can be counted")),
        },
        Value::Text(_) | Value::Bytes(_) => string(value),
        _ => Err("it must be a number or a string".into()),
    }
}

/// A number of JSON's, digit for digit, as an option takes it. `None`: its point is further away than that of any that is
/// counted.
fn without_exponent(number: &str) -> Option<String> {
    let Some((number, exponent)) = number.split_once(['e', 'E']) else {
        return Some(number.to_owned());
    };
    let (sign, number) = match number.strip_prefix('-') {
        Some(number) => ("-", number),
        None => ("", number),
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = [whole, fraction].concat();
    let digits = digits.trim_start_matches('0');
    if digits.is_empty() {
        return Some("0".to_owned());
    }
    // Where the point stands, counted from the end of the digits.
    let exponent: i64 = exponent.parse().ok()?;
    let end = exponent.checked_sub(i64::try_from(fraction.len()).ok()?)?;
    if end.abs() > FURTHEST {
        return None;
    }
    let zeros = "0".repeat(usize::try_from(end.max(0)).ok()?);
    let places = usize::try_from((-end).max(0)).ok()?;
    let padded = format!("{digits:0>width$}{zeros}", width = places + 1);
    let (whole, fraction) = padded.split_at(padded.len() - places);
    let point = if fraction.is_empty() { "" } else { "." };
    Some([sign, whole, point, fraction].concat())
}

/// A yes or a no.
pub fn boolean(value: &Value) -> Result<bool, Fault> {
    value
        .boolean()
        .ok_or_else(|| "it must be true or false".into())
}

/// Variables, as `-e` has them: `["NAME=VALUE", "NAME"]`, or `{"NAME": "VALUE"}`.
pub fn environment(value: Value) -> Result<Vec<OsString>, Fault> {
    match value {
        Value::List(items) => items.into_iter().map(variable).collect(),
        Value::Object(members) => {
            let mut names = BTreeSet::new();
            let variable = |(name, value): (String, Value)| {
                if name.is_empty() || name.contains(['=', '\0']) {
                    return Err(format!("{name:?} is no name of a variable"));
                }
                let value = string(value).map_err(|fault| format!("{name}: {fault}"))?;
                let mut variable = OsString::from(&name);
                variable.push("=");
                variable.push(value);
                match names.insert(name.clone()) {
                    true => Ok(variable),
                    false => Err(format!("{name} stands there twice")),
                }
            };
            members.into_iter().map(variable).collect()
        }
        _ => Err("it must be a list of strings, or an object".into()),
    }
}

fn variable(value: Value) -> Result<OsString, Fault> {
    let variable = string(value)?;
    match variable.as_bytes().first() {
        None | Some(b'=') => Err(format!("{variable:?}: the variable has no name")),
        _ => Ok(variable),
    }
}

/// What is wrong with what a key has, without the option that means the same and the value: the key is what was written.
pub fn reason<T>(outcome: Result<T, Error>) -> Result<(), Fault> {
    match outcome {
        Ok(_) => Ok(()),
        Err(error) => Err(error
            .reason()
            .map_or_else(|| error.to_string(), str::to_owned)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_their_digits() {
        for (number, plain) in [
            ("1.50", "1.50"),
            ("1e9", "1000000000"),
            ("1E+2", "100"),
            ("2.5e0", "2.5"),
            ("2.5e1", "25"),
            ("2.50e1", "25.0"),
            ("2.5e3", "2500"),
            ("25e-1", "2.5"),
            ("25e-2", "0.25"),
            ("0.25e1", "2.5"),
            ("0.025e-1", "0.0025"),
            ("1e-9", "0.000000001"),
            ("-1e3", "-1000"),
            ("0e999999999999999999999", "0"),
            ("0.1234567890123456789e19", "1234567890123456789"),
        ] {
            assert_eq!(without_exponent(number).as_deref(), Some(plain), "{number}");
        }
        for number in [
            "1e101",
            "1e-101",
            "1e99999999999999999999",
            "1.0e-9223372036854775808",
        ] {
            assert_eq!(without_exponent(number), None, "{number}");
        }
    }
}
