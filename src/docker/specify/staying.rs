//! What is asked of a container that stays: `--restart`, `--log-driver`, `--log-opt` and `--stop-timeout`.

use super::{named, size};
use crate::container_log::Limits;
use crate::control::Patience;
use crate::docker::RunArgs;
use crate::error::Error;
use crate::spec::RestartPolicy;
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;

/// How long a stop waits, if no one has said.
const USUAL_PATIENCE: Patience = Patience::Seconds(10);

/// What is asked of a container that stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Staying {
    pub restart: RestartPolicy,
    /// How much of what it writes is kept; `None` for nothing.
    pub log: Option<Limits>,
    /// How long a stop waits before it kills.
    pub patience: Patience,
}

/// What the arguments ask of a container that stays.
///
/// Errors: what cannot be understood, or cannot be together, each named with its option.
pub fn staying(arguments: &RunArgs) -> Result<Staying, Error> {
    let restart = restart(arguments.restart.as_ref())?;
    if restart != RestartPolicy::No && arguments.rm {
        return Err(Error::refused(
            "--restart",
            "it cannot be given with --rm: what is removed cannot be started again",
        ));
    }
    Ok(Staying {
        restart,
        log: log(arguments)?,
        patience: patience(arguments.stop_timeout.as_ref())?,
    })
}

/// `--restart`.
///
/// Errors: what is no policy.
pub fn restart(typed: Option<&OsString>) -> Result<RestartPolicy, Error> {
    let Some(typed) = typed else {
        return Ok(RestartPolicy::No);
    };
    let (word, most) = match typed.to_str().and_then(|text| text.split_once(':')) {
        Some((word, most)) => (word, Some(most)),
        None => (typed.to_str().unwrap_or_default(), None),
    };
    let refused = |reason| Err(Error::refused(named("--restart", typed), reason));
    match (word, most) {
        ("no", None) => Ok(RestartPolicy::No),
        ("always", None) => Ok(RestartPolicy::Always),
        ("unless-stopped", None) => Ok(RestartPolicy::UnlessStopped),
        ("on-failure", None) => Ok(RestartPolicy::OnFailure(None)),
        ("on-failure", Some(most)) => match most.parse() {
            // docker's, for as often as it takes.
            Ok(0) => Ok(RestartPolicy::OnFailure(None)),
            Ok(most) => Ok(RestartPolicy::OnFailure(Some(most))),
            Err(_) => refused("the number of times is a whole number: on-failure:3"),
        },
        ("no" | "always" | "unless-stopped", Some(_)) => {
            refused("only on-failure takes a number of times")
        }
        _ => refused("it takes no, on-failure, on-failure:N, always or unless-stopped"),
    }
}

/// `--log-driver` and `--log-opt`.
fn log(arguments: &RunArgs) -> Result<Option<Limits>, Error> {
    let driver = arguments.log_driver.as_ref();
    let is_kept = match driver.map(|typed| typed.as_bytes()) {
        None | Some(b"json-file") => true,
        Some(b"none") => false,
        // docker's own format of such files is of no use to anyone else.
        Some(_) => {
            let typed = driver.cloned().unwrap_or_default();
            return Err(Error::refused(
                named("--log-driver", &typed),
                "what is kept is a file of JSON (json-file), or nothing (none); mydocker logs -f hands it on to a pipe",
            ));
        }
    };
    let mut limits = Limits::USUAL;
    for typed in &arguments.log_options {
        log_option(&mut limits, typed)?;
    }
    match arguments.log_options.first() {
        Some(typed) if !is_kept => Err(Error::refused(
            named("--log-opt", typed),
            "it cannot be given with --log-driver none, which keeps nothing",
        )),
        _ => Ok(is_kept.then_some(limits)),
    }
}

fn log_option(limits: &mut Limits, typed: &OsString) -> Result<(), Error> {
    let refused = |reason| Err(Error::refused(named("--log-opt", typed), reason));
    let mut parts = typed.as_bytes().splitn(2, |byte| *byte == b'=');
    let (name, value) = (parts.next().unwrap_or_default(), parts.next());
    match (name, value) {
        (b"max-size", Some(b"-1")) => limits.size = u64::MAX,
        (b"max-size", Some(value)) => match size::decimal_bytes(value) {
            Some(size) if size > 0 => limits.size = size,
            _ => return refused("it takes a size, 10m or 512k, or -1 for no limit"),
        },
        (b"max-file", Some(value)) => {
            let number = std::str::from_utf8(value).ok();
            match number.and_then(|number| number.parse().ok()) {
                Some(files) if files > 0 => limits.files = files,
                _ => return refused("it takes a number of files, 1 or more"),
            }
        }
        (b"max-size" | b"max-file", None) => return refused("it needs a value, max-size=10m"),
        _ => return refused("there are max-size=SIZE and max-file=N"),
    }
    Ok(())
}

