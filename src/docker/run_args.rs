//! What was typed after `mydocker run`, before anyone asked whether it makes sense.

use crate::spec::{LaunchChoice, NamespaceChoice, Network};
use std::ffi::OsString;

/// The options of `run` that describe the container, and its command.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct RunArgs {
    pub interactive: bool,
    pub tty: bool,
    /// Whether a reaper is PID 1, if someone has said.
    pub init: Option<bool>,
    pub launch: LaunchChoice,
    pub network: Network,
    /// Which PID namespace, and so on.
    pub pid: NamespaceChoice,
    pub ipc: NamespaceChoice,
    pub uts: NamespaceChoice,
    pub cgroup: NamespaceChoice,
    pub hostname: Option<OsString>,
    pub domain_name: Option<OsString>,
    /// `NAME=value`, or `NAME` alone.
    pub environment: Vec<OsString>,
    /// Files of such, which come before them.
    pub environment_files: Vec<OsString>,
    pub working_directory: Option<OsString>,
    pub user: Option<OsString>,
    /// Supplementary groups, names or numbers.
    pub groups: Vec<OsString>,
    /// `auto`, `host` or `UID:COUNT`.
    pub user_namespace: Option<OsString>,
    /// Directories that are to be the root, from the bottom up.
    pub rootfs: Vec<OsString>,
    pub overlay: OverlayChoice,
    /// COMMAND follows `--overlay` at once, so it may have been meant as UPPER.
    pub overlay_then_command: bool,
    /// `size=SIZE`.
    pub storage_options: Vec<OsString>,
    pub read_only: bool,
    pub volumes: Vec<OsString>,
    pub mounts: Vec<OsString>,
    pub tmpfs: Vec<OsString>,
    pub devices: Vec<OsString>,
    /// How large /dev/shm is.
    pub shared_memory: Option<OsString>,
    pub dns: Vec<OsString>,
    pub dns_searches: Vec<OsString>,
    pub dns_options: Vec<OsString>,
    /// `NAME=VALUE`.
    pub sysctls: Vec<OsString>,
    /// `NAME:ADDRESS`.
    pub hosts: Vec<OsString>,
    /// What is asked of a cgroup: options with their values.
    pub limits: Vec<(&'static str, OsString)>,
    /// `NAME=SOFT[:HARD]`.
    pub resources: Vec<OsString>,
    pub added_capabilities: Vec<OsString>,
    pub dropped_capabilities: Vec<OsString>,
    /// `NAME=VALUE`.
    pub security_options: Vec<OsString>,
    pub privileged: bool,
    /// Remove it when it has ended. It tells that docker was meant, too.
    pub rm: bool,
    /// Let it run by itself.
    pub detach: bool,
    /// Whether the container is in the store, whatever was typed: it may be paused and looked at, for which it has cgroups of its own.
    pub stays: bool,
    pub name: Option<OsString>,
    /// `no`, `on-failure[:N]`, `always` or `unless-stopped`.
    pub restart: Option<OsString>,
    /// `KEY=VALUE`, or `KEY` alone.
    pub labels: Vec<OsString>,
    /// Files of such, which come before them.
    pub label_files: Vec<OsString>,
    /// Where to write its id.
    pub id_file: Option<OsString>,
    pub log_driver: Option<OsString>,
    /// `max-size=SIZE`, `max-file=N`.
    pub log_options: Vec<OsString>,
    /// How long a stop waits before it kills.
    pub stop_timeout: Option<OsString>,
    /// What is typed to leave its terminal, as the bytes that come.
    pub detach_keys: Option<Vec<u8>>,
    /// The directory of the containers that stay.
    pub state: Option<OsString>,
    pub no_new_keyring: bool,
    pub oom_score_adjustment: Option<OsString>,
    pub timeout: Option<OsString>,
    pub output_limit: Option<OutputLimit>,
    pub stop_signal: Option<OsString>,
    /// Where to write the pid of the container's first process.
    pub pid_file: Option<OsString>,
    /// Where to write how it ended.
    pub report: Option<OsString>,
    pub report_cgroup: bool,
    /// Where to write how long everything took.
    pub timing: Option<OsString>,
    /// The directory of a pool to take the network namespace from.
    pub pool: Option<OsString>,
    /// Say what would be done, and do not do it.
    pub explain: bool,
    pub command: Vec<OsString>,
}

/// How much may be written.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct OutputLimit {
    pub size: OsString,
    /// Whether what is written to stdout counts, and what is written to stderr.
    pub counted: [bool; 2],
}

impl OutputLimit {
    /// Of both together.
    pub fn of_all(size: OsString) -> Self {
        let counted = [true; 2];
        Self { size, counted }
    }
}

impl RunArgs {
    /// Whether a reaper is PID 1. What is told of the command's end is to be true: as PID 1 of a namespace it would be
    /// spared its own fatal signals.
    pub fn has_reaper(&self) -> bool {
        self.init.unwrap_or(self.report.is_some())
    }

    /// Whether the container is kept in the store: something was asked for that means nothing for one that is not.
    pub fn is_stored(&self) -> bool {
        let values = [
            &self.name,
            &self.id_file,
            &self.log_driver,
            &self.stop_timeout,
        ];
        let lists = [&self.labels, &self.label_files, &self.log_options];
        let restarts = self.restart.as_ref().is_some_and(|policy| policy != "no");
        self.detach
            || restarts
            || self.detach_keys.is_some()
            || values.into_iter().any(Option::is_some)
            || lists.into_iter().any(|list| !list.is_empty())
    }

    /// The upper directory, if one was named.
    pub fn upper_directory(&self) -> Option<&OsString> {
        match &self.overlay {
            OverlayChoice::Kept(upper) => Some(upper),
            OverlayChoice::None | OverlayChoice::ThrownAway => None,
        }
    }

    /// Whether the container's first process is ours: a reaper, or one that keeps a container without PIDs of its own.
    pub fn first_is_reaper(&self) -> bool {
        self.pid != NamespaceChoice::New || self.has_reaper()
    }

    /// The pool, if the container can have its network namespace from there. One of the pool's belongs to no user
    /// namespace of the container's.
    pub fn usable_pool(&self) -> Option<&OsString> {
        let own_ids = self
            .user_namespace
            .as_ref()
            .is_some_and(|ids| ids != "host");
        self.pool
            .as_ref()
            .filter(|_| self.network == Network::Loopback && !own_ids)
    }
}

/// `--overlay`, as typed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum OverlayChoice {
    #[default]
    None,
    ThrownAway,
    Kept(OsString),
}
