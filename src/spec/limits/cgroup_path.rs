//! The path of a cgroup.

use std::ffi::{CStr, CString};
use std::ops::Deref;

/// Where a cgroup is, from the top of a hierarchy, without a slash before or behind it: below that top, since no part of it
/// is empty, `.` or `..`. An empty path is the top.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CgroupPath(CString);

impl CgroupPath {
    /// `None`: nothing at all, or a path that leads elsewhere.
    pub fn new(text: &[u8]) -> Option<Self> {
        let path = text.strip_prefix(b"/").unwrap_or(text);
        let path = path.strip_suffix(b"/").unwrap_or(path);
        let is_strange = |part: &[u8]| part.is_empty() || part == b"." || part == b"..";
        let leads_elsewhere = !path.is_empty() && path.split(|byte| *byte == b'/').any(is_strange);
        if text.is_empty() || leads_elsewhere {
            return None;
        }
        CString::new(path).ok().map(Self)
    }
}

impl Deref for CgroupPath {
    type Target = CStr;

    fn deref(&self) -> &CStr {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::CgroupPath;

    #[test]
    fn no_path_leads_out_of_the_hierarchy() {
        for (text, expected) in [
            ("/", Some("")),
            ("/a/b/", Some("a/b")),
            ("a..b/.c", Some("a..b/.c")),
            ("", None),
            ("..", None),
            ("/../a", None),
            ("a/..", None),
            ("a/./b", None),
            ("a//b", None),
            ("//a", None),
            ("a\0b", None),
        ] {
            let found = CgroupPath::new(text.as_bytes());
            let found = found.as_deref().map(|path| path.to_str().unwrap());
            assert_eq!(found, expected, "{text}");
        }
    }
}
