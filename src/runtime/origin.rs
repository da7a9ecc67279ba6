//! Where the answers come from when a command line leaves something to its caller: a variable's value, a file of variables,
//! the working directory.
//!
//! A container that stays is made once and started again, entered and shown later, from other shells: what its command
//! line asked then is written down, and answered the same way from then on.

use crate::sys::Errno;
use std::cell::RefCell;
use std::ffi::{OsStr, OsString};

/// What a command line has asked of its caller.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answers {
    /// The working directory.
    pub directory: OsString,
    /// Variables that are set. One that is not here was not set, or not asked for.
    pub variables: Vec<(OsString, OsString)>,
    /// Files that were named, with their content.
    pub files: Vec<(OsString, Vec<u8>)>,
    /// Words that could have been two things, and were directories.
    pub directories: Vec<OsString>,
}

/// Whom a command line's reading asks.
#[derive(Clone, Copy)]
pub enum Origin<'a> {
    /// This process.
    Caller,
    /// This process, and the answers are written down.
    Recorded(&'a RefCell<Answers>),
    /// The process that made the container, by its answers.
    Maker(&'a Answers),
}

impl Origin<'_> {
    /// A variable of the environment.
    pub fn variable(&self, name: &OsStr) -> Option<OsString> {
        match self {
            Self::Caller => std::env::var_os(name),
            Self::Recorded(answers) => recorded_variable(answers, name),
            Self::Maker(answers) => {
                let found = answers.variables.iter().find(|(known, _)| known == name);
                found.map(|(_, value)| value.clone())
            }
        }
    }

    /// The named variables that are set, with their values.
    pub fn variables(&self, names: &[&OsStr]) -> Vec<(OsString, OsString)> {
        let mut names = names.to_vec();
        names.sort_unstable();
        let named =
            |variable: &(OsString, OsString)| names.binary_search(&variable.0.as_os_str()).is_ok();
        match self {
            // One walk: getenv(3) searches the whole environment for each name.
            Self::Caller => std::env::vars_os().filter(named).collect(),
            Self::Recorded(answers) => {
                let found: Vec<_> = std::env::vars_os().filter(named).collect();
                // No others: there may be secrets among them.
                answers.borrow_mut().variables.extend(found.iter().cloned());
                found
            }
            Self::Maker(answers) => {
                let known = answers.variables.iter();
                known.filter(|variable| named(variable)).cloned().collect()
            }
        }
    }

    /// A file that was named.
    pub fn file(&self, name: &OsStr) -> Result<Vec<u8>, Errno> {
        match self {
            Self::Caller => read(name),
            Self::Recorded(answers) => {
                let content = read(name)?;
                let files = &mut answers.borrow_mut().files;
                if !files.iter().any(|(known, _)| known == name) {
                    files.push((name.to_owned(), content.clone()));
                }
                Ok(content)
            }
            Self::Maker(answers) => {
                let found = answers.files.iter().find(|(known, _)| known == name);
                found
                    .map(|(_, content)| content.clone())
                    .ok_or(Errno::ENOENT)
            }
        }
    }

    /// The working directory.
    pub fn directory(&self) -> Result<OsString, Errno> {
        if let Self::Maker(answers) = self {
            return Ok(answers.directory.clone());
        }
        let directory = std::env::current_dir().map_err(|error| errno(&error))?;
        Ok(directory.into_os_string())
    }
}

#[cold]
#[inline(never)]
fn recorded_variable(answers: &RefCell<Answers>, name: &OsStr) -> Option<OsString> {
    let value = std::env::var_os(name)?;
    let variables = &mut answers.borrow_mut().variables;
    if !variables.iter().any(|(known, _)| known == name) {
        variables.push((name.to_owned(), value.clone()));
    }
    Some(value)
}

fn read(name: &OsStr) -> Result<Vec<u8>, Errno> {
    std::fs::read(name).map_err(|error| errno(&error))
}

fn errno(error: &std::io::Error) -> Errno {
    Errno::new(error.raw_os_error().unwrap_or(libc::EIO))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_asked_is_answered_again() {
        let path = std::env::temp_dir().join(format!("mydocker-origin-{}", std::process::id()));
        std::fs::write(&path, b"A=1\xff\n").unwrap();
        let answers = RefCell::new(Answers::default());
        let recording = Origin::Recorded(&answers);
        let content = recording.file(path.as_os_str()).unwrap();
        let home = recording.variable(OsStr::new("PATH"));
        assert_eq!(recording.variable(OsStr::new("MYDOCKER_NOT_SET")), None);
        let absent = path.with_extension("absent");
        assert_eq!(recording.file(absent.as_os_str()), Err(Errno::ENOENT));
        std::fs::remove_file(&path).unwrap();

        let mut answers = answers.into_inner();
        answers.directory = "/made/here".into();
        let maker = Origin::Maker(&answers);
        assert_eq!(maker.file(path.as_os_str()), Ok(content));
        assert_eq!(maker.variable(OsStr::new("PATH")), home);
        assert_eq!(maker.variable(OsStr::new("MYDOCKER_NOT_SET")), None);
        assert_eq!(maker.file(absent.as_os_str()), Err(Errno::ENOENT));
        assert_eq!(maker.directory(), Ok("/made/here".into()));
    }

    #[test]
    fn only_variables_that_were_named_are_kept() {
        let answers = RefCell::new(Answers::default());
        let names = [OsStr::new("PATH"), OsStr::new("MYDOCKER_NOT_SET")];
        let found = Origin::Recorded(&answers).variables(&names);
        assert_eq!(found.len(), 1);
        let answers = answers.into_inner();
        assert_eq!(answers.variables, found);
        assert_eq!(Origin::Maker(&answers).variables(&names), found);
        assert_eq!(Origin::Maker(&answers).variables(&[]), []);
    }
}
