//! How the first process is born: whose memory it runs in, and how it reports. Decided here and nowhere else; `launch`
//! does it, and `explain` tells of it.

use super::{Gate, InitPlan, Opener, Step};
#[cfg(feature = "oci")]
use crate::plan::process::ProcessStep;
use crate::spec::{LaunchChoice, Namespace};
use crate::sys::parent_watch;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Birth {
    /// In mydocker's own memory until it executes the command. mydocker sleeps meanwhile, and nothing but SIGKILL wakes it
    /// (vfork(2)); the reports are in its memory when it wakes.
    Shared,
    /// In mydocker's own memory until it executes something, with reports that come by a pipe.
    SharedWithPipe(PipeReason),
    /// In a copy of mydocker's memory, which is awake, with reports that come by a pipe.
    Copied(AwakeReason),
    /// In a copy that executes mydocker anew, for where memory cannot be shared.
    ReExec,
}

/// Why the child's memory does not tell how the start has gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PipeReason {
    /// The command's process is the child's child, which may be in a copy.
    Reaper,
    /// The command's process is born of the child, in a copy, when that is in the container.
    Entry,
    /// This kernel does not tell a child in our memory of every way in which we may end.
    OldKernel,
}

/// Why mydocker has to be awake while the child walks its plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AwakeReason {
    /// The child waits for what mydocker does.
    Gate,
    /// A clock ends what is held up.
    Clock,
    /// The parent need not be awake; but the child enters a time namespace, for which its memory has to be its own: clocks are read by a page
    /// of it.
    TimeNamespace,
    /// The first process is born of another, and is found by what that one leaves.
    Forerunner,
}

impl Birth {
    /// `is_timed`: whether there is an end to how long the start may take. `kernel` is the kernel's version.
    pub fn decide(
        plan: &InitPlan,
        launch: LaunchChoice,
        is_timed: bool,
        kernel: (u32, u32),
    ) -> Self {
        if launch == LaunchChoice::ReExec && plan.may_execute_anew() {
            Self::ReExec
        } else if plan.awaits_launcher() {
            Self::Copied(AwakeReason::Gate)
        } else if !plan.forerunner.is_empty() {
            Self::Copied(AwakeReason::Forerunner)
        } else if plan.enters_time_namespace() {
            Self::Copied(AwakeReason::TimeNamespace)
        } else if is_timed {
            Self::Copied(AwakeReason::Clock)
        } else if plan.reaper.is_some() {
            Self::SharedWithPipe(PipeReason::Reaper)
        } else if plan.enters {
            Self::SharedWithPipe(PipeReason::Entry)
        } else if !parent_watch::is_told_of_every_end(kernel) {
            Self::SharedWithPipe(PipeReason::OldKernel)
        } else {
            Self::Shared
        }
    }
}

impl InitPlan {
    /// Whether a process of the child's has to pass this gate.
    pub fn awaits(&self, gate: Gate) -> bool {
        let mut steps = self.steps();
        steps.any(|step| step.gate() == Some(gate))
    }

    /// Whether the first process may execute mydocker. What is executed in a user namespace that is joined belongs to that:
    /// whoever has all rights there, and sees the process, would look into it whatever it forbids, and see the host by
    /// its /proc/PID/root. (The memory that it has else is a copy.)
    pub fn may_execute_anew(&self) -> bool {
        self.forerunner.is_empty()
    }

    /// Whether a process of the child's is to be chosen by the OOM killer sooner or later than others.
    pub fn sets_oom_score(&self) -> bool {
        let mut steps = self.steps();
        steps.any(|step| matches!(step, Step::OomScoreAdjustment(_)))
    }

    /// Whether the child enters a time namespace.
    fn enters_time_namespace(&self) -> bool {
        let mut steps = self.birth.iter().chain(&self.container);
        steps.any(|step| match step {
            Step::JoinNamespace { namespace, .. } => *namespace == Namespace::Time,
            Step::Enter(namespaces) => namespaces.contains(&Namespace::Time),
            #[cfg(feature = "oci")]
            Step::Process(step) => matches!(**step, ProcessStep::TimeNamespace(_)),
            _ => false,
        })
    }

    /// Whether the child has to wait for mydocker. (When the one waits who is born into a container that runs, the child has
    /// left, and mydocker is awake.)
    pub fn awaits_launcher(&self) -> bool {
        let own = self.process.iter().filter(|_| !self.enters);
        let mut steps = self.birth.iter().chain(&self.container).chain(own);
        steps.any(|step| {
            step.gate()
                .is_some_and(|gate| gate.opener() != Opener::Reaper)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{ExecPlan, Reaper};
    use crate::sys::process::StringArray;

    fn plan(birth: Vec<Step>, reaper: Option<Reaper>) -> InitPlan {
        InitPlan {
            forerunner: Vec::new(),
            birth,
            container: vec![Step::MakeMountsPrivate],
            reaper,
            enters: false,
            process: reaper
                .map(|_| Step::Await(Gate::ReaperReady))
                .into_iter()
                .collect(),
            command: ExecPlan {
                searched: false,
                candidates: vec![c"/bin/x".into()],
                arguments: StringArray::new(vec![c"x".into()]),
                environment: StringArray::new(vec![]),
            },
            premounted: 0,
            timed: false,
            tells_status: false,
        }
    }

    #[test]
    fn memory_is_shared_where_nothing_needs_mydocker_awake() {
        use AwakeReason::{Clock, Gate as WaitsForUs};
        use PipeReason::{OldKernel, Reaper as HasReaper};
        let waits = || vec![Step::Await(Gate::IdsMapped)];
        let reaper = Some(Reaper::FirstProcess);
        let (new, old) = ((6, 1), (4, 7));
        for (birth, reaper, is_timed, kernel, expected) in [
            (vec![], None, false, new, Birth::Shared),
            (vec![], None, false, old, Birth::SharedWithPipe(OldKernel)),
            // A reaper is not mydocker: the one who waits for it is no one whose memory mydocker sleeps for.
            (vec![], reaper, false, new, Birth::SharedWithPipe(HasReaper)),
            (vec![], reaper, true, new, Birth::Copied(Clock)),
            (vec![], None, true, old, Birth::Copied(Clock)),
            (waits(), reaper, true, new, Birth::Copied(WaitsForUs)),
            (waits(), None, false, new, Birth::Copied(WaitsForUs)),
        ] {
            let plan = plan(birth, reaper);
            for launch in [LaunchChoice::Auto, LaunchChoice::InProcess] {
                assert_eq!(Birth::decide(&plan, launch, is_timed, kernel), expected);
            }
            let anew = Birth::decide(&plan, LaunchChoice::ReExec, is_timed, kernel);
            assert_eq!(anew, Birth::ReExec);
        }
        let mut plan = plan(vec![], None);
        plan.forerunner = vec![Step::DeathSignal];
        let birth = Birth::decide(&plan, LaunchChoice::ReExec, false, new);
        assert_eq!(birth, Birth::Copied(AwakeReason::Forerunner));
    }
}
