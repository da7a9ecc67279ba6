//! The types of other layers that steps are made of.

#[cfg(test)]
use super::samples::Seed;
use super::table::{Unread, Wire, table};
use crate::spec::limits::{NumberSet, ResourceLimit};
use crate::spec::{Devices, Link, Namespace, Node};
use crate::sys::MountFlags;
use crate::sys::capability::CapabilitySet;
use crate::sys::device::Device;
use crate::sys::process::StringArray;
use crate::sys::seccomp::{FilterFlags, Instruction};
use crate::sys::signal::SignalSet;
use crate::sys::terminal::{Modes, Size};
use crate::terminal_settings::TerminalSettings;
#[cfg(test)]
use std::ffi::CString;

table! { struct MountFlags(bits) }
table! { struct CapabilitySet(bits) }
table! { struct SignalSet(bits) }
table! { struct FilterFlags(flags) }
table! { struct Instruction { code, jump_true, jump_false, value } }
table! { struct ResourceLimit { resource, soft, hard } }
table! { struct TerminalSettings { modes, size, plain_newlines, owner } }
table! { struct Modes { input, output, control, local, line, characters } }
table! { struct Size { rows, columns, width, height } }
table! { struct Node { path, hosts, device, mode } }
table! { struct Device { major, minor } }
table! { struct Link { path, content } }
table! { enum Namespace {
    0 => User, 1 => Mount, 2 => Pid, 3 => Uts, 4 => Ipc, 5 => Network, 6 => Cgroup, 7 => Time,
} }
table! { enum Devices { 0 => All, 1 => Source, 2 => None } }

/// As a list that a person would write.
impl Wire for NumberSet {
    fn encode(&self, out: &mut Vec<u8>) {
        self.to_string().into_bytes().encode(out);
    }

    fn decode(input: &mut Unread<'_>) -> Self {
        Self::new(&<Vec<u8>>::decode(input)).unwrap_or_else(|| {
            input.spoil();
            Self::of(0)
        })
    }

    #[cfg(test)]
    fn samples(seed: &mut Seed) -> Vec<Self> {
        let number = seed.number();
        let texts = [format!("{number}"), format!("0-3,{}", number + 4)];
        let sets = texts.map(|text| Self::new(text.as_bytes()).unwrap());
        sets.into()
    }
}

impl Wire for StringArray {
    fn encode(&self, out: &mut Vec<u8>) {
        super::fields::encode_list(self.strings(), out);
        let room = self.room().map(|(text, kept)| (text.clone(), kept));
        room.encode(out);
    }

    fn decode(input: &mut Unread<'_>) -> Self {
        let strings = Vec::decode(input);
        Self::with_room(strings, Option::decode(input))
    }

    #[cfg(test)]
    fn samples(seed: &mut Seed) -> Vec<Self> {
        let lists = <Vec<CString>>::samples(seed).into_iter();
        let rooms = <Option<(CString, u32)>>::samples(seed).into_iter().cycle();
        let both = lists.zip(rooms);
        both.map(|(list, room)| Self::with_room(list, room))
            .collect()
    }
}
