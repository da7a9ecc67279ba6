//! A mount namespace that begins with nothing, instead of one with a copy of every mount of the host's: for a container with a
//! directory for its root, which has nothing else of the host's.
//!
//! UNSHARE_EMPTY_MNTNS, Linux 7.1. Its / is a directory that no one can change, on which the root is put as it is put onto the
//! host's / otherwise: so the steps that follow are the same. How many mounts the host has does not matter then.
//!
//! In a user namespace it cannot be done: the kernel lets a proc be mounted there only beside another one that is wholly
//! visible (`mount_too_revealing`). What is bound from the host and overlays have their sources by path, when the host's
//! mounts are gone; such containers have the copy. OPEN_TREE_NAMESPACE (7.0) makes a namespace of a directory at once, but
//! then / is what the root is built on, and nothing can be put aside below it.

use crate::plan::root::{KernelFs, RootStep, Way};
use crate::plan::{InitPlan, Reaper, Step};

/// Whether a kernel of this version has such namespaces.
pub fn is_possible(kernel: (u32, u32)) -> bool {
    kernel >= (7, 1)
}

/// Makes `plan`, in which the clone makes the mount namespace, one that makes it itself, if it can: whether it does. It is
/// for who is not in a user namespace of the container's.
pub fn alone(plan: &mut InitPlan) -> bool {
    if plan.reaper == Some(Reaper::Keeper) || !may_be_alone(&plan.container) {
        return false;
    }
    let is_base = |step: &Step| matches!(step, Step::Root(step) if matches!(**step, RootStep::Directory { .. }));
    let Some(place) = plan.container.iter().position(is_base) else {
        return false;
    };
    let Step::Root(base) = plan.container.remove(place) else {
        return false;
    };
    let RootStep::Directory {
        path,
        flags,
        makes_places,
        ..
    } = *base
    else {
        return false;
    };
    plan.container.retain(|step| !is_of_hosts_mounts(step));
    // First of all: whatever is mounted before it would be mounted on the host.
    let alone = RootStep::Alone {
        path,
        flags,
        makes_places,
    };
    plan.container.insert(0, Step::Root(Box::new(alone)));
    true
}

/// What has nothing to do where there are none.
fn is_of_hosts_mounts(step: &Step) -> bool {
    match step {
        Step::MakeMountsPrivate => true,
        Step::Root(step) => matches!(**step, RootStep::LeaveChroot),
        _ => false,
    }
}

/// Whether each step does without the host's mounts, and those that set something have a proc of the container's.
fn may_be_alone(steps: &[Step]) -> bool {
    let mut has_proc = false;
    let mut has_base = false;
    for step in steps {
        let may_be = match step {
            Step::Root(step) => match &**step {
                RootStep::Directory { premounted, .. } => {
                    has_base = true;
                    !premounted
                }
                RootStep::LeaveChroot
                | RootStep::FileSystem(_)
                | RootStep::Stage { .. }
                | RootStep::Devices(_)
                | RootStep::StandardDevices(_)
                | RootStep::Restrict(_)
                | RootStep::RestrictPaths(_)
                | RootStep::Links(_)
                | RootStep::Staged(_)
                | RootStep::Terminal(_)
                | RootStep::PlaceStage(_)
                | RootStep::DropStage
                | RootStep::LookAtNames(_)
                | RootStep::NameFile(_)
                | RootStep::MakeWorkingDirectory { .. }
                | RootStep::ReadOnly
                | RootStep::Enter => true,
                _ => false,
            },
            Step::MountKernelFs(step) => {
                has_proc |= step.kernel_fs == KernelFs::Proc;
                step.in_root && !matches!(step.way, Way::Bound(_))
            }
            Step::OpenNetwork(_) | Step::Sysctl { .. } => has_proc,
            Step::MakeMountsPrivate
            | Step::NetworkFromPool
            | Step::NetworkBeside
            | Step::Umask(_)
            | Step::Hostname(_)
            | Step::DomainName(_)
            | Step::LoopbackUp
            | Step::StandardStreams(_) => true,
            _ => false,
        };
        if !may_be {
            return false;
        }
    }
    has_base
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::ExecPlan;
    use crate::plan::root::{Copy, FileSystem, MountKernelFs};
    use crate::sys::MountFlags;
    use crate::sys::process::StringArray;

    fn root(step: RootStep) -> Step {
        Step::Root(Box::new(step))
    }

    fn directory(premounted: bool) -> Step {
        root(RootStep::Directory {
            path: c"/srv/root".into(),
            flags: MountFlags::NODEV,
            premounted,
            makes_places: true,
        })
    }

    fn proc() -> Step {
        Step::MountKernelFs(Box::new(MountKernelFs {
            kernel_fs: KernelFs::Proc,
            in_root: true,
            user_namespace: true,
            way: Way::Fresh(FileSystem {
                option: None,
                target: c"/proc".into(),
                kind: c"proc".into(),
                flags: MountFlags::NONE,
                data: Default::default(),
                optional: false,
            }),
        }))
    }

    fn plan(container: Vec<Step>, reaper: Option<Reaper>) -> InitPlan {
        InitPlan {
            forerunner: vec![],
            birth: vec![],
            container,
            reaper,
            enters: false,
            process: vec![],
            command: ExecPlan {
                searched: false,
                candidates: vec![],
                arguments: StringArray::new(vec![]),
                environment: StringArray::new(vec![]),
            },
            premounted: 0,
            timed: false,
            tells_status: false,
        }
    }

    fn usual() -> Vec<Step> {
        vec![
            Step::MakeMountsPrivate,
            root(RootStep::LeaveChroot),
            Step::Umask(0),
            directory(false),
            proc(),
            Step::OpenNetwork(vec![]),
            root(RootStep::Enter),
        ]
    }

    #[test]
    fn the_namespace_comes_before_whatever_is_mounted() {
        for reaper in [None, Some(Reaper::FirstProcess)] {
            let mut plan = plan(usual(), reaper);
            assert!(alone(&mut plan));
            assert!(plan.is_alone());
            let rest = [
                Step::Umask(0),
                proc(),
                Step::OpenNetwork(vec![]),
                root(RootStep::Enter),
            ];
            assert_eq!(plan.container[1..], rest);
        }
    }

    #[test]
    fn what_wants_the_hosts_mounts_has_them() {
        let copy = root(RootStep::Copy(Copy {
            option: c"-v".into(),
            path: c"/".into(),
            recursive: true,
            slot: 0,
        }));
        let mut without_base = usual();
        without_base.remove(3);
        let mut handed = usual();
        handed[3] = directory(true);
        let mut without_proc = usual();
        without_proc.remove(4);
        let mut with_copy = usual();
        with_copy.insert(0, copy);
        for container in [without_base, handed, without_proc, with_copy] {
            let steps = container.len();
            let mut plan = plan(container, None);
            assert!(!alone(&mut plan) && !plan.is_alone());
            assert_eq!(plan.container.len(), steps);
        }
        assert!(!alone(&mut plan(usual(), Some(Reaper::Keeper))));
    }
}
