//! Mounts.

use super::IdMapping;
use std::ffi::CString;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mount {
    /// As the container sees it, absolute (a relative one is taken below /).
    pub destination: CString,
    /// `None`: not given.
    pub source: Option<CString>,
    /// `bind` if there is none and an option says so; else `none`.
    pub kind: Option<CString>,
    /// As written; `oci/mounts/options.rs` reads them.
    pub options: Vec<CString>,
    pub user_mappings: Vec<IdMapping>,
    pub group_mappings: Vec<IdMapping>,
}
