//! /proc and /sys.

use crate::field::Field;
use crate::hint::Doing;
use crate::plan::root::{KernelFs, MountKernelFs, RestrictedPaths, Restriction, RootStep, Way};
use crate::plan::text::telling::{Blank, Told};
use std::borrow::Cow;
use std::ffi::CStr;

impl<'p> Blank<'p> {
    pub fn mount_kernel_fs(self, step: &MountKernelFs) -> Told<'p> {
        let named = match &step.way {
            Way::Fresh(fresh) => self.says_file_system(fresh),
            Way::Bound(hosts) => self.says_bind("bind on", hosts),
            Way::FreshOrBound(fresh, hosts) => {
                self.says_file_system(fresh).source(hosts.path.to_bytes())
            }
        };
        let named = match step.kernel_fs {
            KernelFs::Proc => named.hint(Doing::MountProc {
                user_namespace: step.user_namespace,
            }),
            KernelFs::Sysfs => named,
        };
        let mut told = named.explained(|page, _| {
            page.why(&match step.kernel_fs {
                KernelFs::Proc => Cow::Borrowed(
                    "A proc shows the PID namespace of who mounted it, so a new one needs a new proc. First, for what is \
                     mounted later may need it. proc(5)",
                ),
                KernelFs::Sysfs => Cow::Owned(format!(
                    "A new sysfs shows the network devices of this network namespace. Read-only{}, for what is set there \
                     is the host's. sysfs(5)",
                    Field::Privileged.aside(" (unless ", ")")
                )),
            });
        });
        if let Some(fresh) = step.way.fresh() {
            told = told
                .why(
                    "Mounted on top of /, where /.. names it, and moved to its place: so it is held by the mount itself, and what \
                     is hidden of it below is found without a path, which links of the root could lead elsewhere.",
                )
                .mounted_with(fresh);
        }
        if let Some(hosts) = step.way.bound() {
            told = told
                .why(
                    "Only the owner of a namespace may mount a new one of what it shows, and not where parts of the old one are \
                     covered: else the host's is bound, with all that is mounted in it.",
                )
                .foreign("else bound", hosts.path.to_bytes());
        }
        told
    }

    pub fn restrict(self, all: &[Restriction]) -> Told<'p> {
        let directories = all.iter().map(|one| one.directory.to_bytes());
        let directories: Vec<&[u8]> = directories.collect();
        self.says("restrict what is seen of", &directories.join(&b" and "[..]))
            .why(
                "Much in them is the host's, whatever the namespace: so some paths are hidden, a file by /dev/null bound on it and a \
                 directory by an empty one, and others are bound onto themselves, read-only. Those that this kernel does not \
                 have are hidden already. mount(2), MS_BIND and MS_REMOUNT",
            )
            .on_page(|page, _| {
                for step in all {
                    for (label, paths) in [("hidden", &step.masked), ("read-only", &step.read_only)] {
                        let paths = paths.iter().map(|path| whole(&step.directory, path));
                        let paths: Vec<Vec<u8>> = paths.collect();
                        if !paths.is_empty() {
                            page.foreign(label, &paths.join(&b' '));
                        }
                    }
                }
            })
    }

    pub fn restrict_paths(self, step: &RestrictedPaths) -> Told<'p> {
        self.says("restrict what is seen of", b"the root")
            .why(
                "What is hidden or read-only anywhere else, when all is mounted: a file by /dev/null bound on it, a directory by \
                 an empty one; and what is read is bound onto itself, read-only. Each path is looked up inside the root, and \
                 what is not there is hidden already. open_tree(2), mount_setattr(2), move_mount(2)",
            )
            .on_page(|page, _| {
                for (label, paths) in [("hidden", &step.masked), ("read-only", &step.read_only)] {
                    let paths: Vec<&[u8]> = paths.iter().map(|path| path.to_bytes()).collect();
                    if !paths.is_empty() {
                        page.foreign(label, &paths.join(&b' '));
                    }
                }
            })
    }
}

/// The absolute path, from one below the file system.
fn whole(directory: &CStr, path: &CStr) -> Vec<u8> {
    [directory.to_bytes(), b"/", path.to_bytes()].concat()
}

/// What was being done to which path, of all that are restricted.
pub fn restricted_path(step: &RootStep, index: u8) -> Option<(&'static str, Vec<u8>)> {
    let all = match step {
        RootStep::Restrict(all) => all,
        RootStep::DeviceFiles(files) => {
            let file = files.get(usize::from(index))?;
            return Some(("make", file.path.to_bytes().to_vec()));
        }
        RootStep::RestrictPaths(paths) | RootStep::RestrictFound(paths) => {
            let masked = paths.masked.iter().map(|path| ("hide", path));
            let read_only = paths.read_only.iter().map(|path| ("make read-only", path));
            let mut both = masked.chain(read_only);
            let (verb, path) = both.nth(usize::from(index))?;
            return Some((verb, path.to_bytes().to_vec()));
        }
        _ => return None,
    };
    let paths = all.iter().flat_map(|one| {
        let masked = one.masked.iter().map(|path| ("hide", path));
        let read_only = one.read_only.iter().map(|path| ("make read-only", path));
        let both = masked.chain(read_only);
        both.map(|(verb, path)| (verb, whole(&one.directory, path)))
    });
    paths.into_iter().nth(usize::from(index))
}
