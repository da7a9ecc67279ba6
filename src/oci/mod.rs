//! The second front end: the runtime command line of the OCI (`mydocker oci create ID --bundle DIR`, runc's words), by which
//! podman, containerd, docker and Kubernetes drive containers.
//!
//! ```text
//! config.json ─▶ config (types) ─▶ plan ─▶ launch ─▶ child ─▶ … gate `start` … ─▶ execve
//!                                   ▲                  │
//!                cgroup, mounts, process, hooks     state.json ◀─ create; read by state, start, exec, kill, delete
//! ```
//!
//! config.json is a specification already, with an order and words of its own: the mounts are a list, capabilities are five
//! sets, nothing is there that is not written. So it is read into types of its own ([`config`]), and the plan's steps are
//! written from these; docker's specification (`spec`), whose checks are about docker's promises, is not in between. The
//! steps, the child that walks them, the reports and the hints are the same.
//!
//! A container belongs to the engine that has created it: it has no monitor and no death signal.

pub mod bundle;
pub mod cgroup;
pub mod command_line;
pub mod config;
pub mod console;
pub mod create;
pub mod delete;
mod ending;
pub mod events;
pub mod exec;
pub mod features;
mod front;
pub mod hooks;
pub mod id;
pub mod kill;
pub mod list;
mod making;
pub mod mounts;
pub mod namespaces;
pub mod network_devices;
mod notify;
pub mod pause;
pub mod pid_file;
mod plan;
pub mod process;
pub mod ps;
pub mod resume;
pub mod run;
pub mod seccomp;
pub mod spec_file;
pub mod start;
pub mod state;
pub mod store;
pub mod sysctl;
pub mod update;
mod users;
pub mod version;
mod warnings;
pub mod words;

pub use front::{main, words as words_for};
