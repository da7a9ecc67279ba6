//! What a run acquires outside of itself, and what `--explain` only looks at: one list, gone through for either.
//!
//! Each thing is found by looking first, as a [`Request`]: which file, which directories, which cgroups. What makes no
//! sense is refused there, for both. Then an [`Intent`] says what becomes of the request: [`Acquire`] makes it a guard,
//! which gives back what it holds when it is dropped; [`Preview`] touches nothing and says what would be. A story that is
//! written for any intent asks for the same things in the same order, and what its types hold shows what was done: there
//! is no guard in a preview.

use crate::error::Error;

/// What a run needs, found and not touched.
pub trait Request: Sized {
    /// What is held from then on.
    type Guard;
    /// What there is to tell of it.
    type Preview;

    /// Makes it, opens it, locks it.
    fn acquire(self) -> Result<Self::Guard, Error>;

    /// Tells what [`acquire`](Self::acquire) would make. Nothing is made, and nothing is locked.
    ///
    /// Errors: those of `acquire`, as far as a look tells.
    fn preview(self) -> Result<Self::Preview, Error>;
}

/// What becomes of requests.
pub trait Intent {
    /// What comes of one: its guard, or its preview.
    type Of<G, P>;

    fn take<R: Request>(request: R) -> Result<Self::Of<R::Guard, R::Preview>, Error>;

    /// What both intents have.
    fn common<T>(found: Self::Of<T, T>) -> T;
}

/// A run.
pub struct Acquire;

/// `--explain`.
pub struct Preview;

impl Intent for Acquire {
    type Of<G, P> = G;

    fn take<R: Request>(request: R) -> Result<R::Guard, Error> {
        request.acquire()
    }

    fn common<T>(found: T) -> T {
        found
    }
}

impl Intent for Preview {
    type Of<G, P> = P;

    fn take<R: Request>(request: R) -> Result<R::Preview, Error> {
        request.preview()
    }

    fn common<T>(found: T) -> T {
        found
    }
}
