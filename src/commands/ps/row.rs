//! What `ps` shows of a container.

use crate::docker::RunArgs;
use crate::format::{Columns, units};
use crate::spec::Network;
use crate::store::{Look, Status};
use crate::time;
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;

/// Docker's fields. There are no images and no published ports here: an image is the directory that is the container's
/// root, and empty for the host's own.
pub const COLUMNS: Columns = Columns {
    fields: &[
        ("Command", "COMMAND"),
        ("CreatedAt", "CREATED AT"),
        ("ID", "CONTAINER ID"),
        ("Image", "IMAGE"),
        ("Labels", "LABELS"),
        ("LocalVolumes", "LOCAL VOLUMES"),
        ("Mounts", "MOUNTS"),
        ("Names", "NAMES"),
        ("Networks", "NETWORKS"),
        ("Ports", "PORTS"),
        ("RunningFor", "CREATED"),
        ("Size", "SIZE"),
        ("State", "STATE"),
        ("Status", "STATUS"),
    ],
    usual: "{{.ID}}\t{{.Command}}\t{{.RunningFor}}\t{{.Status}}\t{{.Names}}",
};

/// The most letters of a command and of a mount's source that are shown where they are cut.
const COMMAND: usize = 20;
const MOUNT: usize = 15;

/// A container, as far as it is shown.
pub struct Shown<'a> {
    pub id: &'a str,
    pub name: &'a str,
    /// Nanoseconds since 1970.
    pub created: u64,
    pub look: &'a Look,
    pub arguments: &'a RunArgs,
    pub labels: &'a [OsString],
    pub mounts: &'a [Vec<u8>],
}

impl Shown<'_> {
    /// The cells of [`COLUMNS`], cut as docker cuts them unless they are to be whole.
    pub fn cells(&self, now: u64, whole: bool) -> Vec<Vec<u8>> {
        let cut = |text: &str, most| match whole {
            true => text.to_owned(),
            false => shortened(text, most),
        };
        let id = self.id.get(..12).filter(|_| !whole).unwrap_or(self.id);
        let mounts = self.mounts.iter().map(|source| {
            let source = String::from_utf8_lossy(source);
            cut(&source, MOUNT)
        });
        let mut labels: Vec<&[u8]> = self.labels.iter().map(|label| label.as_bytes()).collect();
        labels.sort_unstable();
        let images: Vec<&[u8]> = self
            .arguments
            .rootfs
            .iter()
            .map(|image| image.as_bytes())
            .collect();
        let since = units::duration(seconds_between(self.created, now));
        let date = time::to_the_nanosecond(self.created);
        let (day, clock) = (date.get(..10), date.get(11..19));
        let created = [
            day.unwrap_or_default(),
            " ",
            clock.unwrap_or_default(),
            " +0000 UTC",
        ];
        vec![
            quoted(&cut(&command(&self.arguments.command), COMMAND)).into(),
            created.concat().into(),
            id.into(),
            images.join(&b':'),
            labels.join(&b','),
            "0".into(),
            mounts.collect::<Vec<_>>().join(",").into(),
            self.name.into(),
            network(&self.arguments.network).into(),
            Vec::new(),
            format!("{since} ago").into(),
            "0B".into(),
            self.look.status.word().into(),
            status(self.look, now).into(),
        ]
    }
}

/// `Up 3 minutes`, `Exited (137) 2 hours ago`.
pub fn status(look: &Look, now: u64) -> String {
    let since = |moment: Option<u64>| units::duration(seconds_between(moment.unwrap_or(now), now));
    let state = &look.state;
    let exit = state.exit.unwrap_or_default();
    match look.status {
        Status::Created => "Created".into(),
        Status::Running => format!("Up {}", since(state.started)),
        Status::Paused => format!("Up {} (Paused)", since(state.started)),
        Status::Restarting => format!("Restarting ({exit}) {} ago", since(state.finished)),
        Status::Exited => format!("Exited ({exit}) {} ago", since(state.finished)),
        Status::Dead => "Dead".into(),
    }
}

fn seconds_between(earlier: u64, later: u64) -> u64 {
    later.saturating_sub(earlier) / 1_000_000_000
}

