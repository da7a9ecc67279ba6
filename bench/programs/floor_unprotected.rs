//! The equal floor without the protections, as mydocker is with every one of them switched off:
//! `floor_unprotected COMMAND`.

#![no_std]
#![no_main]

mod container;
mod kernel;
mod ordinary;

extern "C" fn start(stack: *const usize) -> ! {
    ordinary::start(stack, child)
}

extern "C" fn child(stack: usize) -> ! {
    ordinary::set_up();
    ordinary::last();
    container::execute(stack)
}
