//! What becomes of a container that has ended.

/// When it is started again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RestartPolicy {
    #[default]
    No,
    /// When it has failed; only so many times, if there is a number.
    OnFailure(Option<u32>),
    Always,
    UnlessStopped,
}
