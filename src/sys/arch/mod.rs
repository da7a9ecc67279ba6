//! All that differs from one processor to another: instructions, and what the kernel numbers or lays out by itself for each.
//! A module for each has the same names, and this is the one place that chooses between them.
//!
//! A further one takes: a module here (clone, the reaper's code, an undefined instruction, and constants), and its row
//! in the tables of the filter (seccomp/architecture.rs).

#[cfg(target_arch = "aarch64")]
mod aarch64;
mod clone_arguments;
mod processor;
pub mod reaper;
#[cfg(target_arch = "riscv64")]
mod riscv64;
#[cfg(target_arch = "x86_64")]
mod x86_64;

#[cfg(target_arch = "aarch64")]
use aarch64 as this;
#[cfg(target_arch = "riscv64")]
use riscv64 as this;
#[cfg(target_arch = "x86_64")]
use x86_64 as this;

pub use clone_arguments::{CloneArguments, STACK};
pub use processor::Processor;
pub use this::{
    FSTATAT, LARGEST_PAGE, MACHINE, MACHINE_OF_32_BITS, PROCESSOR, fault, raw_clone,
    raw_clone_beside, raw_clone3,
};
