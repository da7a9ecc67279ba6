//! What is to be copied, file by file, each directory before what is in it.

use super::owner::{Ids, Owner};
use super::place::{Found, Side};
use crate::archive::{Kind, Member, Moment};
use crate::error::Error;
use crate::log;
use crate::sys::facts::{self, Kind as FileKind};
use crate::sys::{Errno, descriptor, directory, node, own_proc};
use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, OwnedFd};

/// Deeper than any tree of use; each directory on the way is open, and more of them there may not be.
const DEEPEST: usize = 200;

/// What a walk meets.
pub trait Visitor {
    /// A directory begins; what comes until [`leave`](Self::leave) is in it.
    fn enter(&mut self, member: &Member, name: &CStr) -> Result<(), Error>;
    fn leave(&mut self, member: &Member) -> Result<(), Error>;
    /// Something else. `content` reads what is in a file: 0 at its end.
    fn take(&mut self, member: &Member, name: &CStr, content: Content<'_>) -> Result<(), Error>;
    /// Whether this directory is one that is being made by the copy itself.
    fn is_own(&self, identity: (u64, u64)) -> bool;
}

pub type Content<'a> = &'a mut dyn FnMut(&mut [u8]) -> Result<usize, Error>;

pub struct Walk<'a> {
    pub side: &'a Side,
    /// To see owners as the container does.
    pub ids: &'a Ids,
    /// The path of the source, to be told.
    pub source: Vec<u8>,
    /// How many have been left out.
    pub left_out: u32,
}

