//! What a root is refused for, in the words of docker's options.

use crate::error::Error;
use crate::spec::{MountConflict, RootConflict};

#[cold]
#[inline(never)]
pub fn refusal(conflict: RootConflict) -> Error {
    match conflict {
        RootConflict::Mount { asked_by, conflict } => {
            Error::refused(asked_by, reason_of_mount(conflict))
        }
        RootConflict::WritesKeptByHanded => Error::refused(
            "--overlay",
            "with --userns its writes can go to memory only",
        ),
        conflict => {
            let (object, reason) = conflict.words();
            Error::refused(object, "").hint_instead(reason)
        }
    }
}

/// Where docker's options say it more plainly, by them.
fn reason_of_mount(conflict: MountConflict) -> &'static str {
    match conflict {
        MountConflict::TargetIsRoot => "its target is /, which --rootfs decides",
        MountConflict::OverlayOfHanded => "with --userns it cannot be had",
        MountConflict::SharedByHanded => {
            "with --userns the container's mounts cannot reach the host"
        }
        MountConflict::TargetIsNoPath
        | MountConflict::TargetInProc
        | MountConflict::TargetRepeated
        | MountConflict::TargetInShared
        | MountConflict::AfterShared
        | MountConflict::SharedByUser
        // The host's looks find that one later.
        | MountConflict::TooManyCopies => conflict.reason(),
    }
}
