//! What is said of a container and needs nothing of the host to be understood: its labels, and the variables that were asked
//! for.

use super::environment::{Sources, build};
use super::{named, pairs_file};
use crate::docker::{Caller, RunArgs};
use crate::error::Error;
use std::ffi::{CString, OsString};
use std::os::unix::ffi::OsStrExt;

/// The labels of a container, `KEY=VALUE` each.
///
/// Errors: a file of labels that is not there, or has something else in it; a label without a name.
pub fn labels(arguments: &RunArgs, caller: &Caller<'_>) -> Result<Vec<OsString>, Error> {
    let RunArgs {
        labels,
        label_files,
        ..
    } = arguments;
    let labels = pairs_file::before("--label-file", labels, label_files, caller)?;
    let is_nameless = |label: &&OsString| matches!(label.as_bytes().first(), None | Some(b'='));
    match labels.iter().find(is_nameless) {
        Some(label) => Err(Error::refused(
            named("--label", label),
            "the label has no name",
        )),
        None => Ok(labels),
    }
}

/// The variables of a container that do not come of its user, its terminal or its name.
///
/// Errors: a file of variables that is not there, or has something else in it.
pub fn environment(arguments: &RunArgs, caller: &Caller<'_>) -> Result<Vec<CString>, Error> {
    let files = &arguments.environment_files;
    let wishes = pairs_file::before("--env-file", &arguments.environment, files, caller)?;
    let mut variables = build(&Sources {
        wishes: &wishes,
        hostname: None,
        tty: false,
        home: None,
        caller: caller.variable,
        named: caller.named_variables,
    })?;
    let is_home = |variable: &[u8]| variable == b"HOME" || variable.starts_with(b"HOME=");
    if !wishes.iter().any(|wish| is_home(wish.as_bytes())) {
        variables.retain(|variable| !is_home(variable.to_bytes()));
    }
    Ok(variables)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller() -> Caller<'static> {
        Caller {
            named_file: &|_| Ok(b"A=1\nHOME=/there\nB\n".to_vec()),
            named_variables: &|_| vec![("B".into(), "of the caller's".into())],
            ..Caller::bare(0)
        }
    }

    fn words(words: &[&str]) -> Vec<OsString> {
        words.iter().map(OsString::from).collect()
    }

    #[test]
    fn labels_are_typed_and_read() {
        let arguments = RunArgs {
            labels: words(&["x", "y=z"]),
            label_files: words(&["FILE"]),
            ..RunArgs::default()
        };
        let labels = labels(&arguments, &caller()).unwrap();
        assert_eq!(labels, ["A=1", "HOME=/there", "B", "x", "y=z"]);
        for nameless in ["", "=x"] {
            let arguments = RunArgs {
                labels: words(&[nameless]),
                ..RunArgs::default()
            };
            let error = super::labels(&arguments, &caller())
                .unwrap_err()
                .to_string();
            assert!(error.contains("the label has no name"), "{error}");
        }
    }

    #[test]
    fn no_variable_is_told_that_its_user_decides() {
        let path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
        let told = |typed: &[&str], files: &[&str]| {
            let arguments = RunArgs {
                environment: words(typed),
                environment_files: words(files),
                tty: true,
                ..RunArgs::default()
            };
            let told = environment(&arguments, &caller()).unwrap().into_iter();
            told.map(|variable| variable.into_string().unwrap())
                .collect::<Vec<_>>()
        };
        assert_eq!(told(&["C=2"], &[]), [path, "C=2"]);
        assert_eq!(told(&["HOME=/x"], &[]), [path, "HOME=/x"]);
        assert_eq!(
            told(&[], &["FILE"]),
            [path, "A=1", "HOME=/there", "B=of the caller's"]
        );
    }
}
