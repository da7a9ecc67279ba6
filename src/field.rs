//! The fields of a specification, as messages name them.
//!
//! An error below the front end knows which wish it is about, and not how that was typed: `--memory`, or `memory.limit`
//! in a file of JSON. So it names a [`Field`]. The front end says once, before anything can fail, how it spells them
//! ([`spell`]); without one, as in a unit test, the words are neutral.
//!
//! The spelling is the process's, and is not handed from function to function. A process has one front end, the command
//! that it was called as, so there is nothing to choose between; a parameter would be one more for nearly every function
//! that can fail, for the sake of texts alone; and a text that is put together far from where it is told could be
//! put together without it. As it is no one can forget it: [`Field::spelled`] and what is made of it are the only way from
//! a `Field` to a message. A text with a field in it is made where the error is made, for errors are rare and their texts
//! are short.
//!
//! The child makes no texts, and never comes here.

use std::fmt;
use std::sync::OnceLock;

/// How a front end spells a field.
pub type Spelling = fn(Field) -> &'static str;

static SPELLING: OnceLock<Spelling> = OnceLock::new();

/// From here on fields are spelled so. The first front end that says it is the one.
pub fn spell(spelling: Spelling) {
    let _ = SPELLING.set(spelling);
}

/// Each field with its neutral words, which stand in a sentence: "... is too little", "add ...".
macro_rules! fields {
    ($($name:ident: $words:literal,)*) => {
        /// What can be wished for, or one of its values, where a message gives it a name.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Field {
            $(#[doc = $words] $name,)*
        }

        impl Field {
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// What it is called where no front end has another name for it.
            fn neutral(self) -> &'static str {
                match self {
                    $(Self::$name => $words,)*
                }
            }
        }
    };
}

fields! {
    // The root and what is mounted in it.
    Root: "the root",
    OwnRoot: "a root of its own",
    RootDirectory: "the root's directory",
    Overlay: "an overlay",
    Upper: "the upper directory",
    ReadOnly: "the read-only root",
    Tmpfs: "tmpfs",

    // The process.
    Command: "the command",
    WorkingDirectory: "the working directory",
    Input: "an input",
    Terminal: "a terminal of its own",
    Reaper: "a reaper",

    // Limits of the container.
    Memory: "the limit of memory",
    OwnMemory: "the container's",
    MemoryAndSwap: "the limit of memory and swap",
    MemoryReservation: "the reservation of memory",
    Cpus: "the number of processors",
    CpuQuota: "the quota of processor time",
    CpuPeriod: "the period of the quota of processor time",
    CpuShares: "the shares of processor time",
    CpuTime: "the limit of processor time",
    Processors: "the set of processors",
    MemoryNodes: "the set of memory nodes",
    Processes: "the limit of processes",
    BlockWeight: "the weight of block I/O",
    DeviceWeight: "the weight of a device",
    ReadBytes: "the limit of bytes read from a device",
    WriteBytes: "the limit of bytes written to a device",
    ReadOperations: "the limit of reads from a device",
    WriteOperations: "the limit of writes to a device",
    CgroupParent: "the parent cgroup",
    Timeout: "the limit of time",
    StopSignal: "the stop signal",
    OutputLimit: "the limit of output",

    // Limits of each process.
    ResourceLimit: "the resource limit",
    OomScoreAdjustment: "the adjustment of the OOM score",

    // What it may do.
    Privileged: "all devices",
    AddedCapabilities: "what is added to the capabilities",
    SeccompProfile: "the seccomp profile",
    SeccompProfileFile: "the file of the seccomp profile",
    NoSeccomp: "no seccomp filter",
    UserNamespace: "the user namespace",
    AutomaticIds: "ids that are chosen for it",
    ChosenIds: "a range of ids",
    CallersKeyring: "the caller's keyring",

    // Namespaces.
    HostPids: "the host's PID namespace",
    HostNetwork: "the host's network",
    Network: "the network",
    HostName: "a host name",
    Sysctl: "the sysctl",

    // How it is started, and what is told of it.
    InProcess: "the launch in-process",
    ReExec: "the launch by re-exec",
    Pool: "the pool",
    PoolSize: "the number of spares",
    PidFile: "the pid file",
    IdFile: "the file of the id",
    Timing: "the timing",
    Report: "the report",
    CgroupReport: "the report of what the cgroup counts",
}

impl Field {
    /// What messages call it in this process.
    #[cold]
    #[inline(never)]
    pub fn spelled(self) -> &'static str {
        match SPELLING.get() {
            Some(spelling) => spelling(self),
            None => self.neutral(),
        }
    }

    /// A text about it: `before`, what messages call it, `after`.
    #[cold]
    #[inline(never)]
    pub fn between(self, before: &str, after: &str) -> String {
        [before, self.spelled(), after].concat()
    }

    /// The front end's name for what a sentence has just said in words, as ` (--rootfs)`; nothing without a front end.
    #[cold]
    #[inline(never)]
    pub fn aside(self, before: &str, after: &str) -> String {
        match SPELLING.get() {
            Some(spelling) => [before, spelling(self), after].concat(),
            None => String::new(),
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.spelled())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    /// No unit test sets a spelling: they share a process.
    #[test]
    fn without_a_front_end_words_are_neutral_and_each_has_its_own() {
        let words: HashSet<&str> = Field::ALL.iter().map(|field| field.spelled()).collect();
        assert_eq!(words.len(), Field::ALL.len());
        for word in words {
            assert!(!word.contains("--") && !word.is_empty(), "{word}");
        }
        assert_eq!(Field::Memory.to_string(), "the limit of memory");
        assert_eq!(Field::Root.aside(" (", ")"), "");
    }
}
