//! The steps of a root, done to a [`Tree`] in the place of the container's own.

use super::node::{Ground, Node, What, made};
use super::person::Person;
use super::tree::{ResolvedPath, Tree};
use crate::path_in_root::Missing;
use crate::plan::root::{
    BindMount, DeviceNode, EtcFile, FileSystem, KernelFs, MountKernelFs, OverlayMount, RootStep,
    Way, Without,
};
use crate::report::{Failed, Part};
use crate::spec::{self, Base, ContainerSpec, MountSource, Overlay, RootSpec, Writes};
use crate::sys::facts::{self, Kind};
use crate::sys::{Errno, MountFlags, descriptor, kernel, mount_list};
use std::ffi::CStr;
use std::os::fd::AsFd;
use std::rc::Rc;

/// A root on its way.
pub struct Coming<'a> {
    spec: &'a ContainerSpec,
    root: &'a RootSpec,
    set_up: Person,
    pub tree: Tree,
    /// What becomes of a place for /proc, /sys or /dev that is missing.
    places: Missing,
    /// What lies on the stage, by name.
    staged: Vec<(Vec<u8>, Node)>,
    /// Why the container goes without the caller's name servers, if it does.
    pub name_servers: Option<Errno>,
}

type Found = Option<(ResolvedPath, Node)>;

impl<'a> Coming<'a> {
    pub fn new(spec: &'a ContainerSpec, root: &'a RootSpec) -> Self {
        let unknown = Node::new(What::Unknown, Ground::default());
        Self {
            spec,
            root,
            set_up: Person::of_set_up(spec),
            tree: Tree::new(unknown),
            places: Missing::MakeDirectory,
            staged: Vec::new(),
            name_servers: None,
        }
    }

    /// Errors: the step will fail so.
    pub fn perform(&mut self, step: &RootStep) -> Result<(), Failed> {
        match step {
            RootStep::Directory {
                path,
                flags,
                makes_places,
                ..
            }
            | RootStep::Alone {
                path,
                flags,
                makes_places,
            } => self.directory(path, *flags, *makes_places),
            RootStep::Overlay(layers) => self.base_overlay(layers.flags),
            RootStep::FileSystem(step) => self.file_system(step),
            RootStep::Bind(step) => self.bind(step),
            RootStep::Device(step) => self.device(step),
            RootStep::OverlayMount(step) => self.overlay_mount(step),
            RootStep::Terminal(_) => {
                self.stage_unknown(b"console".to_vec());
                Ok(())
            }
            RootStep::Stage { .. } => {
                self.staged.clear();
                Ok(())
            }
            RootStep::Devices(nodes) => self.stage_nodes(nodes),
            RootStep::Links(links) => {
                for link in links {
                    self.stage_unknown(last_name(&link.path));
                }
                Ok(())
            }
            RootStep::Staged(step) => self.stage_file_system(step),
            RootStep::PlaceStage(target) => self.place_stage(target),
            RootStep::NameFile(file) => self.name_file(file),
            RootStep::MakeWorkingDirectory { path, owner } => {
                let outside = owner.map(|_| Person::of_command(self.spec).ids());
                let making = (Missing::MakeDirectory, outside);
                let found = self.tree.find_or_make(&self.set_up, path, making, |_| true);
                found.map(drop)
            }
            RootStep::ReadOnly => {
                self.tree.close();
                Ok(())
            }
            // Of the host's, which has been looked at; or nothing of the root's.
            RootStep::Copy(_)
            | RootStep::LeaveChroot
            | RootStep::StandardDevices(_)
            | RootStep::Restrict(_)
            | RootStep::RestrictPaths(_)
            | RootStep::DropStage
            | RootStep::AnotherTerminal(_)
            | RootStep::LookAtNames(_)
            | RootStep::Enter => Ok(()),
            // Of config.json, of which no preview is asked.
            RootStep::EnterAs(_)
            | RootStep::Propagate { .. }
            | RootStep::Place(_)
            | RootStep::DeviceFiles(_)
            | RootStep::PlacedLinks(_)
            | RootStep::Console(_)
            | RootStep::OwnNull
            | RootStep::OwnPath(_)
            | RootStep::Freeze(_)
            | RootStep::RestrictFound(_) => Ok(()),
        }
    }

