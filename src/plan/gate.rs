//! What a child can wait for: a row for each gate, and who opens it.

/// Something that another process does while the child waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    /// Ids are mapped into the child's user namespace.
    IdsMapped,
    /// The reaper has executed its own program and given up its rights.
    ReaperReady,
    /// mydocker has done what takes a container that is made and not entered: hooks, network devices.
    Runtime,
    /// mydocker has written down which process is the container's first: from here on it can be found, and need not end with
    /// mydocker.
    Recorded,
    /// mydocker has sent the listener of the filter to where it is to be. The pipe of this gate is a socket, and the
    /// listener comes by it.
    Listener,
    /// Someone has started the container, perhaps hours later and another mydocker.
    Start,
    /// A job has been handed to this box.
    Job,
}

/// Who opens a gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opener {
    /// mydocker, which has to be awake for it: the child cannot have its memory.
    Launcher,
    /// The reaper's program, the child's parent.
    Reaper,
    /// Who writes to the container's FIFO, or hands it a job. mydocker is gone by then, or busy, so the child cannot have its memory either.
    Starter,
}

impl Gate {
    pub const COUNT: usize = 7;

    /// By their numbers.
    pub const ALL: [Self; Self::COUNT] = [
        Self::IdsMapped,
        Self::ReaperReady,
        Self::Runtime,
        Self::Recorded,
        Self::Listener,
        Self::Start,
        Self::Job,
    ];

    pub const fn opener(self) -> Opener {
        match self {
            Self::IdsMapped | Self::Runtime | Self::Recorded | Self::Listener => Opener::Launcher,
            Self::ReaperReady => Opener::Reaper,
            Self::Start | Self::Job => Opener::Starter,
        }
    }
}
