//! Strings for the kernel.

use std::ffi::CString;

/// What came from the command line has no NUL; if it had, the rest of it would be missing in a message.
pub(super) fn c_string(bytes: impl Into<Vec<u8>>) -> CString {
    let mut bytes = bytes.into();
    if let Some(nul) = bytes.iter().position(|byte| *byte == 0) {
        bytes.truncate(nul);
    }
    CString::new(bytes).unwrap_or_default()
}
