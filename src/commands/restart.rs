//! `mydocker restart`.

use super::each::each;
use super::start::{be_a_copy, start};
use super::stop;
use crate::docker::{LogArgs, RestartArgs};
use crate::error::{Error, ExitCode};
use crate::guard::Acquire;
use crate::log::Level;
use crate::runtime::logging;
use crate::sys::invocation::Invocation;

/// Stops containers that run, and starts them all.
pub fn run(arguments: &RestartArgs, invocation: &Invocation) -> Result<ExitCode, Error> {
    logging::with_log::<Acquire>(&LogArgs::default(), Level::Warn, |log| {
        let state = arguments.state.as_deref();
        be_a_copy(state, &arguments.containers, invocation)?;
        each(&arguments.containers, |word| {
            stop::stop(state, word, (arguments.signal, arguments.seconds))?;
            start(state, word, log)
        })
    })
}
