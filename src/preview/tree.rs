//! The container's tree of files as it will be: what is mounted where, and what is made on the way.
//!
//! A path is walked as the kernel does it in the container: name by name, through links as they are in the root, with
//! what is mounted at a name in its place.

use super::node::{Ground, Node, What, c_name, made};
use super::person::{EXECUTE, Person};
use crate::path_in_root::Missing;
use crate::report::{Failed, Part};
use crate::sys::Errno;
use crate::sys::facts::Kind;
use std::collections::{HashMap, VecDeque};
use std::ffi::CStr;

/// The longest path that the kernel takes, its terminator included (PATH_MAX).
const LONGEST_PATH: usize = 4096;

/// How many links the kernel follows in one path (MAXSYMLINKS).
const MOST_LINKS: u32 = 40;

/// A path from /, each name behind a slash; / itself is empty.
pub type ResolvedPath = Vec<u8>;

pub struct Tree {
    mounts: Vec<(ResolvedPath, Node)>,
    made: HashMap<ResolvedPath, Node>,
}

/// What a walk has come to.
pub enum Walked {
    There(ResolvedPath, Node),
    Missing(Gap),
    /// A look does not tell.
    Unknown,
}

/// Where a path is broken off.
pub struct Gap {
    above: ResolvedPath,
    directory: Node,
    name: Vec<u8>,
    /// Behind the name.
    rest: VecDeque<Vec<u8>>,
    links: u32,
}

impl Tree {
    /// Where / is this.
    pub fn new(root: Node) -> Self {
        Self {
            mounts: vec![(ResolvedPath::new(), root)],
            made: HashMap::new(),
        }
    }

    /// Covers what is there.
    pub fn mount(&mut self, place: ResolvedPath, node: Node) {
        let inner = [&place[..], b"/"].concat();
        self.made.retain(|made, _| !made.starts_with(&inner));
        self.mounts
            .retain(|(mounted, _)| !mounted.starts_with(&inner));
        self.mounts.push((place, node));
    }

    pub fn make(&mut self, place: ResolvedPath, node: Node) {
        self.made.insert(place, node);
    }

    /// Nothing of the mount that is / can be written any more.
    pub fn close(&mut self) {
        if let Some((_, root)) = self.mounts.iter_mut().find(|(place, _)| place.is_empty()) {
            root.ground.is_read_only = true;
        }
        let made = self.made.values_mut();
        // Those below another mount are not asked for any more.
        made.for_each(|node| node.ground.is_read_only |= node.ground.is_overlay);
    }

    fn at(&self, place: &[u8], directory: &Node, name: &CStr) -> Option<Node> {
        let mounted = self.mounts.iter().rev().find(|(at, _)| at == place);
        mounted
            .map(|(_, node)| node)
            .or_else(|| self.made.get(place))
            .cloned()
            .or_else(|| directory.child(name))
    }

    fn node_of(&self, place: &[u8]) -> Option<Node> {
        let (mut node, mut at) = (self.mounted(b"")?, ResolvedPath::new());
        for name in names(place) {
            at.push(b'/');
            at.extend(&name);
            node = self.at(&at, &node, &c_name(&name).ok()?)?;
        }
        Some(node)
    }

    fn mounted(&self, place: &[u8]) -> Option<Node> {
        let mut mounts = self.mounts.iter().rev();
        let found = mounts.find(|(at, _)| at == place);
        found.map(|(_, node)| node.clone())
    }

    /// Walks `path`, which begins at `start` unless it begins with a slash, as `person`.
    ///
    /// Errors: as open(2), but for ENOENT.
    pub fn walk(&self, person: &Person, start: &[u8], path: &[u8]) -> Result<Walked, Errno> {
        if path.len() >= LONGEST_PATH {
            return Err(Errno::ENAMETOOLONG);
        }
        let from = if path.starts_with(b"/") { b"" } else { start };
        let rest = names(path).collect();
        let is_directory = path.ends_with(b"/");
        let walked = self.walk_on(person, from.to_vec(), rest, 0)?;
        match walked {
            Walked::There(_, ref node) if is_directory && node.is_directory() == Some(false) => {
                Err(Errno::ENOTDIR)
            }
            walked => Ok(walked),
        }
    }

