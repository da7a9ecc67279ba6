//! Fresh copies of what is compared. Where a file's pages happen to lie makes a start up to 1.4 % slower or faster, for as long
//! as they are in the page cache: more than what variants differ in.

use crate::contestants::{Contestant, Kind};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

const COPIES: usize = 4;

/// Has the controls and mydocker's builds started from copies.
pub fn make(contestants: &mut [Contestant], scratch: &Path) -> Result<(), String> {
    let mut known: Vec<(OsString, Vec<PathBuf>)> = Vec::new();
    for contestant in contestants {
        // (The command alone has no words.)
        let Some(program) = contestant.program().cloned() else {
            continue;
        };
        if contestant.kind == Kind::Peer || contestant.trial.is_err() {
            continue;
        }
        if !known.iter().any(|(file, _)| *file == program) {
            let place = scratch.join("copies").join(known.len().to_string());
            known.push((program.clone(), copies(program.as_ref(), &place)?));
        }
        let made = known.iter().find(|(file, _)| *file == program);
        contestant.copies = made.map_or(Vec::new(), |(_, copies)| copies.clone());
    }
    Ok(())
}

/// Of the same name: mydocker looks at what it is called by.
fn copies(program: &Path, place: &Path) -> Result<Vec<PathBuf>, String> {
    let copy = |number: usize| {
        let directory = place.join(number.to_string());
        std::fs::create_dir_all(&directory)?;
        let copy = directory.join(program.file_name().unwrap_or_default());
        std::fs::copy(program, &copy).map(|_| copy)
    };
    let made: std::io::Result<Vec<PathBuf>> = (0..COPIES).map(copy).collect();
    made.map_err(|error| format!("copy {}: {error}", program.display()))
}
