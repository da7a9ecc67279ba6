//! What the host lends to a container, and takes back: places and work directories in a root, ids, cgroups, copies of
//! mounts, the file of its pid.

pub mod id_claim;
pub mod limits;
pub mod pid_file;
pub mod premounted;
pub mod root;
