//! The devices of every container.

use crate::sys::device::Device;
use crate::sys::facts::NULL_DEVICE;
use std::ffi::CStr;

/// The devices that every program may expect, and that a /dev of the container's own has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OwnDevice {
    Null,
    Zero,
    Full,
    Random,
    Urandom,
    Tty,
}

impl OwnDevice {
    pub const ALL: [Self; 6] = [
        Self::Null,
        Self::Zero,
        Self::Full,
        Self::Random,
        Self::Urandom,
        Self::Tty,
    ];

    /// The device's name below /dev.
    pub const fn name(self) -> &'static CStr {
        match self {
            Self::Null => c"null",
            Self::Zero => c"zero",
            Self::Full => c"full",
            Self::Random => c"random",
            Self::Urandom => c"urandom",
            Self::Tty => c"tty",
        }
    }

    /// The host's.
    pub const fn path(self) -> &'static CStr {
        match self {
            Self::Null => c"/dev/null",
            Self::Zero => c"/dev/zero",
            Self::Full => c"/dev/full",
            Self::Random => c"/dev/random",
            Self::Urandom => c"/dev/urandom",
            Self::Tty => c"/dev/tty",
        }
    }

    /// As in the kernel's list of devices.
    pub const fn device(self) -> Device {
        let (major, minor) = match self {
            Self::Null => return NULL_DEVICE,
            Self::Zero => (1, 5),
            Self::Full => (1, 7),
            Self::Random => (1, 8),
            Self::Urandom => (1, 9),
            Self::Tty => (5, 0),
        };
        Device { major, minor }
    }

    /// The one with these numbers.
    pub fn of(device: Device) -> Option<Self> {
        Self::ALL.into_iter().find(|own| own.device() == device)
    }
}
