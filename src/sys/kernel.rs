//! Which kernel this is.

use super::descriptor;
use std::ffi::CStr;
use std::mem::MaybeUninit;
use std::os::fd::AsFd;
use syscalls::{Sysno, syscall};

/// The first two numbers of its release, uname(2): Linux 6.1 is (6, 1). What cannot be understood is as old as can be.
pub fn version() -> (u32, u32) {
    release().unwrap_or_default()
}

/// The domain name of the UTS namespace that this process is in, uname(2), with what is behind it in the kernel's own field of 65 bytes.
pub fn domain_name() -> [u8; 65] {
    const LENGTH: usize = 65; // __NEW_UTS_LEN + 1
    let mut names = MaybeUninit::<[[u8; LENGTH]; 6]>::zeroed();
    // SAFETY: the kernel writes six names of that length (`struct new_utsname`). It cannot fail otherwise.
    let _ = unsafe { syscall!(Sysno::uname, names.as_mut_ptr()) };
    // SAFETY: all-zero bytes were valid before, and whatever the kernel has filled in is.
    let [.., domain_name] = unsafe { names.assume_init() };
    domain_name
}

fn release() -> Option<(u32, u32)> {
    let mut names = MaybeUninit::<libc::utsname>::zeroed();
    // SAFETY: the kernel writes one `utsname`, which is libc's on x86_64 and arm64.
    unsafe { syscall!(Sysno::uname, names.as_mut_ptr()) }.ok()?;
    // SAFETY: all-zero bytes are a valid `utsname`, which is arrays of characters.
    let names = unsafe { names.assume_init() };
    // SAFETY: the kernel ends the string.
    let release = unsafe { CStr::from_ptr(names.release.as_ptr()) };
    first_two(release.to_bytes())
}

fn first_two(release: &[u8]) -> Option<(u32, u32)> {
    let mut numbers = release.split(|byte| !byte.is_ascii_digit());
    let mut number = || std::str::from_utf8(numbers.next()?).ok()?.parse().ok();
    Some((number()?, number()?))
}

/// Which run of the kernel this is: another one after each boot. `None` without a /proc.
#[cold]
#[inline(never)]
pub fn boot() -> Option<String> {
    let path = c"/proc/sys/kernel/random/boot_id";
    let file = descriptor::open(path, libc::O_RDONLY, 0).ok()?;
    let mut text = [0; 64];
    let count = descriptor::read(file.as_fd(), &mut text).ok()?;
    let text = std::str::from_utf8(text.get(..count)?).ok()?.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::first_two;

    #[test]
    fn releases() {
        for (release, expected) in [
            ("6.18.44-cloud", Some((6, 18))),
            ("4.8.0", Some((4, 8))),
            ("4.4.0", Some((4, 4))),
            ("2.6.78", Some((2, 6))),
            ("10.0-rc1", Some((10, 0))),
            ("new", None),
            ("", None),
        ] {
            assert_eq!(first_two(release.as_bytes()), expected, "{release}");
        }
    }
}
