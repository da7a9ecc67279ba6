//! Namespaces: which the container has of its own, which it joins, and who is who in its user namespace. From
//! `linux.namespaces`, `uidMappings`, `gidMappings` and `timeOffsets` to steps.
//!
//! The clone makes those that are new, and the child joins the others, each with the rights that it takes:
//!
//! ```text
//! no user namespace           clone into the new ones; the child joins the others
//! a new one                   clone into all; mydocker maps the ids from outside, the child becomes root
//! a new one, others joined    a forerunner joins the others, as mydocker; the first process is born of it, into the new ones
//! one that is joined          a forerunner joins all, as mydocker or as the root of that one; the first process is born of it,
//!                             and the new ones are that one's
//! ```
//!
//! A cgroup namespace is made when the cgroups are joined, for its top is where its maker is. A time namespace is made by
//! unshare(2) before the child becomes root, while its files in /proc are its own.

use super::config::{Config, IdMapping, Linux, NamespaceKind, NamespaceOf, TimeOffset};
use super::users;
use crate::error::Error;
use crate::launch::id_maps;
use crate::launch::joined::{self, Joined};
use crate::plan::process::{JoinOf, ProcessStep};
use crate::plan::{Gate, Step};
use crate::spec::{IdMap, Ids, Namespace, Namespaces};
use crate::sys::identity;
use std::fmt::Write as _;
use std::os::fd::{AsFd, BorrowedFd};

/// The container's namespaces.
pub struct NamespacesOf {
    /// What the first process is born into (`Launch::namespaces`).
    pub new: Namespaces,
    /// What is joined, by slot (`Launch::joined`).
    pub joined: Vec<Joined>,
    /// The ids that mydocker maps at `Gate::IdsMapped` (`Launch::ids`).
    pub ids: Option<Ids>,
    /// Whether setgroups(2) is given up in the new user namespace.
    pub denies_groups: bool,
    /// Whether the plan has a forerunner: that joins the cgroups then, and ends with this step.
    pub forerunner: Option<Step>,
    /// For the plan's `birth`: after the cgroups are joined and the OOM score is written, if there is no forerunner.
    pub birth: Vec<Step>,
    /// For the beginning of the plan's `container`.
    pub container: Vec<Step>,
    /// What is not the runtime's own.
    own: Vec<NamespaceKind>,
    /// Whether all that is joined is joined by a forerunner.
    is_forerun: bool,
}

impl NamespacesOf {
    /// The PID namespace that the container is born in, if mydocker is to join it (`Launch::pid_namespace`).
    pub fn pid(&self) -> Option<BorrowedFd<'_>> {
        match self.is_forerun {
            false => joined::pid_namespace(&self.joined),
            true => None,
        }
    }

    /// Whether the container has one of its own, new or joined.
    pub fn has_own(&self, kind: NamespaceKind) -> bool {
        self.own.contains(&kind)
    }

    /// Whether it is born into a new one.
    pub fn is_new(&self, namespace: Namespace) -> bool {
        self.new.contains(namespace)
    }

    /// The namespace of this kind that is joined.
    pub fn joined(&self, namespace: Namespace) -> Option<&Joined> {
        let mut joined = self.joined.iter();
        joined.find(|one| one.namespace == namespace)
    }
}

/// The namespaces that `config` asks for; those that are joined are open.
///
/// Errors: what contradicts itself, and what cannot be opened or is of another kind.
pub fn read(config: &Config) -> Result<NamespacesOf, Error> {
    read_beside(config, &joined::is_callers)
}

