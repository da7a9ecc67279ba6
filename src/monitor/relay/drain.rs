//! After the container's end: the last of its output.

use super::super::signals::ends_by_default;
use super::super::sooner;
use super::Relay;
use crate::error::{Error, ExitCode};
use crate::sys::descriptor::{self, Waiting};
use crate::sys::process::Ended;
use crate::sys::signal::{self, Taken};
use std::os::fd::AsFd;
use std::time::Duration;

/// How long a reader may do nothing before it counts as stopped, in milliseconds.
const STOPPED_READER: i32 = 500;

impl Relay<'_> {
    /// After the end: what the container printed last is still in its terminal, or in the pipes. For as long as its
    /// reader takes; but whoever sent the signal that ended it, or sends one now, does not wait for
    /// a reader who has stopped, nor does who has said how long all may take. The exit code, if that is why not all of it
    /// was written.
    pub(super) fn drain(&mut self, exit: ExitCode) -> Result<Option<ExitCode>, Error> {
        let mut impatient = self.supervisor.ended_by_order().then_some(exit);
        if let Some(console) = &mut self.console {
            console.close_slave();
        }
        loop {
            for output in &mut self.outputs {
                output.take_rest(&mut self.allowance);
            }
            let mut passed = 0;
            self.outputs.retain(|output| {
                let is_done = output.channel.is_done();
                passed += if is_done { output.channel.taken() } else { 0 };
                !is_done
            });
            self.passed += passed;
            if self.outputs.is_empty() {
                return Ok(None);
            }
            if impatient.is_none() && self.supervisor.deadline_left() == Some(Duration::ZERO) {
                impatient = Some(ExitCode::TIME_IS_UP);
            }
            let mut waiting = [const { Waiting::none() }; 3];
            let [signals, outputs @ ..] = &mut waiting;
            *signals = Waiting::to_read(self.signals.as_fd());
            for (place, output) in outputs.iter_mut().zip(&self.outputs) {
                *place = output.channel.waiting_to_write();
            }
            self.wait_for_reader(&mut waiting, impatient.is_some())?;
            let [signals, outputs @ ..] = waiting.map(|entry| entry.happened());
            if signals {
                if let Some(signal) = self.take_signals_after_end()? {
                    let code = ExitCode(Ended::Signaled(signal).code());
                    let is_success = exit == ExitCode::SUCCESS;
                    impatient.get_or_insert(if is_success { code } else { exit });
                }
            }
            for (index, happened) in outputs.into_iter().enumerate() {
                if happened {
                    self.write_output(index);
                }
            }
            let nothing = !signals && outputs == [false; 2];
            if let (Some(exit), true) = (impatient, nothing) {
                return Ok(Some(exit));
            }
        }
    }

    fn wait_for_reader(&self, waiting: &mut [Waiting], impatient: bool) -> Result<(), Error> {
        let wait = |waiting: &mut [Waiting], patience| {
            descriptor::wait(waiting, patience).map_err(|errno| Error::new("poll", "", errno))
        };
        wait(waiting, 0)?;
        if waiting.iter().any(Waiting::happened) {
            return Ok(());
        }
        // A reader that is not ready, and a person who may want to end it with ^C: no one
        // but the kernel reads keys now.
        self.outside.give_keys_back();
        let patience = match impatient {
            true => STOPPED_READER,
            false => sooner(-1, self.supervisor.deadline_left()),
        };
        wait(waiting, patience)
    }

    /// The last of them that ends a process.
    fn take_signals_after_end(&mut self) -> Result<Option<i32>, Error> {
        let mut ending = None;
        while let Some(Taken { number, .. }) = self.next_signal()? {
            if number == libc::SIGTSTP {
                self.leave_raw_mode();
                signal::act_by_default(number, self.blocked);
            }
            if ends_by_default(number) {
                ending = Some(number);
            }
        }
        Ok(ending)
    }
}
