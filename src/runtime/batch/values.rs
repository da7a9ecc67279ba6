//! The values of a job's keys.

use super::job::{Fault, Output};
use crate::error::Error;
use crate::json::Value;
use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

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
        Value::Number(_) | Value::OtherNumber(_) => Ok(value.compact().into()),
        Value::Text(_) | Value::Bytes(_) => string(value),
        _ => Err("it must be a number or a string".into()),
    }
}

pub fn inline(value: Value) -> Result<Output, Fault> {
    match value.boolean() {
        Some(true) => Ok(Output::Inline),
        Some(false) => Ok(Output::Nowhere),
        None => Err("it must be true or false".into()),
    }
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
pub fn reason<T>(outcome: Result<T, Error>, typed: &OsStr) -> Result<(), Fault> {
    let Err(error) = outcome else { return Ok(()) };
    let told = error.to_string();
    // As an error shows it.
    let shown = match typed.is_empty() {
        true => "'': ".to_owned(),
        false => Error::refused(typed.as_bytes(), "").to_string(),
    };
    Err(match told.split_once(&format!(" {shown}")) {
        Some((_, reason)) => reason.to_owned(),
        None => told,
    })
}