impl Walk<'_> {
    /// Visits what was found, under a path of the archive's, and everything in it.
    pub fn all(
        &mut self,
        found: &Found,
        path: &[u8],
        visitor: &mut dyn Visitor,
    ) -> Result<(), Error> {
        let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or(path);
        let name = CString::new(name).unwrap_or_default();
        let inner = self.source.len();
        let visited = self.visit((found, None), path, &name, 0, visitor);
        self.source.truncate(inner);
        visited
    }

    fn visit(
        &mut self,
        (found, outer): (&Found, Option<&Found>),
        path: &[u8],
        name: &CStr,
        depth: usize,
        visitor: &mut dyn Visitor,
    ) -> Result<(), Error> {
        let kind = match found.facts.kind {
            FileKind::Directory => Kind::Directory,
            FileKind::Regular => Kind::Regular(found.facts.size),
            FileKind::Link => {
                let content = found.content();
                let content = content.map_err(|errno| self.failed("read the link", errno))?;
                Kind::Link(content.into_bytes())
            }
            FileKind::Pipe => Kind::Pipe,
            FileKind::Socket => return self.leave_out("a socket"),
            // Whoever may open it here need not be who may open it there.
            FileKind::Character(_) | FileKind::Block(_) => return self.leave_out("a device"),
        };
        let member = self.member(found, path, kind)?;
        match member.kind {
            Kind::Directory if outer.is_some_and(|outer| self.is_kernels(found, outer, name)) => {
                visitor.enter(&member, name)?;
                visitor.leave(&member)
            }
            Kind::Directory => self.directory(found, &member, name, depth, visitor),
            Kind::Regular(_) => {
                let opened = own_proc::open_found(found.file.as_fd());
                let opened = opened.map_err(|errno| self.failed("open", errno))?;
                let (side, source) = (self.side, self.source.clone());
                let mut left = most(found.facts.size);
                visitor.take(&member, name, &mut |buffer| {
                    let room =
                        usize::try_from(left).map_or(buffer.len(), |left| left.min(buffer.len()));
                    let count = read(&opened, buffer.get_mut(..room).unwrap_or_default())
                        .map_err(|errno| side.failed("read", &source, errno))?;
                    left = left.saturating_sub(count as u64);
                    Ok(count)
                })
            }
            _ => visitor.take(&member, name, &mut |_| Ok(0)),
        }
    }

    fn directory(
        &mut self,
        found: &Found,
        member: &Member,
        name: &CStr,
        depth: usize,
        visitor: &mut dyn Visitor,
    ) -> Result<(), Error> {
        if depth >= DEEPEST {
            return Err(Error::refused(
                self.side.told(&self.source),
                "it is too deep",
            ));
        }
        let flags = libc::O_RDONLY | libc::O_DIRECTORY;
        let opened = node::open(found.file.as_fd(), c".", flags, 0).map(descriptor::own);
        // What is made meanwhile is not copied.
        let names = opened.and_then(|opened| directory::names(opened.as_fd()));
        let names = names.map_err(|errno| self.failed("list", errno))?;
        visitor.enter(member, name)?;
        if visitor.is_own(found.facts.identity) {
            let told = self.side.told(&self.source);
            return Err(Error::refused(told, "it cannot be copied into itself"));
        }
        let above = self.source.len();
        for inner in names {
            self.source.push(b'/');
            self.source.extend_from_slice(inner.to_bytes());
            let entry = node::find(found.file.as_fd(), &inner).map(descriptor::own);
            match entry.and_then(Found::of) {
                // It was removed meanwhile.
                Err(Errno::ENOENT) => {}
                Err(errno) => return Err(self.failed("look at", errno)),
                Ok(entry) => {
                    let path = [&member.path, &b"/"[..], inner.to_bytes()].concat();
                    self.visit((&entry, Some(found)), &path, &inner, depth + 1, visitor)?;
                }
            }
            self.source.truncate(above);
        }
        visitor.leave(member)
    }

    /// Whether what is in a directory is the kernel's, or of the container's own /dev: that is no one's data, and there while
    /// the container runs alone. Who asks for it by its path gets it.
    fn is_kernels(&self, found: &Found, outer: &Found, name: &CStr) -> bool {
        if found.facts.identity.0 == outer.facts.identity.0 {
            return false;
        }
        let is_root = |outer: &Found| match self.side {
            Side::Here => false,
            Side::Container(container) => facts::facts(container.root.as_fd())
                .is_ok_and(|root| root.identity == outer.facts.identity),
        };
        facts::file_system(found.file.as_fd()).is_ok_and(facts::FileSystem::is_kernels)
            || name == c"dev" && is_root(outer)
    }

    fn member(&self, found: &Found, path: &[u8], kind: Kind) -> Result<Member, Error> {
        let modified = facts::modified(found.file.as_fd());
        let (seconds, nanoseconds) = modified.map_err(|errno| self.failed("look at", errno))?;
        let owner: Owner = (found.facts.owner, found.facts.group);
        let (user, group) = self.ids.inside(owner);
        Ok(Member {
            path: path.to_vec(),
            kind,
            mode: found.facts.mode,
            user,
            group,
            modified: Moment {
                seconds,
                nanoseconds,
            },
        })
    }

    #[cold]
    #[inline(never)]
    fn leave_out(&mut self, what: &'static str) -> Result<(), Error> {
        self.left_out += 1;
        let told = self.side.told(&self.source);
        log::complain_briefly(&Error::refused_for(told, format!("left out: it is {what}")));
        Ok(())
    }

    #[cold]
    #[inline(never)]
    fn failed(&self, operation: &str, errno: Errno) -> Error {
        self.side.failed(operation, &self.source, errno)
    }
}

/// How much of a file is read: who makes it longer and longer meanwhile does not keep us, nor fill our disk up. (The kernel's
/// own files, as /proc's, have something in them and say that they have not.)
fn most(size: u64) -> u64 {
    const OF_KERNEL: u64 = 64 * 1024 * 1024;
    match size {
        0 => OF_KERNEL,
        size => size,
    }
}

fn read(file: &OwnedFd, buffer: &mut [u8]) -> Result<usize, Errno> {
    loop {
        match descriptor::read(file.as_fd(), buffer) {
            Err(Errno::EINTR) => {}
            read => return read,
        }
    }
}
