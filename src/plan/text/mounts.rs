//! Mounts without a root of the container's own.

use super::bits;
use super::telling::{Blank, Told};
use crate::hint::Doing;
use crate::plan::{Mount, Purpose};
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

    pub fn mount(self, mount: &Mount) -> Told<'p> {
        let target = mount.target.to_bytes();
        let told = match mount.purpose {
            Purpose::Proc { user_namespace } => self.proc(target, user_namespace),
            Purpose::BindProc => self.bind_proc(target),
            Purpose::RestrictProc => self.restrict_proc(target),
        };
        told.on_page(|page, _| page.item("mount(2) flags", &bits::flags(mount.flags)))
    }

    fn proc(self, target: &[u8], user_namespace: bool) -> Told<'p> {
        self.says("mount proc on", target)
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
    }

    fn bind_proc(self, target: &[u8]) -> Told<'p> {
        self.says("bind the host's proc on", target)
            .takes(SYS_ADMIN)
            .has_conditions_of_its_own()
            .why(
                "Only the owner of a PID namespace may mount a proc of it, and this user namespace does not own the \
                 host's: so the host's is bound, with what is mounted in it, for a part that the host covered must not \
                 come to light. mount(2)",
            )
    }

    fn restrict_proc(self, target: &[u8]) -> Told<'p> {
        self.says("set nosuid,nodev,noexec on", target)
            .takes(SYS_ADMIN)
            .has_conditions_of_its_own()
            .why("A bind takes no other flags than its original's, so they are set afterwards. mount(2)")
    }
}
