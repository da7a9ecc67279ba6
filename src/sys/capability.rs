//! Capabilities; see capabilities(7).

use super::Errno;
use syscalls::{Sysno, syscall};

/// `_LINUX_CAPABILITY_VERSION_3`: sets of 64 bits, in two halves.
pub(super) const VERSION: u32 = 0x2008_0522;

/// The kernel's `struct __user_cap_header_struct`.
#[repr(C)]
struct Header {
    version: u32,
    /// 0: ourselves.
    pid: i32,
}

/// The kernel's `struct __user_cap_data_struct`: half of each set.
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Half {
    effective: u32,
    permitted: u32,
    inheritable: u32,
}

/// Each capability's number, and the names of them all.
macro_rules! capabilities {
    ($($name:ident = $number:literal)*) => {
        $(pub const $name: u8 = $number;)*

        /// The kernel's names without `CAP_`, each at its number.
        const NAMES: [&str; 41] = [$(stringify!($name)),*];
    };
}

// linux/capability.h
capabilities! {
    CHOWN = 0
    DAC_OVERRIDE = 1
    DAC_READ_SEARCH = 2
    FOWNER = 3
    FSETID = 4
    KILL = 5
    SETGID = 6
    SETUID = 7
    SETPCAP = 8
    LINUX_IMMUTABLE = 9
    NET_BIND_SERVICE = 10
    NET_BROADCAST = 11
    NET_ADMIN = 12
    NET_RAW = 13
    IPC_LOCK = 14
    IPC_OWNER = 15
    SYS_MODULE = 16
    SYS_RAWIO = 17
    SYS_CHROOT = 18
    SYS_PTRACE = 19
    SYS_PACCT = 20
    SYS_ADMIN = 21
    SYS_BOOT = 22
    SYS_NICE = 23
    SYS_RESOURCE = 24
    SYS_TIME = 25
    SYS_TTY_CONFIG = 26
    MKNOD = 27
    LEASE = 28
    AUDIT_WRITE = 29
    AUDIT_CONTROL = 30
    SETFCAP = 31
    MAC_OVERRIDE = 32
    MAC_ADMIN = 33
    SYSLOG = 34
    WAKE_ALARM = 35
    BLOCK_SUSPEND = 36
    AUDIT_READ = 37
    PERFMON = 38
    BPF = 39
    CHECKPOINT_RESTORE = 40
}

/// The number of the capability with this name, in capitals and without `CAP_`.
pub fn number(name: &[u8]) -> Option<u8> {
    let mut names = (0..).zip(NAMES);
    names.find_map(|(number, known)| (known.as_bytes() == name).then_some(number))
}

/// The name of the capability with this number, in capitals and without `CAP_`.
pub fn name(number: u8) -> Option<&'static str> {
    NAMES.get(usize::from(number)).copied()
}

/// A set of capabilities: number n is bit n.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct CapabilitySet(pub u64);

impl CapabilitySet {
    pub const NONE: Self = Self(0);
    /// With those that no kernel has yet.
    pub const ALL: Self = Self(u64::MAX);

    pub const fn with(self, number: u8) -> Self {
        Self(self.0 | 1 << number)
    }

