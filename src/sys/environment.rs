//! The environment block that the kernel gave this process.

use std::ffi::c_char;

unsafe extern "C" {
    static mut environ: *const *mut c_char;
}

/// Overwrites every string of the process's environment with NUL bytes.
///
/// For the reaper alone: it is born with a copy of mydocker's memory and stays, as PID 1, where the
/// container can read `/proc/1/environ`. The caller's environment is not the container's to see.
/// Nothing may read the environment afterwards.
pub fn wipe() {
    // SAFETY: the process has one thread (it was born by clone), so nothing writes `environ`
    // meanwhile.
    let mut entry = unsafe { environ };
    if entry.is_null() {
        return;
    }
    loop {
        // SAFETY: `environ` is an array of string pointers that ends with a null one, and the loop
        // stops there.
        let string = unsafe { *entry };
        if string.is_null() {
            return;
        }
        let mut at = string;
        // SAFETY: the string ends with a NUL, where the loop stops; the kernel put these strings
        // on our own writable stack.
        while unsafe { *at } != 0 {
            // SAFETY: in bounds and writable, as above. Volatile: no one reads it again in this
            // program, so the compiler would be free to leave the write out.
            unsafe { at.write_volatile(0) };
            // SAFETY: the byte at `at` was not the terminator, so the next one is in bounds.
            at = unsafe { at.add(1) };
        }
        // SAFETY: this entry was not the terminator, so the next one is in bounds.
        entry = unsafe { entry.add(1) };
    }
}
