//! What is said when the command could not be executed.

use crate::docker::image;
use crate::error::{Error, ExitCode};
use crate::hint::{self, Doing, Hint};
use crate::plan::InitPlan;
use crate::report::Clue;
use crate::sys::Errno;

/// execve failed with `errno`, and this is what to say and to exit with: 127 if there is no such
/// command, 126 if it cannot be executed. dash's rule, by errno.
pub fn describe_execve(plan: &InitPlan, candidate: u32, errno: Errno, clue: Clue) -> Error {
    let command = &plan.command;
    let typed = command
        .arguments
        .strings()
        .first()
        .map(|name| name.to_bytes())
        .filter(|name| !name.is_empty())
        .unwrap_or(b"''");
    let not_found = matches!(
        errno,
        Errno::ENOENT | Errno::ENOTDIR | Errno::ENAMETOOLONG | Errno::ELOOP
    );
    // The file that was found, which PATH may have decided.
    let file = usize::try_from(candidate)
        .ok()
        .and_then(|candidate| command.candidates.get(candidate))
        .map_or(typed, |file| file.to_bytes());
    if let Some(hint) = hint::of_file(clue) {
        let exit = if not_found && clue != Clue::CircleOfInterpreters {
            ExitCode::NOT_FOUND
        } else {
            ExitCode::NOT_EXECUTABLE
        };
        return Error::new("exec", file, errno)
            .hint_instead(hint)
            .exit_with(exit);
    }
    if not_found {
        let is_engines = is_engines(plan);
        if is_engines && command.searched {
            return not_in_engines_path(typed);
        }
        // No one means an image then.
        let hint = if plan.enters && command.searched {
            Some(hint::NOT_IN_PATH.into())
        } else if !is_engines && image::is_meant(typed) {
            Some(hint::no_images().into())
        } else if typed.contains(&b' ') {
            Some(hint::WITH_BLANKS.into())
        } else if command.searched {
            Some(hint::not_in_path().into())
        } else {
            let words = match clue {
                Clue::NotThere => Some(hint::NOT_THERE),
                _ => (errno == Errno::ENOENT).then_some(hint::NO_SUCH_FILE),
            };
            words.map(Hint::Borrowed)
        };
        return Error::new("exec", typed, errno)
            .hint(hint)
            .exit_with(ExitCode::NOT_FOUND);
    }
    let cause = if errno == Errno::E2BIG && command.is_short() {
        Some(hint::no_room_for_arguments().into())
    } else {
        hint::hint(Doing::Execve, errno)
    };
    Error::new("exec", file, errno)
        .because(cause)
        .exit_with(ExitCode::NOT_EXECUTABLE)
}

/// Whether an engine has asked for the process, with a config.json.
fn is_engines(plan: &InitPlan) -> bool {
    #[cfg(feature = "oci")]
    return plan
        .steps()
        .any(|step| matches!(step, crate::plan::Step::Process(_)));
    #[cfg(not(feature = "oci"))]
    return {
        let _ = plan;
        false
    };
}

/// Of a command that is in no directory of PATH, in the words that engines look for: they give 127 for it.
#[cold]
#[inline(never)]
pub fn not_in_engines_path(command: &[u8]) -> Error {
    let object = [b"exec: ", command].concat();
    Error::refused(object, "executable file not found in $PATH").exit_with(ExitCode::NOT_FOUND)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::ExecPlan;
    use crate::sys::process::StringArray;
    use std::ffi::CString;

    /// Under a small limit of memory the kernel cannot copy any arguments, and says that they are too many.
    #[test]
    fn short_arguments_are_not_too_long() {
        let list = |word: &str| StringArray::new(vec![CString::new(word).unwrap()]);
        for (word, hint) in [
            ("true".into(), "(the container's, "),
            ("x".repeat(1 << 17), "too long"),
        ] {
            let plan = InitPlan {
                forerunner: Vec::new(),
                birth: Vec::new(),
                container: Vec::new(),
                reaper: None,
                enters: false,
                process: Vec::new(),
                command: ExecPlan {
                    searched: true,
                    candidates: vec![c"/bin/true".into()],
                    arguments: list(&word),
                    environment: list("A=B"),
                },
                premounted: 0,
                timed: false,
                tells_status: false,
            };
            let error = describe_execve(&plan, 0, Errno::E2BIG, Clue::None).to_string();
            assert!(error.contains(hint), "{error}");
        }
    }
}
