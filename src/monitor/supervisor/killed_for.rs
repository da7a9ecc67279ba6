//! Why mydocker has ended a container.

use crate::error::ExitCode;
use crate::sys::process::Ended;
use crate::verdict::Reason;

/// Why a container is killed by mydocker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KilledFor {
    /// A signal that its PID 1 is spared, or that a person has insisted upon.
    Signal(i32),
    TimeIsUp,
    CpuTime,
    OutputLimit,
}

impl KilledFor {
    pub fn code(self) -> u8 {
        match self {
            Self::Signal(signal) => Ended::Signaled(signal).code(),
            Self::TimeIsUp => ExitCode::TIME_IS_UP.0,
            Self::CpuTime => ExitCode::CPU_TIME_IS_UP.0,
            Self::OutputLimit => ExitCode::OUTPUT_LIMIT.0,
        }
    }

    pub fn reason(self) -> Reason {
        match self {
            Self::Signal(_) => Reason::StoppedBySignal,
            Self::TimeIsUp => Reason::TimedOut,
            Self::CpuTime => Reason::CpuTime,
            Self::OutputLimit => Reason::OutputLimit,
        }
    }

    /// For the log.
    pub fn message(self) -> &'static [u8] {
        match self {
            Self::Signal(_) => {
                b"ended for a signal that PID 1 has no handler for, or that ends it whatever it does"
            }
            Self::TimeIsUp => b"ended because its time was up",
            Self::CpuTime => b"ended because its processor time was up",
            Self::OutputLimit => b"ended because it wrote too much",
        }
    }
}
