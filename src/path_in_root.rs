//! Paths inside a root: what a path is for a process whose root that directory is.
//!
//! A root file system is written by someone else. Its /etc or /dev may be a link to /, or to a chain of
//! `..`, and if a volume is shared, someone may change it while we look. To the kernel such a link means
//! the *host's* /, until the container's root is ours. So no path of the container is ever handed to a
//! call as it is: it is resolved here, once, and what follows uses the descriptor.
//!
//! openat2(2) does that (RESOLVE_IN_ROOT, Linux 5.6). Where the kernel has none, or has a component to be
//! made on the way, the path is walked: each component is opened in the directory before it without
//! following it, a link's content is put in front of what is left, and `..` goes back to the directory
//! that we came from, which is known to be inside, whatever has been renamed meanwhile. (Of a path that is very deep the
//! last directories are open, and one above them is gone down to once more.)
//!
//! This code keeps the child rule.

#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

mod making;
mod rest;
mod trail;

pub use making::Making;

use crate::sys::descriptor::Undropped;
use crate::sys::facts::{self, Kind};
use crate::sys::node;
use crate::sys::{Errno, descriptor};
use rest::{Direction, Rest};
use std::ffi::CStr;
use std::os::fd::BorrowedFd;
use trail::Trail;

/// How many links the kernel follows in one path (MAXSYMLINKS).
const MOST_LINKS: u32 = 40;

/// How often openat2 is asked again when someone renames or mounts meanwhile (EAGAIN).
const TRIES: u32 = 32;

/// What is to become of a path that is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// A missing component is an error: ENOENT.
    Refuse,
    /// An empty file at its end, directories on the way.
    MakeFile,
    /// Directories.
    MakeDirectory,
    /// Directories, the last one a [`PLACE`] unless a link has led there.
    MakePlace,
}

/// The mode of a directory that was made to mount something on: what it is for may be known by it, for no one
/// gives an empty directory that no one may write to a sticky bit.
pub const PLACE: u32 = 0o1555;

/// Why a path was not found or not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathFailure {
    Find(Errno),
    Make(Errno),
}

/// Finds `path` in `root`, and follows a link at its end. The descriptor only names it (O_PATH); the
/// caller closes it.
pub fn find(root: BorrowedFd<'_>, path: &CStr, missing: Missing) -> Result<Undropped, PathFailure> {
    find_or_make(root, path, &Making::anywhere(missing))
}

/// [`find`], with more to say about what is made. Where nothing may be made a path that is missing is ENOENT.
pub fn find_or_make(
    root: BorrowedFd<'_>,
    path: &CStr,
    making: &Making<'_>,
) -> Result<Undropped, PathFailure> {
    let mut found = node::find_in_root(root, path);
    for _ in 1..TRIES {
        if !matches!(found, Err(Errno::EAGAIN)) {
            break;
        }
        found = node::find_in_root(root, path);
    }
    match found {
        Ok(found) => Ok(found),
        Err(Errno::ENOENT) if making.missing != Missing::Refuse => walk(root, path, making),
        // Before Linux 5.6; in a filter's way; and where someone never stops renaming.
        Err(Errno::ENOSYS | Errno::EPERM | Errno::EAGAIN) => walk(root, path, making),
        Err(errno) => Err(PathFailure::Find(errno)),
    }
}

fn walk(root: BorrowedFd<'_>, path: &CStr, making: &Making<'_>) -> Result<Undropped, PathFailure> {
    let mut trail = Trail::new(root);
    let walked = walk_on(&mut trail, path, making);
    let end = match walked {
        // A name of its own for the root, which the caller may close.
        Ok(()) if trail.depth == 0 => node::find(root, c".").map_err(PathFailure::Find),
        Ok(()) => trail.take_last().ok_or(PathFailure::Find(Errno::ENOENT)),
        Err(failed) => Err(failed),
    };
    trail.rewind();
    end
}

