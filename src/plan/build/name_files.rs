//! The files of names that are a container's alone: /etc/hosts and its like.

use super::c_string::c_string;
use crate::plan::root::{EtcFile, Without};
use crate::spec::{MountSource, NameFile, RootMount, RootSpec};

/// The files that only this container has, but those that someone brings along: they are what is wanted.
pub fn name_files(root: &RootSpec) -> Vec<EtcFile> {
    let brings_files = |mount: &RootMount| match &mount.source {
        MountSource::Bind(bind) => !bind.is_device,
        MountSource::Overlay(_) => true,
        MountSource::FileSystem(_) => false,
    };
    // What every container has brings none; the look is before the first of those that were asked for.
    let mut asked = root.mounts.iter().filter(|mount| mount.asked_by.is_some());
    let looks = asked.any(brings_files);
    let wanted = root.name_files.iter().filter(|file| !root.covers(file));
    (0..)
        .zip(wanted)
        .map(|(slot, file)| EtcFile {
            target: c_string([b"/etc/", file.name.as_bytes()].concat()),
            content: file.content.clone(),
            without: without(file),
            looked_at: looks.then_some(slot),
            read_only: root.read_only,
        })
        .collect()
}

fn without(file: &NameFile) -> Without {
    match &file.asked_by {
        Some(option) => Without::Refused(c_string(option.as_bytes())),
        None if file.is_missed => Without::Told,
        None => Without::Fine,
    }
}
