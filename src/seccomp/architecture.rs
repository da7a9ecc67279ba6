//! The architectures whose calls a filter tells apart.
//!
//! A 64-bit kernel runs 32-bit programs too, and a 64-bit program can make their calls (`int 0x80`). Such calls have
//! numbers of their own, and the kernel looks at the lower half of each argument alone.

#[cfg(target_arch = "aarch64")]
use syscalls::arm as compat;
#[cfg(target_arch = "x86_64")]
use syscalls::x86 as compat;

/// How many places a table of calls has: more than there are numbers, of any of these architectures.
pub const NUMBERS: usize = 512;

/// The kernel's words for them (asm/seccomp.h).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Architecture {
    /// What mydocker is built for.
    Native,
    /// That of 32-bit programs.
    Compat,
}

/// The numbers of calls that only ARM has begin here, far from all others, and so there are few enough to stand at a
/// table's end (arch/arm/include/uapi/asm/unistd.h).
const ARM_NUMBERS: u32 = 0x0f_0000;
const ARM_PLACE: usize = NUMBERS - 16;
const ARM_CALLS: [&str; 7] = [
    "",
    "breakpoint",
    "cacheflush",
    "usr26",
    "usr32",
    "set_tls",
    "get_tls",
];

impl Architecture {
    /// As the kernel tells a filter (linux/audit.h).
    pub const fn audit(self) -> u32 {
        let is_arm = cfg!(target_arch = "aarch64");
        match (self, is_arm) {
            (Self::Native, false) => 0xc000_003e,
            (Self::Compat, false) => 0x4000_0003,
            (Self::Native, true) => 0xc000_00b7,
            (Self::Compat, true) => 0x4000_0028,
        }
    }

    /// As libseccomp calls it, and so profiles.
    pub const fn profile_name(self) -> &'static str {
        let is_arm = cfg!(target_arch = "aarch64");
        match (self, is_arm) {
            (Self::Native, false) => "SCMP_ARCH_X86_64",
            (Self::Compat, false) => "SCMP_ARCH_X86",
            (Self::Native, true) => "SCMP_ARCH_AARCH64",
            (Self::Compat, true) => "SCMP_ARCH_ARM",
        }
    }

    /// The number that stands at a place of a table.
    pub const fn number(self, place: usize) -> u32 {
        if self.is_32_bit_arm() && place >= ARM_PLACE {
            ARM_NUMBERS + (place - ARM_PLACE) as u32
        } else {
            place as u32
        }
    }

    /// Whether it is the place of a call that only ARM has: such numbers do not count on from the others.
    pub const fn is_arm_alone(self, place: usize) -> bool {
        self.is_32_bit_arm() && place > ARM_PLACE && place < ARM_PLACE + ARM_CALLS.len()
    }

    const fn is_32_bit_arm(self) -> bool {
        cfg!(target_arch = "aarch64") && matches!(self, Self::Compat)
    }

    /// What the call at a place of a table is called; empty if there is none.
    pub const fn name(self, place: usize) -> &'static str {
        if self.is_arm_alone(place) {
            return ARM_CALLS[place - ARM_PLACE];
        }
        match self {
            // On 64-bit machines these numbers are no one's, though a list that was made from the kernel's has them.
            Self::Native if place >= 403 && place <= 423 => "",
            // As everyone but that list calls it.
            Self::Native if cfg!(target_arch = "aarch64") && place == 79 => "newfstatat",
            Self::Native => match syscalls::Sysno::new(place) {
                Some(call) => call.name(),
                None => "",
            },
            // (It is a word of Rust's, and so the list has it with a mark.)
            Self::Compat if cfg!(target_arch = "x86_64") && place == 17 => "break",
            Self::Compat => match compat::Sysno::new(place) {
                Some(call) => call.name(),
                None => "",
            },
        }
    }
}
