//! Which hierarchies have something to limit or to count, and what.

use super::asker::Asker;
use super::fill;
use super::layout::{Hierarchy, Layout};
use super::settings::{Setting, settings};
use super::{Controller, Version};
use crate::error::Error;
use crate::field::Field;
use crate::spec::limits::Limits;
use crate::sys::{Errno, clone, descriptor, facts, kernel};
use std::os::fd::AsFd;

/// Why a container is in cgroups that limit nothing.
#[derive(Clone, Copy)]
pub struct Presence {
    /// `--cgroup-parent` was given.
    pub named: bool,
    pub counted: Counted,
    /// Whether processor time is counted, or it is an error: `--cpu-time`.
    pub times: bool,
    /// It stays, and everything is to be had of it that can be.
    pub kept: bool,
}

/// Whether what a container uses is counted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    No,
    /// As far as that works.
    IfItCanBe,
    /// Where nothing counts, that is an error: `--report-cgroup`.
    Surely,
}

impl Presence {
    /// `wanted`: whether someone wants to know what is used.
    pub fn new(limits: &Limits, wanted: bool) -> Self {
        Self {
            named: limits.parent.is_some(),
            times: limits.cpu_time.is_some(),
            kept: limits.is_kept,
            counted: match (limits.is_counted, wanted) {
                (true, _) => Counted::Surely,
                (false, true) => Counted::IfItCanBe,
                (false, false) => Counted::No,
            },
        }
    }

    pub fn is_counted(self) -> bool {
        self.counted != Counted::No
    }
}

/// What a hierarchy has to do.
pub struct Part<'l, 'a> {
    /// Who needs it first.
    pub asker: Asker,
    pub hierarchy: &'l Hierarchy<'a>,
    pub version: Version,
    /// The controllers of v1 that are bound to it, or those that v1 has left to v2.
    pub controllers: Vec<Controller>,
    /// The names of those that have settings.
    pub needed: Vec<&'static str>,
    pub settings: Vec<Setting>,
    /// The names of others of v2 that are wished for, the one that matters most first: as many as can be had.
    pub wished: Vec<&'static str>,
    /// A start goes on without it.
    pub is_optional: bool,
}

/// The parts of all hierarchies that have one, in the order in which their cgroups are made.
///
/// Errors: a limit that there is nowhere.
#[cold]
#[inline(never)]
pub fn parts<'l, 'a>(
    layout: &'l Layout<'a>,
    limits: &Limits,
    presence: Presence,
) -> Result<Vec<Part<'l, 'a>>, Error> {
    let devices = devices(limits)?;
    let ask = |controller, version| ask(limits, &devices, controller, version);
    let mut parts = Vec::new();
    for hierarchy in &layout.v1 {
        parts.extend(in_v1((layout, hierarchy), presence, &ask)?);
    }
    parts.extend(in_v2(layout, presence, &ask)?);
    Ok(parts)
}

/// What is asked of some controllers.
struct Needs {
    /// Who needs one first.
    asker: Option<Asker>,
    settings: Vec<Setting>,
    names: Vec<&'static str>,
}

impl Needs {
    fn of(
        controllers: impl Iterator<Item = Controller>,
        version: Version,
        ask: &impl Fn(Controller, Version) -> Result<Vec<Setting>, Error>,
    ) -> Result<Self, Error> {
        let mut needs = Self {
            asker: None,
            settings: Vec::new(),
            names: Vec::new(),
        };
        for controller in controllers {
            let name = match version {
                Version::V1 => Some(controller.v1_name()),
                Version::V2 => controller.v2_name(),
            };
            let Some(name) = name else { continue };
            let settings = ask(controller, version)?;
            if let Some(setting) = settings.first() {
                needs.names.push(name);
                needs.asker.get_or_insert(Asker {
                    field: setting.field,
                    controller: name,
                });
            }
            needs.settings.extend(settings);
        }
        Ok(needs)
    }
}

