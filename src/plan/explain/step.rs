//! Why each step is there, and why at its place; what a root takes has a file of its own ([`super::root`]).
//!
//! The order is decided in `src/plan/build`, which has the same reasons in its comments.

use super::page::Page;
use super::{Start, root, words};
use crate::plan::{Mount, Prepared, Purpose, Step};
use crate::seccomp::{FilterSummary, HERE, summary};
use crate::spec::Filter;
use crate::spec::Identity;
use crate::sys::Errno;
use crate::sys::capability::CapabilitySet;
use crate::sys::seccomp::Instruction;
use std::os::unix::ffi::OsStrExt;

/// Whether many ids are mapped: the root of the container becomes it.
fn is_ranged(start: &Start<'_>) -> bool {
    matches!(start.spec.identity, Identity::Ranged { .. })
}

#[cold]
#[inline(never)]
pub fn why(page: &mut Page, step: &Step, start: &Start<'_>) {
    match step {
        Step::Root(step) => root::why(page, step),
        Step::JoinCgroup { .. } => page.why(
            "First of all, so that everything that follows counts. (A keeper stays outside: it has to outlive the \
             command.) A 0 written to this file, which mydocker has opened, moves who writes it; to move another process \
             by its number would cost milliseconds. cgroups(7)",
        ),
        Step::ConfirmProcessors(_) => page.why(
            "The kernel is asked what it applies to this process, for a cgroup's file may say one thing and the kernel do \
             another: before Linux 6.4 who was born in a cgroup kept the parent's processors. sched_getaffinity(2)",
        ),
        Step::ConfirmMemoryNodes(_) => page.why(
            "The kernel is asked what it applies to this process, as with the processors. get_mempolicy(2)",
        ),
        Step::OomScoreAdjustment(_) => page.why(
            "Who is ended first when the host is out of memory, proc(5). While the /proc that is seen is one in \
             which this process is.",
        ),
        Step::AwaitIds => {
            page.why(
                "Many ids are mapped by who may have them all: mydocker outside, if it is root, or newuidmap(1) and \
             newgidmap(1) for an ordinary user. Until then the new process is no one in its user namespace, and could \
             make no file. It waits for a byte in a pipe; if mydocker dies meanwhile, it leaves. user_namespaces(7)",
            );
            if let Identity::Ranged { ids, .. } = &start.spec.identity {
                for (label, maps) in [("users", &ids.users), ("groups", &ids.groups)] {
                    let lines = maps.iter().map(|map| map.line().trim_end().to_owned());
                    let lines: Vec<String> = lines.collect();
                    page.item(&format!("{label}, inside, outside, how many"), &lines.join("; "));
                }
            }
        }
        Step::AwaitReaper => page.why(
            "Until it has executed its own program the reaper is a copy of mydocker, and it has mydocker's rights, for \
             this process has had them from it. The program says by a byte in a pipe that it runs, with no more rights \
             than it needs.",
        ),
        Step::DenySetgroups => page.why(
            "Before gid_map, or the kernel refuses that one: an ordinary user could otherwise drop a group that a \
             file's permissions deny something to. user_namespaces(7)",
        ),
        Step::MapUser(line) => {
            page.why(
                "Who is who in the new user namespace; an id that is not mapped is no one there, and cannot be had.",
            );
            page.foreign("inside, outside, how many", line.trim_ascii_end());
        }
        Step::MapGroup(line) => {
            page.why("The same for groups. It may be written once, and now it may. user_namespaces(7)");
            page.foreign("inside, outside, how many", line.trim_ascii_end());
        }
        Step::KeepCapabilities => page.why(
            "A re-exec comes before the mounts, and execve leaves only the user 0 its capabilities: ambient ones \
             stay. capabilities(7)",
        ),
        Step::CgroupNamespace => page.why(
            "Now that the process is in its cgroups, for the namespace's top is where its maker is; the clone would \
             have made one whose top is mydocker's. unshare(2), cgroup_namespaces(7)",
        ),
        Step::MakeMountsPrivate => {
            page.why(
                "Before any mount: a new mount namespace is a copy whose mounts still share with their originals, and \
                 where / is shared, as on hosts with systemd, a mount in one appears in the other. \
                 mount_namespaces(7)",
            );
            page.item("mount(2) flags", "private,recursive");
        }
        Step::Mount(step) => mount(page, step),
        Step::NetworkFromPool => page.why(
            "One that the pool has ready, used by no one before, its loopback up; if it has none, one is made here. \
             Making one is a third to a half of a start. setns(2). Late, so that the pool has had time to answer; with \
             a root of its own before that, for a sysfs shows the devices of the namespace that it is mounted in.",
        ),
        Step::Hostname(_) => page.why(
            "In the new UTS namespace: the host keeps its own. Without --hostname it is another one at each start. \
             sethostname(2)",
        ),
        Step::OpenNetwork(groups) => {
            page.why(
                "As docker has it: the network is the container's own, so every user of it may bind ports below 1024 \
                 (ip_unprivileged_port_start) and ping without a raw socket (ping_group_range). By the files of its new \
                 proc, which show the network namespace of whoever opens them, before /proc/sys is read-only. A kernel \
                 without them, or where they cannot be written, is forgiven. ip(7), icmp(7)",
            );
            page.foreign("groups that may ping", groups);
        }
        Step::Sysctl { value, .. } => {
            page.why(
                "A setting that each network or IPC namespace has for itself; the host's stays. By the container's new \
                 proc, before /proc/sys is read-only, and following no link. sysctl(8)",
            );
            page.foreign("value", value);
        }
        Step::DomainName(_) => page.why(
            "In the new UTS namespace, as the host name. Programs of NIS ask for it, and some mail programs. \
             setdomainname(2)",
        ),
        Step::LoopbackUp => page.why(
            "A new network namespace has its loopback down, and programs that talk to 127.0.0.1 are many: ioctl(2) \
             SIOCSIFFLAGS, netdevice(7).",
        ),
        Step::NewSession => page.why(
            "Out of the caller's session: in it /dev/tty would be the caller's terminal, into which TIOCSTI could \
             type. setsid(2), credentials(7)",
        ),
        Step::ControllingTerminal => page.why(
            "Its ^C and ^Z go to the container's processes then. Only the leader of a session can take one, so after \
             setsid. ioctl_tty(2)",
        ),
        Step::StandardTerminal => page.why(
            "The container's own, in the place of the caller's descriptors: dup2(2).",
        ),
        Step::GivePipes { .. } => page.why(
            "A pipe without a name belongs to who made it, and another user could not open /dev/stdout, which is that once \
             more: fchown(2). A file of the caller's is never given away.",
        ),
        Step::StandardStreams(prepared) => streams(page, *prepared),
        Step::Umask(0) => page.why(
            "The modes of what is made below are meant as they are; the command gets its own mask later. umask(2)",
        ),
        Step::Umask(_) => page.why("What the command makes is not writable by others. umask(2)"),
        Step::ResourceLimit(limit) => {
            page.why(
                "After the mounts and files of the set-up, which are not the command's to be limited by; before the \
                 user changes, because raising a hard limit takes a capability. setrlimit(2)",
            );
            let value = |value: u64| match value {
                u64::MAX => "unlimited".to_owned(),
                value => value.to_string(),
            };
            let text = format!("soft {}, hard {}", value(limit.soft), value(limit.hard));
            page.item("limit", &text);
        }
        Step::SessionKeyring => page.why(
            "The caller's keys (of encrypted directories, of network file systems) are not the container's. Before the \
             user changes, for it counts among the caller's keys. keyctl(2), session-keyring(7)",
        ),
        Step::UsualPersonality => page.why(
            "Whatever the caller's is, which execve would hand down: to ask first would cost as much. Before the filter, \
             which allows only the harmless ones. personality(2)",
        ),
        Step::NotDumpable => page.why(
            "With fewer rights than mydocker has, but, as the case may be, still in mydocker's memory: others who have \
             no more rights than that could open it (/proc/PID/mem) and so write to mydocker. execve takes it back for \
             the command. PR_SET_DUMPABLE(2const)",
        ),
        Step::BoundingSet(kept) => bounding_set(page, *kept),
        Step::KeepCapabilitiesOfUser => page.why(
            "Or the change from root to another user would empty the set that the command's are to be taken from. \
             prctl(2), capabilities(7)",
        ),
        Step::Groups(_) => page.why(
            "Instead of the caller's supplementary groups. Groups before the user: without CAP_SETGID, which goes \
             with the user, no one may change them. setgroups(2)",
        ),
        Step::Group(0) | Step::User(0) if is_ranged(start) => page.why(
            "Root of the new user namespace; who came here is no one in it. setresgid(2), setresuid(2)",
        ),
        Step::Group(_) => page.why(
            "Real, effective and saved at once, so that there is no way back. setresgid(2)",
        ),
        Step::User(_) => page.why(
            "After everything that takes root's rights. Real, effective and saved at once, so that there is no way \
             back. setresuid(2)",
        ),
        Step::Capabilities {
            held,
            required,
            ambient,
        } => capabilities(page, *held, *required, *ambient),
        Step::WorkingDirectory(_) => page.why(
            "As the user, with no more rights: a directory that is closed to them stays closed. It must lie below the \
             root, which a link to another process's directory (/proc/PID/cwd) would not. chdir(2)",
        ),
        Step::NoNewPrivileges => page.why(
            "execve gives no more rights from here on: a set-user-ID program would run with the rights of the \
             file's owner, root's often. It also lets the filter be loaded without CAP_SYS_ADMIN. \
             prctl(2)",
        ),
        Step::Filter(instructions) => filter(page, instructions, start),
        Step::DefaultSignals(ignored) => {
            page.why(
                "Handlers are gone at execve, but what is ignored or blocked stays so, and the command expects neither: \
                 the mask is emptied, and what the caller ignores gets its default back. signal(7)",
            );
            let numbers: Vec<String> = ignored.iter().map(|number| number.to_string()).collect();
            if !numbers.is_empty() {
                page.items("ignored by the caller", &numbers);
            }
        }
        Step::CloseDescriptors => page.why(
            "All but 0, 1 and 2: a descriptor of the host's, a directory above all, would be a way out. Now, and not by \
             execve (close-on-exec): a link in the root, /proc/self/fd/3/.., could lead out through it while the working \
             directory and the command are looked up. What stays until execve is the end of a pipe that tells mydocker of a \
             failure, where no memory is shared. close_range(2)",
        ),
        Step::DeathSignal => page.why(
            "The kernel sends SIGKILL when the parent ends, however that happens. First of all, so that nothing that holds the \
             start up outlives mydocker; and again where a change of the user has cleared it, or a child begins without. \
             prctl(2)",
        ),
    }
}

