//! In a network of its own every user of a container may ping and bind every port, as with docker.

use crate::common::tree::*;
use crate::common::*;

const SCRIPT: &str =
    "cd /proc/sys/net/ipv4; cat ip_unprivileged_port_start ping_group_range | tr '\\t' ' '";

#[test]
fn a_new_network_is_open_to_its_users() {
    let hosts = std::fs::read_to_string("/proc/sys/net/ipv4/ip_unprivileged_port_start");
    let hosts = hosts.expect("a setting");
    each(|case, tree| {
        for (options, groups) in [
            (&[][..], ["0 2147483647", "0 0"]),
            (&["-u=1234:555"], ["0 2147483647", "555 555"]),
            (&["--pid=host"], ["0 2147483647", "0 0"]),
            (&["--init"], ["0 2147483647", "0 0"]),
            (&["--privileged"], ["0 2147483647", "0 0"]),
            (&["--userns=auto"], ["0 65535", ""]),
        ] {
            let groups = groups[usize::from(case.caller == Caller::Ordinary)];
            if groups.is_empty() {
                continue;
            }
            let expected = format!("0\n{groups}\n");
            assert_eq!(tree.says(options, SCRIPT), expected, "{case} {options:?}");
            let outcome = case.run(options, &["/bin/sh", "-c", SCRIPT]);
            assert_eq!(outcome.output(case), expected, "{case} {options:?}");
        }
        let script = "cat /proc/sys/net/ipv4/ip_unprivileged_port_start";
        assert_eq!(tree.says(&["--network=host"], script), hosts, "{case}");
    });
}
