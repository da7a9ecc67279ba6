//! The part `linux.seccomp` of config.json, with names as written; `oci/seccomp.rs` compiles it.

use std::ffi::CString;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seccomp {
    /// SCMP_ACT_…
    pub default_action: String,
    pub default_errno: Option<u32>,
    /// SCMP_ARCH_…
    pub architectures: Vec<String>,
    /// SECCOMP_FILTER_FLAG_…; `None`: not given.
    pub flags: Option<Vec<String>>,
    pub listener_path: Option<CString>,
    pub listener_metadata: Option<String>,
    pub rules: Vec<SeccompRule>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SeccompRule {
    pub names: Vec<String>,
    pub action: String,
    pub errno: Option<u32>,
    pub conditions: Vec<SeccompCondition>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SeccompCondition {
    /// From 0 to 5.
    pub index: u32,
    pub value: u64,
    pub second: u64,
    /// SCMP_CMP_…
    pub operator: String,
}
