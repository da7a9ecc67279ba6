//! The plan: an ordered list of typed steps that turns a newborn process into a container.
//!
//! The parent does all the thinking and writes the plan; the child only walks it. Every string is a C string and every
//! array has its terminator before the clone. The same plan runs in-process and, encoded ([`wire`]), behind `mydocker
//! init`. A failed step comes back as its number, which `text` turns into words: the plan is the only place that knows
//! what a step is about.
//!
//! # A new step
//!
//! A new step takes four places, and nothing compiles before it has them all:
//!
//! 1. its variant, here in [`Step`], or in [`root::RootStep`] if it belongs to a root;
//! 2. its row in the wire table, `wire/plan.rs` or `wire/root.rs`, by which it comes across and is tested;
//! 3. its text, an arm in `text/steps.rs` or `text/root/mod.rs` and a function in the file of its subject: what it is
//!    called, what its errors may mean, why it is there;
//! 4. how it is done, in `src/child/steps.rs` or `src/child/root`.
//!
//! Then it takes its place in the order, in `build`.

mod birth;
mod build;
pub mod explain;
mod gate;
#[cfg(feature = "oci")]
pub mod hook;
#[cfg(feature = "oci")]
pub mod process;
pub mod root;
mod standard;
mod text;
pub mod wire;

pub use crate::spec::OwnDevice;
pub use birth::{AwakeReason, Birth, PipeReason};
pub use build::entry;
pub use build::{
    FilterLoads, NetworkSource, alone, build, can_be_alone, check_options, command_of, into_box,
    makes_terminal,
};
pub use gate::{Gate, Opener};
pub use standard::{Outputs, Prepared, Source, Standard, Streams};
pub use text::{describe_execve, describe_failure, name_step};
#[cfg(feature = "oci")]
pub use text::{hook_ended, not_in_engines_path};

use crate::spec::Namespace;
use crate::spec::limits::{NumberSet, ResourceLimit};
use crate::sys::capability::CapabilitySet;
use crate::sys::process::StringArray;
use crate::sys::seccomp::{FilterFlags, Instruction};
use crate::sys::signal::SignalSet;
#[cfg(feature = "oci")]
use hook::HookPlan;
#[cfg(feature = "oci")]
use process::ProcessStep;
use root::{MountKernelFs, RootStep};
use std::borrow::Cow;
use std::ffi::CString;

/// Everything the child does before execve, and the execve.
#[derive(Debug, PartialEq)]
pub struct InitPlan {
    /// Of a process before the first one, which is born of it: where namespaces have to be joined before others are made.
    /// Empty: there is none.
    pub forerunner: Vec<Step>,
    /// Where we are counted, and who we are in a new user namespace: done first, and before a re-exec,
    /// because execve takes the capabilities of a user whom the namespace does not know yet.
    pub birth: Vec<Step>,
    /// What makes the container: done once, by PID 1.
    pub container: Vec<Step>,
    /// The reaper that stays, if one is wanted.
    pub reaper: Option<Reaper>,
    /// Whether the container runs already: `container` enters it then, and the command's process is born into it (see
    /// `build/entry.rs`).
    pub enters: bool,
    /// What makes the command's process: done by PID 1, by PID 2 under a reaper, or by who is born into a container that
    /// runs.
    pub process: Vec<Step>,
    pub command: ExecPlan,
    /// How many mounts the parent hands in.
    pub premounted: u8,
    /// Whether the child is to tell when each step was done.
    pub timed: bool,
    /// Whether the reaper tells the parent how the command has ended. Its exit code cannot: it is 128+n for signal n, and
    /// for exit(128+n).
    pub tells_status: bool,
}

impl InitPlan {
    /// What the parent prepares for each of 0, 1 and 2.
    pub fn prepared_streams(&self) -> [Option<Prepared>; 3] {
        let prepared = |step: &Step| match step {
            Step::StandardStreams(prepared) => Some(*prepared),
            _ => None,
        };
        self.container.iter().find_map(prepared).unwrap_or_default()
    }

    /// Whether a step uses the container's terminal.
    pub fn needs_terminal(&self) -> bool {
        let mut steps = self.container.iter().chain(&self.process);
        steps.any(|step| matches!(step, Step::StandardTerminal))
    }

    /// Whether a step runs a hook.
    pub fn runs_hooks(&self) -> bool {
        #[cfg(feature = "oci")]
        let runs = self.steps().any(|step| matches!(step, Step::RunHook(_)));
        #[cfg(not(feature = "oci"))]
        let runs = false;
        runs
    }

    /// Whether a step uses the pool.
    pub fn needs_pool(&self) -> bool {
        self.container
            .iter()
            .any(|step| matches!(step, Step::NetworkFromPool))
    }

