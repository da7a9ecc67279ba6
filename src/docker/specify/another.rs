//! One more process in a container that runs: what `exec` asks, on top of what the container was asked for.

use super::{Protections, pairs_file, process, refusal};
use crate::docker::{Caller, ExecArgs, RunArgs};
use crate::error::Error;
use crate::spec::{ContainerSpec, HostName, Namespace, PidfdNumber, Terminal};
use std::ffi::{CString, OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

/// A container that runs.
pub struct Container<'a> {
    /// What it was asked for.
    pub arguments: &'a RunArgs,
    pub spec: ContainerSpec,
    /// Who asked for it; whose accounts are the container's own, as they are now.
    pub maker: &'a Caller<'a>,
    /// Its namespaces that are not the caller's.
    pub namespaces: &'a [Namespace],
    /// A process that is in them.
    pub pidfd: PidfdNumber,
}

/// The container as its new process has it, which `caller` asks for.
pub fn another(
    arguments: &ExecArgs,
    container: Container<'_>,
    caller: &Caller<'_>,
) -> Result<ContainerSpec, Error> {
    let Container {
        arguments: made,
        spec,
        maker,
        namespaces,
        pidfd,
    } = container;
    let lent = Lent::new(arguments, caller)?;
    let mut asked = made.clone();
    asked.command.clone_from(&arguments.command);
    asked.interactive = arguments.interactive;
    asked.privileged |= arguments.privileged;
    // The name of a terminal that it began with is one of its variables.
    asked.tty |= arguments.tty;
    asked.environment.extend(lent.set);
    if arguments.user.is_some() {
        asked.user.clone_from(&arguments.user);
    }
    if arguments.working_directory.is_some() {
        asked
            .working_directory
            .clone_from(&arguments.working_directory);
    }
    let variable = |name: &OsStr| match arguments.tty && name == "TERM" {
        true => (caller.variable)(name),
        false => (maker.variable)(name),
    };
    let asking = Caller {
        variable: &variable,
        ..*maker
    };
    let name = spec.hostname.as_ref().map(HostName::bytes);
    let protections = Protections::new(&asked)?;
    let mut process = process::asked(&asked, &asking, spec.root.as_ref(), name, &protections)?;
    // No one would read what a terminal shows that no one has.
    process.terminal = match arguments.tty && !arguments.detach {
        true => Terminal::Own,
        false => Terminal::None,
    };
    process
        .environment
        .retain(|variable| !lent.unset.iter().any(|name| is_of(variable, name)));
    if process.working_directory.is_none() && spec.root.is_none() {
        // Where the container's own command began.
        process.working_directory = CString::new((maker.directory)()?.as_bytes()).ok();
    }
    spec.entered(process, namespaces, pidfd, &caller.credentials())
        .map_err(|conflict| refusal::told(conflict, &asked))
}

fn is_of(variable: &CString, name: &OsStr) -> bool {
    let rest = variable.to_bytes().strip_prefix(name.as_bytes());
    rest.is_some_and(|rest| rest.starts_with(b"="))
}

/// The variables that are asked for, with the caller's values: the maker's need not be the same.
struct Lent {
    set: Vec<OsString>,
    /// What the caller has not set either.
    unset: Vec<OsString>,
}

