//! The clone, and what is between the plan's parts.

use super::Start;
use crate::field::Field;
use crate::plan::text::page::Page;
use crate::plan::{AwakeReason, Birth, InitPlan, PipeReason, Reaper};
use crate::spec::{LaunchChoice, Namespace, NamespaceChoice, Namespaces};

/// Each kind of namespace: its name, and what it isolates.
const KINDS: [(Namespace, &str, &str); 7] = [
    (
        Namespace::User,
        "user",
        "ids and capabilities; who is root inside is not outside. It owns the other ones, which is what \
         lets an ordinary user make them. user_namespaces(7)",
    ),
    (
        Namespace::Mount,
        "mount",
        "the list of mounts, a copy of the caller's at first. mount_namespaces(7)",
    ),
    (
        Namespace::Pid,
        "PID",
        "process numbers; the new process is 1 inside, and when it ends the kernel kills all that are left. \
         pid_namespaces(7)",
    ),
    (Namespace::Uts, "UTS", "the host name. uts_namespaces(7)"),
    (
        Namespace::Ipc,
        "IPC",
        "System V IPC objects and POSIX message queues. ipc_namespaces(7)",
    ),
    (
        Namespace::Network,
        "network",
        "interfaces, addresses, routes and ports; a new one has a loopback, which is down. \
         network_namespaces(7)",
    ),
    (
        Namespace::Cgroup,
        "cgroup",
        "what is seen of cgroups: the one it was made in looks like the top. cgroup_namespaces(7)",
    ),
];

pub fn cloned(page: &mut Page, plan: &InitPlan, start: &Start<'_>) {
    page.section("The clone:");
    page.step("clone into new namespaces");
    page.why(
        "clone(2) makes the new process and its namespaces in one system call. A namespace isolates one kind of \
         thing, namespaces(7):",
    );
    let wanted = start.spec.namespaces.anew();
    for (namespace, name, what) in KINDS {
        if start.namespaces.contains(namespace) {
            page.item(name, what);
        }
    }
    not_new(page, wanted, plan, start);
    if start.cgroups.iter().any(|cgroup| cgroup.join.is_none()) {
        page.why(
            "It is born in its cgroup of v2 (clone3(2), CLONE_INTO_CGROUP): to move it there afterwards would cost it a wait for everyone who forks.",
        );
    }
    page.why(&memory(plan, start));
}

fn not_new(page: &mut Page, wanted: Namespaces, plan: &InitPlan, start: &Start<'_>) {
    for (namespace, name, _) in KINDS {
        if start.namespaces.contains(namespace) {
            continue;
        }
        let caller = "the caller's; an id inside is the same id outside".to_owned();
        let caller = caller + &Field::UserNamespace.aside(" (", " makes one)");
        let is_joined = matches!(
            start.spec.namespaces.of(namespace),
            NamespaceChoice::Join(_)
        );
        let why = match (namespace, wanted.contains(namespace)) {
            (Namespace::Pid, _) if is_joined => {
                "one that is there; mydocker has joined it for this clone"
            }
            _ if is_joined => "not yet; one that is there is joined below",
            (Namespace::Mount, true) => "none yet; an empty one is made below",
            (Namespace::Network, true) if plan.has_network_beside() => {
                "none yet, unless no processor is idle: another process of mydocker's, cloned before this one, makes it while \
                 the root is built, and it is entered below. That one runs in mydocker's memory on a stack of its own \
                 (CLONE_VM), and ends with the start"
            }
            (Namespace::Network, true) => "none yet; it comes from the pool, below",
            (_, true) => {
                "none yet; it is made below, in its cgroups, because its top is where its maker is"
            }
            (Namespace::User, false) => &caller,
            (_, false) => "the caller's, as was asked for",
        };
        page.item(name, why);
    }
}

