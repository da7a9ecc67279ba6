//! The steps of a process that an engine asks for.

use super::table::{Unread, Wire, table};
use crate::plan::process::{JoinOf, ProcessStep};
use crate::sys::capability::Sets;
use crate::sys::keyring::Permissions;
use crate::sys::scheduler::Scheduling;

table! { enum ProcessStep {
    0 => Processors(set),
    1 => TimeNamespace(offsets),
    2 => JoinNamespaces(all),
    3 => Keyring { name, permissions },
    4 => Personality(number),
    5 => Scheduling(scheduling),
    6 => IoPriority { class, level },
    7 => CapabilitySets(sets),
    8 => EnterDirectory(path),
    9 => EnterDirectoryAsUser(path),
    10 => GiveStandard { user, is_terminal },
    11 => Label { attribute, value },
    12 => FindHome(user),
    13 => FindCommand,
    14 => Groups(groups),
    15 => AllProcessors,
    16 => EndWhenAsked,
} }
table! { struct JoinOf { namespace, slot, name } }
table! { struct Permissions(bits) }
table! { struct Scheduling { policy, flags, nice, priority, runtime, deadline, period } }
table! { struct Sets { permitted, effective, inheritable, ambient } }
