//! The cgroups of containers, as the tests of limits see them.

use crate::common::*;
use std::path::{Path, PathBuf};

/// The cases of root, if its cgroups can be changed and have what is needed.
pub fn limited_cases() -> Vec<Case> {
    let mut cases = root_cases();
    let Some(case) = cases.first() else {
        return cases;
    };
    let outcome = case.run(
        &["-m", "64m", "--cpus", "1", "--pids-limit", "64"],
        &["true"],
    );
    if outcome.code() != Some(0) {
        skip(&format!("no limits here: {}", outcome.stderr));
        cases.clear();
    }
    cases
}

/// A cgroup path that no one else uses, and what there is of it.
pub struct Parent(pub String);

impl Parent {
    pub fn new() -> Self {
        Self(mark().replace(|letter: char| !letter.is_ascii_alphanumeric(), "-"))
    }

    pub fn option(&self) -> String {
        format!("--cgroup-parent=/{}", self.0)
    }

    /// The cgroups of containers that are below it, in all hierarchies.
    pub fn containers(&self) -> Vec<PathBuf> {
        let mut all = self.directories();
        all.retain(|path| !path.ends_with(&self.0));
        all
    }

    /// Its directories in all hierarchies, and those below.
    fn directories(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let top = Path::new("/sys/fs/cgroup");
        let mut tops = vec![top.to_owned()];
        tops.extend(directories(top));
        for top in tops {
            let directory = top.join(&self.0);
            if directory.exists() {
                found.extend(directories(&directory));
                found.push(directory);
            }
        }
        found
    }
}

impl Drop for Parent {
    /// What is named stays, so the test takes it away.
    fn drop(&mut self) {
        for directory in self.directories() {
            let _ = std::fs::remove_dir(directory);
        }
    }
}

fn directories(path: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
    entries
        .map(|entry| entry.path())
        .filter(|path| path.is_dir())
        .collect()
}

/// The directories of the cgroups that mydocker has made for a process, where hosts have them.
pub fn own_cgroups(pid: &str) -> Vec<PathBuf> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap_or_default();
    let top = Path::new("/sys/fs/cgroup");
    let mut found = Vec::new();
    for line in text.lines().filter(|line| line.contains("/mydocker-")) {
        let mut fields = line.splitn(3, ':').skip(1);
        let (names, path) = (fields.next().unwrap(), fields.next().unwrap());
        let tops = match names {
            "" => vec![top.join("unified"), top.to_owned()],
            names => vec![top.join(names)],
        };
        let places = tops
            .iter()
            .map(|top| top.join(path.trim_start_matches('/')));
        found.extend(places.filter(|place| place.exists()));
    }
    found
}