fn memory(plan: &InitPlan, start: &Start<'_>) -> String {
    let is_timed = start.spec.ending.timeout.is_some();
    let text = match Birth::decide(plan, start.spec.launch, is_timed, start.kernel) {
        Birth::ReExec => {
            "The new process has a copy of mydocker's memory, as after fork(2): re-exec is for where memory \
             cannot be shared. From here to execve it only walks the plan, which has every string ready."
        }
        Birth::Copied(AwakeReason::Gate) => {
            "The new process has a copy of mydocker's memory, as after fork(2): mydocker maps its ids while it \
             waits, and could not if it slept until execve. From here to there it only walks the plan, which has \
             every string ready."
        }
        Birth::Copied(AwakeReason::Forerunner) => {
            "The new process has a copy of mydocker's memory, as after fork(2), and so has the one that it is born of. From \
             here to execve it only walks the plan, which has every string ready."
        }
        Birth::Copied(AwakeReason::TimeNamespace) => {
            "The new process has a copy of mydocker's memory, as after fork(2): setns(2) moves no process into a time \
             namespace that shares its memory. From here to execve it only walks the plan, which has every string ready."
        }
        Birth::Copied(AwakeReason::Clock) => {
            let watches = "The new process has a copy of mydocker's memory, as after fork(2): mydocker watches the clock";
            let rest = " meanwhile, and could not if it slept until execve. From here to there it only walks the plan, \
                        which has every string ready.";
            return [watches, &Field::Timeout.aside(" (", ")"), rest].concat();
        }
        Birth::SharedWithPipe(PipeReason::Reaper) => {
            "Until it executes the reaper's program the new process runs in mydocker's own memory (CLONE_VM), on a \
             part of the stack that mydocker does not use, and mydocker sleeps meanwhile (CLONE_VFORK), as in \
             vfork(2). It only walks the plan, which has every string ready, and allocates nothing."
        }
        Birth::SharedWithPipe(PipeReason::Entry) => {
            "Until the command's process is born, which has a copy, the one who enters runs in mydocker's own memory \
             (CLONE_VM, CLONE_VFORK). It only walks the plan, which has every string ready."
        }
        Birth::Shared => match start.spec.launch {
            LaunchChoice::Auto => {
                "Until execve the new process runs in mydocker's own memory (CLONE_VM), on a part of the stack \
                 that mydocker does not use, and mydocker sleeps meanwhile (CLONE_VFORK), as in vfork(2): \
                 nothing is copied, so this is several times as fast as fork(2). It only walks the plan, which \
                 has every string ready, and allocates nothing. Where such a clone is refused it is \
                 done once more by re-exec."
            }
            LaunchChoice::InProcess | LaunchChoice::ReExec => {
                "Until execve the new process runs in mydocker's own memory (CLONE_VM), on a part of the stack \
                 that mydocker does not use, and mydocker sleeps meanwhile (CLONE_VFORK), as in vfork(2): \
                 nothing is copied, so this is several times as fast as fork(2). It only walks the plan, which \
                 has every string ready, and allocates nothing."
            }
        },
        Birth::SharedWithPipe(PipeReason::OldKernel) => {
            "Until execve the new process runs in mydocker's own memory (CLONE_VM, CLONE_VFORK), as in \
             vfork(2); it reports by a pipe, because this kernel (before 4.8) does not tell it of every \
             way in which mydocker may end."
        }
    };
    text.to_owned()
}

/// By re-exec, what is between the birth's steps and the container's.
pub fn executed_anew(page: &mut Page, start: &Start<'_>) {
    if start.spec.launch != LaunchChoice::ReExec {
        return;
    }
    page.section(&format!("By re-exec{}:", Field::ReExec.aside(" (", ")")));
    page.step("execute /proc/self/exe init");
    page.why(
        "mydocker once more, which decodes the plan from a sealed memory file (argv and the environment would \
         show it to everyone who can read /proc) and goes on with it. After the steps above, for execve \
         takes the capabilities of a user whom the namespace does not know yet.",
    );
}

pub fn reaper(page: &mut Page, reaper: Option<Reaper>) {
    let Some(reaper) = reaper else {
        return;
    };
    page.section("The reaper:");
    match reaper {
        Reaper::FirstProcess => {
            page.step("stay as PID 1 and start the command as PID 2");
            page.why(
                "Orphans become the children of PID 1, and someone has to wait for them; and the kernel spares a \
                 PID 1 the signals that it has no handler for, which PID 2 is not spared (pid_namespaces(7)). \
                 The reaper hands signals on, reaps, and leaves with the command's exit code, which ends the \
                 namespace.",
            );
        }
        Reaper::Keeper => {
            page.step("stay as a keeper and start the command as its child");
            page.why(
                "In the host's PID namespace nothing ends with the command. So the keeper takes orphans in \
                 (PR_SET_CHILD_SUBREAPER, prctl(2)) and kills what is left when the command or mydocker has \
                 ended; /proc lists its children.",
            );
        }
    }
    page.why(
        "It stays where the container may look at it, so nothing of mydocker stays in it. The command's process, a \
         child of it, in its memory or in a copy, waits at a gate. Then this one executes a program of one page, which lies in a memory file that \
         no one can change (memfd_create(2), execveat(2)): with no argument but a name, no environment, / as its \
         directory, no capability but CAP_KILL and no descriptor (the keeper has /proc). The program makes itself \
         unreadable (PR_SET_DUMPABLE), gives up by a filter all system calls that it does not make, and opens the gate.",
    );
}