/// `--stop-timeout`.
fn patience(typed: Option<&OsString>) -> Result<Patience, Error> {
    let Some(typed) = typed else {
        return Ok(USUAL_PATIENCE);
    };
    match typed.as_bytes() {
        b"-1" => Ok(Patience::Forever),
        _ => match typed.to_str().and_then(|text| text.parse().ok()) {
            Some(seconds) => Ok(Patience::Seconds(seconds)),
            None => Err(Error::refused(
                named("--stop-timeout", typed),
                "it takes whole seconds, or -1 to wait for ever",
            )),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(edit: impl FnOnce(&mut RunArgs)) -> Result<Staying, String> {
        let mut arguments = RunArgs::default();
        edit(&mut arguments);
        staying(&arguments).map_err(|error| error.to_string())
    }

    #[test]
    fn what_no_one_asks_for() {
        let usual = asked(|_| ()).unwrap();
        let expected = Staying {
            restart: RestartPolicy::No,
            log: Some(Limits::USUAL),
            patience: Patience::Seconds(10),
        };
        assert_eq!(usual, expected);
    }

    #[test]
    fn policies() {
        for (typed, policy) in [
            ("no", RestartPolicy::No),
            ("always", RestartPolicy::Always),
            ("unless-stopped", RestartPolicy::UnlessStopped),
            ("on-failure", RestartPolicy::OnFailure(None)),
            ("on-failure:0", RestartPolicy::OnFailure(None)),
            ("on-failure:3", RestartPolicy::OnFailure(Some(3))),
        ] {
            assert_eq!(restart(Some(&typed.into())).ok(), Some(policy), "{typed}");
        }
        for (typed, reason) in [
            ("", "--restart '': it takes no, on-failure"),
            ("On-failure", "it takes no, on-failure"),
            ("on-failure:", "a whole number"),
            ("on-failure:-1", "a whole number"),
            ("on-failure:4294967296", "a whole number"),
            ("on-failure:1:2", "a whole number"),
            ("always:3", "only on-failure"),
            ("no:0", "only on-failure"),
        ] {
            let error = restart(Some(&typed.into())).unwrap_err().to_string();
            assert!(error.contains(reason), "{typed}: {error}");
        }
    }

    #[test]
    fn logs() {
        let log = |driver: Option<&str>, options: &[&str]| {
            asked(|arguments| {
                arguments.log_driver = driver.map(Into::into);
                arguments.log_options = options.iter().map(Into::into).collect();
            })
            .map(|staying| staying.log)
        };
        let limits = |size, files| Ok(Some(Limits { size, files }));
        assert_eq!(log(None, &["max-size=1m"]), limits(1_000_000, 3));
        assert_eq!(
            log(
                Some("json-file"),
                &["max-size=1.5kb", "max-file=9", "max-size=2GiB"]
            ),
            limits(2_000_000_000, 9)
        );
        assert_eq!(log(None, &["max-size=-1"]), limits(u64::MAX, 3));
        assert_eq!(log(Some("none"), &[]), Ok(None));
        for (driver, options, reason) in [
            (
                Some("syslog"),
                &[][..],
                "--log-driver syslog: what is kept is a file of JSON",
            ),
            (Some(""), &[], "--log-driver '': "),
            (
                Some("none"),
                &["max-file=2"],
                "--log-opt max-file=2: it cannot be given with",
            ),
            (
                None,
                &["max-size=0"],
                "--log-opt max-size=0: it takes a size",
            ),
            (None, &["max-size=x"], "it takes a size"),
            (None, &["max-size"], "it needs a value"),
            (None, &["max-file=0"], "it takes a number of files"),
            (None, &["max-file=-1"], "it takes a number of files"),
            (
                None,
                &["compress=true"],
                "--log-opt compress=true: there are max-size",
            ),
            (None, &[""], "--log-opt '': there are max-size"),
        ] {
            let error = log(driver, options).unwrap_err();
            assert!(error.contains(reason), "{driver:?} {options:?}: {error}");
        }
    }

    #[test]
    fn patiences() {
        let patience = |typed: &str| {
            asked(|arguments| arguments.stop_timeout = Some(typed.into()))
                .map(|staying| staying.patience)
        };
        assert_eq!(patience("-1"), Ok(Patience::Forever));
        assert_eq!(patience("0"), Ok(Patience::Seconds(0)));
        assert_eq!(patience("90"), Ok(Patience::Seconds(90)));
        for typed in ["", "-2", "1.5", "10s", "99999999999"] {
            let error = patience(typed).unwrap_err();
            assert!(error.contains("whole seconds"), "{error}");
        }
    }

    #[test]
    fn what_is_removed_is_not_started_again() {
        let both = |policy: &str| {
            asked(|arguments| {
                arguments.rm = true;
                arguments.restart = Some(policy.into());
            })
        };
        assert!(both("no").is_ok());
        assert!(both("always").unwrap_err().contains("--rm"));
    }
}
