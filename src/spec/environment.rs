//! The container's environment: docker's few variables and what `--env` says.

use super::c_string;
use crate::error::Error;
use std::ffi::{CString, OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// Where commands are looked for unless `--env PATH=` says otherwise. docker's own.
pub const DEFAULT_PATH: &[u8] = b"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

pub(super) struct Sources<'a> {
    /// `--env`, as typed.
    pub wishes: &'a [OsString],
    pub hostname: Option<&'a [u8]>,
    pub tty: bool,
    /// `None`: no one has said.
    pub home: Option<Vec<u8>>,
    pub caller: &'a dyn Fn(&OsStr) -> Option<OsString>,
}

/// The variables, each name once. The caller's own environment is not handed down: what is in it
/// (tokens, sockets, paths) was not meant for the container.
pub(super) fn build(sources: &Sources<'_>) -> Result<Vec<CString>, Error> {
    let from_caller = |name: &str| (sources.caller)(OsStr::new(name)).map(OsString::into_vec);
    let mut variables: Vec<(Vec<u8>, Vec<u8>)> = Vec::with_capacity(4 + sources.wishes.len());
    variables.push((b"PATH".to_vec(), DEFAULT_PATH.to_vec()));
    if let Some(hostname) = sources.hostname {
        variables.push((b"HOSTNAME".to_vec(), hostname.to_vec()));
    }
    if sources.tty {
        // docker says xterm whatever the terminal is; ours is the caller's, so its name is right.
        let term = from_caller("TERM").unwrap_or_else(|| b"xterm".to_vec());
        variables.push((b"TERM".to_vec(), term));
    }
    let home = sources.home.clone().unwrap_or_else(|| b"/".to_vec());
    variables.push((b"HOME".to_vec(), home));

    for wish in sources.wishes {
        let bytes = wish.as_bytes();
        let equals = bytes.iter().position(|byte| *byte == b'=');
        let (name, value) = match equals {
            Some(at) => (&bytes[..at], Some(bytes[at + 1..].to_vec())),
            None => (
                bytes,
                (sources.caller)(OsStr::from_bytes(bytes)).map(OsString::into_vec),
            ),
        };
        if name.is_empty() {
            return Err(Error::refused(
                [b"--env ", bytes].concat(),
                "the variable has no name",
            ));
        }
        variables.retain(|(known, _)| known != name);
        if let Some(value) = value {
            variables.push((name.to_vec(), value));
        }
    }

    variables
        .into_iter()
        .map(|(mut variable, value)| {
            variable.push(b'=');
            variable.extend(value);
            c_string("--env", &variable)
        })
        .collect()
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
                Some("TOKEN") => Some("secret".into()),
                _ => None,
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
