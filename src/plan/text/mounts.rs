//! Mounts without a root of the container's own.

use super::bits;
use super::telling::{Blank, Told};
use crate::hint::Doing;
use crate::plan::root::{BindMount, FileSystem, MountKernelFs, Way};
use crate::sys::MountFlags;
use crate::sys::capability::SYS_ADMIN;

impl<'p> Blank<'p> {
    pub fn make_mounts_private(self) -> Told<'p> {
        self.says("make mounts private below", b"/")
            .hint(Doing::MakeMountsPrivate)
            .takes(SYS_ADMIN)
            .why(
                "Before any mount: a new mount namespace is a copy whose mounts still share with their originals, and \
                 where / is shared, as on hosts with systemd, a mount in one appears in the other. \
                 mount_namespaces(7)",
            )
            .item("mount(2) flags", "private,recursive")
    }

    /// On the caller's own.
    pub fn cover_kernel_fs(self, step: &MountKernelFs) -> Told<'p> {
        match &step.way {
            Way::Fresh(fresh) | Way::FreshOrBound(fresh, _) => {
                self.proc(fresh, step.user_namespace)
            }
            Way::Bound(hosts) => self.bind_proc(hosts),
        }
    }

    fn proc(self, fresh: &FileSystem, user_namespace: bool) -> Told<'p> {
        self.says_file_system(fresh)
            .hint(Doing::MountProc { user_namespace })
            .takes(SYS_ADMIN)
            .has_conditions_of_its_own()
            .why(if user_namespace {
                "A proc shows the PID namespace of who mounted it, so a new namespace needs a new one. The user \
                 namespace owns that PID namespace, and so may mount it; where the caller sees only parts of /proc the \
                 kernel refuses. proc(5)"
            } else {
                "A proc shows the PID namespace of who mounted it, so a new namespace needs a new one: with the host's, \
                 ps would show the host's processes. proc(5)"
            })
            .on_page(|page, _| page.item("mount(2) flags", &bits::flags(fresh.flags)))
    }

    fn bind_proc(self, hosts: &BindMount) -> Told<'p> {
        self.says_bind("bind the host's proc on", hosts)
            .takes(SYS_ADMIN)
            .has_conditions_of_its_own()
            .why(
                "Only the owner of a PID namespace may mount a proc of it, and this user namespace does not own the \
                 host's: so the host's is bound, with what is mounted in it, for a part that the host covered must not \
                 come to light. A bind takes no other flags than its original's, so they are set afterwards. mount(2)",
            )
            .on_page(|page, _| {
                let bind = MountFlags::BIND.and(MountFlags::RECURSIVE);
                page.item("mount(2) flags", &bits::flags(bind));
                let remount = MountFlags::BIND.and(MountFlags::REMOUNT);
                let flags = remount.and(MountFlags::NODEV).and(hosts.flags);
                page.item("and then", &bits::flags(flags));
            })
    }
}