/// The part of a hierarchy of v1, if it has one.
#[cold]
#[inline(never)]
fn in_v1<'l, 'a>(
    (layout, found): (&Layout<'_>, &'l Hierarchy<'a>),
    Presence {
        named,
        counted,
        times,
        kept,
    }: Presence,
    ask: &impl Fn(Controller, Version) -> Result<Vec<Setting>, Error>,
) -> Result<Option<Part<'l, 'a>>, Error> {
    let needs = Needs::of(found.controllers(), Version::V1, ask)?;
    let Some(first) = found.controllers().next() else {
        return Ok(None);
    };
    let counts = found.controllers().any(Controller::counts);
    let (asker, is_optional) = match needs.asker {
        None if found.only_freezes() && !kept => return Ok(None),
        None if found.only_freezes() => (None, true),
        Some(asker) => (Some(asker), false),
        None if times && found.has(Controller::CpuAccounting) => {
            let asker = Asker {
                field: Field::CpuTime,
                controller: Controller::CpuAccounting.v1_name(),
            };
            (Some(asker), false)
        }
        // Who names a cgroup wants the container there, in every hierarchy that is to be seen.
        None if named && layout.mounts(found).next().is_some() => (None, false),
        None if counts && counted == Counted::Surely => {
            let asker = Asker {
                field: Field::CgroupReport,
                controller: first.v1_name(),
            };
            (Some(asker), false)
        }
        None if kept || counts && counted == Counted::IfItCanBe => (None, true),
        None => return Ok(None),
    };
    let all_of_them = Asker {
        field: Field::CgroupParent,
        controller: first.v1_name(),
    };
    Ok(Some(Part {
        asker: asker.unwrap_or(all_of_them),
        hierarchy: found,
        version: Version::V1,
        controllers: found.controllers().collect(),
        needed: needs.names,
        settings: needs.settings,
        wished: Vec::new(),
        is_optional,
    }))
}

/// The part of v2, if it has one.
#[cold]
#[inline(never)]
fn in_v2<'l, 'a>(
    layout: &'l Layout<'a>,
    Presence {
        named,
        counted,
        times,
        kept,
    }: Presence,
    ask: &impl Fn(Controller, Version) -> Result<Vec<Setting>, Error>,
) -> Result<Option<Part<'l, 'a>>, Error> {
    let needs = Needs::of(free(layout), Version::V2, ask)?;
    let is_mounted = |v2: &Hierarchy<'_>| layout.mounts(v2).next().is_some();
    let all_of_them = Asker {
        field: Field::CgroupParent,
        controller: "cgroup v2",
    };
    let (asker, is_optional) = match needs.asker {
        Some(asker) => (asker, false),
        None if times && layout.v1_of(Controller::CpuAccounting).is_none() => {
            let asker = Asker {
                field: Field::CpuTime,
                // v2 counts without one.
                controller: Controller::CpuAccounting.v1_name(),
            };
            (asker, false)
        }
        None if named && layout.v2.as_ref().is_some_and(is_mounted) => (all_of_them, false),
        None if counted == Counted::Surely && free(layout).any(Controller::counts) => {
            let asker = Asker {
                field: Field::CgroupReport,
                ..all_of_them
            };
            (asker, false)
        }
        None if kept && layout.v2.as_ref().is_some_and(is_mounted) => (all_of_them, true),
        None => return Ok(None),
    };
    let names = WISHED
        .into_iter()
        .filter(|one| layout.v1_of(*one).is_none());
    let names = names.filter_map(Controller::v2_name);
    let wished = names.filter(|name| kept && !needs.names.contains(name));
    Ok(Some(Part {
        asker,
        hierarchy: hierarchy_of_v2(layout, asker)?,
        version: Version::V2,
        controllers: free(layout).collect(),
        wished: wished.collect(),
        needed: needs.names,
        settings: needs.settings,
        is_optional,
    }))
}

/// What a container that stays is counted and limited by, what is looked at most first.
const WISHED: [Controller; 5] = [
    Controller::Memory,
    Controller::Pids,
    Controller::Cpu,
    Controller::Io,
    Controller::Cpuset,
];

/// The controllers that v1 does not have.
fn free(layout: &Layout<'_>) -> impl Iterator<Item = Controller> {
    let all = Controller::ALL.into_iter();
    all.filter(|controller| layout.v1_of(*controller).is_none())
}

/// The first kernel of which it is known that who is born in a cgroup has its processors and memory nodes
/// ("cgroup/cpuset: Make cpuset_fork() handle CLONE_INTO_CGROUP properly"). Before that one keeps the parent's, but on
/// those older kernels into which the change was taken, and no number tells which these are.
pub const BORN_WITH_CPUSET: (u32, u32) = (6, 4);

/// Whether the container's first process is born in its cgroup of v2. Else it joins, which always applies everything,
/// and waits for milliseconds.
#[cold]
#[inline(never)]
pub fn is_born(layout: &Layout<'_>, limits: &Limits) -> bool {
    let Limits {
        processors, nodes, ..
    } = limits;
    // A cgroup that is named may have fewer than the caller has.
    let may_differ = processors.is_some() || nodes.is_some() || limits.parent.is_some();
    let may_differ = may_differ && free(layout).any(|one| one == Controller::Cpuset);
    clone::can_be_born_in_cgroup() && (!may_differ || kernel::version() >= BORN_WITH_CPUSET)
}

fn hierarchy_of_v2<'l, 'a>(
    layout: &'l Layout<'a>,
    asker: Asker,
) -> Result<&'l Hierarchy<'a>, Error> {
    layout.v2.as_ref().ok_or_else(|| {
        asker.refused(
            "no hierarchy of cgroups is mounted that has it; see cgroups(7) (mount -t cgroup2 none \
             /sys/fs/cgroup)",
        )
    })
}

/// Whether a container without any cgroup is an error, though nothing is limited.
pub fn is_needed(limits: &Limits) -> bool {
    limits.parent.is_some() || limits.is_counted
}

/// A cgroup is wanted, and there is none.
pub fn no_hierarchy(limits: &Limits) -> Error {
    Error::refused(
        if limits.parent.is_some() {
            Field::CgroupParent.spelled()
        } else {
            Field::CgroupReport.spelled()
        },
        "no hierarchy of cgroups is mounted; see cgroups(7) (mount -t cgroup2 none /sys/fs/cgroup)",
    )
}

impl Controller {
    /// Whether its figures are reported.
    pub(super) fn counts(self) -> bool {
        matches!(self, Self::Memory | Self::CpuAccounting | Self::Pids)
    }
}

fn ask(
    limits: &Limits,
    devices: &[String],
    controller: Controller,
    version: Version,
) -> Result<Vec<Setting>, Error> {
    settings(limits, devices, controller, version).map_err(|_too_many| fill::too_many_shares())
}

/// The numbers of the limited devices, as the kernel prints them.
fn devices(limits: &Limits) -> Result<Vec<String>, Error> {
    let numbers = limits.devices.iter().map(|limit| {
        let operation = format!("{}:", limit.field());
        let failed = |errno| Error::new(operation.as_str(), limit.path.to_bytes(), errno);
        let opened = descriptor::open(&limit.path, libc::O_PATH, 0).map_err(failed)?;
        match facts::facts(opened.as_fd()).map_err(failed)?.kind {
            facts::Kind::Block(device) => Ok(format!("{}:{}", device.major, device.minor)),
            _ => Err(failed(Errno::ENOTBLK)),
        }
    });
    numbers.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEPT: Presence = Presence {
        named: false,
        counted: Counted::No,
        times: false,
        kept: true,
    };

    fn found(mountinfo: &[u8], own: &[u8], limits: &Limits, presence: Presence) -> Vec<String> {
        let layout = Layout::new(mountinfo, own);
        let parts = parts(&layout, limits, presence).unwrap();
        let parts = parts.iter().map(|part| {
            let names: Vec<&str> = part.controllers.iter().map(|one| one.v1_name()).collect();
            format!(
                "{}{:?} {} needs {:?} wishes {:?}",
                if part.is_optional { "perhaps " } else { "" },
                part.version,
                names.join(","),
                part.needed,
                part.wished
            )
        });
        parts.collect()
    }

    #[test]
    fn what_stays_is_everywhere() {
        const V1: &[u8] = b"1 2 0:1 / /a rw - cgroup cgroup rw,memory\n1 2 0:1 / /b rw - cgroup cgroup rw,freezer\n";
        const OWN: &[u8] = b"9:name=systemd:/\n6:freezer:/\n5:devices:/\n4:memory:/\n0::/\n";
        let not_kept = Presence {
            kept: false,
            ..KEPT
        };
        let named = Presence {
            named: true,
            ..KEPT
        };
        let memory = Limits {
            memory: Some(1 << 20),
            ..Limits::default()
        };
        let nothing = Limits::default();
        let none: [&str; 0] = [];
        assert_eq!(found(V1, OWN, &nothing, not_kept), none);
        let freezer = "perhaps V1 freezer needs [] wishes []";
        let unneeded = "perhaps V1 memory needs [] wishes []";
        let needed = "V1 memory needs [\"memory\"] wishes []";
        assert_eq!(found(V1, OWN, &nothing, KEPT), [freezer, unneeded]);
        assert_eq!(found(V1, OWN, &memory, KEPT), [freezer, needed]);
        // No one was ever put into a freezer by naming a cgroup.
        let all = "V1 memory needs [] wishes []";
        assert_eq!(found(V1, OWN, &nothing, named), [freezer, all]);
        let named = Presence {
            kept: false,
            ..named
        };
        assert_eq!(found(V1, OWN, &nothing, named), [all]);

        const V2: &[u8] = b"1 2 0:1 / /c rw - cgroup2 cgroup2 rw\n";
        let of_v2 = "V2 memory,cpu,cpuacct,cpuset,pids,blkio,freezer";
        let wishes = r#"needs [] wishes ["memory", "pids", "cpu", "io", "cpuset"]"#;
        let expected = format!("perhaps {of_v2} {wishes}");
        assert_eq!(found(V2, b"0::/\n", &nothing, KEPT), [expected]);
        let wishes = r#"needs ["memory"] wishes ["pids", "cpu", "io", "cpuset"]"#;
        let expected = format!("{of_v2} {wishes}");
        assert_eq!(found(V2, b"0::/\n", &memory, KEPT), [expected]);
        assert_eq!(found(b"", b"0::/\n", &nothing, KEPT), none);
    }
}
