//! The same containers as engines start them: by config.json, with and without cgroups, and in three steps.

use crate::contestants::{Contestant, Kind};
use crate::peers::{Bundles, slow, without_unified};
use crate::programs::Programs;
use std::ffi::OsString;
use std::path::Path;

pub const OCI: &str = "mydocker oci run";
pub const OCI_CGROUPS: &str = "mydocker oci run, cgroups";
pub const CRUN_CGROUPS: &str = "crun, a root, cgroups";
pub const OCI_LIFE: &str = "mydocker oci create, start, delete";
pub const CRUN_LIFE: &str = "crun create, start, delete";
pub const RUNC_LIFE: &str = "runc create, start, delete";

const LIFE: &str = "three processes, and cgroups; exit seen is the end of delete, which comes when the container has ended";

pub fn all(programs: &Programs, scratch: &Path, bundles: &Bundles) -> Vec<Contestant> {
    let oci = |words: &[&str]| -> Vec<OsString> {
        let program = programs.oci.as_ref().map(Into::into).unwrap_or_default();
        // It leaves an empty directory.
        let before = [
            program,
            "oci".into(),
            "--root".into(),
            scratch.join("oci").into(),
        ];
        before
            .into_iter()
            .chain(words.iter().map(Into::into))
            .collect()
    };
    let own = |name, note, form| match &programs.oci {
        Ok(_) => Contestant {
            form,
            ..Contestant::prefix(name, Kind::Mydocker, note, [""; 0])
        },
        Err(why) => Contestant::absent(name, Kind::Mydocker, why),
    };
    let life = |name, words: &[&str]| slow(bundles.peer_in_steps(name, LIFE, words));
    vec![
        own(
            OCI,
            "as an engine starts it, by config.json; cgroups off",
            bundles.form(oci(&["--cgroup-manager=disabled", "run"])),
        ),
        own(
            OCI_CGROUPS,
            "the same, and a cgroup in each hierarchy",
            bundles.form(oci(&["run"])),
        ),
        without_unified(bundles.peer(
            CRUN_CGROUPS,
            "the same mounts and protections, cgroupfs; lo down",
            &["crun", "--cgroup-manager=cgroupfs", "run"],
        )),
        slow(own(OCI_LIFE, LIFE, bundles.life(oci(&[])))),
        without_unified(life(CRUN_LIFE, &["crun", "--cgroup-manager=cgroupfs"])),
        life(RUNC_LIFE, &["runc"]),
    ]
}