/// [`read`], of a runtime that is in the namespaces of which `is_ours` says so.
fn read_beside(config: &Config, is_ours: &dyn Fn(&Joined) -> bool) -> Result<NamespacesOf, Error> {
    let linux = &config.linux;
    check(&linux.namespaces)?;
    let mut of = NamespacesOf {
        new: Namespaces::NONE,
        joined: Vec::new(),
        ids: None,
        denies_groups: false,
        forerunner: None,
        birth: Vec::new(),
        container: Vec::new(),
        own: Vec::new(),
        is_forerun: false,
    };
    let mut joins = Vec::new();
    let mut is_callers_user = false;
    for one in &linux.namespaces {
        let namespace = namespace_of(one.kind);
        let Some(path) = &one.path else {
            of.own.push(one.kind);
            if !matches!(namespace, Namespace::Cgroup | Namespace::Time) {
                of.new = of.new.with(namespace);
            }
            continue;
        };
        let file = joined::open_path(namespace, path).map_err(|error| error.behind(LIST))?;
        // It is as if it were not named: nothing is to be joined, and what is in it is not the container's to set.
        if is_ours(&file) {
            check_ours(namespace, one, linux)?;
            is_callers_user |= namespace == Namespace::User;
            continue;
        }
        of.own.push(one.kind);
        let slot = u8::try_from(of.joined.len()).unwrap_or(u8::MAX);
        of.joined.push(file);
        joins.push(JoinOf {
            namespace,
            slot,
            name: path.clone(),
        });
    }
    if !is_callers_user {
        map_ids(config, &mut of)?;
    }
    time(&linux.time_offsets, &mut of)?;
    if of.ids.is_some() {
        become_root(&mut of);
    }
    join(joins, &mut of);
    let is_new =
        |of: &NamespacesOf, kind, namespace| of.has_own(kind) && of.joined(namespace).is_none();
    if is_new(&of, NamespaceKind::Cgroup, Namespace::Cgroup) {
        of.birth.push(Step::CgroupNamespace);
    }
    Ok(of)
}

const LIST: &str = "linux.namespaces";

/// Of a namespace that is the runtime's own.
fn check_ours(namespace: Namespace, one: &NamespaceOf, linux: &Linux) -> Result<(), Error> {
    match (namespace, &one.path) {
        (Namespace::Mount, Some(path)) => Err(no_mounts(path.to_bytes())),
        (Namespace::User, _) => users::check(linux, None),
        _ => Ok(()),
    }
}

fn check(namespaces: &[NamespaceOf]) -> Result<(), Error> {
    for (number, one) in namespaces.iter().enumerate() {
        let before = namespaces.iter().take(number);
        if before.into_iter().any(|before| before.kind == one.kind) {
            let subject = format!("{LIST}: {}", namespace_of(one.kind).name());
            return Err(Error::refused(subject, "the type is there twice"));
        }
    }
    if !namespaces
        .iter()
        .any(|one| one.kind == NamespaceKind::Mount)
    {
        return Err(no_mounts(LIST));
    }
    Ok(())
}

#[cold]
#[inline(never)]
fn no_mounts(named: impl AsRef<[u8]>) -> Error {
    Error::refused(
        named,
        "a container needs a mount namespace that is not the runtime's, or what is mounted in it would be the host's: add \
         one of type mount",
    )
}

/// The kinds of namespaces that `create` makes for the container.
pub fn made(config: &Config) -> Vec<Namespace> {
    let all = config.linux.namespaces.iter();
    let made = all.filter(|one| one.path.is_none());
    made.map(|one| namespace_of(one.kind)).collect()
}

const fn namespace_of(kind: NamespaceKind) -> Namespace {
    match kind {
        NamespaceKind::User => Namespace::User,
        NamespaceKind::Mount => Namespace::Mount,
        NamespaceKind::Pid => Namespace::Pid,
        NamespaceKind::Uts => Namespace::Uts,
        NamespaceKind::Ipc => Namespace::Ipc,
        NamespaceKind::Network => Namespace::Network,
        NamespaceKind::Cgroup => Namespace::Cgroup,
        NamespaceKind::Time => Namespace::Time,
    }
}

/// Who joins what: a forerunner, if that has to be before the first process is born.
fn join(joins: Vec<JoinOf>, of: &mut NamespacesOf) {
    let with_user = of.has_own(NamespaceKind::User) && !joins.is_empty();
    if with_user {
        of.is_forerun = true;
        of.forerunner = Some(ProcessStep::JoinNamespaces(joins).into());
        return;
    }
    for one in joins {
        let JoinOf {
            namespace,
            slot,
            name,
        } = one;
        let step = Step::JoinNamespace {
            namespace,
            slot,
            name,
        };
        match namespace {
            // mydocker's, for its child.
            Namespace::Pid => {}
            Namespace::Mount => of.container.push(step),
            _ => of.birth.push(step),
        }
    }
}

