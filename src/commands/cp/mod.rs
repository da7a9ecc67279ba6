//! `mydocker cp`: files from a container, or to it, by docker's rules.
//!
//! ```text
//! place     where a path leads, on either side
//! files     a container's root, and its ids
//! walk      what is to be copied, file by file
//! tree      the copy as files; make: each of them
//! pack      the copy as an archive on stdout
//! unpack    an archive on stdin
//! ```

mod files;
mod make;
mod owner;
mod pack;
mod place;
mod tree;
mod unpack;
mod walk;

use crate::docker::CpArgs;
use crate::error::{Error, ExitCode};
use crate::format::units::{self, Units};
use crate::standard_streams::Stream;
use crate::store;
use crate::sys::{Errno, descriptor, facts, identity, signal, terminal};
use files::Access;
use owner::Ids;
use pack::Pack;
use place::{Container, Found, Side, last_name};
use std::ffi::{CString, OsStr};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::time::Duration;
use tree::{Owners, Tree};
use unpack::Unpack;
use walk::Walk;

pub fn run(arguments: &CpArgs) -> Result<ExitCode, Error> {
    copy(arguments).map_err(|error| error.exit_with(ExitCode::FAILURE))
}

/// What was copied.
struct Copied {
    bytes: u64,
    left_out: u32,
}

fn copy(arguments: &CpArgs) -> Result<ExitCode, Error> {
    // A write that fails says so.
    signal::survive_writes();
    let (source, destination) = (&arguments.source, &arguments.destination);
    let copied = match (in_container(source), in_container(destination)) {
        (Some(_), Some(_)) => Err(Error::told("copying between containers is not supported")),
        (None, None) => Err(Error::told("must specify at least one container source")),
        (Some((word, path)), None) => from_container(arguments, word, path),
        (None, Some((word, path))) => to_container(arguments, word, path),
    }?;
    if copied.left_out > 0 {
        return Ok(ExitCode::FAILURE);
    }
    if !arguments.quiet && destination != "-" {
        let bytes = units::size(copied.bytes, Units::Decimal, 4);
        let text = format!(
            "Successfully copied {bytes} to {}\n",
            destination.to_string_lossy()
        );
        // Who does not read that is not waited for.
        let _ = Stream::stderr().put(text.as_bytes(), Duration::from_secs(1));
    }
    Ok(ExitCode::SUCCESS)
}

/// The container and the path in it, of `CONTAINER:PATH`, by docker's rule: a path of ours with a colon begins with `/` or
/// `.`.
fn in_container(typed: &OsStr) -> Option<(&OsStr, Vec<u8>)> {
    let bytes = typed.as_bytes();
    let colon = bytes.iter().position(|byte| *byte == b':')?;
    let (word, path) = bytes.split_at(colon);
    if word.is_empty() || word.starts_with(b"/") || word.starts_with(b".") {
        return None;
    }
    // All paths are the root's.
    let path = match path.get(1..)? {
        path @ [b'/', ..] => path.to_vec(),
        path => [b"/", path].concat(),
    };
    Some((OsStr::from_bytes(word), path))
}

fn from_container(arguments: &CpArgs, word: &OsStr, path: Vec<u8>) -> Result<Copied, Error> {
    let entry = store::find(arguments.state.as_deref(), word)?;
    let to_stdout = arguments.destination == "-";
    if to_stdout && terminal::modes(descriptor::standard(1)).is_ok() {
        return Err(Error::refused(
            "stdout",
            "it is a terminal: an archive goes to a file or a pipe",
        ));
    }
    let (container, ids) = files::find(&entry, &path, Access::Read)?;
    let side = Side::Container(container);
    let found = source(&side, &path, arguments.follow_link)?;
    let mut walk = Walk {
        side: &side,
        ids: &ids,
        source: trimmed(&path).to_vec(),
        left_out: 0,
    };
    let name = last_name(&path);
    if to_stdout {
        let mut pack = Pack::default();
        let name = name.as_deref().unwrap_or(c".");
        walk.all(&found, name.to_bytes(), &mut pack)?;
        pack.finish()?;
        return Ok(Copied {
            bytes: pack.copied,
            left_out: walk.left_out,
        });
    }
    let same = Ids::ours();
    let keeps = arguments.archive && identity::effective_user() == 0;
    let into = Into {
        side: &Side::Here,
        path: arguments.destination.as_bytes(),
        owners: match keeps {
            true => Owners::Kept(&same),
            false => Owners::Ours,
        },
        // What someone else has made is no one's program here.
        keeps_set_id: keeps,
    };
    into.copy(&mut walk, &found, name)
}

