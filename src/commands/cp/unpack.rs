//! An archive on stdin, made into files of a container. Whatever its names and links say, all of it stays in the container's
//! root: each path is resolved there when it is needed.

use super::make::{self, Attributes, Failure};
use super::owner::Ids;
use super::place::{Container, Side};
use super::tree::failed;
use crate::archive::{Fault, Kind, Member, Reader};
use crate::error::Error;
use crate::log;
use crate::path_in_root::{self, Making, Missing, PathFailure};
use crate::sys::{Errno, descriptor, facts, node};
use std::ffi::CString;
use std::os::fd::{AsFd, OwnedFd};

pub struct Unpack<'a> {
    pub side: &'a Side,
    pub container: &'a Container,
    pub ids: &'a Ids,
    /// The directory in the container, by its path.
    pub target: Vec<u8>,
    pub copied: u64,
    pub left_out: u32,
    /// Directories that were made, with when they were changed last: making what is in them has changed that.
    directories: Vec<(Vec<u8>, node::Modified)>,
}

impl<'a> Unpack<'a> {
    pub fn new(side: &'a Side, container: &'a Container, ids: &'a Ids, target: Vec<u8>) -> Self {
        Self {
            side,
            container,
            ids,
            target,
            copied: 0,
            left_out: 0,
            directories: Vec::new(),
        }
    }

    pub fn all(&mut self) -> Result<(), Error> {
        let mut copied = 0;
        let mut input = |buffer: &mut [u8]| {
            let count = descriptor::read(descriptor::standard(0), buffer);
            copied += count.map_or(0, |count| count as u64);
            count
        };
        let mut reader = Reader::new(&mut input);
        while let Some(member) = reader.next_member().map_err(wrong)? {
            self.member(&member, &mut reader)?;
        }
        for (path, modified) in std::mem::take(&mut self.directories) {
            // It may have been replaced since, by what is later in the archive.
            let _ = self.side.find(&path).and_then(|directory| {
                let flags = libc::O_RDONLY | libc::O_DIRECTORY;
                let opened = descriptor::own(node::open(directory.as_fd(), c".", flags, 0)?);
                node::set_modified(opened.as_fd(), modified)
            });
        }
        self.copied = copied;
        Ok(())
    }

    fn member(&mut self, member: &Member, reader: &mut Reader<'_>) -> Result<(), Error> {
        let Some(path) = self.path(&member.path)? else {
            // The directory itself, which is there.
            return Ok(());
        };
        let slash = path.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
        let (above, name) = path.split_at(slash);
        let name = CString::new(name.get(1..).unwrap_or_default()).unwrap_or_default();
        let told = |failure| failed(self.side, &path, failure, member.kind == Kind::Directory);
        // Of someone whom the container has not: its root's, as tar(1) has it of who is not root; and no program that
        // runs as that.
        let owner = self.ids.outside((member.user, member.group));
        let attributes = Attributes {
            mode: member.mode & if owner.is_some() { 0o7777 } else { 0o1777 },
            owner: owner.or(self.ids.outside((0, 0))),
            modified: (member.modified.seconds, member.modified.nanoseconds),
        };
        let above = self.directory(above)?;
        let above = above.as_fd();
        let made = match &member.kind {
            Kind::Regular(_) => make::file(above, &name, &attributes, &mut |buffer| {
                reader.read(buffer).map_err(wrong)
            }),
            Kind::Directory => make::directory(above, &name).and_then(|(directory, is_new)| {
                if is_new {
                    make::finish(directory.as_fd(), &attributes)?;
                    self.directories.push((path.clone(), attributes.modified));
                }
                Ok(())
            }),
            Kind::Link(content) => CString::new(content.as_slice())
                .map_err(|_| Failure::Failed(Errno::EINVAL))
                .and_then(|content| make::link(above, &name, &content, &attributes)),
            Kind::HardLink(old) => {
                let Some(old) = self.path(old)? else {
                    return Err(told(Failure::Failed(Errno::EISDIR)));
                };
                let place = self.side.resolve(&old, false);
                let place = place.map_err(|errno| told(errno.into()))?;
                match &place.name {
                    Some((directory, old)) => make::hard_link(directory.as_fd(), old, above, &name),
                    None => Err(Failure::Failed(Errno::EISDIR)),
                }
            }
            Kind::Pipe => make::pipe(above, &name, &attributes),
            Kind::Device => {
                self.left_out += 1;
                let told = self.side.told(&path);
                log::complain_briefly(&Error::refused(told, "left out: it is a device"));
                Ok(())
            }
        };
        made.map_err(|failure| failed(self.side, &path, failure, member.kind == Kind::Directory))
    }

    /// The path in the container of one in the archive; `None` if it is the directory itself.
    ///
    /// Errors: it goes up.
    fn path(&self, inner: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        let mut path = self.target.clone();
        let mut is_itself = true;
        for part in inner.split(|byte| *byte == b'/') {
            match part {
                b"" | b"." => {}
                b".." => {
                    let path = [b"the archive's ", inner].concat();
                    return Err(Error::refused(
                        path,
                        "it leads up, out of where it is to be",
                    ));
                }
                part => {
                    path.push(b'/');
                    path.extend_from_slice(part);
                    is_itself = false;
                }
            }
        }
        Ok((!is_itself).then_some(path))
    }

    /// A directory of the container, made if it is not there.
    fn directory(&self, path: &[u8]) -> Result<OwnedFd, Error> {
        let failed = |errno| self.side.failed("find", path, errno);
        let text = CString::new([path, b"/"].concat()).map_err(|_| failed(Errno::EINVAL))?;
        let making = Making {
            owner: self.ids.outside((0, 0)),
            ..Making::anywhere(Missing::MakeDirectory)
        };
        let found = path_in_root::find_or_make(self.container.root.as_fd(), &text, &making);
        let found = found
            .map(descriptor::own)
            .map_err(|failure| match failure {
                PathFailure::Find(errno) => failed(errno),
                PathFailure::Make(errno) => self.side.failed("make", path, errno),
            })?;
        match facts::facts(found.as_fd()) {
            Ok(facts) if facts.kind == facts::Kind::Directory => Ok(found),
            Ok(_) => Err(failed(Errno::ENOTDIR)),
            Err(errno) => Err(failed(errno)),
        }
    }
}

#[cold]
#[inline(never)]
fn wrong(fault: Fault) -> Error {
    match fault {
        Fault::Read(errno) => Error::new("read", "stdin", errno),
        Fault::Wrong(why) => Error::refused("stdin", why),
    }
}
