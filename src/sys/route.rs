//! Network devices and their addresses, by rtnetlink(7) and netdevice(7).

use super::{Errno, descriptor};
use std::ffi::CStr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use syscalls::{Sysno, syscall};

/// A socket that tells of the devices of the network namespace that it was made in, and changes them.
pub struct Devices {
    netlink: OwnedFd,
    /// For the calls of netdevice(7).
    datagrams: OwnedFd,
}

/// An address of a device, with what is told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    family: u8,
    prefix: u8,
    scope: u8,
    flags: u32,
    /// The attributes that tell the address itself: kind and content.
    parts: Vec<(u16, Vec<u8>)>,
}

impl Address {
    /// Whether it is to stay (IFA_F_PERMANENT), and is known everywhere (RT_SCOPE_UNIVERSE).
    pub fn is_permanent_and_global(&self) -> bool {
        const PERMANENT: u32 = 0x80;
        self.flags & PERMANENT != 0 && self.scope == 0
    }
}

// linux/rtnetlink.h, linux/netlink.h, linux/if_link.h, linux/if_addr.h
const NEW_LINK: u16 = 16;
const NEW_ADDRESS: u16 = 20;
const GET_ADDRESS: u16 = 22;
const ERROR: u16 = 2;
const DONE: u16 = 3;
const REQUEST: u16 = 1;
const ACKNOWLEDGE: u16 = 4;
const DUMP: u16 = 0x300;
const EXCLUSIVE: u16 = 0x200;
const CREATE: u16 = 0x400;
const LINK_NAME: u16 = 3;
const LINK_NAMESPACE: u16 = 28;
const ADDRESS: u16 = 1;
const LOCAL: u16 = 2;
const BROADCAST: u16 = 4;
const FLAGS: u16 = 8;

/// The head of a message.
const HEAD: usize = 16;
/// A `struct ifaddrmsg`.
const ADDRESS_HEAD: usize = 8;
/// The head of an attribute.
const ATTRIBUTE_HEAD: usize = 4;

impl Devices {
    /// Of the network namespace that this process is in.
    pub fn here() -> Result<Self, Errno> {
        Ok(Self {
            netlink: socket(libc::AF_NETLINK, libc::SOCK_RAW, libc::NETLINK_ROUTE)?,
            // It works where the kernel has no IPv4.
            datagrams: socket(libc::AF_UNIX, libc::SOCK_DGRAM, 0)?,
        })
    }

    /// The number of a device.
    ///
    /// Errors: ENODEV if there is none of this name.
    pub fn index(&self, name: &CStr) -> Result<i32, Errno> {
        let mut request = request_about(name)?;
        self.ioctl(libc::SIOCGIFINDEX as usize, &mut request)?;
        // SAFETY: the kernel has written the number there.
        Ok(unsafe { request.ifr_ifru.ifru_ifindex })
    }

    /// Whether a device is up.
    pub fn is_up(&self, name: &CStr) -> Result<bool, Errno> {
        let flags = self.flags(name)?;
        Ok(i32::from(flags) & libc::IFF_UP != 0)
    }

    fn flags(&self, name: &CStr) -> Result<libc::c_short, Errno> {
        let mut request = request_about(name)?;
        self.ioctl(libc::SIOCGIFFLAGS as usize, &mut request)?;
        // SAFETY: the kernel has written the flags there.
        Ok(unsafe { request.ifr_ifru.ifru_flags })
    }

    /// Sets a device up or down.
    pub fn set_up(&self, name: &CStr, up: bool) -> Result<(), Errno> {
        let bit = libc::IFF_UP as libc::c_short;
        let flags = self.flags(name)?;
        let mut request = request_about(name)?;
        request.ifr_ifru.ifru_flags = if up { flags | bit } else { flags & !bit };
        self.ioctl(libc::SIOCSIFFLAGS as usize, &mut request)
    }

    fn ioctl(&self, what: usize, request: &mut libc::ifreq) -> Result<(), Errno> {
        // SAFETY: these calls read and write one `ifreq`.
        unsafe {
            syscall!(
                Sysno::ioctl,
                self.datagrams.as_raw_fd(),
                what,
                std::ptr::from_mut(request)
            )
        }
        .map(drop)
    }

    /// The addresses of a device.
    pub fn addresses(&self, index: i32) -> Result<Vec<Address>, Errno> {
        let mut found = Vec::new();
        self.ask(GET_ADDRESS, DUMP, &[0; ADDRESS_HEAD], |kind, body| {
            if kind == NEW_ADDRESS
                && let Some((of, address)) = parse_address(body)
                && of == index
            {
                found.push(address);
            }
        })?;
        Ok(found)
    }

    /// Gives a device an address.
    pub fn add_address(&self, index: i32, address: &Address) -> Result<(), Errno> {
        let mut body = vec![address.family, address.prefix, 0, address.scope];
        body.extend(index.to_ne_bytes());
        for (kind, content) in &address.parts {
            attribute(&mut body, *kind, content);
        }
        let flags = ACKNOWLEDGE | CREATE | EXCLUSIVE;
        self.ask(NEW_ADDRESS, flags, &body, |_, _| {})
    }

