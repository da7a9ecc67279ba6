//! Who takes part: the controls, mydocker in its ways, and the peers.

use crate::limits;
use crate::peers;
use crate::programs::Programs;
use crate::protections;
use crate::roots;
use crate::runner::Act;
use nix::sched::CloneFlags;
use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Control,
    Mydocker,
    Peer,
}

/// How the command is named to a contestant.
pub enum Form {
    /// At the end of these words.
    Prefix(Vec<OsString>),
    /// By a bundle for each act, in a directory of this name below the given one; the words come
    /// before the name of the container, which no other has.
    Bundle {
        words: Vec<OsString>,
        bundles: PathBuf,
    },
    /// As `/command` in a root of its own, at the end of these words.
    Root(Vec<OsString>),
}

pub struct Contestant {
    pub name: String,
    pub kind: Kind,
    /// What is not the same as for the others.
    pub note: String,
    pub form: Form,
    /// A mount namespace to be started in, where it does not run in ours.
    pub mounts: Option<OwnedFd>,
    /// So slow that each tenth round is enough.
    pub slow: bool,
    /// Whether it works, or why not.
    pub trial: Result<(), String>,
}

pub const FLOOR: &str = "floor, equal";
pub const FLOOR_AGAIN: &str = "floor, equal, again";
pub const FLOOR_UNPROTECTED: &str = "floor, unprotected";
pub const BARE: &str = "floor, bare";
pub const COMMAND: &str = "the command alone";
pub const SMALL: &str = "mydocker";
pub const UNPROTECTED: &str = "mydocker, unprotected";

impl Contestant {
    pub fn prefix<W: Into<OsString>>(
        name: &str,
        kind: Kind,
        note: &str,
        words: impl IntoIterator<Item = W>,
    ) -> Self {
        Self {
            name: name.into(),
            kind,
            note: note.into(),
            form: Form::Prefix(words.into_iter().map(Into::into).collect()),
            mounts: None,
            slow: false,
            trial: Ok(()),
        }
    }

    pub fn absent(name: &str, kind: Kind, why: &str) -> Self {
        let mut absent = Self::prefix(name, kind, "", [""; 0]);
        absent.trial = Err(why.into());
        absent
    }

    /// The same once more, for another measurement.
    pub fn again(&self) -> Option<Self> {
        self.with(&self.name, &[""; 0])
    }

    /// The same by another name, with more options.
    pub fn with<W: Into<OsString> + Clone>(&self, name: &str, options: &[W]) -> Option<Self> {
        let more = |words: &[OsString]| {
            let options = options.iter().cloned().map(Into::into);
            words.iter().cloned().chain(options).collect()
        };
        let form = match &self.form {
            Form::Prefix(words) => Form::Prefix(more(words)),
            Form::Root(words) => Form::Root(more(words)),
            Form::Bundle { .. } => return None,
        };
        Some(Self {
            name: name.into(),
            kind: self.kind,
            note: self.note.clone(),
            form,
            mounts: None,
            slow: self.slow,
            trial: self.trial.clone(),
        })
    }

    /// The words to start it with. `serial` is another one each time.
    pub fn words(&self, command: &Path, act: Act, serial: u64) -> Vec<OsString> {
        let with = |words: &[OsString], command: OsString| {
            let arguments = act.arguments().iter().map(OsString::from);
            words
                .iter()
                .cloned()
                .chain([command])
                .chain(arguments)
                .collect()
        };
        match &self.form {
            Form::Prefix(words) => with(words, command.into()),
            Form::Root(words) => with(words, "/command".into()),
            Form::Bundle { words, bundles } => {
                let bundle = bundles.join(act.name()).into_os_string();
                let name = format!("bench-{}-{serial}", std::process::id());
                let rest = [OsString::from("--bundle"), bundle, name.into()];
                words.iter().cloned().chain(rest).collect()
            }
        }
    }

    /// The file that is started.
    pub fn program(&self) -> Option<&OsString> {
        let (Form::Prefix(words) | Form::Root(words) | Form::Bundle { words, .. }) = &self.form;
        words.first()
    }
}

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
            &protections::OFF,
        ),
        (
            "mydocker --init",
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

/// Calls `change` in a mount namespace of its own, returns that namespace, and comes back.
pub fn mount_namespace(change: impl FnOnce() -> Result<(), String>) -> Result<OwnedFd, String> {
    use nix::mount::{MsFlags, mount};
    let said = |what: &str| {
        let what = what.to_owned();
        move |errno| format!("{what}: {errno}")
    };
    let home = here()?;
    nix::sched::unshare(CloneFlags::CLONE_NEWNS).map_err(said("unshare"))?;
    let private = MsFlags::MS_PRIVATE | MsFlags::MS_REC;
    let changed = mount(None::<&str>, "/", None::<&str>, private, None::<&str>)
        .map_err(said("make mounts private"))
        .and_then(|()| change());
    let there = here();
    enter(&home)?;
    changed.and(there)
}

/// The namespace that we are in, to come back to.
pub fn here() -> Result<OwnedFd, String> {
    std::fs::File::open("/proc/self/ns/mnt")
        .map(OwnedFd::from)
        .map_err(|error| format!("/proc/self/ns/mnt: {error}"))
}

/// Enters a mount namespace, and the directory in it that we were in.
pub fn enter(namespace: &OwnedFd) -> Result<(), String> {
    let directory = std::env::current_dir().map_err(|error| error.to_string())?;
    nix::sched::setns(namespace, CloneFlags::CLONE_NEWNS).map_err(|errno| errno.to_string())?;
    std::env::set_current_dir(directory).map_err(|error| error.to_string())
}
