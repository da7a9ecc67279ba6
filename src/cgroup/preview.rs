//! What the cgroups of a container would be: everything is looked at that [`Group::make`](super::Group::make) looks
//! at, in the same order, and nothing is made.

use super::assign::{self, Part, Presence};
use super::directory::joined;
use super::foresee;
use super::group::PREFIX;
use super::layout::Layout;
use super::parent::{self, Site, Wanted, Written};
use super::settings::Setting;
use super::{Controller, Version};
use crate::error::Error;
use crate::spec::limits::Limits;
use std::ffi::{CStr, CString};

/// A cgroup that would be made.
pub struct Preview {
    pub path: CString,
    /// Of cgroup v2; else of v1.
    pub is_v2: bool,
    /// The controllers of v1 that are bound to its hierarchy, or those of v2 that are used.
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

/// The cgroups of a container with these `limits`, called after `digits`; with those that count, if `counted`. One that
/// `has_keeper` joins them all.
///
/// Errors: a limit that cannot be set, as far as a look can tell.
#[cold]
#[inline(never)]
pub fn preview(
    layout: &Layout<'_>,
    limits: &Limits,
    counted: bool,
    has_keeper: bool,
    digits: &str,
) -> Result<Vec<Preview>, Error> {
    let devices = assign::devices(limits)?;
    let name = CString::new([PREFIX, digits].concat()).unwrap_or_default();
    let ask = |controller, version| assign::ask(limits, &devices, controller, version);
    let presence = Presence::new(limits, counted);
    let wished = limits.parent.as_deref();
    let mut previews = Vec::new();
    for found in &layout.v1 {
        let Some(part) = assign::in_v1((layout, found), presence, &ask)? else {
            continue;
        };
        let site = match parent::look_v1(part.asked, (layout, found), wished, &name) {
            Err(_) if part.only_counts => continue,
            site => site?,
        };
        foresee::refuse(&part.settings, Version::V1, &site, &name)?;
        let controllers = found.controllers().map(Controller::v1_name).collect();
        let entry = (Version::V1, Some(c"tasks"));
        previews.push(Preview::new(part, site, &name, entry, controllers));
    }
    if let Some((part, needed)) = assign::in_v2(layout, presence, &ask)? {
        let hierarchy = assign::hierarchy_of_v2(layout, part.asked)?;
        let controllers = Wanted::new(&needed, presence.is_counted());
        let site = parent::look_v2(part.asked, (layout, hierarchy), wished, controllers)?;
        foresee::refuse(&part.settings, Version::V2, &site, &name)?;
        let joins = has_keeper || !assign::is_born(layout, limits);
        let entry = (Version::V2, joins.then_some(c"cgroup.procs"));
        previews.push(Preview::new(part, site, &name, entry, needed));
    }
    if assign::is_needed(limits) && previews.is_empty() {
        return Err(assign::no_hierarchy(limits));
    }
    Ok(previews)
}

impl Preview {
    fn new(
        part: Part,
        site: Site,
        name: &CStr,
        (version, join): (Version, Option<&CStr>),
        controllers: Vec<&'static str>,
    ) -> Self {
        let path = joined(&site.path, name);
        Self {
            join: join.map(|file| joined(&path, file)),
            path,
            is_v2: version == Version::V2,
            controllers,
            missing: site.missing,
            above: site.written,
            settings: part.settings,
        }
    }
}