impl Lent {
    fn new(arguments: &ExecArgs, caller: &Caller<'_>) -> Result<Self, Error> {
        let files = &arguments.environment_files;
        let wishes = pairs_file::before("--env-file", &arguments.environment, files, caller)?;
        let mut lent = Self {
            set: Vec::new(),
            unset: Vec::new(),
        };
        for wish in wishes {
            let equals = wish.as_bytes().iter().position(|byte| *byte == b'=');
            let name = &wish.as_bytes()[..equals.unwrap_or(wish.len())];
            lent.unset.retain(|unset| unset.as_bytes() != name);
            // (What has no name is refused with the others.)
            match (equals, (caller.variable)(&wish)) {
                _ if name.is_empty() => lent.set.push(wish),
                (Some(_), _) => lent.set.push(wish),
                (None, Some(value)) => {
                    let mut whole = wish;
                    whole.push("=");
                    whole.push(value);
                    lent.set.push(whole);
                }
                (None, None) => lent.unset.push(wish),
            }
        }
        Ok(lent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::docker::specify::specify;
    use crate::spec::{Filter, Identity};
    use crate::sys::capability::CapabilitySet;

    fn maker() -> Caller<'static> {
        Caller {
            variable: &|name| match name.to_str() {
                Some("TERM") => Some("made".into()),
                _ => None,
            },
            named_variables: &|_| vec![("TOKEN".into(), "old".into())],
            accounts: &|_, name| {
                Ok(match name {
                    "passwd" => b"root:x:0:0::/root:\nbob:x:7:8::/home/bob:\n".to_vec(),
                    _ => b"wheel:x:10:bob\n".to_vec(),
                })
            },
            directory: &|| Ok("/made/in".into()),
            ..Caller::bare(0)
        }
    }

    fn asked(made: RunArgs, arguments: ExecArgs) -> Result<ContainerSpec, String> {
        let maker = maker();
        let caller = Caller {
            variable: &|name| match name.to_str() {
                Some("TERM") => Some("typed".into()),
                Some("TOKEN") => Some("new".into()),
                _ => None,
            },
            ..Caller::bare(0)
        };
        let made = RunArgs {
            command: vec!["true".into()],
            ..made
        };
        let container = Container {
            spec: specify(&made, &maker).unwrap(),
            arguments: &made,
            maker: &maker,
            namespaces: &[Namespace::Pid, Namespace::Mount],
            pidfd: PidfdNumber(5),
        };
        let arguments = ExecArgs {
            command: vec!["id".into()],
            ..arguments
        };
        another(&arguments, container, &caller).map_err(|error| error.to_string())
    }

    fn words(words: &[&str]) -> Vec<OsString> {
        words.iter().map(OsString::from).collect()
    }

    fn environment(spec: &ContainerSpec) -> Vec<&str> {
        let all = spec.process.environment.iter().skip(2);
        all.map(|variable| variable.to_str().unwrap()).collect()
    }

    #[test]
    fn variables_are_the_containers_and_the_callers() {
        let made = || RunArgs {
            environment: words(&["A=1", "TOKEN", "GONE=1"]),
            tty: true,
            ..RunArgs::default()
        };
        let plain = asked(made(), ExecArgs::default()).unwrap();
        let expected = ["TERM=made", "HOME=/", "A=1", "TOKEN=old", "GONE=1"];
        assert_eq!(environment(&plain), expected);
        assert_eq!(plain.process.terminal, Terminal::None);
        let arguments = ExecArgs {
            environment: words(&["A=2", "GONE", "TOKEN", "NEITHER"]),
            tty: true,
            ..ExecArgs::default()
        };
        let lent = asked(made(), arguments).unwrap();
        let expected = ["TERM=typed", "HOME=/", "A=2", "TOKEN=new"];
        assert_eq!(environment(&lent), expected);
        assert_eq!(lent.process.terminal, Terminal::Own);
        let nameless = ExecArgs {
            environment: words(&["=x"]),
            ..ExecArgs::default()
        };
        let refused = asked(made(), nameless).unwrap_err();
        assert_eq!(refused, "--env =x: the variable has no name");
    }

    #[test]
    fn users_and_rights() {
        let made = || RunArgs {
            user: Some("bob".into()),
            added_capabilities: words(&["NET_ADMIN"]),
            working_directory: Some("/w".into()),
            ..RunArgs::default()
        };
        let own = asked(made(), ExecArgs::default()).unwrap();
        assert!(matches!(
            own.identity,
            Identity::Set {
                user: Some(7),
                group: Some(8),
                ..
            }
        ));
        assert_eq!(own.process.user.supplementary, [10]);
        assert_eq!(own.process.working_directory.as_deref(), Some(c"/w"));
        assert!(own.process.no_new_privileges && own.process.capabilities.ambient);
        assert!(own.joins(Namespace::Pid) && !own.joins(Namespace::Network));
        let arguments = ExecArgs {
            user: Some("root".into()),
            privileged: true,
            ..ExecArgs::default()
        };
        let privileged = asked(made(), arguments).unwrap();
        assert_eq!(privileged.process.user.id, 0);
        assert_eq!(privileged.process.capabilities.held, CapabilitySet::ALL);
        assert_eq!(privileged.process.filter, Filter::None);
        let relative = ExecArgs {
            working_directory: Some("w".into()),
            ..ExecArgs::default()
        };
        let refused = asked(RunArgs::default(), relative).unwrap_err();
        assert!(refused.contains("absolute"), "{refused}");
        let elsewhere = asked(RunArgs::default(), ExecArgs::default()).unwrap();
        assert_eq!(
            elsewhere.process.working_directory.as_deref(),
            Some(c"/made/in")
        );
    }
}
