//! What a child can wait for: a row for each gate, and who opens it.

/// Something that another process does while the child waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    /// Ids are mapped into the child's user namespace.
    IdsMapped,
    /// The reaper has executed its own program and given up its rights.
    ReaperReady,
}

/// Who opens a gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opener {
    /// mydocker, which has to be awake for it: the child cannot have its memory.
    Launcher,
    /// The reaper's program, the child's parent.
    Reaper,
}

impl Gate {
    pub const COUNT: usize = 2;

    pub const fn opener(self) -> Opener {
        match self {
            Self::IdsMapped => Opener::Launcher,
            Self::ReaperReady => Opener::Reaper,
        }
    }
}
