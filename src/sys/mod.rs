//! Thin wrappers around system calls, one call each, without policy.
//!
//! This is the only module that may contain `unsafe`, and the lowest: it imports nothing of the crate. What can be
//! misused from safe code is no safe function (`tests/sound.rs` shows it): no descriptor is owned twice
//! ([`descriptor`]), and parent and child never run at once in one memory ([`clone`]). Everything here takes and returns
//! safe types (`&CStr`, `BorrowedFd`, `OwnedFd`) and answers `Result<_, Errno>`: the errno travels in
//! the value, so nothing depends on the thread-local `errno`, which the in-process child shares
//! with its parent.
//!
//! Calls go through the [`syscalls`] crate. The exceptions are mount(2) and execve(2), which go
//! through libc (see [`mount`] and [`process::execve`]).

#![allow(unsafe_code)]

pub mod affinity;
pub mod allocation;
mod arch;
pub mod bpf;
pub mod capability;
pub mod clock;
pub mod clone;
pub mod clone_beside;
pub mod close_range;
pub mod code;
pub mod counter;
pub mod credentials;
pub mod descendants;
pub mod descriptor;
pub mod device;
pub mod directory;
pub mod epoll;
pub mod facts;
pub mod fork;
pub mod identity;
pub mod in_child;
pub mod inherited;
pub mod invocation;
pub mod kernel;
pub mod keyring;
pub mod local_socket;
pub mod lock;
pub mod memfd;
mod memory_guest;
pub mod mount;
pub mod mount_list;
pub mod mount_tree;
pub mod namespace;
pub mod network;
pub mod network_maker;
pub mod node;
pub mod own_proc;
pub mod parent_watch;
pub mod pointers;
pub mod process;
pub mod process_start;
pub mod random;
pub mod reaper;
pub mod route;
pub mod scheduler;
pub mod seccomp;
pub mod sent_files;
pub mod shared_memory;
pub mod signal;
pub mod terminal;
pub mod watch;

pub use arch::{LARGEST_PAGE, MACHINE, MACHINE_OF_32_BITS, PROCESSOR, Processor};
pub use mount::MountFlags;
pub use syscalls::Errno;

/// A process id as the caller's PID namespace numbers it.
pub type Pid = i32;
