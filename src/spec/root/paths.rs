//! Paths as the container sees them, by their text alone.

use std::ffi::CStr;

/// What follows a directory's path and its slash.
pub fn below<'a>(directory: &[u8], path: &'a [u8]) -> Option<&'a [u8]> {
    path.strip_prefix(directory)?.strip_prefix(b"/")
}

/// What a path directly below a directory is called there.
pub fn name_in<'a>(directory: &CStr, path: &'a CStr) -> Option<&'a [u8]> {
    let name = below(directory.to_bytes(), path.to_bytes())?;
    (!name.is_empty() && !name.contains(&b'/')).then_some(name)
}

/// Whether it is a path such as [`clean_target`] gives.
pub fn is_clean(target: &[u8]) -> bool {
    let is_name = |name: &[u8]| !matches!(name, b"" | b"." | b"..");
    match target.strip_prefix(b"/") {
        Some(b"") => true,
        Some(names) => names.split(|byte| *byte == b'/').all(is_name),
        None => false,
    }
}

/// A path of the container's, its `.`, `..` and repeated slashes taken out, without a look at the files. `None`: it is
/// not absolute.
pub fn clean_target(path: &[u8]) -> Option<Vec<u8>> {
    if !path.starts_with(b"/") {
        return None;
    }
    let mut names: Vec<&[u8]> = Vec::new();
    for name in path.split(|byte| *byte == b'/') {
        match name {
            b"" | b"." => {}
            b".." => drop(names.pop()),
            name => names.push(name),
        }
    }
    let mut clean = Vec::with_capacity(path.len());
    for name in &names {
        clean.push(b'/');
        clean.extend(*name);
    }
    if clean.is_empty() {
        clean.push(b'/');
    }
    Some(clean)
}
