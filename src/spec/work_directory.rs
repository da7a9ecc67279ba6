//! Where overlayfs keeps what it works with.

use std::ffi::{CStr, CString};

/// The directory of overlayfs' own that belongs to an upper one: beside it, since it has to be on the same
/// file system and not in it. `None` for /, which nothing is beside.
pub fn work_directory(upper: &CStr) -> Option<CString> {
    let mut path = upper.to_bytes();
    while let Some(shorter) = path.strip_suffix(b"/") {
        path = shorter;
    }
    let name = path.rsplit(|byte| *byte == b'/').next()?;
    if name.is_empty() {
        return None;
    }
    let beside = &path[..path.len() - name.len()];
    CString::new([beside, b".", name, b".mydocker-work"].concat()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_directory_beside_an_upper_one() {
        let work = |upper| work_directory(upper);
        assert_eq!(work(c"/up/per//"), Some(c"/up/.per.mydocker-work".into()));
        assert_eq!(work(c"/per"), Some(c"/.per.mydocker-work".into()));
        assert_eq!(work(c"/"), None);
    }
}