fn to_container(arguments: &CpArgs, word: &OsStr, path: Vec<u8>) -> Result<Copied, Error> {
    let entry = store::find(arguments.state.as_deref(), word)?;
    let (container, ids) = files::find(&entry, &path, Access::Write)?;
    let Some(root) = ids.outside((0, 0)) else {
        return Err(Error::refused(container.word, "the container has no root"));
    };
    if arguments.source == "-" {
        return from_stdin(container, &ids, &path);
    }
    let side = Side::Container(container);
    let source_path = arguments.source.as_bytes();
    let found = source(&Side::Here, source_path, arguments.follow_link)?;
    let same = Ids::ours();
    let mut walk = Walk {
        side: &Side::Here,
        ids: &same,
        source: trimmed(source_path).to_vec(),
        left_out: 0,
    };
    let into = Into {
        side: &side,
        path: &path,
        owners: match arguments.archive {
            true => Owners::Kept(&ids),
            false => Owners::One(root),
        },
        keeps_set_id: true,
    };
    into.copy(&mut walk, &found, last_name(source_path))
}

/// An archive, into a directory that is there.
fn from_stdin(container: Container, ids: &Ids, path: &[u8]) -> Result<Copied, Error> {
    let word = container.word.clone();
    let side = Side::Container(container);
    let Side::Container(container) = &side else {
        return Err(Error::refused(word, "it is no container"));
    };
    let place = side
        .resolve(path, true)
        .map_err(|errno| side.failed("find", path, errno))?;
    if !place.found.is_some_and(|found| found.is_directory()) {
        return Err(Error::refused(
            side.told(path),
            "destination must be a directory",
        ));
    }
    let mut unpack = Unpack::new(&side, container, ids, trimmed(path).to_vec());
    unpack.all()?;
    Ok(Copied {
        bytes: unpack.copied,
        left_out: unpack.left_out,
    })
}

/// What is to be copied.
fn source(side: &Side, path: &[u8], follow: bool) -> Result<Found, Error> {
    let place = side.resolve(path, follow);
    let found = place.map(|place| place.found);
    match (found, side) {
        (Ok(Some(found)), _) => Ok(found),
        (Ok(None) | Err(Errno::ENOENT), Side::Container(container)) => Err(Error::told(&format!(
            "Could not find the file {} in container {}",
            String::from_utf8_lossy(path),
            container.word
        ))),
        (Ok(None), Side::Here) => Err(side.failed("copy", path, Errno::ENOENT)),
        (Err(errno), _) => Err(side.failed("copy", path, errno)),
    }
}

/// Where a copy goes.
struct Into<'a> {
    side: &'a Side,
    path: &'a [u8],
    owners: Owners<'a>,
    keeps_set_id: bool,
}

impl Into<'_> {
    /// Copies what was found. `name` is its own; a directory without one is copied by what is in it.
    fn copy(
        self,
        walk: &mut Walk<'_>,
        found: &Found,
        name: Option<CString>,
    ) -> Result<Copied, Error> {
        let (directory, name) = self.target(found, name)?;
        let target = trimmed(self.path).to_vec();
        let mut tree = Tree::new(self.side, target, directory, self.owners);
        tree.keeps_set_id = self.keeps_set_id;
        walk.all(found, name.to_bytes(), &mut tree)?;
        Ok(Copied {
            bytes: tree.copied,
            left_out: walk.left_out,
        })
    }

    /// The directory that the copy is made in, and its name there: `.` for what is in a directory.
    fn target(&self, source: &Found, name: Option<CString>) -> Result<(OwnedFd, CString), Error> {
        let refused = |reason| Err(Error::refused(self.side.told(self.path), reason));
        let place = match self.side.resolve(self.path, true) {
            Err(Errno::ENOENT) => return refused("no such directory"),
            Err(Errno::ENOTDIR) => return refused("not a directory"),
            place => place.map_err(|errno| self.side.failed("find", self.path, errno))?,
        };
        let is_directory = self.path.ends_with(b"/") || self.path.ends_with(b"/.");
        match (place.found, place.name) {
            (Some(found), _) if found.is_directory() => {
                Ok((found.file, name.unwrap_or_else(|| c".".into())))
            }
            (Some(found), _) if found.facts.kind != facts::Kind::Regular => {
                refused("it must be a directory or a regular file")
            }
            (Some(_), _) if source.is_directory() => refused("cannot copy directory: it is a file"),
            (None, _) if is_directory && !source.is_directory() => refused("no such directory"),
            (_, Some((directory, name))) => Ok((directory, name)),
            (_, None) => refused("no such directory"),
        }
    }
}

fn trimmed(path: &[u8]) -> &[u8] {
    let end = path.iter().rposition(|byte| *byte != b'/');
    path.get(..end.map_or(0, |at| at + 1)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whose_path_it_is() {
        for (typed, expected) in [
            ("web:/etc", Some(("web", "/etc"))),
            ("web:", Some(("web", "/"))),
            ("web:a:b", Some(("web", "/a:b"))),
            ("/a:b", None),
            ("./a:b", None),
            (".a:b", None),
            (":b", None),
            ("a", None),
            ("-", None),
        ] {
            let found = in_container(OsStr::new(typed));
            let expected =
                expected.map(|(word, path)| (OsStr::new(word), path.as_bytes().to_vec()));
            assert_eq!(found, expected, "{typed}");
        }
    }
}