fn map_ids(config: &Config, of: &mut NamespacesOf) -> Result<(), Error> {
    let linux = &config.linux;
    let users = maps(&linux.user_mappings);
    let groups = maps(&linux.group_mappings);
    let has_mappings = !users.is_empty() || !groups.is_empty();
    if !of.has_own(NamespaceKind::User) {
        return match has_mappings {
            false => Ok(()),
            true => Err(Error::told(
                "user namespace mappings specified, but user namespace isn't enabled in the config",
            )),
        };
    }
    if let Some(joined) = of.joined(Namespace::User) {
        // Who is who in there is decided.
        return users::check(linux, Some(joined.file.as_fd()));
    }
    if !has_mappings {
        return Err(Error::told(
            "user namespaces enabled, but no namespace path to join nor mappings to apply specified",
        ));
    }
    for (name, maps) in [("uidMappings", &users), ("gidMappings", &groups)] {
        let mut inside = maps.iter().map(|map| map.inside);
        if !inside.any(|first| first == 0) {
            return Err(Error::refused(
                format!("linux.{name}"),
                "no line begins with the id 0 inside, as whom the container is set up",
            ));
        }
    }
    let is_root = identity::effective_user() == 0;
    of.denies_groups = !is_root && id_maps::maps_alone(&groups, identity::effective_group());
    of.ids = Some(Ids { users, groups });
    of.birth.push(Step::Await(Gate::IdsMapped));
    Ok(())
}

/// The root of the new user namespace.
fn become_root(of: &mut NamespacesOf) {
    if !of.denies_groups {
        // The caller's groups are not the container's. While we may: before the user.
        of.birth.push(ProcessStep::Groups(Vec::new()).into());
    }
    of.birth.extend([Step::Group(0), Step::User(0)]);
}

/// A new time namespace. (By then ids are mapped, and the process is not root yet.)
fn time(offsets: &[TimeOffset], of: &mut NamespacesOf) -> Result<(), Error> {
    if !of.has_own(NamespaceKind::Time) {
        return match offsets {
            [] => Ok(()),
            _ => Err(Error::told(
                "time namespace offsets specified, but time namespace isn't enabled in the config",
            )),
        };
    }
    if of.joined(Namespace::Time).is_some() {
        return match offsets {
            [] => Ok(()),
            _ => Err(Error::told(
                "time namespace enabled, but both namespace path and time offsets specified -- you may only provide one",
            )),
        };
    }
    let mut lines = String::new();
    for offset in offsets {
        let TimeOffset {
            clock,
            seconds,
            nanoseconds,
        } = offset;
        let subject = || format!("linux.timeOffsets.{clock}");
        if !matches!(clock.as_str(), "monotonic" | "boottime") {
            let reason = "only the clocks monotonic and boottime have one";
            return Err(Error::refused(subject(), reason));
        }
        if *nanoseconds >= 1_000_000_000 {
            return Err(Error::refused(subject(), "nanosecs is a second or more"));
        }
        let _ = writeln!(lines, "{clock} {seconds} {nanoseconds}");
    }
    of.birth
        .push(ProcessStep::TimeNamespace(lines.into_bytes()).into());
    Ok(())
}

