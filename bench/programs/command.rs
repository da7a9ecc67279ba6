//! The command in the containers: reads the monotonic clock and hands the time back on stdout, as
//! 16 letters (a byte of it could be a line feed, which a terminal changes).
//!
//! It does so first of all, and leaves. With one argument it sleeps 3 ms before that; with two it
//! stays half a second after it, and with three until it is killed.

#![no_std]
#![no_main]

mod kernel;

use kernel::{CLOCK_GETTIME, NANOSLEEP, WRITE, call};

const MONOTONIC: usize = 1;
const THREE_MILLISECONDS: [u64; 2] = [0, 3_000_000];
const HALF_A_SECOND: [u64; 2] = [0, 500_000_000];
const LONG: [u64; 2] = [1_000_000, 0];

extern "C" fn start(stack: *const usize) -> ! {
    let mut time = now();
    // SAFETY: argc is what lies there.
    let arguments = unsafe { *stack } - 1;
    if arguments == 1 {
        sleep(&THREE_MILLISECONDS);
        time = now();
    }
    let nanoseconds = time[0] * 1_000_000_000 + time[1];
    let mut letters = [0u8; 16];
    for (letter, position) in letters.iter_mut().zip(0..16) {
        *letter = b'a' + (nanoseconds >> (60 - 4 * position) & 15) as u8;
    }
    // SAFETY: the kernel reads 16 bytes.
    unsafe {
        call(
            WRITE,
            [1, letters.as_ptr() as usize, letters.len(), 0, 0, 0],
        )
    };
    match arguments {
        0 | 1 => {}
        2 => sleep(&HALF_A_SECOND),
        _ => sleep(&LONG),
    }
    kernel::exit(0)
}

#[inline(always)]
fn now() -> [u64; 2] {
    let mut time = [0; 2];
    // SAFETY: the kernel writes two words.
    unsafe {
        call(
            CLOCK_GETTIME,
            [MONOTONIC, time.as_mut_ptr() as usize, 0, 0, 0, 0],
        )
    };
    time
}

fn sleep(time: &[u64; 2]) {
    // SAFETY: the kernel reads two words.
    unsafe { call(NANOSLEEP, [time.as_ptr() as usize, 0, 0, 0, 0, 0]) };
}
