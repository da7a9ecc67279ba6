//! `oci features`: what this runtime can do, collected from the tables that it does it by.

use super::config::{HOOKS, NAMESPACES};
use super::mounts::options;
use super::{seccomp, version};
use crate::json::Value;
use crate::sys::capability;

/// As the specification has it (features.md).
#[cold]
#[inline(never)]
pub fn text() -> String {
    let mut namespaces: Vec<&str> = NAMESPACES.iter().map(|(name, _)| *name).collect();
    namespaces.sort_unstable();
    let capabilities = (0..).map_while(capability::name);
    let capabilities = capabilities.map(|name| format!("CAP_{name}"));
    let filter = seccomp::known();
    let features = object([
        ("ociVersionMin", text_of(version::FIRST_SPECIFICATION)),
        ("ociVersionMax", text_of(version::SPECIFICATION)),
        ("hooks", list(HOOKS.map(|(name, _)| name))),
        ("mountOptions", list(options::known())),
        (
            "linux",
            object([
                ("namespaces", list(namespaces)),
                ("capabilities", list(capabilities)),
                (
                    "cgroup",
                    object([
                        ("v1", Value::Boolean(true)),
                        ("v2", Value::Boolean(true)),
                        // It is not asked for cgroups.
                        ("systemd", Value::Boolean(false)),
                        ("systemdUser", Value::Boolean(false)),
                        ("rdma", Value::Boolean(false)),
                    ]),
                ),
                (
                    "seccomp",
                    object([
                        ("enabled", Value::Boolean(true)),
                        ("actions", list(filter.actions)),
                        ("operators", list(filter.operators)),
                        ("archs", list(filter.architectures)),
                        ("knownFlags", list(filter.flags)),
                        ("supportedFlags", list(filter.supported_flags)),
                    ]),
                ),
                ("apparmor", enabled(true)),
                ("selinux", enabled(true)),
                ("intelRdt", enabled(false)),
                ("mountExtensions", object([("idmap", enabled(true))])),
                ("netDevices", enabled(true)),
            ]),
        ),
        ("potentiallyUnsafeConfigAnnotations", list([""; 0])),
    ]);
    features.indented() + "\n"
}

fn object<const COUNT: usize>(members: [(&str, Value); COUNT]) -> Value {
    let members = members.into_iter();
    Value::Object(
        members
            .map(|(name, value)| (name.to_owned(), value))
            .collect(),
    )
}

fn enabled(is_enabled: bool) -> Value {
    object([("enabled", Value::Boolean(is_enabled))])
}

fn list<T: Into<String>>(items: impl IntoIterator<Item = T>) -> Value {
    let items = items.into_iter();
    Value::List(items.map(|item| Value::Text(item.into())).collect())
}

fn text_of(text: &str) -> Value {
    Value::Text(text.to_owned())
}
