use super::*;
use crate::sys::device::Device;

#[test]
fn the_part_linux() {
    let linux = with_linux(
        r#""namespaces":[{"type":"pid"},{"type":"network","path":"/proc/1/ns/net"},{"type":"time","path":""}],
        "uidMappings":[{"containerID":0,"hostID":1000,"size":1}],"gidMappings":[],
        "timeOffsets":{"monotonic":{"secs":-1,"nanosecs":2},"boottime":{}},
        "devices":[{"path":"/dev/x","type":"u","major":1,"minor":3,"fileMode":8630,"uid":1,"gid":2},
            {"path":"/dev/p","type":"p"}],
        "netDevices":{"eth0":{},"eth1":{"name":"a"}},
        "cgroupsPath":"/a","rootfsPropagation":"rslave","sysctl":{"net.a":"1"},
        "maskedPaths":["/proc/a"],"readonlyPaths":["sys"],"mountLabel":"l",
        "personality":{"domain":"LINUX32","flags":[]},
        "intelRdt":null,"memoryPolicy":{},"resources":null"#,
    );
    let linux = linux.unwrap();
    let namespace = |kind, path: Option<&str>| NamespaceOf {
        kind,
        path: path.map(|path| CString::new(path).unwrap()),
    };
    let namespaces = [
        namespace(NamespaceKind::Pid, None),
        namespace(NamespaceKind::Network, Some("/proc/1/ns/net")),
        namespace(NamespaceKind::Time, None),
    ];
    assert_eq!(linux.namespaces, namespaces);
    let mapping = IdMapping {
        container: 0,
        host: 1000,
        count: 1,
    };
    assert_eq!(linux.user_mappings, [mapping]);
    let offset = |clock: &str, seconds, nanoseconds| TimeOffset {
        clock: clock.into(),
        seconds,
        nanoseconds,
    };
    let offsets = [offset("monotonic", -1, 2), offset("boottime", 0, 0)];
    assert_eq!(linux.time_offsets, offsets);
    let device = DeviceNode {
        path: c"/dev/x".into(),
        kind: DeviceKind::Character,
        device: Device { major: 1, minor: 3 },
        mode: 0o666,
        user: 1,
        group: 2,
    };
    assert_eq!(linux.devices[0], device);
    assert_eq!(linux.devices[1].kind, DeviceKind::Pipe);
    let devices = [("eth0".into(), None), ("eth1".into(), Some("a".into()))];
    assert_eq!(linux.network_devices, devices);
    assert_eq!(linux.cgroups_path.as_deref(), Some("/a"));
    let propagation = Propagation::Slave { recursive: true };
    assert_eq!(linux.root_propagation, Some(propagation));
    assert_eq!(linux.sysctls, [("net.a".into(), b"1".to_vec())]);
    assert_eq!(linux.masked_paths, strings_of(&["/proc/a"]));
    assert_eq!(linux.read_only_paths, strings_of(&["/sys"]));
    assert_eq!(linux.mount_label, Some(c"l".into()));
    assert_eq!(linux.personality, Some(Personality::Linux32));
    assert_eq!(linux.resources, Resources::default());
}

#[test]
fn mistakes_in_the_part_linux() {
    for (more, message) in [
        (
            r#""namespaces":[{"type":"net"}]"#,
            "namespaces[0].type: net: it is none of user, mount, pid, uts, ipc, network, cgroup, time",
        ),
        (
            r#""namespaces":[{"path":"/a"}]"#,
            "namespaces[0].type: it is missing",
        ),
        (
            r#""namespaces":[{"type":"pid","path":"a"}]"#,
            "namespaces[0].path: a: it is to be an absolute path",
        ),
        (
            r#""namespaces":[{"type":"pid"},{"type":"pid"}]"#,
            "namespaces[1].type: there is one of this type before it",
        ),
        (
            r#""timeOffsets":{"realtime":{}}"#,
            "timeOffsets.realtime: realtime: it is none of monotonic, boottime",
        ),
        (
            r#""devices":[{"path":"/a","type":"a"}]"#,
            "devices[0].type: a: it is none of c, u, b, p",
        ),
        (
            r#""devices":[{"path":"/a","type":"c","minor":1}]"#,
            "devices[0].major: it is missing",
        ),
        (
            r#""rootfsPropagation":"x""#,
            "rootfsPropagation: x: it is none of , shared, slave, private, unbindable, rshared, rslave, rprivate, \
             runbindable",
        ),
        (
            r#""intelRdt":{"a":1}"#,
            "intelRdt: mydocker does not have it",
        ),
        (
            r#""memoryPolicy":{"mode":"MPOL_BIND"}"#,
            "memoryPolicy: mydocker does not have it",
        ),
        (
            r#""personality":{"domain":"LINUX","flags":["x"]}"#,
            "personality.flags: mydocker does not have it",
        ),
        (r#""personality":{}"#, "personality.domain: it is missing"),
        (
            r#""resources":{"memory":{"limit":"1"}}"#,
            "resources.memory.limit: it is to be a whole number",
        ),
        (
            r#""resources":{"memory":{"limit":1.0}}"#,
            "resources.memory.limit: 1.0: it is to be a whole number",
        ),
        (
            r#""resources":{"memory":{"limit":9223372036854775808}}"#,
            "resources.memory.limit: 9223372036854775808: it is to be from -9223372036854775808 to \
             9223372036854775807",
        ),
        (
            r#""resources":{"rdma":{"mlx5_1":{"hcaHandles":3}}}"#,
            "resources.rdma: mydocker does not have it",
        ),
        (
            r#""resources":{"devices":[{"allow":false}]}"#,
            "resources.devices[0].access: it is missing",
        ),
        (
            r#""resources":{"devices":[{"access":"rx"}]}"#,
            "resources.devices[0].access: rx: it is to be of r, w and m",
        ),
        (
            r#""resources":{"devices":[{"access":"r","major":-2}]}"#,
            "resources.devices[0].major: -2: it is to be from -1 to 4294967295",
        ),
        (
            r#""resources":{"hugepageLimits":[{"pageSize":"../2MB","limit":1}]}"#,
            "resources.hugepageLimits[0].pageSize: ../2MB: it is to be a number and KB, MB or GB",
        ),
        (
            r#""resources":{"network":{"priorities":[{"name":"a"}]}}"#,
            "resources.network.priorities[0].priority: it is missing",
        ),
        (
            r#""resources":{"blockIO":{"throttleReadBpsDevice":[{"major":1,"rate":1}]}}"#,
            "resources.blockIO.throttleReadBpsDevice[0].minor: it is missing",
        ),
        (
            r#""seccomp":{"syscalls":[{"names":["a"],"action":"A"}]}"#,
            "seccomp.defaultAction: it is missing",
        ),
        (
            r#""seccomp":{"defaultAction":"A","syscalls":[{"names":[],"action":"A"}]}"#,
            "seccomp.syscalls[0].names: there is to be at least one",
        ),
        (
            r#""seccomp":{"defaultAction":"A","syscalls":[{"names":["a"],"action":"A","args":[{"index":6}]}]}"#,
            "seccomp.syscalls[0].args[0].index: 6: it is to be from 0 to 5",
        ),
    ] {
        let error = with_linux(more).unwrap_err();
        assert_eq!(error, format!("config.json: linux.{message}"), "{more}");
    }
}
