//! `--report`: how a run ended, as one JSON object, when all is over.
//!
//! The keys are stable, and every object has all of them; what cannot be known is null. What is counted for the whole
//! container (processor time, peaks, ends for want of memory) is what its cgroup has counted, and is null without one;
//! `rusage` is what getrusage(2) tells of the first process and of those that were waited for, which leaves out all that
//! outlived their parent.

use crate::cgroup::Usage;
use crate::error::{Error, ExitCode};
use crate::json::Object;
use crate::sys::process::{Ended, ResourceUsage};

/// Why a container is not running any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The command ended by itself.
    Exited,
    /// A signal ended the command, and it was not mydocker's doing.
    Signaled,
    /// `--timeout`.
    TimedOut,
    /// `--cpu-time`.
    CpuTime,
    /// `--output-limit`.
    OutputLimit,
    /// The kernel ended the command itself for want of memory.
    OutOfMemory,
    /// A signal that mydocker was sent.
    StoppedBySignal,
    /// The command has not run.
    NotStarted,
}

impl Reason {
    const ALL: [Self; 8] = [
        Self::Exited,
        Self::Signaled,
        Self::TimedOut,
        Self::CpuTime,
        Self::OutputLimit,
        Self::OutOfMemory,
        Self::StoppedBySignal,
        Self::NotStarted,
    ];

    /// The reason that has this word.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.word() == word)
    }

    /// The reason's word in the object.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Exited => "exited",
            Self::Signaled => "signaled",
            Self::TimedOut => "timed out",
            Self::CpuTime => "cpu time",
            Self::OutputLimit => "output limit",
            Self::OutOfMemory => "out of memory",
            Self::StoppedBySignal => "stopped by signal",
            Self::NotStarted => "not started",
        }
    }
}

/// How a run ended, as far as it is known.
#[derive(Debug)]
pub struct Verdict<'a> {
    /// `None`: the command ran, and then mydocker failed.
    pub reason: Option<Reason>,
    /// What mydocker exits with.
    pub status: ExitCode,
    /// The command's own end. `None`: it did not run, or how it ended is not known.
    pub ended: Option<Ended>,
    /// Why it did not start.
    pub error: Option<&'a Error>,
    /// Nanoseconds from the clone to the end.
    pub wall: Option<u64>,
    /// What the container's cgroup has counted, if it has one.
    pub counted: Option<&'a Usage>,
    pub resource_usage: Option<ResourceUsage>,
    /// Bytes that the command wrote to stdout and stderr, where mydocker relays them, and that it may write.
    pub output: Option<u64>,
}

impl Verdict<'_> {
    /// Its members, behind what is in an object already.
    #[cold]
    #[inline(never)]
    pub fn tell(&self, mut object: Object) -> Object {
        match self.reason {
            Some(reason) => object.text("reason", reason.word().as_bytes()),
            None => object.null("reason"),
        }
        object.number("status", self.status.0.into());
        let (code, signal) = match self.ended {
            Some(Ended::Exited(code)) => (Some(code.into()), None),
            Some(Ended::Signaled(signal)) => (None, Some(signal.into())),
            None => (None, None),
        };
        object.number_or_null("code", code);
        object.number_or_null("signal", signal);
        match self.error {
            Some(error) => object.text("error", error.to_string().as_bytes()),
            None => object.null("error"),
        }
        let counted = |of: fn(&Usage) -> Option<u64>| self.counted.and_then(of).map(signed);
        for (key, value) in [
            ("wall_ns", self.wall.map(signed)),
            ("cpu_user_ns", counted(|usage| usage.user_time)),
            ("cpu_system_ns", counted(|usage| usage.system_time)),
            ("peak_memory_bytes", counted(|usage| usage.memory_peak)),
            ("peak_processes", counted(|usage| usage.processes_peak)),
            ("oom_kills", counted(|usage| usage.oom_kills)),
            ("output_bytes", self.output.map(signed)),
        ] {
            object.number_or_null(key, value);
        }
        match &self.resource_usage {
            Some(resource_usage) => object.object("rusage", rusage(resource_usage)),
            None => object.null("rusage"),
        }
        object
    }
}

/// What getrusage(2) tells of the container: its first process and what that one has waited for.
pub fn rusage(resource_usage: &ResourceUsage) -> Object {
    let mut object = Object::new();
    for (key, value) in [
        ("user_us", resource_usage.user),
        ("system_us", resource_usage.system),
        ("max_rss_kib", resource_usage.largest),
        ("minor_faults", resource_usage.minor_faults),
        ("major_faults", resource_usage.major_faults),
        ("voluntary_switches", resource_usage.voluntary_switches),
        ("involuntary_switches", resource_usage.involuntary_switches),
    ] {
        object.number(key, value);
    }
    object
}

/// A count as JSON's numbers are written here.
pub fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
