//! Descriptors that the command inherits beside 0, 1 and 2: those of socket activation (sd_listen_fds(3)), which begin with 3,
//! and after them as many as `--preserve-fds` says.

use crate::error::Error;
use crate::sys::{Errno, inherited};
use std::ffi::CString;

/// How many there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Inherited {
    listening: u32,
    preserved: u32,
}

/// The first that is handed on.
const FIRST: u32 = 3;

impl Inherited {
    /// What this process was given, and what it is to hand on.
    ///
    /// Errors: one that is to be handed on is not open. What the runtime opens itself could take its number.
    pub fn find(preserved: u32) -> Result<Self, Error> {
        let own = |name| std::env::var(name).ok()?.parse::<u32>().ok();
        // For another process, whose child we are, unless it says that it is for us.
        let is_ours = own("LISTEN_PID") == Some(std::process::id());
        let found = Self {
            listening: own("LISTEN_FDS").filter(|_| is_ours).unwrap_or(0),
            preserved,
        };
        let all = FIRST..FIRST.saturating_add(found.count());
        let missing = all.into_iter().find(|number| !is_open(*number));
        match missing {
            None => Ok(found),
            Some(number) => {
                let last = found.first_private() - 1;
                Err(Error::new(
                    "hand on",
                    format!(
                        "descriptor {number} of {FIRST} to {last} (--preserve-fds {preserved})"
                    ),
                    Errno::EBADF,
                )
                .hint(Some("it is not open")))
            }
        }
    }

    pub fn count(self) -> u32 {
        self.listening.saturating_add(self.preserved)
    }

    /// The first number that the command does not inherit.
    pub fn first_private(self) -> u32 {
        FIRST.saturating_add(self.count())
    }

    /// The variables that tell the command.
    pub fn variables(self) -> impl Iterator<Item = CString> {
        let names = (self.listening > 0).then(|| {
            // The command is the first process of its PID namespace, as runc has it.
            [
                format!("LISTEN_FDS={}", self.listening),
                "LISTEN_PID=1".into(),
            ]
        });
        let names = names.into_iter().flatten();
        names.filter_map(|variable| CString::new(variable).ok())
    }
}

fn is_open(number: u32) -> bool {
    i32::try_from(number).is_ok_and(inherited::is_callers)
}