    /// Moves a device into another network namespace, under another name.
    ///
    /// Errors: EEXIST if there is one of that name already; EINVAL if it may not be moved.
    pub fn move_to(&self, index: i32, to: BorrowedFd<'_>, name: &CStr) -> Result<(), Errno> {
        // A `struct ifinfomsg`: family, type, index, flags and which of them change.
        let mut body = vec![0; 4];
        body.extend(index.to_ne_bytes());
        body.extend([0; 8]);
        attribute(&mut body, LINK_NAME, name.to_bytes_with_nul());
        attribute(&mut body, LINK_NAMESPACE, &to.as_raw_fd().to_ne_bytes());
        self.ask(NEW_LINK, ACKNOWLEDGE, &body, |_, _| {})
    }

    /// Sends a request and hands each message of the answer to `take`, its kind and what follows its head.
    fn ask(
        &self,
        kind: u16,
        flags: u16,
        body: &[u8],
        mut take: impl FnMut(u16, &[u8]),
    ) -> Result<(), Errno> {
        let length = u32::try_from(HEAD + body.len()).map_err(|_| Errno::EMSGSIZE)?;
        let mut message = Vec::with_capacity(HEAD + body.len());
        message.extend(length.to_ne_bytes());
        message.extend(kind.to_ne_bytes());
        message.extend((flags | REQUEST).to_ne_bytes());
        // A number, and whose socket it is: the kernel knows.
        message.extend([0; 8]);
        message.extend(body);
        descriptor::write_all(self.netlink.as_fd(), &message)?;
        let mut buffer = vec![0; 1 << 16];
        loop {
            let count = match descriptor::read(self.netlink.as_fd(), &mut buffer) {
                Err(Errno::EINTR) => continue,
                count => count?,
            };
            let mut rest = buffer.get(..count).unwrap_or_default();
            while rest.len() >= HEAD {
                let length = number(rest, 0) as usize;
                let (kind, body) = match rest.get(HEAD..length) {
                    Some(body) => (number(rest, 4) as u16, body),
                    None => return Err(Errno::EBADMSG),
                };
                match kind {
                    DONE => return Ok(()),
                    // An errno, negative, or 0.
                    ERROR => {
                        return match number(body, 0) as i32 {
                            0 => Ok(()),
                            errno => Err(Errno::new(-errno)),
                        };
                    }
                    kind => take(kind, body),
                }
                rest = rest.get(aligned(length)..).unwrap_or_default();
            }
        }
    }
}

fn socket(family: i32, kind: i32, protocol: i32) -> Result<OwnedFd, Errno> {
    // SAFETY: no pointers; a new descriptor or an errno comes back.
    let socket = unsafe { syscall!(Sysno::socket, family, kind | libc::SOCK_CLOEXEC, protocol) }?;
    Ok(descriptor::owned(socket as i32))
}

fn request_about(name: &CStr) -> Result<libc::ifreq, Errno> {
    // SAFETY: all-zero bytes are a valid `ifreq`: integers, character arrays and null pointers.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    let bytes = name.to_bytes_with_nul();
    if bytes.len() > request.ifr_name.len() {
        return Err(Errno::ENODEV);
    }
    for (to, from) in request.ifr_name.iter_mut().zip(bytes) {
        *to = *from as libc::c_char;
    }
    Ok(request)
}

fn attribute(body: &mut Vec<u8>, kind: u16, content: &[u8]) {
    let length = ATTRIBUTE_HEAD + content.len();
    body.extend((length as u16).to_ne_bytes());
    body.extend(kind.to_ne_bytes());
    body.extend(content);
    body.resize(aligned(body.len()), 0);
}

const fn aligned(length: usize) -> usize {
    (length + 3) & !3
}

/// Four bytes, as far as they are there.
fn number(bytes: &[u8], at: usize) -> u32 {
    let bytes = bytes
        .get(at..at + 4)
        .and_then(|bytes| bytes.try_into().ok());
    u32::from_ne_bytes(bytes.unwrap_or_default())
}

fn parse_address(body: &[u8]) -> Option<(i32, Address)> {
    let [family, prefix, flags, scope, ..] = *body else {
        return None;
    };
    let mut address = Address {
        family,
        prefix,
        scope,
        flags: flags.into(),
        parts: Vec::new(),
    };
    let mut rest = body.get(ADDRESS_HEAD..)?;
    while rest.len() >= ATTRIBUTE_HEAD {
        let head = number(rest, 0).to_ne_bytes();
        let length = usize::from(u16::from_ne_bytes([head[0], head[1]]));
        let kind = u16::from_ne_bytes([head[2], head[3]]);
        let content = rest.get(ATTRIBUTE_HEAD..length)?;
        match kind {
            ADDRESS | LOCAL | BROADCAST => address.parts.push((kind, content.to_vec())),
            FLAGS => address.flags = number(content, 0),
            _ => {}
        }
        rest = rest.get(aligned(length)..).unwrap_or_default();
    }
    Some((number(body, 4) as i32, address))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loopback_has_a_number_and_an_address() {
        let devices = Devices::here().unwrap();
        let index = devices.index(c"lo").unwrap();
        assert!(index > 0);
        for address in devices.addresses(index).unwrap() {
            assert!(!address.parts.is_empty(), "{address:?}");
            assert!(!address.is_permanent_and_global() || address.scope == 0);
        }
        assert_eq!(devices.index(c"no-such-one"), Err(Errno::ENODEV));
        assert_eq!(
            devices.index(c"a-name-that-is-too-long"),
            Err(Errno::ENODEV)
        );
        assert!(devices.addresses(-1).unwrap().is_empty());
    }
}
