//! `mydocker run`, docker's spelling where docker has an option.

use crate::docker::described::{Described, Group, Words};
use crate::docker::options::{self, Line, Reading, Row};
use crate::docker::topic::{Detail, RUN_HELP, Topic};
use crate::docker::{Command, not_understood, texts};
use crate::error::Error;
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;

pub static COMMAND: Described = Described {
    name: "run",
    group: Group::Start,
    words: Words::Command,
    about: "run a command in a new container",
    text: texts::RUN_TEXT,
    help: RUN_HELP,
    options: options::RUN,
    make,
};

fn make(mut line: Line, words: Vec<OsString>) -> Result<Command, Error> {
    line.run.command = words;
    Ok(Command::Run(Box::new(line.run), line.log))
}

/// `-h` is help; docker's is short for `--hostname`, and whoever types a name after it and a command means that.
#[cold]
#[inline(never)]
pub fn help_or_hostname(
    command: &'static Described,
    parser: &mut lexopt::Parser,
) -> Result<Command, Error> {
    let attached = parser.optional_value().is_some();
    let words = parser
        .raw_args()
        .map_err(|error| not_understood(&error, RUN_HELP))?;
    let is_named = match words.as_slice() {
        [name, _, ..] => !name.as_bytes().starts_with(b"-"),
        _ => false,
    };
    if attached || is_named {
        return Err(Error::usage(
            "option '-h' is help and takes no name; the container's name is set by '--hostname NAME'",
            RUN_HELP,
        ));
    }
    Ok(Command::Help(Topic::Command(command, Detail::Brief)))
}

/// Refuses the first option that has nothing to act on without a root.
pub fn check_needs(needing: Vec<&Row>, line: &mut Line) -> Result<(), Error> {
    for row in needing {
        // One that has been switched off again asks for nothing.
        let is_off = matches!(row.reading, Reading::Switch(field) if !*field(line));
        if !is_off {
            return Err(Error::refused(
                format!("--{}", row.long),
                "it needs --rootfs DIR (--rootfs / is the caller's own tree)",
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::docker::{LogArgs, LogFormat, RunArgs};
    use crate::log::{Format, Level};
    use crate::spec::{JoinTarget, LaunchChoice, NamespaceChoice, Network};
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt;

    fn run(words: &[&str]) -> Result<(RunArgs, LogArgs), String> {
        run_bytes(words.iter().map(OsString::from).collect())
    }

    fn run_bytes(mut words: Vec<OsString>) -> Result<(RunArgs, LogArgs), String> {
        words.insert(0, "run".into());
        match crate::docker::parse(words, &|path| path == "/is/directory") {
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
        assert!(
            run.network == Network::Host
                && run.pid == NamespaceChoice::Host
                && run.ipc == NamespaceChoice::Host
                && run.uts == NamespaceChoice::Host
                && run.init == Some(true)
        );
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
    fn networks() {
        let joined = |path: &std::ffi::CStr| Network::Join(JoinTarget::Path(path.into()));
        for (word, network) in [
            ("none", Network::Loopback),
            ("host", Network::Host),
            ("ns:/run/netns/x", joined(c"/run/netns/x")),
            ("ns:./x:y", joined(c"./x:y")),
        ] {
            assert_eq!(run(&["--network", word, "sh"]).unwrap().0.network, network);
        }
        let error = run(&["--network", "ns:", "sh"]).unwrap_err();
        assert_eq!(
            error,
            "--network ns:: ns:PATH names the file of a network namespace"
        );
    }

    #[test]
    fn mistakes_are_named() {
        for (words, message) in [
            (
                &[][..],
                "missing container command: mydocker run [OPTIONS] COMMAND [ARG...]",
            ),
            (
                &["-ti"],
                "missing container command: mydocker run [OPTIONS] COMMAND [ARG...]",
            ),
            (
                &["--"],
                "missing container command: mydocker run [OPTIONS] COMMAND [ARG...]",
            ),
            (&["-tx", "sh"], "unknown option '-x'"),
            (
                &["--netwrok", "host", "sh"],
                "unknown option '--netwrok', did you mean '--network'?",
            ),
            (
                &["--detached", "sh"],
                "unknown option '--detached', did you mean '--detach'?",
            ),
            (&["--user"], "option '--user' needs a value"),
            (&["-u"], "option '-u' needs a value"),
            (
                &["--network=other", "sh"],
                "option '--network' takes none, host or ns:PATH, not 'other'",
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
        for (words, detail) in [
            (&["--help"][..], "Full"),
            (&["-h"], "Brief"),
            (&["-ti", "-h", "sh"], "Brief"),
            (&["-tih"], "Brief"),
            (&["-h", "-ti", "sh"], "Brief"),
        ] {
            let expected = format!("Help(Command(run, {detail}))");
            assert_eq!(run(words).unwrap_err(), expected, "{words:?}");
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
    fn switches_have_pflags_values() {
        for (words, expected) in [
            (&["--tty=false", "sh"][..], (false, false)),
            (&["-ti", "--tty=0", "sh"], (true, false)),
            (
                &["--tty=True", "--init=t", "--rm=true", "sh"],
                (false, true),
            ),
            (&["-t=false", "-i", "sh"], (true, false)),
            (&["-it=true", "sh"], (true, true)),
            (&["-tie", "A=1", "sh"], (true, true)),
            (&["-tieA=1", "sh"], (true, true)),
            // docker's, which ask for what is so here.
            (
                &[
                    "-it",
                    "--detach=false",
                    "--sig-proxy=true",
                    "--publish-all=false",
                    "sh",
                ],
                (true, true),
            ),
        ] {
            let (run, _) = run(words).unwrap();
            assert_eq!((run.interactive, run.tty), expected, "{words:?}");
        }
        let message = "option '--tty' takes true or false, not 'maybe'";
        assert_eq!(run(&["--tty=maybe", "sh"]).unwrap_err(), message);
    }

    #[test]
    fn what_needs_a_root_says_so() {
        for row in options::all(options::RUN).filter(|row| row.needs == options::Needs::Root) {
            let name = format!("--{}", row.long);
            let words = match row.value_name() {
                Some(_) => vec![name.as_str(), "x", "sh"],
                None => vec![name.as_str(), "sh"],
            };
            let message =
                format!("{name}: it needs --rootfs DIR (--rootfs / is the caller's own tree)");
            assert_eq!(run(&words).unwrap_err(), message);
        }
        assert!(run(&["--read-only=false", "sh"]).is_ok());
    }
}