    pub const fn and(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    pub const fn without(self, others: Self) -> Self {
        Self(self.0 & !others.0)
    }

    pub const fn common(self, others: Self) -> Self {
        Self(self.0 & others.0)
    }

    pub const fn contains(self, number: u8) -> bool {
        self.0 >> number & 1 == 1
    }
}

fn get() -> Result<[Half; 2], Errno> {
    let mut header = Header {
        version: VERSION,
        pid: 0,
    };
    let mut sets = [Half::default(); 2];
    // SAFETY: the kernel reads the header (and would write a version that it prefers into it) and
    // writes both halves, which version 3 has.
    unsafe { syscall!(Sysno::capget, &raw mut header, sets.as_mut_ptr()) }?;
    Ok(sets)
}

fn set(sets: &[Half; 2]) -> Result<(), Errno> {
    let mut header = Header {
        version: VERSION,
        pid: 0,
    };
    // SAFETY: the kernel reads the header and both halves, which version 3 has.
    unsafe { syscall!(Sysno::capset, &raw mut header, sets.as_ptr()) }.map(drop)
}

/// Whether the process has any capability. If the kernel does not tell: yes.
pub fn any_permitted() -> bool {
    get().map_or(true, |sets| sets.iter().any(|half| half.permitted != 0))
}

/// What this process may make use of.
pub fn permitted() -> Result<CapabilitySet, Errno> {
    let [low, high] = get()?;
    let set = u64::from(low.permitted) | u64::from(high.permitted) << 32;
    Ok(CapabilitySet(set))
}

/// Whether this process makes use of a capability. If the kernel does not tell: yes.
pub fn is_effective(number: u8) -> bool {
    get().map_or(true, |[low, high]| {
        let set = u64::from(low.effective) | u64::from(high.effective) << 32;
        CapabilitySet(set).contains(number)
    })
}

/// All sets of this process, each for what it is: permitted, effective, inheritable, bounding, ambient.
///
/// Errors: as capget(2).
pub fn all_sets() -> Result<[CapabilitySet; 5], Errno> {
    let [low, high] = get()?;
    let whole = |low: u32, high: u32| CapabilitySet(u64::from(low) | u64::from(high) << 32);
    let inheritable = whole(low.inheritable, high.inheritable);
    let among = |operation: fn(u8) -> Result<usize, Errno>| {
        let has = (0..=LAST).filter(|number| operation(*number) == Ok(1));
        has.fold(CapabilitySet::NONE, CapabilitySet::with)
    };
    Ok([
        whole(low.permitted, high.permitted),
        whole(low.effective, high.effective),
        inheritable,
        among(|number| bounding(libc::PR_CAPBSET_READ, number)),
        match inheritable {
            // What is ambient is inheritable.
            CapabilitySet::NONE => CapabilitySet::NONE,
            _ => among(is_ambient),
        },
    ])
}

/// Whether the bounding set has more than `kept`.
pub fn bounds_more_than(kept: CapabilitySet) -> bool {
    let mut others = (0..=LAST).filter(|number| !kept.contains(*number));
    others.any(|number| bounding(libc::PR_CAPBSET_READ, number) == Ok(1))
}

/// The capabilities that this kernel has.
pub fn known() -> CapabilitySet {
    let mut numbers = (0..=LAST).rev();
    // From the last one down: usually it has them all.
    let last =
        numbers.find(|number| bounding(libc::PR_CAPBSET_READ, *number) != Err(Errno::EINVAL));
    last.map_or(CapabilitySet::NONE, |last| {
        CapabilitySet(u64::MAX >> (63 - last))
    })
}

/// Makes every permitted capability inheritable and ambient: it survives the execve of a program
/// without file capabilities by a user other than 0.
pub fn keep_across_exec() -> Result<(), Errno> {
    let mut sets = get()?;
    for half in &mut sets {
        half.inheritable = half.permitted;
    }
    set(&sets)?;
    for (half, first) in sets.iter().zip([0u8, 32]) {
        for bit in (0..32u8).filter(|bit| half.permitted >> bit & 1 == 1) {
            raise_ambient(first | bit)?;
        }
    }
    Ok(())
}

/// CAP_CHECKPOINT_RESTORE (Linux 5.9), the last capability that there is.
const LAST: u8 = 40;

/// Takes everything but `kept` out of the bounding set.
///
/// Errors: EPERM without CAP_SETPCAP, unless what is to go is gone already.
pub fn bound(kept: CapabilitySet) -> Result<(), Errno> {
    for number in (0..64u8).filter(|number| !kept.contains(*number)) {
        match bounding(libc::PR_CAPBSET_DROP, number) {
            Ok(_) => {}
            // There are no more in this kernel. (An older one has fewer; whether that is why is asked below, for a filter
            // can answer so as well.)
            Err(Errno::EINVAL) if number > LAST => break,
            Err(errno) => match bounding(libc::PR_CAPBSET_READ, number) {
                Ok(0) | Err(Errno::EINVAL) => {}
                _ => return Err(errno),
            },
        }
    }
    Ok(())
}

fn bounding(operation: i32, number: u8) -> Result<usize, Errno> {
    // SAFETY: no pointers.
    unsafe { syscall!(Sysno::prctl, operation, usize::from(number), 0, 0, 0) }
}

/// Lets the permitted set survive a change of the user from 0 to another one.
pub fn keep_across_users() -> Result<(), Errno> {
    // SAFETY: no pointers.
    unsafe { syscall!(Sysno::prctl, libc::PR_SET_KEEPCAPS, 1, 0, 0, 0) }.map(drop)
}

/// Leaves those of `held` that we have, permitted and effective, and if `ambient` so that execve leaves them too;
/// else nothing is inheritable.
///
/// Errors: EPERM if one of `required` is not among them.
pub fn limit(held: CapabilitySet, required: CapabilitySet, ambient: bool) -> Result<(), Errno> {
    let mut left = held;
    if let Err(errno) = set(&halves(left, ambient)) {
        // One that we do not have, or that this kernel does not.
        left = held.common(permitted()?);
        if left.common(required) != required {
            return Err(errno);
        }
        set(&halves(left, ambient))?;
    }
    // (The ambient set cannot hold what is not inheritable: otherwise it is empty now.)
    for number in (0..64u8).filter(|number| ambient && left.contains(*number)) {
        match raise_ambient(number) {
            // There is none of this number; ALL has them all.
            Err(Errno::EINVAL) if !required.contains(number) => {}
            raised => raised?,
        }
    }
    Ok(())
}

/// The sets of a process but for the bounding one, which [`bound`] is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sets {
    pub permitted: CapabilitySet,
    pub effective: CapabilitySet,
    pub inheritable: CapabilitySet,
    pub ambient: CapabilitySet,
}

