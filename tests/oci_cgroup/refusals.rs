//! What is refused, and who goes without cgroups.

use super::*;

#[test]
fn what_cannot_be_is_refused() {
    each_of_root(|bundle| {
        let linux = json!({"cgroupsPath": bundle.path});
        bundle.configure("sleep 1000", &linux);
        bundle.run();
        // The path of a container that lives.
        let Some(other) = Bundle::new(bundle.case) else {
            return;
        };
        other.configure("true", &linux);
        let (code, said) = other.run_with(&[]);
        assert_eq!(code, Some(1), "{said}");
        assert!(
            said.contains("container's cgroup is not empty: 1 process(es) found"),
            "{said}"
        );
        assert_eq!(bundle.status(), "running");
        bundle.does(&["delete", "--force", "x"]);
        bundle.configure("true", &json!({"cgroupsPath": "a.slice:b"}));
        let (_, said) = bundle.run_with(&["--systemd-cgroup"]);
        assert!(said.contains("slice:prefix:name"), "{said}");
        let wrong = json!({"cpu": {"cpus": "4000"}, "pids": {"limit": 5}});
        bundle.configure(
            "true",
            &json!({"cgroupsPath": bundle.path, "resources": wrong}),
        );
        let (code, said) = bundle.run_with(&[]);
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains("cpuset.cpus"), "{said}");
        assert!(bundle.all().is_empty(), "{:?}", bundle.all());
        bundle.refuses(&["state", "x"]);
        // One that could be made, and neither named nor removed.
        let deep = format!("{}{}", bundle.path, "/a".repeat(2100));
        bundle.configure("true", &json!({"cgroupsPath": deep}));
        let (code, said) = bundle.run_with(&[]);
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains("(ENAMETOOLONG)"), "{said}");
        assert!(bundle.all().is_empty(), "{:?}", bundle.all());
    });
}

#[test]
fn what_no_controller_has_is_refused() {
    // v2 has no shares and no swappiness that could be wrong.
    if !std::path::Path::new("/sys/fs/cgroup/memory").exists() {
        return;
    }
    each_of_root(|bundle| {
        for (resources, expected) in [
            (
                json!({"memory": {"swappiness": 101}}),
                "invalid memory swappiness value: 101",
            ),
            (json!({"cpu": {"shares": 1}}), "cpu-shares is 2"),
            (
                json!({"rdma": {"mlx5_1": {"hcaHandles": 3}}}),
                "linux.resources.rdma: mydocker does not have it",
            ),
            (
                json!({"blockIO": {"throttleReadBpsDevice": [{"major": 999, "minor": 1, "rate": 10}]}}),
                "999:1",
            ),
            (
                json!({"hugepageLimits": [{"pageSize": "2XB", "limit": 1}]}),
                "linux.resources.hugepageLimits[0].pageSize: 2XB",
            ),
        ] {
            let linux = json!({"cgroupsPath": bundle.path, "resources": resources});
            bundle.configure("true", &linux);
            let (code, said) = bundle.run_with(&[]);
            assert_eq!(code, Some(1), "{said}");
            assert!(said.contains(expected), "{expected}: {said}");
            assert_eq!(said.lines().count(), 1, "{said}");
            assert!(bundle.all().is_empty(), "{:?}", bundle.all());
        }
    });
}

#[test]
fn without_a_manager_there_are_none() {
    for case in root_cases() {
        let Some(bundle) = Bundle::new(case) else {
            return;
        };
        bundle.configure("sleep 1000", &json!({"cgroupsPath": bundle.path}));
        let (code, said) = bundle.run_with(&["--cgroup-manager", "disabled"]);
        assert_eq!(code, Some(0), "{said}");
        assert!(bundle.all().is_empty());
        assert!(!bundle.cgroups().contains(&bundle.path));
        let said = bundle.refuses(&["pause", "x"]);
        assert!(said.contains("cgroups not configured"), "{said}");
        let said = bundle.refuses(&["update", "--pids-limit", "5", "x"]);
        assert!(said.contains("cannot set pids limit"), "{said}");
    }
}

#[test]
fn who_may_make_none_goes_without_unless_some_are_asked_for() {
    for case in ordinary_cases() {
        let Some(bundle) = Bundle::new(case) else {
            return;
        };
        bundle.configure("sleep 1000", &json!({}));
        let (code, said) = bundle.run_with(&[]);
        assert_eq!(code, Some(0), "{case}: {said}");
        bundle.does(&["delete", "--force", "x"]);
        for (linux, words) in [
            (
                json!({"resources": {"pids": {"limit": 5}}}),
                &["cannot set pids limit", "rootless needs no limits"][..],
            ),
            (
                json!({"cgroupsPath": bundle.path}),
                &["unable to apply cgroup configuration"],
            ),
        ] {
            bundle.configure("true", &linux);
            let (code, said) = bundle.run_with(&[]);
            assert_eq!(code, Some(1), "{case}: {said}");
            assert!(
                words.iter().any(|words| said.contains(words)),
                "{case}: {said}"
            );
        }
    }
}
