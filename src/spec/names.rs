//! What a container is called.

/// The longest name sethostname(2) takes (`__NEW_UTS_LEN`).
const LONGEST: usize = 64;

/// A host name, or a NIS domain name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostName(Vec<u8>);

impl HostName {
    /// `None`: 1 to 64 of A-Z, a-z, 0-9, '_', '.' and '-' it is not. The kernel would take anything; nothing else is a line
    /// of /etc/hosts by itself.
    pub fn new(name: &[u8]) -> Option<Self> {
        is_host_name(name, LONGEST).then(|| Self(name.to_vec()))
    }

    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Whether it is a host name of at most so many bytes: what is one ends no line and no word of /etc/hosts.
pub fn is_host_name(name: &[u8], longest: usize) -> bool {
    let is_usual = |byte: &u8| byte.is_ascii_alphanumeric() || b"_.-".contains(byte);
    (1..=longest).contains(&name.len()) && name.iter().all(is_usual)
}
