//! The options of `mydocker run`, docker's spelling where docker has them.

use super::help::RUN_USAGE;
use super::log::LogArgs;
use super::{Command, Word, described, help, next, one_of, unknown_option};
use crate::error::Error;
use crate::spec::{LaunchChoice, OverlayChoice, RunArgs, limits};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

/// The long options, for suggestions.
const OPTIONS: [&str; 38] = [
    "interactive",
    "tty",
    "init",
    "launch",
    "network",
    "pid",
    "ipc",
    "uts",
    "hostname",
    "env",
    "workdir",
    "user",
    "rootfs",
    "overlay",
    "read-only",
    "volume",
    "mount",
    "tmpfs",
    "device",
    "dns",
    "add-host",
    "cap-add",
    "cap-drop",
    "security-opt",
    "privileged",
    "no-new-keyring",
    "userns",
    "ulimit",
    "oom-score-adj",
    "timeout",
    "log",
    "log-level",
    "log-format",
    "pool",
    "timing",
    "explain",
    "rm",
    "help",
];

/// Reads what follows `run`.
pub fn parse(
    mut parser: lexopt::Parser,
    is_directory: &dyn Fn(&OsStr) -> bool,
) -> Result<Command, Error> {
    let mut run = RunArgs::default();
    let mut log = LogArgs::default();
    while let Some(word) = next(&mut parser, RUN_USAGE)? {
        match word {
            // The first word that is no option is COMMAND, and whatever follows belongs to it.
            Word::Value(command) => {
                run.command.push(command);
                let rest = parser
                    .raw_args()
                    .map_err(|error| described(&error, RUN_USAGE))?;
                run.command.extend(rest);
                return Ok(Command::Run(Box::new(run), log));
            }
            Word::Short('h') => return help_or_hostname(&mut parser),
            Word::Short(letter) => match long_name(letter) {
                Some(name) => option(name, &mut parser, &mut run, &mut log, is_directory)?,
                None => {
                    return Err(Error::usage(
                        format!("unknown option '-{letter}'"),
                        RUN_USAGE,
                    ));
                }
            },
            Word::Long(name) => match name.as_str() {
                "help" => return Ok(Command::Help(help::Topic::Run)),
                name => option(name, &mut parser, &mut run, &mut log, is_directory)?,
            },
        }
    }
    Err(Error::usage("missing container command", RUN_USAGE))
}

/// `-h` is help; docker's is short for `--hostname`, and who types a name after it and a command means that.
#[cold]
#[inline(never)]
fn help_or_hostname(parser: &mut lexopt::Parser) -> Result<Command, Error> {
    let attached = parser.optional_value().is_some();
    let words = parser
        .raw_args()
        .map_err(|error| described(&error, RUN_USAGE))?;
    let is_named = match words.as_slice() {
        [name, _, ..] => !name.as_bytes().starts_with(b"-"),
        _ => false,
    };
    if attached || is_named {
        return Err(Error::usage(
            "option '-h' is help and takes no name; the container's name is set by '--hostname NAME'",
            RUN_USAGE,
        ));
    }
    Ok(Command::Help(help::Topic::Run))
}

fn long_name(letter: char) -> Option<&'static str> {
    match letter {
        'i' => Some("interactive"),
        't' => Some("tty"),
        'e' => Some("env"),
        'w' => Some("workdir"),
        'u' => Some("user"),
        'v' => Some("volume"),
        'm' => Some("memory"),
        'c' => Some("cpu-shares"),
        _ => None,
    }
}