fn streams(page: &mut Page, prepared: [Option<Prepared>; 3]) {
    page.why("What was opened above takes the place of the caller's descriptors: dup2(2).");
    if prepared.contains(&Some(Prepared::HostsNull)) {
        page.why(
            "The container reads nothing without -i: end-of-file at once, instead of what the caller types.",
        );
    }
    if prepared.contains(&Some(Prepared::Pipe)) {
        page.why(
            "A terminal is not handed down without -t: whoever has it reads what is typed there later, and can change its \
             modes, its owner and who may write to it. And what is to be counted (--output-limit) is counted on its way. \
             mydocker relays between the pipes and what the caller has.",
        );
    }
}

fn mount(page: &mut Page, step: &Mount) {
    match step.purpose {
        Purpose::Proc {
            user_namespace: false,
        } => page.why(
            "A proc shows the PID namespace of who mounted it, so a new namespace needs a new one: with the host's, ps \
             would show the host's processes. proc(5)",
        ),
        Purpose::Proc {
            user_namespace: true,
        } => page.why(
            "A proc shows the PID namespace of who mounted it, so a new namespace needs a new one. The user namespace \
             owns that PID namespace, and so may mount it; where the caller sees only parts of /proc the kernel \
             refuses. proc(5)",
        ),
        Purpose::BindProc => page.why(
            "Only the owner of a PID namespace may mount a proc of it, and this user namespace does not own the host's: \
             so the host's is bound, with what is mounted in it, for a part that the host covered must not \
             come to light. mount(2)",
        ),
        Purpose::RestrictProc => {
            page.why("A bind takes no other flags than its original's, so they are set afterwards. mount(2)");
        }
    }
    page.item("mount(2) flags", &words::flags(step.flags));
}

