//! Containers with a limit of memory, of processor time and of processes, the same for everyone.

use crate::contestants::{Contestant, Kind};
use crate::peers::{Bundles, Configuration, slow, without_unified};
use crate::programs::Programs;
use serde_json::json;
use std::path::Path;

pub const LIMITED: &str = "mydocker, limits";
pub const CRUN: &str = "crun, limits";
const RUNC: &str = "runc, limits";

const OPTIONS: [&str; 6] = ["-m", "64m", "--cpus", "1", "--pids-limit", "64"];

pub fn all(programs: &Programs, scratch: &Path) -> Result<Vec<Contestant>, String> {
    let own = match &programs.small {
        Ok(build) => {
            let words = [build.as_os_str(), "run".as_ref()].into_iter();
            let words = words.chain(OPTIONS.iter().map(AsRef::as_ref));
            let note = "-m 64m --cpus 1 --pids-limit 64";
            Contestant::prefix(LIMITED, Kind::Mydocker, note, words)
        }
        Err(why) => Contestant::absent(LIMITED, Kind::Mydocker, why),
    };
    let mut configuration = Configuration::of_processes();
    configuration.resources = json!({
        "memory": { "limit": 64 << 20 },
        "cpu": { "quota": 100_000, "period": 100_000 },
        "pids": { "limit": 64 },
    });
    let directory = scratch.join("limited-bundles");
    let bundles = Bundles::write(&directory, &programs.command, &configuration)?;
    Ok(vec![
        own,
        without_unified(bundles.peer(
            CRUN,
            "the same limits and protections, cgroupfs; a root of its own, lo down",
            &["crun", "--cgroup-manager=cgroupfs", "run"],
        )),
        slow(bundles.peer(
            RUNC,
            "the same limits and protections; a root of its own",
            &["runc", "run"],
        )),
    ])
}
