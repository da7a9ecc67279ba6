//! /etc/hostname, /etc/hosts and /etc/resolv.conf, as only this container has them.

/// One of the three files.
#[derive(Debug, PartialEq, Eq)]
pub struct NameFile {
    /// Below /etc.
    pub name: &'static str,
    pub content: Vec<u8>,
    /// What is not obeyed without this file, as messages name it. `None`: a root without it goes without.
    pub asked_by: Option<String>,
    /// Whether the container lacks something without it, so that its caller is told.
    pub is_missed: bool,
}

/// Whether it is a host name of at most so many bytes: what is one ends no line and no word of /etc/hosts.
pub fn is_host_name(name: &[u8], longest: usize) -> bool {
    let is_usual = |byte: &u8| byte.is_ascii_alphanumeric() || b"_.-".contains(byte);
    (1..=longest).contains(&name.len()) && name.iter().all(is_usual)
}