fn bounding_set(page: &mut Page, kept: CapabilitySet) {
    page.why(
        "The root's rights in parts, capabilities(7): what is not in this set no process of the container can ever \
         get, by no program. While we may: taking out takes CAP_SETPCAP.",
    );
    page.item("left", &words::capabilities(kept));
}

fn capabilities(page: &mut Page, held: CapabilitySet, required: CapabilitySet, ambient: bool) {
    page.why(
        "What the command begins with, as far as the caller has it. Nothing below needs one, and what the set-up needed \
         goes here. capset(2), capabilities(7)",
    );
    page.item("permitted and effective", &words::capabilities(held));
    if required != CapabilitySet::NONE {
        page.item("an error without", &words::capabilities(required));
    }
    if ambient && held != CapabilitySet::NONE {
        page.why("They are ambient as well: another user than 0 loses all others at execve.");
    }
}

fn filter(page: &mut Page, instructions: &[Instruction], start: &Start<'_>) {
    let security = &start.spec.process;
    let place = if security.no_new_privileges {
        "Last of all, for the calls above need not be among those that it allows."
    } else {
        "Here, because without no_new_privs it takes CAP_SYS_ADMIN, which goes below."
    };
    page.why(&format!(
        "A program of {} instructions, which the kernel runs at each system call to know what becomes of it: \
         seccomp(2). {place}",
        instructions.len()
    ));
    match &security.filter {
        Filter::Profile(file) => page.foreign("profile, in docker's format", file.as_bytes()),
        Filter::Default | Filter::None => page.why(
            "The default, which is docker's: allowed is what programs need; not what changes the host (modules, clocks, \
             mounts, other namespaces) unless the container has the capability for it, nor what has been a way \
             into the kernel too often (io_uring, userfaultfd, keyrings).",
        ),
    }
    let native = summary(instructions, HERE.native);
    summarized(page, &native);
    let Some(compat) = HERE.compat.map(|compat| summary(instructions, compat)) else {
        return;
    };
    if compat.has_none() {
        page.why(
            "Calls of 32-bit programs do not exist (ENOSYS): the profile does not list their architecture, and such \
             programs end at their first ones.",
        );
    } else {
        page.why(
            "32-bit programs, and 64-bit ones by int 0x80, make calls of other names and numbers. The same rules hold \
             for them; and what socketcall(2) is to do lies in memory, where no filter can look.",
        );
        summarized(page, &compat);
    }
}

fn summarized(page: &mut Page, summary: &FilterSummary) {
    let FilterSummary {
        allowed,
        looked_at,
        refused,
        others,
    } = summary;
    let text = format!("{} of {} calls", allowed.len(), summary.count());
    page.item("allowed", &text);
    for (label, names) in [
        ("the arguments decide", looked_at),
        ("ended, or told to someone", others),
    ] {
        if !names.is_empty() {
            page.items(label, names);
        }
    }
    for (errno, names) in refused {
        let name = Errno::new(*errno).name().unwrap_or("another errno");
        page.items(&format!("refused ({name})"), names);
    }
}
