//! Why a run is not in a box, though it was given a pool.

use super::description::STAYS;
use crate::docker::RunArgs;
use crate::log::{Level, Log, Value};
use crate::runtime::asked::without_pool;
use crate::sys::Errno;

/// Why there is no box for a run.
#[derive(Clone, Copy, Debug)]
pub enum Why {
    /// No pool can be called, and no one else will say so.
    NoPool(Errno),
    /// The pool has boxes like the one wanted, and all are taken.
    Taken,
    Unfit(&'static str),
}

impl Why {
    pub const STAYS: Self = Self::Unfit(STAYS);

    #[cold]
    #[inline(never)]
    pub fn say(self, arguments: &RunArgs, log: &Log) {
        match self {
            Self::NoPool(errno) => without_pool(errno, arguments, log),
            Self::Taken => Self::Unfit("all are taken").say(arguments, log),
            Self::Unfit(why) => {
                let fields = [("why", Value::Text(why.as_bytes()))];
                log.write(Level::Info, b"not in a box of the pool", &fields);
            }
        }
    }
}