/// Leaves what `path` is as the last of the trail.
fn walk_on(trail: &mut Trail<'_>, path: &CStr, making: &Making<'_>) -> Result<(), PathFailure> {
    let mut rest = Rest::new(path.to_bytes()).map_err(PathFailure::Find)?;
    let mut links = 0u32;
    while let Some(component) = rest.next().map_err(PathFailure::Find)? {
        match component.name() {
            b"." => continue,
            b".." => {
                trail.back().map_err(PathFailure::Find)?;
                continue;
            }
            _ => {}
        }
        let name = component.as_c_str().map_err(PathFailure::Find)?;
        let above = trail.last().map_err(PathFailure::Find)?;
        let found = match node::find(above, name) {
            Err(Errno::ENOENT) => {
                let making = Making {
                    missing: match making.missing {
                        // What a link names elsewhere no one would look for, and remove.
                        Missing::MakePlace if links > 0 => Missing::MakeDirectory,
                        missing => missing,
                    },
                    ..*making
                };
                make(above, name, rest.is_empty(), &making)?
            }
            found => found.map_err(PathFailure::Find)?,
        };
        let kind = facts::facts(found.as_fd()).map_err(PathFailure::Find)?.kind;
        if kind == Kind::Link {
            let put = rest.put_link_before(found.as_fd());
            descriptor::close(found);
            links = links.saturating_add(1);
            if links > MOST_LINKS {
                return Err(PathFailure::Find(Errno::ELOOP));
            }
            if put.map_err(PathFailure::Find)? == Direction::FromRoot {
                trail.rewind();
            }
        } else {
            if kind != Kind::Directory && !rest.is_empty() {
                descriptor::close(found);
                return Err(PathFailure::Find(Errno::ENOTDIR));
            }
            trail
                .push(component.name(), found)
                .map_err(PathFailure::Find)?;
        }
    }
    Ok(())
}