/// The words of a command on one line, those with spaces in quotes, as docker has it.
fn command(words: &[OsString]) -> String {
    let words = words.iter().enumerate().map(|(index, word)| {
        let word = word.to_string_lossy();
        match index > 0 && word.contains(' ') {
            true => format!("'{word}'"),
            false => word.into_owned(),
        }
    });
    words.collect::<Vec<_>>().join(" ")
}

fn shortened(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most - 1).chain(['…']).collect()
}

/// As Go quotes a string: on one line, and nothing in it means anything to a terminal.
fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for letter in text.chars() {
        match letter {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            '\r' => quoted.push_str("\\r"),
            control if control.is_ascii_control() => {
                quoted.push_str(&format!("\\x{:02x}", u32::from(control)));
            }
            control if control.is_control() => {
                quoted.push_str(&format!("\\u{:04x}", u32::from(control)));
            }
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

/// The network as it was typed.
pub fn network(network: &Network) -> String {
    match network {
        Network::Loopback => "none".into(),
        Network::Host => "host".into(),
        Network::Join(target) => format!("ns:{}", target.name().to_string_lossy()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::State;

    const SECOND: u64 = 1_000_000_000;
    const NOW: u64 = 1_709_164_800 * SECOND;

    fn look(status: Status) -> Look {
        let state = State {
            started: Some(NOW - 200 * SECOND),
            finished: Some(NOW - 2 * SECOND),
            exit: Some(137),
            ..State::default()
        };
        Look { state, status }
    }

    #[test]
    fn statuses_are_dockers() {
        for (of, text) in [
            (Status::Created, "Created"),
            (Status::Running, "Up 3 minutes"),
            (Status::Paused, "Up 3 minutes (Paused)"),
            (Status::Restarting, "Restarting (137) 2 seconds ago"),
            (Status::Exited, "Exited (137) 2 seconds ago"),
            (Status::Dead, "Dead"),
        ] {
            assert_eq!(status(&look(of), NOW), text);
        }
        // The clock was set back.
        assert_eq!(status(&look(Status::Running), 0), "Up Less than a second");
    }

    #[test]
    fn cells_are_in_the_order_of_the_columns() {
        let arguments = RunArgs {
            command: ["/bin/sh", "-c", "echo \"a  b\"\n; \u{1b}[2J"]
                .map(OsString::from)
                .to_vec(),
            rootfs: vec!["/images/base".into()],
            ..RunArgs::default()
        };
        let id = "0123456789abcdef".repeat(4);
        let labels = ["b=2".into(), "a=1".into()];
        let mounts = [b"/a/long/source/of/it".to_vec(), b"/b".to_vec()];
        let look = look(Status::Running);
        let shown = Shown {
            id: &id,
            name: "web",
            created: NOW - 3_600 * SECOND,
            look: &look,
            arguments: &arguments,
            labels: &labels,
            mounts: &mounts,
        };
        let line = |whole| {
            let cells = shown.cells(NOW, whole).into_iter();
            assert_eq!(cells.len(), COLUMNS.fields.len());
            let cells = cells
                .zip(COLUMNS.fields)
                .map(|(cell, (name, _))| format!("{name}={}", String::from_utf8(cell).unwrap()));
            cells.collect::<Vec<_>>().join("\n")
        };
        let expected = r#"Command="/bin/sh -c 'echo \"a…"
CreatedAt=2024-02-28 23:00:00 +0000 UTC
ID=0123456789ab
Image=/images/base
Labels=a=1,b=2
LocalVolumes=0
Mounts=/a/long/source…,/b
Names=web
Networks=none
Ports=
RunningFor=About an hour ago
Size=0B
State=running
Status=Up 3 minutes"#;
        assert_eq!(line(false), expected);
        let whole = line(true);
        assert!(
            whole.contains("-c 'echo \\\"a  b\\\"\\n; \\x1b[2J'\""),
            "{whole}"
        );
        assert!(
            whole.contains(&id) && whole.contains("/a/long/source/of/it,/b"),
            "{whole}"
        );
        let names: Vec<&str> = COLUMNS.fields.iter().map(|(name, _)| *name).collect();
        assert!(names.is_sorted());
    }
}