/// Sets them, capset(2) and PR_CAP_AMBIENT. Of the ambient set what cannot be raised is left out: it gives nothing then.
///
/// Errors: EPERM for what this process does not have.
pub fn set_each(sets: &Sets) -> Result<(), Errno> {
    let half = |shift: u32| {
        let bits = |set: CapabilitySet| (set.0 >> shift) as u32;
        Half {
            effective: bits(sets.effective),
            permitted: bits(sets.permitted),
            inheritable: bits(sets.inheritable),
        }
    };
    set(&[half(0), half(32)])?;
    // What is ambient is inheritable; so what was ambient, and is not inheritable now, is gone.
    for number in 0..=LAST {
        if sets.ambient.contains(number) {
            let _ = raise_ambient(number);
        } else if sets.inheritable.contains(number) {
            lower_ambient(number)?;
        }
    }
    Ok(())
}

fn halves(held: CapabilitySet, inheritable: bool) -> [Half; 2] {
    [held.0 as u32, (held.0 >> 32) as u32].map(|bits| Half {
        effective: bits,
        permitted: bits,
        inheritable: if inheritable { bits } else { 0 },
    })
}

fn is_ambient(number: u8) -> Result<usize, Errno> {
    const IS_SET: i32 = libc::PR_CAP_AMBIENT_IS_SET;
    // SAFETY: no pointers.
    unsafe {
        syscall!(
            Sysno::prctl,
            libc::PR_CAP_AMBIENT,
            IS_SET,
            usize::from(number),
            0,
            0
        )
    }
}

fn raise_ambient(number: u8) -> Result<(), Errno> {
    ambient(libc::PR_CAP_AMBIENT_RAISE, number)
}

fn lower_ambient(number: u8) -> Result<(), Errno> {
    match ambient(libc::PR_CAP_AMBIENT_LOWER, number) {
        // A kernel without them (before 4.3), or with fewer: there are none.
        Err(Errno::EINVAL) => Ok(()),
        done => done,
    }
}

fn ambient(operation: i32, number: u8) -> Result<(), Errno> {
    // SAFETY: no pointers.
    unsafe {
        syscall!(
            Sysno::prctl,
            libc::PR_CAP_AMBIENT,
            operation,
            usize::from(number),
            0,
            0
        )
    }
    .map(drop)
}
