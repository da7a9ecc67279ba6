//! Who the process is: ids, and their maps.

use super::telling::{Blank, Named, Start, Told};
use crate::hint::Doing;
use crate::spec::Identity;
use crate::sys::capability::{SETGID, SETUID, SYS_ADMIN};

/// Whether many ids are mapped: the root of the container becomes it.
fn is_ranged(start: &Start<'_>) -> bool {
    matches!(start.spec.identity, Identity::Ranged { .. })
}

impl<'p> Blank<'p> {
    pub fn await_ids(self) -> Told<'p> {
        self.says("wait for", b"ids to be mapped from outside")
            .why(
                "Many ids are mapped by who may have them all: mydocker outside, if it is root, or newuidmap(1) and \
                 newgidmap(1) for an ordinary user. Until then the new process is no one in its user namespace, and \
                 could make no file. It waits for a byte in a pipe; if mydocker dies meanwhile, it leaves. \
                 user_namespaces(7)",
            )
            .on_page(|page, start| {
                let Identity::Ranged { ids, .. } = &start.spec.identity else {
                    return;
                };
                for (label, maps) in [("users", &ids.users), ("groups", &ids.groups)] {
                    let lines = maps.iter().map(|map| map.line().trim_end().to_owned());
                    let lines: Vec<String> = lines.collect();
                    page.item(&format!("{label}, inside, outside, how many"), &lines.join("; "));
                }
            })
    }

    pub fn deny_setgroups(self) -> Told<'p> {
        self.says("write deny to", b"/proc/self/setgroups")
            .hint(Doing::MapUser)
            .takes(SYS_ADMIN)
            .why(
                "Before gid_map, or the kernel refuses that one: an ordinary user could otherwise drop a group that a \
                 file's permissions deny something to. user_namespaces(7)",
            )
    }

    pub fn map_user(self, line: &[u8]) -> Told<'p> {
        self.says("write uid_map", line.trim_ascii_end())
            .hint(Doing::MapUser)
            .takes(SYS_ADMIN)
            .why(
                "Who is who in the new user namespace; an id that is not mapped is no one there, and cannot be had.",
            )
            .foreign("inside, outside, how many", line.trim_ascii_end())
    }

    pub fn map_group(self, line: &[u8]) -> Told<'p> {
        self.says("write gid_map", line.trim_ascii_end())
            .hint(Doing::MapUser)
            .takes(SYS_ADMIN)
            .why("The same for groups. It may be written once, and now it may. user_namespaces(7)")
            .foreign("inside, outside, how many", line.trim_ascii_end())
    }

    pub fn groups(self, groups: &[u32]) -> Told<'p> {
        let ids: Vec<String> = groups.iter().map(u32::to_string).collect();
        self.says("setgroups", ids.join(",").as_bytes())
            .hint(Doing::SetGroups)
            .takes(SETGID)
            .why(
                "Instead of the caller's supplementary groups. Groups before the user: without CAP_SETGID, which goes \
                 with the user, no one may change them. setgroups(2)",
            )
    }

    pub fn group(self, group: u32) -> Told<'p> {
        self.says("setresgid", group.to_string().as_bytes())
            .hint(Doing::SetUser)
            .takes(SETGID)
            .becoming(
                group,
                "Real, effective and saved at once, so that there is no way back. setresgid(2)",
            )
    }

    pub fn user(self, user: u32) -> Told<'p> {
        self.says("setresuid", user.to_string().as_bytes())
            .hint(Doing::SetUser)
            .takes(SETUID)
            .becoming(
                user,
                "After everything that takes root's rights. Real, effective and saved at once, so that there is no way \
                 back. setresuid(2)",
            )
    }
}

impl<'p> Named<'p> {
    /// Why it becomes this id: `usually`, unless it has been no one.
    fn becoming(self, id: u32, usually: &str) -> Told<'p> {
        self.explained(|page, start| {
            page.why(match id {
                0 if is_ranged(start) => {
                    "Root of the new user namespace; who came here is no one in it. setresgid(2), setresuid(2)"
                }
                _ => usually,
            });
        })
    }
}
