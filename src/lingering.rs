//! One patience for all that make namespaces.
//!
//! A namespace lingers after its last process (one of the network for some 60 ms) and counts against the limits on
//! namespaces meanwhile (user.max_*_namespaces); and where many containers start at once, others are about to end. So
//! a limit that is reached, ENOSPC, is met again for a while before it is an error.
//!
//! This code keeps the child rule.

use crate::sys::{Errno, descriptor};

/// How long to wait in all, in milliseconds.
const LONGEST: i32 = 2000;

/// The longest pause between two attempts.
const LONGEST_PAUSE: i32 = 16;

/// What is left of the patience.
pub struct Lingering {
    waited: i32,
    pause: i32,
}

impl Lingering {
    pub const fn begin() -> Self {
        Self {
            waited: 0,
            pause: 1,
        }
    }

    /// Waits before the next attempt. False, at once: it has been waited long enough.
    pub fn wait(&mut self) -> bool {
        if self.waited >= LONGEST || descriptor::wait(&mut [], self.pause).is_err() {
            return false;
        }
        self.waited = self.waited.saturating_add(self.pause);
        self.pause = self.pause.saturating_mul(2).min(LONGEST_PAUSE);
        true
    }

    /// How long it has been waited, in milliseconds.
    pub fn waited(&self) -> i32 {
        self.waited
    }
}

/// Calls `make`, which makes a namespace, until there is room for one.
pub fn outlast<T>(mut make: impl FnMut() -> Result<T, Errno>) -> Result<T, Errno> {
    let mut lingering = Lingering::begin();
    loop {
        match make() {
            Err(Errno::ENOSPC) if lingering.wait() => {}
            made => return made,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_met_again_for_a_while() {
        let mut calls = 0;
        let result = outlast(|| {
            calls += 1;
            if calls < 4 { Err(Errno::ENOSPC) } else { Ok(7) }
        });
        assert_eq!((result, calls), (Ok(7), 4));
        assert_eq!(outlast(|| Err::<(), _>(Errno::ENOSPC)), Err(Errno::ENOSPC));
    }

    #[test]
    fn other_errors_are_final() {
        let mut calls = 0;
        let result = outlast(|| {
            calls += 1;
            Err::<(), _>(Errno::EPERM)
        });
        assert_eq!((result, calls), (Err(Errno::EPERM), 1));
    }
}
