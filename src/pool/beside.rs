//! What is kept beside the spares.

use crate::error::Error;
use std::os::fd::BorrowedFd;
use std::time::Duration;

/// What is kept beside the spares: whole boxes, of which this layer knows nothing.
pub trait Beside {
    /// Takes calls, for what is kept from now on. The working directory is the pool's.
    fn begin(&mut self) -> Result<(), Error>;

    /// It can be read when something has happened.
    fn descriptor(&self) -> BorrowedFd<'_>;

    /// Sees to what has happened.
    fn look(&mut self);

    /// How long until [`Self::look`] has something to do though nothing happens, if ever.
    fn next(&self) -> Option<Duration>;

    /// Whether those that wait are still what they are to be, now that someone has come for whom there was none. The working
    /// directory is the caller's. If not, [`Self::begin`] is to be called once more.
    fn are_as_wanted(&mut self) -> bool;

    /// Whether those that wait can be called still, now that something has been removed. The working directory is the pool's.
    /// If not, they end, and [`Self::begin`] is to be called once more.
    fn can_be_called(&mut self) -> bool;

    /// Whether there are less than there are to be.
    fn is_short(&self) -> bool;

    /// Makes one more. The working directory is the caller's. Returns whether calls for it are taken: [`Self::begin`] is to be
    /// called once more if not, and nothing has been made.
    fn add(&mut self) -> Result<bool, Error>;

    /// All end. The working directory is the pool's. Returns how many were handed out.
    fn end(&mut self) -> i64;
}
