use super::*;
use crate::sys::device::Device;

#[test]
fn what_runc_understands_as_well() {
    let read = read_resources(
        br#"{"devices":[{"allow":false,"access":"rwa"}],"hugepageLimits":[{"pagesize":"2MB","limit":1}]}"#,
    );
    let resources = read.unwrap();
    let rule = &resources.devices[0];
    assert_eq!((rule.read, rule.write, rule.make), (true, true, false));
    assert_eq!(resources.huge_pages.len(), 1);
}

#[test]
fn all_resources() {
    let resources = read_resources(
        br#"{"devices":[{"allow":false,"access":"rwm"},{"allow":true,"type":"c","major":1,"minor":-1,"access":"rm"}],
        "memory":{"limit":1,"reservation":2,"swap":-1,"kernel":4,"kernelTCP":5,"swappiness":18446744073709551615,
            "disableOOMKiller":true,"useHierarchy":false,"checkBeforeUpdate":true},
        "cpu":{"shares":1,"quota":-1,"burst":3,"period":4,"realtimeRuntime":5,"realtimePeriod":6,"cpus":"0-1",
            "mems":"","idle":1},
        "pids":{"limit":-1},
        "blockIO":{"weight":10,"leafWeight":11,"weightDevice":[{"major":8,"minor":0,"weight":500}],
            "throttleReadBpsDevice":[{"major":8,"minor":0,"rate":600}],
            "throttleWriteIOPSDevice":[{"major":8,"minor":16,"rate":300}]},
        "hugepageLimits":[{"pageSize":"2MB","limit":209715200}],
        "network":{"classID":1048577,"priorities":[{"name":"eth0","priority":500}]},
        "rdma":{},"unified":{"memory.high":"max"}}"#,
    );
    let rule = |allow, kind, major, letters: [bool; 3]| DeviceRule {
        allow,
        kind,
        major,
        minor: None,
        read: letters[0],
        write: letters[1],
        make: letters[2],
    };
    let device = |minor| Device { major: 8, minor };
    let expected = Resources {
        devices: vec![
            rule(false, None, None, [true; 3]),
            rule(
                true,
                Some(DeviceKind::Character),
                Some(1),
                [true, false, true],
            ),
        ],
        memory: Memory {
            limit: Some(1),
            reservation: Some(2),
            swap: Some(-1),
            kernel: Some(4),
            kernel_tcp: Some(5),
            swappiness: Some(u64::MAX),
            disable_oom_killer: Some(true),
            use_hierarchy: Some(false),
            check_before_update: Some(true),
        },
        cpu: Cpu {
            shares: Some(1),
            quota: Some(-1),
            burst: Some(3),
            period: Some(4),
            realtime_runtime: Some(5),
            realtime_period: Some(6),
            processors: Some("0-1".into()),
            memory_nodes: None,
            idle: Some(1),
        },
        processes: Some(-1),
        block_io: BlockIo {
            weight: Some(10),
            leaf_weight: Some(11),
            weights: vec![DeviceWeight {
                device: device(0),
                weight: Some(500),
                leaf_weight: None,
            }],
            throttles: vec![
                Throttle {
                    device: device(0),
                    of: Throttled::ReadBytes,
                    rate: 600,
                },
                Throttle {
                    device: device(16),
                    of: Throttled::WriteOperations,
                    rate: 300,
                },
            ],
        },
        huge_pages: vec![("2MB".into(), 209_715_200)],
        network: Network {
            class: Some(0x10_0001),
            priorities: vec![("eth0".into(), 500)],
        },
        unified: vec![("memory.high".into(), "max".into())],
    };
    assert_eq!(resources.unwrap(), expected);
}

#[test]
fn a_filter() {
    let linux = with_linux(
        r#""seccomp":{"defaultAction":"SCMP_ACT_ERRNO","defaultErrnoRet":38,"architectures":["SCMP_ARCH_X86_64"],
        "flags":[],"listenerPath":"/run/a","listenerMetadata":"m","syscalls":[{"names":["read","write"],
        "action":"SCMP_ACT_ALLOW","errnoRet":1,"args":[{"index":5,"value":18446744073709551615,"valueTwo":2,
        "op":"SCMP_CMP_EQ"}]}]}"#,
    );
    let expected = Seccomp {
        default_action: "SCMP_ACT_ERRNO".into(),
        default_errno: Some(38),
        architectures: vec!["SCMP_ARCH_X86_64".into()],
        flags: Some(Vec::new()),
        listener_path: Some(c"/run/a".into()),
        listener_metadata: Some("m".into()),
        rules: vec![SeccompRule {
            names: vec!["read".into(), "write".into()],
            action: "SCMP_ACT_ALLOW".into(),
            errno: Some(1),
            conditions: vec![SeccompCondition {
                index: 5,
                value: u64::MAX,
                second: 2,
                operator: "SCMP_CMP_EQ".into(),
            }],
        }],
    };
    assert_eq!(linux.unwrap().seccomp, Some(expected));
}
