//! The architectures whose calls a filter tells apart.
//!
//! A 64-bit kernel may run 32-bit programs too, and a 64-bit program can make their calls (on x86 by `int 0x80`). Such calls
//! have numbers of their own, and the kernel looks at the lower half of each argument alone.

use crate::sys::{PROCESSOR, Processor};

/// How many places a table of calls has: more than there are numbers, of any of these architectures.
pub const NUMBERS: usize = 512;

/// One kind of programs (asm/seccomp.h).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Architecture {
    X86_64,
    X86,
    Aarch64,
    Arm,
    Riscv64,
}

/// The programs that one kernel runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Family {
    /// What mydocker is built for.
    pub native: Architecture,
    /// The architecture of 32-bit programs, where rules are made for them. Elsewhere their calls do not exist.
    pub compat: Option<Architecture>,
}

/// The programs of this build's kernel.
pub const HERE: Family = Family::of(PROCESSOR);

impl Family {
    pub const fn of(processor: Processor) -> Self {
        match processor {
            Processor::X86_64 => Self {
                native: Architecture::X86_64,
                compat: Some(Architecture::X86),
            },
            Processor::Aarch64 => Self {
                native: Architecture::Aarch64,
                compat: Some(Architecture::Arm),
            },
            Processor::Riscv64 => Self {
                native: Architecture::Riscv64,
                compat: None,
            },
        }
    }
}

/// The numbers of calls that only ARM has begin here, far from all others, and so there are few enough to stand at a
/// table's end (arch/arm/include/uapi/asm/unistd.h).
const ARM_NUMBERS: u32 = 0x0f_0000;
pub const ARM_PLACE: usize = NUMBERS - 16;
const ARM_CALLS: [&str; 7] = [
    "",
    "breakpoint",
    "cacheflush",
    "usr26",
    "usr32",
    "set_tls",
    "get_tls",
];

/// The name that a table of the crate's has for a number.
macro_rules! name {
    ($table:ident, $place:expr) => {
        match ::syscalls::$table::Sysno::new($place) {
            Some(call) => call.name(),
            None => "",
        }
    };
}

impl Architecture {
    /// As the kernel tells a filter (linux/audit.h).
    pub const fn audit(self) -> u32 {
        match self {
            Self::X86_64 => 0xc000_003e,
            Self::X86 => 0x4000_0003,
            Self::Aarch64 => 0xc000_00b7,
            Self::Arm => 0x4000_0028,
            Self::Riscv64 => 0xc000_00f3,
        }
    }

    /// As libseccomp calls it, and so profiles.
    pub const fn profile_name(self) -> &'static str {
        match self {
            Self::X86_64 => "SCMP_ARCH_X86_64",
            Self::X86 => "SCMP_ARCH_X86",
            Self::Aarch64 => "SCMP_ARCH_AARCH64",
            Self::Arm => "SCMP_ARCH_ARM",
            Self::Riscv64 => "SCMP_ARCH_RISCV64",
        }
    }

    /// As Go calls it, and so docker.
    pub const fn docker_name(self) -> &'static str {
        match self {
            Self::X86_64 => "amd64",
            Self::X86 => "386",
            Self::Aarch64 => "arm64",
            Self::Arm => "arm",
            Self::Riscv64 => "riscv64",
        }
    }

    /// Whether the kernel takes 32 bits of each argument.
    pub const fn is_of_32_bits(self) -> bool {
        matches!(self, Self::X86 | Self::Arm)
    }

    /// Whether the kernel has calls with 32-bit pointers beside its own, under the same name: x32.
    pub const fn has_x32(self) -> bool {
        matches!(self, Self::X86_64)
    }

    /// The number that stands at a place of a table.
    pub const fn number(self, place: usize) -> u32 {
        if matches!(self, Self::Arm) && place >= ARM_PLACE {
            ARM_NUMBERS + (place - ARM_PLACE) as u32
        } else {
            place as u32
        }
    }

    /// Whether it is the place of a call that only ARM has: such numbers do not count on from the others.
    pub const fn is_arm_alone(self, place: usize) -> bool {
        matches!(self, Self::Arm) && place > ARM_PLACE && place < ARM_PLACE + ARM_CALLS.len()
    }

    /// What the call at a place of a table is called; empty if there is none.
    pub const fn name(self, place: usize) -> &'static str {
        if self.is_arm_alone(place) {
            return ARM_CALLS[place - ARM_PLACE];
        }
        match (self, place) {
            // On 64-bit machines these numbers are no one's, though lists that were made from the kernel's have them.
            (Self::X86_64 | Self::Aarch64 | Self::Riscv64, 403..=423) => "",
            // As everyone but that list calls it.
            (Self::Aarch64, 79) => "newfstatat",
            // (It is a word of Rust's, and so the list has it with a mark.)
            (Self::X86, 17) => "break",
            (Self::X86_64, _) => name!(x86_64, place),
            (Self::X86, _) => name!(x86, place),
            (Self::Aarch64, _) => name!(aarch64, place),
            (Self::Arm, _) => name!(arm, place),
            (Self::Riscv64, _) => name!(riscv64, place),
        }
    }
}