    fn base_overlay(&mut self, flags: MountFlags) -> Result<(), Failed> {
        if let Base::Overlay(overlay) = &self.root.base {
            self.can_be_layers(overlay)?;
            self.tree = Tree::new(self.overlay(overlay, flags));
        }
        Ok(())
    }

    fn overlay_mount(&mut self, step: &OverlayMount) -> Result<(), Failed> {
        let mut mounts = self.root.mounts.iter();
        let layers = mounts.find_map(|mount| match &mount.source {
            MountSource::Overlay(overlay) if mount.target == step.target => Some(overlay),
            _ => None,
        });
        let target = self.find(&step.target, Missing::MakeDirectory)?;
        if let (Some(target), Some(overlay)) = (target, layers) {
            self.can_be_layers(overlay)?;
            let node = self.overlay(overlay, step.layers.flags);
            self.put_on_directory(target, node)?;
        }
        Ok(())
    }

    fn find(&mut self, path: &CStr, missing: Missing) -> Result<Found, Failed> {
        let making = (missing, None);
        self.tree.find_or_make(&self.set_up, path, making, |_| true)
    }

    fn place_for(&self, asked: bool) -> Missing {
        if asked {
            Missing::MakeDirectory
        } else {
            self.places
        }
    }

    /// What is mounted there goes to the place by fchdir(2), which takes a directory alone.
    fn put_on_directory(
        &mut self,
        (place, there): (ResolvedPath, Node),
        node: Node,
    ) -> Result<(), Failed> {
        if there.is_directory() == Some(false) {
            return Err(Errno::ENOTDIR.into());
        }
        self.tree.mount(place, node);
        Ok(())
    }

    fn directory(
        &mut self,
        path: &CStr,
        flags: MountFlags,
        makes_places: bool,
    ) -> Result<(), Failed> {
        let mut root = Node::hosts(path, Ground::default().with(flags))
            .map_err(|errno| Part::Source.failed(errno))?;
        self.places = if makes_places {
            Missing::MakePlace
        } else {
            Missing::Refuse
        };
        if let (true, Some(ids)) = (self.root.is_premounted, ids(self.spec)) {
            let is_shifted = root.facts().is_some_and(|facts| !ids.has(facts.owner));
            root.ground.shifted = is_shifted.then(|| ids.clone());
        }
        self.tree = Tree::new(root);
        Ok(())
    }

    /// Below a layer of an overlay in a user namespace nothing may be mounted, for what is covered would come to light
    /// (`clone_private_mount`, since Linux 5.14).
    fn can_be_layers(&self, overlay: &Overlay) -> Result<(), Errno> {
        const FIRST: (u32, u32) = (5, 14);
        if !self.spec.is_in_user_namespace() || self.root.is_premounted || kernel::version() < FIRST
        {
            return Ok(());
        }
        let covers = |path: &CStr| {
            let path = path.to_bytes();
            let path = path.strip_suffix(b"/").unwrap_or(path);
            let mut is_covered = false;
            let _ = mount_list::below(path, |mount, _| {
                let mount = mount.to_bytes();
                let mount = mount.strip_suffix(b"/").unwrap_or(mount);
                // It is told by the way over the top, `/..`.
                is_covered |= mount.len() > b"/..".len() + path.len();
            });
            is_covered
        };
        match overlay.lower.iter().any(|path| covers(path)) {
            true => Err(Errno::EINVAL),
            false => Ok(()),
        }
    }

    fn overlay(&self, overlay: &Overlay, flags: MountFlags) -> Node {
        let is_shifted = |path: &CStr| match ids(self.spec) {
            Some(ids) if self.root.is_premounted => {
                let node = Node::hosts(path, Ground::default()).ok();
                let facts = node.and_then(|node| node.facts());
                facts.is_some_and(|facts| !ids.has(facts.owner))
            }
            _ => false,
        };
        let upper = match &overlay.writes {
            Writes::Kept(upper) => Some(&upper.path),
            Writes::Refused | Writes::ThrownAway { .. } => None,
        };
        let paths = upper.into_iter().chain(&overlay.lower);
        let opened = paths.map(|path| descriptor::open(path, libc::O_PATH, 0).map(Rc::new));
        let layers: Result<Vec<_>, Errno> = opened.collect();
        let shifted = overlay.lower.first().is_some_and(|path| is_shifted(path));
        let ground = Ground {
            is_own: true,
            is_overlay: true,
            shifted: ids(self.spec).filter(|_| shifted).cloned(),
            ..Ground::default()
        };
        let mut node = Node::new(
            layers.map_or(What::Unknown, What::Hosts),
            ground.with(flags),
        );
        if let (Writes::ThrownAway { .. }, Some(facts)) = (&overlay.writes, node.facts()) {
            // Its upper directory is to belong to the lower one's owner, whom a user namespace need not know.
            let is_given = !self.set_up.knows(facts.owner, facts.group);
            node.given_to = is_given.then_some(self.set_up.ids());
        }
        node
    }

