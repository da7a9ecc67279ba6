//! How it is with a container: `state.json`.

use super::member;
use crate::cgroup;
use crate::host;
use crate::json::{Object, Value};
use crate::sys::{Errno, Pid, kernel, process_start};
use crate::verdict::Reason;

/// Where in its life a container is, as its monitor has written it last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    /// It has not run yet, or is being started.
    #[default]
    Created,
    Running,
    Paused,
    /// It has ended, and is to be started anew after a while.
    Restarting,
    Exited,
}

impl Phase {
    pub const ALL: [Self; 5] = [
        Self::Created,
        Self::Running,
        Self::Paused,
        Self::Restarting,
        Self::Exited,
    ];

    /// Docker's word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Restarting => "restarting",
            Self::Exited => "exited",
        }
    }

    /// Whether a monitor is to be there.
    pub const fn is_live(self) -> bool {
        matches!(self, Self::Running | Self::Paused | Self::Restarting)
    }
}

/// A process, told from all that get its pid later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Process {
    /// As the host's /proc numbers it.
    pub pid: Pid,
    /// Ticks from the boot to its start (proc_pid_stat(5)).
    pub start_time: u64,
}

impl Process {
    /// Errors: as [`process_start::start_time`].
    pub fn of(pid: Pid) -> Result<Self, Errno> {
        let start_time = process_start::start_time(pid)?;
        Ok(Self { pid, start_time })
    }

    /// Errors: ESRCH if it is gone.
    pub fn state(self) -> Result<process_start::State, Errno> {
        process_start::state(self.pid, self.start_time)
    }
}

/// How it is with a container.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    pub phase: Phase,
    /// The container's first process, while there is one.
    pub first: Option<Process>,
    pub monitor: Option<Process>,
    /// In which run of the kernel this was written ([`kernel::boot`]): processes of another one are gone.
    pub boot: Option<String>,
    /// Nanoseconds since 1970, as all times.
    pub started: Option<u64>,
    pub finished: Option<u64>,
    /// The exit code of the last run.
    pub exit: Option<u8>,
    /// Why the last run has ended.
    pub reason: Option<Reason>,
    /// What went wrong with it, on one line.
    pub error: Option<String>,
    pub oom_killed: bool,
    /// How often it was started anew by its restart policy.
    pub restarts: u32,
    /// By `stop` or `kill`: no restart policy starts it again.
    pub stopped_by_hand: bool,
    /// What is to be cleaned up by who finds the monitor gone.
    pub cgroups: Vec<cgroup::Record>,
    pub root: Option<host::root::Record>,
    /// Bytes that the log has no room for.
    pub lost_log_bytes: u64,
}

impl State {
    /// Of a container that has never run.
    pub fn created() -> Self {
        Self {
            boot: kernel::boot(),
            ..Self::default()
        }
    }

    /// Whether there is something that only a monitor takes care of: it runs, or is about to, or something of it is left.
    pub fn needs_a_monitor(&self) -> bool {
        let is_left = self.first.is_some() || !self.cgroups.is_empty() || self.root.is_some();
        self.phase.is_live() || is_left
    }

    /// Whether it was written since this kernel has booted. Not known where there is no /proc.
    pub fn is_of_this_boot(&self) -> bool {
        self.boot.is_none() || self.boot == kernel::boot()
    }

