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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::parse;
    use crate::oci::config::{Config, read};
    use crate::sys::capability::CapabilitySet;

    fn config(members: &str) -> Result<Config, String> {
        let text = format!(r#"{{"ociVersion":"1.0.0","root":{{"path":"a"}},{members}}}"#);
        read(text.as_bytes()).map_err(|error| error.to_string())
    }

    fn linux(members: &str) -> Config {
        config(&format!(r#""linux":{{{members}}}"#)).unwrap()
    }

    /// Whether there is a filter of these members.
    fn filter(members: &str) -> bool {
        let config = linux(&format!(r#""seccomp":{{{members}}}"#));
        seccomp::step(&config.linux.seccomp.unwrap()).is_ok()
    }

    fn words(features: &Value, path: &str) -> Vec<String> {
        let found = path.split('.').try_fold(features, |at, name| at.get(name));
        let items = found.unwrap().list().unwrap().iter();
        items.map(|item| item.text().unwrap().to_owned()).collect()
    }

    #[test]
    fn each_claim_is_true() {
        let features = parse(&text()).unwrap();
        for kind in words(&features, "linux.namespaces") {
            let config = linux(&format!(r#""namespaces":[{{"type":"{kind}"}}]"#));
            assert_eq!(config.linux.namespaces.len(), 1, "{kind}");
        }
        for (number, name) in (0..).zip(words(&features, "linux.capabilities")) {
            let process = format!(
                r#""process":{{"cwd":"/","args":["a"],"capabilities":{{"bounding":["{name}"]}}}}"#
            );
            let sets = config(&process).unwrap().process.unwrap().capabilities;
            let only = CapabilitySet::NONE.with(number);
            assert_eq!(sets.unwrap().bounding, only, "{name}");
        }
        for name in words(&features, "hooks") {
            let hooks = format!(r#""hooks":{{"{name}":[{{"path":"/a"}}]}}"#);
            let mut hooks = config(&hooks).unwrap().hooks;
            let (_, moment) = HOOKS.iter().find(|(known, _)| *known == name).unwrap();
            assert_eq!(moment(&mut hooks).len(), 1, "{name}");
        }
        let allow = r#""listenerPath":"/a","defaultAction":"SCMP_ACT_ALLOW""#;
        let rule =
            |members: &str| format!(r#"{allow},"syscalls":[{{"names":["mkdir"],{members}}}]"#);
        for action in words(&features, "linux.seccomp.actions") {
            assert!(
                filter(&rule(&format!(r#""action":"{action}""#))),
                "{action}"
            );
        }
        for operator in words(&features, "linux.seccomp.operators") {
            let argument = format!(r#""args":[{{"index":0,"value":1,"op":"{operator}"}}]"#);
            let rule = rule(&format!(r#""action":"SCMP_ACT_ERRNO",{argument}"#));
            assert!(filter(&rule), "{operator}");
        }
        for name in words(&features, "linux.seccomp.archs") {
            assert!(
                filter(&format!(r#"{allow},"architectures":["{name}"]"#)),
                "{name}"
            );
        }
        let known = words(&features, "linux.seccomp.knownFlags");
        for name in words(&features, "linux.seccomp.supportedFlags") {
            assert!(known.contains(&name), "{name}");
        }
        let notifies = rule(r#""action":"SCMP_ACT_NOTIFY""#);
        let with_flag = |name: &str| filter(&format!(r#"{notifies},"flags":["{name}"]"#));
        assert!(known.iter().all(|name| with_flag(name)), "{known:?}");
        assert!(!with_flag("SECCOMP_FILTER_FLAG_NONE"));
    }

    /// Whether one is enabled says what the runtime is made for, whatever the host has (features-linux.md).
    #[test]
    fn what_it_is_made_for_is_taken_and_the_rest_refused() {
        let features = parse(&text()).unwrap();
        let is = |path: &str| {
            let found = path.split('.').try_fold(&features, |at, name| at.get(name));
            found.unwrap().boolean().unwrap()
        };
        let process =
            r#""process":{"cwd":"/","args":["a"],"apparmorProfile":"b","selinuxLabel":"c"}"#;
        let process = config(process).unwrap().process.unwrap();
        let labels = [process.apparmor_profile, process.selinux_label];
        let enabled = [is("linux.apparmor.enabled"), is("linux.selinux.enabled")];
        assert_eq!(labels.map(|label| label.is_some()), enabled);
        let devices = linux(r#""netDevices":{"eth0":{}}"#).linux.network_devices;
        assert_eq!(!devices.is_empty(), is("linux.netDevices.enabled"));
        let ids = r#"[{"containerID":0,"hostID":7,"size":1}]"#;
        let mount = format!(
            r#""mounts":[{{"destination":"/a","source":"/b","options":["bind","idmap"],"uidMappings":{ids},"gidMappings":{ids}}}]"#
        );
        let mapped = config(&mount).is_ok();
        assert_eq!(mapped, is("linux.mountExtensions.idmap.enabled"));
        for (claim, member) in [
            ("linux.intelRdt.enabled", r#""intelRdt":{"closID":"a"}"#),
            (
                "linux.cgroup.rdma",
                r#""resources":{"rdma":{"a":{"hcaHandles":3}}}"#,
            ),
        ] {
            let taken = config(&format!(r#""linux":{{{member}}}"#)).is_ok();
            assert_eq!(taken, is(claim), "{claim}");
        }
    }
}
