//! The guides: what there is to know beyond a line of help. They are read in three places: as files on the forge, here,
//! and by `mydocker help TOPIC`.
//!
//! They are in the binary if it is built with the feature `guides`, which is on by default; the smallest build leaves them
//! out.

#[cfg(feature = "guides")]
mod terminal;

/// A guide on one topic.
#[derive(Debug, PartialEq, Eq)]
pub struct Guide {
    /// What `mydocker help` calls it.
    pub name: &'static str,
    /// What it is about, in a few words.
    pub about: &'static str,
    text: &'static str,
}

macro_rules! guides {
    ($($module:ident, $name:literal, $file:literal, $about:literal $(, $link:literal)*;)*) => {
        $(
            // What a link leads to on the forge is not there here. Of two definitions the first one counts.
            $(#[doc = $link])*
            #[doc = include_str!($file)]
            pub mod $module {}
        )*

        /// Every guide, if this build has them.
        #[cfg(feature = "guides")]
        pub const ALL: &[Guide] = &[$(Guide { name: $name, about: $about, text: include_str!($file) },)*];
        #[cfg(not(feature = "guides"))]
        pub const ALL: &[Guide] = &[];

        /// Their names, which are known without them too.
        pub const NAMES: &[&str] = &[$($name,)*];
    };
}

guides! {
    roots, "roots", "roots.md", "where a root comes from, overlays, volumes";
    limits, "limits", "limits.md", "memory, processors, processes, disks; cgroups";
    life_cycle, "life-cycle", "life-cycle.md", "containers that stay: run -d, ps, exec, logs";
    oci, "oci", "oci.md", "the runtime under podman, containerd, docker, Kubernetes";
    security, "security", "security.md", "what isolation this is, and what it is not",
        "[limits]: crate::guide::limits\n";
    userns, "userns", "userns.md", "root that is not root";
    pool, "pool", "pool.md", "containers kept ready";
    batch, "batch", "batch.md", "many runs by one process";
    report, "report", "report.md", "how a run ended, as JSON";
    exit_codes, "exit-codes", "exit-codes.md", "what they mean; signals";
    timing, "timing", "timing.md", "where the time of a start goes";
    benchmarks, "benchmarks", "benchmarks.md", "how fast it is";
    how, "how", "how.md", "how a start works",
        "[src/lib.rs]: ../../index.html", "[src/plan/build]: ../../plan/index.html",
        "[src/child/root]: ../../child/index.html\n";
    static_binary, "static", "static.md", "how the one static file is built";
}

/// The guide that is called `name`, in which words may stand apart or be joined: `exit codes`.
pub fn find(name: &str) -> Option<&'static Guide> {
    let name = joined(name);
    ALL.iter().find(|guide| guide.name == name)
}

/// Whether there is such a guide, in this build or in another.
pub fn is_known(name: &str) -> bool {
    NAMES.contains(&&*joined(name))
}

fn joined(name: &str) -> String {
    name.replace([' ', '_'], "-")
}

impl Guide {
    /// The text for a terminal.
    #[cfg(feature = "guides")]
    pub fn plain(&self) -> String {
        terminal::plain(self.text)
    }

    /// There is none.
    #[cfg(not(feature = "guides"))]
    pub fn plain(&self) -> String {
        self.text.to_owned()
    }
}

#[cfg(all(test, feature = "guides"))]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_shows_no_marks_and_no_wide_lines() {
        for guide in ALL {
            let plain = guide.plain();
            let of_commands = |line: &&str| line.starts_with("    ");
            for line in plain.lines().filter(|line| !of_commands(line)) {
                assert!(line.chars().count() <= 80, "{}: {line}", guide.name);
                assert!(
                    !line.contains("](") && !line.contains("**") && !line.starts_with('|'),
                    "{line}"
                );
            }
            assert!(!plain.contains("\n\n\n"), "{}", guide.name);
        }
    }

    #[test]
    fn names_in_words() {
        for name in ["exit-codes", "exit codes", "exit_codes"] {
            assert_eq!(find(name).unwrap().name, "exit-codes");
        }
        assert_eq!(find("exit"), None);
        assert!(is_known("exit codes") && !is_known("rnu"));
    }

    #[test]
    fn every_guide_has_a_title_and_no_link_to_nowhere() {
        let directory = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/guide");
        for guide in ALL {
            assert!(guide.text.starts_with("# "), "{}", guide.name);
            let within = guide.text.split("](").skip(1);
            let within = within.map(|rest| rest.split(')').next().unwrap());
            // The documentation has its own pages for these, which a link within the text cannot tell.
            for target in within.clone() {
                let is_page = target.ends_with(".rs") || !target.starts_with("../");
                assert!(!is_page, "{}: {target} is to be defined below", guide.name);
            }
            let defined = guide.text.lines().filter_map(|line| {
                terminal::definition(line).and_then(|words| line.get(words.len() + 2..))
            });
            for target in within.chain(defined) {
                assert!(directory.join(target).exists(), "{}: {target}", guide.name);
            }
        }
    }
}
