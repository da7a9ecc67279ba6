//! What the options of a mount mean: one table, which `features` lists.

use crate::plan::root::FlagChange;
use crate::sys::MountFlags;
use std::ffi::{CStr, CString};

/// What an option does.
#[derive(Clone, Copy)]
enum Effect {
    /// The usual is the usual.
    Nothing,
    Set(MountFlags),
    Clear(MountFlags),
    /// A propagation, one after the other.
    Propagate(MountFlags),
    /// The flags of the mount, and of what is mounted below it.
    SetBelow(MountFlags),
    ClearBelow(MountFlags),
    CopyUp,
    MapIds {
        recursive: bool,
    },
}

const fn recursive(flags: MountFlags) -> Effect {
    Effect::Propagate(flags.and(MountFlags::RECURSIVE))
}

const SYNCHRONOUS: MountFlags = MountFlags(libc::MS_SYNCHRONOUS);
const MANDLOCK: MountFlags = MountFlags(libc::MS_MANDLOCK);
const DIRSYNC: MountFlags = MountFlags(libc::MS_DIRSYNC);
const I_VERSION: MountFlags = MountFlags(libc::MS_I_VERSION);
const LAZYTIME: MountFlags = MountFlags(libc::MS_LAZYTIME);
const SILENT: MountFlags = MountFlags(libc::MS_SILENT);

/// Sorted by name.
const TABLE: &[(&str, Effect)] = {
    use Effect::*;
    &[
        ("async", Clear(SYNCHRONOUS)),
        ("atime", Clear(MountFlags::NOATIME)),
        ("bind", Set(MountFlags::BIND)),
        ("defaults", Nothing),
        ("dev", Clear(MountFlags::NODEV)),
        ("diratime", Clear(MountFlags::NODIRATIME)),
        ("dirsync", Set(DIRSYNC)),
        ("exec", Clear(MountFlags::NOEXEC)),
        ("idmap", MapIds { recursive: false }),
        ("iversion", Set(I_VERSION)),
        ("lazytime", Set(LAZYTIME)),
        ("loud", Clear(SILENT)),
        ("mand", Set(MANDLOCK)),
        ("noatime", Set(MountFlags::NOATIME)),
        ("nodev", Set(MountFlags::NODEV)),
        ("nodiratime", Set(MountFlags::NODIRATIME)),
        ("noexec", Set(MountFlags::NOEXEC)),
        ("noiversion", Clear(I_VERSION)),
        ("nolazytime", Clear(LAZYTIME)),
        ("nomand", Clear(MANDLOCK)),
        ("norelatime", Clear(MountFlags::RELATIME)),
        ("nostrictatime", Clear(MountFlags::STRICTATIME)),
        ("nosuid", Set(MountFlags::NOSUID)),
        ("nosymfollow", Set(MountFlags::NOSYMFOLLOW)),
        ("private", Propagate(MountFlags::PRIVATE)),
        ("ratime", ClearBelow(MountFlags::NOATIME)),
        ("rbind", Set(MountFlags::BIND.and(MountFlags::RECURSIVE))),
        ("rdev", ClearBelow(MountFlags::NODEV)),
        ("rdiratime", ClearBelow(MountFlags::NODIRATIME)),
        ("relatime", Set(MountFlags::RELATIME)),
        ("remount", Set(MountFlags::REMOUNT)),
        ("rexec", ClearBelow(MountFlags::NOEXEC)),
        ("ridmap", MapIds { recursive: true }),
        ("rnoatime", SetBelow(MountFlags::NOATIME)),
        ("rnodev", SetBelow(MountFlags::NODEV)),
        ("rnodiratime", SetBelow(MountFlags::NODIRATIME)),
        ("rnoexec", SetBelow(MountFlags::NOEXEC)),
        ("rnorelatime", ClearBelow(MountFlags::RELATIME)),
        ("rnostrictatime", ClearBelow(MountFlags::STRICTATIME)),
        ("rnosuid", SetBelow(MountFlags::NOSUID)),
        ("rnosymfollow", SetBelow(MountFlags::NOSYMFOLLOW)),
        ("ro", Set(MountFlags::READONLY)),
        ("rprivate", recursive(MountFlags::PRIVATE)),
        ("rrelatime", SetBelow(MountFlags::RELATIME)),
        ("rro", SetBelow(MountFlags::READONLY)),
        ("rrw", ClearBelow(MountFlags::READONLY)),
        ("rshared", recursive(MountFlags::SHARED)),
        ("rslave", recursive(MountFlags::SLAVE)),
        ("rstrictatime", SetBelow(MountFlags::STRICTATIME)),
        ("rsuid", ClearBelow(MountFlags::NOSUID)),
        ("rsymfollow", ClearBelow(MountFlags::NOSYMFOLLOW)),
        ("runbindable", recursive(MountFlags::UNBINDABLE)),
        ("rw", Clear(MountFlags::READONLY)),
        ("shared", Propagate(MountFlags::SHARED)),
        ("silent", Set(SILENT)),
        ("slave", Propagate(MountFlags::SLAVE)),
        ("strictatime", Set(MountFlags::STRICTATIME)),
        ("suid", Clear(MountFlags::NOSUID)),
        ("symfollow", Clear(MountFlags::NOSYMFOLLOW)),
        ("sync", Set(SYNCHRONOUS)),
        ("tmpcopyup", CopyUp),
        ("unbindable", Propagate(MountFlags::UNBINDABLE)),
    ]
};

