//! The cgroups that a container needs: found by looking, in the order of the hierarchies; then made, or previewed.

use super::assign::{self, Part, Presence};
use super::directory::joined;
use super::foresee;
use super::group::Group;
use super::layout::Layout;
use super::parent::{Controllers, Search, Site, Written};
use super::record::PREFIX;
use super::settings::Setting;
use super::{Controller, Version};
use crate::error::Error;
use crate::guard::Request;
use crate::spec::limits::Limits;
use std::ffi::{CStr, CString};

/// The cgroups of a container.
pub struct Wanted<'l, 'a> {
    layout: &'l Layout<'a>,
    limits: &'l Limits,
    presence: Presence,
    has_keeper: bool,
    name: CString,
    parts: Vec<Part<'l, 'a>>,
}

impl<'l, 'a> Wanted<'l, 'a> {
    /// The cgroups for `limits`, called after `digits`; with those that count, if `counted`. A container that `has_keeper` is
    /// born in none of them: its first process stays outside, and the command joins.
    ///
    /// Errors: a limit that there is nowhere.
    #[cold]
    #[inline(never)]
    pub fn look(
        layout: &'l Layout<'a>,
        limits: &'l Limits,
        counted: bool,
        has_keeper: bool,
        digits: &str,
    ) -> Result<Self, Error> {
        let presence = Presence::new(limits, counted);
        Ok(Self {
            layout,
            limits,
            presence,
            has_keeper,
            name: CString::new([PREFIX, digits].concat()).unwrap_or_default(),
            parts: assign::parts(layout, limits, presence)?,
        })
    }

    /// Does `what` with each part.
    fn each(
        &mut self,
        mut what: impl FnMut(&Self, Part<'l, 'a>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut is_none = true;
        for part in std::mem::take(&mut self.parts) {
            let is_optional = part.is_optional;
            match what(self, part) {
                // What it would have counted is not reported: nothing is limited by it.
                Err(_) if is_optional => {}
                done => {
                    done?;
                    is_none = false;
                }
            }
        }
        match is_none && assign::is_needed(self.limits) {
            true => Err(assign::no_hierarchy(self.limits)),
            false => Ok(()),
        }
    }

    /// Has `attempt` search for a site that has all controllers which are wished for; then for one with fewer, down to
    /// those that are needed.
    fn search<T>(
        &self,
        part: &Part<'l, 'a>,
        mut attempt: impl FnMut(&Search<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut count = part.wished.len();
        loop {
            let wished = part.wished.iter().take(count);
            let needed: Vec<&str> = part.needed.iter().chain(wished).copied().collect();
            let searched = attempt(&Search {
                asker: part.asker,
                layout: self.layout,
                hierarchy: part.hierarchy,
                version: part.version,
                named: self.limits.parent.as_deref(),
                controllers: Controllers {
                    needed: &needed,
                    optional: match self.presence.is_counted() {
                        true if part.wished.is_empty() => &["memory", "pids"],
                        _ => &part.wished,
                    },
                },
            });
            if searched.is_ok() || count == 0 {
                return searched;
            }
            count -= 1;
        }
    }

    /// Whether the container is born in its cgroup of v2.
    fn is_born(&self) -> bool {
        !self.has_keeper && assign::is_born(self.layout, self.limits)
    }
}

impl Request for Wanted<'_, '_> {
    type Guard = Group;
    type Preview = Vec<Preview>;

    /// Errors: a limit that cannot be set, with what is missing.
    #[cold]
    #[inline(never)]
    fn acquire(mut self) -> Result<Group, Error> {
        let mut group = Group::new(self.name.clone(), self.limits.parent.clone());
        self.each(|wanted, part| {
            wanted.search(&part, |search| {
                group.add(&part, search, || wanted.is_born())
            })
        })?;
        Ok(group)
    }

    #[cold]
    #[inline(never)]
    fn preview(mut self) -> Result<Vec<Preview>, Error> {
        let mut previews = Vec::new();
        self.each(|wanted, part| {
            let name = &wanted.name;
            let (site, ()) =
                wanted.search(&part, |search| search.find(|site| site.preview(name)))?;
            foresee::refuse(&part.settings, part.version, &site, name)?;
            let join = match part.version {
                Version::V1 => Some(c"tasks"),
                Version::V2 if wanted.is_born() => None,
                Version::V2 => Some(c"cgroup.procs"),
            };
            previews.push(Preview::new(part, site, name, join));
            Ok(())
        })?;
        Ok(previews)
    }
}

/// A cgroup that would be made.
pub struct Preview {
    pub path: CString,
    /// Of cgroup v2; else of v1.
    pub is_v2: bool,
    /// The controllers of v1 that are bound to its hierarchy, or those of v2 that are used; of a container that stays also
    /// those that it may not get.
    pub controllers: Vec<&'static str>,
    /// Cgroups on the way there that would be made, and would stay.
    pub missing: Vec<CString>,
    /// What would be written above it first.
    pub above: Vec<Written>,
    /// In the order in which they would be written.
    pub settings: Vec<Setting>,
    /// The file by which the container would join it. `None`: it is born there.
    pub join: Option<CString>,
}

impl Preview {
    fn new(part: Part<'_, '_>, site: Site, name: &CStr, join: Option<&CStr>) -> Self {
        let path = joined(site.path(), name);
        let is_v2 = part.version == Version::V2;
        let of_v1 = part.controllers.into_iter().map(Controller::v1_name);
        Self {
            join: join.map(|file| joined(&path, file)),
            path,
            is_v2,
            controllers: match is_v2 {
                true => [part.needed, part.wished].concat(),
                false => of_v1.collect(),
            },
            missing: site.missing,
            above: site.written,
            settings: part.settings,
        }
    }
}
