//! Latency beside many mounts, which every new mount namespace is a copy of.

use crate::arguments::Extent;
use crate::contestants::Contestant;
use crate::crowd::{self, Row};
use crate::mount_namespaces::{self, mount_namespace};
use crate::runner::Runner;
use nix::mount::{MntFlags, MsFlags, mount, umount2};

pub fn measure(
    runner: &mut Runner,
    contestants: &[Contestant],
    extent: &Extent,
) -> Result<Vec<Row>, String> {
    let home = mount_namespaces::here()?;
    let directory = std::env::temp_dir().join(format!("mydocker-mounts-{}", std::process::id()));
    std::fs::create_dir(&directory).map_err(|error| format!("{}: {error}", directory.display()))?;
    let mut rows = Vec::new();
    let mut outcome = Ok(());
    for wanted in extent.mounts {
        // In a namespace of our own, which goes with its mounts: the host's table stays as it is.
        outcome = mount_namespace(|| become_as_many(*wanted, &directory)).and_then(|crowded| {
            mount_namespaces::enter(&crowded)?;
            let found = points()?.len();
            let measured = crowd::starts(runner, contestants, extent.crowd_rounds, found);
            mount_namespaces::enter(&home)?;
            rows.extend(measured?);
            Ok(())
        });
        if outcome.is_err() {
            break;
        }
    }
    let _ = std::fs::remove_dir(&directory);
    outcome.map(|()| rows)
}

/// Mounts or takes away until there are `wanted`, or as few as can be.
fn become_as_many(wanted: usize, directory: &std::path::Path) -> Result<(), String> {
    let needed = ["/", "/proc", "/dev", "/tmp", "/run"];
    // The last mounted first: nothing lies on it.
    for point in points()?.iter().rev() {
        if points()?.len() > wanted && !needed.contains(&point.as_str()) {
            // What will not go is counted.
            let _ = umount2(point.as_str(), MntFlags::MNT_DETACH);
        }
    }
    for _ in points()?.len()..wanted {
        mount(
            Some("none"),
            directory,
            Some("tmpfs"),
            MsFlags::empty(),
            None::<&str>,
        )
        .map_err(|errno| format!("mount: {errno}"))?;
    }
    Ok(())
}

/// The mount points of our namespace, in the order they were mounted.
fn points() -> Result<Vec<String>, String> {
    let table = std::fs::read_to_string("/proc/self/mountinfo")
        .map_err(|error| format!("/proc/self/mountinfo: {error}"))?;
    let points = table.lines().filter_map(|line| line.split(' ').nth(4));
    Ok(points.map(str::to_owned).collect())
}
