//! The container's environment: docker's few variables and what `--env` says.

use super::c_string;
use crate::docker::VariableFinder;
use crate::error::Error;
use crate::spec::{DEFAULT_PATH, repeated};
use std::ffi::{CString, OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

pub(super) struct Sources<'a> {
    /// `--env`, as typed.
    pub wishes: &'a [OsString],
    pub hostname: Option<&'a [u8]>,
    pub tty: bool,
    /// `None`: no one has said.
    pub home: Option<Vec<u8>>,
    /// Looks a variable of the caller's up.
    pub caller: &'a dyn Fn(&OsStr) -> Option<OsString>,
    /// Looks several of them up at once.
    pub named: &'a VariableFinder<'a>,
}

/// A name and its value; without a value nothing is set.
type Wish = (Vec<u8>, Option<Vec<u8>>);

/// The variables, each name once. The caller's own environment is not handed down: what is in it
/// (tokens, sockets, paths) was not meant for the container.
pub(super) fn build(sources: &Sources<'_>) -> Result<Vec<CString>, Error> {
    let mut variables: Vec<Wish> = Vec::with_capacity(4 + sources.wishes.len());
    let mut set = |name: &[u8], value| variables.push((name.to_vec(), Some(value)));
    set(b"PATH", DEFAULT_PATH.to_vec());
    if let Some(hostname) = sources.hostname {
        set(b"HOSTNAME", hostname.to_vec());
    }
    if sources.tty {
        // docker says xterm whatever the terminal is; ours is the caller's, so its name is right.
        let term = (sources.caller)(OsStr::new("TERM")).map(OsString::into_vec);
        set(b"TERM", term.unwrap_or_else(|| b"xterm".to_vec()));
    }
    let home = sources.home.clone().unwrap_or_else(|| b"/".to_vec());
    set(b"HOME", home);
    if !sources.wishes.is_empty() {
        add_wishes(sources, &mut variables)?;
    }

    variables
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .map(|(mut variable, value)| {
            variable.push(b'=');
            variable.extend(value);
            c_string("--env", &variable)
        })
        .collect()
}

#[cold]
#[inline(never)]
fn add_wishes(sources: &Sources<'_>, variables: &mut Vec<Wish>) -> Result<(), Error> {
    let mut callers: Option<Vec<(OsString, OsString)>> = None;
    for wish in sources.wishes {
        let bytes = wish.as_bytes();
        let equals = bytes.iter().position(|byte| *byte == b'=');
        let name = &bytes[..equals.unwrap_or(bytes.len())];
        if name.is_empty() {
            return Err(Error::refused(
                [b"--env ", bytes].concat(),
                "the variable has no name",
            ));
        }
        let value = match equals {
            Some(at) => Some(bytes[at + 1..].to_vec()),
            None => {
                // Sorted once: getenv(3) searches the whole environment for each name.
                let callers = callers.get_or_insert_with(|| sorted(lent(sources)));
                let first = callers.partition_point(|(known, _)| known.as_bytes() < name);
                let found = callers.get(first).filter(|(known, _)| known == wish);
                found.map(|(_, value)| value.as_bytes().to_vec())
            }
        };
        variables.push((name.to_vec(), value));
    }
    let names: Vec<&[u8]> = variables.iter().map(|(name, _)| name.as_slice()).collect();
    let mut last = repeated::last_of_each(&names).into_iter();
    variables.retain(|_| last.next().unwrap_or(false));
    Ok(())
}

/// The variables of the caller's that are asked for by their names alone.
fn lent(sources: &Sources<'_>) -> Vec<(OsString, OsString)> {
    let wishes = sources.wishes.iter().map(OsString::as_os_str);
    let names: Vec<&OsStr> = wishes
        .filter(|wish| !wish.as_bytes().contains(&b'='))
        .collect();
    (sources.named)(&names)
}

/// By name. Of a name that is there twice the first stays the first, as getenv(3) finds it.
fn sorted(mut variables: Vec<(OsString, OsString)>) -> Vec<(OsString, OsString)> {
    variables.sort_by(|(one, _), (other, _)| one.cmp(other));
    variables
}

#[cfg(test)]
mod tests {
    use super::*;

    fn built(wishes: &[&str], tty: bool, home: Option<&str>) -> Result<Vec<String>, String> {
        let wishes: Vec<OsString> = wishes.iter().map(OsString::from).collect();
        build(&Sources {
            wishes: &wishes,
            hostname: Some(b"box"),
            tty,
            home: home.map(Into::into),
            caller: &|name| match name.to_str() {
                Some("TERM") => Some("tmux".into()),
                _ => None,
            },
            named: &|_| {
                [("TOKEN", "secret"), ("TERM", "tmux"), ("TOKEN", "later")]
                    .map(|(name, value)| (name.into(), value.into()))
                    .into()
            },
        })
        .map(|variables| {
            variables
                .into_iter()
                .map(|variable| variable.into_string().unwrap())
                .skip(1)
                .collect()
        })
        .map_err(|error| error.to_string())
    }

    #[test]
    fn few_variables_and_none_of_the_callers() {
        assert_eq!(built(&[], false, None).unwrap(), ["HOSTNAME=box", "HOME=/"]);
        assert_eq!(
            built(&[], true, Some("/home/me")).unwrap(),
            ["HOSTNAME=box", "TERM=tmux", "HOME=/home/me"]
        );
    }

    #[test]
    fn wishes_win_and_the_last_one_counts() {
        assert_eq!(
            built(
                &[
                    "A=1",
                    "HOME=/x",
                    "A=2=3",
                    "TOKEN",
                    "UNSET",
                    "HOSTNAME=",
                    "TERM"
                ],
                true,
                None
            )
            .unwrap(),
            ["HOME=/x", "A=2=3", "TOKEN=secret", "HOSTNAME=", "TERM=tmux"]
        );
        assert_eq!(
            built(&["=x"], false, None).unwrap_err(),
            "--env =x: the variable has no name"
        );
    }
}