    pub(super) fn object(&self) -> Object {
        let mut object = Object::new();
        object.text("phase", self.phase.word().as_bytes());
        for (key, process) in [("first", self.first), ("monitor", self.monitor)] {
            if let Some(Process { pid, start_time }) = process {
                let mut member = Object::new();
                member.number("pid", pid.into());
                member.number("start_time", signed(start_time));
                object.object(key, member);
            }
        }
        let numbers = [
            ("started", self.started),
            ("finished", self.finished),
            ("exit", self.exit.map(u64::from)),
            ("restarts", Some(self.restarts.into())),
            ("lost_log_bytes", Some(self.lost_log_bytes)),
        ];
        for (key, number) in numbers {
            if let Some(number) = number {
                object.number(key, signed(number));
            }
        }
        let texts = [
            ("boot", self.boot.as_deref()),
            ("reason", self.reason.map(Reason::word)),
            ("error", self.error.as_deref()),
        ];
        for (key, text) in texts {
            if let Some(text) = text {
                object.text(key, text.as_bytes());
            }
        }
        let flags = [
            ("oom_killed", self.oom_killed),
            ("stopped_by_hand", self.stopped_by_hand),
        ];
        for (key, flag) in flags {
            object.boolean(key, flag);
        }
        let cgroups = self.cgroups.iter().map(cgroup::Record::to_json);
        object.value("cgroups", &Value::List(cgroups.collect()));
        if let Some(root) = &self.root {
            object.value("root", &root.to_json());
        }
        object
    }

    /// Errors: what is wrong with the text.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let value = member::parse(bytes)?;
        Self::of(&value).ok_or_else(|| "it has no phase, or names no cgroup or root of ours".into())
    }

    fn of(value: &Value) -> Option<Self> {
        let word = member::text(value, "phase")?;
        let phase = Phase::ALL.into_iter().find(|phase| phase.word() == word)?;
        let process = |key| {
            let process = value.get(key)?;
            Some(Process {
                pid: member::number(process, "pid")?,
                start_time: member::number(process, "start_time")?,
            })
        };
        let reason = member::text(value, "reason");
        Some(Self {
            phase,
            first: process("first"),
            monitor: process("monitor"),
            boot: member::text(value, "boot"),
            started: member::number(value, "started"),
            finished: member::number(value, "finished"),
            exit: member::number(value, "exit"),
            reason: reason.and_then(|word| Reason::of_word(&word)),
            error: member::text(value, "error"),
            oom_killed: member::flag(value, "oom_killed"),
            restarts: member::number(value, "restarts").unwrap_or(0),
            stopped_by_hand: member::flag(value, "stopped_by_hand"),
            cgroups: match value.get("cgroups") {
                Some(records) => {
                    let records = records.list()?.iter();
                    records
                        .map(cgroup::Record::of_json)
                        .collect::<Option<_>>()?
                }
                None => Vec::new(),
            },
            root: match value.get("root") {
                Some(root) => Some(host::root::Record::of_json(root)?),
                None => None,
            },
            lost_log_bytes: member::number(value, "lost_log_bytes").unwrap_or(0),
        })
    }
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let whole = State {
            phase: Phase::Paused,
            first: Some(Process {
                pid: 7,
                start_time: 99,
            }),
            monitor: Process::of(std::process::id() as Pid).ok(),
            boot: kernel::boot(),
            started: Some(1),
            finished: Some(2),
            exit: Some(137),
            reason: Some(Reason::OutOfMemory),
            error: Some("a\n\"b\"".into()),
            oom_killed: true,
            restarts: 3,
            stopped_by_hand: true,
            cgroups: vec![cgroup::Record {
                version: cgroup::Version::V2,
                controllers: vec![cgroup::Controller::Memory],
                above: c"/sys/fs/cgroup".into(),
                name: c"mydocker-0123456789ab".into(),
            }],
            root: Some(host::root::Record::default()),
            lost_log_bytes: u64::MAX >> 1,
        };
        for state in [whole, State::created()] {
            let written = state.object().finish();
            assert_eq!(State::parse(written.as_bytes()), Ok(state), "{written}");
        }
        assert!(State::parse(b"{\"phase\":\"dead\"}").is_err());
        assert!(State::parse(b"{\"phase\":\"running\",\"cgroups\":[{}]}").is_err());
        assert!(State::parse(b"").is_err());
    }

    #[test]
    fn processes_are_told_apart() {
        let own = Process::of(std::process::id() as Pid).unwrap();
        assert_eq!(own.state(), Ok(process_start::State::Alive));
        let other = Process {
            start_time: own.start_time + 1,
            ..own
        };
        assert_eq!(other.state(), Err(Errno::ESRCH));
        assert!(State::created().is_of_this_boot());
    }
}
