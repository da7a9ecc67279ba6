//! The plan and its steps.

use super::table::{Unread, Wire, table};
#[cfg(feature = "oci")]
use crate::plan::hook::{HookMoment, HookPlan};
use crate::plan::{ExecPlan, FilterWith, Gate, InitPlan, Prepared, Reaper, Step};

table! { struct InitPlan {
    forerunner, birth, container, reaper, enters, process, command, premounted, timed, tells_status,
} }
table! { struct ExecPlan { searched, candidates, arguments, environment } }
table! { struct FilterWith { instructions, flags, listens } }
table! { enum Reaper { 0 => FirstProcess, 1 => Keeper } }
table! { enum Gate { 0 => IdsMapped, 1 => ReaperReady, 2 => Runtime, 3 => Recorded, 4 => Start, 5 => Listener, 6 => Job } }

// A step that goes leaves its number free. What is new takes the lowest that is.
table! { enum Step {
    0 => DenySetgroups,
    1 => MapUser(line),
    2 => MapGroup(line),
    3 => MakeMountsPrivate,
    4 => MountKernelFs(mount),
    5 => Hostname(name),
    6 => LoopbackUp,
    7 => NewSession,
    8 => ControllingTerminal,
    9 => StandardTerminal,
    10 => StandardStreams(prepared),
    11 => Umask(mask),
    12 => Groups(groups),
    13 => Group(group),
    14 => User(user),
    15 => WorkingDirectory(path),
    16 => NoNewPrivileges,
    17 => DefaultSignals(ignored),
    18 => CloseDescriptors,
    19 => DeathSignal,
    20 => KeepCapabilities,
    21 => BoundingSet(kept),
    22 => NetworkFromPool,
    23 => Root(step),
    24 => JoinCgroup { slot, path },
    25 => CgroupNamespace,
    26 => OomScoreAdjustment(number),
    27 => ResourceLimit(limit),
    28 => KeepCapabilitiesOfUser,
    29 => Capabilities { held, required, ambient },
    30 => Filter(instructions),
    31 => SessionKeyring,
    32 => UsualPersonality,
    33 => Await(gate),
    34 => NotDumpable,
    36 => GivePipes { which, user },
    37 => ConfirmProcessors(set),
    38 => ConfirmMemoryNodes(set),
    39 => OpenNetwork(groups),
    40 => DomainName(name),
    41 => Sysctl { path, value },
    35 => JoinNamespace { namespace, slot, name },
    42 => Enter(namespaces),
    43 => ChangeRoot,
    44 => CloseAllButTerminal(first),
    45 => OpenDevices(own),
    46 => CloseDescriptorsFrom(first),
    47 => OutliveParent,
    #[cfg(feature = "oci")]
    48 => Process(step),
    #[cfg(feature = "oci")]
    49 => RunHook(hook),
    50 => FilterWith(filter),
    51 => NetworkBeside,
} }
table! { enum Prepared { 0 => HostsNull, 1 => Pipe } }
#[cfg(feature = "oci")]
table! { struct HookPlan { moment, number, path, arguments, environment, timeout } }
#[cfg(feature = "oci")]
table! { enum HookMoment { 0 => CreateContainer, 1 => StartContainer } }
