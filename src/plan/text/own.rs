//! What an engine asks for of a process, beside what every container's has.

use super::bits;
use super::telling::{Blank, Told};
use crate::hint::Doing;
use crate::plan::process::{JoinOf, ProcessStep};
use crate::sys::Errno;
use crate::sys::capability::{SETGID, SETPCAP, SYS_ADMIN, SYS_NICE, Sets};
use crate::sys::scheduler::Scheduling;
use std::ffi::CStr;

#[cold]
#[inline(never)]
pub fn tell<'p>(step: &ProcessStep, text: Blank<'p>) -> Told<'p> {
    match step {
        ProcessStep::Processors(set) => text.processors(&set.to_string()),
        ProcessStep::AllProcessors => text.all_processors(),
        ProcessStep::TimeNamespace(offsets) => text.time_namespace(offsets),
        ProcessStep::JoinNamespaces(all) => text.join_namespaces(all),
        ProcessStep::Keyring { name, .. } => text.keyring(name),
        ProcessStep::Personality(number) => text.personality(*number),
        ProcessStep::Scheduling(scheduling) => text.scheduling(scheduling),
        ProcessStep::IoPriority { class, level } => text.io_priority(*class, *level),
        ProcessStep::Groups(groups) => text.own_groups(groups),
        ProcessStep::CapabilitySets(sets) => text.capability_sets(sets),
        ProcessStep::EnterDirectory(path) => text.enter_directory(path),
        ProcessStep::EnterDirectoryAsUser(path) => text.enter_directory_as_user(path),
        ProcessStep::GiveStandard { user, .. } => text.give_standard(*user),
        ProcessStep::Label { attribute, value } => text.label(attribute, value),
        ProcessStep::FindHome(user) => text.find_home(*user),
        ProcessStep::FindCommand => text.find_command(),
        ProcessStep::EndWhenAsked => text.end_when_asked(),
    }
}