    fn walk_on(
        &self,
        person: &Person,
        from: ResolvedPath,
        mut rest: VecDeque<Vec<u8>>,
        mut links: u32,
    ) -> Result<Walked, Errno> {
        let mut at = from;
        let Some(mut node) = self.node_of(&at) else {
            return Ok(Walked::Unknown);
        };
        while let Some(name) = rest.pop_front() {
            if !may_be_passed(&node, person)? {
                return Ok(Walked::Unknown);
            }
            match &name[..] {
                b"." => continue,
                b".." => {
                    let end = at.iter().rposition(|byte| *byte == b'/');
                    at.truncate(end.unwrap_or(0));
                    let Some(above) = self.node_of(&at) else {
                        return Ok(Walked::Unknown);
                    };
                    node = above;
                    continue;
                }
                _ => {}
            }
            let place = [&at[..], b"/", &name].concat();
            let Some(found) = self.at(&place, &node, &c_name(&name)?) else {
                return Ok(Walked::Missing(Gap {
                    above: at,
                    directory: node,
                    name,
                    rest,
                    links,
                }));
            };
            let Some(content) = found.link() else {
                (at, node) = (place, found);
                continue;
            };
            links += 1;
            if links > MOST_LINKS {
                return Err(Errno::ELOOP);
            }
            for name in names(&content).collect::<Vec<_>>().into_iter().rev() {
                rest.push_front(name);
            }
            if content.starts_with(b"/") {
                at.clear();
                let Some(root) = self.mounted(b"") else {
                    return Ok(Walked::Unknown);
                };
                node = root;
            }
        }
        Ok(Walked::There(at, node))
    }

    /// What the start finds at a path of the container's, or makes where it is missing: as
    /// [`find_or_make`](crate::path_in_root::find_or_make) does it. `None` if a look does not tell.
    pub fn find_or_make(
        &mut self,
        person: &Person,
        path: &CStr,
        (missing, owner): (Missing, Option<(u32, u32)>),
        may: impl Fn(&Node) -> bool,
    ) -> Result<Option<(ResolvedPath, Node)>, Failed> {
        let find = |errno| Part::Target.failed(errno);
        let mut walked = self.walk(person, b"", path.to_bytes()).map_err(find)?;
        loop {
            let gap = match walked {
                Walked::There(place, node) => return Ok(Some((place, node))),
                Walked::Unknown => return Ok(None),
                Walked::Missing(gap) => gap,
            };
            if missing == Missing::Refuse || !may(&gap.directory) {
                return Err(find(Errno::ENOENT));
            }
            let (kind, mode) = match (missing, gap.rest.is_empty()) {
                (Missing::MakeFile, true) => (Kind::Regular, 0o644),
                _ => (Kind::Directory, 0o755),
            };
            if let Some(errno) = gap.directory.refuses_to_make(person, kind) {
                return Err(Part::Make.failed(errno));
            }
            let place = [&gap.above[..], b"/", &gap.name].concat();
            let node = Node::new(
                made(kind, mode, owner.unwrap_or(person.ids())),
                Ground {
                    shifted: None,
                    ..gap.directory.ground.clone()
                },
            );
            self.make(place.clone(), node);
            walked = self
                .walk_on(person, place, gap.rest, gap.links)
                .map_err(find)?;
        }
    }
}

impl Walked {
    /// What is there, or ENOENT. `None` if a look does not tell.
    pub fn found(self) -> Result<Option<(ResolvedPath, Node)>, Errno> {
        match self {
            Self::There(place, node) => match node.what {
                What::Unknown => Ok(None),
                _ => Ok(Some((place, node))),
            },
            Self::Missing(_) => Err(Errno::ENOENT),
            Self::Unknown => Ok(None),
        }
    }
}

fn names(path: &[u8]) -> impl Iterator<Item = Vec<u8>> + '_ {
    let names = path.split(|byte| *byte == b'/');
    names.filter(|name| !name.is_empty()).map(<[u8]>::to_vec)
}

/// Whether something can be found below `node`, or no look tells.
fn may_be_passed(node: &Node, person: &Person) -> Result<bool, Errno> {
    match node.is_directory() {
        None => Ok(false),
        Some(false) => Err(Errno::ENOTDIR),
        Some(true) if node.refuses(person, EXECUTE) => Err(Errno::EACCES),
        Some(true) => Ok(true),
    }
}