fn option(
    name: &str,
    parser: &mut lexopt::Parser,
    run: &mut RunArgs,
    log: &mut LogArgs,
    is_directory: &dyn Fn(&OsStr) -> bool,
) -> Result<(), Error> {
    if name == "overlay" {
        run.overlay = overlay(parser, is_directory)?;
        let follows = parser.try_raw_args();
        run.overlay_then_command = run.overlay == OverlayChoice::ThrownAway
            && follows.is_some_and(|words| {
                let word = words.as_slice().first();
                word.is_some_and(|word| !word.as_bytes().starts_with(b"-"))
            });
        return Ok(());
    }
    let mut value = || parser.value().map_err(|error| described(&error, RUN_USAGE));
    match name {
        "interactive" => run.interactive = true,
        "tty" => run.tty = true,
        "init" => run.init = true,
        "rm" => run.rm = true,
        "launch" => {
            run.launch = one_of(
                (name, RUN_USAGE),
                &value()?,
                &[
                    ("auto", LaunchChoice::Auto),
                    ("in-process", LaunchChoice::InProcess),
                    ("re-exec", LaunchChoice::ReExec),
                ],
            )?;
        }
        "network" => {
            run.host_network = one_of(
                (name, RUN_USAGE),
                &value()?,
                &[("none", false), ("host", true)],
            )?;
        }
        "pid" => run.host_pid = one_of((name, RUN_USAGE), &value()?, &[("host", true)])?,
        "ipc" => run.host_ipc = one_of((name, RUN_USAGE), &value()?, &[("host", true)])?,
        "uts" => run.host_uts = one_of((name, RUN_USAGE), &value()?, &[("host", true)])?,
        "hostname" => run.hostname = Some(value()?),
        "env" => run.environment.push(value()?),
        "workdir" => run.working_directory = Some(value()?),
        "user" => run.user = Some(value()?),
        "rootfs" => run.rootfs.push(value()?),
        "read-only" => run.read_only = true,
        "volume" => run.volumes.push(value()?),
        "mount" => run.mounts.push(value()?),
        "tmpfs" => run.tmpfs.push(value()?),
        "device" => run.devices.push(value()?),
        "dns" => run.dns.push(value()?),
        "add-host" => run.hosts.push(value()?),
        "cap-add" => run.added_capabilities.push(value()?),
        "cap-drop" => run.dropped_capabilities.push(value()?),
        "security-opt" => run.security_options.push(value()?),
        "privileged" => run.privileged = true,
        "userns" => run.user_namespace = Some(value()?),
        "no-new-keyring" => run.no_new_keyring = true,
        "ulimit" => run.resources.push(value()?),
        "oom-score-adj" => run.oom_score_adjustment = Some(value()?),
        "timeout" => run.timeout = Some(value()?),
        "pool" => run.pool = Some(value()?),
        "timing" => run.timing = Some(value()?),
        "explain" => run.explain = true,
        _ if log.takes(name) => log.option(name, value()?, RUN_USAGE)?,
        _ => match limits::OPTIONS.iter().find(|known| **known == name) {
            Some(limit) => run.limits.push((*limit, value()?)),
            None => {
                let known: Vec<&str> = OPTIONS.into_iter().chain(limits::OPTIONS).collect();
                return Err(unknown_option(name, &known, RUN_USAGE));
            }
        },
    }
    Ok(())
}

