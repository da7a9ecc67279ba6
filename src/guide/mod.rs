//! The guides: what there is to know beyond a line of help. They are read in three places: as files on the forge, here,
//! and by `mydocker help TOPIC`.
//!
//! They are in the binary if it is built with the feature `guides`, which is on by default; the smallest build leaves them
//! out.

/// A guide on one topic.
#[derive(Debug, PartialEq, Eq)]
pub struct Guide {
    /// What `mydocker help` calls it.
    pub name: &'static str,
    text: &'static str,
}

macro_rules! guides {
    ($($module:ident, $name:literal, $file:literal;)*) => {
        $(
            // Their indented blocks are shells' and pictures.
            #[allow(rustdoc::invalid_rust_codeblocks)]
            #[doc = include_str!($file)]
            pub mod $module {}
        )*

        /// Every guide, if this build has them.
        #[cfg(feature = "guides")]
        pub const ALL: &[Guide] = &[$(Guide { name: $name, text: include_str!($file) },)*];
        #[cfg(not(feature = "guides"))]
        pub const ALL: &[Guide] = &[];

        /// Their names, which are known without them too.
        pub const NAMES: &[&str] = &[$($name,)*];
    };
}

guides! {
    roots, "roots", "roots.md";
    limits, "limits", "limits.md";
    security, "security", "security.md";
    userns, "userns", "userns.md";
    pool, "pool", "pool.md";
    timing, "timing", "timing.md";
    report, "report", "report.md";
    exit_codes, "exit-codes", "exit-codes.md";
    benchmarks, "benchmarks", "benchmarks.md";
    static_binary, "static", "static.md";
    how, "how", "how.md";
}

/// The guide that is called `name`.
pub fn find(name: &str) -> Option<&'static Guide> {
    ALL.iter().find(|guide| guide.name == name)
}

impl Guide {
    /// The text for a terminal: links are what they say, and pictures are left out.
    #[cold]
    #[inline(never)]
    pub fn plain(&self) -> String {
        let mut plain = String::with_capacity(self.text.len());
        for line in self.text.lines().filter(|line| !line.starts_with("![")) {
            plain.push_str(&without_links(line));
            plain.push('\n');
        }
        plain
    }
}

/// A line in which `[words](target)` is `words`.
fn without_links(line: &str) -> String {
    let mut plain = String::new();
    let mut rest = line;
    while let Some(start) = rest.find('[') {
        let (before, from) = rest.split_at(start);
        let middle = from.find("](");
        let end = middle.and_then(|middle| Some((middle, middle + from.get(middle..)?.find(')')?)));
        let Some((middle, end)) = end else { break };
        plain.push_str(before);
        // An option's own brackets stand before a link's at times, `[:GROUP]`; they stay.
        plain.push_str(from.get(1..middle).unwrap_or_default());
        rest = from.get(end + 1..).unwrap_or_default();
    }
    plain.push_str(rest);
    plain
}

#[cfg(all(test, feature = "guides"))]
mod tests {
    use super::*;

    #[test]
    fn links_are_words() {
        for (line, expected) in [
            (
                "see [the limits](limits.md), or [x](y)",
                "see the limits, or x",
            ),
            (
                "no link [here], none (there)",
                "no link [here], none (there)",
            ),
            ("", ""),
        ] {
            assert_eq!(without_links(line), expected);
        }
    }

    #[test]
    fn every_guide_has_a_title_and_no_link_to_nowhere() {
        for guide in ALL {
            assert!(guide.text.starts_with("# "), "{}", guide.name);
            for (at, _) in guide.text.match_indices("](") {
                let target = guide.text[at + 2..].split(')').next().unwrap();
                let is_known = NAMES.iter().any(|name| target == format!("{name}.md"));
                let is_elsewhere = target.starts_with("../") || target.starts_with("https://");
                assert!(is_known || is_elsewhere, "{}: {target}", guide.name);
            }
        }
    }
}
