//! What on this host tells one cause of an errno from another. It is read when something has failed, not before; and a
//! cause is named only if it was seen.

use crate::sys::facts::{self, FileSystem};
use crate::sys::{MountFlags, capability, descriptor, identity};
use std::ffi::{CStr, CString};
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

/// The host as its /proc shows it.
pub struct Host {
    /// Below which /proc lies.
    root: PathBuf,
    user: u32,
}

impl Host {
    pub fn here() -> Self {
        Self {
            root: "/".into(),
            user: identity::effective_user(),
        }
    }

    /// The content of a file, its last newline cut off. `None` if it cannot be read.
    fn read(&self, path: &str) -> Option<String> {
        let mut content = std::fs::read(self.root.join(path)).ok()?;
        content.truncate(content.trim_ascii_end().len());
        Some(String::from_utf8_lossy(&content).into_owned())
    }

    /// A field of this process's status.
    fn status(&self, field: &str) -> Option<String> {
        let status = self.read("proc/self/status")?;
        let mut lines = status.lines();
        lines.find_map(|line| Some(line.strip_prefix(field)?.strip_prefix(':')?.trim().into()))
    }

    fn sysctl_is(&self, name: &str, value: &str) -> bool {
        let read = self.read(&format!("proc/sys/{name}"));
        read.is_some_and(|read| read == value)
    }

    /// Whether execve gives this process no privileges.
    pub fn has_no_new_privileges(&self) -> bool {
        self.status("NoNewPrivs").is_some_and(|value| value == "1")
    }

    /// Whether system calls of this process are filtered.
    pub fn is_filtered(&self) -> bool {
        self.status("Seccomp").is_some_and(|value| value == "2")
    }

    /// Whether this process is without a capability.
    pub fn lacks(&self, number: u8) -> bool {
        let effective = self.status("CapEff");
        let set = effective.and_then(|digits| u64::from_str_radix(&digits, 16).ok());
        set.is_some_and(|set| set & 1 << number == 0)
    }

    /// Whether the files of this process are root's, as those of a program are that its user may not read.
    pub fn is_unreadable(&self) -> bool {
        let owner = std::fs::metadata(self.root.join("proc/self/mem")).map(|facts| facts.uid());
        self.user != 0 && owner.is_ok_and(|owner| owner == 0)
    }

    /// Whether no mount is on the root that this process has. (Another chroot looks like any root.)
    pub fn is_chroot(&self) -> bool {
        let mounts = self.read("proc/self/mountinfo");
        mounts.is_some_and(|mounts| {
            !mounts.is_empty() && !mount_points(&mounts).any(|point| point == "/")
        })
    }

    /// What is mounted over a part of /proc, if something is.
    pub fn cover_of_proc(&self) -> Option<String> {
        let mounts = self.read("proc/self/mountinfo")?;
        let cover = mount_points(&mounts).find(|point| point.starts_with("/proc/"));
        cover.map(str::to_owned)
    }

    /// Which of these kinds of namespace, as the kernel's sysctls name them, may not be made at all.
    pub fn forbidden<'a>(&self, kinds: &[&'a str]) -> Option<&'a str> {
        let mut kinds = kinds.iter();
        kinds
            .find(|kind| self.sysctl_is(&format!("user/max_{kind}_namespaces"), "0"))
            .copied()
    }

    /// Why AppArmor keeps a user namespace of this process's without capabilities, if it does.
    pub fn apparmors_restriction(&self) -> Option<&'static str> {
        let restricted = self.user != 0
            && self.lacks(capability::SYS_ADMIN)
            && self.sysctl_is("kernel/apparmor_restrict_unprivileged_userns", "1");
        // A profile of its own may allow it. Without AppArmor in the kernel the file cannot be read.
        let label = self
            .read("proc/self/attr/apparmor/current")
            .or_else(|| self.read("proc/self/attr/current"));
        let may_be_restricted = label.is_none_or(|label| {
            let label = label.trim_end_matches('\0');
            label.is_empty() || label == "unconfined" || label.starts_with("unprivileged_userns")
        });
        (restricted && may_be_restricted).then_some(
            "AppArmor forbids it (kernel.apparmor_restrict_unprivileged_userns is 1): let root give mydocker a \
             profile, or run it as root",
        )
    }

    /// Whether this process may make no user namespace, on a kernel with Debian's setting for that.
    pub fn lets_only_root_make_user_namespaces(&self) -> bool {
        self.user != 0 && self.sysctl_is("kernel/unprivileged_userns_clone", "0")
    }

    /// Why this process may make no user namespace, if that can be seen.
    pub fn user_namespaces_are_refused(&self) -> Option<&'static str> {
        if self.lets_only_root_make_user_namespaces() {
            return Some(
                "this host lets only root make user namespaces (kernel.unprivileged_userns_clone is 0): set \
                 it to 1, or run mydocker as root",
            );
        }
        if let Some(restriction) = self.apparmors_restriction() {
            return Some(restriction);
        }
        if self.is_chroot() {
            return Some("this is a chroot, in which the kernel makes no user namespaces");
        }
        self.filter()
    }

    /// A sentence that a filter may be the reason, if there is one.
    pub fn filter(&self) -> Option<&'static str> {
        self.is_filtered().then_some(
            "mydocker runs under a filter of system calls (seccomp), as in a container, which may forbid it",
        )
    }
}

