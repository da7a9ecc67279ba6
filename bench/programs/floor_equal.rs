//! The equal floor: the bare one, and what a default run of mydocker does for its user, with as few
//! system calls as that takes: `floor_equal COMMAND`.

#![no_std]
#![no_main]

mod container;
mod kernel;
mod ordinary;
mod protections;

extern "C" fn start(stack: *const usize) -> ! {
    ordinary::start(stack, child)
}

extern "C" fn child(stack: usize) -> ! {
    ordinary::set_up();
    protections::take_privileges();
    ordinary::last();
    // Last of all: the calls above need not be among those that it allows.
    protections::filter_calls();
    container::execute(stack)
}
