//! The bare floor: exactly the system calls of a start in five namespaces, and nothing for anyone:
//! `floor_bare COMMAND`.

#![no_std]
#![no_main]

mod container;
mod kernel;

use container::{NEWIPC, NEWNET, NEWNS, NEWPID, NEWUTS};

extern "C" fn start(stack: *const usize) -> ! {
    let pid = container::start(NEWNS | NEWUTS | NEWIPC | NEWPID | NEWNET, stack, child);
    container::wait(pid)
}

extern "C" fn child(stack: usize) -> ! {
    container::mount();
    container::execute(stack)
}