    /// Whether a process is to make the network namespace meanwhile.
    pub fn has_network_beside(&self) -> bool {
        let mut steps = self.container.iter();
        steps.any(|step| matches!(step, Step::NetworkBeside))
    }

    /// Whether it makes the mount namespace, with no mount of the host's.
    pub fn is_alone(&self) -> bool {
        match self.container.first() {
            Some(Step::Root(step)) => matches!(**step, RootStep::Alone { .. }),
            _ => false,
        }
    }

    /// Whether it is walked in a user namespace of the container's.
    pub fn makes_user_namespace(&self) -> bool {
        let before = self.forerunner.iter().chain(&self.birth);
        let mut steps = before.chain(&self.container);
        steps.any(|step| match step {
            Step::Await(Gate::IdsMapped) | Step::MapUser(_) => true,
            #[cfg(feature = "oci")]
            Step::Process(step) => step.joins(Namespace::User),
            Step::Enter(namespaces) => namespaces.contains(&Namespace::User),
            _ => false,
        })
    }

    /// The slots of what is entered after a re-exec, which may not be possible in there: a mount namespace that is joined,
    /// or a container.
    pub fn entered_later(&self) -> impl Iterator<Item = u8> {
        self.container.iter().filter_map(|step| match step {
            Step::JoinNamespace { slot, .. } => Some(*slot),
            Step::Enter(_) => Some(entry::PROCESS),
            Step::ChangeRoot => Some(entry::ROOT),
            _ => None,
        })
    }

    /// Every step, in the order of their numbers.
    pub fn steps(&self) -> impl Iterator<Item = &Step> {
        self.forerunner
            .iter()
            .chain(&self.birth)
            .chain(&self.container)
            .chain(&self.process)
    }

    /// The step with this number.
    pub fn step(&self, number: u32) -> Option<&Step> {
        self.steps().nth(usize::try_from(number).ok()?)
    }
}

/// A process of ours that stays in the container and has the command as its child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reaper {
    /// PID 1 of the container's PID namespace: orphans come to it, and the namespace ends with it.
    FirstProcess,
    /// In the host's PID namespace there is nothing that ends with the command. So this one takes
    /// the orphans in, and ends them when the command or mydocker has ended.
    Keeper,
}

