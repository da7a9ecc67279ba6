//! The caller's stdin, stdout and stderr, as far as the container gets them.

use crate::error::Error;
use crate::spec::{ContainerSpec, Input, Terminal};
use crate::sys::descriptor::{self, StandardFlags};
use crate::sys::facts::{self, Kind, NULL_DEVICE};

const NAMES: [&str; 3] = ["stdin", "stdout", "stderr"];

/// Decides whether stdin has to be replaced, and refuses what would lead to more of the host than the file itself:
/// a directory, and what only names a file and so could be opened in other ways than the caller meant.
///
/// Errors: one of these.
pub fn look(spec: &mut ContainerSpec, flags: StandardFlags) -> Result<(), Error> {
    if spec.terminal == Terminal::Own {
        // It is all three.
        return Ok(());
    }
    for (number, name) in NAMES.into_iter().enumerate() {
        let is_replaced = number == 0 && spec.input == Input::Nothing;
        if flags.only_names(number) && !is_replaced {
            return Err(Error::refused(
                name,
                "it only names a file (O_PATH), which the container could open",
            ));
        }
        // A directory cannot be opened for writing, so most of them need not be looked at.
        if flags.only_names(number) || (flags.writes(number) && !is_replaced) {
            continue;
        }
        let file = descriptor::borrowed(i32::try_from(number).unwrap_or(i32::MAX));
        let facts = facts::facts(file).map_err(|errno| Error::new("look at", name, errno))?;
        if is_replaced {
            if facts.kind == Kind::Character(NULL_DEVICE) && flags.reads(number) {
                // What the caller has for it is nothing already: /dev/null need not be opened once more.
                spec.input = Input::Caller;
            }
        } else if facts.kind == Kind::Directory {
            return Err(Error::refused(
                name,
                "it is a directory, by which the container could reach others of the host's",
            ));
        }
    }
    Ok(())
}
