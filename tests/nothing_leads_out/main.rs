//! Attacks and faults that got the better of mydocker once, a module for each kind. Every module runs its attack as
//! root and as an ordinary user, in both modes, and fails without the cure.

#[path = "../common/mod.rs"]
mod common;

mod callers_terminal;
mod deep_paths;
mod denied_exit;
mod device_nodes;
mod held_up;
mod hints_of_execve;
mod hints_of_the_host;
mod host_names;
mod image_names;
mod keeper;
mod left_behind;
mod limits;
mod little_room;
mod locks_of_others;
mod lost_output;
mod made_directory;
mod many_options;
mod name_files;
mod namespace_limits;
mod null_device;
mod open_descriptors;
mod open_network;
mod overlay_renames;
mod reaper;
mod standard_descriptors;
mod surroundings;
mod typed_signals;
mod users_pipe;
mod work_directory;
