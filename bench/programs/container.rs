//! What both floors do: the clone, the two mounts, the execve, the wait.

#![allow(dead_code, reason = "the bare floor has one namespace less")]

use super::kernel::{EXECVE, MOUNT, WAIT4, call, clone, exit, must};

pub const NEWNS: usize = 0x2_0000;
pub const NEWCGROUP: usize = 0x200_0000;
pub const NEWUTS: usize = 0x400_0000;
pub const NEWIPC: usize = 0x800_0000;
pub const NEWPID: usize = 0x2000_0000;
pub const NEWNET: usize = 0x4000_0000;

const VM: usize = 0x100;
const VFORK: usize = 0x4000;
const SIGCHLD: usize = 17;

const NOSUID_NODEV_NOEXEC: usize = 2 | 4 | 8;
const REC_PRIVATE: usize = 0x4000 | 0x4_0000;

/// The child's stack ends that far below ours: memory that no frame of these small programs reaches,
/// and that the kernel makes real when it is touched, as it does our own.
const BELOW: usize = 16 * 1024;

/// Starts `child(stack)` in new namespaces, in our own memory, and returns when it has executed the
/// command. `stack` is where the kernel left argc.
pub fn start(namespaces: usize, stack: *const usize, child: extern "C" fn(usize) -> !) -> usize {
    let flags = VM | VFORK | SIGCHLD | namespaces;
    let child_stack = (stack as usize - BELOW) & !15;
    // SAFETY: see `BELOW`; meanwhile we are suspended.
    let pid = unsafe { clone(flags, child_stack, child, stack as usize) };
    if pid > usize::MAX - 4096 {
        exit(125);
    }
    pid
}

/// Cuts the mounts off from the host's and mounts a proc.
pub fn mount() {
    let (root, proc) = (c"/".as_ptr() as usize, c"proc".as_ptr() as usize);
    let target = c"/proc".as_ptr() as usize;
    // SAFETY: the path is NUL-terminated.
    unsafe { must(1, MOUNT, [0, root, 0, REC_PRIVATE, 0, 0]) };
    // SAFETY: the strings are NUL-terminated.
    unsafe { must(2, MOUNT, [proc, target, proc, NOSUID_NODEV_NOEXEC, 0, 0]) };
}

/// Executes the command that the program was given.
pub fn execute(stack: usize) -> ! {
    // No variables.
    let environment = [0usize];
    // SAFETY: argv begins one word above argc; its own name is there, and then a command or a null
    // pointer, for which execve answers EFAULT.
    let arguments = unsafe { (stack as *const usize).add(2) };
    // SAFETY: as above.
    let file = unsafe { *arguments };
    // SAFETY: both arrays end with a null pointer.
    unsafe {
        call(
            EXECVE,
            [
                file,
                arguments as usize,
                environment.as_ptr() as usize,
                0,
                0,
                0,
            ],
        )
    };
    exit(127)
}

/// Waits for the container and ends as it did.
pub fn wait(pid: usize) -> ! {
    let mut status = 0u32;
    // SAFETY: the kernel writes one integer.
    unsafe { must(125, WAIT4, [pid, &raw mut status as usize, 0, 0, 0, 0]) };
    let (signal, code) = (status as usize & 0x7f, status as usize >> 8);
    exit(if signal == 0 { code } else { 128 + signal })
}
