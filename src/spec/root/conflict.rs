//! Why a root cannot be had as it was wished.

use std::borrow::Cow;
use std::ffi::CString;

/// The words of each are neutral: a front end tells it by the name of what asked for it.
#[derive(Debug, PartialEq, Eq)]
pub enum RootConflict {
    /// One of the mounts cannot be had.
    Mount {
        asked_by: String,
        conflict: MountConflict,
    },
    /// A file of names was asked for, and a mount covers it.
    CoveredFile { asked_by: String },
    /// A tmpfs is to belong to someone whom the container's user namespace does not know.
    UnknownId { asked_by: String, reason: String },
    /// A node or a link lies in no tmpfs of the container's own, or not in that of the others.
    MadeNowhere(CString),
    /// A path cannot be hidden, or be made read-only.
    Restricted(CString),
    /// An overlay without a directory.
    NoLayer,
    /// The directory that keeps an overlay's writes cannot be handed in.
    WritesKeptByHanded,
    /// More directories than can be handed in.
    TooManyLayers,
}

/// Why a mount cannot be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MountConflict {
    TargetIsNoPath,
    TargetIsRoot,
    TargetInProc,
    TargetRepeated,
    TargetInShared,
    AfterShared,
    OverlayOfHanded,
    SharedByHanded,
    SharedByUser,
    TooManyCopies,
}

impl RootConflict {
    /// What cannot be had, and why.
    pub fn words(self) -> (String, Cow<'static, str>) {
        let (object, reason) = match self {
            Self::UnknownId { asked_by, reason } => return (asked_by, Cow::Owned(reason)),
            Self::Mount { asked_by, conflict } => (asked_by, conflict.reason()),
            Self::CoveredFile { asked_by } => {
                (asked_by, "a mount of yours covers the file that it is for")
            }
            Self::MadeNowhere(path) => (
                path.to_string_lossy().into_owned(),
                "device nodes and links are made in one tmpfs of the container's own",
            ),
            Self::Restricted(path) => (
                path.to_string_lossy().into_owned(),
                "what is hidden or read-only must be an absolute path without . and .., and in no shared mount",
            ),
            Self::NoLayer => ("/".into(), "an overlay needs a directory"),
            Self::WritesKeptByHanded => (
                "/".into(),
                "with ids of the container's own its writes can go to memory only",
            ),
            Self::TooManyLayers => (
                "/".into(),
                "with ids of the container's own it can be ten directories at the most",
            ),
        };
        (object, Cow::Borrowed(reason))
    }
}

impl MountConflict {
    pub const fn reason(self) -> &'static str {
        match self {
            Self::TargetIsNoPath => "its target must be an absolute path without . and ..",
            Self::TargetIsRoot => "its target is /, which the root's base decides",
            Self::TargetInProc => "/proc is the container's own, and nothing can be mounted in it",
            Self::TargetRepeated => "another mount has the same target",
            Self::TargetInShared => {
                "its target lies in a shared mount, and it would appear on the host"
            }
            Self::AfterShared => "a mount that is shared with the host comes before it",
            Self::OverlayOfHanded => "with ids of its own the container cannot have it",
            Self::SharedByHanded => {
                "with ids of its own the container's mounts cannot reach the host"
            }
            Self::SharedByUser => {
                "the mounts of an ordinary user's container cannot reach the host"
            }
            Self::TooManyCopies => {
                "at most 32 mounts can be slave, shared or of the whole /, or handed in"
            }
        }
    }
}
