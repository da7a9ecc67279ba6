//! `mydocker inspect`: all that is known of containers.

mod document;
mod host_config;
mod value;

use super::of_config::Known;
use crate::docker::InspectArgs;
use crate::error::{Error, ExitCode};
use crate::format::{Place, Subject, Template};
use crate::json::Value;
use crate::log;
use crate::runtime::heal;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

/// What docker exits with when a template is none.
const NO_TEMPLATE: ExitCode = ExitCode(64);

/// Tells of containers. One that is not there is told of, and the others are shown.
///
/// Errors: a template that is none.
pub fn run(arguments: &InspectArgs) -> Result<ExitCode, Error> {
    let format = arguments.format.as_deref().map(OsStr::as_bytes);
    let template = match format {
        None | Some(b"" | b"json") => None,
        Some(template) => {
            let parsed = Template::parse(template);
            Some(parsed.map_err(|error| error.exit_with(NO_TEMPLATE))?)
        }
    };
    let mut exit = ExitCode::SUCCESS;
    let mut failed = |error: Error| {
        log::complain(&error);
        exit = error.exit();
    };
    let (mut documents, mut lines) = (Vec::new(), Vec::new());
    for word in &arguments.containers {
        match (document(arguments, word), &template) {
            (Err(error), _) => failed(error),
            (Ok(document), None) => documents.push(document),
            (Ok(document), Some(template)) => {
                let subject = Subject {
                    value: &document,
                    labels: None,
                    place: Place::Line,
                };
                let mut line = Vec::new();
                match template.fill(&subject, &mut line) {
                    Ok(()) => lines.extend([line, b"\n".to_vec()].concat()),
                    Err(error) => failed(error),
                }
            }
        }
    }
    let all = Value::List(documents);
    let text = match (template, format) {
        (Some(_), _) if lines.is_empty() => b"\n".to_vec(),
        (Some(_), _) => lines,
        (None, Some(b"json")) => [all.compact().as_bytes(), b"\n"].concat(),
        (None, _) => [all.indented().as_bytes(), b"\n"].concat(),
    };
    super::answer(&text).map(|_| exit)
}

/// Errors: there is no such container, or what was written down of it cannot be read.
fn document(arguments: &InspectArgs, word: &OsStr) -> Result<Value, Error> {
    let found = heal::find(arguments.state.as_deref(), word);
    let (entry, look) = found.map_err(no_such_object)?;
    let known = Known::of(&entry.config)?;
    Ok(document::of(&entry, &look, &known))
}

/// Docker's word for what is not there, where it could have been something else than a container.
fn no_such_object(error: Error) -> Error {
    match error.to_string().strip_prefix("No such container: ") {
        Some(name) => Error::failure(&format!("No such object: {name}")),
        None => error,
    }
}
