//! The container's own names, network and settings.

use super::telling::{Blank, Told};
use crate::field::Field;
use crate::hint::Doing;
use crate::spec::Namespace;
use crate::sys::capability::{NET_ADMIN, SYS_ADMIN};
use std::ffi::CStr;

impl<'p> Blank<'p> {
    pub fn network_from_pool(self) -> Told<'p> {
        self.says("enter a network namespace of the pool (setns)", b"")
            .hint(Doing::MakeNamespace("net"))
            .takes(SYS_ADMIN)
            .why(
                "One that the pool has ready, used by no one before, its loopback up; if it has none, one is made here. \
                 Making one is a third to a half of a start. setns(2). Late, so that the pool has had time to answer; \
                 with a root of its own before that, for a sysfs shows the devices of the namespace that it is mounted \
                 in.",
            )
    }

    pub fn network_beside(self) -> Told<'p> {
        self.says("enter the network namespace made meanwhile (setns)", b"")
            .hint(Doing::MakeNamespace("net"))
            .takes(SYS_ADMIN)
            .why(
                "If a processor was idle, a process of mydocker's has made it there since the clone, which would have taken \
                 longer by it: a quarter of a start. It has set up the loopback, too, and ends with the start. Else the \
                 clone has made it, or it is made here. Before a sysfs is mounted, which shows the devices of the namespace that it is mounted in. By the \
                 process's pidfd: setns(2), Linux 5.8",
            )
    }

    pub fn join_namespace(self, namespace: Namespace, name: &CStr) -> Told<'p> {
        let object = [namespace.name().as_bytes(), b" namespace ", name.to_bytes()].concat();
        let named = self
            .says("join", &object)
            .hint(Doing::JoinNamespace)
            .takes(SYS_ADMIN)
            .has_conditions_of_its_own();
        match namespace {
            Namespace::Network => named.why(
                "mydocker has opened it before anything was made. Its interfaces, addresses and settings are another's, and \
                 stay as they are: no loopback is set up. Before a sysfs is mounted, which shows the devices of the \
                 namespace that it is mounted in. setns(2)",
            ),
            Namespace::User => named.why(
                "First of all that is joined: it gives the rights to join the others, which it owns. setns(2)",
            ),
            Namespace::Mount => named.why(
                "Last of all that is joined: root and working directory are the namespace's own from here on. setns(2)",
            ),
            Namespace::Pid
            | Namespace::Uts
            | Namespace::Ipc
            | Namespace::Cgroup
            | Namespace::Time => {
                named.why("mydocker has opened it before anything was made. setns(2)")
            }
        }
    }

    pub fn enter_container(self, namespaces: &[Namespace]) -> Told<'p> {
        let names: Vec<&str> = namespaces
            .iter()
            .map(|namespace| namespace.name())
            .collect();
        let object = format!("the container's namespaces ({})", names.join(", "));
        self.says("enter", object.as_bytes())
            .hint(Doing::EnterContainer)
            .takes(SYS_ADMIN)
            .has_conditions_of_its_own()
            .why(
                "All at once, by the pidfd of the container's process: what may be entered is asked once, with the caller's                  rights, and no number of a process can have become another's. The PID namespace is for the process that                  is born next. setns(2), Linux 5.8",
            )
    }

    pub fn change_root(self) -> Told<'p> {
        self.says("change root to", b"that of the container's process").why(
            "A container without a root of its own has its caller's, which a chroot may have confined to a part of what the              mount namespace has. chroot(2)",
        )
    }

    pub fn host_name(self, name: &[u8]) -> Told<'p> {
        self.says("sethostname", name).takes(SYS_ADMIN).explained(|page, _| {
            page.why(&format!(
                "In the new UTS namespace: the host keeps its own. Without {} it is another one at each start. \
                 sethostname(2)",
                Field::HostName
            ));
        })
    }

    pub fn domain_name(self, name: &[u8]) -> Told<'p> {
        self.says("setdomainname", name).why(
            "In the new UTS namespace, as the host name. Programs of NIS ask for it, and some mail programs. \
             setdomainname(2)",
        )
    }

    pub fn sysctl(self, path: &CStr, value: &[u8]) -> Told<'p> {
        let file = [b"/proc/sys/", path.to_bytes()].concat();
        self.says_for(Field::Sysctl, ": write", &file)
            .why(
                "A setting that each network or IPC namespace has for itself; the host's stays. By the container's new \
                 proc, before /proc/sys is read-only, and following no link. sysctl(8)",
            )
            .foreign("value", value)
    }

    pub fn loopback_up(self) -> Told<'p> {
        self.says("set up network interface", b"lo")
            .takes(NET_ADMIN)
            .why(
                "A new network namespace has its loopback down, and programs that talk to 127.0.0.1 are many: ioctl(2) \
                 SIOCSIFFLAGS, netdevice(7).",
            )
    }

    pub fn open_network(self, groups: &[u8]) -> Told<'p> {
        self.says("open the network to all users by", b"/proc/sys/net/ipv4")
            .why(
                "As docker has it: the network is the container's own, so every user of it may bind ports below 1024 \
                 (ip_unprivileged_port_start) and ping without a raw socket (ping_group_range). By the files of its new \
                 proc, which show the network namespace of whoever opens them, before /proc/sys is read-only. A kernel \
                 without them, or where they cannot be written, is forgiven. ip(7), icmp(7)",
            )
            .foreign("groups that may ping", groups)
    }
}