/// Makes a component that is not there, and names what is there then: someone else may have been faster,
/// and what they made may be a link, which the walk goes on to follow inside the root.
fn make(
    directory: BorrowedFd<'_>,
    name: &CStr,
    is_last: bool,
    making: &Making<'_>,
) -> Result<Undropped, PathFailure> {
    const DIRECTORY: u32 = 0o755;
    const FILE: u32 = 0o644;
    let made = match (making.missing, is_last) {
        (Missing::Refuse, _) => return Err(PathFailure::Find(Errno::ENOENT)),
        _ if !(making.may)(directory) => return Err(PathFailure::Find(Errno::ENOENT)),
        (Missing::MakeFile, true) => {
            let flags = libc::O_CREAT | libc::O_EXCL | libc::O_NOFOLLOW | libc::O_WRONLY;
            node::open(directory, name, flags, FILE).map(descriptor::close)
        }
        (Missing::MakePlace, true) => node::make_directory(directory, name, PLACE),
        (Missing::MakeFile | Missing::MakePlace, false) | (Missing::MakeDirectory, _) => {
            node::make_directory(directory, name, DIRECTORY)
        }
    };
    match made {
        Ok(()) => {
            let found = node::find(directory, name).map_err(PathFailure::Find)?;
            making.give(found.as_fd()).map_err(PathFailure::Make)?;
            Ok(found)
        }
        Err(Errno::EEXIST) => node::find(directory, name).map_err(PathFailure::Find),
        Err(errno) => Err(PathFailure::Make(errno)),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;
    use std::ffi::CString;
    use std::os::fd::AsRawFd;
    use std::os::unix::fs::symlink;
    use std::path::{Path, PathBuf};

    /// A directory with a root in it, and something beside the root that must stay untouched.
    struct Place(PathBuf);

    impl Place {
        fn new(name: &str) -> Self {
            let path =
                std::env::temp_dir().join(format!("mydocker-inside-{name}-{}", std::process::id()));
            std::fs::create_dir_all(path.join("root/a/b")).unwrap();
            std::fs::create_dir_all(path.join("outside")).unwrap();
            std::fs::write(path.join("outside/secret"), "").unwrap();
            std::fs::write(path.join("root/file"), "").unwrap();
            let root = path.join("root");
            symlink("/a", root.join("absolute")).unwrap();
            symlink("../../../../a/b", root.join("a/up")).unwrap();
            symlink("../outside", root.join("out")).unwrap();
            symlink(path.join("outside"), root.join("host")).unwrap();
            symlink("loop", root.join("loop")).unwrap();
            symlink("/new/place", root.join("dangling")).unwrap();
            Self(path)
        }

        fn find(
            &self,
            path: &str,
            missing: Missing,
            walk_it: bool,
        ) -> Result<PathBuf, PathFailure> {
            let root = CString::new(self.0.join("root").to_str().unwrap()).unwrap();
            let flags = libc::O_PATH | libc::O_DIRECTORY;
            let root = descriptor::open_undropped(&root, flags).unwrap();
            let path = CString::new(path).unwrap();
            let found = if walk_it {
                walk(root.as_fd(), &path, &Making::anywhere(missing))
            } else {
                find(root.as_fd(), &path, missing)
            };
            descriptor::close(root);
            found.map(|file| {
                let link = format!("/proc/self/fd/{}", file.as_fd().as_raw_fd());
                let there = std::fs::read_link(link).unwrap();
                descriptor::close(file);
                there.strip_prefix(self.0.join("root")).map_or_else(
                    |_| panic!("{} is outside", there.display()),
                    Path::to_path_buf,
                )
            })
        }
    }

    impl Drop for Place {
        fn drop(&mut self) {
            std::fs::remove_dir_all(&self.0).unwrap();
        }
    }

    #[test]
    fn nothing_leads_out_and_the_walk_agrees_with_the_kernel() {
        let place = Place::new("find");
        for (path, expected) in [
            ("/", Ok("")),
            ("", Err(Errno::ENOENT)),
            ("/a/./b/", Ok("a/b")),
            ("a//b/..", Ok("a")),
            ("/../../..", Ok("")),
            ("/../../a", Ok("a")),
            ("absolute/b", Ok("a/b")),
            ("/a/up", Ok("a/b")),
            ("/a/up/../up", Ok("a/b")),
            ("/file", Ok("file")),
            ("/file/x", Err(Errno::ENOTDIR)),
            ("/out/secret", Err(Errno::ENOENT)),
            ("/host/secret", Err(Errno::ENOENT)),
            ("/loop", Err(Errno::ELOOP)),
            ("/dangling", Err(Errno::ENOENT)),
            ("/missing", Err(Errno::ENOENT)),
        ] {
            for walk_it in [false, true] {
                if path.is_empty() && walk_it {
                    continue;
                }
                let found = place.find(path, Missing::Refuse, walk_it);
                assert_eq!(
                    found,
                    expected.map(PathBuf::from).map_err(PathFailure::Find),
                    "{path}, {walk_it}"
                );
            }
        }
        let long = "x".repeat(256);
        let deep = "a/../".repeat(100);
        for (path, expected) in [
            (long.as_str(), Err(Errno::ENAMETOOLONG)),
            (deep.as_str(), Ok("")),
        ] {
            let found = place.find(path, Missing::Refuse, true);
            assert_eq!(
                found,
                expected.map(PathBuf::from).map_err(PathFailure::Find)
            );
        }
    }

    #[test]
    fn what_is_missing_is_made_inside() {
        let place = Place::new("make");
        let root = place.0.join("root");
        for (path, missing, made) in [
            ("/x/y/z", Missing::MakeDirectory, "x/y/z"),
            ("/v/w/file", Missing::MakeFile, "v/w/file"),
            ("/dangling/more", Missing::MakeDirectory, "new/place/more"),
            ("/host/in", Missing::MakeDirectory, ""),
            ("/out/in", Missing::MakeFile, "outside/in"),
        ] {
            let found = place.find(path, missing, false).unwrap();
            assert!(root.join(&found).exists(), "{path}");
            if !made.is_empty() {
                assert_eq!(found, PathBuf::from(made));
            }
            let is_file = !matches!(missing, Missing::MakeDirectory);
            assert_eq!(root.join(&found).is_file(), is_file, "{path}");
        }
        let outside: Vec<_> = std::fs::read_dir(place.0.join("outside"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert_eq!(outside, ["secret"]);
    }

    #[test]
    fn paths_are_as_deep_as_the_kernel_lets_them() {
        let place = Place::new("deep");
        let root = place.0.join("root");
        let down = "d/".repeat(300);
        let found = place.find(&format!("/{down}file"), Missing::MakeFile, true);
        assert_eq!(found, Ok(PathBuf::from(format!("{down}file"))));
        // Back past what is still open, through a link too.
        let up = "../".repeat(290);
        std::os::unix::fs::symlink(format!("{up}e/f"), root.join(&down).join("link")).unwrap();
        for walk_it in [true, false] {
            for (path, expected) in [
                (format!("{down}{up}"), "d/".repeat(10)),
                (
                    format!("{down}{up}{}file", "d/".repeat(290)),
                    format!("{down}file"),
                ),
                (format!("{down}{}", "../".repeat(400)), String::new()),
            ] {
                let found = place.find(&path, Missing::Refuse, walk_it);
                assert_eq!(found, Ok(PathBuf::from(expected)), "{path} {walk_it}");
            }
        }
        let found = place.find(&format!("{down}link/g"), Missing::MakeDirectory, true);
        assert_eq!(found, Ok(PathBuf::from("d/".repeat(10) + "e/f/g")));
        let too_deep = "d/".repeat(3000);
        let found = place.find(&too_deep, Missing::MakeDirectory, true);
        assert_eq!(found, Err(PathFailure::Find(Errno::ENAMETOOLONG)));
    }
}
