//! The environment of a command, as runc has it: of a name that is there twice the last one counts, and there is a HOME.

use crate::error::Error;
use std::collections::HashSet;
use std::ffi::CString;

/// The variables, each once, in their order.
///
/// Errors: one has no name, or no value.
pub fn prepare(variables: &[CString]) -> Result<Vec<CString>, Error> {
    let mut names = HashSet::with_capacity(variables.len());
    let mut kept = Vec::with_capacity(variables.len() + 3);
    for variable in variables.iter().rev() {
        let name = name(variable)?;
        if names.insert(name) && !is_empty_home(variable) {
            kept.push(variable.clone());
        }
    }
    kept.reverse();
    Ok(kept)
}

fn name(variable: &CString) -> Result<&[u8], Error> {
    let bytes = variable.to_bytes();
    let refused = |reason| {
        let subject = [b"process.env ", bytes].concat();
        Err(Error::refused(subject, reason))
    };
    match bytes.iter().position(|byte| *byte == b'=') {
        None => refused("invalid environment variable: there is no = in it"),
        Some(0) => refused("invalid environment variable: its name is empty"),
        Some(end) => Ok(&bytes[..end]),
    }
}

const HOME: &[u8] = b"HOME=";

fn is_empty_home(variable: &CString) -> bool {
    variable.to_bytes() == HOME
}

/// Whether a home is set, and not to nothing.
pub fn has_home(variables: &[CString]) -> bool {
    let mut variables = variables.iter().rev();
    let last = variables.find(|variable| variable.to_bytes().starts_with(HOME));
    last.is_some_and(|variable| !is_empty_home(variable))
}

/// The home of whom /etc/passwd has none for; and how many bytes of it stay when there is another.
pub fn home() -> (CString, u32) {
    (c"HOME=/".into(), HOME.len() as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prepared(variables: &[&str]) -> Result<Vec<String>, String> {
        let variables: Vec<CString> = variables
            .iter()
            .map(|variable| CString::new(*variable).unwrap())
            .collect();
        let prepared = prepare(&variables).map_err(|error| error.to_string())?;
        let texts = prepared.into_iter().map(|text| text.into_string().unwrap());
        Ok(texts.collect())
    }

    #[test]
    fn the_last_one_counts() {
        let found = prepared(&["A=1", "B=2", "A=3", "C=", "HOME="]).unwrap();
        assert_eq!(found, ["B=2", "A=3", "C="]);
        for bad in ["A", "", "=x"] {
            let error = prepared(&["B=2", bad]).unwrap_err();
            assert!(error.contains("invalid environment variable"), "{error}");
        }
    }

    #[test]
    fn a_home_that_is_empty_is_none() {
        let has = |variables: &[&str]| {
            let variables: Vec<CString> = variables
                .iter()
                .map(|variable| CString::new(*variable).unwrap())
                .collect();
            has_home(&variables)
        };
        assert!(has(&["HOME=/x"]) && has(&["HOME=", "HOME=/x"]));
        assert!(!has(&["HOME="]) && !has(&["HOMER=/x"]) && !has(&["HOME=/x", "HOME="]));
    }
}
