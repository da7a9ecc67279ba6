//! Why wishes cannot be granted.

use super::{Namespace, RootConflict, UnknownId};
use crate::field::Field;

/// Why a specification is refused. A front end says it in its own words: those of its options, or of its fields.
#[derive(Debug, PartialEq, Eq)]
pub enum Conflict {
    /// Supplementary groups are insisted on, in a user namespace that has one id.
    GroupsOfOneId,
    /// CAP_SYS_ADMIN, in a container whose mounts come from outside: they are not locked, so it could allow again what they
    /// forbid.
    AdministratorOfHandedMounts,
    /// The root was checked for another [`Mounter`](super::Mounter) than this caller and user namespace make.
    RootOfAnotherMounter,
    /// A root of its own, in a mount namespace that is not: its mounts would be others' as well.
    RootOfOtherMounts,
    /// A host name, in the host's UTS namespace.
    NameOfHost,
    /// A NIS domain name, in the host's UTS namespace.
    DomainNameOfHost,
    /// Options of a proc, in the host's PID namespace: on some kernels the host's proc would change with it.
    ProcOptionsOfHost,
    /// A setting of a namespace that is not the container's own.
    SysctlOfHost {
        /// Which of the settings, in their order.
        number: usize,
        namespace: Namespace,
    },
    /// A network namespace that is joined, from a user namespace of the container's own.
    JoinedNetworkOfOthers,
    /// A network namespace is joined by an ordinary user, whose container is in a user namespace of one id.
    NetworkJoinedByOneId,
    /// The working directory is no absolute path.
    RelativeWorkingDirectory,
    /// The command is to be someone whom the container's user namespace does not know.
    UnknownId(UnknownId),
    Root(RootConflict),
    /// The kernel takes no such value.
    LimitOutOfRange(Field),
    /// Swap is limited, and memory is not.
    SwapWithoutMemory,
    /// Memory and swap together are limited to less than memory is.
    MemoryAndSwapBelowMemory,
    /// More memory is reserved than may be used.
    ReservationAboveMemory,
}
