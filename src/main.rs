//! The binary: nothing but the way from the C library's `main` to [`mydocker::main`].

#![no_main]

// In `sys`, because it is `unsafe`; here, because it belongs to the binary alone.
#[allow(unsafe_code)]
#[path = "sys/entry.rs"]
mod entry;