/// Below this process's root.
impl Host {
    /// Why a program that is to gain privileges by its file does not, if that can be seen.
    pub fn is_powerless(&self, program: &CStr) -> Option<&'static str> {
        if self.has_no_new_privileges() {
            return Some(
                "it cannot gain the rights that it needs, for mydocker runs under no_new_privs, as in a container or a \
                 service that is confined",
            );
        }
        let opened = descriptor::open(program, libc::O_PATH, 0).ok()?;
        let facts = facts::facts(opened.as_fd()).ok()?;
        let mount = facts::file_system(opened.as_fd()).ok()?;
        let is_roots = facts.mode & libc::S_ISUID != 0 && facts.owner == 0;
        if !is_roots && !facts::has_capabilities(program) {
            return Some(
                "it has neither its set-user-ID bit nor file capabilities, without which it has no more rights than \
                 its caller",
            );
        }
        mount.flags.contains(MountFlags::NOSUID).then_some(
            "it lies on a mount that is nosuid, where its set-user-ID bit or its file capabilities have no effect",
        )
    }

    /// Which of the ids that a tmpfs is to belong to, by its options, this process's user namespace does not have.
    pub fn unknown_id(&self, options: &CStr) -> Option<String> {
        ids_of_options(options).find_map(|(name, id)| {
            let map = self.read(&format!("proc/self/{name}_map"))?;
            let numbers = |line: &str| -> Option<(u32, u32)> {
                let mut fields = line.split_ascii_whitespace();
                let first = fields.next()?.parse().ok()?;
                Some((first, fields.nth(1)?.parse().ok()?))
            };
            let mut ranges = map.lines().filter_map(numbers);
            let is_known = ranges.any(|(first, count)| id >= first && id - first < count);
            (!is_known).then(|| format!("the user namespace has no {name} {id}"))
        })
    }
}

/// `uid` and `gid` among a file system's options.
pub fn ids_of_options(options: &CStr) -> impl Iterator<Item = (&'static str, u32)> {
    let options = options.to_bytes().split(|byte| *byte == b',');
    options.filter_map(|option| {
        let name = ["uid", "gid"]
            .into_iter()
            .find(|name| option.starts_with(name.as_bytes()))?;
        let number = option.get(name.len()..)?.strip_prefix(b"=")?;
        Some((name, std::str::from_utf8(number).ok()?.parse().ok()?))
    })
}

/// Why a path of the host's is closed to this user, though its modes may say otherwise, if that can be seen.
#[cold]
#[inline(never)]
pub fn closed(path: &CStr) -> Option<&'static str> {
    // The longest part of it that can be looked at is where the closed one begins.
    let mut part = path.to_bytes();
    loop {
        let there = CString::new(part).ok()?;
        if let Ok(opened) = descriptor::open(&there, libc::O_PATH, 0) {
            let is_fuse = facts::file_system(opened.as_fd()).is_ok_and(FileSystem::is_fuse);
            return is_fuse.then_some(
                "it lies on a FUSE file system, which only the user who mounted it may see (its options allow_other \
                 and allow_root make exceptions)",
            );
        }
        let end = part.iter().rposition(|byte| *byte == b'/')?;
        part = part.get(..end).filter(|part| !part.is_empty())?;
    }
}

