//! What a specification needs to know of the process that called.

use super::origin::Origin;
use crate::docker::image;
use crate::docker::specify;
use crate::docker::{AccountReader, Caller, IdFinder, RunArgs};
use crate::error::Error;
use crate::host::limits::fresh_digits;
use crate::host::root::accounts;
use crate::log::{Level, Log, Value};
use crate::spec::{ContainerSpec, Namespace, RootSpec, Surroundings, TERMINAL_GROUP};
use crate::sys::{Errno, identity, namespace};
use std::borrow::Cow;
use std::ffi::CStr;

/// Whom the command line's reading asks, and what it finds there.
#[derive(Clone, Copy)]
pub struct Asking<'a> {
    pub origin: Origin<'a>,
    /// The host name of a container that is given none; `None`: one that no other has.
    pub host_name: Option<&'a str>,
}

/// Looks at the caller, as far as the arguments make it necessary, and writes the specification; with `ids` for a
/// container of root's that has many.
pub fn specify(
    arguments: &RunArgs,
    ids: &IdFinder<'_>,
    asking: &Asking<'_>,
) -> Result<ContainerSpec, Error> {
    let accounts: &AccountReader<'_> = &|root, name| match root {
        Some(root) => accounts(root, name),
        None => read_if_there(&format!("/etc/{name}")),
    };
    as_caller(ids, asking, accounts, |caller| {
        let mut spec = specify::specify(arguments, caller)?;
        look_at_host(&mut spec, arguments)?;
        Ok(spec)
    })
}

/// Does `what` as the one whom `asking` asks, in the eyes of whom `accounts` are the container's.
pub fn as_caller<T>(
    ids: &IdFinder<'_>,
    asking: &Asking<'_>,
    accounts: &AccountReader<'_>,
    what: impl FnOnce(&Caller<'_>) -> Result<T, Error>,
) -> Result<T, Error> {
    let origin = asking.origin;
    let user = identity::effective_user();
    // An ordinary user may not change its groups, and is mapped instead.
    let droppable_groups = if user == 0 {
        droppable_groups()?
    } else {
        Vec::new()
    };
    let fresh_name = match asking.host_name {
        Some(name) => Cow::Borrowed(name),
        None => Cow::Owned(fresh_digits()),
    };
    what(&Caller {
        user,
        group: identity::effective_group(),
        droppable_groups: &droppable_groups,
        variable: &|name| origin.variable(name),
        named_variables: &|names| origin.variables(names),
        accounts,
        named_file: &|file| origin.file(file),
        file: &read_if_there,
        directory: &|| {
            let found = origin.directory();
            found.map_err(|errno| Error::new("find", "the working directory", errno))
        },
        ids,
        fresh_name: &fresh_name,
    })
}

/// What is so on this host, as far as the container depends on it.
pub fn look_at_host(spec: &mut ContainerSpec, arguments: &RunArgs) -> Result<(), Error> {
    // An ordinary user's containers have a user namespace of their own anyway.
    let is_shared = !spec.namespaces.is_new(Namespace::User);
    if is_shared && (spec.root.is_some() || !spec.namespaces.is_new(Namespace::Pid)) {
        spec.surroundings = surroundings()?;
    }
    if let Some(root) = &mut spec.root {
        look_for_root(root, arguments);
    }
    Ok(())
}

/// Warns root, whose container sees the host's files and may change all of them, if what was typed makes sense with an
/// image alone: `run busybox rm -rf x` removes x on the host. It is for a command that runs: of one that is not there
/// the error says all of it.
pub fn warn(arguments: &RunArgs, log: &Log) {
    let Some(word) = image::typed_for_one(arguments) else {
        return;
    };
    if identity::effective_user() == 0 {
        let fields = [("typed", Value::Text(word))];
        log.write(Level::Warn, image::WARNING.as_bytes(), &fields);
    }
}

/// What a root of the container's own depends on.
#[cold]
#[inline(never)]
fn look_for_root(root: &mut RootSpec, arguments: &RunArgs) {
    let hides_in_sys = |path: &Cow<'static, CStr>| path.to_bytes().starts_with(b"/sys/");
    if root.masked.iter().any(hides_in_sys) {
        let throttles = super::security::throttles().into_iter();
        root.masked.extend(throttles.map(Cow::Owned));
    }
    if arguments.privileged {
        super::devices::add_all(root);
    }
}

/// The user namespace that this process is in.
#[cold]
#[inline(never)]
fn surroundings() -> Result<Surroundings, Error> {
    if namespace::is_initial_user() {
        return Ok(Surroundings::Host);
    }
    let maps = read_if_there("/proc/self/gid_map")?;
    let mut groups = identity::mapped(&maps).into_iter();
    Ok(Surroundings::UserNamespace {
        has_terminal_group: groups.any(|group| group.outside(TERMINAL_GROUP).is_some()),
    })
}

/// The caller's supplementary groups, unless the user namespace that mydocker itself runs in (a
/// container of an ordinary user, say) forbids to change groups: then they stay as they are.
fn droppable_groups() -> Result<Vec<u32>, Error> {
    let groups = identity::groups().map_err(|errno| Error::new("getgroups", "", errno))?;
    if groups.iter().all(|group| *group == 0) {
        // Nothing to drop for a container's root.
        return Ok(groups);
    }
    // Setting what is set changes nothing and shows whether it is allowed.
    match identity::set_groups(&groups) {
        Err(Errno::EPERM) if read_if_there("/proc/self/setgroups")?.starts_with(b"deny") => {
            Ok(Vec::new())
        }
        _ => Ok(groups),
    }
}

#[cold]
#[inline(never)]
fn read_if_there(path: &str) -> Result<Vec<u8>, Error> {
    match std::fs::read(path) {
        Ok(content) => Ok(content),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => {
            let errno = Errno::new(error.raw_os_error().unwrap_or(libc::EIO));
            Err(Error::new("read", path, errno))
        }
    }
}