fn maps(mappings: &[IdMapping]) -> Vec<IdMap> {
    let maps = mappings.iter().map(|mapping| IdMap {
        inside: mapping.container,
        outside: mapping.host,
        count: mapping.count,
    });
    maps.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::CStr;

    fn config(kinds: &[(NamespaceKind, Option<&CStr>)]) -> Config {
        let namespaces = kinds.iter().map(|(kind, path)| NamespaceOf {
            kind: *kind,
            path: path.map(CStr::to_owned),
        });
        Config {
            linux: Linux {
                namespaces: namespaces.collect(),
                ..Linux::default()
            },
            ..Config::default()
        }
    }

    /// Of a runtime that is in none of those that are named.
    fn refusal(config: &Config) -> String {
        match read_beside(config, &|_| false) {
            Ok(_) => panic!("not refused"),
            Err(error) => error.to_string(),
        }
    }

    fn zero() -> Vec<IdMapping> {
        vec![IdMapping {
            container: 0,
            host: 100_000,
            count: 10,
        }]
    }

    use NamespaceKind::{Cgroup, Ipc, Mount, Network, Pid, Time, User};

    #[test]
    fn what_contradicts_itself_is_refused() {
        let text = refusal(&config(&[(Pid, None)]));
        assert!(text.contains("add one of type mount"), "{text}");
        let text = refusal(&config(&[(Mount, None), (Pid, None), (Pid, None)]));
        assert!(text.contains("PID: the type is there twice"), "{text}");
        let text = refusal(&config(&[(Mount, None), (User, None)]));
        assert!(text.contains("nor mappings to apply"), "{text}");
        let text = refusal(&config(&[
            (Mount, None),
            (Network, Some(c"/proc/self/ns/pid")),
        ]));
        assert!(text.contains("of another kind, not a network"), "{text}");
        let text = refusal(&config(&[(Mount, None), (Network, Some(c"/dev/null"))]));
        assert!(text.contains("it is no network namespace"), "{text}");
        let text = refusal(&config(&[(Mount, None), (Network, Some(c"/nowhere"))]));
        assert!(
            text.contains("/nowhere") && text.contains("ENOENT"),
            "{text}"
        );

        let mut mapped = config(&[(Mount, None)]);
        mapped.linux.user_mappings = zero();
        assert!(refusal(&mapped).contains("user namespace isn't enabled"));
        mapped
            .linux
            .namespaces
            .extend(config(&[(User, None)]).linux.namespaces);
        assert!(refusal(&mapped).contains("linux.gidMappings: no line begins with the id 0"));

        let offset = |clock: &str, nanoseconds| TimeOffset {
            clock: clock.into(),
            seconds: 5,
            nanoseconds,
        };
        for (kinds, offset, expected) in [
            (
                &[(Mount, None)][..],
                offset("monotonic", 0),
                "isn't enabled",
            ),
            (
                &[(Mount, None), (Time, Some(c"/proc/self/ns/time"))],
                offset("monotonic", 0),
                "you may only provide one",
            ),
            (
                &[(Mount, None), (Time, None)],
                offset("realtime", 0),
                "only the clocks",
            ),
            (
                &[(Mount, None), (Time, None)],
                offset("boottime", 1_000_000_000),
                "a second or more",
            ),
        ] {
            let mut timed = config(kinds);
            timed.linux.time_offsets = vec![offset];
            let text = refusal(&timed);
            assert!(text.contains(expected), "{text}");
        }
    }

    #[test]
    fn what_is_joined_beside_a_user_namespace_takes_a_forerunner() {
        let ipc = (Ipc, Some(c"/proc/self/ns/ipc"));
        let read_as_anothers = |config: &Config| read_beside(config, &|_| false).unwrap();
        let of = read_as_anothers(&config(&[(Mount, None), (Cgroup, None), ipc]));
        assert!(of.forerunner.is_none() && of.has_own(Ipc) && !of.has_own(Pid));
        assert_eq!(of.new, Namespaces::NONE.with(Namespace::Mount));
        let [Step::JoinNamespace { namespace, .. }, Step::CgroupNamespace] = &of.birth[..] else {
            panic!("{:?}", of.birth);
        };
        assert_eq!(*namespace, Namespace::Ipc);

        let mut mapped = config(&[(Mount, None), (User, None), ipc, (Time, None)]);
        mapped.linux.user_mappings = zero();
        mapped.linux.group_mappings = zero();
        let of = read_as_anothers(&mapped);
        assert!(of.forerunner.is_some() && of.is_new(Namespace::User) && of.container.is_empty());
        assert_eq!(of.birth[0], Step::Await(Gate::IdsMapped));
        assert_eq!(of.birth[1], ProcessStep::TimeNamespace(Vec::new()).into());
        assert_eq!(of.birth.last(), Some(&Step::User(0)));

        // mydocker's own are those that a container has without.
        let of = read(&config(&[
            (Mount, None),
            (User, Some(c"/proc/self/ns/user")),
            ipc,
        ]))
        .unwrap();
        assert!(of.forerunner.is_none() && of.birth.is_empty() && of.joined.is_empty());
        assert!(!of.has_own(User) && !of.has_own(Ipc));
        let error = read(&config(&[(Mount, Some(c"/proc/self/ns/mnt"))])).err();
        let text = error.map_or_else(String::new, |error| error.to_string());
        assert!(
            text.contains("/proc/self/ns/mnt: a container needs a mount"),
            "{text}"
        );
    }
}