/// Where the mounts of a mountinfo lie.
fn mount_points(mountinfo: &str) -> impl Iterator<Item = &str> {
    mountinfo.lines().filter_map(|line| line.split(' ').nth(4))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use std::path::Path;

    /// A host of these files.
    pub(crate) struct Fabricated(pub Host);

    impl Fabricated {
        pub(crate) fn new(name: &str, user: u32, files: &[(&str, &str)]) -> Self {
            let root = std::env::temp_dir().join(format!("mydocker-{}-{name}", std::process::id()));
            for (path, content) in files {
                let path = root.join(path);
                std::fs::create_dir_all(path.parent().unwrap_or(Path::new("/"))).unwrap();
                std::fs::write(path, content).unwrap();
            }
            Self(Host { root, user })
        }
    }

    impl Drop for Fabricated {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0.root);
        }
    }

    pub(crate) const ORDINARY: (&str, &str) = (
        "proc/self/status",
        "Name:\tx\nCapEff:\t0000000000000000\nNoNewPrivs:\t0\nSeccomp:\t0\nSeccomp_filters:\t0\n",
    );
    const MOUNTS: (&str, &str) = (
        "proc/self/mountinfo",
        "21 1 8:1 / / rw - ext4 /dev/sda1 rw\n",
    );
    pub(crate) const APPARMOR: (&str, &str) = (
        "proc/sys/kernel/apparmor_restrict_unprivileged_userns",
        "1\n",
    );
    const UNCONFINED: (&str, &str) = ("proc/self/attr/apparmor/current", "unconfined\n");
    const CLONE: (&str, &str) = ("proc/sys/kernel/unprivileged_userns_clone", "0\n");

    fn refused(name: &str, user: u32, files: &[(&str, &str)]) -> &'static str {
        let host = Fabricated::new(name, user, files);
        host.0.user_namespaces_are_refused().unwrap_or("")
    }

    #[test]
    fn each_restriction_of_user_namespaces_has_its_name() {
        let usual = [ORDINARY, MOUNTS];
        assert_eq!(refused("none", 7, &usual), "");
        assert_eq!(refused("no-proc", 7, &[]), "");
        let clone = [ORDINARY, MOUNTS, CLONE];
        assert!(refused("clone", 7, &clone).contains("kernel.unprivileged_userns_clone is 0"));
        assert_eq!(refused("clone-root", 0, &clone), "");
        let allowed = [ORDINARY, MOUNTS, (CLONE.0, "1\n")];
        assert_eq!(refused("clone-allowed", 7, &allowed), "");
        for (name, label) in [
            ("unconfined", "unconfined\n"),
            ("transition", "unprivileged_userns (enforce)\n"),
        ] {
            let files = [ORDINARY, MOUNTS, APPARMOR, (UNCONFINED.0, label)];
            assert!(
                refused(name, 7, &files).contains("apparmor_restrict"),
                "{name}"
            );
        }
        assert!(refused("unlabelled", 7, &[ORDINARY, APPARMOR]).contains("apparmor_restrict"));
        let profile = (UNCONFINED.0, "mydocker (unconfined)\n");
        let files = [ORDINARY, MOUNTS, APPARMOR, profile];
        assert_eq!(refused("profile", 7, &files), "");
        let off = [ORDINARY, MOUNTS, UNCONFINED, (APPARMOR.0, "0\n")];
        assert_eq!(refused("apparmor-off", 7, &off), "");
        let chroot = (MOUNTS.0, "30 21 0:5 / /proc rw - proc proc rw\n");
        assert!(refused("chroot", 7, &[ORDINARY, chroot]).contains("chroot"));
        let filtered = (ORDINARY.0, "CapEff:\t0\nSeccomp:\t2\n");
        assert!(refused("filter", 7, &[filtered, MOUNTS]).contains("seccomp"));
    }

    #[test]
    fn what_a_process_has() {
        let status = "CapEff:\t00000000a80425fb\nNoNewPrivs:\t1\nSeccomp:\t2\n";
        let host = Fabricated::new("status", 0, &[(ORDINARY.0, status)]);
        assert!(host.0.has_no_new_privileges() && host.0.is_filtered());
        assert!(host.0.lacks(capability::SYS_ADMIN) && !host.0.lacks(capability::KILL));
        let host = Fabricated::new("nothing", 0, &[]);
        assert!(!host.0.has_no_new_privileges() && !host.0.is_filtered());
        assert!(!host.0.lacks(capability::SYS_ADMIN));
    }

    #[test]
    fn what_may_not_be_made() {
        let files = [
            ("proc/sys/user/max_net_namespaces", "0\n"),
            ("proc/sys/user/max_pid_namespaces", "9\n"),
        ];
        let host = Fabricated::new("limits", 0, &files);
        assert_eq!(host.0.forbidden(&["pid", "mnt", "net"]), Some("net"));
        assert_eq!(host.0.forbidden(&["pid", "mnt"]), None);
    }

    #[test]
    fn ids_that_are_not_mapped() {
        let files = [
            ("proc/self/uid_map", "         0       1000          1\n"),
            ("proc/self/gid_map", "0 1000 1\n1 100000 65536\n"),
        ];
        let host = Fabricated::new("ids", 0, &files);
        for (options, expected) in [
            (c"", None),
            (c"size=1m,uid=0,gid=65536", None),
            (c"uid=1", Some("the user namespace has no uid 1")),
            (
                c"gid=1,uid=7,mode=700",
                Some("the user namespace has no uid 7"),
            ),
            (c"gid=65537", Some("the user namespace has no gid 65537")),
        ] {
            assert_eq!(host.0.unknown_id(options).as_deref(), expected);
        }
    }

    #[test]
    fn what_covers_a_part_of_proc() {
        let mounts = "20 1 8:1 / / rw - ext4 /dev/sda1 rw\n\
            21 20 0:5 / /proc rw - proc proc rw\n22 21 0:6 / /proc/kcore rw - tmpfs none rw\n";
        let host = Fabricated::new("cover", 7, &[(MOUNTS.0, mounts)]);
        assert_eq!(host.0.cover_of_proc().as_deref(), Some("/proc/kcore"));
        let host = Fabricated::new("uncovered", 7, &[MOUNTS]);
        assert_eq!(host.0.cover_of_proc(), None);
    }
}