/// One thing that the child does. Each is one system call, or a few that make no sense apart.
#[derive(Debug, PartialEq)]
pub enum Step {
    /// Move into a cgroup, by the file of its directory that takes who is to move: `tasks` of cgroup v1,
    /// `cgroup.procs` of v2.
    JoinCgroup {
        /// Which of the files that the parent has opened.
        slot: u8,
        /// The file's path, for messages.
        path: CString,
    },
    /// Enter a namespace that is there already, setns(2).
    JoinNamespace {
        namespace: Namespace,
        /// Which of the namespaces that the parent has opened.
        slot: u8,
        /// What it is found by, for messages.
        name: CString,
    },
    /// Enter all of these namespaces of a process at once, setns(2): by its pidfd, which the parent has opened.
    Enter(Vec<Namespace>),
    /// Have the root of that process, which the parent has opened.
    ChangeRoot,
    /// Take the cgroups that we are in for the tops of their hierarchies.
    CgroupNamespace,
    /// See that this process runs on no processors but these, which its cgroup has.
    ConfirmProcessors(NumberSet),
    /// See that the memory of this process comes from no nodes but these.
    ConfirmMemoryNodes(NumberSet),
    /// A number, for /proc/self/oom_score_adj.
    OomScoreAdjustment(Vec<u8>),
    ResourceLimit(ResourceLimit),
    /// Wait until another process has done something.
    Await(Gate),
    /// Give up setgroups(2) in the new user namespace.
    DenySetgroups,
    /// A line for /proc/self/uid_map, as user_namespaces(7) has it.
    MapUser(Vec<u8>),
    /// A line for /proc/self/gid_map.
    MapGroup(Vec<u8>),
    /// Let the capabilities of the set-up survive execve, though the user is not 0.
    KeepCapabilities,
    /// Cut every mount off from the host's, so that nothing done below is seen outside.
    MakeMountsPrivate,
    /// /proc or /sys. Boxed, for it is larger than any other step.
    MountKernelFs(Box<MountKernelFs>),
    /// Boxed, for the largest of them are many times as large as any other step.
    Root(Box<RootStep>),
    /// Boxed, as those of the root.
    #[cfg(feature = "oci")]
    Process(Box<ProcessStep>),
    /// Enter the network namespace that the pool has ready, its loopback up, or make one.
    NetworkFromPool,
    /// Enter the network namespace that a process of ours has made meanwhile, or make one.
    NetworkBeside,
    Hostname(Vec<u8>),
    /// Write a setting of our own namespaces, below /proc/sys.
    Sysctl {
        path: Box<CString>,
        value: Vec<u8>,
    },
    /// The NIS domain name.
    DomainName(Vec<u8>),
    LoopbackUp,
    /// Let every user of the new network namespace bind every port, and these groups, a range, ping.
    OpenNetwork(Vec<u8>),
    NewSession,
    /// Have a session keyring of its own.
    SessionKeyring,
    /// Be a Linux program like any other.
    UsualPersonality,
    /// Make the terminal the session's controlling one.
    ControllingTerminal,
    /// Make the container's terminal 0, 1 and 2.
    StandardTerminal,
    /// Give those of 0, 1 and 2 to this user that are pipes.
    GivePipes {
        which: [bool; 3],
        user: u32,
    },
    /// Put what the parent has prepared into the places of 0, 1 and 2.
    StandardStreams([Option<Prepared>; 3]),
    Umask(u32),
    Groups(Vec<u32>),
    Group(u32),
    User(u32),
    WorkingDirectory(CString),
    /// Let no one look into this process's memory until it executes the command.
    NotDumpable,
    /// Leave no more than these in the bounding set.
    BoundingSet(CapabilitySet),
    /// Let the permitted capabilities survive the change of the user.
    KeepCapabilitiesOfUser,
    Capabilities {
        /// What the command gets, as far as we have it.
        held: CapabilitySet,
        /// What it must get.
        required: CapabilitySet,
        ambient: bool,
    },
    NoNewPrivileges,
    /// Filter system calls from here on.
    Filter(Cow<'static, [Instruction]>),
    /// Filter them with flags of one's own, or with a listener.
    FilterWith(Box<FilterWith>),
    /// Give these ignored signals their default disposition back, and empty the mask.
    DefaultSignals(SignalSet),
    /// Close everything but 0, 1 and 2, and the pipe of reports.
    CloseDescriptors,
    /// Close everything from this number on, but the container's terminal, the pipe of reports, and what the gates that are left
    /// need.
    CloseAllButTerminal(u32),
    /// Open devices of the container's /dev in the places of 0, 1 and 2.
    OpenDevices([Option<OwnDevice>; 3]),
    /// Die with the parent.
    DeathSignal,
    /// Close everything from this number on, but what the gates that are left need.
    CloseDescriptorsFrom(u32),
    /// Live on when the parent has ended.
    OutliveParent,
    /// Have a program of the engine's run, and wait for it.
    #[cfg(feature = "oci")]
    RunHook(Box<HookPlan>),
}

/// A filter of system calls, and how it is loaded.
#[derive(Debug, PartialEq)]
pub struct FilterWith {
    pub instructions: Vec<Instruction>,
    pub flags: FilterFlags,
    /// Whether it has a listener, which goes to mydocker by [`Gate::Listener`].
    pub listens: bool,
}

impl Step {
    /// The filter that it loads.
    pub fn filter(&self) -> Option<&[Instruction]> {
        match self {
            Self::Filter(instructions) => Some(instructions),
            Self::FilterWith(filter) => Some(&filter.instructions),
            _ => None,
        }
    }

    /// The gate at which it waits.
    pub fn gate(&self) -> Option<Gate> {
        match self {
            Self::Await(gate) => Some(*gate),
            Self::FilterWith(filter) if filter.listens => Some(Gate::Listener),
            _ => None,
        }
    }
}

#[cfg(feature = "oci")]
impl From<ProcessStep> for Step {
    fn from(step: ProcessStep) -> Self {
        Self::Process(Box::new(step))
    }
}

/// The execve at the end.
#[derive(Debug, PartialEq)]
pub struct ExecPlan {
    /// Whether the command was looked for in PATH, or names a file itself.
    pub searched: bool,
    /// The files to try, in this order.
    pub candidates: Vec<CString>,
    pub arguments: StringArray,
    pub environment: StringArray,
}

impl ExecPlan {
    /// Whether every kernel takes arguments and environment as long as these: 32 pages at least, whatever the limit on
    /// the stack is (execve(2)).
    #[cold]
    #[inline(never)]
    fn is_short(&self) -> bool {
        const SURE: usize = 32 * 4096;
        let lists = [&self.arguments, &self.environment];
        let strings = lists.into_iter().flat_map(StringArray::strings);
        // Each has a pointer and a terminator besides.
        let all: usize = strings.map(|string| string.count_bytes() + 9).sum();
        all < SURE
    }
}

/// What is larger is boxed: the steps of a usual start lie in the little memory that is ready for it (src/sys/entry.rs).
const _: () = assert!(size_of::<Step>() <= 32);

#[cfg(test)]
mod tests;