    pub fn mount_kernel_fs(&mut self, step: &MountKernelFs) -> Result<(), Failed> {
        let hosts = match step.kernel_fs {
            KernelFs::Proc => c"/proc",
            KernelFs::Sysfs => c"/sys",
        };
        let flags = match &step.way {
            Way::Fresh(fresh) | Way::FreshOrBound(fresh, _) => fresh.flags,
            Way::Bound(bind) => bind.flags,
        };
        let ground = Ground {
            kernel_fs: Some(step.kernel_fs),
            ..Ground::default()
        };
        let Some(target) = self.find(step.way.target(), self.place_for(false))? else {
            return Ok(());
        };
        // Another instance of it shows what the host's does, but for processes.
        let node = Node::hosts(hosts, ground.clone().with(flags))
            .unwrap_or(Node::new(What::Unknown, ground));
        match &step.way {
            Way::Bound(_) => self.put_alike(target, node, true),
            Way::Fresh(_) | Way::FreshOrBound(..) => self.put_on_directory(target, node),
        }
    }

    fn file_system(&mut self, step: &FileSystem) -> Result<(), Failed> {
        let missing = self.place_for(step.option.is_some());
        let Some(target) = self.find(&step.target, missing)? else {
            return Ok(());
        };
        let node = self.tmpfs(step);
        self.put_on_directory(target, node)
    }

    fn tmpfs(&self, step: &FileSystem) -> Node {
        let option = |name: &[u8], radix| {
            let options = step.data.to_bytes().split(|byte| *byte == b',');
            let mut values = options.filter_map(|option| option.strip_prefix(name));
            let text = values.next_back().map(String::from_utf8_lossy)?;
            u32::from_str_radix(&text, radix).ok()
        };
        let (user, group) = self.set_up.ids();
        let ids = (
            option(b"uid=", 10).unwrap_or(user),
            option(b"gid=", 10).unwrap_or(group),
        );
        let mode = option(b"mode=", 8).unwrap_or(0o1777);
        let ground = Ground {
            is_own: step.option.is_some() && !step.flags.contains(MountFlags::READONLY),
            ..Ground::default()
        };
        Node::new(made(Kind::Directory, mode, ids), ground.with(step.flags))
    }

    fn bind(&mut self, step: &BindMount) -> Result<(), Failed> {
        // It has been looked at; and who sets the container up may see more.
        let Ok(node) = Node::hosts(&step.path, Ground::default().with(step.flags)) else {
            return Ok(());
        };
        self.bind_node(step, node)
    }

    fn bind_node(&mut self, step: &BindMount, node: Node) -> Result<(), Failed> {
        let Some(is_directory) = node.is_directory() else {
            return Ok(());
        };
        let missing = if is_directory {
            self.place_for(step.option.is_some())
        } else {
            Missing::MakeFile
        };
        match self.find(&step.target, missing)? {
            Some(target) => self.put_alike(target, node, is_directory),
            None => Ok(()),
        }
    }

    /// A bind takes a place of the same type: a directory, or none.
    fn put_alike(
        &mut self,
        (place, there): (ResolvedPath, Node),
        node: Node,
        is_directory: bool,
    ) -> Result<(), Failed> {
        match (is_directory, there.is_directory()) {
            (true, Some(false)) => return Err(Part::Target.failed(Errno::ENOTDIR)),
            (false, Some(true)) => return Err(Part::Target.failed(Errno::EISDIR)),
            _ => {}
        }
        self.tree.mount(place, node);
        Ok(())
    }

