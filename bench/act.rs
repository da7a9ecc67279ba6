//! What the command in a container does.

/// One of its ways.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Tells the time of its first instruction.
    First,
    /// Runs 3 ms and tells the time of its end.
    Late,
    /// Tells the time of its first instruction and stays, long enough to look at what waits for it.
    Linger,
    /// Tells the time of its first instruction and stays until it is killed.
    Stay,
}

impl Act {
    pub const ALL: [Self; 4] = [Self::First, Self::Late, Self::Linger, Self::Stay];

    pub fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::First => &[],
            Self::Late => &["3"],
            Self::Linger => &["and", "linger"],
            Self::Stay => &["and", "stay", "on"],
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Late => "late",
            Self::Linger => "linger",
            Self::Stay => "stay",
        }
    }
}
