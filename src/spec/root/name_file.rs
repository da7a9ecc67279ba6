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