impl<'p> Blank<'p> {
    fn processors(self, set: &str) -> Told<'p> {
        self.says(
            "process.execCPUAffinity: run on the processors",
            set.as_bytes(),
        )
        .found(
            Errno::EINVAL,
            "none of them is there, or the cgroup has none of them",
        )
        .why("Before the cgroup is joined, and once more after it. sched_setaffinity(2)")
    }

    fn all_processors(self) -> Told<'p> {
        self.says("run on", b"all processors of the cgroup").why(
            "Since Linux 6.2 a process keeps the processors that it was told to run on when its cgroup has others: those of \
             an engine that was started by taskset(1) would be the container's. sched_setaffinity(2)",
        )
    }

    fn time_namespace(self, offsets: &[u8]) -> Told<'p> {
        self.says("unshare", b"the time namespace")
            .hint(Doing::MakeNamespace("time"))
            .takes(SYS_ADMIN)
            .found(
                Errno::ERANGE,
                "linux.timeOffsets: a clock would stand before its beginning, or too far in the future",
            )
            .why(
                "Its clocks are set before anyone is in it, and then this process enters it, for clone(2) makes none. \
                 time_namespaces(7)",
            )
            .foreign("offsets", offsets)
    }

    fn join_namespaces(self, all: &[JoinOf]) -> Told<'p> {
        let names: Vec<&str> = all.iter().map(|one| one.namespace.name()).collect();
        let object = format!("the namespaces of linux.namespaces ({})", names.join(", "));
        self.says("join", object.as_bytes())
            .hint(Doing::JoinNamespace)
            .takes(SYS_ADMIN)
            .has_conditions_of_its_own()
            .why(
                "By a process of its own, before the first one is born: some may be joined with the caller's rights alone, \
                 others by those of the user namespace that is joined, and what is new is to be owned by that one. setns(2)",
            )
    }

    fn keyring(self, name: &CStr) -> Told<'p> {
        self.says("join the session keyring", name.to_bytes())
            .hint(Doing::JoinKeyring)
            .why(
                "The caller's keys are not the container's; all processes of the container have the same ones, which find \
                 them by this name. keyctl(2)",
            )
    }

    fn personality(self, number: u32) -> Told<'p> {
        let object = format!("the personality to {number:#x}");
        self.says("set", object.as_bytes())
            .why("linux.personality: what uname(2) and execve(2) make of it. personality(2)")
    }

    fn scheduling(self, scheduling: &Scheduling) -> Told<'p> {
        let object = format!(
            "policy {}, nice {}, priority {}, flags {:#x}",
            scheduling.policy, scheduling.nice, scheduling.priority, scheduling.flags
        );
        self.says("process.scheduler: set", object.as_bytes())
            .hint(Doing::Schedule)
            .takes(SYS_NICE)
            .why("While there is CAP_SYS_NICE, and before the filter. sched_setattr(2)")
    }

    fn io_priority(self, class: u32, level: u32) -> Told<'p> {
        let object = format!("class {class}, level {level}");
        self.says("process.ioPriority: set", object.as_bytes())
            .takes(SYS_NICE)
            .why("While there is CAP_SYS_NICE. ioprio_set(2)")
    }

    fn own_groups(self, groups: &[u32]) -> Told<'p> {
        let ids: Vec<String> = groups.iter().map(u32::to_string).collect();
        self.says("process.user: setgroups", ids.join(",").as_bytes())
            .hint(Doing::SetGroups)
            .takes(SETGID)
            .why(
                "Instead of the runtime's supplementary groups. Where the user namespace has given that up they stay. \
                 setgroups(2)",
            )
    }

    fn capability_sets(self, sets: &Sets) -> Told<'p> {
        let found = "capset: operation not permitted (EPERM): one of them mydocker does not have, or its own rules forbid it: \
                     effective is a part of permitted, and inheritable of bounding";
        self.says("process.capabilities: set", b"the command's sets")
            .found(Errno::EPERM, found)
            .takes(SETPCAP)
            .why("Exactly as they are given. capset(2), capabilities(7)")
            .on_page(|page, _| {
                for (label, set) in [
                    ("permitted", sets.permitted),
                    ("effective", sets.effective),
                    ("inheritable", sets.inheritable),
                    ("ambient", sets.ambient),
                ] {
                    page.item(label, &bits::capabilities(set));
                }
            })
    }

    fn enter_directory(self, path: &CStr) -> Told<'p> {
        self.says("process.cwd: change directory to", path.to_bytes())
            .found(Errno::EXDEV, OUTSIDE)
            .why(
                "As the container's root, which may enter what the command's user may not. When everything of the host's is \
                 closed. It must lie below the root. chdir(2)",
            )
    }

    fn enter_directory_as_user(self, path: &CStr) -> Told<'p> {
        self.says(
            "process.cwd: as the user change directory to",
            path.to_bytes(),
        )
        .found(Errno::EXDEV, OUTSIDE)
        .why("If it was closed to root (a directory of NFS). chdir(2)")
    }

    fn give_standard(self, user: u32) -> Told<'p> {
        let object = format!("0, 1 and 2 to the user {user}");
        self.says("give", object.as_bytes()).why(
            "So that the command may open them again, as /dev/stdout, and use its terminal. As far as that is allowed; no \
             device of the host's. fchown(2)",
        )
    }

    fn label(self, attribute: &CStr, value: &[u8]) -> Told<'p> {
        let object = [b"/proc/self/attr/", attribute.to_bytes()].concat();
        self.says("write the command's label to", &object)
            .found(
                Errno::ENODEV,
                "what the container has on /proc is no proc, or only a part of one",
            )
            .why(
                "By it the security module knows how to confine the command from its execve on. By the container's proc, \
                 without following links or what is mounted in it. apparmor(7), selinux(8)",
            )
            .foreign("label", value)
    }

    fn find_home(self, user: u32) -> Told<'p> {
        self.says("set HOME for the user", user.to_string().as_bytes())
            .why("No one has set it: what the container's /etc/passwd says, or /. passwd(5)")
    }

    fn end_when_asked(self) -> Told<'p> {
        self.says("end, while it waits, by SIGHUP, SIGINT, SIGQUIT and SIGTERM", b"")
            .why(
                "The kernel keeps them from the first process of a PID namespace that has no handler for them; the command \
                 begins without these. pid_namespaces(7)",
            )
    }

    fn find_command(self) -> Told<'p> {
        self.says("look for", b"the command").why(
            "Before the container waits for its start, so that `create` tells that there is none. access(2)",
        )
    }
}

const OUTSIDE: &str = "it is outside of the container's root: possibly a break-out was tried";