/// `--overlay`, `--overlay=UPPER` or `--overlay UPPER`. A word after it may be COMMAND as well, so it is
/// UPPER only if it is written as a path, and is a directory, which no command is.
#[cold]
#[inline(never)]
fn overlay(
    parser: &mut lexopt::Parser,
    is_directory: &dyn Fn(&OsStr) -> bool,
) -> Result<OverlayChoice, Error> {
    if let Some(upper) = parser.optional_value() {
        return Ok(OverlayChoice::Kept(upper));
    }
    let mut words = parser
        .raw_args()
        .map_err(|error| described(&error, RUN_USAGE))?;
    let upper = words.next_if(|word| word.as_bytes().contains(&b'/') && is_directory(word));
    Ok(upper.map_or(OverlayChoice::ThrownAway, OverlayChoice::Kept))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::LogFormat;
    use crate::log::{Format, Level};
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt;

    fn run(words: &[&str]) -> Result<(RunArgs, LogArgs), String> {
        run_bytes(words.iter().map(OsString::from).collect())
    }

    fn run_bytes(mut words: Vec<OsString>) -> Result<(RunArgs, LogArgs), String> {
        words.insert(0, "run".into());
        match crate::cli::parse(words, &|path| path == "/is/directory") {
            Ok(Command::Run(run, log)) => Ok((*run, log)),
            Ok(other) => Err(format!("{other:?}")),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn clusters_and_long_names() {
        for words in [
            &["-ti", "sh"][..],
            &["-it", "sh"],
            &["-i", "-t", "sh"],
            &["--interactive", "--tty", "sh"],
            &["--rm", "-it", "--", "sh"],
        ] {
            let (run, _) = run(words).unwrap();
            assert!(run.interactive && run.tty, "{words:?}");
            assert_eq!(run.command, ["sh"]);
        }
    }

    #[test]
    fn everything_after_the_command_is_its_own() {
        let words = [
            "-i",
            "echo",
            "-t",
            "--help",
            "--",
            "a  b",
            "",
            "--network=x",
            "-",
        ];
        let (run, _) = run(&words).unwrap();
        assert_eq!(run.command, words[1..]);
        assert!(!run.tty);
    }

    #[test]
    fn bytes_that_are_no_text_pass() {
        let raw = OsString::from_vec(b"\xff\xfe=\x80".to_vec());
        let (run, _) = run_bytes(vec!["-e".into(), raw.clone(), raw.clone(), raw.clone()]).unwrap();
        assert_eq!(run.environment, std::slice::from_ref(&raw));
        assert_eq!(run.command, [raw.clone(), raw]);
    }

    #[test]
    fn values() {
        let (run, log) = run(&[
            "--launch=re-exec",
            "--network",
            "host",
            "--pid=host",
            "--ipc=host",
            "--uts=host",
            "--hostname=box",
            "-eA=1",
            "-e=B=2",
            "--env",
            "C",
            "-w/tmp",
            "-u",
            "1:2",
            "--log=/x",
            "--log-level=debug",
            "--log-format=json",
            "--init",
            "-m64m",
            "-c",
            "512",
            "--pids-limit=-1",
            "sh",
        ])
        .unwrap();
        assert_eq!(run.launch, LaunchChoice::ReExec);
        assert!(run.host_network && run.host_pid && run.host_ipc && run.host_uts && run.init);
        assert_eq!(run.hostname, Some("box".into()));
        assert_eq!(run.environment, ["A=1", "B=2", "C"]);
        assert_eq!(run.working_directory, Some("/tmp".into()));
        assert_eq!(run.user, Some("1:2".into()));
        let limits = [
            ("memory", "64m"),
            ("cpu-shares", "512"),
            ("pids-limit", "-1"),
        ];
        assert_eq!(run.limits, limits.map(|(name, value)| (name, value.into())));
        assert_eq!(log.level, Some(Level::Debug));
        assert_eq!(log.format, Some(LogFormat::Fixed(Format::Json)));
        assert_eq!(log.file, Some("/x".into()));
    }

    #[test]
    fn mistakes_are_named() {
        for (words, message) in [
            (&[][..], "missing container command"),
            (&["-ti"], "missing container command"),
            (&["--"], "missing container command"),
            (&["-tx", "sh"], "unknown option '-x'"),
            (
                &["--netwrok", "host", "sh"],
                "unknown option '--netwrok', did you mean '--network'?",
            ),
            (&["--detach", "sh"], "unknown option '--detach'"),
            (&["--user"], "option '--user' needs a value"),
            (&["-u"], "option '-u' needs a value"),
            (&["--tty=1", "sh"], "option '--tty' takes no value"),
            (
                &["--network=bridge", "sh"],
                "option '--network' takes none or host, not 'bridge'",
            ),
            (
                &["--log-level=loud", "sh"],
                "option '--log-level' takes error, warn, info or debug, not 'loud'",
            ),
        ] {
            assert_eq!(run(words).unwrap_err(), message, "{words:?}");
        }
    }

    #[test]
    fn help_before_the_command() {
        for words in [
            &["--help"][..],
            &["-h"],
            &["-ti", "-h", "sh"],
            &["-tih"],
            &["-h", "-ti", "sh"],
        ] {
            assert_eq!(run(words).unwrap_err(), "Help(Run)", "{words:?}");
        }
        for words in [
            &["-h", "box", "sh"][..],
            &["-ti", "-h", "box", "sh", "-c", "exit"],
            &["-tih", "box", "sh"],
            &["-h", "box", "-it", "sh"],
            &["-hbox", "sh"],
            &["-h=box", "sh"],
        ] {
            let error = run(words).unwrap_err();
            assert!(error.contains("'--hostname NAME'"), "{words:?}: {error}");
        }
    }

    #[test]
    fn every_option_is_in_the_help_text() {
        let text = help::Topic::Run.text();
        for name in OPTIONS.into_iter().chain(limits::OPTIONS) {
            assert!(text.contains(&format!("--{name}")), "{name}");
        }
    }
}
