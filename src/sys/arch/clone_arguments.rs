//! What clone3(2) reads, on every processor.

/// The kernel's `struct clone_args`, as long as it was when it got `cgroup` (`CLONE_ARGS_SIZE_VER2`).
#[repr(C)]
#[derive(Default)]
pub struct CloneArguments {
    pub flags: u64,
    pub pidfd: u64,
    pub child_tid: u64,
    pub parent_tid: u64,
    pub exit_signal: u64,
    /// The lowest address; `raw_clone3` fills it in.
    pub stack: u64,
    pub stack_size: u64,
    pub tls: u64,
    pub set_tid: u64,
    pub set_tid_size: u64,
    pub cgroup: u64,
}

/// Bytes of the stack that clone3 is told of.
pub const STACK: usize = 4096;

/// What is left free between the caller's frame and the child's stack, a multiple of 16: a red zone, and in shared memory the
/// frames of who waits there for a third (`clone_beside.rs`).
pub const ROOM: usize = 2048;