/// The options of mounts that are known, for `features`; sorted.
pub fn known() -> impl Iterator<Item = &'static str> {
    TABLE.iter().map(|(name, _)| *name)
}

/// What the options of one mount ask for, together.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// The flags of mount(2), the last word of each counting.
    pub flags: FlagChange,
    pub below: FlagChange,
    pub propagation: Vec<MountFlags>,
    pub copies: bool,
    /// Whether the ids of its files are mapped, and those of what is mounted below it.
    pub maps_ids: Option<bool>,
    /// The other options, which are its file system's, with commas.
    pub data: Vec<u8>,
}

impl Options {
    pub fn of(options: &[CString]) -> Self {
        let mut all = Self::default();
        for option in options {
            match effect(option) {
                Some(effect) => all.add(effect),
                None => {
                    if !all.data.is_empty() {
                        all.data.push(b',');
                    }
                    all.data.extend(option.to_bytes());
                }
            }
        }
        all
    }

    fn add(&mut self, effect: Effect) {
        let set = |change: &mut FlagChange, flags: MountFlags| {
            change.set = change.set.and(flags);
            change.clear = change.clear.without(flags);
        };
        let clear = |change: &mut FlagChange, flags: MountFlags| {
            change.clear = change.clear.and(flags);
            change.set = change.set.without(flags);
        };
        match effect {
            Effect::Nothing => {}
            Effect::Set(flags) => set(&mut self.flags, flags),
            Effect::Clear(flags) => clear(&mut self.flags, flags),
            Effect::SetBelow(flags) => set(&mut self.below, flags),
            Effect::ClearBelow(flags) => clear(&mut self.below, flags),
            Effect::Propagate(flags) => self.propagation.push(flags),
            Effect::CopyUp => self.copies = true,
            Effect::MapIds { recursive } => self.maps_ids = Some(recursive),
        }
    }
}

fn effect(option: &CStr) -> Option<Effect> {
    let name = option.to_str().ok()?;
    let found = TABLE.binary_search_by_key(&name, |(name, _)| name).ok()?;
    TABLE.get(found).map(|(_, effect)| *effect)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(words: &str) -> Options {
        let words = words.split(' ').map(|word| CString::new(word).unwrap());
        Options::of(&words.collect::<Vec<_>>())
    }

    #[test]
    fn the_table_is_sorted_and_found() {
        assert!(TABLE.windows(2).all(|pair| pair[0].0 < pair[1].0));
        for name in known() {
            assert!(options(name).data.is_empty(), "{name}");
        }
    }

    #[test]
    fn the_last_word_counts() {
        let all = options("nosuid ro rw noexec exec rbind dev mode=755 size=64k");
        assert_eq!(
            all.flags.set,
            MountFlags::NOSUID
                .and(MountFlags::BIND)
                .and(MountFlags::RECURSIVE)
        );
        assert_eq!(
            all.flags.clear,
            MountFlags::READONLY
                .and(MountFlags::NOEXEC)
                .and(MountFlags::NODEV)
        );
        assert_eq!(all.data, b"mode=755,size=64k");
        let all = options("rslave rshared rro rnosuid rsuid tmpcopyup ridmap idmap");
        let both = [MountFlags::SLAVE, MountFlags::SHARED];
        assert_eq!(
            all.propagation,
            both.map(|one| one.and(MountFlags::RECURSIVE))
        );
        assert_eq!(all.below.set, MountFlags::READONLY);
        assert_eq!(all.below.clear, MountFlags::NOSUID);
        assert_eq!((all.copies, all.maps_ids), (true, Some(false)));
    }
}
