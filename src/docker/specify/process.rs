//! The process that the command becomes.

use super::user::{Account, Accounts};
use super::{Protections, c_string, capabilities, environment, pairs_file, ulimit};
use crate::docker::{Caller, RunArgs};
use crate::error::Error;
use crate::spec::{Input, ProcessSpec, RootSpec, Terminal, User};
use std::ffi::{CString, OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// `root` is where its accounts are, `hostname` what its environment says.
pub fn asked(
    arguments: &RunArgs,
    caller: &Caller<'_>,
    root: Option<&RootSpec>,
    hostname: Option<&[u8]>,
    protections: &Protections,
) -> Result<ProcessSpec, Error> {
    let (user, home) = user(arguments, caller, root)?;
    let with_files;
    let variables = match &arguments.environment_files[..] {
        [] => &arguments.environment,
        files => {
            with_files = pairs_file::before("--env-file", &arguments.environment, files, caller)?;
            &with_files
        }
    };
    let environment = environment::build(&environment::Sources {
        wishes: variables,
        hostname,
        tty: arguments.tty,
        home,
        caller: caller.variable,
        named: caller.named_variables,
    })?;
    Ok(ProcessSpec {
        capabilities: capabilities::asked(arguments, user.id)?,
        user,
        resources: ulimit::all(&arguments.resources)?,
        oom_score_adjustment: ulimit::oom_score_adjustment(
            arguments.oom_score_adjustment.as_ref(),
        )?,
        no_new_privileges: protections.no_new_privileges,
        filter: protections.filter.clone(),
        new_keyring: !arguments.no_new_keyring,
        environment,
        working_directory: working_directory(arguments)?,
        terminal: match arguments.tty {
            true => Terminal::Own,
            false => Terminal::None,
        },
        input: match arguments.interactive {
            true => Input::Caller,
            false => Input::Nothing,
        },
        arguments: arguments
            .command
            .iter()
            .map(|argument| c_string("COMMAND", argument.as_bytes()))
            .collect::<Result<_, _>>()?,
    })
}

/// The user who was asked for, and the home of whoever runs the command.
fn user(
    arguments: &RunArgs,
    caller: &Caller<'_>,
    root: Option<&RootSpec>,
) -> Result<(User, Option<Vec<u8>>), Error> {
    let account = match &arguments.user {
        Some(request) => {
            let accounts = Accounts {
                passwd: (caller.accounts)(root, "passwd")?,
                group: (caller.accounts)(root, "group")?,
            };
            let mut account = Account::resolve(request.as_bytes(), &accounts)?;
            account.join(&arguments.groups, &accounts.group)?;
            account
        }
        None => {
            let mut account = Account::root(home(caller, root)?);
            if !arguments.groups.is_empty() {
                account.join(&arguments.groups, &(caller.accounts)(root, "group")?)?;
            }
            account
        }
    };
    let user = User {
        id: account.id,
        group: account.group,
        supplementary: account.supplementary,
        insists_on_groups: !arguments.groups.is_empty(),
    };
    Ok((user, account.home))
}

/// The home of root, if no one else was asked for.
fn home(caller: &Caller<'_>, root: Option<&RootSpec>) -> Result<Option<Vec<u8>>, Error> {
    Ok(match root {
        // The home of the container's own root. As docker does it, and if no one has said, /root.
        Some(root) => {
            let passwd = (caller.accounts)(Some(root), "passwd")?;
            Some(Account::home_of(0, &passwd).unwrap_or_else(|| b"/root".to_vec()))
        }
        // It sees the caller's files, so the caller's home is home.
        None => (caller.variable)(OsStr::new("HOME")).map(OsString::into_vec),
    })
}

fn working_directory(arguments: &RunArgs) -> Result<Option<CString>, Error> {
    let directory = arguments.working_directory.as_ref();
    directory
        .map(|directory| c_string("--workdir", directory.as_bytes()))
        .transpose()
}
