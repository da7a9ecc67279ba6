//! A relay whose container has a name, by which others ask something of it.

use super::Relay;
use crate::monitor::desk::{self, Subject};
use crate::monitor::sooner;
use crate::sys::Errno;
use crate::sys::descriptor::{self, Waiting};

impl Relay<'_> {
    /// Waits for what is relayed and for those who ask; and does what they have asked.
    #[cold]
    #[inline(never)]
    pub(super) fn wait_at_desk(
        &mut self,
        relayed: &mut [Waiting],
        timeout: i32,
    ) -> Result<(), Errno> {
        let Some((desk, hooks)) = &mut self.desk else {
            return descriptor::wait(relayed, timeout);
        };
        let nothing = || Waiting::none();
        let count = relayed.len();
        let mut waiting: Vec<Waiting> = relayed
            .iter_mut()
            .map(|place| std::mem::replace(place, nothing()))
            .collect();
        desk.let_end(&self.supervisor, *hooks, self.log);
        desk.wait_for(false, &mut waiting);
        descriptor::wait(&mut waiting, sooner(timeout, desk.time_left()))?;
        let mut subject = Subject {
            supervisor: &mut self.supervisor,
            hooks: *hooks,
            log: self.log,
            attached: None,
        };
        let asked = waiting.get(count..).unwrap_or_default();
        if asked.iter().any(Waiting::happened) {
            desk.look(asked, &mut desk::buffer(), |desk, index, message| {
                desk.serve(index, &message, &mut subject);
            });
        }
        desk.tick();
        for (place, waited) in relayed.iter_mut().zip(waiting) {
            *place = waited;
        }
        Ok(())
    }
}
