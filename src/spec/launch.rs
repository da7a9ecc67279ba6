//! How the container's first process is born.

/// How the container's first process is born.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum LaunchChoice {
    /// In-process, and re-exec where that cannot be had.
    #[default]
    Auto,
    InProcess,
    ReExec,
}
