//! The root's steps.

use super::table::{Unread, Wire, table};
use crate::plan::OwnDevice;
use crate::plan::root::{
    BindMount, BoundMount, Content, Copy, DeviceFile, DeviceNode, EnterHow, EtcFile, FileKind,
    FileSystem, FlagChange, FreshMount, KernelFs, Layers, MountKernelFs, OverlayMount, PlacedLink,
    PlacedMount, RestrictedPaths, Restriction, RootStep, Taken, Way, Without, WorkDirectory,
};

table! { enum RootStep {
    0 => Copy(copy),
    1 => Directory { path, flags, premounted, makes_places },
    2 => Overlay(layers),
    3 => FileSystem(file_system),
    4 => RestrictPaths(paths),
    5 => Stage { flags, data },
    6 => Devices(nodes),
    7 => Links(links),
    8 => Staged(file_system),
    9 => Terminal(settings),
    10 => NameFile(file),
    11 => PlaceStage(target),
    12 => DropStage,
    13 => Bind(bind),
    14 => OverlayMount(mount),
    15 => MakeWorkingDirectory { path, owner },
    16 => ReadOnly,
    17 => Enter,
    18 => LeaveChroot,
    19 => Restrict(all),
    20 => StandardDevices(own),
    21 => LookAtNames(targets),
    22 => Device(node),
    23 => AnotherTerminal(settings),
    24 => EnterAs(how),
    25 => Propagate { path, flags },
    26 => Place(mount),
    27 => DeviceFiles(files),
    28 => PlacedLinks(links),
    29 => Console(settings),
    30 => Freeze(path),
    31 => RestrictFound(paths),
    32 => OwnNull,
    33 => OwnPath(path),
    34 => Alone { path, flags, makes_places },
} }
table! { struct PlacedMount { target, content, below, propagation } }
table! { enum Content { 0 => Fresh(fresh), 1 => Bound(bound), 2 => Remounted(fresh) } }
table! { struct FreshMount { kind, source, data, flags, keeps_mode, copies, instead } }
table! { struct BoundMount { path, recursive, taken, flags, is_proc } }
table! { enum Taken { 0 => Now, 1 => Handed(slot), 2 => Kept(slot), 3 => Inside } }
table! { struct FlagChange { set, clear } }
table! { struct DeviceFile { directory, name, path, kind, mode, owner } }
table! { enum FileKind { 0 => Character(device), 1 => Block(device), 2 => Pipe } }
table! { struct PlacedLink { directory, name, content, replaces } }
table! { enum EnterHow { 0 => Pivot, 1 => Chroot } }
table! { struct Copy { option, path, recursive, slot } }
table! { struct FileSystem { option, target, kind, flags, data, optional } }
table! { struct BindMount {
    option, path, slot, target, recursive, flags, recursive_flags, devices, is_device, optional,
} }
table! { struct DeviceNode { directory, bind } }
table! { struct OverlayMount { option, target, layers } }
table! { struct Layers { data, redirected, flags, like, memory, work, premounted } }
table! { struct WorkDirectory { path, identity } }
table! { struct MountKernelFs { kernel_fs, in_root, user_namespace, way } }
table! { enum Way { 0 => Fresh(fresh), 1 => Bound(hosts), 2 => FreshOrBound(fresh, hosts) } }
table! { enum KernelFs { 0 => Proc, 1 => Sysfs } }
table! { struct Restriction { kernel_fs, directory, masked, read_only } }
table! { struct RestrictedPaths { masked, read_only } }
table! { struct EtcFile { target, content, without, looked_at, read_only } }
table! { enum Without { 0 => Fine, 1 => Told, 2 => Refused(option) } }
table! { enum OwnDevice {
    0 => Null, 1 => Zero, 2 => Full, 3 => Random, 4 => Urandom, 5 => Tty,
} }
