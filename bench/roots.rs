//! Containers with a root of their own: the command's directory as /, and in it /proc, /sys, /dev with its
//! nodes, links, pts, shm and mqueue, and three files of /etc, the same for everyone.

use crate::contestants::{Contestant, Form, Kind};
use crate::engines;
use crate::peers::{
    Bundles, Configuration, Protections, peer, root_file_system, slow, without_unified,
};
use crate::programs::Programs;
use crate::switched_off;
use serde_json::{Value, json};
use std::ffi::OsString;
use std::path::Path;

pub const DIRECTORY: &str = "mydocker --rootfs";
pub const OVERLAY: &str = "mydocker --rootfs --overlay";
pub const DIRECTORY_UNPROTECTED: &str = "mydocker --rootfs, unprotected";
pub const OVERLAY_UNPROTECTED: &str = "mydocker --rootfs --overlay, unprotected";
pub const BWRAP: &str = "bwrap, a root";
pub const CRUN: &str = "crun, a root";
pub const RUNC: &str = "runc, a root";

const FILES: [&str; 3] = ["hostname", "hosts", "resolv.conf"];

pub fn all(programs: &Programs, scratch: &Path) -> Result<Vec<Contestant>, String> {
    let said = |what: &str| {
        let what = what.to_owned();
        move |error: std::io::Error| format!("{what}: {error}")
    };
    let root = scratch.join("own-root");
    root_file_system(&root, &programs.command).map_err(said("make a root"))?;
    // What is bound on the files of /etc.
    let names = scratch.join("names");
    std::fs::create_dir_all(&names).map_err(said("make a directory"))?;
    for name in FILES {
        std::fs::write(names.join(name), "bench\n").map_err(said("write a file"))?;
    }
    let configuration = Configuration {
        mounts: mounts(&names),
        resources: Value::Null,
        protections: Protections::OfPaths,
    };
    let directory = scratch.join("root-bundles");
    let bundles = Bundles::write(&directory, &programs.command, &configuration)?;
    let mut overlay_unprotected = vec!["--overlay"];
    overlay_unprotected.extend(switched_off::OFF_WITH_A_ROOT);
    let unprotected = "the same, of the protections the capabilities alone";
    Ok(vec![
        own(
            DIRECTORY,
            "a root of its own, the full /dev",
            programs,
            &root,
            &[],
        ),
        own(
            OVERLAY,
            "the same, writes go to memory",
            programs,
            &root,
            &["--overlay"],
        ),
        own(
            DIRECTORY_UNPROTECTED,
            unprotected,
            programs,
            &root,
            &switched_off::OFF_WITH_A_ROOT,
        ),
        own(
            OVERLAY_UNPROTECTED,
            unprotected,
            programs,
            &root,
            &overlay_unprotected,
        ),
        bwrap(&root, &names),
        without_unified(bundles.peer(
            CRUN,
            "the same mounts and protections, cgroups off; lo down",
            &["crun", "--cgroup-manager=disabled", "run"],
        )),
        slow(bundles.peer(
            RUNC,
            "the same mounts and protections, with cgroups",
            &["runc", "run"],
        )),
        slow(bundles.peer(
            "youki, a root",
            "the same mounts and protections, with cgroups",
            &["youki", "run"],
        )),
    ]
    .into_iter()
    .chain(engines::all(programs, scratch, &bundles))
    .collect())
}

fn own(name: &str, note: &str, programs: &Programs, root: &Path, options: &[&str]) -> Contestant {
    match &programs.small {
        Ok(build) => {
            let mut contestant = Contestant::prefix(name, Kind::Mydocker, note, [""; 0]);
            let mut words: Vec<OsString> = vec![build.into(), "run".into()];
            words.extend(["--rootfs".into(), root.into()]);
            words.extend(options.iter().map(OsString::from));
            contestant.form = Form::Root(words);
            contestant
        }
        Err(why) => Contestant::absent(name, Kind::Mydocker, why),
    }
}

fn bwrap(root: &Path, names: &Path) -> Contestant {
    let words = [
        "bwrap",
        "--unshare-pid",
        "--unshare-net",
        "--unshare-ipc",
        "--unshare-uts",
        "--unshare-cgroup",
        "--as-pid-1",
        "--die-with-parent",
        "--new-session",
    ];
    let note = "the same mounts, /sys the host's: it mounts no sysfs; no /dev/shm of its own; of the protections no_new_privs";
    peer(BWRAP, note, &words, |mut words| {
        let mut add = |more: &[&std::ffi::OsStr]| words.extend(more.iter().map(OsString::from));
        add(&["--bind".as_ref(), root.as_os_str(), "/".as_ref()]);
        for pair in [
            ["--proc", "/proc"],
            ["--dev", "/dev"],
            ["--mqueue", "/dev/mqueue"],
        ] {
            add(&pair.map(AsRef::as_ref));
        }
        add(&["--ro-bind", "/sys", "/sys"].map(AsRef::as_ref));
        for name in FILES {
            let inside = Path::new("/etc").join(name);
            let file = names.join(name);
            add(&["--bind".as_ref(), file.as_os_str(), inside.as_os_str()]);
        }
        Form::Root(words)
    })
}

/// The mounts that the container of `mydocker run --rootfs` has. The nodes and links of /dev the runtimes make
/// without being told.
fn mounts(names: &Path) -> Vec<Value> {
    let mount = |destination: &str, kind: &str, options: &[&str]| json!({ "destination": destination, "type": kind, "source": kind, "options": options });
    let restricted = ["nosuid", "noexec", "nodev"];
    let mut mounts = vec![
        mount("/proc", "proc", &restricted),
        mount("/sys", "sysfs", &["nosuid", "noexec", "nodev", "ro"]),
        mount(
            "/dev",
            "tmpfs",
            &["nosuid", "strictatime", "mode=755", "size=65536k"],
        ),
        mount(
            "/dev/pts",
            "devpts",
            &[
                "nosuid",
                "noexec",
                "newinstance",
                "ptmxmode=0666",
                "mode=0620",
                "gid=5",
            ],
        ),
        mount(
            "/dev/shm",
            "tmpfs",
            &["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"],
        ),
        mount("/dev/mqueue", "mqueue", &restricted),
    ];
    for name in FILES {
        mounts.push(json!({
            "destination": format!("/etc/{name}"),
            "type": "bind",
            "source": names.join(name),
            "options": ["bind"],
        }));
    }
    mounts
}
