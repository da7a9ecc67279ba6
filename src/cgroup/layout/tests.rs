//! Layouts of hosts, by copies of their files.

use super::*;

fn place(layout: &Layout<'_>, controller: Controller) -> Option<String> {
    let hierarchy = layout.v1_of(controller).or(layout.v2.as_ref())?;
    let mount = layout.mounts(hierarchy).next()?;
    Some(format!(
        "{} {}",
        mount.point.to_str().unwrap(),
        mount.own?.to_str().unwrap()
    ))
}

fn at(place: &str) -> Option<String> {
    Some(place.to_owned())
}

#[test]
fn v2_alone() {
    let layout = Layout::new(
        b"24 30 0:22 / /proc rw,nosuid - proc proc rw\n\
          29 23 0:26 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:9 - cgroup2 cgroup2 rw,nsdelegate\n",
        b"0::/user.slice/user-1000.slice/session-2.scope\n",
    );
    assert!(layout.v1.is_empty());
    let own = "/user.slice/user-1000.slice/session-2.scope";
    for controller in Controller::ALL {
        assert_eq!(
            place(&layout, controller),
            at(&format!("/sys/fs/cgroup {own}"))
        );
    }
    let v2 = layout.v2.as_ref().unwrap();
    assert!(layout.mounts(v2).next().unwrap().writable);
}

#[test]
fn both_beside_each_other() {
    let layout = Layout::new(
        b"31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,size=12342044k,mode=755\n\
          32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu\n\
          33 31 0:30 / /sys/fs/cgroup/cpuacct rw,relatime - cgroup cgroup rw,cpuacct\n\
          35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n\
          36 31 0:33 / /sys/fs/cgroup/devices rw,relatime - cgroup cgroup rw,devices\n\
          41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n",
        b"9:name=systemd:/\n8:pids:/\n5:devices:/\n4:memory:/process_api/d6ae\n2:cpuacct:/\n1:cpu:/\n0::/\n",
    );
    let found = |controller| place(&layout, controller);
    assert_eq!(
        found(Controller::Memory),
        at("/sys/fs/cgroup/memory /process_api/d6ae")
    );
    assert_eq!(found(Controller::Cpu), at("/sys/fs/cgroup/cpu "));
    // Bound to a hierarchy that no one has mounted: v2 does not have it either.
    assert_eq!(found(Controller::Pids), None);
    // Not bound to v1, so v2 may have it.
    assert_eq!(found(Controller::Io), at("/sys/fs/cgroup/unified "));
}

#[test]
fn v1_with_controllers_together_and_elsewhere() {
    let layout = Layout::new(
        b"30 25 0:26 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid shared:11 - cgroup cgroup rw,cpuacct,cpu\n\
          31 25 0:27 / /dev/my\\040memcg rw - cgroup none rw,memory\n",
        b"5:cpu,cpuacct:/system.slice\n4:memory:/\n",
    );
    for controller in [Controller::Cpu, Controller::CpuAccounting] {
        assert_eq!(
            place(&layout, controller),
            at("/sys/fs/cgroup/cpu,cpuacct /system.slice")
        );
    }
    assert_eq!(layout.v1.len(), 2);
    assert_eq!(place(&layout, Controller::Memory), at("/dev/my memcg "));
    assert!(layout.v2.is_none());
    assert_eq!(place(&layout, Controller::Io), None);
}

#[test]
fn in_a_container_whose_mounts_begin_at_its_own_cgroup() {
    // docker's, without a cgroup namespace: read-only, and once more writable.
    let layout = Layout::new(
        b"700 690 0:27 /docker/5a9 /sys/fs/cgroup/memory ro,nosuid master:9 - cgroup cgroup rw,memory\n\
          701 690 0:27 /docker/5a9 /mnt rw - cgroup cgroup rw,memory\n\
          702 690 0:28 /docker/other /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n\
          703 690 0:29 /docker/5 /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n",
        b"3:cpu:/docker/5a9\n2:pids:/docker/5a9\n1:memory:/docker/5a9/inner\n",
    );
    assert_eq!(place(&layout, Controller::Memory), at("/mnt /inner"));
    let memory = layout.v1_of(Controller::Memory).unwrap();
    let writable: Vec<bool> = layout.mounts(memory).map(|mount| mount.writable).collect();
    assert_eq!(writable, [true, false]);
    assert_eq!(place(&layout, Controller::Pids), None);
    assert_eq!(
        place(&layout, Controller::Cpu),
        None,
        "another with a like name"
    );
}

#[test]
fn in_a_cgroup_namespace() {
    let own = b"0::/\n";
    let layout = Layout::new(b"1 2 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup rw\n", own);
    assert_eq!(place(&layout, Controller::Memory), at("/sys/fs/cgroup "));
    // Mounted outside of the namespace.
    let layout = Layout::new(
        b"1 2 0:26 /../.. /sys/fs/cgroup rw - cgroup2 cgroup rw\n",
        own,
    );
    assert_eq!(place(&layout, Controller::Memory), None);
    // Someone has moved us out of it.
    let layout = Layout::new(
        b"1 2 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup rw\n",
        b"0::/../sibling\n",
    );
    assert_eq!(place(&layout, Controller::Memory), None);
    // A name that only begins like that.
    let layout = Layout::new(
        b"1 2 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup rw\n",
        b"0::/..x\n",
    );
    assert_eq!(
        place(&layout, Controller::Memory),
        at("/sys/fs/cgroup /..x")
    );
}

#[test]
fn the_usual_places() {
    let beside = b"9:name=systemd:/\n4:memory:/a\n2:cpu,cpuacct:/\n0::/\n";
    let text = usual(beside);
    let layout = Layout::assumed(&text, beside);
    assert!(layout.assumed);
    let found = |controller| place(&layout, controller);
    assert_eq!(found(Controller::Memory), at("/sys/fs/cgroup/memory /a"));
    assert_eq!(found(Controller::Cpu), at("/sys/fs/cgroup/cpu,cpuacct "));
    assert_eq!(found(Controller::Io), at("/sys/fs/cgroup/unified "));
    let alone = b"0::/a b\n";
    let text = usual(alone);
    let layout = Layout::assumed(&text, alone);
    assert_eq!(
        place(&layout, Controller::Memory),
        at("/sys/fs/cgroup /a b")
    );
}

#[test]
fn nothing_and_nonsense() {
    let layout = Layout::new(b"", b"");
    assert!(layout.v1.is_empty() && layout.v2.is_none());
    let layout = Layout::new(
        b"1 2 0:26 / /x rw\n- cgroup2\n1 2 3 4 5 6 - cgroup2\n\xff\xfe\n1 2 0:1 / / rw - ext4 a rw\n",
        b"0::/\nx\n::\n1:memory\n",
    );
    assert!(layout.v1.is_empty());
    let v2 = layout.v2.as_ref().unwrap();
    assert_eq!(layout.mounts(v2).count(), 0);
}
