//! Who takes part: the controls, mydocker in its ways, and the peers.

use crate::contestants::*;
use crate::limits;
use crate::peers;
use crate::programs::Programs;
use crate::roots;
use crate::switched_off;
use std::path::{Path, PathBuf};

/// Everyone, absent ones included.
pub fn all(
    programs: &Programs,
    scratch: &Path,
    also: &[PathBuf],
) -> Result<Vec<Contestant>, String> {
    let control = |name, note, words: &[&Path]| {
        Contestant::prefix(name, Kind::Control, note, words.iter().copied())
    };
    let mut all = vec![
        control(COMMAND, "no container", &[]),
        control(
            BARE,
            "five namespaces, a private mount tree, a proc, and nothing else",
            &[&programs.bare],
        ),
        control(
            FLOOR_UNPROTECTED,
            "six namespaces, and what mydocker does with its protections off",
            &[&programs.unprotected],
        ),
        control(
            FLOOR,
            "six namespaces, and what mydocker's default does",
            &[&programs.equal],
        ),
        control(
            FLOOR_AGAIN,
            "the same once more: what noise does",
            &[&programs.equal],
        ),
    ];
    let builds = [
        (SMALL, "small static build", &programs.small, &[][..]),
        (
            UNPROTECTED,
            "--privileged --no-new-keyring",
            &programs.small,
            &switched_off::OFF,
        ),
        (
            INIT,
            "a reaper as PID 1: one process more",
            &programs.small,
            &["--init"],
        ),
        (
            "mydocker -t",
            "a terminal, relayed",
            &programs.small,
            &["-t"],
        ),
        (
            "mydocker --launch re-exec",
            "a second execve",
            &programs.small,
            &["--launch", "re-exec"],
        ),
        (
            "mydocker, musl",
            "static build on stable Rust",
            &programs.musl,
            &[],
        ),
        (
            "mydocker, glibc",
            "dynamic",
            &Ok(programs.glibc.clone()),
            &[],
        ),
    ];
    for (name, note, build, options) in builds {
        all.push(match build {
            Ok(build) => {
                let words = [build.as_os_str(), "run".as_ref()];
                let words = words.into_iter().chain(options.iter().map(AsRef::as_ref));
                Contestant::prefix(name, Kind::Mydocker, note, words)
            }
            Err(why) => Contestant::absent(name, Kind::Mydocker, why),
        });
    }
    for file in also {
        let name = format!("also {}", file.display());
        let words = [file.as_os_str(), "run".as_ref()];
        all.push(Contestant::prefix(
            &name,
            Kind::Mydocker,
            "another build",
            words,
        ));
    }
    all.extend(peers::all(programs, scratch)?);
    all.extend(roots::all(programs, scratch)?);
    all.extend(limits::all(programs, scratch)?);
    Ok(all)
}
