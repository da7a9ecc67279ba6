//! What the host lends to a container, and takes back: places and work directories in a root, ids, cgroups, copies of
//! mounts, the file of its pid.
//!
//! Each is found by looking, as a request (`guard.rs`), and then acquired or previewed. A guard gives back what it holds
//! when it is dropped. Where the kernel does not do that for a process that is gone, as it does for locks and copies, a
//! guard can write down what its clean-up needs: [`root::Record`], and [`crate::cgroup::Record`].

pub mod id_claim;
pub mod limits;
pub mod pid_file;
pub mod premounted;
pub mod root;
pub mod running;