    fn device(&mut self, step: &DeviceNode) -> Result<(), Failed> {
        let Ok(source) = Node::hosts(&step.bind.path, Ground::default()) else {
            return Ok(());
        };
        if self
            .find(&step.directory, Missing::MakeDirectory)?
            .is_none()
        {
            return Ok(());
        }
        let file = &step.bind.target;
        match self.tree.walk(&self.set_up, b"", file.to_bytes()) {
            // The directory is there: a node of its own is made.
            Ok(super::tree::Walked::Missing(_)) => {
                self.tree.make(file.to_bytes().to_vec(), source);
                Ok(())
            }
            _ => self.bind_node(&step.bind, source),
        }
    }

    fn stage_nodes(&mut self, nodes: &[spec::Node]) -> Result<(), Failed> {
        for node in nodes {
            let made = made(Kind::Character(node.device), node.mode, self.set_up.ids());
            self.stage(last_name(&node.path), Node::new(made, Ground::default()));
        }
        Ok(())
    }

    fn stage_file_system(&mut self, step: &FileSystem) -> Result<(), Failed> {
        let name = last_name(&step.target);
        if *step.kind == *c"tmpfs" {
            let node = self.tmpfs(step);
            self.stage(name, node);
        } else {
            self.stage_unknown(name);
        }
        Ok(())
    }

    fn stage(&mut self, name: Vec<u8>, node: Node) {
        self.staged.push((name, node));
    }

    /// What a process of the container's sees alone.
    fn stage_unknown(&mut self, name: Vec<u8>) {
        self.stage(name, Node::new(What::Unknown, Ground::default()));
    }

    fn place_stage(&mut self, target: &CStr) -> Result<(), Failed> {
        let Some(target) = self.find(target, self.place_for(false))? else {
            return Ok(());
        };
        let directory = made(Kind::Directory, 0o755, self.set_up.ids());
        let place = target.0.clone();
        self.put_on_directory(target, Node::new(directory, Ground::default()))?;
        for (name, node) in std::mem::take(&mut self.staged) {
            let path = [&place[..], b"/", &name].concat();
            match node.is_directory() {
                Some(true) => self.tree.mount(path, node),
                _ => self.tree.make(path, node),
            }
        }
        Ok(())
    }

    fn name_file(&mut self, file: &EtcFile) -> Result<(), Failed> {
        let find = (Missing::MakeFile, None);
        let may = |directory: &Node| directory.ground.is_own;
        let found = self
            .tree
            .find_or_make(&self.set_up, &file.target, find, may);
        let placed = match found {
            Ok(Some((_, there))) if there.is_directory() == Some(true) => {
                Err(Part::Target.failed(Errno::EISDIR))
            }
            Ok(Some((place, _))) => {
                let content = made(Kind::Regular, 0o644, self.set_up.ids());
                let node = Node::new(content, Ground::default());
                self.tree.mount(place, node);
                Ok(())
            }
            Ok(None) => Ok(()),
            Err(failed) => Err(failed),
        };
        match (&file.without, placed) {
            (Without::Told, Err(failed)) => self.name_servers = Some(failed.errno),
            (Without::Refused(_), placed) => return placed,
            (Without::Fine | Without::Told, _) => {}
        }
        Ok(())
    }
}

fn last_name(path: &CStr) -> Vec<u8> {
    let names = path.to_bytes().rsplit(|byte| *byte == b'/');
    names.take(1).flatten().copied().collect()
}

fn ids(spec: &ContainerSpec) -> Option<&crate::spec::Ids> {
    match &spec.identity {
        crate::spec::Identity::Ranged { ids, .. } => Some(ids),
        _ => None,
    }
}

/// The host's tree, for a container without a root of its own.
pub fn callers() -> Tree {
    let root = Node::hosts(c"/", Ground::default());
    let mut tree = Tree::new(root.unwrap_or(Node::new(What::Unknown, Ground::default())));
    let ground = Ground {
        kernel_fs: Some(crate::plan::root::KernelFs::Proc),
        ..Ground::default()
    };
    if let Ok(proc) = Node::hosts(c"/proc", ground) {
        let What::Hosts(layers) = &proc.what else {
            return tree;
        };
        let mut layers = layers.iter();
        if layers.all(|file| facts::file_system(file.as_fd()).is_ok_and(|found| found.is_proc())) {
            tree.mount(b"/proc".to_vec(), proc);
        }
    }
    tree
}
