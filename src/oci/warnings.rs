//! What is passed over, and told in the log: in runc's words.

use super::config::Memory;
use crate::log::{Level, Log};

/// The kernel has given up limits of its own memory.
#[cold]
#[inline(never)]
pub fn of_memory(memory: &Memory, log: &Log) {
    if memory.kernel.or(memory.kernel_tcp).is_some() {
        let message = b"Kernel memory settings are ignored and will be removed";
        log.write(Level::Warn, message, &[]);
    }
}
